"""Every screen that there is: for everybody, for persons, and the one at `/`."""

from comity.web.ui import (
    account,
    approvals,
    audit,
    jobs,
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
    search,
    signing_in,
    sources,
    tokens,
    writing,
)

_ROOMS = (
    overview, search, writing, objects, preview, publishing, matrix, record, partners, policy, approvals, recalls,
    ledger, sources, account, signing_in, people, tokens, jobs, audit,
)  # fmt: skip
_ALL = tuple(page for room in _ROOMS for page in room.PAGES)

OPEN_PAGES = signing_in.OPEN_PAGES
HOME_PAGE = next(page for page in _ALL if page.template == "/")
PAGES = tuple(page for page in _ALL if page is not HOME_PAGE)
