"""Publications: which copies partners and clients may be asked about at all, each with its release class.

They have numbers of their own, so that nothing a recipient is shown (order, dates, positions) moves when a copy moves
that only own staff see. `Publications` are bitmaps of these numbers, and hold for one value of the state row.
"""

import hashlib
from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from pyroaring import BitMap

from comity.ledger.records import digest_text
from comity.store import releases
from comity.store.batches import Was
from comity.store.database import Database
from comity.store.nouns import State
from comity.store.views import CHANGES_KEPT, CHUNK_ROWS, LARGE_BYTES, Keys

_STATE_BITS, _TYPE_BITS, _SOURCE_BITS = 4, 20, 15
_FACETS = (
    f"SELECT p.number, ((p.class * 2 + p.shared) * 2 + CASE WHEN o.size > {LARGE_BYTES} THEN 1 ELSE 0 END)"  # noqa: S608 - a number of ours
    f" * {1 << _STATE_BITS} + o.state AS rank, (CAST(o.collection AS BIGINT) * {1 << _SOURCE_BITS} + o.source)"
    f" * {1 << _TYPE_BITS} + o.type AS place FROM publication p JOIN object o ON o.key = p.object"
)
_NAMES = "number rank place"
"""All that bitmaps know of a publication, as two integers beside its number: most rows have the same as others."""
_NEW = f"{_FACETS} WHERE p.number > ? ORDER BY p.number LIMIT ?"
_PRESENT = f"{_FACETS} WHERE p.number IN ?integers"
_CHANGED = "SELECT DISTINCT number FROM republication WHERE change > ? AND number <= ?"
_ROWS = (
    "SELECT p.number, p.object, o.id, o.version, o.instant, o.source, coalesce(o.rank, o.key) AS place, p.class,"
    " o.default_tlp, o.mark"
    " FROM publication p JOIN object o ON o.key = p.object WHERE p.number IN ?integers ORDER BY p.number"
)
_OF_IDS = (
    "SELECT p.number FROM object o JOIN publication p ON p.object = o.key WHERE o.id IN ?texts AND o.gone = 0"
    " ORDER BY p.number"
)
_OF_INSTANTS = (
    "SELECT p.number FROM publication p JOIN object o ON o.key = p.object WHERE o.instant IN ?texts ORDER BY p.number"
)
_UNPUBLISHED = (
    "SELECT o.key, o.id, t.name, o.source, o.collection, o.default_tlp, o.mark, b.body FROM object o"
    " JOIN type t ON t.key = o.type JOIN body b ON b.key = o.key WHERE o.key > ? AND o.state = ? ORDER BY o.key LIMIT ?"
)
_SHARING = (
    "SELECT DISTINCT p.number FROM object mine JOIN object one ON one.id = mine.id AND one.collection = mine.collection"
    " JOIN publication p ON p.object = one.key AND p.shared = 0 WHERE mine.key IN ?integers AND EXISTS (SELECT 1"
    " FROM object other JOIN publication q ON q.object = other.key"
    " WHERE other.id = one.id AND other.collection = one.collection AND other.key <> one.key)"
)
_WITH_CLASS = (
    "SELECT p.number FROM publication p JOIN object o ON o.key = p.object WHERE p.number IN ?integers AND o.state = ?"
)
_ROWS_AT_ONCE = 128
_INSERT = f"INSERT INTO publication VALUES {', '.join(['(?, ?, ?, ?, 0)'] * _ROWS_AT_ONCE)}"  # noqa: S608 - places alone
_INSERT_ONE = "INSERT INTO publication VALUES (?, ?, ?, ?, 0)"
_BODIES = (
    "SELECT b.body FROM publication p JOIN body b ON b.key = p.object WHERE p.number IN ?integers ORDER BY p.number"
)


@dataclass(frozen=True, slots=True)
class Published:
    """One publication. `object` and `place` are keys of the copy: the present one, and that under which it was first
    kept; `source` and `class_key` are the store's own numbers; `default_tlp` and `mark` are as in a copy."""

    number: int
    object: int
    id: str
    version: str
    instant: str
    source: int
    place: int
    class_key: int
    default_tlp: int | None
    mark: int | None


@dataclass(frozen=True, slots=True)
class Unpublished:
    """A received copy that could be published."""

    key: int
    id: str
    type: str
    source: str
    collection: str
    default_tlp: int | None
    mark: int | None
    body: bytes


