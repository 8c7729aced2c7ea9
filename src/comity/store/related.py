"""Relations of one state of the store, in memory: what `comity.release.spread` walks.

They are caught up with by what was published and by how far bodies were looked at. What a copy refers to never changes,
and no other copy ever has its number: so what went stays in them, and no walk begins from there. Names and texts are
read anew whenever a copy was told or a reference came, since either can bring others near.
"""

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pyroaring import BitMap

from comity.release.spread import FORMAT, HOPS, LISTED, NOTHING, Mention, Numbers, Relations
from comity.stix.tlp import WELL_KNOWN
from comity.store.database import Database
from comity.store.views import CHUNK_ROWS

_RELATIONS = (
    "SELECT p.number, r.target, r.need FROM publication p JOIN relation r ON r.object = p.object WHERE p.number {0}"
)
_OWN = (
    "SELECT p.number, t.key AS target FROM publication p JOIN object o ON o.key = p.object JOIN target t ON t.id = o.id"
    " WHERE p.number {0}"
)
_OWN_TOLD = "SELECT p.number, t.target FROM publication p JOIN telling t ON t.object = p.object WHERE p.number {0}"
_RANGE, _LISTED = "BETWEEN ? AND ?", "IN ?integers"
_OF_NEW_TARGETS = (
    "SELECT p.number, t.key AS target FROM target t CROSS JOIN object o JOIN publication p ON p.object = o.key"
    " WHERE t.key > ? AND o.id = t.id AND o.gone = 0"
)
"""To SQLite a cross join says which table comes first: it would go through all objects for a few new targets."""
_UNREAD = (
    "SELECT p.number FROM publication p WHERE p.object > ?"
    " AND NOT EXISTS (SELECT 1 FROM relation r WHERE r.object = p.object)"
)
_HELD = (
    "SELECT t.key FROM target t WHERE t.key IN ?integers AND (EXISTS (SELECT 1 FROM object o WHERE o.id = t.id"
    " AND o.gone = 0) OR EXISTS (SELECT 1 FROM telling e WHERE e.target = t.key))"
)
_SAYING = (
    "SELECT m.object, m.name FROM mention m WHERE EXISTS"
    " (SELECT 1 FROM naming n WHERE n.name = m.name AND n.object <> m.object)"
)
_NAMING = (
    "SELECT n.object, n.name, t.target FROM naming n JOIN telling t ON t.object = n.object WHERE n.name IN ?integers"
)
_HOPS = (
    "SELECT t.target AS one, r.target AS other FROM relation r JOIN telling t ON t.object = r.object"  # noqa: S608 - numbers of ours
    f" WHERE r.need IN {HOPS}"
)


@dataclass(frozen=True, slots=True)
class At:
    """The state of the store for which relations hold."""

    last_number: int
    cursor: int
    told: int
    last_target: int

    def is_ahead(self, other: "At") -> bool:
        """Something of it is not yet in the other."""
        return self.last_number > other.last_number or self.cursor > other.cursor or self.told > other.told


@dataclass(frozen=True, slots=True)
class Saying:
    """A name of one id: the keys of the copies that have it, and of those within two hops whose texts say it."""

    holders: tuple[int, ...]
    texts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Related:
    """Relations, the state for which they hold, and what of them does not depend on publications."""

    at: At
    relations: Relations
    sayings: Sequence[Saying]


def state_of(db: Database, last_number: int) -> At:
    """The state that the connection's present snapshot is in."""
    return At(
        last_number,
        *db.execute(
            "SELECT relation_cursor, last_told, (SELECT coalesce(max(key), 0) FROM target) FROM state"
        ).fetchone(),
    )


def needs_of(db: Database, numbers: Sequence[int]) -> list[tuple[int, int, int]]:
    """What these publications refer to: number, target and need."""
    columns = db.columns("number target need", _RELATIONS.format(_LISTED), (list(numbers),))
    return list(zip(*columns, strict=True))


