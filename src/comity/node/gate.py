"""The release gate: what a partner or client reads is made here, from its own view and nothing else.

A view belongs to one state of the store, one policy and one recipient, and is made anew when any of them changes or a
date passes. Order, positions and dates are those of the recipient's own openings, which are kept in the store.

Views and openings are made from a snapshot, outside of any writer's turn. What they rest on is looked at again in the
transaction that keeps news, and is little: so a writer waits for a few rows, and not for a view.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from pyroaring import BitMap

from comity.interfaces import Query
from comity.node.deliveries import Amount
from comity.node.parts import Part
from comity.node.views import Decisions, Earlier, Sound, Subject, View, leave, look
from comity.release.classes import Recipient
from comity.release.openings import Openings
from comity.release.policy import Policy
from comity.release.redact import Released
from comity.store.interface import Snapshot, Transaction
from comity.store.nouns import Collection, Entries, Entry
from comity.store.related import At
from comity.store.snapshot import SPEC_VERSION, VERSION_WORDS

VIEWS_MOST = 256
"""Views of so many recipients are kept; the one that was made longest ago makes room."""
OPENINGS_MOST = 4 * VIEWS_MOST
"""Openings of so many recipients, readings and collections are kept unpacked."""
PAGE_BYTES_MOST = 16 * 2**20
CHUNK_OBJECTS = 64

_State = tuple[int, int, int, str, Subject, Recipient | None]
K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Shown:
    """A page for a recipient: what leaves, in the order of its openings. Dates are in microseconds since 1970; that of
    the last item is the position to go on from, since numbers of publications count what the recipient may not see.
    Those in `numbers` are for this node alone."""

    objects: list[Released]
    numbers: list[int]
    position: int
    more: bool
    first_added: int | None
    last_added: int | None
    beyond: Amount | None = None


@dataclass(frozen=True, slots=True)
class Basis:
    """What an answer rests on: while the store says the same, and no date of the view has passed, it is the answer.
    `relations` are only looked at where there is something to keep."""

    last_publication: int
    last_republication: int
    admin_version: int
    openings: str
    relations: At | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of one recipient in one collection, and all that is needed to answer it. `news` are the stretches of
    openings that have to be kept before it is; `basis` is what all of it was made from."""

    view: View
    openings: Openings
    news: dict[int, bytes]
    recipient: str
    collection: Collection
    basis: Basis


