"""Members and items cut out of JSON text, or replaced there, while every other byte stays as it was.

The text is I-JSON that was proven before (`comity.stix.ijson`); only the way to the places is read, and all else is
passed over whole.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from comity.errors import InvalidObject

Place = tuple[str | int, ...]
REMOVED = None

_SPACE = re.compile(rb"[ \t\r\n]*+")
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_SCALAR = re.compile(rb"[^\s,\]}]++")
_PLAIN = re.compile(rb'[^"{}\[\]]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"{}\[\]]*+)*+', re.DOTALL)
_QUOTE, _OPEN, _CLOSE, _LIST, _LIST_END, _COMMA, _COLON = b'"{}[],:'

Tree = dict[str | int, Any]


def rewrite(raw: bytes, changes: Mapping[Place, bytes | None]) -> bytes:
    """The text with each place removed (None) or replaced by other JSON text. A place that is not there changes
    nothing; one below a removed or replaced place neither."""
    tree: Tree = {}
    for place in sorted(changes, key=len):
        branch: Any = tree
        for step in place[:-1]:
            branch = branch.setdefault(step, {})
            if not isinstance(branch, dict):
                break
        else:
            branch[place[-1]] = _Change(changes[place])
    if not tree:
        return raw
    parts: list[bytes] = []
    start = _skip_space(raw, 0)
    end = _copy(raw, start, tree, parts)
    return raw[:start] + b"".join(parts) + raw[end:]


class _Change:
    """What stands at a place afterwards."""

    __slots__ = ("text",)

    def __init__(self, text: bytes | None) -> None:
        self.text = text


def _copy(raw: bytes, start: int, tree: Tree, parts: list[bytes]) -> int:
    """The value that begins at `start` is in `parts`, changed; gives where it ends."""
    if raw[start] not in (_OPEN, _LIST):
        end = _end_of(raw, start)
        parts.append(raw[start:end])
        return end
    cursor = start + 1
    kept = False
    last = cursor
    for step, begin, value, end in _children(raw, start):
        change = tree.get(step)
        if isinstance(change, _Change) and change.text is REMOVED:
            last = end
            continue
        if not kept:
            # What stands before the first one kept is the space after the bracket, not the comma of one that went.
            parts.append(raw[start : _skip_space(raw, start + 1)])
            kept = True
        else:
            parts.append(raw[last:begin])
        parts.append(raw[begin:value])
        if isinstance(change, _Change):
            parts.append(change.text or b"")
        elif change is not None:
            _copy(raw, value, change, parts)
        else:
            parts.append(raw[value:end])
        last = end
    close = _skip_space(raw, last) if last > cursor else _skip_space(raw, cursor)
    if not kept:
        parts.append(raw[start : start + 1])
        last = close
    parts.append(raw[last : close + 1])
    return close + 1


def _children(raw: bytes, start: int) -> Iterator[tuple[str | int, int, int, int]]:
    """Each member or item: its name or number, where it begins, where its value begins, and where that ends."""
    named = raw[start] == _OPEN
    closer = _CLOSE if named else _LIST_END
    at = _skip_space(raw, start + 1)
    number = 0
    while raw[at] != closer:
        begin = at
        step: str | int = number
        if named:
            at = _end_of(raw, at)
            step = orjson.loads(raw[begin:at])
            at = _skip_space(raw, at)
            at = _skip_space(raw, at + 1)
        end = _end_of(raw, at)
        yield step, begin, at, end
        number += 1
        at = _skip_space(raw, end)
        if raw[at] == _COMMA:
            at = _skip_space(raw, at + 1)


def _end_of(raw: bytes, at: int) -> int:
    """Where the value that begins here ends."""
    first = raw[at]
    if first == _QUOTE:
        return _matched(_STRING, raw, at)
    if first not in (_OPEN, _LIST):
        return _matched(_SCALAR, raw, at)
    depth = 1
    at += 1
    while depth:
        at = _matched(_PLAIN, raw, at)
        depth += 1 if raw[at] in (_OPEN, _LIST) else -1
        at += 1
    return at


def _matched(pattern: re.Pattern[bytes], raw: bytes, at: int) -> int:
    match = pattern.match(raw, at)
    if match is None:
        raise InvalidObject("the text is not JSON", where=f"byte {at:,}", rule="RFC 8259")
    return match.end()


def _skip_space(raw: bytes, at: int) -> int:
    return _matched(_SPACE, raw, at)
