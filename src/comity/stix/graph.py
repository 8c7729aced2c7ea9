"""References: which ids an object holds, wherever they stand, and what would become of the object without them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from comity.stix.extensions import LIMITS_EXTENSION, LIMITS_LOCAL
from comity.stix.object import JsonObject
from comity.stix.spine import TYPE_MAX, type_of_id

Place = tuple[str | int, ...]
"""Where something stands in a JSON value: `("object_refs", 2)`."""

REFERENCES_MAX = 10_000
GRANULAR_MARKINGS_MAX = 1_000


class Need(StrEnum):
    """What becomes of an object without a reference: nothing is left to say (REQUIRED), or to list (LISTED, when it was
    the last); it can do without (OPTIONAL); another author stands there (AUTHOR); its limits would be lost (MARKING).
    BY names who did something with it (`x_modified_by_ref`): it can do without, and is no nearer to what else they did.
    FORMAT names the definition of an extension. WITHIN cannot be cut out: it stands in a text, a pattern, a name."""

    REQUIRED = "required"
    LISTED = "listed"
    OPTIONAL = "optional"
    AUTHOR = "author"
    BY = "by"
    MARKING = "marking"
    FORMAT = "format"
    WITHIN = "within"


@dataclass(frozen=True, slots=True)
class Reference:
    """An id (in small letters) that stands at `place`; `cut` is the place that goes when the reference goes."""

    target: str
    place: Place
    need: Need
    cut: Place


@dataclass(frozen=True, slots=True)
class References:
    """All of them, in the order of the object; `beyond` says in words which bound the object breaks, and nothing is
    listed then."""

    items: tuple[Reference, ...] = ()
    beyond: str = ""


REQUIRED = frozenset({"source_ref", "target_ref", "sighting_of_ref"})
"""The ends of a relationship and of a sighting; on other types too, since nobody else should mean less by the names."""

_REQUIRED_BY_TYPE: Mapping[str, frozenset[str]] = {"language-content": frozenset({"object_ref"})}

REQUIRED_LISTS: Mapping[str, frozenset[tuple[str, ...]]] = {
    "file": frozenset({("extensions", "archive-ext", "contains_refs")}),
    "grouping": frozenset({("object_refs",)}),
    "note": frozenset({("object_refs",)}),
    "observed-data": frozenset({("object_refs",)}),
    "opinion": frozenset({("object_refs",)}),
    "report": frozenset({("object_refs",)}),
}
"""Lists without which the object is not valid STIX. Any other list goes together with its last member."""

IN_ID: Mapping[str, frozenset[str]] = {
    "email-message": frozenset({"from_ref", "subject", "body"}),
    "file": frozenset({"parent_directory_ref", "extensions", "hashes", "name"}),
    "network-traffic": frozenset(
        {"start", "end", "src_ref", "dst_ref", "src_port", "dst_port", "protocols", "extensions"}
    ),
}
"""What a deterministic id is made of (STIX 2.1 §2.9) where that may be a reference: whoever knows the id could try
which id stood there, so that it cannot be cut out."""

_UUID_TAIL = re.compile(r"--[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-f])", re.IGNORECASE)
_TYPE_BEFORE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*)\Z")
_VERSION_AT = -36 + 14


def references(value: JsonObject) -> References:
    """Every id that the object holds beside its own in `id`: in references, texts, patterns, extensions, names."""
    granular = value.get("granular_markings")
    if isinstance(granular, list) and len(granular) > GRANULAR_MARKINGS_MAX:
        return References(beyond=f"more than {GRANULAR_MARKINGS_MAX:,} granular markings")
    found: list[Reference] = []
    for reference in _of_members(value, value, ()):
        if len(found) == REFERENCES_MAX:
            return References(beyond=f"more than {REFERENCES_MAX:,} references")
        found.append(reference)
    return References(tuple(found))


def ids_in(text: str) -> Iterator[str]:
    """The STIX ids inside a text, in small letters."""
    if "--" not in text:
        return
    end = 0
    for tail in _UUID_TAIL.finditer(text):
        start = tail.start()
        head = _TYPE_BEFORE.search(text, max(end, start - TYPE_MAX), start)
        end = tail.end()
        if head is not None:
            yield text[head.start() : end].lower()


def deterministic(value: JsonObject) -> bool:
    """Whether the object's id is made of its properties (a UUID of version 5)."""
    return str(value.get("id", ""))[_VERSION_AT : _VERSION_AT + 1] == "5"


def _of_members(whole: JsonObject, holder: Mapping[str, Any], place: Place) -> Iterator[Reference]:
    for name, one in holder.items():
        here = (*place, name)
        if not place and name in ("id", "type"):
            continue
        for target in ids_in(name):
            exact = place == ("extensions",) and type_of_id(name) is not None
            yield Reference(target, here, Need.FORMAT if exact else Need.WITHIN, here)
        if place == ("extensions", LIMITS_EXTENSION) and name in LIMITS_LOCAL:
            # Words of this node alone; whatever leaves is without them.
            continue
        yield from _of_value(whole, one, here)


def _of_value(whole: JsonObject, one: Any, place: Place) -> Iterator[Reference]:
    kind = type(one)
    if kind is str:
        if "--" in one:
            exact = type_of_id(one) is not None
            for target in ids_in(one):
                need, cut = _need(whole, place) if exact else (Need.WITHIN, place)
                yield Reference(target, place, need, cut)
    elif kind is dict:
        yield from _of_members(whole, one, place)
    elif kind is list:
        for number, item in enumerate(one):
            yield from _of_value(whole, item, (*place, number))


def _need(whole: JsonObject, place: Place) -> tuple[Need, Place]:
    """What the reference at that place is to the object, and what goes with it."""
    if len(place) == 3 and place[0] == "external_references" and place[2] == "external_id":
        return Need.OPTIONAL, place[:2]
    name = place[-1]
    listed = isinstance(name, int)
    if listed:
        name = place[-2]
    if not isinstance(name, str) or not name.endswith(("_ref", "_refs")):
        return Need.WITHIN, place
    kind, first = whole.get("type", ""), place[0]
    if first == "object_marking_refs" or (first == "granular_markings" and name == "marking_ref"):
        return Need.MARKING, place
    if place == ("created_by_ref",):
        return Need.AUTHOR, place
    if len(place) == 1 and (name in REQUIRED or name in _REQUIRED_BY_TYPE.get(kind, ())):
        return Need.REQUIRED, place
    if first in IN_ID.get(kind, ()) and deterministic(whole):
        return Need.REQUIRED, place
    if listed and place[:-1] in REQUIRED_LISTS.get(kind, ()):
        return Need.LISTED, place
    return Need.BY if len(place) == 1 and name.endswith("_by_ref") else Need.OPTIONAL, place
