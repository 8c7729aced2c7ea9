"""Laws of patterns, over texts made by the grammar and texts spoilt."""

import re
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.pattern_texts import INSERTS, WORDS, spoilt, text_of, written

from comity.errors import InvalidPattern
from comity.stix.pattern import Pattern, ShapeCache, check, parse

randoms = st.integers(0, 2**40).map(Random)
texts = randoms.map(text_of)
spoilt_texts = randoms.map(lambda rng: spoilt(rng, text_of(rng)))
pieces = (
    "[",
    "]",
    "a:b",
    "t:h.'k'",
    "file:hashes.MD5",
    "=",
    "LIKE",
    "IN",
    "(",
    ")",
    "'",
    "''",
    "'x'",
    "t'",
    "5",
    "0",
    "1",
)
scraps = st.lists(st.sampled_from(pieces + INSERTS + WORDS), max_size=14).map("".join)


def verdict(text: str) -> Pattern | None:
    try:
        return parse(text)
    except InvalidPattern as error:
        fault = error
    assert fault.where.startswith("line ")
    assert fault.rule.startswith("STIX 2.1 §")
    return None


@given(texts | spoilt_texts)
def test_a_tree_written_as_text_is_read_back_as_the_same_tree(text: str) -> None:
    pattern = verdict(text)
    if pattern is not None:
        assert parse(written(pattern.expression)).expression == pattern.expression


def agree(text: str, shapes: ShapeCache) -> None:
    ours = check(text, shapes)
    assert (ours is None) is (verdict(text) is not None)
    if ours is not None:
        with pytest.raises(InvalidPattern) as raised:
            parse(text)
        assert (ours.message, ours.where) == (raised.value.message, raised.value.where)


@pytest.mark.slow
@given(randoms)
def test_the_check_by_shape_agrees_with_the_parser_whatever_came_before(rng: Random) -> None:
    shapes = ShapeCache(64)
    for _ in range(4):
        text = text_of(rng)
        agree(text, shapes)
        for _ in range(4):
            agree(refilled(rng, text), shapes)
            agree(spoilt(rng, text), shapes)
        agree(text, shapes)


def refilled(rng: Random, text: str) -> str:
    """The text with other strings and numbers between its quotes and outside of them: mostly of the same shape."""
    parts = text.split("'")
    for number, part in enumerate(parts):
        if number % 2 and rng.random() < 0.4:
            parts[number] = rng.choice(
                ("", "x", "0a" * 16, "\\\\", "\\", "\x01", "/*", "t", "2020-01-01T00:00:00Z", part)
            )
        elif rng.random() < 0.3:
            parts[number] = part.translate({ord("5"): rng.choice("0156"), ord("1"): rng.choice(["0", "12", "7"])})
    return "'".join(parts)


SHARED = ShapeCache(256)


@given(scraps, scraps)
@example("[a:b = 5 = 'x']", "[a:b = '5' = 'x']")
@example("[a:b = 'x']", "[a:b = 5'x']")
def test_no_two_scraps_are_taken_for_one_another(first: str, second: str) -> None:
    for text in (first, second, f"[a:b = {first}]", f"[a:b LIKE 'x{second}]", f"[a:b = 'x'{first}'y']"):
        agree(text, SHARED)


@given(st.text(max_size=60))
def test_any_text_is_a_pattern_or_has_a_fault_with_a_place(text: str) -> None:
    verdict(text)
    verdict(f"[a:b = {text}]")
    assert (check(f"[a:b = '{text}']") is None) is (verdict(f"[a:b = '{text}']") is not None)


@given(texts, st.sampled_from([" ", "\n", "\u3000", "/* x */"]))
def test_space_around_a_pattern_changes_nothing(text: str, space: str) -> None:
    pattern = verdict(text)
    around = verdict(space + text + "\n" + space)
    assert (pattern is None) is (around is None)
    assert pattern is None or around is None or pattern.expression == around.expression


SEEDED_FAULTS = {
    "typed constants left out": ("_KEEPING", frozenset(".:")),
    "zeros left out": ("_PLAIN_INTEGER", re.compile("[0-9]+")),
    "hashes not looked at": ("is_hash", lambda algorithm, text: True),
    "escapes not looked at": ("_pieces", lambda text: None if text.count("'") % 2 else text.split("'")),
}


@pytest.mark.parametrize("fault", SEEDED_FAULTS)
def test_a_shape_that_leaves_out_too_much_is_caught(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, value = SEEDED_FAULTS[fault]
    monkeypatch.setattr(f"comity.stix.pattern.{name}", value)
    with pytest.raises((AssertionError, ValueError)):
        over_many_texts(Random(1), 1500)


def over_many_texts(rng: Random, count: int) -> None:
    shapes = ShapeCache(512)
    for _ in range(count):
        text = text_of(rng)
        for candidate in (text, refilled(rng, text), refilled(rng, text), spoilt(rng, text)):
            agree(candidate, shapes)


@pytest.mark.deep
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(4))
def test_the_check_agrees_with_the_parser_over_many_texts(seed: int) -> None:
    over_many_texts(Random(seed), 4000)
