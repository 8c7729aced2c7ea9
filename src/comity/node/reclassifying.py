"""Classes made anew (R5, R14): what published objects count as, when what they were classed by is another.

A marking definition that came or went changes what refers to it in the same transaction: at once where that is little;
else nobody is served it before a job has looked at it. What is tighter holds from then on. What may be looser holds
only once a person has confirmed it: until then the object stands between both (see `comity.release.standing`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import orjson
from pyroaring import BitMap

from comity.interfaces import Clock, microseconds
from comity.node.forming import Classes, turn
from comity.node.jobs import LEASE_SECONDS, SECOND_US
from comity.node.showing import resolve
from comity.node.way import Way
from comity.release.classes import ReleaseClass
from comity.release.classify import canonical_form
from comity.release.forms import class_of
from comity.release.standing import awaiting, between, digest_of, parts, tightens
from comity.stix.object import JsonObject, StixObject
from comity.store.interface import Snapshot, Store, Transaction
from comity.store.nouns import Job, Outcome, State, Verdict
from comity.store.publications import Published
from comity.store.records import Record
from comity.store.views import Keys

RECLASSIFY = "reclassify"
"""The kind of the job."""
RECORD = "reclassification"
AWAITING, EVERYTHING, OF_SOURCE = "awaiting", "everything", "source "
"""What a job looks at, by its key: what awaits a class, all that is published, or what the source of that name gave."""
AT_ONCE = 200
"""So many are looked at in the transaction that changed what they are classed by; more are left to the job."""
BATCH_OBJECTS = 250
SAMPLES = 3
DEFINITION = "marking-definition"

Pair = tuple[bytes, bytes]
"""The forms of the class that an object had, and of the one that it has."""


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why classes are made anew, and by whom."""

    why: str
    by: str = ""


class Done(msgspec.Struct, forbid_unknown_fields=True):
    """A reclassification as it is kept: how many objects were looked at, how many count as something tighter, how many
    as something that a person confirmed, and how many stand between two classes until one does."""

    why: str
    by: str
    of: str
    looked_at: int = 0
    tightened: int = 0
    confirmed: int = 0
    waiting: int = 0

    @property
    def changed(self) -> int:
        """How many count as something else, or would."""
        return self.tightened + self.confirmed + self.waiting


@dataclass(slots=True)
class Change:
    """What would count as something else: the two classes, how many objects there are and some of their ids. `loosens`
    says that it is not proven that nobody would see more."""

    had: ReleaseClass
    has: ReleaseClass
    loosens: bool
    count: int = 0
    samples: list[str] = field(default_factory=list)


# -- what is concerned -------------------------------------------------------------------------------------------------
def referring(snapshot: Snapshot, source: str, definition: str) -> Keys:
    """The publications of that source that refer to the id, and those of which it is not known yet."""
    relations, published = snapshot.relations(), snapshot.publications()
    found = BitMap(relations.unread)
    target = snapshot.targets([definition.lower()]).get(definition.lower())
    if target is not None:
        for by_target in relations.users.values():
            numbers = by_target.get(target)
            found |= BitMap([numbers]) if isinstance(numbers, int) else numbers or BitMap()
    return found & of_source(snapshot, source) & published.of("state", State.PUBLISHED)


def of_source(snapshot: Snapshot, source: str) -> Keys:
    """What is published of the source."""
    published = snapshot.publications()
    return published.of("source", snapshot.source(source).key) & published.of("state", State.PUBLISHED)


def _of_job(snapshot: Snapshot, key: str) -> Keys:
    published = snapshot.publications()
    if key.startswith(OF_SOURCE):
        return of_source(snapshot, key.removeprefix(OF_SOURCE))
    if key == EVERYTHING:
        return published.of("state", State.PUBLISHED)
    waiting = [number for number, form in snapshot.classes().items() if form and not parts(form)[1]]
    return BitMap.union(BitMap(), *(published.of("class", number) for number in waiting))


