"""`next` is opaque, repeatable, and good for one question only."""

from dataclasses import replace

import pytest

from comity.errors import InvalidRequest
from comity.interfaces import Query
from comity.taxii.cursor import Cursors
from comity.taxii.filters import Endpoint, parse

CURSORS = Cursors(bytes(range(64)))
QUERY = Query(
    collection="c", ids=("a", "b"), types=("tool",), versions=("last",), spec_versions=("2.1",), added_after=5
)


def test_a_position_comes_back_from_its_own_question() -> None:
    for position in (0, 1, 2**63 - 1):
        assert CURSORS.open(QUERY, CURSORS.seal(QUERY, position)) == position


def test_the_same_page_has_the_same_next() -> None:
    assert CURSORS.seal(QUERY, 7) == Cursors(bytes(range(64))).seal(QUERY, 7)


def test_the_order_of_values_and_the_limit_are_no_part_of_the_question() -> None:
    text = CURSORS.seal(QUERY, 7)
    assert CURSORS.open(replace(QUERY, ids=("b", "a", "a"), limit=3, after=9), text) == 7


@pytest.mark.parametrize(
    "change",
    [
        {"collection": "d"},
        {"collection": None},
        {"ids": ("a",)},
        {"types": ()},
        {"versions": ("all",)},
        {"spec_versions": ()},
        {"added_after": None},
        {"added_after": 6},
        {"sources": ("x",)},
    ],
)
def test_another_question_does_not_take_it(change: dict[str, object]) -> None:
    text = CURSORS.seal(QUERY, 7)
    with pytest.raises(InvalidRequest) as caught:
        CURSORS.open(replace(QUERY, **change), text)  # type: ignore[arg-type]
    assert caught.value.where == "next"


def test_another_node_does_not_take_it() -> None:
    with pytest.raises(InvalidRequest):
        Cursors(bytes(64)).open(QUERY, CURSORS.seal(QUERY, 7))


def test_its_size_says_nothing_of_the_position() -> None:
    assert {len(CURSORS.seal(QUERY, position)) for position in (0, 1, 10**6, 2**62)} == {32}


def test_a_position_goes_through_the_query_string() -> None:
    first = parse(Endpoint.OBJECTS, b"match[type]=tool,malware", CURSORS, collection="c")
    raw = b"match[type]=malware%2Ctool&limit=3&next=" + CURSORS.seal(first, 42).encode()
    assert parse(Endpoint.OBJECTS, raw, CURSORS, collection="c").after == 42
    with pytest.raises(InvalidRequest):
        parse(Endpoint.OBJECTS, raw, CURSORS, collection="d")


def test_the_position_of_one_reader_is_of_no_use_to_another() -> None:
    readers = [CURSORS, CURSORS.of("b"), CURSORS.of("c")]
    texts = [reader.seal(QUERY, 7) for reader in readers]
    assert len(set(texts)) == 3
    for reader, text in zip(readers, texts, strict=True):
        assert reader.open(QUERY, text) == 7
        for other in set(readers) - {reader}:
            with pytest.raises(InvalidRequest):
                other.open(QUERY, text)
    assert CURSORS.of("") is CURSORS
