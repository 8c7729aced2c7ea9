"""What waits for a second person: each with the difference that it makes, approved or rejected by another."""

from comity.errors import ComityError, Conflict, NotFound
from comity.node.node import Node
from comity.node.people import ADMIN, APPROVER, ROLES, same_person
from comity.node.proposals import WAITING, Proposal
from comity.web.answer import Answer
from comity.web.ui.fields import path, refused
from comity.web.ui.visit import Form, Page, Visit

SHOWN = 100


def listing(visit: Visit) -> Answer:
    """What waits; with `all` in the address what was decided or expired too."""
    found = visit.node.proposals()
    waiting = [(one, state) for one, state in found if state == WAITING]
    everything = visit.parameter("all") == "yes"
    rows = found[:SHOWN] if everything else waiting
    return visit.page(
        "approvals.html", rows=rows, everything=everything, waiting=len(waiting), all=len(found), most=SHOWN
    )


def proposal(visit: Visit) -> Answer:
    """One of them, with its difference."""
    one, state = named(visit.node, visit.call.parameters["proposal"])
    return visit.page("approval.html", error=None, one=one, state=state, mine=is_mine(visit, one))


def approve(visit: Visit, form: Form) -> Answer:
    """What waits is in force, if it is what was looked at."""
    return _decide(visit, form, "approved")


def reject(visit: Visit, form: Form) -> Answer:
    """What waits never takes effect."""
    return _decide(visit, form, "rejected")


def _decide(visit: Visit, form: Form, key: str) -> Answer:
    one, state = named(visit.node, visit.call.parameters["proposal"])
    try:
        done = decided(visit.node, one, form.one("digest"), approves=key == "approved")
    except ComityError as error:
        return refused(visit, "approval.html", error, one=one, state=state, mine=is_mine(visit, one))
    return visit.go(path("approvals", done.id), done=key)


def decided(node: Node, one: Proposal, digest: str, *, approves: bool) -> Proposal:
    """It is approved, or rejected. Conflict where it is not what was looked at."""
    if digest != one.digest:
        raise Conflict("This is not what was looked at.", where="digest", rule="R14", hint="Look at it again.")
    return node.approve(one.id) if approves else node.reject(one.id)


def named(node: Node, id: str) -> tuple[Proposal, str]:
    """What was asked for under that id, and its state. NotFound where there is none."""
    for one, state in node.proposals():
        if one.id == id:
            return one, state
    raise NotFound(f"Nothing called {id[:40]!r} was ever asked for.", where="id", hint="See what waits: /approvals")


def is_mine(visit: Visit, one: Proposal) -> bool:
    """Whether the same person asked for it: then another has to look at it."""
    return one.asked_by == visit.account.id or same_person(one.asked_person, visit.account.person)


_ALL = frozenset(ROLES)
PAGES = (
    Page("/approvals", listing, _ALL),
    Page("/approvals/{proposal}", proposal, _ALL),
    Page("/approvals/{proposal}/approve", act=approve, acts=frozenset((ADMIN, APPROVER)), fields=("digest",)),
    Page("/approvals/{proposal}/reject", act=reject, acts=_ALL, fields=("digest",)),
)
