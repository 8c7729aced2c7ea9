"""Rules about what observables hold: references by type, dates deeper inside, and the observables of observed-data."""

from collections.abc import Iterator, Sequence
from typing import Any

from comity.stix.object import Finding, JsonObject
from comity.stix.spine import type_of_id
from comity.stix.tables import CONTRIBUTING, INNER_TIMES, ORDERS, REFERENCES, SECTIONS, TIMES
from comity.stix.timestamp import instant_key
from comity.stix.words import path_of, shown

Place = tuple[str | int, ...]
_VERSION_AT = -36 + 14


def references(value: JsonObject) -> Iterator[Finding]:
    """Every reference of an observable is an identifier of a type that is allowed there."""
    for path, allowed in REFERENCES.get(value["type"], {}).items():
        for place, ref in _at(value, path, ()):
            named = type_of_id(ref)
            if named is None:
                yield _finding(value, place, f"{shown(ref)} is not an identifier of the form type--UUID")
            elif named not in allowed:
                yield _finding(value, place, f"it must refer to {_either(allowed)}, and refers to {shown(named, 60)}")


def inner_times(value: JsonObject) -> Iterator[Finding]:
    """Dates deeper inside are instants."""
    for path in INNER_TIMES.get(value["type"], ()):
        for place, text in _at(value, path, ()):
            if type(text) is not str or instant_key(text) is None:
                yield _finding(value, place, f"{shown(text, 60)} is no instant")


def uuid_version(value: JsonObject) -> Iterator[Finding]:
    """An observable with nothing to make a deterministic id of has a random one."""
    names = CONTRIBUTING.get(value["type"])
    if names is None or value["id"][_VERSION_AT] == "4" or any(name in value for name in names):
        return
    problem = "nothing here can make a deterministic id, so its UUID must be of version 4 (random)"
    yield Finding("id", "STIX 2.1 §2.9", problem)


def observed_objects(value: JsonObject) -> Iterator[Finding]:
    """The observables inside observed-data (deprecated) refer to one another by key, and their dates are instants."""
    objects = value.get("objects")
    if value["type"] != "observed-data" or not isinstance(objects, dict):
        return
    for key, one in objects.items():
        kind = one.get("type") if isinstance(one, dict) else None
        if not isinstance(kind, str):
            continue
        for finding in _observed(one, kind, objects):
            where = path_of(["objects", key])
            yield Finding(f"{where}.{finding.where}", finding.rule, finding.problem, finding.must)


def _observed(one: JsonObject, kind: str, objects: JsonObject) -> Iterator[Finding]:
    for name in TIMES.get(kind, ()):
        if name in one and (type(one[name]) is not str or instant_key(one[name]) is None):
            yield _finding(one, (name,), f"{shown(one[name], 60)} is no instant")
    yield from inner_times(one)
    if kind in ORDERS:
        first, last, _ = ORDERS[kind]
        begin, end = (instant_key(one[name]) if type(one.get(name)) is str else None for name in (first, last))
        if begin is not None and end is not None and end < begin:
            yield _finding(one, (last,), f"{last} must not be before {first}")
    for path, allowed in REFERENCES.get(kind, {}).items():
        for place, ref in _at(one, path, ()):
            other = objects.get(ref) if isinstance(ref, str) else None
            if not isinstance(other, dict):
                yield _finding(one, place, f"{shown(ref)} is no key of `objects`")
            elif isinstance(other.get("type"), str) and other["type"] not in allowed:
                yield _finding(one, place, f"it must refer to {_either(allowed)}, and refers to {shown(other['type'])}")


def _at(value: Any, path: Sequence[str], place: Place) -> Iterator[tuple[Place, Any]]:
    """What stands at the path, each member of a list on its own."""
    if not path:
        yield from (
            (((*place, n), one) for n, one in enumerate(value)) if isinstance(value, list) else [(place, value)]
        )
    elif path[0] == "*":
        for number, one in enumerate(value if isinstance(value, list) else ()):
            yield from _at(one, path[1:], (*place, number))
    elif isinstance(value, dict) and path[0] in value:
        yield from _at(value[path[0]], path[1:], (*place, path[0]))


def _finding(value: JsonObject, place: Place, problem: str) -> Finding:
    return Finding(path_of(place), f"STIX 2.1 §{SECTIONS[value['type']]}", problem)


def _either(kinds: Sequence[str]) -> str:
    return " or ".join(kinds)
