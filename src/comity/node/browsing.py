"""Looking around: what an account may read, found by words and filters, and what stands around one object (R64)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pyroaring import BitMap

from comity.errors import InvalidRequest, NotFound
from comity.interfaces import microseconds
from comity.node import showing
from comity.node.access import OPERATOR
from comity.node.asking import text_query
from comity.node.choosing import Choice
from comity.node.linking import LINKS_MOST, Links, called, links_of
from comity.node.people import READING
from comity.node.readable import Readable
from comity.node.recalling import Recalling
from comity.node.recalls import recalls
from comity.node.showing import CopyView
from comity.node.viewing import Viewer
from comity.store.browse_interface import Facets
from comity.store.interface import Snapshot
from comity.store.nouns import Hit as Hit
from comity.store.nouns import TextQuery
from comity.store.views import Keys

FACETED_MOST = 10_000
"""Over so many hits, the newest first, facets are counted."""
FACETED_US = 25_000
"""Yet no longer than this after the page was begun."""
ORDER = ("added", "published", "left", "left-last", "recalled", "withdrawn")
"""What can happen to an object, in the order in which it does."""
LOOKED_MOST = 5_000
"""So many hits are looked at for a page; what is left is on the next one."""
SEARCHED_US = 25_000
"""A page is looked for no longer than this, yet one run in any case; the next page goes on from there."""
AT_ONCE = 250
COPIES_MOST = 50
TEXT_INDEX_OBJECTS = 200
HOURS = 24
HOUR_US = 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class Found:
    """A page of what was found, the newest first; relationships are called by their ends, but in files. `next` is where
    the next page begins, 0 where there is none; `facets` are those of the first `counted` hits, which are `all` of them
    or not; None where they were not asked for. `hidden` says how many more there are among these that whoever asks may
    not read, where that is told. `behind` copies cannot be found yet. `bodies` are those of the hits, as they were
    sent, where they were asked for."""

    hits: Sequence[Hit]
    next: int
    facets: Facets | None
    counted: int
    all: bool
    hidden: int | None
    behind: int
    bodies: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True)
class About:
    """An object: the copies of it that are shown, newest version first, at most COPIES_MOST, and how many `older` ones
    there are; what it is called; what it is tied to."""

    id: str
    type: str
    name: str
    copies: Sequence[CopyView]
    links: Links
    older: int


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a copy of an object, or to all of them, at an instant in microseconds since 1970.

    `what` is of ORDER; `who` is the source, the partner or
    the person; `entry` that of the ledger, or 0; `by` the rule by which it left, or the id of the recall."""

    at: int
    what: str
    who: str
    version: str = ""
    entry: int = 0
    by: str = ""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """How many objects came in each hour, the oldest first, of the newest that were looked at, or of `all`."""

    hours: Sequence[int]
    all: bool


_Run = tuple[list[int], Keys, int]


class _Kept:
    """Runs that are made once, and gone through as often as one likes."""

    def __init__(self, runs: Iterator[_Run]) -> None:
        self._runs = runs
        self._made: list[_Run] = []

    def __iter__(self) -> Iterator[_Run]:
        yield from self._made
        for run in self._runs:
            self._made.append(run)
            yield run


