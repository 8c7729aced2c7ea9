"""What waits for a second person: each with the difference that it makes, approved or rejected by another."""

from datetime import datetime
from typing import Any

from comity.node.people import ADMIN, APPROVER, ROLES
from comity.node.proposals import WAITING, Proposal
from comity.web.api.operation import Ask, Given, Operation, Told, at
from comity.web.ui.approvals import SHOWN, decided, is_mine, named
from comity.web.ui.overview import KINDS


class Approval(Told, frozen=True, kw_only=True):
    """A change that somebody asked for, with its difference as it was shown. An approval names its `digest`. `mine`:
    the caller asked for it, so that another has to look at it. `caution` casts a doubt on the second pair of eyes."""

    id: str
    kind: str
    words: str
    state: str
    digest: str
    difference: dict[str, Any]
    asked_by: str
    asked_at: datetime | None
    expires_at: datetime | None
    decided_by: str
    decided_at: datetime | None
    caution: str
    mine: bool


class Approvals(Told, frozen=True, kw_only=True):
    """What waits, or all of it; `more` was asked for earlier."""

    items: list[Approval]
    more: bool


class Wanted(Given, frozen=True, kw_only=True):
    """What waits; with `all` what was decided or expired too."""

    all: bool = False


class Looked(Given, frozen=True, kw_only=True):
    """The digest of what was looked at."""

    digest: str


def _told(ask: Ask, one: Proposal, state: str) -> Approval:
    return Approval(
        id=one.id,
        kind=KINDS[type(one.change).__name__],
        words=one.change.words,
        state=state,
        digest=one.digest,
        difference=one.told,
        asked_by=one.asked_name,
        asked_at=at(one.asked_at),
        expires_at=at(one.expires_at),
        decided_by=one.decided_name,
        decided_at=at(one.decided_at),
        caution=one.caution,
        mine=is_mine(ask.visit, one),
    )


def listing(ask: Ask) -> Approvals:
    """What waits for a second person."""
    found = [(one, state) for one, state in ask.node.proposals() if ask.query.all or state == WAITING]
    return Approvals(items=[_told(ask, *one) for one in found[:SHOWN]], more=len(found) > SHOWN)


def show(ask: Ask) -> Approval:
    """One of them."""
    return _told(ask, *named(ask.node, ask.path["proposal"]))


def approve(ask: Ask) -> Approval:
    """It is in force, if it is what was looked at."""
    return _decide(ask, approves=True)


def reject(ask: Ask) -> Approval:
    """It never takes effect."""
    return _decide(ask, approves=False)


def _decide(ask: Ask, *, approves: bool) -> Approval:
    one, _ = named(ask.node, ask.path["proposal"])
    done = decided(ask.node, one, ask.body.digest, approves=approves)
    return _told(ask, done, done.state)


_ALL, _APPROVING = frozenset(ROLES), frozenset((ADMIN, APPROVER))
_ONE = "/approvals/{proposal}"
OPERATIONS = (
    Operation("GET", "/approvals", listing, _ALL, "What waits for a second person", Approvals, Wanted),
    Operation("GET", _ONE, show, _ALL, "One of them", Approval),
    Operation("POST", f"{_ONE}/approve", approve, _APPROVING, "Let it take effect", Approval, body=Looked),
    Operation("POST", f"{_ONE}/reject", reject, _ALL, "Let it not take effect", Approval, body=Looked),
)
