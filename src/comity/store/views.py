"""Bitmaps of keys: which copies belong to which collection, source and type, and which of them readers get.

A `Views` never changes once it is published: it holds for exactly one value of the state row (last key, last change),
and catching up makes a new one that shares every bitmap that did not move. So a reader who holds an older snapshot
keeps the views that belong to it while others go on.
"""

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import islice
from typing import TypeAlias

from pyroaring import BitMap

from comity.errors import TooLarge
from comity.store.database import Database
from comity.store.flags import ALL_SHIFT, FIRST, LAST, SHOWN

LARGE_BYTES = 16 * 1024
CHANGES_KEPT = 100_000
"""A process that missed more changes than these builds its bitmaps anew."""
CHUNK_ROWS = 65_536
KEY_MOST = 2**32 - 1
TYPES_MOST, SOURCES_MOST, COLLECTIONS_MOST = 2**20 - 1, 2**15 - 1, 2**15 - 1

_CACHED_MOST = 64
_FLAG_BITS, _TLP_SHIFT, _LARGE_SHIFT, _TYPE_SHIFT, _SOURCE_SHIFT, _COLLECTION_SHIFT = 6, 6, 9, 12, 32, 47
LEVEL = "CASE WHEN mark IS NULL OR tlp > mark THEN coalesce(tlp, default_tlp, -1) ELSE mark END"
"""The marking that counts, as `comity.store.nouns.level_of` says it; -1 for none."""
FACET = (
    f"(flags | (({LEVEL} + 1) << {_TLP_SHIFT})"
    f" | (CASE WHEN size > {LARGE_BYTES} THEN {1 << _LARGE_SHIFT} ELSE 0 END)"
    f" | (CAST(type AS BIGINT) << {_TYPE_SHIFT}) | (CAST(source AS BIGINT) << {_SOURCE_SHIFT})"
    f" | (CAST(collection AS BIGINT) << {_COLLECTION_SHIFT}))"
)
"""All that bitmaps know of a row, as one integer, so that a row comes as two."""

_NEW = f"SELECT key, {FACET} AS facet FROM object WHERE key > ? ORDER BY key LIMIT ?"  # noqa: S608
_PRESENT = f"SELECT key, {FACET} AS facet FROM object WHERE key IN ?integers"  # noqa: S608
_CHANGED = "SELECT DISTINCT key FROM change WHERE change > ? AND key <= ?"
_BITS = {"first": FIRST, "last": LAST, "all": SHOWN}

Keys: TypeAlias = "BitMap"


def check_room(kind: str, number: int, most: int) -> None:
    """TooLarge where a number would not fit into the facet of a row."""
    if number > most:
        raise TooLarge(f"the store holds {most} {kind} already", rule=f"at most {most} {kind}")


def _grouped(keys: list[int], facets: list[int]) -> dict[int, list[int]]:
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for key, facet in zip(keys, facets, strict=True):
        groups[facet].append(key)
    return groups


