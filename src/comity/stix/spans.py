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
_MEMBER = re.compile(
    rb'("[^"\\]*+(?:\\.[^"\\]*+)*+")[ \t\r\n]*+:[ \t\r\n]*+'
    rb'("[^"\\]*+(?:\\.[^"\\]*+)*+"|[^\s,\[\]{}"]++)?+[ \t\r\n]*+(?:,[ \t\r\n]*+)?+',
    re.DOTALL,
)
"""A name, its value where that is neither object nor list, and the comma after it."""
_SCALAR = re.compile(rb"[^\s,\]}]++")
_PLAIN = re.compile(rb'[^"{}\[\]]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"{}\[\]]*+)*+', re.DOTALL)
_QUOTE, _OPEN, _CLOSE, _LIST, _LIST_END, _COMMA = b'"{}[],'

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
    # The text is one value: it ends where the text does, which needs no look at what is in between.
    end = _copy(raw, start, tree, parts, len(raw.rstrip(b" \t\r\n")))
    return raw[:start] + b"".join(parts) + raw[end:]


class _Change:
    """What stands at a place afterwards."""

    __slots__ = ("text",)

    def __init__(self, text: bytes | None) -> None:
        self.text = text


def _copy(raw: bytes, start: int, tree: Tree, parts: list[bytes], known: int = 0) -> int:
    """The value that begins at `start` is in `parts`, changed; gives where it ends, which may be `known`."""
    if raw[start] not in (_OPEN, _LIST):
        end = _end_of(raw, start)
        parts.append(raw[start:end])
        return end
    cursor = start + 1
    kept = False
    last = cursor
    waiting = len(tree)
    for step, begin, value, end in _children(raw, start):
        change = tree.get(step)
        waiting -= change is not None
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
        if not waiting:
            # Nothing else changes here, so that the rest needs no look inside.
            end = known or _end_of(raw, start)
            parts.append(raw[last:end])
            return end
    close = _skip_space(raw, last) if last > cursor else _skip_space(raw, cursor)
    if not kept:
        parts.append(raw[start : start + 1])
        last = close
    parts.append(raw[last : close + 1])
    return close + 1


def _children(raw: bytes, start: int) -> Iterator[tuple[str | int, int, int, int]]:
    """Each member or item: its name or number, where it begins, where its value begins, and where that ends."""
    at = _skip_space(raw, start + 1)
    if raw[start] == _LIST:
        number = 0
        while raw[at] != _LIST_END:
            end = _end_of(raw, at)
            yield number, at, at, end
            number += 1
            at = _after(raw, end)
        return
    while raw[at] != _CLOSE:
        match = _MEMBER.match(raw, at)
        if match is None:
            raise _unreadable(at)
        name = match[1]
        value, end = match.span(2)
        if value < 0:
            value = match.end()
            end = _end_of(raw, value)
        yield name[1:-1].decode() if b"\\" not in name else orjson.loads(name), at, value, end
        at = match.end() if match.end() > end else _after(raw, end)


def _after(raw: bytes, end: int) -> int:
    """Where the next member or item begins, or the bracket that closes."""
    at = _skip_space(raw, end)
    return _skip_space(raw, at + 1) if raw[at] == _COMMA else at


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
        raise _unreadable(at)
    return match.end()


def _unreadable(at: int) -> InvalidObject:
    return InvalidObject("the text is not JSON", where=f"byte {at:,}", rule="RFC 8259")


def _skip_space(raw: bytes, at: int) -> int:
    return _matched(_SPACE, raw, at)
