"""Records, their commitments, and what opens them."""

import base64
import hashlib
import hmac

import pytest

from comity.canonical import canonical_bytes
from comity.errors import Invalid, Unverified
from comity.ledger.records import (
    LISTED_MOST,
    NONCE_BYTES,
    PADDING,
    RECORD_BYTES_MAX,
    Opening,
    Record,
    commitment,
    digest_text,
    fact,
    make_record,
    read_record,
)

NONCE = bytes(range(16))


def test_a_record_is_canonical_json_with_its_time_and_kind() -> None:
    raw = make_record(5, "release", {"to": "cert-b", "items": [1, None, True, "é"]})
    assert raw == '{"at":5,"items":[1,null,true,"é"],"kind":"release","to":"cert-b"}'.encode()
    assert read_record(raw) == Record(5, "release", {"to": "cert-b", "items": [1, None, True, "é"]})
    assert make_record(0, "x") == b'{"at":0,"kind":"x"}'
    assert make_record(7, PADDING) == b'{"at":7,"kind":"padding"}'


def test_a_commitment_is_the_hmac_of_the_record_under_the_nonce() -> None:
    raw = make_record(5, "release")
    assert commitment(NONCE, raw) == hmac.new(NONCE, raw, hashlib.sha256).digest()
    assert Opening(raw, NONCE).commitment == commitment(NONCE, raw)
    assert commitment(bytes(16), raw) != commitment(NONCE, raw)


@pytest.mark.parametrize("length", [0, NONCE_BYTES - 1, NONCE_BYTES + 1])
def test_a_nonce_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        commitment(bytes(length), b"{}")


def test_an_opening_opens_its_own_entry_alone() -> None:
    opening = Opening(make_record(5, "release"), NONCE)
    assert opening.read(opening.commitment).at == 5
    for other in (bytes(32), b"", opening.commitment[:-1], Opening(make_record(6, "release"), NONCE).commitment):
        with pytest.raises(Unverified):
            opening.read(other)


@pytest.mark.parametrize(
    ("at", "kind", "facts"),
    [
        (-1, "x", {}),
        (2**53, "x", {}),
        (True, "x", {}),
        (5.0, "x", {}),
        (5, "", {}),
        (5, 7, {}),
        (5, "x", {"at": 6}),
        (5, "x", {"kind": "y"}),
        (5, "x", {"a": 1.5}),
        (5, "x", {"a": 2**53}),
        (5, "x", {"a": -(2**53)}),
        (5, "x", {"a": [{"b": 1.0}]}),
        (5, "x", {"a": {1: 2}}),
        (5, "x", {"a": {"é": 2}}),
        (5, "x", {"a": {"": 2}}),
        (5, "x", {"a b": 2}),
        (5, "x", {"a": b"bytes"}),
        (5, "x", {"a": "\ud800"}),
        (5, "x", {"a": "a" * RECORD_BYTES_MAX}),
    ],
)
def test_what_no_record_can_say_is_refused(at: int, kind: str, facts: dict[str, object]) -> None:
    with pytest.raises(Invalid) as caught:
        make_record(at, kind, facts)
    assert caught.value.where


def test_the_place_of_what_is_wrong_is_named() -> None:
    with pytest.raises(Invalid) as caught:
        make_record(5, "x", {"items": [{"size": 1.5}]})
    assert caught.value.where == "/items/0/size"
    with pytest.raises(Invalid, match="The record /items/1 is beyond") as caught:
        make_record(5, "x", {"items": [1, 2**53]})
    assert caught.value.where == "/items/1"
    for at, kind, where in ((-1, "x", "/at"), (5, "", "/kind")):
        with pytest.raises(Invalid) as caught:
            make_record(at, kind)
        assert caught.value.where == where
        assert caught.value.message.startswith(f"The record {where} is not")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"{", "The record is not JSON."),
        (b"\xff", "The record is not JSON."),
        (b"[" * 60_000, "The record is not JSON."),
        (b"[]", "The record is not a JSON object."),
        (b'{"kind":"x","at":5}', "The record is not in the canonical form."),
        (b" " * 65_537, "The record has more than 65536 bytes."),
    ],
)
def test_bytes_that_are_no_record_are_refused_as_a_whole(raw: bytes, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_record(raw)
    assert (caught.value.message, caught.value.where) == (said, "/")


def test_the_longest_record_is_taken() -> None:
    raw = make_record(5, "x", {"a": "a" * (RECORD_BYTES_MAX - 26)})
    assert len(raw) == RECORD_BYTES_MAX == 65_536
    assert len(read_record(raw).facts["a"]) == RECORD_BYTES_MAX - 26


@pytest.mark.parametrize("names", [[1], [None], ["a", 2], ["a", "\x7f"], ["a\tb"], ["a "], ["a", ""]])
def test_names_are_of_printable_ascii_without_spaces(names: list[object]) -> None:
    for facts in (dict.fromkeys(names, 1), {"in": {"it": dict.fromkeys(names, 1)}}):
        with pytest.raises(Invalid, match="has a name that is not of printable ASCII") as caught:
            make_record(5, "x", facts)  # type: ignore[arg-type]
        assert caught.value.where == ("/in/it" if "in" in facts else "/")


def test_a_long_list_is_said_by_its_number_and_a_digest() -> None:
    texts = [str(number) for number in range(LISTED_MOST + 1)]
    assert LISTED_MOST == 100
    assert fact(texts[:-1]) == texts[:-1]
    digest = hashlib.sha256("".join(text + "\n" for text in texts).encode()).digest()
    said = base64.urlsafe_b64encode(digest).decode().replace("=", "")
    assert fact(texts) == {"count": 101, "digest": said}
    assert said == digest_text(digest)
    assert len(make_record(5, "x", {"list": fact(["x" * 600] * 10**5)})) < 200


@pytest.mark.parametrize("bound", [2**53 - 1, -(2**53) + 1])
def test_a_number_beyond_those_of_the_canonical_form_is_text(bound: int) -> None:
    further = bound + (1 if bound > 0 else -1)
    assert (fact(bound), fact(further)) == (bound, str(further))
    assert read_record(make_record(5, "x", {"n": fact(bound), "m": fact(further)})).facts == {
        "n": bound,
        "m": str(further),
    }
    assert [fact(value) for value in (True, None, "a", 0)] == [True, None, "a", 0]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[]",
        b"5",
        b"\xff",
        b'{"at":5}',
        b'{"at":5,"kind":"x"} ',
        b'{"kind":"x","at":5}',
        b'{"at": 5,"kind":"x"}',
        b'{"at":5,"at":5,"kind":"x"}',
        b'{"at":5,"kind":"\\u0041"}',
        b'{"at":5,"kind":"x","n":1.0}',
        b'{"at":5,"kind":"x","n":NaN}',
        b'{"at":5,"kind":"x","n":"\\ud800"}',
        b'{"at":5.0,"kind":"x"}',
        b'{"at":-5,"kind":"x"}',
        b'{"at":5,"kind":7}',
        b"[" * 50_000,
        canonical_bytes({"at": 5, "kind": "x", "a": "a" * RECORD_BYTES_MAX}),
    ],
)
def test_bytes_that_are_no_record_are_refused(raw: bytes) -> None:
    with pytest.raises(Invalid):
        read_record(raw)
