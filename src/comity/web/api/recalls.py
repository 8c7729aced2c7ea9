"""Taking back what left: who had it, how they are told, and whether they have read since."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, structs

from comity.node.people import AUDIT, READING, RELEASER
from comity.node.recalls import RecallView
from comity.release.recall import IDS_MOST
from comity.web.api.changing import DryRun
from comity.web.api.operation import ROOT, Ask, Operation, Purposed, Told, at
from comity.web.ui.recalls import FIELDS, read_order

Named = Annotated[str, Meta(pattern="^[!-~]+$")]


class HadOf(Told, frozen=True, kw_only=True):
    """One version that a recipient had, since when, and what it is told of it."""

    id: str
    version: str
    since: datetime | None
    told: str


class RecipientOf(Told, frozen=True, kw_only=True):
    """Who had some of it: how they are told, what they answered, and whether they have read since."""

    partner: str
    copies: int
    way: str
    answer: str
    read_since: bool
    may_have_new: bool | None
    had: list[HadOf]


class RecallOf(Told, frozen=True, kw_only=True):
    """What was taken back; `ids` are the objects of it that the caller may read, of a single recall."""

    id: str
    kind: str
    reason: str
    note: str
    tlp: str
    by: str
    at: datetime | None
    actor: str
    entry: int
    objects: int
    ids: list[str]
    recipients: list[RecipientOf]


class Recalls(Told, frozen=True, kw_only=True):
    """What was taken back, the newest first."""

    items: list[RecallOf]


class Order(DryRun, frozen=True, kw_only=True):
    """Objects by their ids, or what left by an entry of the ledger (`entry:123`), and why they are taken back."""

    what: Annotated[tuple[Named, ...], Meta(min_length=1, max_length=IDS_MOST)]
    kind: Literal["withdraw", "retract", "narrow", "supersede"]
    reason: Literal["mistake", "wrong-marking", "false-positive", "outdated", "source-request", "legal"]
    note: str = ""
    tlp: str = ""
    by: str = ""


class Recalled(Told, frozen=True, kw_only=True):
    """What was taken back: the id of the recall, None in a dry run; how many objects, and of how many there is another
    version; who had any, those who can answer and those who cannot."""

    id: str | None
    objects: int
    revised: int
    told: list[str]
    cannot_confirm: list[str]


def _told(one: RecallView) -> RecallOf:
    return RecallOf(
        id=one.id,
        kind=one.kind.value,
        reason=one.reason.value,
        note=one.note,
        tlp=one.tlp,
        by=one.replaced_by,
        at=at(one.at),
        actor=one.actor,
        entry=one.entry,
        objects=one.count,
        ids=list(one.objects),
        recipients=[
            RecipientOf(
                partner=each.partner,
                copies=each.copies,
                way=each.way.value,
                answer=each.answer.value,
                read_since=each.read_since,
                may_have_new=each.may_have_new,
                had=[HadOf(id=h.id, version=h.version, since=at(h.since), told=h.told) for h in each.had],
            )
            for each in one.recipients
        ],
    )


def listing(ask: Ask) -> Recalls:
    """What was taken back."""
    return Recalls(items=[_told(one) for one in ask.node.recalls()])


def show(ask: Ask) -> RecallOf:
    """One recall, with every version that each of them had."""
    (found,) = ask.node.recalls(ask.path["recall"])
    return _told(found)


def make(ask: Ask) -> Recalled:
    """It is taken back, and whoever had it is on record."""
    given: Order = ask.body
    values = structs.asdict(given) | {"what": " ".join(given.what)}
    what, order = read_order({name: str(values[name]).strip() for name in FIELDS})
    done = ask.node.recall(what, order, dry_run=given.dry_run)
    return Recalled(
        id=done.id or None,
        objects=done.objects,
        revised=done.revised,
        told=list(done.told),
        cannot_confirm=list(done.cannot_confirm),
    )


_TOLD = frozenset((*READING, AUDIT))
OPERATIONS = (
    Operation("GET", "/recalls", listing, _TOLD, "What was taken back", Recalls, Purposed),
    Operation(
        "POST", "/recalls", make, frozenset({RELEASER}), "Take something back", Recalled,
        body=Order, status=201, location=f"{ROOT}/recalls/{{id}}",
    ),
    Operation("GET", "/recalls/{recall}", show, _TOLD, "One recall", RecallOf, Purposed),
)  # fmt: skip
