"""Every operation that there is. A new one is a function in a module beside this, in its OPERATIONS; a new module
stands in _ROOMS. Routes, the description and the reference follow this table."""

from comity.node.people import ROLES
from comity.web.answer import JSON_TYPE, Answer
from comity.web.api import (
    account,
    administration,
    approvals,
    around,
    attachments,
    batches,
    drafts,
    imports,
    ledger,
    objects,
    partners,
    policy,
    recalls,
    release,
    searches,
    sources,
)
from comity.web.api.answering import Resource
from comity.web.api.openapi import description
from comity.web.api.operation import Ask, Operation

_ROOMS = (
    objects, around, attachments, searches, drafts, imports, batches, release, partners, policy, approvals, recalls,
    ledger, sources, administration, account,
)  # fmt: skip


def openapi(ask: Ask) -> Answer:
    """What this table says, as OpenAPI 3.1."""
    return Answer(description(OPERATIONS), media_type=JSON_TYPE)


OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/openapi.json", openapi, frozenset(ROLES), "This description", dict),
    *(one for room in _ROOMS for one in room.OPERATIONS),
)


def _by_path() -> dict[str, Resource]:
    found: dict[str, dict[str, Operation]] = {}
    for one in OPERATIONS:
        there = found.setdefault(one.template, {})
        assert one.method not in there, one
        there[one.method] = one
    return dict(found)


RESOURCES = _by_path()
"""By path, and by method."""
