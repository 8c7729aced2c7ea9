"""Partners and clients: who may be given anything at all, and the facets by which policy knows them (R2, R13)."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import msgspec
from msgspec import structs

from comity.errors import AlreadyDone, Conflict, Invalid, NotFound
from comity.interfaces import microseconds
from comity.node.access import check_name
from comity.node.publishing import PARTNER
from comity.node.sources import OF_PARTNER, Sources
from comity.node.views import Subject
from comity.release.classes import Recipient, Relation
from comity.stix.markings import TLP
from comity.store.interface import Snapshot, Transaction
from comity.store.nouns import Source
from comity.store.records import Record

KIND = "partner"
"""The kind of record; partners and clients are told apart by their relation."""
WORDS_MAX, WORD_CHARACTERS_MAX, TEXT_CHARACTERS_MAX = 64, 100, 500
NEVER = 2**62
"""An instant before which everything was published: who never became active is offered nothing."""
OWN = frozenset({"id", "state", "activated_at", "checked_by"})
"""What no one sets but the steps."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
STEPS: Mapping[str, tuple[frozenset[str], str]] = {
    "activate": (frozenset({"planned", "pending"}), "active"),
    "pause": (frozenset({"active"}), "suspended"),
    "resume": (frozenset({"suspended"}), "active"),
    "end": (frozenset({"planned", "pending", "active", "suspended"}), "ended"),
}
"""For each step the states in which it can be taken, and the one that it leads to. Who has ended stays so."""


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
    return [_read(record) for record in snapshot.records(KIND)]


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


class Partners(Sources):
    """The verbs on partners and clients."""

    def partners(self) -> list[Partner]:
        """All partners and clients, by name."""
        with self._snapshot() as snapshot:
            return partners(snapshot)

    def partner(self, name: str) -> Partner:
        """The one with that name or id. NotFound where there is none."""
        with self._snapshot() as snapshot:
            return partner_named(snapshot, name)

    def add_partner(self, name: str, /, **facets: Any) -> Partner:
        """There is a partner, or a client, of that name, to whom nothing goes before it is activated. AlreadyDone where
        there is one whose name looks the same."""
        _check_facets(facets)
        made = _checked(Partner(id=str(self.entropy.uuid4()), name=name, **facets))
        with self.store.write() as tx:
            self._refuse_alike(tx, made)
            return self._put(tx, made)

    def edit_partner(self, name: str, /, **facets: Any) -> Partner:
        """These facets of it, its name among them, are others from now on. Conflict where it has ended."""
        _check_facets(facets)
        with self.store.write() as tx:
            partner = partner_named(tx, name)
            if partner.state == "ended":
                raise Conflict(f"{partner.name} has ended.", where="state", hint=_hint(partner, "edit"))
            changed = _checked(structs.replace(partner, **facets))
            self._refuse_alike(tx, changed)
            return self._put(tx, changed)

    def step_partner(self, name: str, step: str, *, checked_by: str = "") -> Partner:
        """The step `activate`, `pause`, `resume` or `end` was taken. Conflict in a state in which it cannot be. Who
        activates says by whom, or how, it was made sure that it is them."""
        states, leads_to = STEPS[step]
        if step == "activate":
            check_name(checked_by, "checked_by")
        with self.store.write() as tx:
            partner = partner_named(tx, name)
            if partner.state not in states:
                raise Conflict(f"{partner.name} is {partner.state}.", where="state", hint=_hint(partner, step))
            changed = structs.replace(partner, state=leads_to)
            if step == "activate":
                now = microseconds(self.clock.now())
                changed = structs.replace(changed, activated_at=now, checked_by=checked_by)
            if step == "end":
                self._revoke_tokens(tx, partner)
            return self._put(tx, changed)

    def source_of_partner(self, name: str) -> str:
        """The source of what it sends, made where it was not there."""
        with self.store.write() as tx:
            partner = partner_named(tx, name)
            if partner.state == "ended":
                raise Conflict(f"{partner.name} has ended.", where="partner")
            source = source_of(partner.id)
            if all(each.name != source for each in tx.sources()):
                now = microseconds(self.clock.now())
                tx.put_source(Source(source, kind=PARTNER, created_at=now))
            return source

    def _revoke_tokens(self, tx: Transaction, partner: Partner) -> None:
        now = microseconds(self.clock.now())
        for token in tx.tokens():
            if token.recipient == partner.id and token.revoked_at is None:
                tx.put_token(replace(token, revoked_at=now))

    def _refuse_alike(self, tx: Transaction, partner: Partner) -> None:
        for other in partners(tx):
            if other.id != partner.id and skeleton(other.name) == skeleton(partner.name):
                raise AlreadyDone(
                    f"{other.name} looks the same.", where="name", hint="Choose a name that differs more."
                )

    def _put(self, tx: Transaction, partner: Partner) -> Partner:
        now = microseconds(self.clock.now())
        tx.put_record(Record(KIND, partner.id, partner.name, msgspec.json.encode(partner), changed_at=now))
        return partner


def _read(record: Record) -> Partner:
    return msgspec.json.decode(record.body, type=Partner)


def _check_facets(facets: Mapping[str, Any]) -> None:
    known = {field.name for field in structs.fields(Partner)} - OWN
    for name in facets.keys() - known:
        raise Invalid(f"{name!r} is nothing of a partner that can be set.", where=name)


def _checked(partner: Partner) -> Partner:
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


def _hint(partner: Partner, step: str) -> str:
    ways = [name for name, (states, _) in STEPS.items() if partner.state in states]
    return f"It cannot {step}; it can {' or '.join(ways)}." if ways else "Who has ended stays so: add another."
