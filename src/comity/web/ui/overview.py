"""The first page: what needs this person, how sources and partners are, what came, and how the ledger stands."""

from collections.abc import Sequence
from dataclasses import dataclass

from comity.errors import NotAuthorized
from comity.interfaces import microseconds
from comity.node import recovery
from comity.node.browsing import Hit
from comity.node.drafts import WRITING, DraftView
from comity.node.jobs import ATTEMPTS_TOLD
from comity.node.people import ADMIN, APPROVING, READING, ROLES, same_person
from comity.node.polling import POLL
from comity.node.proposals import Proposal
from comity.web.answer import Answer
from comity.web.ui.purpose import PURPOSE
from comity.web.ui.search import names_of
from comity.web.ui.visit import Page, Visit
from comity.web.ui.written import title_of

ROWS_SHOWN = 12
"""Of sources and of partners; those that are not well come first."""
RECENT = 8
DAY_US = 24 * 3600 * 1_000_000
BACKUP_DAYS = 7
KINDS = {
    "PolicyChange": "policy",
    "PartnerChange": "partner",
    "ReleaseRequest": "release",
    "Reclassification": "classes",
    "Erasure": "erasure",
}


@dataclass(frozen=True, slots=True)
class Need:
    """Something that waits for a person: `what` chooses the words, `bad` what does not work from what merely waits."""

    what: str
    path: str
    name: str = ""
    count: int = 0
    at: int | None = None
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A source or partner at a glance; `state` is a word that macros know, or empty where all is well."""

    name: str
    state: str
    at: int | None
    path: str


def overview(visit: Visit) -> Answer:
    """The page of `/`."""
    node = visit.node
    reads = visit.may(*READING)
    signed = node.last_signed()
    sources, partners = _sources(visit), _partners(visit)
    needs = sorted(_needs(visit, signed), key=lambda need: not need.bad)
    return visit.page(
        "overview.html",
        needs=needs,
        sources=sources[:ROWS_SHOWN],
        sources_count=len(sources),
        partners=partners[:ROWS_SHOWN],
        partners_count=len(partners),
        arrivals=node.arrivals() if reads else None,
        recent=_recent(visit) if reads else None,
        drafts=_drafts(visit),
        signed=signed,
        names=names_of(visit),
    )


def _recent(visit: Visit) -> Sequence[Hit] | None:
    """The newest objects; None where something in them is read for a purpose alone, which nobody says here (R44)."""
    try:
        return visit.node.browse(limit=RECENT, facets=False).hits
    except NotAuthorized as error:
        if error.where != PURPOSE:
            raise
        return None


def _drafts(visit: Visit) -> Sequence[tuple[DraftView, str]] | None:
    """What this person writes; None for who writes nothing here."""
    if not visit.may(*WRITING):
        return None
    return [(one, title_of(one.type, one.fields)) for one in visit.node.drafts()]


def _needs(visit: Visit, signed: tuple[int, int, int] | None) -> list[Need]:
    found = [_waiting(visit, one) for one in visit.node.waiting()]
    if visit.may(ADMIN):
        found += _of_administrators(visit, signed)
    return [need for need in found if need is not None]


def _waiting(visit: Visit, one: Proposal) -> Need | None:
    """What this person may decide, or asked for."""
    mine = one.asked_by == visit.account.id or same_person(one.asked_person, visit.account.person)
    kind = KINDS[type(one.change).__name__]
    if mine:
        return Need(f"asked-{kind}", "/approvals", at=one.expires_at)
    if visit.may(*APPROVING):
        return Need(f"decide-{kind}", "/approvals", one.asked_name, at=one.expires_at)
    return None


def _of_administrators(visit: Visit, signed: tuple[int, int, int] | None) -> list[Need]:
    node = visit.node
    now = microseconds(node.clock.now())
    found = [
        Need("poll" if job.kind == POLL else "job", "/sources" if job.kind == POLL else "/admin/jobs", job.key)
        for job in node.jobs()
        if job.last_error and job.attempts >= ATTEMPTS_TOLD
    ]
    found = [Need(need.what, need.path, need.name, bad=True) for need in found]
    found += [Need("paused", "/sources", name) for name in node.paused_sources()]
    paused, unused = node.halted()
    found += [Need("capped", "/partners", count=paused)] * bool(paused)
    found += [Need("unused", "/partners", count=unused)] * bool(unused)
    if node.guard.look().trusted is not None:
        found.append(Need("clock", "/admin/jobs", bad=True))
    verified = recovery.last_verified(node)
    if verified is None or now - verified > BACKUP_DAYS * DAY_US:
        found.append(Need("backup", "/admin/jobs", at=verified))
    if signed is not None and signed[0] < signed[2] and now - signed[1] > DAY_US:
        found.append(Need("unsigned", "/ledger", at=signed[1], bad=True))
    return found


def _sources(visit: Visit) -> list[Line]:
    node = visit.node
    paused = node.paused_sources()
    failing = {job.key: job.last_error for job in node.jobs() if job.kind == POLL}
    found = []
    for source in node.sources():
        if source.name.startswith("partner "):
            continue
        at = None
        if source.name in failing:
            last = node.source(source.name).last
            at = last.began_at if last is not None else None
        state = "paused" if source.name in paused else "failed" if failing.get(source.name) else ""
        found.append(Line(source.name, state, at, f"/sources/{source.name}"))
    return sorted(found, key=lambda line: not line.state)


def _partners(visit: Visit) -> list[Line]:
    found = [
        Line(one.name, "paused" if how.paused_until is not None else how.state, how.used_at, f"/partners/{one.name}")
        for one, how in visit.node.standings()
    ]
    return sorted(found, key=lambda line: line.state == "active")


PAGES: tuple[Page, ...] = (Page("/", overview, frozenset(ROLES)),)
