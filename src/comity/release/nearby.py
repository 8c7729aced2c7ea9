"""A part of the relations that is enough to say what becomes of a few publications.

Whether something goes rests on what it refers to, on that again, and on who has the names that its text says. All of
that is gathered here, and `spread` over it says of these few what it says over everything: nothing outside can let one
of them fall, or keep it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from pyroaring import BitMap

from comity.release.spread import Numbers, Relations

NEAR_MOST = 20_000
"""More than these are no part any more."""
Needs = Callable[[list[int]], Iterable[tuple[int, int, int]]]
"""Of these publications what each refers to: number, target, need."""


@dataclass(frozen=True, slots=True)
class Nearby:
    """Publications with all that they rest on, and the relations of those alone."""

    numbers: "BitMap"
    relations: Relations


def nearby(few: "BitMap", relations: Relations, needs: Needs) -> Nearby | None:
    """What these rest on, themselves included; None where that is more than NEAR_MOST."""
    users: dict[int, dict[int, list[int]]] = {}
    found, todo = BitMap(), BitMap(few)
    places: set[int] = set()
    while todo:
        found |= todo
        if len(found) > NEAR_MOST:
            return None
        targets = set()
        for number, target, need in needs(list(todo)):
            users.setdefault(need, {}).setdefault(target, []).append(number)
            targets.add(target)
        new = {place for number in todo for place in relations.said_by.get(number, ())} - places
        places |= new
        ahead = [_bitmap(relations.copies[target]) for target in targets if target in relations.copies]
        todo = BitMap.union(BitMap(), *ahead, *(relations.mentions[place].holders for place in new)) - found
    return Nearby(found, _part(relations, users, sorted(places)))


def _part(relations: Relations, users: dict[int, dict[int, list[int]]], places: list[int]) -> Relations:
    mentions = [relations.mentions[place] for place in places]
    named_by: dict[int, list[int]] = {}
    for place, one in enumerate(mentions):
        for number in one.holders:
            named_by.setdefault(number, []).append(place)
    few: dict[int, dict[int, Numbers]] = {
        need: {target: members[0] if len(members) == 1 else BitMap(members) for target, members in each.items()}
        for need, each in users.items()
    }
    return replace(relations, users=few, mentions=mentions, named_by=named_by)


def _bitmap(numbers: Numbers) -> "BitMap":
    return BitMap([numbers]) if isinstance(numbers, int) else numbers
