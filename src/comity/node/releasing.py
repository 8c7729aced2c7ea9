"""What leaves for partners and clients: the policy in force, publishing, and reading through the gate."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from comity.errors import Conflict, Invalid, NotAuthorized, Unauthenticated
from comity.interfaces import Query, microseconds
from comity.node import outbound, publishing
from comity.node.access import Access
from comity.node.explaining import Teller, Told
from comity.node.gate import Asked, Gate, keep
from comity.node.partners import Partners, partner_named, partners, source_of
from comity.node.policies import policy_texts, starter_texts
from comity.node.publishing import PublishReport, Selection
from comity.node.views import Subject
from comity.release.compare import difference
from comity.release.policy import Floor, Policy, compile_policy, load_floor
from comity.stix.object import JsonObject
from comity.store.interface import Snapshot
from comity.store.nouns import Entries
from comity.store.records import Record

POLICY = "policy"
ALONE = "There is one administrator, so no second person has looked at what this widens."
T = TypeVar("T")


class PolicyTexts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A policy as it is kept: its rules, its cases, and what it was made from."""

    text: str
    cases: str
    digest: str
    of: str = ""


@dataclass(frozen=True, slots=True)
class Applied:
    """The policy that was put in force: its version and digest, how many cases prove it, and in how many cells of a
    sample it allows more, or less, than the one before."""

    version: int
    digest: str
    cases: int
    widens: int
    narrows: int


class Releasing(Partners):
    """The verbs of policy and publishing, and what a bound credential reads."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.gate = Gate(self._is_sound)
        self._policies: tuple[int, Policy] | None = None
        self._policy_lock = threading.Lock()
        self._floor: Floor | None = None

    def _is_sound(self, value: JsonObject) -> bool:
        return not self.schemas().findings(value)

    # -- policy

    def policy(self) -> Policy:
        """The policy in force; a new node has the one that permits nothing."""
        with self._snapshot() as snapshot:
            return self._policy_at(snapshot)

    def apply_policy(self, text: str, cases: str, of: str = "") -> Applied:
        """The policy of these texts is in force; one that is in force already gets no new version. InvalidPolicy where
        it is not sound, or a case does not come out."""
        with self._policy_lock:
            made = compile_policy(self._floor_once(), text, cases)
        with self._snapshot() as snapshot:
            before, known = self._policy_at(snapshot), snapshot.record_history(POLICY, POLICY)[:1]
        cells = difference(before, made) if made.digest != before.digest else []
        body = msgspec.json.encode(PolicyTexts(text, cases, made.digest, of))
        with self.store.write() as tx:
            if tx.record_history(POLICY, POLICY)[:1] != known:
                raise Conflict(
                    "Another policy was put in force meanwhile.", hint="Look at comity policy log, and repeat."
                )
            now = microseconds(self.clock.now())
            same = known and made.digest == before.digest
            kept = known[0] if same else tx.put_record(Record(POLICY, POLICY, of or POLICY, body, changed_at=now))
        widens = sum(cell.widened for cell in cells)
        return Applied(kept.version, made.digest, len(made.cases), widens, len(cells) - widens)

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
        history = snapshot.record_history(POLICY, POLICY)[:1]
        version = history[0].version if history else 0
        with self._policy_lock:
            if self._policies is None or self._policies[0] != version:
                if history:
                    kept = msgspec.json.decode(history[0].body, type=PolicyTexts)
                    texts = (kept.text, kept.cases)
                else:
                    texts = starter_texts()["nothing"]
                self._policies = (version, compile_policy(self._floor_once(), *texts))
            return self._policies[1]

    # -- publishing

    def publish(
        self,
        ids: Sequence[str] | None = None,
        *,
        types: Sequence[str] = (),
        sources: Sequence[str] = (),
        collection: str | None = None,
        hold_seconds: int | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> PublishReport:
        """Received copies are published: those with these ids, or all; of them those of these types and sources, in
        that collection. Policy decides about them once the hold is over: 10 s, and 5 minutes for many at once, unless
        `hold_seconds` says otherwise. What they refer to and name is known when this returns: until then nobody is
        served them either."""
        if hold_seconds is not None and not 0 <= hold_seconds <= publishing.HOLD_SECONDS_MOST:
            raise Invalid(f"A hold is 0 to {publishing.HOLD_SECONDS_MOST:,} seconds.", where="hold")
        selection = self._selection(ids, types, sources, collection)
        report = publishing.publish(
            self.store, self.clock, selection, ours=self.ours(), hold_seconds=hold_seconds, progress=progress
        )
        while report.published and self.store.index_relations(publishing.BATCH_OBJECTS):
            pass
        return report

    def unpublish(
        self,
        ids: Sequence[str] | None = None,
        *,
        types: Sequence[str] = (),
        sources: Sequence[str] = (),
        collection: str | None = None,
    ) -> int:
        """Copies are published no more: nobody outside is served them from now on. What has left stays where it is.
        How many there were."""
        return publishing.unpublish(self.store, self._selection(ids, types, sources, collection))

    def count_unpublished(
        self,
        ids: Sequence[str] | None = None,
        *,
        types: Sequence[str] = (),
        sources: Sequence[str] = (),
        collection: str | None = None,
    ) -> int:
        """How many copies `publish` would publish."""
        return publishing.count(self.store, self._selection(ids, types, sources, collection))

    def _selection(
        self, ids: Sequence[str] | None, types: Sequence[str], sources: Sequence[str], collection: str | None
    ) -> Selection:
        with self._snapshot() as snapshot:
            place = None if collection is None else snapshot.collection(collection).id
            for name in sources:
                snapshot.source(name)
        return Selection(None if ids is None else tuple(ids), tuple(types), tuple(sources), place)

    # -- reading through the gate

    def _released_page(self, access: Access, query: Query) -> outbound.Released:
        def answer(snapshot: Snapshot, asked: Asked) -> outbound.Released:
            shown = self.gate.page(snapshot, asked, query)
            body = b",".join(one.raw for one in shown.objects)
            return outbound.Released(
                body, len(shown.objects), shown.more, shown.position, shown.first_added, shown.last_added
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
        found = next((one for one in partners(snapshot) if one.id == recipient), None)
        if found is None:
            raise NotAuthorized("Nothing is released to this credential.")
        return found.subject(source_of(found.id), now)

    # -- explaining

    def tell(self, name: str, ids: Sequence[str] | None = None) -> Iterator[Told]:
        """What becomes of each published copy for the partner of that name, and why: of those with these ids, or all.
        Nothing is recorded. NotFound where there is no such partner."""
        with self._snapshot() as snapshot:
            now = microseconds(self.clock.now())
            partner, policy = partner_named(snapshot, name), self._policy_at(snapshot)
            view = self.gate.view(snapshot, policy, partner.subject(source_of(partner.id), now), now)
            published = snapshot.publications()
            numbers = (
                snapshot.published_of(ids)
                if ids is not None
                else sorted({number for key in published.every("class") for number in published.of("class", key)})
            )
            yield from Teller(snapshot, view, policy, now, self._is_sound).tell(numbers)
