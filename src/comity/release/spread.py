"""Closure over numbers: what falls when something is withheld, found without reading a body (R9).

The same fixed point as that of `comity.release.closure.close`, over *publications*, which have numbers, and *targets*,
the ids that objects refer to, which have numbers too. What needs a body is left to `close`: cuts of granular markings,
texts that were replaced, and whether what is left of an object is sound.
"""

from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from pyroaring import BitMap

from comity.stix.graph import Need

REQUIRED, LISTED, OPTIONAL, AUTHOR, MARKING, FORMAT, WITHIN, BEYOND, LOCAL, BY = range(1, 11)
"""Needs as small numbers. BEYOND: the object refers to more than is looked at. LOCAL: a part of it never leaves. These
two have the target NOTHING."""
NOTHING = 0
CODES: Mapping[Need, int] = {
    Need.REQUIRED: REQUIRED,
    Need.LISTED: LISTED,
    Need.OPTIONAL: OPTIONAL,
    Need.AUTHOR: AUTHOR,
    Need.BY: BY,
    Need.MARKING: MARKING,
    Need.FORMAT: FORMAT,
    Need.WITHIN: WITHIN,
}
HOPS = (REQUIRED, LISTED, OPTIONAL, WITHIN)
"""Two objects are one hop apart where one has such a need of the other."""

Numbers: TypeAlias = "BitMap | int"
"""Publications: a bitmap, or the number of the only one, since most targets have one user."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A name of one id: the publications of that id that have it, and those of other texts within two hops that say it.
    The second may be told only while one of the first is. `elsewhere`: a copy that is not published has it, too."""

    holders: "BitMap"
    texts: "BitMap"
    elsewhere: bool


@dataclass(slots=True)
class Relations:
    """How publications rest on one another.

    `users` holds for each need and target the publications that have it, `copies` for each target its own publications,
    and `own` for each publication its target, where anybody refers to it. `held` are those targets of FORMAT of which
    there is a live copy here, published or not. `lists` counts how many LISTED targets a publication has. `unread` are
    publications of which none of this is known yet. `well_known` are the targets that nobody needs to be sent.
    """

    users: dict[int, dict[int, Numbers]] = field(default_factory=dict)
    copies: dict[int, Numbers] = field(default_factory=dict)
    own: "array[int]" = field(default_factory=lambda: array("I"))
    held: frozenset[int] = frozenset()
    lists: dict[int, int] = field(default_factory=dict)
    unread: "BitMap" = field(default_factory=BitMap)
    mentions: Sequence[Mention] = ()
    named_by: Mapping[int, Sequence[int]] = field(default_factory=dict)
    """For each publication the places in `mentions` of what it holds."""
    said_by: Mapping[int, Sequence[int]] = field(default_factory=dict)
    """For each publication the places in `mentions` of what its texts say."""
    well_known: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Spread:
    """What goes; which of it goes without some of its references, or without what is local (`edited`); which of that
    without its author (`authorless`), and which without another reference (`parted`)."""

    alive: "BitMap"
    edited: "BitMap"
    authorless: "BitMap"
    parted: "BitMap"


def spread(
    alive: "BitMap", relations: Relations, elsewhere: Collection[int] = (), known: "BitMap | None" = None
) -> Spread:
    """What is left of `alive`, all of which are published, when nothing rests on anything withheld. `elsewhere` are
    targets that count as released, whatever is held here. `known` are publications that nothing rests on either, yet
    whose names the recipient has given them itself, so that texts may say them."""
    walk = _Walk(alive, relations, elsewhere, known or BitMap())
    walk.run()
    local = relations.users.get(LOCAL, {}).get(NOTHING)
    authorless, parted = walk.authorless.living(walk.alive), walk.parted.living(walk.alive)
    edited = authorless | parted
    return Spread(walk.alive, edited if local is None else edited | (_bitmap(local) & walk.alive), authorless, parted)


def lives(relations: Relations, target: int, alive: "BitMap") -> bool:
    """Whether a publication of the target is among these."""
    copies = relations.copies.get(target)
    if copies is None:
        return False
    return copies in alive if isinstance(copies, int) else bool(copies.intersect(alive))


class _Losing:
    """Publications that lose something, gathered one by one and many at once."""

    def __init__(self) -> None:
        self.single: list[int] = []
        self.many: list[BitMap] = []

    def add(self, who: Numbers) -> None:
        """These too."""
        if isinstance(who, int):
            self.single.append(who)
        else:
            self.many.append(who)

    def living(self, alive: "BitMap") -> "BitMap":
        """Those of them that go."""
        return BitMap.union(BitMap(self.single), *self.many) & alive


class _Walk:
    def __init__(self, alive: "BitMap", relations: Relations, elsewhere: Collection[int], known: "BitMap") -> None:
        self.relations = relations
        self.known = known - alive
        beyond = relations.users.get(BEYOND, {}).get(NOTHING)
        self.alive = alive - relations.unread - (_bitmap(beyond) if beyond is not None else BitMap())
        self.there = relations.well_known.union(elsewhere)
        self.lost: dict[int, int] = {}
        self.authorless, self.parted = _Losing(), _Losing()

    def run(self) -> None:
        """Nothing falls any more."""
        users, lives, own = self.relations.users, self._lives, self.relations.own
        living = self.there.union(map(own.__getitem__, self.alive))
        gone = {need: targets.keys() - living for need, targets in users.items() if need not in (BEYOND, LOCAL)}
        fallen = self._without(gone)
        fallen |= BitMap.union(BitMap(), *[one.texts for one in self.relations.mentions if self._is_secret(one)])
        while fallen := fallen & self.alive:
            self.alive -= fallen
            ids = {target for target in map(own.__getitem__, fallen) if target != NOTHING and not lives(target)}
            untold = self._untold(fallen)
            fallen = self._without({need: [one for one in ids if one in targets] for need, targets in users.items()})
            fallen |= untold

    def _lives(self, target: int) -> bool:
        return target in self.there or lives(self.relations, target, self.alive)

    def _without(self, gone: Mapping[int, Iterable[int]]) -> "BitMap":
        """What falls with these targets, of which nothing is left; whatever else uses them is edited."""
        falling = _Losing()
        for need, targets in gone.items():
            users = self.relations.users[need]
            losing = self.authorless if need == AUTHOR else self.parted if need in (OPTIONAL, LISTED, BY) else falling
            for target in targets:
                if need == FORMAT and target not in self.relations.held:
                    continue
                losing.add(users[target])
                if need == LISTED:
                    falling.single += self._emptied(users[target])
        return falling.living(self.alive)

    def _emptied(self, who: Numbers) -> Iterable[int]:
        """Those of them whose list has lost its last member."""
        for number in (who,) if isinstance(who, int) else who & self.alive:
            self.lost[number] = self.lost.get(number, 0) + 1
            if self.lost[number] == self.relations.lists[number]:
                yield number

    def _untold(self, fallen: "BitMap") -> "BitMap":
        """The texts with a name that nobody who is left has."""
        found: list[BitMap] = []
        for number in fallen:
            for place in self.relations.named_by.get(number, ()):
                one = self.relations.mentions[place]
                if self._is_secret(one):
                    found.append(one.texts)
        return BitMap.union(BitMap(), *found)

    def _is_secret(self, name: Mention) -> bool:
        if name.holders.intersect(self.alive):
            return False
        return name.elsewhere or not name.holders.issubset(self.known)


def _bitmap(numbers: Numbers) -> "BitMap":
    return BitMap([numbers]) if isinstance(numbers, int) else numbers
