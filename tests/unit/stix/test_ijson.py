"""I-JSON: what one reader and the next would read differently does not pass."""

import json

import pytest

from comity.errors import InvalidObject, TooLarge
from comity.stix import ijson

BIG = 1 << 20


def read(raw: bytes) -> object:
    return ijson.read(raw, bytes_max=BIG)


GOOD: dict[str, bytes] = {
    "compact": b'{"a":1}',
    "spaced": b'{ "a" : 1 , "b" : [ ] }\n',
    "an escaped quote and a name in a text": b'{"a":"b\\":c,\\"a\\":1"}',
    "quotes and backslashes": b'{"a":"\\\\","b":"\\\\\\"\\"","c":"\\\\\\\\"}',
    "a pair of surrogates": b'{"a":"\\ud83d\\ude00"}',
    "one name at two levels": b'{"a":{"a":[{"a":1},{"a":2}]}}',
    "names that differ by case": b'{"a":1,"A":2}',
    "names that only look alike": '{"é":1,"e\u0301":2}'.encode(),
    "an empty name": b'{"":1}',
    "a huge integer": b'{"a":%d}' % 2**70,
    "a negative huge integer": b'{"a":-%d}' % 2**70,
    "a long decimal": b'{"a":1.10000000000000000000000000000000000001}',
    "a tiny number": b'{"a":1e-400}',
    "exponents": b'{"a":1E+02,"b":1e15}',
    "a NUL that is escaped": b'{"a":"\\u0000"}',
    "100 levels": b'{"a":' + b"[" * 99 + b"]" * 99 + b"}",
    "many brackets on few levels": b'{"a":[' + b"[]," * 500 + b"{}]}",
    "brackets in a text": b'{"a":"' + b"[{" * 500 + b'"}',
}
BAD: dict[str, tuple[bytes, str]] = {
    "a repeated name": (b'{"a":1,"a":2}', "RFC 7493 §2.3"),
    "a repeated name with the same value": (b'{"a":1,"a":1}', "RFC 7493 §2.3"),
    "repeated by escape": (b'{"a":1,"\\u0061":2}', "RFC 7493 §2.3"),
    "repeated deep inside": (b'{"x":{"k":[{"q":1,"q":1}]}}', "RFC 7493 §2.3"),
    "repeated and hidden by a longer number": (b'{"a":1,"a":2,"b":1e2,"c":1E+02}', "RFC 7493 §2.3"),
    "repeated and hidden by growth": (b'{"aaaaaaaaa":1,"aaaaaaaaa":1,"e":1e15}', "RFC 7493 §2.3"),
    "repeated among escapes": (b'{"a":"\\\\\\"","b":"\\"","a":"\\\\"}', "RFC 7493 §2.3"),
    "NaN": (b'{"a":NaN}', "RFC 8259"),
    "Infinity": (b'{"a":-Infinity}', "RFC 8259"),
    "a number without room in a double": (b'{"a":1e400}', "RFC 7493 §2.2"),
    "an integer without room in a double": (b'{"a":%d}' % 10**400, "RFC 7493 §2.2"),
    "a lone surrogate": (b'{"a":"\\ud800"}', "RFC 7493 §2.1"),
    "a lone low surrogate": (b'{"a":"\\ude00x"}', "RFC 7493 §2.1"),
    "a surrogate in UTF-8": (b'{"a":"\xed\xa0\x80"}', "RFC 7493 §2.1"),
    "bad UTF-8": (b'{"a":"\xff"}', "RFC 7493 §2.1"),
    "overlong UTF-8": (b'{"a":"\xc0\x80"}', "RFC 7493 §2.1"),
    "a raw NUL": (b'{"a":"\x00"}', "RFC 8259"),
    "a raw line end in a text": (b'{"a":"\n"}', "RFC 8259"),
    "a byte order mark": (b'\xef\xbb\xbf{"a":1}', "RFC 8259"),
    "a comma too many": (b'{"a":1,}', "RFC 8259"),
    "single quotes": (b"{'a':1}", "RFC 8259"),
    "a leading zero": (b'{"a":01}', "RFC 8259"),
    "two values": (b"{} {}", "RFC 8259"),
    "nothing": (b"", "RFC 8259"),
    "101 levels": (b'{"a":' + b"[" * 100 + b"]" * 100 + b"}", "depth"),
    "101 levels of objects": (b'{"a":' * 101 + b"1" + b"}" * 101, "depth"),
    "1,100 levels": (b'{"a":' + b"[" * 1100 + b"]" * 1100 + b"}", "depth"),
    "100,000 levels": (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "depth"),
}


@pytest.mark.parametrize("raw", GOOD.values(), ids=GOOD)
def test_i_json_is_read_as_the_standard_library_reads_it(raw: bytes) -> None:
    # Beyond 64 bits the value is a double; the digits are in the bytes, which are what is kept.
    assert read(raw) == json.loads(raw, parse_int=lambda text: int(text) if len(text) < 19 else float(text))


@pytest.mark.parametrize(("raw", "rule"), BAD.values(), ids=BAD)
def test_what_is_no_i_json_is_refused_with_its_rule(raw: bytes, rule: str) -> None:
    with pytest.raises((InvalidObject, TooLarge)) as caught:
        read(raw)
    assert caught.value.rule == rule
    assert len(caught.value.message) < 200


def test_the_place_of_a_fault_is_named() -> None:
    with pytest.raises(InvalidObject) as caught:
        read(b'{"a":1,\n "b":tru}')
    assert caught.value.where.startswith("line 2, column")
    with pytest.raises(InvalidObject) as caught:
        read(b'{"a":"\xff"}')
    assert caught.value.where == "byte 6"


def test_the_repeated_name_is_named() -> None:
    with pytest.raises(InvalidObject, match="'q'"):
        read(b'{"x":{"k":[{"q":1,"q":1}]}}')


def test_size_is_judged_before_anything_is_read() -> None:
    assert ijson.read(b'{"a":1}', bytes_max=7) == {"a": 1}
    with pytest.raises(TooLarge, match="at most 6"):
        ijson.read(b'{"a":1}', bytes_max=6)


def test_values_are_counted_before_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ijson, "VALUES_MAX", 100)
    for inside in (b"1," * 200 + b"1", b"{}," * 60 + b"{}", b"[]," * 60 + b"[]"):
        with pytest.raises(TooLarge) as caught:
            ijson.read(b'{"a":[' + inside + b"]}", bytes_max=10_000)
        assert caught.value.rule == "count"
    assert ijson.read(b'{"a":[' + b"1," * 90 + b"1]}", bytes_max=10_000)
