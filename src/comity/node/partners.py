"""The verbs on partners and clients: who may be given anything at all."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
from msgspec import structs

from comity.errors import AlreadyDone, Conflict
from comity.interfaces import microseconds
from comity.node.access import check_name
from comity.node.names import skeleton
from comity.node.people import ADMIN
from comity.node.publishing import PARTNER
from comity.node.recipients import KIND, Partner, check_facets, checked, partner_named, partners, source_of, with_facets
from comity.node.sources import Sources
from comity.store.interface import Snapshot, Transaction
from comity.store.nouns import Source
from comity.store.records import Record

STEPS: Mapping[str, tuple[frozenset[str], str]] = {
    "activate": (frozenset({"planned", "pending"}), "active"),
    "pause": (frozenset({"active"}), "suspended"),
    "resume": (frozenset({"suspended"}), "active"),
    "end": (frozenset({"planned", "pending", "active", "suspended"}), "ended"),
}
"""For each step the states in which it can be taken, and the one that it leads to. Who has ended stays so."""


class Partners(Sources):
    """The verbs on partners and clients; `comity.node.changing` has those that change what they are given."""

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
        check_facets(facets)
        made = checked(Partner(id=str(self.entropy.uuid4()), name=name, **facets))
        with self.store.write() as tx:
            self._actor(tx, ADMIN)
            self._refuse_alike(tx, made)
            return self._put(tx, made)

    def source_of_partner(self, name: str) -> str:
        """The source of what it sends, made where it was not there."""
        with self.store.write() as tx:
            self._actor(tx, ADMIN)
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

    def _refuse_alike(self, snapshot: Snapshot, partner: Partner) -> None:
        for other in partners(snapshot):
            if other.id != partner.id and skeleton(other.name) == skeleton(partner.name):
                raise AlreadyDone(
                    f"{other.name} looks the same.", where="name", hint="Choose a name that differs more."
                )

    def _put(self, tx: Transaction, partner: Partner) -> Partner:
        now = microseconds(self.clock.now())
        tx.put_record(Record(KIND, partner.id, partner.name, msgspec.json.encode(partner), changed_at=now))
        return partner


def edited(partner: Partner, facets: Mapping[str, Any]) -> Partner:
    """The partner with these facets. Conflict where it has ended."""
    check_facets(facets)
    if partner.state == "ended":
        raise Conflict(f"{partner.name} has ended.", where="state", hint=_hint(partner, "edit"))
    return checked(with_facets(partner, facets))


def stepped(partner: Partner, step: str, now: int, checked_by: str, *, holds: str) -> Partner:
    """The partner after the step `activate`, `pause`, `resume` or `end`. Conflict in a state in which it cannot be; who
    is suspended for being unused (`holds` is the state that holds) can be resumed. Who activates says by whom, or how,
    it was made sure that it is them."""
    states, leads_to = STEPS[step]
    if step == "activate":
        check_name(checked_by, "checked_by")
    if partner.state not in states and not (step == "resume" and holds in states):
        raise Conflict(f"{partner.name} is {partner.state}.", where="state", hint=_hint(partner, step))
    if step == "activate":
        return checked(structs.replace(partner, state=leads_to, activated_at=now, checked_by=checked_by))
    return structs.replace(partner, state=leads_to)


def _hint(partner: Partner, step: str) -> str:
    ways = [name for name, (states, _) in STEPS.items() if partner.state in states]
    return f"It cannot {step}; it can {' or '.join(ways)}." if ways else "Who has ended stays so: add another."