def at(db: Database, last_number: int, base: Related | None) -> Related:
    """Those of the connection's present snapshot, made from `base` (of an earlier one) where there is one."""
    here = state_of(db, last_number)
    if base is not None and base.at == here:
        return base
    if base is not None and base.at.is_ahead(here):
        base = None
    building = _Building(db, base)
    building.catch_up(here)
    sayings = base.sayings if base is not None and base.at.told == here.told else _sayings(db)
    building.take_sayings(sayings)
    return Related(here, building.made, sayings)


class _Building:
    """Relations in the making: whatever is shared with the base is copied before it is first changed."""

    def __init__(self, db: Database, base: Related | None) -> None:
        self._db = db
        self._base = base
        self.made = Relations()
        self._owned: dict[int, BitMap | dict[int, Numbers]] = {}
        if base is not None:
            old = base.relations
            self.made = replace(old, users=dict(old.users), lists=dict(old.lists), own=array("I", old.own))

    def catch_up(self, here: At) -> None:
        """All but the mentions is that of the present snapshot."""
        db, made = self._db, self.made
        first = 0
        if self._base is not None:
            before = self._base.at
            first = before.last_number
            (read,) = db.columns(
                "number",
                "SELECT number FROM publication WHERE object > ? AND object <= ? AND number <= ?",
                (before.cursor, here.cursor, first),
            )
            if read:
                self._take(_LISTED, read)
            self._take_own(db.columns("number target", _OF_NEW_TARGETS, (before.last_target,)))
        made.own.extend([NOTHING] * (here.last_number + 1 - len(made.own)))
        while first < here.last_number:
            last = min(first + CHUNK_ROWS, here.last_number)
            self._take(_RANGE, first + 1, last)
            first = last
        (unread,) = db.columns("number", _UNREAD, (here.cursor,))
        made.unread = BitMap(unread)
        (held,) = db.columns("key", _HELD, (list(made.users.get(FORMAT, ())),))
        made.held = frozenset(held)
        (well_known,) = db.columns("key", "SELECT key FROM target WHERE id IN ?texts", (list(WELL_KNOWN),))
        made.well_known = frozenset(well_known)

    def _take(self, which: str, *arguments: object) -> None:
        """What these publications need, and their own targets."""
        numbers, targets, needs = self._db.columns("number target need", _RELATIONS.format(which), arguments)
        groups: defaultdict[tuple[int, int], array[int]] = defaultdict(lambda: array("I"))
        listed: defaultdict[int, int] = defaultdict(int)
        for number, target, need in zip(numbers, targets, needs, strict=True):
            groups[need, target].append(number)
            if need == LISTED:
                listed[number] += 1
        self.made.lists.update(listed)
        for (need, target), members in groups.items():
            self.made.users[need] = self._own(self.made.users.get(need, {}))
            self._add(self.made.users[need], target, members)
        for question in (_OWN, _OWN_TOLD):
            self._take_own(self._db.columns("number target", question.format(which), arguments))

    def _take_own(self, columns: Sequence[Sequence[int]]) -> None:
        numbers, targets = columns
        own = self.made.own
        if numbers:
            own.extend([NOTHING] * (max(numbers) + 1 - len(own)))
        groups: defaultdict[int, array[int]] = defaultdict(lambda: array("I"))
        for number, target in zip(numbers, targets, strict=True):
            own[number] = target
            groups[target].append(number)
        if groups:
            self.made.copies = self._own(self.made.copies)
        for target, members in groups.items():
            self._add(self.made.copies, target, members)

    def _own(self, where: dict[int, Numbers]) -> dict[int, Numbers]:
        if id(where) not in self._owned:
            where = dict(where)
            self._owned[id(where)] = where
        return where

    def _add(self, where: dict[int, Numbers], target: int, members: Sequence[int]) -> None:
        known = where.get(target)
        if known is None and len(members) == 1:
            where[target] = members[0]
        elif known is None or isinstance(known, int):
            union = BitMap(members) if known is None else BitMap([known, *members])
            where[target] = union if len(union) > 1 else union[0]
            self._owned[id(union)] = union
        elif id(known) in self._owned:
            known |= BitMap(members)
        else:
            where[target] = union = known | BitMap(members)
            self._owned[id(union)] = union

    def take_sayings(self, sayings: Sequence[Saying]) -> None:
        """The mentions are these, as far as texts are published."""
        keys = sorted({key for one in sayings for key in (*one.holders, *one.texts)})
        columns = self._db.columns(
            "number object", "SELECT number, object FROM publication WHERE object IN ?integers", (keys,)
        )
        numbers = dict(zip(columns[1], columns[0], strict=True))
        found: list[Mention] = []
        named_by: defaultdict[int, list[int]] = defaultdict(list)
        said_by: defaultdict[int, list[int]] = defaultdict(list)
        for one in sayings:
            texts = BitMap([numbers[key] for key in one.texts if key in numbers])
            if not texts:
                continue
            holders = BitMap([numbers[key] for key in one.holders if key in numbers])
            for number in holders:
                named_by[number].append(len(found))
            for number in texts:
                said_by[number].append(len(found))
            found.append(Mention(holders, texts, len(holders) < len(one.holders)))
        self.made.mentions, self.made.named_by, self.made.said_by = found, dict(named_by), dict(said_by)