PRIVATE = (b"", b"")
"""The class, digest and form, of what only its sender is served: it has a number, so that it has a place and a date in
that view, and is not published."""


class Publications:
    """The bitmaps of one state of the store: for each class, collection, source, type and state its publications, and
    which of them share an id with another (`shared`) or are large. What only its sender is served has the state
    `RECEIVED`, everything else is `PUBLISHED`."""

    __slots__ = ("_maps", "_owned", "last_change", "last_number")

    def __init__(self, last_number: int, last_change: int) -> None:
        self.last_number = last_number
        self.last_change = last_change
        self._maps: dict[tuple[str, int], Keys] = {}
        self._owned: set[tuple[str, int]] = set()

    @classmethod
    def at(cls, db: Database, last_number: int, last_change: int, base: "Publications | None") -> "Publications":
        """Those of the connection's present snapshot, made from `base` (of an earlier one) where there is one."""
        if base is not None and base.last_change < last_change - CHANGES_KEPT:
            base = None
        made = cls(last_number, last_change)
        after = 0
        if base is not None:
            made._maps = dict(base._maps)
            after = base.last_number
            if base.last_change < last_change:
                made._take_changes(db, base)
        while after < last_number:
            columns = db.columns(_NAMES, _NEW, (after, CHUNK_ROWS))
            if not columns[0]:
                break
            made._add(columns)
            after = columns[0][-1]
        made._owned.clear()
        return made

    def is_ahead(self, last_number: int, last_change: int) -> bool:
        """They hold what a snapshot with that state row does not."""
        return self.last_number > last_number or self.last_change > last_change

    def of(self, name: str, number: int) -> Keys:
        """One bitmap, of the `class`, `collection`, `source`, `type` or `state` with that number; not to be changed."""
        return self._maps.get((name, number), _EMPTY)

    def every(self, name: str) -> list[int]:
        """The numbers for which there is a bitmap of that name, and something in it."""
        return [number for (kind, number), keys in self._maps.items() if kind == name and keys]

    def _own(self, place: tuple[str, int]) -> Keys:
        if place not in self._owned:
            self._owned.add(place)
            shared = self._maps.get(place)
            self._maps[place] = BitMap() if shared is None else BitMap(shared)
        return self._maps[place]

    def _add(self, columns: list[list[int]]) -> None:
        groups: defaultdict[tuple[int, int], array[int]] = defaultdict(lambda: array("I"))
        numbers, ranks, places = columns
        for number, facets in zip(numbers, zip(ranks, places, strict=True), strict=True):
            groups[facets].append(number)
        for (rank, place), members in groups.items():
            keys = BitMap(members)
            for name, value in _facets(rank, place):
                bitmap = self._own((name, value))
                bitmap |= keys

    def _take_changes(self, db: Database, base: "Publications") -> None:
        (changed,) = db.columns("number", _CHANGED, (base.last_change, base.last_number))
        gone = BitMap(changed)
        for place, shared in list(self._maps.items()):
            if shared.intersect(gone):
                bitmap = self._own(place)
                bitmap -= gone
        columns = db.columns(_NAMES, _PRESENT, (changed,))
        if columns[0]:
            self._add(columns)


_EMPTY: Keys = BitMap()


def _facets(rank: int, place: int) -> tuple[tuple[str, int], ...]:
    """What the two integers of a row say, each with the name of its bitmaps."""
    rest, state = divmod(rank, 1 << _STATE_BITS)
    places, type = divmod(place, 1 << _TYPE_BITS)
    collection, source = divmod(places, 1 << _SOURCE_BITS)
    return (
        ("class", rest >> 2), ("shared", rest >> 1 & 1), ("large", rest & 1), ("state", state),
        ("collection", collection), ("source", source), ("type", type),
    )  # fmt: skip


# -- reading ----------------------------------------------------------------------------------------------------------
def rows(db: Database, numbers: Sequence[int]) -> list[Published]:
    """These publications, those that are still there, by number."""
    columns = db.columns(
        "number object id version instant source place class default_tlp mark", _ROWS, (list(numbers),)
    )
    return [Published(*row) for row in zip(*columns, strict=True)]


def of_ids(db: Database, ids: Sequence[str]) -> list[int]:
    """The numbers of all publications with these ids."""
    return list(db.columns("number", _OF_IDS, (list(ids),))[0])


def of_instants(db: Database, instants: Sequence[str]) -> list[int]:
    """The numbers of all publications of versions at these instants."""
    return list(db.columns("number", _OF_INSTANTS, (list(instants),))[0])


