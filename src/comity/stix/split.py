"""Whole bodies cut into the bytes of their objects. For bodies of unknown size see `comity.stix.cut`."""

import re
from collections.abc import Iterator

import msgspec

from comity.errors import Invalid, InvalidRequest, TooLarge
from comity.stix import ijson
from comity.stix.cut import ENVELOPE_RULE, cut_envelope, cut_stream
from comity.stix.words import clean

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_elements = msgspec.json.Decoder(list[msgspec.Raw])
_HEAD = re.compile(rb'[ \t\r\n]*+\{[ \t\r\n]*+"objects"[ \t\r\n]*+:')
_TAIL = re.compile(rb"\}[ \t\r\n]*+\Z")
TAIL_BYTES = 100
_FAILURES = (msgspec.MsgspecError, ValueError, RecursionError)


def split_envelope(body: bytes, *, objects_max: int) -> list[bytes]:
    """The objects of a TAXII envelope, byte for byte; each is judged alone afterwards. `{}` holds none.

    Members that TAXII does not know are let be, yet no name may occur twice. msgspec cuts fast, but refuses the whole
    where one object is broken; what it cannot cut is cut, or explained, the slow way.
    """
    objects = _alone(body)
    return _split_members(body, objects_max) if objects is None else _checked(objects, objects_max)


def _alone(body: bytes) -> list[msgspec.Raw] | None:
    """The elements of `objects` where it is the only member, as nearly all clients send it: one reading of the body
    instead of two. None where it is not, or not JSON; what stands between the braces is then read otherwise."""
    head, tail = _HEAD.match(body), _TAIL.search(body, max(0, len(body) - TAIL_BYTES))
    if head is None or tail is None:
        return None
    try:
        return _elements.decode(memoryview(body)[head.end() : tail.start()])
    except _FAILURES:
        return None


def _checked(objects: list[msgspec.Raw], objects_max: int) -> list[bytes]:
    if len(objects) > objects_max:
        raise _too_many(objects_max)
    found = [bytes(raw) for raw in objects]
    for index, one in enumerate(found):
        if not one.startswith(b"{"):
            raise InvalidRequest("an element is not a JSON object", where=f"objects[{index}]", rule=ENVELOPE_RULE)
    return found


def _split_members(body: bytes, objects_max: int) -> list[bytes]:
    try:
        members = _members.decode(body)
        objects = _elements.decode(members["objects"]) if "objects" in members else []
    except _FAILURES:
        return _split_slowly(body, objects_max)
    if msgspec.json.encode(members) != body and ijson.strings_written(body) != len(members) + sum(
        ijson.strings_written(bytes(raw)) for raw in members.values()
    ):
        return _split_slowly(body, objects_max)
    if "objects" not in members and members:
        return _split_slowly(body, objects_max)
    for name, raw in members.items():
        if name != "objects":
            try:
                ijson.read(bytes(raw), bytes_max=len(body))
            except Invalid as error:
                raise InvalidRequest(error.message, where=clean(name), rule=error.rule) from None
    return _checked(objects, objects_max)


def split_document(body: bytes, *, objects_max: int) -> list[bytes]:
    """The objects of a bundle, of an envelope, or the one STIX object that the document is."""
    found = [bytes(raw) for raw in _alone(body) or ()]
    if found and len(found) <= objects_max and all(one.startswith(b"{") for one in found):
        return found
    return _bounded(cut_stream([body], object_bytes_max=len(body)), objects_max)


def _split_slowly(body: bytes, objects_max: int) -> list[bytes]:
    try:
        return _bounded(cut_envelope(body), objects_max)
    except TooLarge:
        raise
    except Invalid as error:
        raise InvalidRequest(error.message, where=error.where, rule=error.rule) from None


def _bounded(objects: Iterator[bytes], objects_max: int) -> list[bytes]:
    found: list[bytes] = []
    for one in objects:
        if len(found) == objects_max:
            raise _too_many(objects_max)
        found.append(one)
    return found


def _too_many(objects_max: int) -> TooLarge:
    return TooLarge(f"there are more than {objects_max:,} objects", where="objects", rule="size")
