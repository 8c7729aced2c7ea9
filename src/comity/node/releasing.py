"""What may leave for partners and clients: the policy in force, publishing, and telling why."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from comity.errors import Invalid
from comity.node import publishing
from comity.node.deliveries import Deliveries
from comity.node.gate import Gate
from comity.node.guard import Guard, Moment
from comity.node.people import RELEASER
from comity.node.policies import policy_texts, starter_texts
from comity.node.proposals import PolicyTexts
from comity.node.publishing import EVERYTHING, PublishReport, Selection
from comity.node.recipients import Partner, partners, source_of
from comity.node.recording import Repeats
from comity.node.turns import Turns
from comity.node.viewing import Viewing
from comity.node.views import Earlier, Subject
from comity.release.policy import Floor, Policy, compile_policy, load_floor
from comity.stix.object import JsonObject
from comity.store.interface import Snapshot
from comity.store.records import Record

POLICY = "policy"


@dataclass(frozen=True, slots=True)
class _InForce:
    """What the records say in the state of that version: the policy, with the version of its record, and partners by
    id."""

    admin_version: int
    version: int
    policy: Policy
    partners: dict[str, Partner]


def _texts_of(record: Record | None) -> tuple[str, str]:
    if record is None:
        return starter_texts()["nothing"]
    kept = msgspec.json.decode(record.body, type=PolicyTexts)
    return kept.text, kept.cases


class Releasing(Viewing):
    """The verbs of policy and publishing."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.gate = Gate(self.is_sound)
        self.guard = Guard(self.store, self.clock)
        self.deliveries = Deliveries(self.store, self.clock)
        self.turns = Turns(self.store)
        self.repeats = Repeats()
        self._in_force: _InForce | None = None
        self._policy_lock = threading.Lock()
        self._floor: Floor | None = None

    def is_sound(self, before: JsonObject, after: JsonObject) -> bool:
        """What is left of an object breaks no rule of the schemas that the object kept."""
        schemas = self.schemas()
        return set(schemas.findings(after)) <= set(schemas.findings(before))

    # -- policy

    def policy(self) -> Policy:
        """The policy in force; a new node has the one that permits nothing."""
        with self._snapshot() as snapshot:
            return self._policy_at(snapshot)

    def policy_log(self) -> list[tuple[Record, PolicyTexts]]:
        """Every policy that was put in force, the newest first."""
        with self._snapshot() as snapshot:
            records = snapshot.record_history(POLICY, POLICY)
        return [(record, msgspec.json.decode(record.body, type=PolicyTexts)) for record in records]

    def _floor_once(self) -> Floor:
        if self._floor is None:
            self._floor = load_floor(*policy_texts())
        return self._floor

    def _policy_at(self, snapshot: Snapshot) -> Policy:
        return self._in_force_at(snapshot).policy

    def _policy_version(self, snapshot: Snapshot) -> int:
        """Which version of its record the policy in force is; 0 before the first."""
        return self._in_force_at(snapshot).version

    def _in_force_at(self, snapshot: Snapshot) -> "_InForce":
        """Policy and partners of that state, read once for each state of the records."""
        with self._policy_lock:
            held = self._in_force
            if held is None or held.admin_version != snapshot.admin_version:
                current = next(iter(snapshot.records(POLICY)), None)
                version = current.version if current else 0
                if held is not None and held.version == version:
                    policy = held.policy
                else:
                    policy = compile_policy(self._floor_once(), *_texts_of(current))
                found = {one.id: one for one in partners(snapshot)}
                held = self._in_force = _InForce(snapshot.admin_version, version, policy, found)
            return held

    # -- publishing

    def publish(
        self,
        selection: Selection = EVERYTHING,
        *,
        hold_seconds: int | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> PublishReport:
        """The received copies of the selection are published. Policy decides about them once the hold is over: 10 s,
        and 5 minutes for many at once, unless `hold_seconds` says otherwise. What they refer to and name is known when
        this returns: until then nobody is served them either."""
        actor = self._check_releaser()
        if hold_seconds is not None and not 0 <= hold_seconds <= publishing.HOLD_SECONDS_MOST:
            raise Invalid(f"A hold is 0 to {publishing.HOLD_SECONDS_MOST:,} seconds.", where="hold")
        with self._snapshot() as snapshot:
            looked = snapshot.last_publication > 0
        # A text that was looked at long ago would be served at once, though a secret that it names was not looked at
        # yet. Where nothing was ever published, nothing was looked at, and what is published waits for its own turn.
        while looked and self.store.index_relations(publishing.BATCH_OBJECTS):
            pass
        report = publishing.publish(
            self.store,
            self.clock,
            self._known(selection),
            ours=self.ours(),
            hold_seconds=hold_seconds,
            progress=progress,
            actor=actor,
        )
        while report.published and self.store.index_relations(publishing.BATCH_OBJECTS):
            pass
        return report

    def unpublish(self, selection: Selection = EVERYTHING) -> int:
        """The published copies of the selection are published no more: nobody outside is served them from now on. What
        has left stays where it is. How many there were."""
        actor = self._check_releaser()
        return publishing.unpublish(self.store, self._known(selection), actor=actor)

    def count_unpublished(self, selection: Selection = EVERYTHING) -> int:
        """How many copies `publish` would publish."""
        return publishing.count(self.store, self._known(selection))

    def count_published(self, selection: Selection = EVERYTHING) -> int:
        """How many copies `unpublish` would take back."""
        return publishing.count_published(self.store, self._known(selection))

    def _check_releaser(self) -> str:
        """Who acts may publish; the id of the account."""
        with self._snapshot() as snapshot:
            return self._actor(snapshot, RELEASER).id

    def _known(self, selection: Selection) -> Selection:
        """The same, with the collection by its id. NotFound where a source or the collection is not there."""
        with self._snapshot() as snapshot:
            for name in selection.sources:
                snapshot.source(name)
            if selection.collection is None:
                return selection
            return replace(selection, collection=snapshot.collection(selection.collection).id)

    # -- who asks

    def _subject_of(self, snapshot: Snapshot, partner: Partner, moment: Moment) -> tuple[Subject, Earlier | None]:
        """Who asks, as the gate knows it in this state of the store, and as of the instant that is trusted where the
        clock is doubted."""
        source, used = source_of(partner.id), self.deliveries.used_at(snapshot, partner, moment.now)
        subject = partner.subject(source, moment.now, used)
        if moment.trusted is None:
            return subject, None
        return subject, Earlier(partner.subject(source, moment.trusted, used).recipient, moment.trusted)