def of_types(db: Database, published: Publications, names: Sequence[str]) -> Keys:
    """The numbers of all publications of objects of these types."""
    keys = db.execute("SELECT key FROM type WHERE name IN ?texts", (list(names),)).fetchall()
    return BitMap.union(_EMPTY, *(published.of("type", key) for (key,) in keys))


def unpublished(
    db: Database, after: int, limit: int
) -> list[tuple[int, str, str, int, int, int | None, int | None, bytes]]:
    """The next received copies after that key, with the store's own numbers of source and collection."""
    found = db.execute(_UNPUBLISHED, (after, State.RECEIVED, limit)).fetchall()
    return [(*facts, bytes(body)) for *facts, body in found]


def received(db: Database, keys: Sequence[int]) -> set[int]:
    """Those of the copies that are received, and neither published nor gone."""
    if is_range(keys):
        count = "SELECT count(*) FROM object WHERE key BETWEEN ? AND ? AND state = ?"
        if db.execute(count, (keys[0], keys[-1], State.RECEIVED)).fetchone()[0] == len(keys):
            return set(keys)
    rows = db.execute("SELECT key FROM object WHERE key IN ?integers AND state = ?", (list(keys), State.RECEIVED))
    return {key for (key,) in rows.fetchall()}


def bodies(db: Database, numbers: Sequence[int]) -> list[bytes]:
    """The bodies of these publications, all of which must be there, by number."""
    found = [bytes(body) for (body,) in db.execute(_BODIES, (list(numbers),)).fetchall()]
    assert len(found) == len(numbers)
    return found


def held(db: Database, now: int) -> tuple[Keys, int | None]:
    """Those whose hold is not over, and when the first hold ends."""
    numbers, ends = db.columns("number until", "SELECT number, until FROM hold WHERE until > ?", (now,))
    return BitMap(numbers), min(ends, default=None)


def last_before(db: Database, at: int) -> int:
    """The greatest number that was published before the instant; 0 where there is none. Dates rise with numbers, so it
    is found by halving."""
    low, high = 0, db.execute("SELECT coalesce(max(number), 0) FROM publication").fetchone()[0]
    while low < high:
        middle = (low + high + 1) // 2
        row = db.execute("SELECT at FROM publication WHERE number >= ? ORDER BY number LIMIT 1", (middle,)).fetchone()
        if row is not None and row[0] < at:
            low = middle
        else:
            high = middle - 1
    return int(low)


def classes(db: Database) -> dict[int, bytes]:
    """The canonical forms of all classes, by key."""
    return {key: bytes(form) for key, form in db.execute("SELECT key, form FROM class ORDER BY key").fetchall()}


def digest_of(db: Database, keys: Sequence[int]) -> str:
    """SHA-256, as a record says it, over the digests of these copies in the order of their keys."""
    where, arguments = _where(keys)
    sql = f"SELECT hex(digest) AS digest FROM object WHERE {where} ORDER BY key"  # noqa: S608 - words of ours
    (digests,) = db.columns("digest", sql, arguments)
    return digest_text(hashlib.sha256(bytes.fromhex("".join(digests))).digest())


def is_range(keys: Sequence[int]) -> bool:
    """Whether the keys are all those from the first to the last: a range is asked for with less than a list."""
    return bool(keys) and keys[-1] - keys[0] == len(keys) - 1 and list(keys) == list(range(keys[0], keys[-1] + 1))


def _where(keys: Sequence[int]) -> tuple[str, tuple[object, ...]]:
    """The condition that the key is one of these, and its arguments."""
    return ("key BETWEEN ? AND ?", (keys[0], keys[-1])) if is_range(keys) else ("key IN ?integers", (list(keys),))


# -- writing ----------------------------------------------------------------------------------------------------------
def show(db: Database, keys: Sequence[int]) -> None:
    """These copies, which are received, count as published."""
    where, arguments = _where(keys)
    db.execute(f"UPDATE object SET state = ? WHERE {where}", (State.PUBLISHED, *arguments))  # noqa: S608 - words of ours


def class_keys(db: Database, forms: Iterable[tuple[bytes, bytes]]) -> dict[bytes, int]:
    """The keys of the classes with these digests and canonical forms, by digest; new ones are made."""
    known: dict[bytes, int] = {}
    for digest, form in dict(forms).items():
        row = db.execute("SELECT key FROM class WHERE digest = ?", (digest,)).fetchone()
        if row is None:
            (key,) = db.execute("SELECT coalesce(max(key), 0) + 1 FROM class").fetchone()
            db.execute("INSERT INTO class VALUES (?, ?, ?)", (key, digest, form))
            row = (key,)
        known[digest] = row[0]
    return known


