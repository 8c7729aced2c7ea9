"""A part of what partners may see: as much as says what becomes of a few publications, and not more."""

from collections.abc import Iterable
from dataclasses import dataclass

from pyroaring import BitMap

from comity.release.nearby import nearby
from comity.release.spread import Relations
from comity.store.interface import Snapshot

PART_MOST = 1000
"""For so many publications no more is looked at than says what becomes of them."""


@dataclass(frozen=True, slots=True)
class Part:
    """A few publications with all that they rest on, and the classes of these: a view of no more than that says of them
    what the whole view says."""

    numbers: BitMap
    relations: Relations
    forms: dict[int, bytes]


def part_of(snapshot: Snapshot, few: Iterable[int]) -> Part | None:
    """All that says what becomes of these, other copies of theirs among it; None where that is so much that the whole
    is quicker."""
    asked = sorted(few)
    if len(asked) > PART_MOST:
        return None
    ids = {one.id for one in snapshot.published(asked)}
    every = BitMap(asked) | BitMap(snapshot.published_of(list(ids)))
    found = nearby(every, snapshot.relations(), snapshot.needs_of)
    if found is None:
        return None
    forms = snapshot.classes()
    there = {one.class_key for one in snapshot.published(list(found.numbers))}
    return Part(found.numbers, found.relations, {key: forms[key] for key in there if key in forms})
