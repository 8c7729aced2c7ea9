"""The quick proof of I-JSON equals the plain one: the standard library with hooks."""

import json
import math
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from comity.errors import Invalid
from comity.stix import ijson


class NotIJsonError(ValueError):
    pass


def plain(raw: bytes) -> Any:
    """The slow twin: every rule spelled out."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(items)) != len(items):
            raise NotIJsonError("a name twice")
        return dict(items)

    def constant(name: str) -> None:
        raise NotIJsonError(name)

    def number(text: str) -> float:
        value = float(text)
        if math.isinf(value):
            raise NotIJsonError("no double")
        return value

    text = raw.decode("utf-8")
    if text.startswith("\ufeff"):
        raise NotIJsonError("a byte order mark")
    value = json.loads(text, object_pairs_hook=pairs, parse_constant=constant, parse_float=number, parse_int=number)
    json.dumps(value, ensure_ascii=False).encode("utf-8")
    if depth(value) > ijson.LEVELS_MAX:
        raise NotIJsonError("too deep")
    return value


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max((depth(one) for one in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((depth(one) for one in value), default=0)
    return 0


def as_doubles(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: as_doubles(one) for name, one in value.items()}
    if isinstance(value, list):
        return [as_doubles(one) for one in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def agree(raw: bytes) -> None:
    try:
        expected = plain(raw)
    except (ValueError, RecursionError):
        expected = None
    try:
        found = ijson.read(raw, bytes_max=1 << 20)
    except Invalid:
        found = None
    assert as_doubles(found) == expected


STRINGS = st.sampled_from(
    [b'"a"', b'"\\u0061"', b'"\\""', b'"\\\\"', b'"\\\\\\""', b'"\\ud800"', b'"\\ud83d\\ude00"', b'"\xc3\xa9"', b'""',
     b'"\xed\xa0\x80"', b'"\xff"', b'"\\u0000"', b'"\x00"', b'"b"', b'"a\\"', b'"\\n"', b'"\\x"', b'"\x7f"', b'"\\/"']
)  # fmt: skip
NUMBERS = st.sampled_from(
    [b"0", b"-0", b"1.10", b"1e15", b"1E+02", b"1e400", b"-1e400", b"1e-400", b"NaN", b"Infinity", b"01", b"1.", b".5",
     b"+1", b"18446744073709551616", b"%d" % 2**70, b"%d" % 10**400, b"1" * 309, b"true", b"null", b"false", b"-"]
)  # fmt: skip
LEAVES = STRINGS | NUMBERS
SPACE = st.sampled_from([b"", b"", b"", b" ", b"\n\t", b"\x0b", b"\xc2\xa0"])


def _members(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    member = st.tuples(SPACE, STRINGS, SPACE, inner, SPACE).map(lambda m: m[0] + m[1] + m[2] + b":" + m[3] + m[4])
    return st.lists(member, max_size=4).map(lambda found: b"{" + b",".join(found) + b"}")


def _elements(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.lists(inner, max_size=4).map(lambda found: b"[" + b", ".join(found) + b"]")


TEXTS = st.recursive(LEAVES, lambda inner: _members(inner) | _elements(inner), max_leaves=12)


@given(TEXTS)
@example(b'{"aaaaaaaaa":1,"aaaaaaaaa":1,"e":1e15}')
@example(b'{"a":"\\\\","a":"\\\\\\"\\""}')
@example(b'{"a":' + b"[" * 99 + b"]" * 99 + b"}")
@example(b'{"a":' + b"[" * 100 + b"]" * 100 + b"}")
@example(b'{"a":' + b"[" * 99 + b"1" + b"]" * 99 + b"}")
def test_the_quick_proof_equals_the_plain_one(raw: bytes) -> None:
    agree(raw)


@given(st.integers(0, 130), st.integers(0, 130), st.booleans())
def test_depth_is_counted_exactly(lists: int, objects: int, spaced: bool) -> None:
    raw = b"[" * lists + b'{"a":' * objects + b"1" + b"}" * objects + b"]" * lists
    agree(raw + b" " if spaced else raw)


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused_alike(raw: bytes) -> None:
    agree(raw)
