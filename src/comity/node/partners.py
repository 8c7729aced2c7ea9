"""The verbs on partners and clients: who may be given anything at all."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
from msgspec import structs

from comity.errors import AlreadyDone, Conflict
from comity.interfaces import microseconds
from comity.node.access import check_name
from comity.node.deliveries import used_at
from comity.node.publishing import PARTNER
from comity.node.recipients import KIND, Partner, check_facets, checked, partner_named, partners, skeleton, source_of
from comity.node.sources import Sources
from comity.store.interface import Transaction
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
        check_facets(facets)
        made = checked(Partner(id=str(self.entropy.uuid4()), name=name, **facets))
        with self.store.write() as tx:
            self._refuse_alike(tx, made)
            return self._put(tx, made)

    def edit_partner(self, name: str, /, **facets: Any) -> Partner:
        """These facets of it, its name among them, are others from now on. Conflict where it has ended."""
        check_facets(facets)
        with self.store.write() as tx:
            partner = partner_named(tx, name)
            if partner.state == "ended":
                raise Conflict(f"{partner.name} has ended.", where="state", hint=_hint(partner, "edit"))
            changed = checked(structs.replace(partner, **facets))
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
            now = microseconds(self.clock.now())
            unused = step == "resume" and partner.state_at(now, used_at(tx, partner)) in states
            if partner.state not in states and not unused:
                raise Conflict(f"{partner.name} is {partner.state}.", where="state", hint=_hint(partner, step))
            changed = structs.replace(partner, state=leads_to)
            if step == "resume":
                # To resume is a use, or who was suspended for being unused would be again at once.
                tx.put_usage(partner.id, replace(tx.usage(partner.id), read_at=now))
            if step == "activate":
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


def _hint(partner: Partner, step: str) -> str:
    ways = [name for name, (states, _) in STEPS.items() if partner.state in states]
    return f"It cannot {step}; it can {' or '.join(ways)}." if ways else "Who has ended stays so: add another."