# -- at once -----------------------------------------------------------------------------------------------------------
def after_storing(tx: Transaction, way: Way, stored: Sequence[tuple[StixObject, Verdict]], now: int) -> None:
    """Nobody is served anything by what a definition meant before the source sent another of its id a moment ago. What
    its first definition means changes nothing at once: before it, what refers to it went nowhere."""
    for one, verdict in stored:
        if one.type != DEFINITION or verdict.outcome not in (Outcome.STORED, Outcome.SUPERSEDED):
            continue
        others = [copy for copy in tx.copies(one.id) if copy.source == way.source.name and copy.body is not None]
        if any(copy.body != one.raw for copy in others):
            _definition_changed(tx, way.source.name, one.id, way.ours, now)


def meanings(snapshot: Snapshot, id: str) -> dict[str, JsonObject | None]:
    """What the id means to each source that defines it as a marking; nothing where it is no marking definition."""
    if not id.startswith(f"{DEFINITION}--"):
        return {}
    sources = {copy.source for copy in snapshot.copies(id) if copy.state.live}
    return {source: resolve(snapshot, source, id) for source in sorted(sources)}


def after_withdrawing(
    tx: Transaction, id: str, before: Mapping[str, JsonObject | None], ours: frozenset[str], now: int
) -> None:
    """Nobody is served anything by a definition that was withdrawn a moment ago; `before` are its `meanings` until
    then."""
    for source, meant in before.items():
        if resolve(tx, source, id) != meant:
            _definition_changed(tx, source, id, ours, now)


def _definition_changed(tx: Transaction, source: str, id: str, ours: frozenset[str], now: int) -> None:
    look_again(tx, referring(tx, source, id), ours, Order(f"{id} of {source} means something else"), now)


def look_again(tx: Transaction, numbers: Keys, ours: frozenset[str], order: Order, now: int) -> None:
    """What these publications count as is found out anew: now where they are few, and else by a job, before which
    nobody is served them. Whoever classes others outside of this transaction begins again."""
    turn(tx)
    if len(numbers) > AT_ONCE:
        hide(tx, numbers)
        tx.enqueue(Job(RECLASSIFY, AWAITING, msgspec.json.encode(order), due_at=now))
        return
    done = Done(order.why, order.by, AWAITING)
    settle(tx, Classes(tx, ours), sorted(numbers), done)
    keep(tx, done, now)


def hide(tx: Transaction, numbers: Keys) -> None:
    """Nobody is served any of these before it has a class again."""
    published = tx.publications()
    for number, form in tx.classes().items():
        some = published.of("class", number) & numbers
        if form and some:
            waiting = awaiting(form)
            tx.reclass(dict.fromkeys(some, (digest_of(waiting), waiting)))


# -- batch by batch ----------------------------------------------------------------------------------------------------
def looked_at(
    snapshot: Snapshot, classes: Classes, numbers: Sequence[int]
) -> Iterator[tuple[Published, bytes, bytes, bytes]]:
    """Each of these that is published, with the forms of its class or standing, of the class that it had, and of the
    one that it has by what is known now."""
    facts = snapshot.published(numbers)
    names = {source.key: source.name for source in snapshot.sources()}
    forms = snapshot.classes()
    bodies = snapshot.published_bodies([one.number for one in facts])
    for one, body in zip(facts, bodies, strict=True):
        form = forms[one.class_key]
        if form:
            _, has = classes.form(names[one.source], one.default_tlp, one.mark, orjson.loads(body))
            yield one, form, parts(form)[0], has