class Views:
    """The bitmaps of one state of the store."""

    __slots__ = ("_cache", "_maps", "_owned", "last_change", "last_key", "type_keys", "type_names")

    def __init__(self, last_key: int, last_change: int) -> None:
        self.last_key = last_key
        self.last_change = last_change
        self.type_keys: dict[str, int] = {}
        self.type_names: dict[int, str] = {}
        self._maps: dict[tuple[str, int], Keys] = {}
        self._owned: set[tuple[str, int]] = set()
        self._cache: dict[object, Keys] = {}

    # -- making -------------------------------------------------------------------------------------------------------
    @classmethod
    def at(cls, db: Database, last_key: int, last_change: int, base: "Views | None") -> "Views":
        """The views of the connection's present snapshot, made from `base` (of an earlier one) where there is one."""
        if base is not None and base.last_change < last_change - CHANGES_KEPT:
            base = None
        made = cls(last_key, last_change)
        if base is not None:
            made._maps = dict(base._maps)
            made.type_keys, made.type_names = base.type_keys, base.type_names
        if base is not None and base.last_change < last_change:
            made._take_changes(db, base)
        made._take_new(db, base.last_key if base is not None else 0)
        if base is None:
            for bitmap in made._maps.values():
                bitmap.run_optimize()
        made._owned.clear()
        return made

    def _own(self, name: str, number: int) -> Keys:
        """The bitmap, copied from the shared one before it is first changed."""
        place = (name, number)
        if place not in self._owned:
            self._owned.add(place)
            shared = self._maps.get(place)
            self._maps[place] = BitMap() if shared is None else BitMap(shared)
        return self._maps[place]

    def _take_new(self, db: Database, after: int) -> None:
        while after < self.last_key:
            keys, facets = db.columns("key facet", _NEW, (after, CHUNK_ROWS))
            if not keys:
                break
            for facet, members in _grouped(keys, facets).items():
                self._add(db, facet, BitMap(array("I", members)))
            after = keys[-1]

    def _add(self, db: Database, facet: int, keys: Keys) -> None:
        number = (facet >> _TYPE_SHIFT) & TYPES_MOST
        if number not in self.type_names:
            rows = db.execute("SELECT key, name FROM type").fetchall()
            self.type_names = dict(rows)
            self.type_keys = {name: key for key, name in rows}
        for place in (
            ("type", number),
            ("source", (facet >> _SOURCE_SHIFT) & SOURCES_MOST),
            ("collection", facet >> _COLLECTION_SHIFT),
            ("tlp", ((facet >> _TLP_SHIFT) & 7) - 1),
        ):
            bitmap = self._own(*place)
            bitmap |= keys
        if facet >> _LARGE_SHIFT & 1:
            bitmap = self._own("large", 0)
            bitmap |= keys
        self._flag(facet, keys)

    def _flag(self, facet: int, keys: Keys) -> None:
        for bit in range(_FLAG_BITS):
            if facet >> bit & 1:
                bitmap = self._own("flag", 1 << bit)
                bitmap |= keys

    def _level(self, level: int, keys: Keys) -> None:
        """These have that level; most had it before, and then no bitmap is copied."""
        if keys.issubset(self._maps.get(("tlp", level), BitMap())):
            return
        for name, number in list(self._maps):
            if name == "tlp" and self._maps[name, number].intersect(keys):
                bitmap = self._own(name, number)
                bitmap -= keys
        bitmap = self._own("tlp", level)
        bitmap |= keys

    def _take_changes(self, db: Database, base: "Views") -> None:
        """Rows that the base knows and that changed: flags and levels anew, and what has no row any more out of every
        bitmap."""
        (changed,) = db.columns("key", _CHANGED, (base.last_change, base.last_key))
        gone = BitMap(changed)
        for bit in range(_FLAG_BITS):
            if ("flag", 1 << bit) in self._maps:
                bitmap = self._own("flag", 1 << bit)
                bitmap -= gone
        keys, facets = db.columns("key facet", _PRESENT, (changed,))
        for facet, members in _grouped(keys, facets).items():
            present = BitMap(members)
            self._flag(facet, present)
            self._level(((facet >> _TLP_SHIFT) & 7) - 1, present)
            gone -= present
        if gone:
            for place, shared in list(self._maps.items()):
                if shared.intersect(gone):
                    bitmap = self._own(*place)
                    bitmap -= gone

    # -- asking -------------------------------------------------------------------------------------------------------
    def is_ahead(self, last_key: int, last_change: int) -> bool:
        """These views hold what a snapshot with that state row does not."""
        return self.last_key > last_key or self.last_change > last_change

    def of(self, name: str, number: int) -> Keys:
        """One bitmap; it must not be changed."""
        return self._maps.get((name, number)) or _EMPTY

    def every(self, name: str) -> Iterable[int]:
        """The numbers for which there is a bitmap of that name."""
        return [number for kind, number in self._maps if kind == name]

    def select(
        self,
        collection: int | None,
        versions: Iterable[str] = ("last",),
        types: Iterable[str] = (),
        sources: Iterable[int] = (),
    ) -> Keys:
        """The copies that a reader of the collection (None: of all) gets, of these kinds; it must not be changed."""
        asked = (collection, frozenset(versions), frozenset(types), frozenset(sources))
        return self.remembered(asked, lambda: self._select(*asked))

    def remembered(self, asked: object, make: Callable[[], Keys]) -> Keys:
        """The keys made for that question, from memory where it was asked before; they must not be changed."""
        found = self._cache.get(asked)
        if found is None:
            found = make()
            if len(self._cache) >= _CACHED_MOST:
                self._cache.clear()
            self._cache[asked] = found
        return found

    def _select(
        self, collection: int | None, versions: frozenset[str], types: frozenset[str], sources: frozenset[int]
    ) -> Keys:
        shift = ALL_SHIFT if collection is None else 0
        keys = BitMap.union(_EMPTY, *[self.of("flag", _BITS[word] << shift) for word in versions if word in _BITS])
        if collection is not None:
            keys &= self.of("collection", collection)
        if types:
            known = [self.type_keys[name] for name in types if name in self.type_keys]
            keys &= BitMap.union(_EMPTY, *[self.of("type", number) for number in known])
        if sources:
            keys &= BitMap.union(_EMPTY, *[self.of("source", number) for number in sources])
        return keys

    def after(self, db: Database, collection: int, added: int) -> int:
        """The greatest key of the collection whose date is not after `added`, 0 where there is none: dates rise with
        keys, so this is a binary search, whatever is withheld or withdrawn in between."""
        keys = self.of("collection", collection)
        low, high = 0, len(keys)
        while low < high:
            middle = (low + high) // 2
            if db.execute("SELECT added FROM object WHERE key = ?", (keys[middle],)).fetchone()[0] <= added:
                low = middle + 1
            else:
                high = middle
        return int(keys[low - 1]) if low else 0


def first_keys(keys: Keys, after: int, count: int) -> list[int]:
    """The next keys greater than `after`, at most so many."""
    return list(islice(keys.iter_equal_or_larger(after + 1), count)) if after < KEY_MOST else []


_EMPTY: Keys = BitMap()
