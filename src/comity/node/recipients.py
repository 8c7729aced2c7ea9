"""The records of partners and clients: who they are, and the facets by which policy knows them (R2, R13)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from msgspec import structs

from comity.errors import Invalid, NotFound
from comity.interfaces import microseconds
from comity.node.access import check_name
from comity.node.countries import countries
from comity.node.sources import OF_PARTNER
from comity.node.views import Subject
from comity.release.classes import Recipient, Relation
from comity.stix.markings import TLP
from comity.store.interface import Snapshot
from comity.store.records import Record

KIND = "partner"
"""The kind of record; partners and clients are told apart by their relation."""
WORDS_MAX, WORD_CHARACTERS_MAX, TEXT_CHARACTERS_MAX = 64, 100, 500
CAP_MOST = 10**15
CAPS = ("cap_objects_hour", "cap_bytes_hour", "cap_objects_day", "cap_bytes_day")
DATES = ("agreement_from", "agreement_until", "service_from", "service_until", "history_from")
FIRST, LAST = (microseconds(one.replace(tzinfo=UTC)) for one in (datetime.min, datetime.max))
"""Between these an instant can be told."""
NEVER = 2**62
"""An instant before which everything was published: who never became active is offered nothing."""
OF_CLIENTS = ("service", "service_from", "service_until", "contact", "need_to_know")
"""What is said of clients alone."""
UNUSED_US = 90 * 24 * 3600 * 1_000_000
"""Who reads nothing for so long is suspended (R63)."""
OWN = frozenset({"id", "state", "activated_at", "checked_by"})
"""What no one sets but the steps."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Partner(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A partner, or a client of ours. `state` is what was decided; `state_at` says what holds. `history_from` is 0 for
    all, None for what is published from activation on. `jurisdictions` are where it stores, as itself has declared or
    as we say (`declared_by`); None: nobody declared anything, which is nowhere (R24).

    A client receives the service of that reference between those instants, and is asked for by its contact; outside of
    them it is no client (R2). `organisation_boundary` says whom a partner counts as its organisation: its staff, or its
    members too. Instants are microseconds since 1970."""

    id: str
    name: str
    relation: Literal["partner", "client"] = "partner"
    state: str = "pending"
    country: str = ""
    sectors: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    cybersecurity: bool = False
    max_tlp: str = "green"
    agreement_from: int | None = None
    agreement_until: int | None = None
    jurisdictions: tuple[str, ...] | None = None
    declared_by: Literal["partner", "us"] = "us"
    organisation_boundary: Literal["staff", "members"] = "staff"
    service: str = ""
    service_from: int | None = None
    service_until: int | None = None
    contact: str = ""
    need_to_know: str = ""
    commercial: bool = False
    history_from: int | None = None
    activated_at: int | None = None
    checked_by: str = ""
    cap_objects_hour: int | None = None
    cap_bytes_hour: int | None = None
    cap_objects_day: int | None = None
    cap_bytes_day: int | None = None

    @property
    def has_caps(self) -> bool:
        """Its agreement says how much may leave for it."""
        caps = (self.cap_objects_hour, self.cap_bytes_hour, self.cap_objects_day, self.cap_bytes_day)
        return caps != (None, None, None, None)

    def state_at(self, now: int, used_at: int | None = None) -> str:
        """The state at that instant: who is active, and whose agreement or service is over, has expired; a client whose
        service has not begun is planned, and one that receives none is pending; who was last used UNUSED_US ago is
        suspended."""
        if self.state != "active":
            return self.state
        if _over(self.agreement_until, now) or _over(self.service_until, now):
            return "expired"
        if self.relation == "client" and not self.service:
            return "pending"
        if self.service_from is not None and now < self.service_from:
            return "planned"
        return "suspended" if used_at is not None and used_at + UNUSED_US <= now else "active"

    def subject(self, source: str, now: int, used_at: int | None = None) -> Subject:
        """Who asks, as the gate knows it; `source` is where what it sent lies."""
        begins = self.activated_at if self.history_from is None else self.history_from
        begins = NEVER if begins is None else begins
        recipient = Recipient(
            id=self.id,
            relation=Relation(self.relation),
            state=self.state_at(now, used_at),
            country=self.country,
            sectors=frozenset(self.sectors),
            groups=frozenset(self.groups),
            cybersecurity=self.cybersecurity,
            max_tlp=TLP.read(self.max_tlp),
            # A decision holds until the next date in it, so that the dates of the service are among them.
            agreement_from=max(_given(self.agreement_from, self.service_from), default=None),
            agreement_until=min(_given(self.agreement_until, self.service_until), default=None),
            jurisdictions=None if self.jurisdictions is None else frozenset(self.jurisdictions),
            origins=frozenset({source}),
            commercial=self.commercial,
            need_to_know=self.need_to_know,
        )
        return Subject(recipient, frozenset({source}), begins)


def _over(until: int | None, now: int) -> bool:
    return until is not None and until <= now


def _given(*instants: int | None) -> list[int]:
    return [each for each in instants if each is not None]


def source_of(partner: str) -> str:
    """The name of the source of what the partner with that id sends."""
    return f"{OF_PARTNER}{partner}"


def partners(snapshot: Snapshot) -> list[Partner]:
    """All of them, by name."""
    return [read_partner(record) for record in snapshot.records(KIND)]


def partner_named(snapshot: Snapshot, name: str) -> Partner:
    """The one with that name or id. NotFound where there is none."""
    for one in partners(snapshot):
        if name in (one.id, one.name):
            return one
    raise NotFound(f"There is no partner {name!r}.", where="partner", hint="comity partner list")


def read_partner(record: Record) -> Partner:
    return msgspec.json.decode(record.body, type=Partner)


def check_facets(facets: Mapping[str, Any]) -> None:
    known = {field.name for field in structs.fields(Partner)} - OWN
    for name in facets.keys() - known:
        raise Invalid(f"{name!r} is nothing of a partner that can be set.", where=name)


def with_facets(partner: Partner, facets: Mapping[str, Any]) -> Partner:
    """The same with these facets. Where it stores is our statement unless it is said that itself declared it: what a
    partner has declared is not ours to change."""
    if "jurisdictions" in facets:
        facets = {"declared_by": "us"} | dict(facets)
    return structs.replace(partner, **facets)


def checked(partner: Partner) -> Partner:
    """The same, if a partner or client may be like that. Invalid where it may not."""
    check_name(partner.name, "name")
    if _UUID.fullmatch(partner.name):
        raise Invalid("A name that looks like an id would be taken for one.", where="name")
    if TLP.read(partner.max_tlp) > TLP.AMBER_STRICT:
        raise Invalid("TLP:RED goes to persons, never to a partner.", where="max_tlp", rule="R3")
    if len(partner.need_to_know) > TEXT_CHARACTERS_MAX or not partner.need_to_know.isprintable():
        raise Invalid(f"It is at most {TEXT_CHARACTERS_MAX} printable characters.", where="need_to_know")
    if len(partner.jurisdictions or ()) > WORDS_MAX:
        raise Invalid(f"There are at most {WORDS_MAX} jurisdictions.", where="jurisdiction")
    _check_relation(partner)
    for where, words in (("sector", partner.sectors), ("group", partner.groups)):
        if len(words) > WORDS_MAX or not all(
            0 < len(word) <= WORD_CHARACTERS_MAX and word.isprintable() for word in words
        ):
            raise Invalid(
                f"A {where} is 1 to {WORD_CHARACTERS_MAX} printable characters, of at most {WORDS_MAX}.", where=where
            )
    for where, codes in (
        ("country", (partner.country,) * bool(partner.country)),
        ("jurisdiction", partner.jurisdictions or ()),
    ):
        if not countries().issuperset(codes):
            raise Invalid(
                f"A {where} is the code of a country in two capital letters, such as EE.",
                where=where,
                rule="ISO 3166-1 alpha-2",
            )
    for where in CAPS:
        cap = getattr(partner, where)
        if cap is not None and not 0 < cap <= CAP_MOST:
            raise Invalid(f"A cap is 1 to {CAP_MOST:,}.", where=where)
    for where in DATES:
        if not FIRST <= (getattr(partner, where) or 0) <= LAST:
            raise Invalid("There is no such date.", where=where)
    for what in ("agreement", "service"):
        starts, ends = getattr(partner, f"{what}_from"), getattr(partner, f"{what}_until")
        if starts is not None and ends is not None and ends <= starts:
            raise Invalid(f"The {what} ends before it begins.", where=f"{what}_until")
    return partner


def _check_relation(partner: Partner) -> None:
    """What is said of clients is said of no partner, nor the other way round (R2)."""
    for where in ("service", "contact"):
        words = getattr(partner, where)
        if len(words) > TEXT_CHARACTERS_MAX or not words.isprintable():
            raise Invalid(f"It is at most {TEXT_CHARACTERS_MAX} printable characters.", where=where)
    if partner.declared_by == "partner" and partner.jurisdictions is None:
        raise Invalid("It declared no jurisdictions.", where="declared_by", rule="R24", hint="Give --jurisdiction.")
    if partner.relation == "partner":
        for where in OF_CLIENTS:
            if getattr(partner, where):
                raise Invalid(f"Only a client has {where!r}.", where=where, rule="R2")
    elif partner.organisation_boundary != "staff":
        raise Invalid("Only a partner states whom it counts as its organisation.", where="organisation_boundary")
    if partner.relation == "client" and partner.state == "active" and not partner.service.strip():
        raise Invalid(
            "A client receives a service of ours, and this one has none.",
            where="service",
            rule="R2",
            hint="comity partner edit NAME --service REFERENCE",
        )