def insert(
    db: Database, first: int, objects: Sequence[tuple[int, int]], known: Sequence[int], at: int, until: int | None
) -> list[int]:
    """These copies (key and class of each) are published with numbers from `first` on, held until an instant; the
    numbers of earlier publications that share an id with one of them from now on, of which only the `known` ones can
    have such."""
    (last,) = db.execute("SELECT coalesce(max(at), 0) FROM publication").fetchone()
    numbers = range(first, first + len(objects))
    at = max(at, last)
    rows = [(number, key, class_key, at) for number, (key, class_key) in zip(numbers, objects, strict=True)]
    whole = len(rows) - len(rows) % _ROWS_AT_ONCE
    for start in range(0, whole, _ROWS_AT_ONCE):
        db.execute(_INSERT, tuple(chain.from_iterable(rows[start : start + _ROWS_AT_ONCE])))
    db.execute_many(_INSERT_ONE, rows[whole:])
    if until is not None:
        db.execute("INSERT INTO hold SELECT number, ? FROM publication WHERE number >= ?", (until, first))
    if not known:
        return []
    (sharing,) = db.columns("number", _SHARING, (list(known),))
    if sharing:
        db.execute("UPDATE publication SET shared = 1 WHERE number IN ?integers", (sharing,))
    return [number for number in sharing if number < first]


def reclass(db: Database, classes: Mapping[int, int]) -> list[int]:
    """Those of these publications that are published have these classes from now on; the numbers of those that changed.
    What only its sender is served has no class that it could lose."""
    (numbers,) = db.columns("number", _WITH_CLASS, (sorted(classes), State.PUBLISHED))
    by_class: defaultdict[int, list[int]] = defaultdict(list)
    for number in numbers:
        by_class[classes[number]].append(number)
    for key, some in by_class.items():
        db.execute("UPDATE publication SET class = ? WHERE number IN ?integers", (key, some))
    return list(numbers)


def remove(db: Database, keys: Sequence[int]) -> list[int]:
    """The copies with these keys are published no more; the numbers that they had."""
    (numbers,) = db.columns("number", "SELECT number FROM publication WHERE object IN ?integers", (list(keys),))
    if numbers:
        releases.keep_former(db, keys)
        db.execute("DELETE FROM publication WHERE number IN ?integers", (numbers,))
        db.execute("DELETE FROM hold WHERE number IN ?integers", (numbers,))
    return list(numbers)


def restore(db: Database, before: Mapping[int, Was]) -> None:
    """The copies with these keys are published again as they were: under the same numbers, which nothing else ever had,
    as of the same dates, and of the same classes."""
    numbers = [was.number for was in before.values()]
    if not numbers:
        return
    rows = [(was.number, key, was.class_key, _not_after(db, was), was.shared) for key, was in before.items()]
    db.execute_many("INSERT INTO publication (number, object, class, at, shared) VALUES (?, ?, ?, ?, ?)", sorted(rows))
    holds = [(was.number, was.until) for was in before.values() if was.until]
    db.execute_many("INSERT INTO hold (number, until) VALUES (?, ?)", holds)
    db.execute("DELETE FROM former WHERE number IN ?integers", (numbers,))
    (sharing,) = db.columns("number", _SHARING, (list(before),))
    db.execute("UPDATE publication SET shared = 1 WHERE number IN ?integers", (sharing,))


def _not_after(db: Database, was: Was) -> int:
    """When it was published, or earlier, where the clock went back meanwhile: dates rise with numbers."""
    (later,) = db.execute("SELECT min(at) FROM publication WHERE number > ?", (was.number,)).fetchone()
    return was.at if later is None else min(was.at, int(later))


def log(db: Database, last_change: int, numbers: Iterable[int]) -> int:
    """Other processes will hear that these publications changed or went; the number of the last change."""
    changed = sorted(numbers)
    if not changed:
        return last_change
    db.execute(
        "INSERT INTO republication SELECT ? + row_number() OVER (ORDER BY value), value FROM ?integers",
        (last_change, changed),
    )
    last_change += len(changed)
    db.execute("DELETE FROM republication WHERE change <= ?", (last_change - CHANGES_KEPT,))
    return last_change
