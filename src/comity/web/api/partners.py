"""Partners and clients: who may be given what, how they stand, and the steps that change it."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType, structs

from comity.errors import Invalid
from comity.node.deliveries import Standing
from comity.node.node import Node
from comity.node.people import ADMIN, ROLES
from comity.node.recipients import CAP_MOST, DATES, Partner
from comity.web.api.changing import Difference, DryRun, Instant, instant_of_given, told_of
from comity.web.api.operation import ROOT, Ask, Given, Operation, Told, at

Cap = Annotated[int, Meta(ge=1, le=CAP_MOST)] | None
Level = Literal["clear", "green", "amber", "amber+strict"]


# -- told --------------------------------------------------------------------------------------------------------------
class PartnerOf(Told, frozen=True, kw_only=True):
    """What is on record of a partner or client; `state` is what was decided. Offered is what was published from
    `history_from` on: None is from activation on, the first instant of 1970 is all. `jurisdictions` of None were
    declared by nobody."""

    id: str
    name: str
    relation: str
    state: str
    country: str
    sectors: list[str]
    groups: list[str]
    cybersecurity: bool
    max_tlp: str
    agreement_from: datetime | None
    agreement_until: datetime | None
    jurisdictions: list[str] | None
    declared_by: str
    organisation_boundary: str
    service: str
    service_from: datetime | None
    service_until: datetime | None
    contact: str
    need_to_know: str
    commercial: bool
    history_from: datetime | None
    activated_at: datetime | None
    checked_by: str
    cap_objects_hour: int | None
    cap_bytes_hour: int | None
    cap_objects_day: int | None
    cap_bytes_day: int | None


class AmountOf(Told, frozen=True, kw_only=True):
    """So many objects, and the bytes of their bodies."""

    objects: int
    bytes: int


class StandingOf(Told, frozen=True, kw_only=True):
    """How a partner stands now: the state that holds, and why where nobody put it there; when it read last, when it is
    suspended for reading nothing, until when a cap pauses it; what left in this hour and day, and what is usual."""

    name: str
    state: str
    reason: str
    used_at: datetime | None
    unused_from: datetime | None
    paused_until: datetime | None
    hour: AmountOf
    day: AmountOf
    usual_hour: AmountOf | None
    usual_day: AmountOf | None
    unusual: bool


class PartnerRow(Told, frozen=True, kw_only=True):
    """A partner and how it stands."""

    partner: PartnerOf
    standing: StandingOf


class Partners(Told, frozen=True, kw_only=True):
    """Partners and clients, by name."""

    items: list[PartnerRow]


class PartnerChange(Difference, frozen=True, kw_only=True):
    """The partner as it is from now on; as it stays where the change waits, or as it would be in a dry run."""

    partner: PartnerOf


def partner_of(one: Partner) -> PartnerOf:
    """The partner as it is told."""
    facts = structs.asdict(one)
    facts |= {name: at(facts[name]) for name in (*DATES, "activated_at")}
    return msgspec.convert(facts, PartnerOf)


def _standing(name: str, one: Standing) -> StandingOf:
    def amount(found: Any) -> AmountOf:
        return AmountOf(objects=found.objects, bytes=found.bytes)

    return StandingOf(
        name=name,
        state=one.state,
        reason=one.reason,
        used_at=at(one.used_at),
        unused_from=at(one.unused_from),
        paused_until=at(one.paused_until),
        hour=amount(one.hour),
        day=amount(one.day),
        usual_hour=None if one.usual is None else amount(one.usual.hour),
        usual_day=None if one.usual is None else amount(one.usual.day),
        unusual=one.unusual,
    )


class Listed(Given, frozen=True, kw_only=True):
    """A list of all, or of those in one state."""

    state: Literal["", "active", "pending", "planned", "suspended", "expired", "ended"] = ""


def listing(ask: Ask) -> Partners:
    """All partners and clients, or those in one state."""
    wanted = ask.query.state
    found = [(one, how) for one, how in ask.node.standings() if not wanted or how.state == wanted]
    return Partners(
        items=[PartnerRow(partner=partner_of(one), standing=_standing(one.name, how)) for one, how in found]
    )


def show(ask: Ask) -> PartnerOf:
    """One of them."""
    return partner_of(ask.node.partner(ask.path["partner"]))


def standing(ask: Ask) -> StandingOf:
    """How it stands now."""
    one = ask.node.partner(ask.path["partner"])
    return _standing(one.name, ask.node.standing(one.id))


# -- changed -----------------------------------------------------------------------------------------------------------
class Facets(Given, frozen=True, kw_only=True):
    """What may be set of a partner or client; what is left out stays as it is."""

    country: str | UnsetType = UNSET
    sectors: tuple[str, ...] | UnsetType = UNSET
    groups: tuple[str, ...] | UnsetType = UNSET
    cybersecurity: bool | UnsetType = UNSET
    max_tlp: Level | UnsetType = UNSET
    agreement_from: Instant | UnsetType | None = UNSET
    agreement_until: Instant | UnsetType | None = UNSET
    jurisdictions: tuple[str, ...] | UnsetType | None = UNSET
    declared_by: Literal["us", "partner"] | UnsetType = UNSET
    organisation_boundary: Literal["staff", "members"] | UnsetType = UNSET
    service: str | UnsetType = UNSET
    service_from: Instant | UnsetType | None = UNSET
    service_until: Instant | UnsetType | None = UNSET
    contact: str | UnsetType = UNSET
    need_to_know: str | UnsetType = UNSET
    commercial: bool | UnsetType = UNSET
    history_from: Instant | UnsetType | None = UNSET
    cap_objects_hour: Cap | UnsetType = UNSET
    cap_bytes_hour: Cap | UnsetType = UNSET
    cap_objects_day: Cap | UnsetType = UNSET
    cap_bytes_day: Cap | UnsetType = UNSET


class Edited(Facets, frozen=True, kw_only=True):
    """Other facets of a partner, its name among them."""

    name: str | UnsetType = UNSET


class NewPartner(Facets, frozen=True, kw_only=True):
    """A new partner or client."""

    name: str
    relation: Literal["partner", "client"] = "partner"


class Step(DryRun, frozen=True, kw_only=True):
    """A step; who activates says by whom, or how, it was made sure that it is them."""

    step: Literal["activate", "pause", "resume", "end"]
    checked_by: str = ""


def _facets(given: Facets) -> dict[str, Any]:
    found = {name: value for name, value in structs.asdict(given).items() if value is not UNSET}
    return found | {name: instant_of_given(found[name], name) for name in DATES if name in found}


def add(ask: Ask) -> PartnerOf:
    """The partner is there, and is given nothing before it is activated."""
    facets = _facets(ask.body)
    return partner_of(ask.node.add_partner(facets.pop("name"), **facets))


def edit(ask: Ask) -> PartnerChange:
    """Its facets are others, or wait for a second person."""
    changes = _facets(ask.body)
    if not changes:
        raise Invalid("Nothing is to be changed.", where="body", hint="Give a member that is to be another.")
    name = ask.path["partner"]
    return _changed(ask.node, ask.node.change_partner(name, changes, dry_run=ask.query.dry_run))


def step(ask: Ask) -> PartnerChange:
    """The step was taken, or waits for a second person."""
    given: Step = ask.body
    name = ask.path["partner"]
    checked_by = given.checked_by.strip()
    done = ask.node.move_partner(name, given.step, checked_by=checked_by, dry_run=given.dry_run)
    return _changed(ask.node, done)


def _changed(node: Node, done: Any) -> PartnerChange:
    return PartnerChange(partner=partner_of(done.partner), **told_of(node, done))


_ALL, _ADMIN = frozenset(ROLES), frozenset({ADMIN})
_ONE = "/partners/{partner}"
OPERATIONS = (
    Operation("GET", "/partners", listing, _ALL, "Partners and clients, and how they stand", Partners, Listed),
    Operation(
        "POST", "/partners", add, _ADMIN, "A new one", PartnerOf,
        body=NewPartner, status=201, location=f"{ROOT}/partners/{{id}}",
    ),
    Operation("GET", _ONE, show, _ALL, "What is on record of one", PartnerOf),
    Operation(
        "PATCH", _ONE, edit, _ADMIN, "Change what is on record of it", PartnerChange, DryRun,
        body=Edited, waits=True, guarded=True,
    ),
    Operation("GET", f"{_ONE}/standing", standing, _ALL, "How it stands now", StandingOf),
    Operation("POST", f"{_ONE}/steps", step, _ADMIN, "Activate, pause, resume, end", PartnerChange,
        body=Step, waits=True,
    ),
)  # fmt: skip