# -- who is near whom --------------------------------------------------------------------------------------------------
class _Near:
    """Which ids are one hop apart, as pairs in two sorted arrays."""

    def __init__(self, ones: Sequence[int], others: Sequence[int]) -> None:
        pairs = {one << 32 | other for one, other in zip(ones, others, strict=True)}
        self._pairs = array("Q", sorted(pairs | {(pair & 0xFFFFFFFF) << 32 | pair >> 32 for pair in pairs}))
        self._known: dict[int, BitMap] = {}

    def around(self, one: int) -> "BitMap":
        """Whatever is one hop from it."""
        if one not in self._known:
            start, end = bisect_left(self._pairs, one << 32), bisect_left(self._pairs, one + 1 << 32)
            self._known[one] = BitMap([pair & 0xFFFFFFFF for pair in self._pairs[start:end]])
        return self._known[one]

    def joins(self, one: int, other: int) -> bool:
        """They are at most two hops apart."""
        if one == other:
            return True
        around = self.around(one)
        return other in around or around.intersect(self.around(other))

    def within_two(self, one: int) -> "BitMap":
        """Whatever is at most two hops from it, itself included."""
        around = self.around(one)
        return BitMap.union(BitMap([one]), around, *[self.around(middle) for middle in around])


def _sayings(db: Database) -> list[Saying]:
    """Every name of an id that a text near it says, and who has it and says it."""
    objects, names = db.columns("object name", _SAYING)
    said: defaultdict[int, list[int]] = defaultdict(list)
    for object, name in zip(objects, names, strict=True):
        said[name].append(object)
    (listed,) = db.columns("name", "SELECT name FROM name WHERE crowded = 1")
    crowded = set(listed)
    holders: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for object, name, target in zip(*db.columns("object name target", _NAMING, ([*said, *crowded],)), strict=True):
        holders[name, target].append(object)
    if not holders:
        return []
    target_of = dict(zip(*db.columns("object target", "SELECT object, target FROM telling"), strict=True))
    near = _Near(*db.columns("one other", _HOPS))
    every = _everything(target_of.items()) if crowded else {}
    found = []
    for (name, target), having in holders.items():
        if name in crowded:
            texts = [key for one in near.within_two(target) for key in every.get(one, ())]
        else:
            texts = [key for key in said[name] if near.joins(target_of[key], target)]
        # A text that has the name itself, as another holder of the same id, tells it while it is there.
        others = tuple(key for key in texts if key not in having)
        if others:
            found.append(Saying(tuple(having), others))
    return found


def _everything(targets: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    for object, target in targets:
        found[target].append(object)
    return found
