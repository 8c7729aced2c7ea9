"""What leaves for partners and clients: the policy in force, publishing, and reading through the gate."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import msgspec

from comity.errors import Invalid, NotAuthorized, Unauthenticated
from comity.interfaces import Query, microseconds
from comity.node import outbound, publishing
from comity.node.access import Access
from comity.node.gate import Asked, Gate, keep
from comity.node.partners import Partners
from comity.node.people import RELEASER
from comity.node.policies import policy_texts, starter_texts
from comity.node.proposals import PolicyTexts
from comity.node.publishing import EVERYTHING, PublishReport, Selection
from comity.node.recipients import Partner, partners, source_of
from comity.node.views import Subject
from comity.release.policy import Floor, Policy, compile_policy, load_floor
from comity.stix.object import JsonObject
from comity.store.interface import Snapshot
from comity.store.nouns import Entries
from comity.store.records import Record

POLICY = "policy"
T = TypeVar("T")


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


class Releasing(Partners):
    """The verbs of policy and publishing, and what a bound credential reads."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.gate = Gate(self.is_sound)
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
        self._check_releaser()
        if hold_seconds is not None and not 0 <= hold_seconds <= publishing.HOLD_SECONDS_MOST:
            raise Invalid(f"A hold is 0 to {publishing.HOLD_SECONDS_MOST:,} seconds.", where="hold")
        report = publishing.publish(
            self.store,
            self.clock,
            self._known(selection),
            ours=self.ours(),
            hold_seconds=hold_seconds,
            progress=progress,
        )
        while report.published and self.store.index_relations(publishing.BATCH_OBJECTS):
            pass
        return report

    def unpublish(self, selection: Selection = EVERYTHING) -> int:
        """The published copies of the selection are published no more: nobody outside is served them from now on. What
        has left stays where it is. How many there were."""
        self._check_releaser()
        return publishing.unpublish(self.store, self._known(selection))

    def count_unpublished(self, selection: Selection = EVERYTHING) -> int:
        """How many copies `publish` would publish."""
        return publishing.count(self.store, self._known(selection))

    def _check_releaser(self) -> None:
        with self._snapshot() as snapshot:
            self._actor(snapshot, RELEASER)

    def _known(self, selection: Selection) -> Selection:
        """The same, with the collection by its id. NotFound where a source or the collection is not there."""
        with self._snapshot() as snapshot:
            for name in selection.sources:
                snapshot.source(name)
            if selection.collection is None:
                return selection
            return replace(selection, collection=snapshot.collection(selection.collection).id)

    # -- reading through the gate

    def _released_page(self, access: Access, query: Query) -> outbound.Released:
        def answer(snapshot: Snapshot, asked: Asked) -> outbound.Released:
            shown = self.gate.page(snapshot, asked, query)
            return outbound.released(
                shown.objects,
                more=shown.more,
                position=shown.position,
                first_added=shown.first_added,
                last_added=shown.last_added,
            )

        return self._through_gate(access, query, answer)

    def _released_manifest(self, access: Access, query: Query) -> Entries:
        return self._through_gate(access, query, lambda snapshot, asked: self.gate.entries(snapshot, asked, query))

    def _through_gate(self, access: Access, query: Query, answer: Callable[[Snapshot, Asked], T]) -> T:
        """The answer for a bound credential. What is opened to it for the first time is kept before it is told."""
        with self._snapshot() as snapshot:
            asked = self._ask(snapshot, access, query)
            if not asked.news:
                return answer(snapshot, asked)
        with self.store.write() as tx:
            token = tx.token(access.token or "")
            if token is None or token.revoked_at is not None:
                raise Unauthenticated("The credential is unknown, expired or revoked.")
            asked = self._ask(tx, access, query)
            keep(tx, asked)
            return answer(tx, asked)

    def _ask(self, snapshot: Snapshot, access: Access, query: Query) -> Asked:
        if query.collection is None:
            raise NotAuthorized("Name a collection: this credential may not read all of them.", where="collection")
        collection = outbound.permit(snapshot, access, query.collection, gated=True)
        now = microseconds(self.clock.now())
        subject = self._subject(snapshot, access.recipient, now)
        return self.gate.ask(snapshot, self._policy_at(snapshot), subject, collection, query, now)

    def _subject(self, snapshot: Snapshot, recipient: str, now: int) -> Subject:
        found = self._in_force_at(snapshot).partners.get(recipient)
        if found is None:
            raise NotAuthorized("Nothing is released to this credential.")
        return found.subject(source_of(found.id), now)
