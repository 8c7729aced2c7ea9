"""What else changes in an object when parts of it go: emptied lists and objects go too, and selectors follow."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from comity.stix.extensions import LIMITS_EXTENSION, LIMITS_LOCAL
from comity.stix.graph import Place
from comity.stix.object import JsonObject

_STEP = re.compile(r"\[(0|[1-9][0-9]{0,8})\]")


@dataclass(frozen=True, slots=True)
class Edits:
    """Places that go, and texts that stand at other places afterwards."""

    removed: frozenset[Place] = frozenset()
    replaced: Mapping[Place, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.removed or self.replaced)


NO_EDITS = Edits()


def settle(value: JsonObject, places: Collection[Place], replaced: Mapping[Place, str] | None = None) -> Edits:
    """The edits that remove the places and leave sound JSON of STIX: nothing empty that was not, and selectors of
    granular markings that lead where they led before, or are gone with what they led to."""
    removed = _with_emptied(value, set(places))
    texts = {place: text for place, text in (replaced or {}).items() if not inside(place, removed)}
    if removed and isinstance(value.get("granular_markings"), list):
        gone, followed = _selectors(value, removed)
        removed = _with_emptied(value, removed | gone)
        texts |= {place: text for place, text in followed.items() if not inside(place, removed)}
    kept = frozenset(place for place in removed if not inside(place[:-1], removed))
    return Edits(kept, texts)


def local_limits(value: JsonObject) -> tuple[Place, ...]:
    """The places of the release limits that mean something on this node alone, and leave no object with it (R16)."""
    content = at(value, ("extensions", LIMITS_EXTENSION))
    names = LIMITS_LOCAL if isinstance(content, dict) else ()
    return tuple(("extensions", LIMITS_EXTENSION, name) for name in names if name in content)


def inside(place: Place, places: Collection[Place]) -> bool:
    """Whether the place, or one that leads to it, is among them."""
    return any(place[:length] in places for length in range(1, len(place) + 1))


def applied(value: JsonObject, edits: Edits) -> JsonObject:
    """The object as it is after the edits, as a value."""
    result = _without(value, (), edits)
    assert isinstance(result, dict)
    return result


def _without(one: Any, place: Place, edits: Edits) -> Any:
    if isinstance(one, dict):
        return {
            name: _without(inner, (*place, name), edits)
            for name, inner in one.items()
            if (*place, name) not in edits.removed
        }
    if isinstance(one, list):
        return [
            _without(inner, (*place, number), edits)
            for number, inner in enumerate(one)
            if (*place, number) not in edits.removed
        ]
    return edits.replaced.get(place, one)


def at(value: Any, place: Iterable[str | int]) -> Any:
    """What stands at the place; None where there is nothing."""
    for step in place:
        if isinstance(step, int):
            if not isinstance(value, list) or step >= len(value):
                return None
            value = value[step]
        else:
            if not isinstance(value, dict) or step not in value:
                return None
            value = value[step]
    return value


def _with_emptied(value: JsonObject, removed: set[Place]) -> set[Place]:
    """With each list and object that would be left empty; an extension that keeps nothing but its kind is empty."""
    holders = {place[:-1] for place in removed if len(place) > 1}
    while holders:
        emptied = set()
        for holder in holders - removed:
            one = at(value, holder)
            names: Iterable[str | int] = (
                one if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
            )
            left = {name for name in names if (*holder, name) not in removed}
            if len(holder) == 2 and holder[0] == "extensions":
                left -= {"extension_type"}
            if len(holder) == 2 and holder[0] == "granular_markings" and "selectors" not in left:
                left = set()
            if not left:
                emptied.add(holder)
        removed |= emptied
        holders = {place[:-1] for place in emptied if len(place) > 1}
    return removed


def _selectors(value: JsonObject, removed: set[Place]) -> tuple[set[Place], dict[Place, str]]:
    """The places of selectors that lead to nothing any more, and the new texts of those that moved."""
    gone: set[Place] = set()
    followed: dict[Place, str] = {}
    before = _removed_before(removed)
    for number, entry in enumerate(value["granular_markings"]):
        selectors = entry.get("selectors") if isinstance(entry, dict) else None
        for index, selector in enumerate(selectors if isinstance(selectors, list) else ()):
            if not isinstance(selector, str):
                continue
            steps = place_of(selector)
            here: Place = ("granular_markings", number, "selectors", index)
            if inside(steps, removed):
                gone.add(here)
                continue
            moved = tuple(_moved(step, before.get(steps[:depth], ())) for depth, step in enumerate(steps))
            if moved != steps:
                followed[here] = ".".join(f"[{step}]" if isinstance(step, int) else step for step in moved)
    return gone, followed


def _removed_before(removed: set[Place]) -> dict[Place, list[int]]:
    lists: dict[Place, list[int]] = {}
    for place in removed:
        if isinstance(place[-1], int):
            lists.setdefault(place[:-1], []).append(place[-1])
    return lists


def _moved(step: str | int, gone: Iterable[int]) -> str | int:
    return step - sum(1 for number in gone if number < step) if isinstance(step, int) else step


def place_of(selector: str) -> Place:
    """The place that a selector of a granular marking names (STIX 2.1 §7.2.3.1)."""
    steps = ((_STEP.fullmatch(step), step) for step in selector.split("."))
    return tuple(step if match is None else int(match[1]) for match, step in steps)
