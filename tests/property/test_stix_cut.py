"""The cutter equals reading the whole document, whatever the spelling and the chunks; nothing but Invalid comes out."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.errors import Invalid
from comity.stix.cut import cut_stream
from comity.stix.split import split_document, split_envelope

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
NAMES = st.sampled_from(["a", "objects", "type", '"', "\\", "}", "é", ""]) | st.text(max_size=5)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=15,
)
OBJECTS = st.lists(st.dictionaries(NAMES, VALUES, max_size=4), max_size=5)
LAYOUTS = st.sampled_from([{"separators": (",", ":")}, {}, {"indent": 1}, {"ensure_ascii": False}])


def bites(raw: bytes, size: int) -> list[bytes]:
    return [raw[at : at + size] for at in range(0, len(raw), size)]


@pytest.mark.slow
@given(
    objects=OBJECTS,
    before=st.dictionaries(NAMES.filter(lambda name: name != "objects"), VALUES, max_size=3),
    after=st.dictionaries(NAMES.filter(lambda name: name != "objects"), VALUES, max_size=3),
    layout=LAYOUTS,
    size=st.integers(1, 60),
)
def test_cutting_equals_reading_the_whole(
    objects: list[Any], before: dict[str, Any], after: dict[str, Any], layout: dict[str, Any], size: int
) -> None:
    document = {**before, "objects": objects, **{name: one for name, one in after.items() if name not in before}}
    body = json.dumps(document, **layout).encode("utf-8", "surrogatepass")
    for cut in (list(cut_stream(bites(body, size))), split_document(body, objects_max=10)):
        assert [json.loads(raw) for raw in cut] == json.loads(body)["objects"]
        assert all(raw in body for raw in cut)


@pytest.mark.slow
@given(objects=OBJECTS, layout=LAYOUTS, more=st.booleans())
def test_an_envelope_is_cut_as_the_stream_is(objects: list[Any], layout: dict[str, Any], more: bool) -> None:
    body = json.dumps({"more": more, "objects": objects}, **layout).encode()
    assert split_envelope(body, objects_max=10) == list(cut_stream([body]))


MARKS = st.sampled_from([b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b" ", b"1", b"-", b"tru", b"true", b"\xff"])
WORDS = st.sampled_from([b'{"objects":[', b'"objects":', b'{"type":"bundle",', b"{}", b'"a":', b"]}", b'"x"', b"\n"])


@given(parts=st.lists(MARKS | WORDS, max_size=25), size=st.integers(1, 40))
def test_hostile_text_gives_objects_or_invalid_the_same_for_every_chunk_size(parts: list[bytes], size: int) -> None:
    body = b"".join(parts)
    assert outcome(bites(body, size)) == outcome([body])


def outcome(chunks: list[bytes]) -> tuple[list[bytes], str, str]:
    found: list[bytes] = []
    try:
        for one in cut_stream(chunks):
            found.append(one)  # noqa: PERF402 - what came before an error counts
    except Invalid as error:
        return found, error.where, error.message
    return found, "", ""


@given(parts=st.lists(MARKS | WORDS, max_size=25))
def test_a_document_that_json_takes_is_cut_as_json_reads_it(parts: list[bytes]) -> None:
    body = b"".join(parts)
    try:
        value = json.loads(body, object_pairs_hook=unique)
    except (ValueError, RecursionError):
        return
    if isinstance(value, dict) and isinstance(value.get("objects"), list):
        objects = value["objects"]
        found, where, _ = outcome([body])
        if all(isinstance(one, dict) for one in objects):
            assert ([json.loads(raw) for raw in found], where) == (objects, "")
        else:
            assert where


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name twice")
    return dict(pairs)