def settle(
    tx: Transaction, classes: Classes, numbers: Sequence[int], done: Done, confirmed: frozenset[Pair] = frozenset()
) -> None:
    """Each of these counts as what it is by now where that is tighter, or one of the pairs that a person has confirmed;
    else it stands between the two. `done` counts them."""
    others: dict[int, tuple[bytes, bytes]] = {}
    for one, form, had, has in looked_at(tx, classes, numbers):
        done.looked_at += 1
        due = has
        if had != has and tightens(class_of(had), class_of(has)):
            done.tightened += 1
        elif (had, has) in confirmed:
            done.confirmed += 1
        elif had != has:
            due = between(had, has)
            done.waiting += 1
        if due != form:
            others[one.number] = (digest_of(due), due)
    if others:
        tx.reclass(others)


def keep(tx: Transaction, done: Done, now: int, *, always: bool = False) -> None:
    """What was done is on record, if it changed anything."""
    if done.changed or always:
        tx.put_record(Record(RECORD, RECORD, done.of, msgspec.json.encode(done), changed_at=now))


def batches(numbers: Iterable[int]) -> Iterator[list[int]]:
    """These numbers, some at a time."""
    every = sorted(numbers)
    for start in range(0, len(every), BATCH_OBJECTS):
        yield every[start : start + BATCH_OBJECTS]


def run(store: Store, clock: Clock, ours: frozenset[str], job: Job, stopped: Callable[[], bool]) -> int | None:
    """The job: each batch is settled in one transaction, so that nothing that it rests on changes meanwhile. When it is
    told to stop, it is due again; what was settled stays so."""
    order = msgspec.json.decode(job.payload, type=Order)
    done = Done(order.why, order.by, job.key)
    with store.read() as snapshot:
        numbers = _of_job(snapshot, job.key)
    for some in batches(numbers):
        now = microseconds(clock.now())
        if stopped():
            return now
        with store.write() as tx:
            if not tx.renew(job, now + LEASE_SECONDS * SECOND_US):
                return None
            settle(tx, Classes(tx, ours), some, done)
    with store.write() as tx:
        keep(tx, done, microseconds(clock.now()), always=True)
    return None


# -- by a person -------------------------------------------------------------------------------------------------------
def changes(store: Store, ours: frozenset[str], source: str | None) -> dict[Pair, Change]:
    """What would count as something else, of that source or of all."""
    found: dict[Pair, Change] = {}
    with store.read() as snapshot:
        numbers = _of_job(snapshot, EVERYTHING if source is None else OF_SOURCE + source)
    for some in batches(numbers):
        with store.read() as snapshot:
            for one, form, had, has in looked_at(snapshot, Classes(snapshot, ours), some):
                if form == has:
                    continue
                change = found.get((had, has))
                if change is None:
                    old, new = class_of(had), class_of(has)
                    change = found[had, has] = Change(old, new, loosens=not tightens(old, new))
                change.count += 1
                if len(change.samples) < SAMPLES:
                    change.samples.append(one.id)
    return found


def differences(had: ReleaseClass, has: ReleaseClass) -> list[tuple[str, str, str]]:
    """Each facet in which the two differ, with both values in words."""
    forms = [orjson.loads(canonical_form(one)) for one in (had, has)]
    return [
        (name, _words(forms[0][name]), _words(forms[1][name]))
        for name in ReleaseClass.__slots__
        if forms[0][name] != forms[1][name]
    ]


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {each}" for name, each in value.items() if each is not None)
    if isinstance(value, list):
        return " and ".join(map(_words, value)) or "none"
    return "none" if value is None else str(value)


def apply(
    store: Store, clock: Clock, ours: frozenset[str], source: str | None, order: Order, confirmed: frozenset[Pair]
) -> Done:
    """What would count as something else does, if it is tighter or one of these pairs; what changed in another way
    since they were listed waits."""
    key = EVERYTHING if source is None else OF_SOURCE + source
    done = Done(order.why, order.by, key)
    with store.read() as snapshot:
        numbers = _of_job(snapshot, key)
    for some in batches(numbers):
        with store.write() as tx:
            settle(tx, Classes(tx, ours), some, done, confirmed)
    with store.write() as tx:
        keep(tx, done, microseconds(clock.now()), always=True)
    return done
