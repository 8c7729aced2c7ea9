"""Messages carry no big value and no control character; places are readable."""

import pytest

from comity.stix.words import PATH_MAX, SHOWN_MAX, clean, path_of, shown


def test_a_long_text_is_cut() -> None:
    assert clean("a" * 80) == "a" * 80
    assert clean("a" * 81) == "a" * 79 + "…"
    assert len(clean("\x00" * 10_000)) <= SHOWN_MAX


@pytest.mark.parametrize(
    "bad", ["\x00", "\x1b", "\n", "\x7f", "\x9b", "\u202e", "\u2066", "\u2028", "\ufeff", "\ud800"]
)
def test_control_characters_are_written_out(bad: str) -> None:
    text = clean(f"a{bad}b")
    assert bad not in text
    assert text == f"a\\u{{{ord(bad):x}}}b"


def test_letters_of_every_script_stay() -> None:
    assert clean("héllo Київ 東京") == "héllo Київ 東京"


@pytest.mark.parametrize(
    ("value", "text"),
    [("x", "'x'"), ({"a": 1}, "an object"), ([1], "a list"), (None, "null"), (True, "true"), (1.5, "1.5")],
)
def test_values_are_shown_by_kind(value: object, text: str) -> None:
    assert shown(value) == text


def test_places_are_written_as_readers_write_them() -> None:
    assert path_of([]) == ""
    assert path_of(["labels", 2]) == "labels[2]"
    assert path_of(["external_references", 0, "source_name"]) == "external_references[0].source_name"
    assert path_of(["x", "a b.c"]) == 'x["a b.c"]'
    assert path_of([""]) == '[""]'


def test_a_place_is_bounded() -> None:
    assert len(path_of(["x" * 100] * 100)) <= PATH_MAX
    assert "\x1b" not in path_of(["\x1b"])
