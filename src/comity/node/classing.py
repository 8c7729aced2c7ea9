"""The verbs on what published objects count as, and on the rules of sources that decide it."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import msgspec
import orjson
from msgspec import structs

from comity.errors import Invalid
from comity.interfaces import microseconds
from comity.node import reclassifying
from comity.node.countries import countries
from comity.node.forming import turn
from comity.node.loosening import loosening, opens_to
from comity.node.people import ADMIN, Actor, seconds
from comity.node.reclassifying import EVERYTHING, RECLASSIFY, RECORD, Change, Done, Order, Pair
from comity.node.requesting import Requesting
from comity.release.classify import CLASSIFIER
from comity.release.standing import parts
from comity.stix.markings import TLP
from comity.store.nouns import Job, Source, State
from comity.store.records import Record

OPERATOR_WORDS = "the host's operator"
_RULES = "classed by"
"""The setting that keeps by which classifier, identities and countries what is published was classed."""


class Settled(Done):
    """What was done, and the id under which the rest waits for a second person; empty where nothing does. `alone` says
    that it may loosen and nobody else looked at it."""

    waits: str = ""
    alone: bool = False


class Classing(Requesting):
    """The verbs of reclassification."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.handlers[RECLASSIFY] = lambda job, stopped: reclassifying.run(
            self.store, self.clock, self.ours(), job, stopped
        )

    def class_changes(self, source: str | None = None) -> dict[Pair, Change]:
        """What of the source, or of all, would count as something else if it were classed now, with ids of what whoever
        acts may read. Nothing is changed."""
        with self._snapshot() as snapshot:
            viewer = self._viewer(snapshot)
            if source is not None:
                snapshot.source(source)
        found = reclassifying.changes(self.store, self.ours(), source)
        for pair, change in found.items():
            if not all(map(viewer.may_read, pair)):
                change.samples.clear()
        return found

    def opens_to(self, change: Change) -> list[str]:
        """The partners and clients to whom the policy in force lets the second class go and not the first, by name."""
        with self._snapshot() as snapshot:
            held = self._in_force_at(snapshot)
        return sorted(one.name for one in opens_to(change, held.policy, held.partners, microseconds(self.clock.now())))

    def reclassify(
        self,
        source: str | None = None,
        confirmed: Collection[Pair] = (),
        *,
        why: str = "a person asked for it",
        by: str = OPERATOR_WORDS,
    ) -> Settled:
        """What is published of the source, or of all, counts as what it is by now: where that is tighter, or one of the
        changes that were confirmed. Anything else stands between two classes. It is on record. Where there is a second
        person, what is confirmed and may loosen waits for it, and stands between two classes until then."""
        with self._snapshot() as snapshot:
            actor = self._actor(snapshot, ADMIN)
            if source is not None:
                snapshot.source(source)
        order, pairs = Order(why, _name(actor, by)), frozenset(confirmed)
        found = reclassifying.changes(self.store, self.ours(), source) if pairs else {}
        change = loosening({pair: found[pair] for pair in pairs & found.keys()}, source, why, order.by)
        waits = ""
        with self._snapshot() as snapshot:
            made = self._difference(snapshot, change) if change.pairs else None
        with self.store.write() as tx:
            actor = self._actor(tx, ADMIN)
            if seconds(tx, actor):
                # What is tighter needs no pair, and of what was not listed a moment ago none is confirmed.
                pairs = frozenset()
                waits = self._propose(tx, change, made, actor).id if made else ""
        done = reclassifying.apply(self.store, self.clock, self.ours(), source, order, pairs)
        return Settled(**structs.asdict(done), waits=waits, alone=bool(change.pairs and pairs))

    def unsettled(self) -> tuple[int, int]:
        """How many published copies await their class, by a job, and how many stand between two, until a person says
        so."""
        with self._snapshot() as snapshot:
            published = snapshot.publications()
            there = published.of("state", State.PUBLISHED)
            awaits, stands = 0, 0
            for number, form in snapshot.classes().items():
                if form and len(set(parts(form))) > 1:
                    count = len(published.of("class", number) & there)
                    awaits, stands = (awaits, stands + count) if parts(form)[1] else (awaits + count, stands)
        return awaits, stands

    def reclassifications(self) -> list[tuple[Record, Done]]:
        """Every one that changed something or was asked for, the newest first."""
        with self._snapshot() as snapshot:
            records = snapshot.record_history(RECORD, RECORD)
        return [(record, msgspec.json.decode(record.body, type=Done)) for record in records]

    def edit_source(
        self,
        name: str,
        *,
        default_marking: str | None = None,
        labels_are_markings: bool | None = None,
        stored: bool = False,
        by: str = OPERATOR_WORDS,
    ) -> Source:
        """The source has another default marking, or its labels count as markings or no more.

        A default is for what comes from now on; with `stored` also for what has the former one. Nobody is served by
        what labels or a default of the stored meant before.
        """
        changes: dict[str, Any] = {}
        if default_marking is not None:
            marking = TLP.read(default_marking)
            changes["default_marking"] = marking.word.removeprefix("TLP:").lower()
        if labels_are_markings is not None:
            changes["labels_are_markings"] = labels_are_markings
        if stored and default_marking is None:
            raise Invalid("What is stored has no other marking.", where="stored", hint="Give --marking too.")
        if not changes:
            raise Invalid("Nothing is to be changed.", where="source", hint="Give --marking or --labels.")
        with self.store.write() as tx:
            actor = self._actor(tx, ADMIN)
            before = tx.source(name)
            made = tx.put_source(replace(before, **changes))
            words = ""
            if made.labels_are_markings != before.labels_are_markings:
                words = f"labels of {name} count as markings {'now' if made.labels_are_markings else 'no more'}"
            old, new = TLP.read(before.default_marking), TLP.read(made.default_marking)
            if stored and old != new and tx.remark(name, int(old), int(new)):
                words = f"what {name} gave without a marking is {new.word} now"
            if words:
                order = Order(words, _name(actor, by))
                now = microseconds(self.clock.now())
                reclassifying.look_again(tx, reclassifying.of_source(tx, name), self.ours(), order, now)
            return made

    def heed_rules(self) -> bool:
        """Where what is published was classed by another version, other identities of ours or other countries than
        those that hold now, a job classes it anew; whether that is so."""
        rules = orjson.dumps(_rules(self.ours()), option=orjson.OPT_SORT_KEYS)
        with self._snapshot() as snapshot:
            if snapshot.setting(_RULES) == rules:
                return False
        with self.store.write() as tx:
            known = tx.setting(_RULES)
            if known == rules:
                return False
            tx.put_setting(_RULES, rules)
            if not tx.last_publication:
                return False
            turn(tx)
            before: Mapping[str, Any] = {} if known is None else orjson.loads(known)
            others = [name for name, value in orjson.loads(rules).items() if before.get(name) != value]
            order = msgspec.json.encode(Order(f"other {', '.join(others)} than before"))
            tx.enqueue(Job(RECLASSIFY, EVERYTHING, order, due_at=microseconds(self.clock.now())))
        return True


def _name(actor: Actor, by: str) -> str:
    return by if actor.is_operator else actor.name


def _rules(ours: frozenset[str]) -> dict[str, Any]:
    known = hashlib.sha256(" ".join(sorted(countries())).encode()).hexdigest()
    return {"classifier": CLASSIFIER, "countries": known, "identities": sorted(ours)}
