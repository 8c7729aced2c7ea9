"""The records of partners and clients: who they are, and the facets by which policy knows them (R2, R13)."""

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import structs

from comity.errors import Invalid, NotFound
from comity.node.access import check_name
from comity.node.sources import OF_PARTNER
from comity.node.views import Subject
from comity.release.classes import Recipient, Relation
from comity.stix.markings import TLP
from comity.store.interface import Snapshot
from comity.store.records import Record

KIND = "partner"
"""The kind of record; partners and clients are told apart by their relation."""
WORDS_MAX, WORD_CHARACTERS_MAX, TEXT_CHARACTERS_MAX = 64, 100, 500
NEVER = 2**62
"""An instant before which everything was published: who never became active is offered nothing."""
OWN = frozenset({"id", "state", "activated_at", "checked_by"})
"""What no one sets but the steps."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Partner(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A partner, or a client of ours. `state` is what was decided; `state_at` says what holds. `history_from` is 0 for
    all, None for what is published from activation on. `jurisdictions` are where it declared to store; None: it
    declared nothing, which is nowhere (R24). Instants are microseconds since 1970."""

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
    need_to_know: str = ""
    commercial: bool = False
    history_from: int | None = None
    activated_at: int | None = None
    checked_by: str = ""

    def state_at(self, now: int) -> str:
        """The state at that instant: who is active, and whose agreement is over, has expired."""
        over = self.agreement_until is not None and self.agreement_until <= now
        return "expired" if over and self.state == "active" else self.state

    def subject(self, source: str, now: int) -> Subject:
        """Who asks, as the gate knows it; `source` is where what it sent lies."""
        begins = self.activated_at if self.history_from is None else self.history_from
        begins = NEVER if begins is None else begins
        recipient = Recipient(
            id=self.id,
            relation=Relation(self.relation),
            state=self.state_at(now),
            country=self.country,
            sectors=frozenset(self.sectors),
            groups=frozenset(self.groups),
            cybersecurity=self.cybersecurity,
            max_tlp=TLP.read(self.max_tlp),
            agreement_from=self.agreement_from,
            agreement_until=self.agreement_until,
            jurisdictions=None if self.jurisdictions is None else frozenset(self.jurisdictions),
            origins=frozenset({source}),
            commercial=self.commercial,
            need_to_know=self.need_to_know,
        )
        return Subject(recipient, frozenset({source}), begins)


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


def checked(partner: Partner) -> Partner:
    check_name(partner.name, "name")
    if _UUID.fullmatch(partner.name):
        raise Invalid("A name that looks like an id would be taken for one.", where="name")
    if TLP.read(partner.max_tlp) > TLP.AMBER_STRICT:
        raise Invalid("TLP:RED goes to persons, never to a partner.", where="max_tlp", rule="R3")
    if len(partner.need_to_know) > TEXT_CHARACTERS_MAX or not partner.need_to_know.isprintable():
        raise Invalid(f"It is at most {TEXT_CHARACTERS_MAX} printable characters.", where="need_to_know")
    if len(partner.jurisdictions or ()) > WORDS_MAX:
        raise Invalid(f"There are at most {WORDS_MAX} jurisdictions.", where="jurisdiction")
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
        if any(len(code) != 2 or not (code.isascii() and code.isalpha() and code.isupper()) for code in codes):
            raise Invalid(f"A {where} is two capital letters, such as EE.", where=where, rule="ISO 3166-1 alpha-2")
    starts, ends = partner.agreement_from, partner.agreement_until
    if starts is not None and ends is not None and ends <= starts:
        raise Invalid("The agreement ends before it begins.", where="agreement_until")
    return partner