class Browsing(Recalling):
    """The verbs of looking around. Whoever acts is told of what it may read. Where the copy that readers are shown is
    one that it may not read, no list has the object, and its id still finds the copies that it may read."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._readable_copies = Readable()

    def browse(
        self,
        text: str = "",
        *,
        ids: Sequence[str] = (),
        types: Sequence[str] = (),
        sources: Sequence[str] = (),
        collection: str = "",
        tlp: str = "",
        seen: str = "",
        limit: int = 50,
        after: int = 0,
        facets: bool = True,
        file: str = "",
    ) -> Found:
        """A page of what the text asks for (see `comity.node.asking`) within the filters; without any, of everything.
        With `ids` of these objects alone, whatever else is asked, and all on one page. Where it becomes a `file` of
        that form, that is noted; `stix` has bodies. InvalidRequest for what cannot be asked."""
        query = self._asked(text, types, sources, collection, tlp, seen, limit, after)
        if query.words:
            self.store.index_text(TEXT_INDEX_OBJECTS)
        with self._snapshot() as snapshot:
            viewer = self._viewer_with(snapshot, READING)
            if query.collection is not None:
                query = replace(query, collection=snapshot.collection(query.collection).id)
            _, began = self.clock.steady()
            runs = _Kept(self._named(snapshot, viewer, ids) if ids else self._looked(snapshot, viewer, query, AT_ONCE))
            keys, next = self._page(runs, len(ids) or query.limit, None if file else began + SEARCHED_US)
            among, looked, ended = BitMap(), 0, False
            if facets:
                if query.after and not ids:
                    runs = _Kept(self._looked(snapshot, viewer, replace(query, after=0), AT_ONCE))
                among, looked, ended = self._counted(runs, began + FACETED_US)
            hits, told = snapshot.hits(keys), BitMap(keys)
            if not file:
                ours = self.ours()
                hits, ends = called(
                    snapshot, lambda some: self._readable_copies.among(snapshot, viewer, some, ours), hits
                )
                told |= ends
            words = Choice(ids=tuple(ids)).words if ids else text
            self._note_read(snapshot, OPERATOR, "search", told, words)
            if file:
                self._note_told("export-list", {"form": file, "text": words, "objects": len(hits)})
            counts = snapshot.facets(among) if facets else None
            hidden = looked - len(among) if viewer.counts and facets else None
            bodies = [body for *_, body in snapshot.for_class(keys)][::-1] if file == "stix" else ()
            return Found(hits, next, counts, len(among), ended, hidden, snapshot.text_behind(), bodies)

    def about(self, id: str, *, links: int = LINKS_MOST) -> About:
        """What the object is and what it is tied to, at most so many links. NotFound, in the same words as where there
        is none, where whoever acts may read no copy of it."""
        with self._snapshot() as snapshot:
            viewer, ours = self._reader(snapshot, "seen", id=id), self.ours()
            copies = viewer.copies(snapshot, id, ours)
            if not copies:
                raise NotFound(f"There is no object {id!r}.", where="id")
            best = next((copy for copy in copies if copy.shown and copy.state.live), copies[0])
            hits = snapshot.hits([best.key])

            def readable(keys: Sequence[int]) -> Keys:
                return self._readable_copies.among(snapshot, viewer, keys, ours)

            ties = links_of(snapshot, readable, id, best.body or b"{}", links)
            # What it is tied to is named as well (R44).
            others = [hit.key for link in ties.items for hit in (link.other, link.by) if hit is not None]
            self._note_read(snapshot, OPERATOR, "show", BitMap([*(copy.key for copy in copies), *others]), id)
            return About(
                id,
                best.type,
                hits[0].name if hits else "",
                showing.views(snapshot, OPERATOR, id, self.schemas(), copies[:COPIES_MOST]),
                ties,
                len(copies[COPIES_MOST:]),
            )

    def timeline(self, id: str) -> list[Event]:
        """What happened to the copies of the object that whoever acts may read, the newest first. NotFound as for
        `about`."""
        holders = self.holders(id)
        with self._snapshot() as snapshot:
            copies = self._reader(snapshot, "seen", id=id).copies(snapshot, id, self.ours())
            keys = [copy.key for copy in copies]
            published, withdrawn = snapshot.published_when(keys), snapshot.withdrawn_when(keys)
            found = [Event(copy.added, "added", copy.source, copy.version) for copy in copies]
            for copy in copies:
                for what, when in (("published", published), ("withdrawn", withdrawn)):
                    if copy.key in when:
                        found.append(Event(when[copy.key], what, copy.source, copy.version))
            found += [
                Event(one.at, "recalled", one.actor, entry=one.entry, by=one.id)
                for one in (recalls(snapshot) if copies else ())
                if id in one.objects
            ]
        for holder in holders:
            first, last = holder.held.first, holder.held.last
            found.append(Event(first.at, "left", holder.partner, holder.held.version, first.entry, first.rule))
            if last.at > first.at:
                found.append(Event(last.at, "left-last", holder.partner, holder.held.version, last.entry, last.rule))
        return sorted(found, key=lambda event: (event.at, ORDER.index(event.what)), reverse=True)

    def arrivals(self) -> Arrivals:
        """How many objects that whoever acts may read came, or came anew, in each of the last HOURS hours."""
        now = microseconds(self.clock.now())
        start = now - HOURS * HOUR_US
        with self._snapshot() as snapshot:
            viewer = self._viewer_with(snapshot, READING)
            runs = self._looked(snapshot, viewer, TextQuery(added_after=start), AT_ONCE)
            keys, _, ended = self._counted(runs, self.clock.steady()[1] + FACETED_US)
            hours = [0] * HOURS
            for added in snapshot.added_when(list(keys)).values():
                hours[min(HOURS - 1, (added - start) // HOUR_US)] += 1
            return Arrivals(hours, ended)

    def _asked(
        self,
        text: str,
        types: Sequence[str],
        sources: Sequence[str],
        collection: str,
        tlp: str,
        seen: str,
        limit: int,
        after: int,
    ) -> TextQuery:
        filters = {"tlp": tlp, "seen": seen, "in": collection}
        for name, value in filters.items():
            if len(value.split()) > 1:
                raise InvalidRequest(f"{value!r} is no {name}.", where=name)
        more = "".join(f" {name}:{value}" for name, value in filters.items() if value)
        query = text_query(text + more, types=types, limit=limit, after=after, now_us=microseconds(self.clock.now()))
        return replace(query, sources=(*query.sources, *sources))

    def _page(self, runs: Iterable[_Run], limit: int, until: int | None) -> tuple[list[int], int]:
        """The keys of the page, and where the next one begins; what was found until that instant, if one is given."""
        found: list[int] = []
        looked = 0
        for some, readable, low in runs:
            found += [key for key in some if key in readable]
            if len(found) > limit:
                del found[limit:]
                return found, found[-1]
            looked += len(some)
            late = until is not None and self.clock.steady()[1] > until
            if looked >= LOOKED_MOST or late:
                return found, low if low > 1 else 0
        return found, 0

    def _counted(self, runs: Iterable[_Run], until: int) -> tuple[BitMap, int, bool]:
        """Those of the first hits that are shown, how many were looked at, and whether that is all there are."""
        found, looked = BitMap(), 0
        for some, readable, _ in runs:
            some = some[: FACETED_MOST - looked]
            found |= readable & BitMap(some)
            looked += len(some)
            if looked >= FACETED_MOST or self.clock.steady()[1] > until:
                return found, looked, False
        return found, looked, True

    def _named(self, snapshot: Snapshot, viewer: Viewer, ids: Sequence[str]) -> Iterator[_Run]:
        """The objects with these ids as one run, as `_looked` gives them."""
        keys = snapshot.newest(ids)[::-1]
        yield keys, self._readable_copies.among(snapshot, viewer, keys, self.ours()), 0

    def _looked(self, snapshot: Snapshot, viewer: Viewer, query: TextQuery, at_once: int) -> Iterator[_Run]:
        """All hits, the newest first, some at once, which of these are shown, and the least key that was looked at."""
        ours = self.ours()
        for run, low in snapshot.hit_runs(query):
            for start in range(0, len(run), at_once):
                some = run[start : start + at_once]
                last = start + at_once >= len(run)
                yield some, self._readable_copies.among(snapshot, viewer, some, ours), low if last else some[-1]
            if not run:
                yield [], BitMap(), low
