"""Sources: how each is judged and polled, how its last run went, and what holds it up."""

from datetime import datetime

from comity.node.people import ADMIN, ROLES
from comity.node.sources import OF_PARTNER, SourceView
from comity.web.api.operation import Ask, Operation, Told, at
from comity.web.ui.sources import health_of, turn


class Run(Told, frozen=True, kw_only=True):
    """How the last poll went."""

    began_at: datetime | None
    ended_at: datetime | None
    pages: int
    stored: int
    duplicates: int
    conflicts: int
    rejected: int
    findings: int
    remarks: list[str]
    error: str


class Polled(Told, frozen=True, kw_only=True):
    """How a source is polled; the secret itself is told to nobody."""

    url: str
    collections: list[str]
    into: str
    every_seconds: int | None
    user: str
    paused: bool
    next_at: datetime | None
    attempts: int
    last_error: str


class SourceOf(Told, frozen=True, kw_only=True):
    """A source, and how it does: `health` is good, note, warn, bad or idle, and `why` says why in a word."""

    name: str
    kind: str
    partner: str
    strict: bool
    default_marking: str
    labels_are_markings: bool
    publish: str
    health: str
    why: str
    paused_for: str
    poll: Polled | None
    last_run: Run | None


class Sources(Told, frozen=True, kw_only=True):
    """Every source."""

    items: list[SourceOf]


def _told(ask: Ask, view: SourceView) -> SourceOf:
    name = view.source.name
    names = {one.id: one.name for one in ask.node.partners()} if name.startswith(OF_PARTNER) else {}
    health = health_of(ask.visit, view)
    return SourceOf(
        name=name,
        kind=view.source.kind,
        partner=names.get(name.removeprefix(OF_PARTNER), ""),
        strict=view.source.strict,
        default_marking=view.source.default_marking,
        labels_are_markings=view.source.labels_are_markings,
        publish=view.source.publish,
        health=health.state,
        why=health.why,
        paused_for=view.pace.words,
        poll=_polled(view, health.next_at),
        last_run=_run(view),
    )


def _polled(view: SourceView, next_at: int | None) -> Polled | None:
    poll, job = view.poll, view.job
    if poll is None:
        return None
    return Polled(
        url=poll.url,
        collections=list(poll.collections),
        into=poll.into,
        every_seconds=poll.every_seconds,
        user=poll.user,
        paused=poll.paused,
        next_at=at(next_at),
        attempts=0 if job is None else job.attempts,
        last_error="" if job is None else job.last_error,
    )


def _run(view: SourceView) -> Run | None:
    last = view.last
    if last is None:
        return None
    return Run(
        began_at=at(last.began_at),
        ended_at=at(last.ended_at or None),
        pages=last.pages,
        stored=last.stored,
        duplicates=last.duplicates,
        conflicts=last.conflicts,
        rejected=last.rejected,
        findings=last.findings,
        remarks=list(last.remarks),
        error=last.error,
    )


def listing(ask: Ask) -> Sources:
    """Every source with how it does."""
    return Sources(items=[_told(ask, ask.node.source(one.name)) for one in ask.node.sources()])


def show(ask: Ask) -> SourceOf:
    """One of them."""
    return _told(ask, ask.node.source(ask.path["source"]))


def pause(ask: Ask) -> SourceOf:
    """It is polled no more."""
    return _told(ask, turn(ask.node, ask.path["source"], "paused"))


def resume(ask: Ask) -> SourceOf:
    """It is polled again, and what paused it for its pace is over."""
    return _told(ask, turn(ask.node, ask.path["source"], "resumed"))


def poll(ask: Ask) -> SourceOf:
    """It is due now, and the next free worker polls it."""
    return _told(ask, turn(ask.node, ask.path["source"], "started"))


_ALL, _ADMIN = frozenset(ROLES), frozenset({ADMIN})
_ONE = "/sources/{source}"
OPERATIONS = (
    Operation("GET", "/sources", listing, _ALL, "Where things come from, and how that goes", Sources),
    Operation("GET", _ONE, show, _ALL, "One of them", SourceOf),
    Operation("POST", f"{_ONE}/pause", pause, _ADMIN, "Poll it no more", SourceOf),
    Operation("POST", f"{_ONE}/resume", resume, _ADMIN, "Poll it again", SourceOf),
    Operation("POST", f"{_ONE}/poll", poll, _ADMIN, "Poll it as soon as may be", SourceOf),
)
