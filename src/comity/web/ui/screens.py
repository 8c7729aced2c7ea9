"""Every screen that there is: for everybody, for persons, and the one at `/`."""

from comity.web.ui import (
    account,
    approvals,
    attachments,
    audit,
    bulk,
    graph,
    importing,
    jobs,
    keys,
    ledger,
    matrix,
    objects,
    overview,
    partners,
    people,
    policy,
    preview,
    publishing,
    recalls,
    record,
    saved,
    search,
    signing_in,
    sources,
    tokens,
    writing,
)

_ROOMS = (
    overview, search, saved, importing, writing, bulk, objects, graph, attachments, preview, publishing, matrix, record,
    partners, policy, approvals, recalls, ledger, sources, account, keys, signing_in, people, tokens, jobs, audit,
)  # fmt: skip
_ALL = tuple(page for room in _ROOMS for page in room.PAGES)

OPEN_PAGES = signing_in.OPEN_PAGES
HOME_PAGE = next(page for page in _ALL if page.template == "/")
PAGES = tuple(page for page in _ALL if page is not HOME_PAGE)
