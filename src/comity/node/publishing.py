"""Publishing: which copies partners and clients may be asked about at all, and as what (R12).

An object is classified when it is published. Nobody outside is served it before its hold is over, and until then it can
be taken back without a trace.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

import orjson
from pyroaring import BitMap

from comity.interfaces import Clock, microseconds
from comity.node import pausing
from comity.node.forming import AUTO, Classes, turns
from comity.node.way import Way
from comity.release.forms import class_of
from comity.stix.object import StixObject
from comity.store.audit import OPERATOR
from comity.store.interface import Snapshot, Store, Transaction
from comity.store.nouns import Outcome, State, Verdict
from comity.store.publications import PRIVATE, Unpublished
from comity.store.views import Keys

BATCH_OBJECTS = 1000
HOLD_SECONDS, HOLD_SECONDS_BULK, HOLD_SECONDS_MOST = 10, 300, 30 * 24 * 3600
PARTNER = "partner"
"""A kind of sources."""
BULK_OBJECTS = 100
"""More than these at once are bulk, and held longer."""


@dataclass(slots=True)
class PublishReport:
    """How many copies were published, by TLP and type, and until when nobody is served them (microseconds; 0: no hold).
    `unsound` counts those whose markings are not understood or contradict each other: no policy can release them;
    `recalled` those that were taken back before, and are not published again."""

    published: int = 0
    recalled: int = 0
    by_tlp: dict[str, int] = field(default_factory=dict)
    by_type: dict[str, int] = field(default_factory=dict)
    unsound: int = 0
    held_until: int = 0


@dataclass(frozen=True, slots=True)
class Selection:
    """Which copies: those with these ids, or else all; of them those of these types and sources, in the collection of
    that id."""

    ids: tuple[str, ...] | None = None
    types: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    collection: str | None = None

    def takes(self, one: Unpublished) -> bool:
        """Whether the copy is one of them, if its id is."""
        return (
            (not self.types or one.type in self.types)
            and (not self.sources or one.source in self.sources)
            and self.collection in (None, one.collection)
        )


EVERYTHING = Selection()


def publish(
    store: Store,
    clock: Clock,
    selection: Selection,
    *,
    ours: frozenset[str] = frozenset(),
    hold_seconds: int | None,
    progress: Callable[[int], None] | None = None,
    actor: str = "",
) -> PublishReport:
    """The received copies of the selection are published, batch by batch, each in one transaction; `hold_seconds` of
    None holds as long as is usual for so many."""
    report = PublishReport()
    batches = _batches(store, selection)
    first: list[list[Unpublished]] = []
    for batch in batches:
        first.append(batch)
        if sum(map(len, first)) > BULK_OBJECTS:
            break
    usual = HOLD_SECONDS if sum(map(len, first)) <= BULK_OBJECTS else HOLD_SECONDS_BULK
    hold = usual if hold_seconds is None else hold_seconds
    for batch in chain(first, batches):
        with store.read() as snapshot:
            turned = turns(snapshot)
            classed = _classed(Classes(snapshot, ours), batch)
        _publish_batch(store, clock, batch, classed, turned, ours, hold, report, actor)
        if progress is not None:
            progress(report.published)
    return report


def _batches(store: Store, selection: Selection) -> Iterator[list[Unpublished]]:
    """What is to be published, each batch read from a state of its own: a reader who stays lets the log grow."""
    ids = iter(dict.fromkeys(selection.ids or ()))
    after = 0
    while True:
        with store.read() as snapshot:
            if selection.ids is not None:
                some = list(islice(ids, BATCH_OBJECTS))
                found = [one for id in some for one in _received(snapshot, id)]
            else:
                found = snapshot.unpublished(after, BATCH_OBJECTS)
                some = [one.id for one in found]
                after = found[-1].key if found else after
        if not some:
            return
        if batch := [one for one in found if selection.takes(one)]:
            yield batch


def _received(snapshot: Snapshot, id: str) -> Iterator[Unpublished]:
    for copy in snapshot.copies(id):
        if copy.state is State.RECEIVED and copy.body is not None:
            facts = (copy.key, copy.id, copy.type, copy.source, copy.collection, copy.default_tlp, copy.mark)
            yield Unpublished(*facts, copy.body)


def _classed(classes: Classes, batch: Sequence[Unpublished]) -> list[tuple[int, bytes, bytes]]:
    return [(one.key, *classes.form(one.source, one.default_tlp, one.mark, orjson.loads(one.body))) for one in batch]


def _publish_batch(
    store: Store,
    clock: Clock,
    batch: Sequence[Unpublished],
    classed: Sequence[tuple[int, bytes, bytes]],
    turned: int,
    ours: frozenset[str],
    hold: int,
    report: PublishReport,
    actor: str,
) -> None:
    with store.write() as tx:
        tx.actor, tx.staff = actor, actor or OPERATOR
        now = microseconds(clock.now())
        until = now + hold * 1_000_000 if hold else None
        if turns(tx) != turned:
            # What a marking means, say, has changed since these were classed.
            classed = _classed(Classes(tx, ours), batch)
        there = tx.received([key for key, _, _ in classed])
        rows = unbarred(tx, [row for row in classed if row[0] in there])
        report.recalled += len(there) - len(rows)
        there = {key for key, _, _ in rows}
        tx.publish(rows, now, until)
    report.held_until = until or 0
    by_form = {form: class_of(form) for _, _, form in classed}
    for one, (key, _, form) in zip(batch, classed, strict=True):
        if key not in there:
            continue
        found = by_form[form]
        report.published += 1
        report.by_tlp[found.tlp.word] = report.by_tlp.get(found.tlp.word, 0) + 1
        report.by_type[one.type] = report.by_type.get(one.type, 0) + 1
        report.unsound += found.unsound


def unbarred(tx: Transaction, rows: Sequence[tuple[int, bytes, bytes]]) -> list[tuple[int, bytes, bytes]]:
    """Those of the copies that may be published: what was taken back from partners is not published again, whoever
    sends it, and whatever rule its source has (R18)."""
    barred = tx.barred([key for key, _, _ in rows])
    return [row for row in rows if row[0] not in barred]


def after_storing(tx: Transaction, way: Way, stored: Sequence[tuple[StixObject, Verdict]], now: int) -> None:
    """What the rule of the source says was done with objects that it gave a moment ago, in the same transaction: those
    of a source with the rule `auto` are published, unless it is paused or makes new classes too fast (R66), and what a
    partner sent can be read back by it."""
    name, sent = way.source.name, way.source.kind == PARTNER
    auto = way.source.publish == AUTO and pausing.pace_of(tx, name).paused_at is None
    if not auto and not sent:
        return
    kept = (Outcome.STORED, Outcome.SUPERSEDED)
    present = _present(tx, name, [(one, verdict.key) for one, verdict in stored if verdict.outcome in kept])
    if auto:
        classes = Classes(tx, way.ours, way.known)
        forms = classes.forms_of(way, [one for one, _ in present])
        auto = pausing.note_new(tx, name, classes.new, now)
    if not auto and not sent:
        return
    if not auto:
        forms = [PRIVATE] * len(present)
    rows = [(key, *form) for (_, key), form in zip(present, forms, strict=True)]
    barred = tx.barred([key for key, _, _ in rows]) if auto else set()
    if barred:
        rows = [(row[0], *PRIVATE) if row[0] in barred else row for row in rows if sent or row[0] not in barred]
    alone = {verdict.key for _, verdict in stored if verdict.alone}
    tx.publish(rows, now, now + HOLD_SECONDS_BULK * 1_000_000 if auto else None, alone=alone)


def _present(tx: Transaction, source: str, stored: list[tuple[StixObject, int]]) -> list[tuple[StixObject, int]]:
    """Each of these that is still there, with the key that it has now: another of the same envelope may have taken its
    place, or have moved it."""
    there = tx.received([key for _, key in stored])
    if len(there) == len(stored):
        return stored
    found = []
    for one, key in stored:
        if key in there:
            found.append((one, key))
            continue
        for copy in tx.copies(one.id):
            if copy.source == source and copy.digest == one.digest and copy.state is State.RECEIVED:
                found.append((one, copy.key))
                break
    return found


def coming(store: Store, selection: Selection) -> Iterator[Unpublished]:
    """The copies that `publish` would publish."""
    for batch in _batches(store, selection):
        with store.read() as snapshot:
            barred = snapshot.barred([one.key for one in batch])
        yield from (one for one in batch if one.key not in barred)


def count(store: Store, selection: Selection) -> int:
    """How many copies `publish` would publish."""
    return sum(1 for _ in coming(store, selection))


def count_published(store: Store, selection: Selection) -> int:
    """How many copies `unpublish` would take back."""
    with store.read() as snapshot:
        return len(_published(snapshot, selection))


def unpublish(store: Store, selection: Selection, *, actor: str = "") -> int:
    """The published copies of the selection are received and not published; how many there were. What a partner sent it
    can still read back."""
    with store.read() as snapshot:
        numbers = _published(snapshot, selection)
    done = 0
    for start in range(0, len(numbers), BATCH_OBJECTS):
        with store.write() as tx:
            tx.actor, tx.staff = actor, actor or OPERATOR
            done += take_back(tx, numbers[start : start + BATCH_OBJECTS])
    return done


def take_back(tx: Transaction, numbers: Sequence[int]) -> int:
    """These publications are received and not published; how many there were. What a partner sent it can still read."""
    sent = {source.key for source in tx.sources() if source.kind == PARTNER}
    facts = tx.published(numbers)
    done = tx.unpublish([one.object for one in facts])
    tx.publish([(one.object, *PRIVATE) for one in facts if one.source in sent], 0, None)
    return done


def _published(snapshot: Snapshot, selection: Selection) -> list[int]:
    return list(chosen(snapshot, selection, snapshot.publications().of("state", State.PUBLISHED)))


def chosen(snapshot: Snapshot, selection: Selection, found: Keys) -> Keys:
    """Those of the publications that the selection takes."""
    published = snapshot.publications()
    if selection.ids is not None:
        found = found & BitMap(snapshot.published_of(selection.ids))
    if selection.types:
        found = found & snapshot.published_types(selection.types)
    if selection.sources:
        keys = [source.key for source in snapshot.sources() if source.name in selection.sources]
        found = found & BitMap.union(BitMap(), *(published.of("source", key) for key in keys))
    if selection.collection is not None:
        keys = [each.key for each in snapshot.collections() if each.id == selection.collection]
        found = found & BitMap.union(BitMap(), *(published.of("collection", key) for key in keys))
    return found
