"""The release gate: what a partner or client reads is made here, from its own view and nothing else.

A view belongs to one state of the store, one policy and one recipient, and is made anew when any of them changes or a
date passes. Order, positions and dates are those of the recipient's own openings, which are kept in the store.
"""

import threading
from dataclasses import dataclass

from pyroaring import BitMap

from comity.interfaces import Query
from comity.node.views import Decisions, Sound, Subject, View, leave, look
from comity.release.openings import Openings
from comity.release.policy import Policy
from comity.release.redact import Released
from comity.store.interface import Snapshot, Transaction
from comity.store.nouns import Collection, Entries, Entry
from comity.store.snapshot import SPEC_VERSION, VERSION_WORDS

VIEWS_MOST = 256
"""Views of so many recipients are kept; the one that was made longest ago makes room."""
PAGE_BYTES_MOST = 16 * 2**20
CHUNK_OBJECTS = 64

_State = tuple[int, int, int, str, Subject]


@dataclass(frozen=True, slots=True)
class Shown:
    """A page for a recipient: what leaves, in the order of its openings. Dates are in microseconds since 1970; that of
    the last item is the position to go on from, since numbers of publications count what the recipient may not see."""

    objects: list[Released]
    position: int
    more: bool
    first_added: int | None
    last_added: int | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of one recipient in one collection, and all that is needed to answer it. `news` are the stretches of
    openings that have to be kept before it is."""

    view: View
    openings: Openings
    news: dict[int, bytes]
    recipient: str
    collection: Collection


class Gate:
    """The views of this process. Safe to use from threads."""

    def __init__(self, sound: Sound) -> None:
        self._sound = sound
        self._lock = threading.Lock()
        self._views: dict[str, tuple[_State, int, View]] = {}
        self._decisions: dict[str, Decisions] = {}

    def view(self, snapshot: Snapshot, policy: Policy, subject: Subject, now: int) -> View:
        """The view of the subject in this state of the store, from memory where it still holds."""
        published = snapshot.publications()
        state = (published.last_number, published.last_change, snapshot.admin_version, policy.digest, subject)
        id = subject.recipient.id
        with self._lock:
            held = self._views.get(id)
            # Relations are the same object until any of them is another.
            if (
                held is not None
                and held[0] == state
                and held[1] <= now < held[2].until
                and held[2].relations is snapshot.relations()
            ):
                return held[2]
            decisions = self._decisions.get(id)
            if (
                decisions is None
                or decisions.policy.digest != policy.digest
                or decisions.recipient != subject.recipient
            ):
                decisions = Decisions(policy, subject.recipient)
            view = look(snapshot, subject, decisions, now, self._sound)
            for kept in (self._views, self._decisions):
                kept.pop(id, None)
                if len(kept) >= VIEWS_MOST:
                    del kept[next(iter(kept))]
            self._views[id], self._decisions[id] = (state, now, view), decisions
        return view

    def ask(
        self, snapshot: Snapshot, policy: Policy, subject: Subject, collection: Collection, query: Query, now: int
    ) -> Asked:
        """The question as it can be answered from this state of the store."""
        view = self.view(snapshot, policy, subject, now)
        word = query.versions[0] if query.versions in (("last",), ("first",)) else "all"
        recipient = f"{subject.recipient.id} {word}"
        kept = Openings.read(snapshot.openings(recipient, collection.id))
        openings, news = kept.caught_up(view.reading(snapshot, collection.key, word), now)
        return Asked(view, openings, news, recipient, collection)

    def page(self, snapshot: Snapshot, asked: Asked, query: Query) -> Shown:
        """The page that is asked for; about PAGE_BYTES_MOST bytes at most, yet one object at least."""
        page = asked.openings.page(_after(asked, query), query.limit, _within(snapshot, asked, query))
        objects = self._leaving(snapshot, asked, page.numbers)
        if not objects:
            position = asked.openings.date(page.positions[-1]) if page.positions else query.after
            return Shown([], position, page.more, None, None)
        first, last = page.positions[0], page.positions[len(objects) - 1]
        first_added, last_added = asked.openings.date(first), asked.openings.date(last)
        return Shown(objects, last_added, page.more or len(objects) < len(page.numbers), first_added, last_added)

    def entries(self, snapshot: Snapshot, asked: Asked, query: Query) -> Entries:
        """The same page as rows of a manifest; their keys are their dates, which are positions."""
        page = asked.openings.page(_after(asked, query), query.limit, _within(snapshot, asked, query))
        facts = {one.number: one for one in snapshot.published(sorted(page.numbers))}
        dates = asked.openings.dates(page.numbers)
        items = [
            Entry(dates[number], facts[number].id, facts[number].version, dates[number]) for number in page.numbers
        ]
        return Entries(items, page.more)

    def _leaving(self, snapshot: Snapshot, asked: Asked, numbers: list[int]) -> list[Released]:
        """What leaves of these, in their order: as many of the first of them as make a page."""
        if not snapshot.publications().of("large", 1).intersect(BitMap(numbers)):
            return _in_order(snapshot, asked.view, numbers)
        objects: list[Released] = []
        size = 0
        for start in range(0, len(numbers), CHUNK_OBJECTS):
            for one in _in_order(snapshot, asked.view, numbers[start : start + CHUNK_OBJECTS]):
                size += len(one.raw)
                if size > PAGE_BYTES_MOST and objects:
                    return objects
                objects.append(one)
        return objects


def _in_order(snapshot: Snapshot, view: View, numbers: list[int]) -> list[Released]:
    found = leave(snapshot, view, numbers)
    if [number for number, _ in found] != numbers:
        by_number = dict(found)
        return [by_number[number] for number in numbers]
    return [one for _, one in found]


def keep(tx: Transaction, asked: Asked) -> None:
    """What was opened to the recipient is kept, with its dates."""
    tx.put_openings(asked.recipient, asked.collection.id, asked.news)


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