class Gate:
    """The views of this process. Safe to use from threads."""

    def __init__(self, sound: Sound) -> None:
        self._sound = sound
        self._lock = threading.Lock()
        self._views: dict[str, tuple[_State, View]] = {}
        self._decisions: dict[str, Decisions] = {}
        self._openings: dict[tuple[str, str], tuple[str, Openings]] = {}

    def view(
        self,
        snapshot: Snapshot,
        policy: Policy,
        subject: Subject,
        now: int,
        earlier: Earlier | None = None,
        part: Part | None = None,
    ) -> View:
        """The view of the subject in this state of the store, from memory where it still holds; with `earlier`, of what
        is in view for both. With a `part` no more than that is made, and nothing is kept."""
        published = snapshot.publications()
        as_of = None if earlier is None else earlier.recipient
        state = (published.last_number, published.last_change, snapshot.admin_version, policy.digest, subject, as_of)
        id = subject.recipient.id
        with self._lock:
            held = self._views.get(id)
            # Relations are the same object until any of them is another.
            if (
                held is not None
                and held[0] == state
                and held[1].holds_at(now, None if earlier is None else earlier.instant)
                and held[1].relations is snapshot.relations()
            ):
                return held[1]
            decisions = self._decided(id, policy, subject.recipient)
            both = None
            if earlier is not None:
                both = (self._decided(f"{id} earlier", policy, earlier.recipient), earlier.instant)
            view = look(snapshot, subject, decisions, now, self._sound, both, part)
            if part is not None:
                return view
            _put(self._views, id, (state, view), VIEWS_MOST)
        return view

    def _decided(self, key: str, policy: Policy, recipient: Recipient) -> Decisions:
        """The decisions that were made, where they were under this policy and for just this recipient."""
        made = self._decisions.get(key)
        if made is None or made.policy.digest != policy.digest or made.recipient != recipient:
            made = Decisions(policy, recipient)
        _put(self._decisions, key, made, VIEWS_MOST)
        return made

    def ask(
        self,
        snapshot: Snapshot,
        policy: Policy,
        subject: Subject,
        collection: Collection,
        query: Query,
        now: int,
        earlier: Earlier | None = None,
    ) -> Asked:
        """The question as it can be answered from this state of the store. Where the clock is doubted, what opens has
        the date of the instant that is trusted."""
        view = self.view(snapshot, policy, subject, now, earlier)
        word = query.versions[0] if query.versions in (("last",), ("first",)) else "all"
        recipient = f"{subject.recipient.id} {word}"
        version = snapshot.openings_version(recipient, collection.id)
        openings = self._unpacked(snapshot, recipient, collection.id, version)
        news: dict[int, bytes] = {}
        opened = now if earlier is None else earlier.instant
        if not version or view.kept.get((recipient, collection.id)) != version:
            openings, news = openings.caught_up(view.reading(snapshot, collection.key, word), opened)
            if not news:
                view.kept[recipient, collection.id] = version
        return Asked(view, openings, news, recipient, collection, _basis(snapshot, version, relations=bool(news)))

    def _unpacked(self, snapshot: Snapshot, recipient: str, collection: str, version: str) -> Openings:
        """The openings of this state of the store. Those without a version are read each time."""
        held = self._openings.get((recipient, collection))
        if held is not None and version and held[0] == version:
            return held[1]
        openings = Openings.read(snapshot.openings(recipient, collection))
        if version:
            self._remember(recipient, collection, version, openings)
        return openings

    def _remember(self, recipient: str, collection: str, version: str, openings: Openings) -> None:
        with self._lock:
            _put(self._openings, (recipient, collection), (version, openings), OPENINGS_MOST)

    def keep(self, tx: Transaction, asked: Asked) -> None:
        """What was opened to the recipient is kept, with its dates."""
        # The version tells of all that was ever put, so what is remembered is right even where this is rolled back.
        version = tx.put_openings(asked.recipient, asked.collection.id, asked.news)
        self._remember(asked.recipient, asked.collection.id, version, asked.openings)
        asked.view.kept[asked.recipient, asked.collection.id] = version

    def still_holds(self, tx: Snapshot, asked: Asked, now: int, trusted: int | None = None) -> bool:
        """An answer that was made from an earlier state is the one that would be made from this."""
        version = tx.openings_version(asked.recipient, asked.collection.id)
        relations = asked.basis.relations is not None
        return asked.view.holds_at(now, trusted) and asked.basis == _basis(tx, version, relations=relations)

    def page(
        self,
        snapshot: Snapshot,
        asked: Asked,
        query: Query,
        most: Amount | None = None,
        among: BitMap | None = None,
    ) -> Shown:
        """The page that is asked for; about PAGE_BYTES_MOST bytes at most, yet one object at least. No more leaves than
        `most`; where that is not even one object, `beyond` is what the first would have been. With `among`
        nothing else is looked at."""
        within = _within(snapshot, asked, query)
        if among is not None:
            within = among if within is None else within & among
        page = asked.openings.page(_after(asked, query), query.limit, within)
        leaving = self._leaving(snapshot, asked, page.numbers)
        if most is not None and leaving:
            fitting = _fitting(leaving, most)
            if not fitting:
                return Shown([], [], query.after, True, None, None, Amount(1, len(leaving[0][1].raw)))
            leaving = leaving[:fitting]
        if not leaving:
            position = asked.openings.date(page.positions[-1]) if page.positions else query.after
            return Shown([], [], position, page.more, None, None)
        first, last = leaving[0][0], leaving[-1][0]
        first_added, last_added = (asked.openings.date(page.positions[place]) for place in (first, last))
        more = page.more or last + 1 < len(page.numbers)
        numbers = [page.numbers[place] for place, _ in leaving]
        return Shown([one for _, one in leaving], numbers, last_added, more, first_added, last_added)

    def entries(self, snapshot: Snapshot, asked: Asked, query: Query) -> tuple[Entries, list[int]]:
        """The same page as rows of a manifest, and their publications; their keys are their dates, which are
        positions."""
        page = asked.openings.page(_after(asked, query), query.limit, _within(snapshot, asked, query))
        facts = {one.number: one for one in snapshot.published(sorted(page.numbers))}
        dates = asked.openings.dates(page.numbers)
        items = [
            Entry(dates[number], facts[number].id, facts[number].version, dates[number]) for number in page.numbers
        ]
        return Entries(items, page.more), page.numbers

    def _leaving(self, snapshot: Snapshot, asked: Asked, numbers: list[int]) -> list[tuple[int, Released]]:
        """What leaves of these, each with its place among them: as many of the first of them as make a page."""
        large = snapshot.publications().of("large", 1).intersect(BitMap(numbers))
        step = CHUNK_OBJECTS if large else max(1, len(numbers))
        found: list[tuple[int, Released]] = []
        size = 0
        for start in range(0, len(numbers), step):
            some = numbers[start : start + step]
            there = dict(leave(snapshot, asked.view, some))
            here = [(start + place, there[number]) for place, number in enumerate(some) if number in there]
            if not large:
                return here
            for each in here:
                size += len(each[1].raw)
                if size > PAGE_BYTES_MOST and found:
                    return found
                found.append(each)
        return found


