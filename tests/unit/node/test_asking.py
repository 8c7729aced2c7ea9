"""The language of the search box."""

import pytest

from comity.errors import InvalidRequest
from comity.node.asking import FILTERS, text_query
from comity.store.nouns import TextQuery

NOW = 1_800_000_000_000_000
DAY = 24 * 3600 * 1_000_000


def ask(text: str) -> TextQuery:
    return text_query(text, types=(), limit=50, after=0, now_us=NOW)


def test_words_and_filters_are_told_apart() -> None:
    query = ask('kancil type:malware,tool from:feed-x in:default "remote access" seen:7d')
    assert query.words == ("kancil", "remote access")
    assert query.types == ("malware", "tool")
    assert query.sources == ("feed-x",)
    assert query.collection == "default"
    assert query.added_after == NOW - 7 * DAY


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [("tlp:<=green", None, 1), ("tlp:>=amber", 2, None), ("tlp:red", 4, 4), ("tlp:=amber+strict", 3, 3)],
)
def test_a_marking_is_a_bound(text: str, least: int | None, most: int | None) -> None:
    query = ask(text)
    assert (query.tlp_least, query.tlp_most) == (least, most)


@pytest.mark.parametrize("text", ["https://evil.example/x", "sha256:abcd", "AA:BB", "Type:x", 'a "b'])
def test_what_only_looks_like_a_filter_is_a_word(text: str) -> None:
    query = ask(text)
    assert query.words
    assert not query.types


def test_a_quoted_filter_is_a_word() -> None:
    assert ask('"type:malware"').words == ("type:malware",)


@pytest.mark.parametrize("text", ["seen:soon", "seen:-1d", "x" * 1001, "a " * 21, "type:" + "a," * 60])
def test_a_bad_value_names_the_filters_that_there_are(text: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ask(text)
    assert all(name in caught.value.hint for name in FILTERS)


@pytest.mark.parametrize("limit", [0, -1, 10_001])
def test_a_limit_is_bounded(limit: int) -> None:
    with pytest.raises(InvalidRequest):
        text_query("x", types=(), limit=limit, after=0, now_us=NOW)
