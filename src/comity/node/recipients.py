"""The records of partners and clients: who they are, and the facets by which policy knows them (R2, R13)."""

import re
import unicodedata
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
CAP_MOST = 10**15
NEVER = 2**62
"""An instant before which everything was published: who never became active is offered nothing."""
UNUSED_US = 90 * 24 * 3600 * 1_000_000
"""Who reads nothing for so long is suspended (R63)."""
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
        """The state at that instant: who is active, and whose agreement is over, has expired; and who was last used
        UNUSED_US ago is suspended."""
        if self.state != "active":
            return self.state
        if self.agreement_until is not None and self.agreement_until <= now:
            return "expired"
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


def skeleton(name: str) -> str:
    """What two names have in common that a person could take for one another: letters and digits alone, folded, without
    marks, and each as the Latin letter that it looks like, in small or in capitals."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(c for c in plain if c.isalnum()).translate(_ALIKE) or plain


# Written as escapes, since a reader could not tell them apart: Cyrillic and Greek letters, of which many look like a
# Latin one only as capitals, then digits.
_ALIKE = str.maketrans(
    "\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0456\u0455\u0458"
    "\u03b1\u03b2\u03b5\u03b6\u03b7\u03b9\u03ba\u03bc\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7"
    "01i58",
    "abekmhopctyxlsjabezhlkmnoptyxollsb",
)


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
    for where in ("cap_objects_hour", "cap_bytes_hour", "cap_objects_day", "cap_bytes_day"):
        cap = getattr(partner, where)
        if cap is not None and not 0 < cap <= CAP_MOST:
            raise Invalid(f"A cap is 1 to {CAP_MOST:,}.", where=where)
    starts, ends = partner.agreement_from, partner.agreement_until
    if starts is not None and ends is not None and ends <= starts:
        raise Invalid("The agreement ends before it begins.", where="agreement_until")
    return partner
