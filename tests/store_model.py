"""The store's slow twin: a plain list of copies, with nothing kept that can be worked out, and no bitmaps."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from comity.interfaces import Query
from comity.stix.object import VERSIONLESS, StixObject
from comity.store.nouns import Outcome, State

READINGS = ("first", "last", "all")


@dataclass(eq=False)
class ModelCopy:
    """One copy. `place` is its rank among rivals: the key under which it, or what it replaced, first came."""

    key: int
    collection: str
    source: str
    object: StixObject
    state: State
    added: int
    default_tlp: int | None
    place: int
    withdrawn_at: int | None = None
    purged: bool = False

    @property
    def visible(self) -> bool:
        """Readers may see it."""
        return self.state in (State.RECEIVED, State.PUBLISHED)


@dataclass
class Model:
    """Answers what a store must answer."""

    kinds: dict[str, str] = field(default_factory=dict)
    last_added: dict[str, int] = field(default_factory=dict)
    copies: list[ModelCopy] = field(default_factory=list)
    last_key: int = 0

    # -- what readers see ---------------------------------------------------------------------------------------------
    def reading(self, collection: str | None, word: str) -> list[ModelCopy]:
        """The copies of one reading of one collection, or of all together, in order of keys."""
        visible = [copy for copy in self.copies if copy.visible and collection in (None, copy.collection)]
        shown = []
        for copy in visible:
            rivals = [
                other
                for other in visible
                if other.object.id == copy.object.id and other.object.instant == copy.object.instant
            ]
            if min(rivals, key=lambda each: (self.kinds[each.source] != "own", each.place)) is copy:
                shown.append(copy)
        if word != "all":
            best = max if word == "last" else min
            shown = [
                copy
                for copy in shown
                if copy.object.instant
                == best(other.object.instant for other in shown if other.object.id == copy.object.id)
            ]
        return sorted(shown, key=lambda copy: copy.key)

    def select(self, query: Query) -> list[ModelCopy]:
        """All copies that the query asks for, without its limit."""
        if query.spec_versions and "2.1" not in query.spec_versions:
            return []
        wanted: list[ModelCopy] = []
        for word in query.versions:
            if word in READINGS:
                wanted += self.reading(query.collection, word)
            else:
                wanted += [c for c in self.reading(query.collection, "all") if c.object.instant == word]
        keys = {copy.key: copy for copy in wanted}
        return [
            copy
            for _, copy in sorted(keys.items())
            if (not query.ids or copy.object.id in query.ids)
            and (not query.types or copy.object.type in query.types)
            and (not query.sources or copy.source in query.sources)
            and (query.added_after is None or copy.added > query.added_after)
            and copy.key > query.after
        ]

    def page(self, query: Query, bytes_max: int) -> tuple[list[ModelCopy], bool]:
        """The copies of a page, and whether there are more."""
        found = self.select(query)
        page: list[ModelCopy] = []
        total = 0
        for copy in found[: query.limit]:
            total += len(copy.object.raw)
            if total > bytes_max and page:
                break
            page.append(copy)
        return page, len(page) < len(found)

    # -- changes ------------------------------------------------------------------------------------------------------
    def _redated(self, change: Callable[[], None], now: int) -> None:
        """Does the change; then whatever entered a reading without having been stored by it is moved and re-dated."""
        old = set(self.copies)
        before = {(place, word): set(self.reading(place, word)) for place in self.last_added for word in READINGS}
        change()
        risen = {
            copy
            for (place, word), seen in before.items()
            for copy in self.reading(place, word)
            if copy in old and copy not in seen
        }
        for copy in sorted(risen, key=lambda copy: copy.key):
            copy.key, copy.added = self._key(), self._date(copy.collection, now)

    def _key(self) -> int:
        self.last_key += 1
        return self.last_key

    def _date(self, collection: str, now: int) -> int:
        self.last_added[collection] = max(now, self.last_added[collection] + 1)
        return self.last_added[collection]

    def ingest(
        self,
        objects: Iterable[StixObject],
        collection: str,
        source: str,
        default_tlp: int | None,
        state: State,
        now: int,
    ) -> list[tuple[Outcome, int]]:
        """One outcome and one key an object."""
        verdicts: list[tuple[Outcome, int]] = []

        def change() -> None:
            for each in objects:
                rival = next(
                    (
                        copy
                        for copy in self.copies
                        if copy.state <= State.PUBLISHED
                        and (copy.collection, copy.source) == (collection, source)
                        and (copy.object.id, copy.object.instant) == (each.id, each.instant)
                    ),
                    None,
                )
                outcome, place = Outcome.STORED, None
                if rival is not None:
                    if json.loads(rival.object.raw) == json.loads(each.raw):
                        verdicts.append((Outcome.DUPLICATE, rival.key))
                        continue
                    if each.version != VERSIONLESS:
                        verdicts.append((Outcome.CONFLICT, rival.key))
                        continue
                    outcome, place = Outcome.SUPERSEDED, rival.place
                    rival.state = State.SUPERSEDED
                key = self._key()
                default = default_tlp if each.tlp is None else None
                added = self._date(collection, now)
                self.copies.append(ModelCopy(key, collection, source, each, state, added, default, place or key))
                verdicts.append((outcome, key))

        self._redated(change, now)
        return verdicts

    def withdraw(
        self, collection: str, id: str, instants: Sequence[str] | None, now: int, source: str | None = None
    ) -> int:
        """How many visible copies went."""
        count = 0

        def change() -> None:
            nonlocal count
            going = [
                copy
                for copy in self.copies
                if copy.visible
                and copy.collection == collection
                and copy.object.id == id
                and source in (None, copy.source)
                and (instants is None or copy.object.instant in instants)
            ]
            count = len(going)
            gone = {copy.object.instant for copy in going}
            history = [
                copy
                for copy in self.copies
                if copy.state == State.SUPERSEDED
                and copy.collection == collection
                and copy.object.id == id
                and copy.object.instant in gone
                and source in (None, copy.source)
            ]
            for copy in going + history:
                copy.state, copy.withdrawn_at = State.WITHDRAWN, now

        self._redated(change, now)
        return count

    def put_source(self, name: str, kind: str) -> None:
        """The source is of that kind from now on."""
        self._redated(lambda: self.kinds.__setitem__(name, kind), 0)

    def purge(self, before: int) -> int:
        """How many bodies were destroyed."""
        going = [c for c in self.copies if c.withdrawn_at is not None and c.withdrawn_at < before and not c.purged]
        for copy in going:
            copy.purged = True
        return len(going)

    def found(self, word: str, collection: str | None = None) -> list[int]:
        """The keys of last versions whose name holds the ASCII word, the newest first."""
        return [
            copy.key
            for copy in reversed(self.reading(collection, "last"))
            if word.lower() in json.loads(copy.object.raw).get("name", "").lower()
        ]
