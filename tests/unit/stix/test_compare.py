"""Two bodies are told apart by meaning, not by spelling."""

import pytest

from comity.stix.compare import differing_paths


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (b'{"a":1,"b":2}', b'{ "b": 2, "a": 1 }'),
        (b'{"a":1}', b'{"a":1.0}'),
        (b'{"a":1.10}', b'{"a":1.1}'),
        (b'{"a":1e2}', b'{"a":100}'),
        (b'{"a":0}', b'{"a":-0.0}'),
        (b'{"a":"\\u00e9"}', '{"a":"é"}'.encode()),
        (b'{"a":0e99999999999999999999}', b'{"a": 0e99999999999999999999}'),
        (b'{"a":' + b"1" * 300 + b"}", b'{"a":' + b"1" * 300 + b".0}"),
    ],
)
def test_other_spelling_is_no_difference(a: bytes, b: bytes) -> None:
    assert differing_paths(a, b) == ()


@pytest.mark.parametrize(
    ("a", "b", "paths"),
    [
        (b'{"a":true}', b'{"a":1}', ("a",)),
        (b'{"a":false}', b'{"a":0}', ("a",)),
        (b'{"a":null}', b"{}", ("a",)),
        (b"{}", b'{"a":null}', ("a",)),
        (b'{"a":"1"}', b'{"a":1}', ("a",)),
        (b'{"a":[1,2]}', b'{"a":[2,1]}', ("a[0]", "a[1]")),
        (b'{"a":[1]}', b'{"a":[1,2,3]}', ("a[1]", "a[2]")),
        (b'{"a":[1,2]}', b'{"a":[1]}', ("a[1]",)),
        (b'{"a":{"b":{"c":1}}}', b'{"a":{"b":{"c":2}}}', ("a.b.c",)),
        (b'{"a":[]}', b'{"a":{}}', ("a",)),
        (b'{"a":9007199254740993}', b'{"a":9007199254740992}', ("a",)),
        (b'{"a":0.1}', b'{"a":0.10000000000000001}', ("a",)),
        ('{"a":"é"}'.encode(), '{"a":"e\u0301"}'.encode(), ("a",)),
        (b'{"a":1,"b":1}', b'{"b":2,"c":1}', ("a", "b", "c")),
    ],
)
def test_other_meaning_is_named_by_its_place(a: bytes, b: bytes, paths: tuple[str, ...]) -> None:
    assert differing_paths(a, b) == paths


def test_no_more_places_are_named_than_wanted() -> None:
    a, b = b'{"a":[' + b"1," * 99 + b'1],"z":1}', b'{"a":[' + b"2," * 99 + b'2],"z":2}'
    assert len(differing_paths(a, b)) == 20
    assert differing_paths(a, b, most=3) == ("a[0]", "a[1]", "a[2]")
    assert len(differing_paths(b"{}", a, most=1)) == 1