def _fitting(leaving: Sequence[tuple[int, Released]], most: Amount) -> int:
    """How many of the first of them are not more than that."""
    size = 0
    for count, (_, one) in enumerate(leaving):
        size += len(one.raw)
        if not Amount(count + 1, size).fits(most):
            return count
    return len(leaving)


def _put(where: dict[K, V], key: K, value: V, most: int) -> None:
    """It is there as the newest; the oldest makes room."""
    where.pop(key, None)
    if len(where) >= most:
        del where[next(iter(where))]
    where[key] = value


def _basis(snapshot: Snapshot, openings: str, *, relations: bool) -> Basis:
    return Basis(
        snapshot.last_publication,
        snapshot.last_republication,
        snapshot.admin_version,
        openings,
        snapshot.relations_at() if relations else None,
    )


def _after(asked: Asked, query: Query) -> int:
    """Where the openings go on: `after` of a recipient's query is a date, as `added_after` is."""
    return asked.openings.after_date(max(query.after, query.added_after or 0))


def _within(snapshot: Snapshot, asked: Asked, query: Query) -> BitMap | None:
    """The publications that the filters let through; None where there is no filter."""
    if query.sources or (query.spec_versions and SPEC_VERSION not in query.spec_versions):
        # Names of sources are this node's own: a recipient knows none, so none is the one that it names.
        return BitMap()
    filters: list[BitMap] = []
    if query.types:
        filters.append(snapshot.published_types(query.types))
    if query.ids:
        filters.append(BitMap(snapshot.published_of(query.ids)))
    if query.versions not in (("last",), ("first",), ("all",)):
        readings = [
            asked.view.reading(snapshot, asked.collection.key, word) for word in query.versions if word in VERSION_WORDS
        ]
        instants = [word for word in query.versions if word not in VERSION_WORDS]
        filters.append(BitMap.union(BitMap(), BitMap(snapshot.published_at(instants)), *readings))
    return BitMap.intersection(*filters) if len(filters) > 1 else filters[0] if filters else None
