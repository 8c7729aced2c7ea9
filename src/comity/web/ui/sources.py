"""Sources: how each is judged and polled, how its last run went, and what holds it up."""

from dataclasses import dataclass
from datetime import timedelta

from comity.errors import ComityError, Conflict
from comity.interfaces import microseconds
from comity.node.jobs import PARKED_AT
from comity.node.node import Node
from comity.node.people import ADMIN, ROLES
from comity.node.sources import OF_PARTNER, SourceView
from comity.web.answer import Answer
from comity.web.ui.fields import number_in, path, refused
from comity.web.ui.visit import Form, Page, Visit

ROWS, ROWS_MOST = 50, 100_000
LATE = timedelta(minutes=10)
"""A poll that is due for so long has no worker."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a source does: `state` is good, warn, bad or idle, and `why` a word that the page has a sentence for.
    `next_at` is when it is polled next (microseconds since 1970), `partner` whose source it is."""

    view: SourceView
    state: str
    why: str
    next_at: int | None
    partner: str = ""


def health_of(visit: Visit, view: SourceView, partner: str = "") -> Health:
    """How the source does now."""
    job, poll = view.job, view.poll
    parked = job is not None and job.due_at == PARKED_AT
    next_at = None if job is None or parked or (poll is not None and poll.paused) else job.due_at
    state, why = "good", "fine"
    if view.pace.words:
        state, why = "warn", "pace"
    elif poll is None:
        state, why = "idle", "not-polled"
    elif poll.paused:
        state, why = "idle", "paused"
    elif parked:
        state, why = "bad", "parked"
    elif (job is not None and job.last_error) or (view.last is not None and view.last.error):
        state, why = "bad", "failed"
    elif next_at is not None and next_at < microseconds(visit.node.clock.now() - LATE):
        state, why = "warn", "late"
    elif view.last is None:
        state, why = "note", "never"
    elif view.last.rejected:
        state, why = "warn", "rejected"
    return Health(view, state, why, next_at, partner)


def listing(visit: Visit) -> Answer:
    """Every source with how it does; those that need somebody first."""
    names = {one.id: one.name for one in visit.node.partners()}
    found = []
    for one in visit.node.sources():
        partner = names.get(one.name.removeprefix(OF_PARTNER), "") if one.name.startswith(OF_PARTNER) else ""
        found.append(health_of(visit, visit.node.source(one.name), partner))
    order = {"bad": 0, "warn": 1}
    found.sort(key=lambda one: order.get(one.state, 2))
    at = number_in(visit.parameter("at"), "at", most=ROWS_MOST)
    return visit.page(
        "sources.html",
        rows=found[at : at + ROWS],
        trouble=sum(one.state in order for one in found),
        first=path("sources") if at else "",
        next=path("sources", at=str(at + ROWS)) if at + ROWS < len(found) else "",
    )


def source(visit: Visit) -> Answer:
    """One source."""
    return _page(visit)


def _page(visit: Visit, error: ComityError | None = None) -> Answer:
    view = visit.node.source(visit.call.parameters["source"])
    health = health_of(visit, view)
    if error is not None:
        return refused(visit, "source.html", error, one=view, health=health)
    return visit.page("source.html", one=view, health=health, error=None)


def pause(visit: Visit, _form: Form) -> Answer:
    """The source is polled no more."""
    return _turn(visit, "paused")


def resume(visit: Visit, _form: Form) -> Answer:
    """The source is polled again, and what paused it for its pace is over."""
    return _turn(visit, "resumed")


def poll(visit: Visit, _form: Form) -> Answer:
    """The source is due now, and the next free worker polls it: a run may take longer than a page should."""
    return _turn(visit, "started")


def _turn(visit: Visit, key: str) -> Answer:
    name = visit.call.parameters["source"]
    try:
        turn(visit.node, name, key)
    except ComityError as error:
        return _page(visit, error)
    return visit.go(path("sources", name), done=key)


def turn(node: Node, name: str, key: str) -> SourceView:
    """The source was `paused`, `resumed`, or a poll of it `started`. Conflict where it is not polled."""
    view = node.source(name)
    if key == "started" and (view.poll is None or view.poll.paused or view.pace.words):
        raise Conflict(f"{name} is not polled now.", where="source", hint="Resume it first.")
    return node.pause_source(name, paused=key == "paused")


_ALL, _ADMIN = frozenset(ROLES), frozenset({ADMIN})
PAGES = (
    Page("/sources", listing, _ALL),
    Page("/sources/{source}", source, _ALL),
    Page("/sources/{source}/pause", act=pause, acts=_ADMIN),
    Page("/sources/{source}/resume", act=resume, acts=_ADMIN),
    Page("/sources/{source}/poll", act=poll, acts=_ADMIN),
)
