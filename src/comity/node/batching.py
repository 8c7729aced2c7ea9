"""The verbs on many objects at once: withdrawn or marked as one batch, of which each copy is done alone, and which is
undone as a whole within 30 days."""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pyroaring import BitMap

from comity.errors import Conflict, InvalidRequest, NotAuthorized, NotFound, TooLarge
from comity.interfaces import microseconds
from comity.node.access import OPERATOR, check_name
from comity.node.batch_steps import ACTING, MARK, WITHDRAW, judged, roles_of, step
from comity.node.browsing import Browsing
from comity.node.choosing import MOST, SAMPLE, Choice, Chosen, Part, Row, page_of, tallied
from comity.node.jobs import LEASE_SECONDS, SECOND_US
from comity.node.people import ADMIN, APPROVER, APPROVING, READING, Actor
from comity.node.viewing import Viewer
from comity.stix.markings import TLP
from comity.store.batches import DONE, FAILED, WAITING, Batch, Tally
from comity.store.interface import Snapshot, Transaction
from comity.store.nouns import Job, State
from comity.store.views import Keys

JOB = "batch"
"""The kind of the job."""
AT_ONCE = 500
"""So many copies are done while whoever asks waits; more are left to the job."""
UNDO_DAYS = 30
DAY_US = 24 * 3600 * SECOND_US
PARTNERS_MOST = 100
SAMPLES = 5
INDEX_OBJECTS, INDEX_SECONDS = 500, 5
READ_AT_ONCE = 1_000
BATCHES_LOOKED = 1_000
"""So many of one's own batches are looked at for the last one that can be undone."""


@dataclass(frozen=True, slots=True)
class BatchView:
    """A batch as it is told: how many copies are in each state for each reason, and some ids for each; until when it
    may be undone (microseconds since 1970), and whether whoever asks may."""

    batch: Batch
    tallies: Sequence[Tally]
    samples: Mapping[tuple[str, str], Sequence[str]]
    undo_until: int
    may_undo: bool
    may_retry: bool

    def count(self, *states: str) -> int:
        """How many copies are in one of these states."""
        return sum(one.count for one in self.tallies if one.state in states)

    @property
    def copies(self) -> int:
        """How many it is about."""
        return sum(one.count for one in self.tallies)

    @property
    def left(self) -> int:
        """How many wait for their turn, to be done or undone."""
        return self.count(WAITING) if self.batch.undo_at is None else self.count(WAITING, DONE)

    @property
    def is_running(self) -> bool:
        """Whether something of it is still to be done."""
        return self.left > 0


