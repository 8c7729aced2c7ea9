"""What an object is tied to: what it refers to, what refers to it, and through which relationship."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import orjson
from pyroaring import BitMap

from comity.stix.graph import Need, references
from comity.stix.words import path_of
from comity.store.interface import Snapshot
from comity.store.nouns import Hit, TextQuery
from comity.store.views import Keys

LINKS_MOST = 500
LOOKED_TIMES = 4
"""So many times more are looked at, since not all may be read."""
IN, OUT = "in", "out"
_UNTOLD = frozenset({Need.MARKING, Need.FORMAT})
_ENDS = (("source_ref", "target_ref"), ("target_ref", "source_ref"))


@dataclass(frozen=True, slots=True)
class Link:
    """A tie of one object to another. `way` is `out` where the first says it, or stands first in the relationship that
    says it, else `in`; `why` is the type of that relationship, or the property in which the id stands; `by` is the
    relationship or sighting that says it, with its source, None where the object itself does.

    `other` is None where there is no copy of the other that whoever asks may read; `id` is its id."""

    way: str
    why: str
    id: str
    other: Hit | None
    by: Hit | None


@dataclass(frozen=True, slots=True)
class Links:
    """The links of an object, those through relationships first; `more` says that there are others."""

    items: Sequence[Link]
    more: bool


def links_of(snapshot: Snapshot, readable: Callable[[Sequence[int]], Keys], id: str, body: bytes, most: int) -> Links:
    """At most so many links of the object with that id and body, through what is `readable` alone."""
    shown, more = _shown(_referring(snapshot, id, LOOKED_TIMES * most), readable, most)
    by = {hit.key: hit for hit in snapshot.hits(shown)}
    found: list[tuple[str, str, str, Hit | None]] = []
    for key, *_, said in snapshot.for_class(shown):
        if by[key].id != id:
            found += _said_by(by[key], orjson.loads(said), id)
    found += [(OUT, why, target, None) for why, target in _said(orjson.loads(body)) if target != id.lower()]
    found = list(dict.fromkeys(found))
    others = _hits(snapshot, readable, list(dict.fromkeys(target for _, _, target, _ in found[:most])))
    items = [Link(way, why, target, others.get(target.lower()), hit) for way, why, target, hit in found[:most]]
    return Links(items, more or len(found) > most)


def called(
    snapshot: Snapshot, readable: Callable[[Sequence[int]], Keys], hits: Sequence[Hit]
) -> tuple[list[Hit], Keys]:
    """The same, and the keys of what is named in them; relationships are called by their ends, of what is `readable` by
    their names, else by their types."""
    nameless = [hit.key for hit in hits if hit.type == "relationship" and not hit.name]
    said: dict[int, tuple[str, str, str]] = {}
    for key, *_, body in snapshot.for_class(nameless):
        value = orjson.loads(body)
        source, why, target = (str(value.get(name, "")) for name in ("source_ref", "relationship_type", "target_ref"))
        said[key] = source, why, target
    ends = list(dict.fromkeys(end for source, _, target in said.values() for end in (source, target)))
    there = _hits(snapshot, readable, ends)

    def end(id: str) -> str:
        hit = there.get(id.lower())
        return hit.name if hit is not None and hit.name else id.partition("--")[0]

    named = [
        replace(hit, name=f"{end(said[hit.key][0])} {said[hit.key][1]} {end(said[hit.key][2])}")
        if hit.key in said
        else hit
        for hit in hits
    ]
    return named, BitMap([hit.key for hit in there.values()])


def _shown(keys: Sequence[int], readable: Callable[[Sequence[int]], Keys], most: int) -> tuple[list[int], bool]:
    """The newest of these that are shown, and whether there are more."""
    found: list[int] = []
    for end in range(len(keys), 0, -most):
        found = sorted(readable(keys[max(0, end - most) : end])) + found
        if len(found) > most:
            return found[-most:], True
    return found, len(keys) >= LOOKED_TIMES * most


def _referring(snapshot: Snapshot, id: str, most: int) -> list[int]:
    """The newest copies that refer to the id: by the table, and by full text where nothing was published yet, since
    then no table is kept."""
    if snapshot.last_publication:
        keys = snapshot.referring(id, most)
        return sorted(snapshot.keys_in(None) & BitMap(keys))[-most:]
    word = id.partition("--")[2]
    runs = snapshot.hit_runs(TextQuery(words=(word,))) if word else iter(())
    return sorted(islice((key for run, _ in runs for key in run), most))


def _hits(snapshot: Snapshot, readable: Callable[[Sequence[int]], Keys], ids: Sequence[str]) -> dict[str, Hit]:
    """The newest version of each of these that is shown, by its id in small letters."""
    keys = snapshot.newest(ids)
    return {hit.id.lower(): hit for hit in snapshot.hits(sorted(readable(keys)))}


def _said_by(hit: Hit, value: dict[str, Any], id: str) -> Iterator[tuple[str, str, str, Hit | None]]:
    """The links of the id that the other object says."""
    if hit.type == "relationship":
        for mine, other in _ENDS:
            if value.get(mine) == id and isinstance(value.get(other), str):
                why = str(value.get("relationship_type", ""))
                yield (OUT if mine == "source_ref" else IN), why, str(value[other]), hit
        return
    for why, target in _said(value):
        if target == id.lower():
            yield IN, why, hit.id, hit if hit.type == "sighting" else None


def _said(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Where ids stand in the object, and which."""
    for reference in references(value).items:
        if reference.need not in _UNTOLD:
            place = reference.place
            named = place[:-1] if place and isinstance(place[-1], int) else place
            yield path_of(named), reference.target
