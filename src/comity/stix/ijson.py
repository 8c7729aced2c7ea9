"""I-JSON (RFC 7493) proven of bytes, without rewriting them: what is accepted means one thing to every reader.

Numbers: the bytes are what is kept, so integers and decimals of any length pass (`2**70`, `1.10`), as long as a double
has room for their size; `1e400` and `NaN` do not pass. `\\u0000` in a text passes: bytes keep it. Lone surrogates, bad
UTF-8, a byte order mark and names that occur twice (also nested, also by escape) do not.
"""

import json
from typing import Any

import msgspec
import orjson

from comity.errors import InvalidObject, TooLarge
from comity.stix.words import clean

LEVELS_MAX = 100
"""Lists and objects inside one another. STIX itself needs about ten; orjson reads 1,024 and writes 254, Python recurses
some 1,000: far below all of them, so that whoever handles the value later may recurse."""

VALUES_MAX = 500_000
"""Values of one object, members and list items; a comma inside a text counts as one too. A value costs some 60 bytes of
memory, so that a body of small ones would take thirty times its size."""

_written = msgspec.json.Encoder().encode
_NAMES_RULE = "RFC 7493 §2.3"
_JSON_RULE = "RFC 8259"


def read(raw: bytes, *, bytes_max: int) -> Any:
    """The value of the text, which is I-JSON of at most `bytes_max` bytes and LEVELS_MAX levels."""
    if len(raw) > bytes_max:
        raise TooLarge(f"an object has {len(raw):,} bytes; at most {bytes_max:,} are taken", rule="size")
    if len(raw) > VALUES_MAX and raw.count(b",") + raw.count(b"{") + raw.count(b"[") > VALUES_MAX:
        raise TooLarge(f"an object has more than {VALUES_MAX:,} values", rule="count")
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _unreadable(raw, error) from None
    # A text with that few brackets cannot be too deep, and one that is its own compact form names nothing twice: the
    # last of two equal names alone would have been written back. msgspec writes it in a third of the time of orjson.
    if raw.count(b"{") + raw.count(b"[") <= LEVELS_MAX and _written(value) == raw:
        return value
    if strings_in(value) != strings_written(raw):
        name = _first_repeated(raw)
        raise InvalidObject(f"the name '{clean(name)}' occurs twice in one object", rule=_NAMES_RULE)
    return value


def strings_in(value: Any) -> int:
    """The number of strings, names included, in a decoded value; TooLarge where it is too deep."""
    count, levels, level = 0, 0, [value]
    while level:
        below: list[Any] = []
        holds = 0
        for item in level:
            kind = type(item)
            if kind is str:
                count += 1
            elif kind is dict:
                holds = 1
                count += len(item)
                below += item.values()
            elif kind is list:
                holds = 1
                below += item
        levels += holds
        if levels > LEVELS_MAX:
            raise TooLarge(f"the object is nested deeper than {LEVELS_MAX} levels", rule="depth")
        level = below
    return count


def strings_written(raw: bytes) -> int:
    """The number of strings in text that is known to be JSON: half of its quotes that are not escaped. A repeated name
    loses at least itself in the value, so the two counts differ exactly where a name is repeated."""
    quotes = raw.count(b'"')
    if b"\\" in raw:
        quotes -= raw.replace(b"\\\\", b"").count(b'\\"')
    return quotes // 2


def _unreadable(raw: bytes, error: orjson.JSONDecodeError) -> InvalidObject | TooLarge:
    words = error.msg.split(": line ")[0]
    if "depth limit" in words:
        return TooLarge(f"the object is nested deeper than {LEVELS_MAX} levels", rule="depth")
    where = f"line {error.lineno}, column {error.colno}"
    if "infinity" in words:
        return InvalidObject("a number is larger than any double can hold", where=where, rule="RFC 7493 §2.2")
    if "UTF-8" in words and "BOM" not in words:
        try:
            raw.decode()
        except UnicodeDecodeError as bad:
            where = f"byte {bad.start}"
        return InvalidObject("the text is not UTF-8", where=where, rule="RFC 7493 §2.1")
    if "surrogate" in words:
        return InvalidObject("a text has a lone surrogate, which is no character", where=where, rule="RFC 7493 §2.1")
    return InvalidObject(f"this is not JSON: {clean(words)}", where=where, rule=_JSON_RULE)


class _RepeatedError(Exception):
    def __init__(self, name: str) -> None:
        self.name = name


def _first_repeated(raw: bytes) -> str:
    """The name that occurs twice. Only asked for a text that is JSON and not too deep."""

    def pairs(items: list[tuple[str, Any]]) -> None:
        seen = set()
        for name, _ in items:
            if name in seen:
                raise _RepeatedError(name)
            seen.add(name)

    try:
        json.loads(raw, object_pairs_hook=pairs, parse_int=float)
    except _RepeatedError as found:
        return found.name
    raise AssertionError("strings were lost without a repeated name")