class Batching(Browsing):
    """The verbs on many objects at once. A batch is told to who made it, and to approvers and administrators."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.handlers[JOB] = self._run_batch

    def preview_batch(self, choice: Choice, act: str, level: str = "", *, part: str = "", after: int = 0) -> Chosen:
        """What `withdraw` or `mark` would do to what is chosen, of what whoever acts may read; with a `part` (see
        `comity.node.choosing.Part`) a page of its copies, those below the key `after`. TooLarge for more than MOST
        copies, Invalid for a part that cannot be."""
        wanted, some = _level(act, level), Part.read(part) if part else None
        self._catch_up_with_text(choice)
        with self._snapshot() as snapshot:
            viewer = self._viewer_with(snapshot, READING)
            keys = self._chosen_keys(snapshot, viewer, choice)
            facts, roles = snapshot.facts_of(keys), roles_of(snapshot, snapshot.actor)
            among = BitMap(keys)
            becomes = [judged(one, act, wanted, roles) for one in facts]
            offered = self._offered(snapshot, BitMap([one.number for one in facts if one.number]))
            listed: Sequence[int] = ()
            if some is not None:
                sources = {source.key: source.name for source in snapshot.sources()}
                each = zip(facts, becomes, strict=True)
                listed = some.keys([Row(one, sources[one.source], what, offered or {}) for one, what in each])
            sample, next = (keys[-SAMPLE:], 0) if some is None else page_of(listed, after)
            self._note_read(snapshot, OPERATOR, "search", among, choice.words)
            return Chosen(
                copies=len(keys),
                objects=len({one.id for one in facts}),
                published=sum(one.state is State.PUBLISHED for one in facts),
                facets=snapshot.facets(among),
                sample=snapshot.hits(sample),
                becomes=tallied(becomes),
                partners=None if offered is None else {name: len(some) for name, some in offered.items()},
                missing=sorted(set(choice.ids) - {one.id for one in facts}),
                behind=snapshot.text_behind(),
                seal=_seal(keys),
                counted=len(listed),
                next=next,
            )

    def withdraw(self, choice: Choice, *, reason: str = "", seal: str | None = None) -> BatchView:
        """What is chosen is withdrawn: nobody is served it any more, and what partners have stays with them. Up to
        AT_ONCE copies at once, more by a job. Conflict where it is not what that `seal` was given for."""
        return self._begin(choice, WITHDRAW, None, reason, seal)

    def mark(self, choice: Choice, level: str, reason: str, *, seal: str | None = None) -> BatchView:
        """Beside what is chosen is that TLP level. What is tighter holds at once; what may be looser, and is published,
        stands between both until a second person confirmed it, as a reclassification (R14). Conflict as with
        `withdraw`."""
        check_name(reason, "reason")
        return self._begin(choice, MARK, _level(MARK, level), reason, seal)

    def undo_batch(self, id: str = "") -> BatchView:
        """What was done to the copies of the batch, or of one's own last, is undone: they are what they were, but for
        those that changed since, of which it is told. Conflict for one that is undone already, or older than 30
        days."""
        now = microseconds(self.clock.now())
        with self.store.write() as tx:
            actor = self._actor(tx, *ACTING, *APPROVING)
            batch = self._undoable(tx, actor, id)
            if batch.undo_at is not None:
                raise Conflict(f"{batch.id} was undone already.", where="batch", hint=f"comity batch show {batch.id}")
            if now > batch.at + UNDO_DAYS * DAY_US:
                raise Conflict(f"{batch.id} is more than {UNDO_DAYS} days old.", where="batch")
            batch = replace(batch, undo_at=now)
            tx.put_batch(batch)
            tx.enter("batch-undo", id=batch.id)
            view = self._go_on(tx, actor, batch, now)
        # Nobody is served what came back before it is known what it refers to.
        while self.store.index_relations(INDEX_OBJECTS):
            pass
        return view

    def retry_batch(self, id: str, why: str) -> BatchView:
        """The copies of one's own batch that were passed over for that reason are tried again. Conflict where there are
        none, or the batch is undone."""
        now = microseconds(self.clock.now())
        with self.store.write() as tx:
            actor = self._actor(tx, *ACTING)
            batch = self._told_batch(tx, actor, id)
            if batch.account != actor.id or batch.undo_at is not None:
                raise Conflict("Only who made a batch, and has not undone it, tries it again.", where="batch")
            items = tx.batch_items(id, (FAILED,), MOST, why)
            if not items:
                raise Conflict(f"Nothing of {id} was passed over for that reason.", where="why")
            tx.settle_batch_items(id, [replace(item, state=WAITING, why="", before=None) for item in items])
            return self._go_on(tx, actor, batch, now)

    def batches(self, limit: int = 50, *, own: bool = False) -> list[BatchView]:
        """The newest batches that whoever acts is told of, or its own, without ids."""
        with self._snapshot() as snapshot:
            actor = self._actor(snapshot, *READING, ADMIN)
            everybody = not own and (actor.is_operator or bool(roles_of(snapshot, actor.id) & APPROVING))
            found = snapshot.batches(limit, None if everybody else actor.id)
            return [self._batch_view(snapshot, actor, one) for one in found]

    def batch(self, id: str) -> BatchView:
        """One batch, with some ids of what whoever acts may read. NotFound where there is none, or it is told to
        others."""
        with self._snapshot() as snapshot:
            actor = self._actor(snapshot, *READING, ADMIN)
            view = self._batch_view(snapshot, actor, self._told_batch(snapshot, actor, id))
            viewer, ours = self._viewer_with(snapshot, (*READING, ADMIN)), self.ours()
            samples = {}
            for one in view.tallies:
                items = snapshot.batch_items(id, (one.state,), SAMPLES, one.why)
                samples[one.state, one.why] = viewer.ids(
                    snapshot, snapshot.ids_of([each.object for each in items]), ours
                )
            return replace(view, samples=samples)

    # -- choosing

    def _catch_up_with_text(self, choice: Choice) -> None:
        """What was added a moment ago is found by words as well, if that takes no longer than INDEX_SECONDS."""
        _, start = self.clock.steady()
        while choice.text and self.store.index_text(INDEX_OBJECTS):
            if self.clock.steady()[1] - start > INDEX_SECONDS * SECOND_US:
                break

    def _chosen_keys(self, snapshot: Snapshot, viewer: Viewer, choice: Choice) -> list[int]:
        """The keys of the copies that are chosen, and that the viewer may read."""
        if choice.is_empty:
            raise InvalidRequest("Nothing is chosen.", where="ids", hint="Name objects, or a search.")
        collection = snapshot.collection(choice.collection) if choice.collection else None
        wanted = {snapshot.source(name).key for name in choice.sources}
        ids: Sequence[str] = choice.ids
        if not ids:
            # Filters that stand in the text count as those beside it.
            query = self._asked(
                choice.text, choice.types, choice.sources, choice.collection, choice.tlp, choice.seen, 1, 0
            )
            if query.collection is not None:
                collection = snapshot.collection(query.collection)
                query = replace(query, collection=collection.id)
            wanted = {source.key for source in snapshot.sources() if source.name in query.sources}
            if query.sources and not wanted:
                return []
            ids = self._found_ids(snapshot, viewer, query)
        keys = [
            one.key
            for one in snapshot.facts_of(snapshot.live_keys(ids))
            if (collection is None or one.collection == collection.key) and (not wanted or one.source in wanted)
        ]
        shown: Keys = BitMap()
        for start in range(0, len(keys), READ_AT_ONCE):
            shown |= self._readable_copies.among(snapshot, viewer, keys[start : start + READ_AT_ONCE], self.ours())
        if len(shown) > MOST:
            raise TooLarge(f"At most {MOST:,} copies are done at once.", where="ids", hint="Narrow the search.")
        return list(shown)

    def _found_ids(self, snapshot: Snapshot, viewer: Viewer, query: Any) -> list[str]:
        found = BitMap()
        for some, readable, _ in self._looked(snapshot, viewer, query, READ_AT_ONCE):
            found |= readable & BitMap(some)
            if len(found) > MOST:
                raise TooLarge(f"At most {MOST:,} objects are done at once.", where="text", hint="Narrow the search.")
        return snapshot.ids_of(list(found))

    def _offered(self, snapshot: Snapshot, numbers: BitMap) -> dict[str, BitMap] | None:
        """Which of these publications each partner or client is offered now, of those that are offered any."""
        held, moment = self._in_force_at(snapshot), self.guard.moment(snapshot)
        active = [one for one in held.partners.values() if one.state == "active"]
        if not numbers or len(active) > PARTNERS_MOST:
            return None if numbers else {}
        found = {}
        for one in sorted(active, key=lambda one: one.name):
            subject, earlier = self._subject_of(snapshot, one, moment)
            view = self.gate.view(snapshot, held.policy, subject, moment.now, earlier)
            if some := numbers & (view.alive - view.sent):
                found[one.name] = some
        return found

    # -- doing

    def _begin(self, choice: Choice, act: str, level: int | None, reason: str, seal: str | None) -> BatchView:
        if reason:
            check_name(reason, "reason")
        self._catch_up_with_text(choice)
        now = microseconds(self.clock.now())
        with self.store.write() as tx:
            actor = self._actor(tx, *ACTING)
            keys = self._chosen_keys(tx, self._viewer_with(tx, READING), choice)
            if seal is not None and seal != _seal(keys):
                raise Conflict("It is not what was shown.", where="seal", hint="Look again at what is chosen now.")
            if not keys:
                raise NotFound("There is nothing of that to be done.", where="ids", hint="comity search")
            id = base64.b32encode(self.entropy.token_bytes(5)).decode().lower()
            batch = Batch(id, act, level, actor.id, actor.name, now, reason, choice.words)
            tx.put_batch(batch)
            tx.put_batch_items(id, keys)
            tx.enter("batch", id=id, act=act, level=level, objects=len(keys))
            return self._go_on(tx, actor, batch, now)

    def _go_on(self, tx: Transaction, actor: Actor, batch: Batch, now: int) -> BatchView:
        """What is left of the batch is done in this transaction where it is little, else by a job."""
        view = self._batch_view(tx, actor, batch)
        if view.left > AT_ONCE:
            tx.enqueue(Job(JOB, batch.id, due_at=now))
            return view
        while step(tx, batch, self.ours(), now):
            pass
        return self._batch_view(tx, actor, batch)

    def _run_batch(self, job: Job, stopped: Callable[[], bool]) -> int | None:
        """The job: step by step, each in a transaction of its own. When it is told to stop, it is due again."""
        more = True
        while more:
            now = microseconds(self.clock.now())
            if stopped():
                return now
            with self.store.write() as tx:
                batch = tx.batch(job.key)
                if batch is None or not tx.renew(job, now + LEASE_SECONDS * SECOND_US):
                    return None
                more = step(tx, batch, self.ours(), now)
        return None

    def _undoable(self, snapshot: Snapshot, actor: Actor, id: str) -> Batch:
        if not id:
            last = next((one for one in snapshot.batches(BATCHES_LOOKED, actor.id) if one.undo_at is None), None)
            if last is None:
                raise NotFound("You did nothing that can be undone.", where="batch", hint="comity batch list")
            return last
        batch = self._told_batch(snapshot, actor, id)
        if not self._may_undo(snapshot, actor, batch):
            raise NotAuthorized(
                "A batch is undone by who made it, or by an approver or administrator.", where="as", rule="R14"
            )
        return batch

    # -- telling

    def _told_batch(self, snapshot: Snapshot, actor: Actor, id: str) -> Batch:
        batch = snapshot.batch(id)
        told = actor.is_operator or (batch is not None and batch.account == actor.id)
        if batch is None or not (told or roles_of(snapshot, actor.id) & APPROVING):
            raise NotFound(f"There is no batch {id!r}.", where="batch", hint="comity batch list")
        return batch

    def _may_undo(self, snapshot: Snapshot, actor: Actor, batch: Batch) -> bool:
        own = actor.id == batch.account and not roles_of(snapshot, actor.id).isdisjoint(ACTING)
        return own or bool(roles_of(snapshot, actor.id) & {ADMIN, APPROVER})

    def _batch_view(self, snapshot: Snapshot, actor: Actor, batch: Batch) -> BatchView:
        until = batch.at + UNDO_DAYS * DAY_US
        tallies = snapshot.batch_tally(batch.id)
        open = batch.undo_at is None and microseconds(self.clock.now()) <= until
        done = any(one.state in (DONE, WAITING) for one in tallies)
        may_retry = batch.undo_at is None and batch.account == actor.id
        return BatchView(batch, tallies, {}, until, open and done and self._may_undo(snapshot, actor, batch), may_retry)


def _level(act: str, level: str) -> int | None:
    return int(TLP.read(level)) if act == MARK else None


def _seal(keys: Sequence[int]) -> str:
    return hashlib.sha256(BitMap(keys).serialize()).hexdigest()[:32]
