"""Envelopes and documents cut into the bytes of their objects."""

import pytest

from comity.errors import Invalid, InvalidRequest, TooLarge
from comity.stix.split import split_document, split_envelope

A, B = b'{"type":"a","x":[{"objects":[]}]}', b'{ "type" : "b\\"}" }'


def envelope(body: bytes) -> list[bytes]:
    return split_envelope(body, objects_max=10)


@pytest.mark.parametrize(
    ("body", "objects"),
    [
        (b"{}", []),
        (b' {"objects":[]} ', []),
        (b'{"objects":[' + A + b"," + B + b"]}", [A, B]),
        (b'{ "more": false,\n "objects" : [ ' + A + b" , " + B + b' ] , "next" : "x" }', [A, B]),
        (b'{"more":true,"next":"abc"}', []),
        (b'{"x_unknown":{"objects":[{"not":"this"}]},"objects":[' + A + b"]}", [A]),
        (b'{"type":"bundle","id":"bundle--1","objects":[' + A + b"]}", [A]),
        (b'{"\\u006fbjects":[' + A + b"]}", [A]),
        (b'{"more":false}', []),
        (b'{"x":[{"a":[]}],"objects":[{"a":"\\ud800"}]}', [b'{"a":"\\ud800"}']),
    ],
)
def test_the_objects_of_an_envelope_come_byte_for_byte(body: bytes, objects: list[bytes]) -> None:
    assert envelope(body) == objects


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", "byte 0"),
        (b"[]", "byte 0"),
        (b"null", "byte 0"),
        (b'"x"', "byte 0"),
        (b'{"objects":[', "byte 12"),
        (b'{"objects":[{}]', "byte 15"),
        (b'{"objects":[{}]} x', "byte 17"),
        (b'{"objects":[{},]}', "byte 15"),
        (b'{"objects":[,{}]}', "byte 12"),
        (b'{"objects":{}}', "objects"),
        (b'{"objects":null}', "objects"),
        (b'{"objects":"x"}', "objects"),
        (b'{"objects":[1]}', "objects[0]"),
        (b'{"objects":[{},"x"]}', "objects[1]"),
        (b'{"objects":[{}],"objects":[]}', "byte 25"),
        (b'{"objects":[{}],"\\u006fbjects":[]}', "byte 30"),
        (b'{"more":true,"more":true,"objects":[{}]}', "byte 19"),
        (b'{"objects":[{}],"more":1e400}', "more"),
        (b'{"objects":[{}],"next":"\xff"}', "next"),
        (b'{"objects":[{}],"x":{"a":1,"a":2}}', "x"),
        (b'{"objects":[{}],"x":tru}', "byte 20"),
        (b'{"objects":[{}] "x":1}', "byte 16"),
        (b'{"objects" [{}]}', "byte 11"),
        (b"{1:[{}]}", "byte 1"),
        (b'{"\xff":[{}]}', "byte 1"),
        (b'{"objects":[{"a":[}]}', "byte 18"),
        (b'{"type":"indicator","id":"indicator--x"}', "objects"),
        (b'{"Event":{"id":"1"}}', "objects"),
        (b'{"objects":[],"x":[nope]}', "x: line 1, column 2"),
        (b'{"objects":[],"x":' + b"[" * 5000 + b"]" * 5000 + b"}", "x"),
    ],
)
def test_what_is_no_envelope_is_refused_with_its_place(body: bytes, where: str) -> None:
    with pytest.raises((InvalidRequest, TooLarge)) as caught:
        envelope(body)
    assert caught.value.where == where
    assert caught.value.rule


def test_one_broken_object_does_not_sink_the_others() -> None:
    broken = b'{"a":"\\ud800"}'
    assert envelope(b'{"objects":[' + A + b"," + broken + b"," + B + b"]}") == [A, broken, B]
    assert envelope(b'{"objects":[{"a":@},' + A + b"]}") == [b'{"a":@}', A]


def test_depth_is_no_crash() -> None:
    deep = b'{"a":' + b"[" * 90_000 + b"]" * 90_000 + b"}"
    assert envelope(b'{"objects":[' + deep + b"]}") == [deep]
    with pytest.raises(TooLarge):
        envelope(b'{"objects":[{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}]}")


def test_the_number_of_objects_is_bounded() -> None:
    assert len(envelope(b'{"objects":[' + b",".join([b"{}"] * 10) + b"]}")) == 10
    with pytest.raises(TooLarge, match="more than 10"):
        envelope(b'{"objects":[' + b",".join([b"{}"] * 11) + b"]}")
    with pytest.raises(TooLarge, match="more than 2"):
        split_document(b'{"objects":[{},{},{}]}', objects_max=2)


def test_the_number_of_members_is_bounded() -> None:
    body = b"{" + b",".join(b'"m%d":1' % n for n in range(1001)) + b"}"
    with pytest.raises(TooLarge, match="members"):
        envelope(body)


@pytest.mark.parametrize(
    ("body", "objects"),
    [
        (b'{"type":"bundle","id":"bundle--1"}', []),
        (b'{"type":"bundle","objects":[' + A + b"," + B + b"]}", [A, B]),
        (b"{}", []),
        (A, [A]),
        (b"\xef\xbb\xbf " + A + b"\n", [A]),
        (b' {"objects" : [ ' + A + b" , 1 , " + B + b" ] } ", [A, b"null", B]),
        (b'{"objects":[' + A + b" , " + B + b"]}\n", [A, B]),
        (b'{"type":"observed-data","objects":{"0":{}}}', [b'{"type":"observed-data","objects":{"0":{}}}']),
    ],
)
def test_a_document_is_a_bundle_an_envelope_or_an_object(body: bytes, objects: list[bytes]) -> None:
    assert split_document(body, objects_max=10) == objects


@pytest.mark.parametrize("body", [b"[]", b"[{}]", b"1", b"", b'{"foo":1}', b'{"objects":"x"}', b"\xef\xbb"])
def test_anything_else_is_no_document(body: bytes) -> None:
    with pytest.raises(Invalid):
        split_document(body, objects_max=10)
