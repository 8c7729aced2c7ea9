"""How values look: nothing that deceives, and times that are exact and near."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.pages_world import HOSTILE

from comity.web.ui.rendering import environment
from comity.web.ui.shown import Distance, cut, distance, exact, machine, one_line, short_id, size, visible

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["plain", "Pelanduk 🦌", "Ελλάς", "日本語", "عربى", "e\u0301", "a · b – c", "", "a\nb\tc"]
)
def test_letters_of_every_script_and_the_lines_of_prose_stay(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb", "a⟨U+202E⟩b"),
        ("\x1b[31m", "⟨U+001B⟩[31m"),
        ("a\0", "a⟨U+0000⟩"),
        ("x\u200by", "x⟨U+200B⟩y"),
        ("\u3164", "⟨U+3164⟩"),
        ("\ud800", "⟨U+D800⟩"),
        ("a\r\nb", "a\nb"),
        ("e" + "\u0301" * 9, "e" + "\u0301" * 4 + "…"),
    ],
)
def test_what_hides_or_turns_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert "\n" not in one_line(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_shown_can_be_sent_and_shows_nothing_twice(text: str) -> None:
    assert visible(visible(text)) == visible(text)
    visible(text).encode()


@pytest.mark.parametrize(
    ("seconds", "found"),
    [
        (5, Distance(0, "now", False)),
        (60, Distance(1, "minute", False)),
        (7200, Distance(2, "hour", False)),
        (86400 * 40, Distance(1, "month", False)),
        (86400 * 800, Distance(2, "year", False)),
        (-3600 * 5, Distance(5, "hour", True)),
    ],
)
def test_a_distance_is_in_the_greatest_unit(seconds: int, found: Distance) -> None:
    assert distance(NOW - timedelta(seconds=seconds), NOW) == found


def test_instants_are_in_utc_to_the_second_and_to_machines_whole() -> None:
    value = int(NOW.timestamp() * 1_000_000) + 89
    assert exact(value) == "2026-03-04 05:06:07 UTC"
    assert machine(value) == "2026-03-04T05:06:07.000089Z"


def test_ids_texts_and_sizes_are_short() -> None:
    assert short_id("indicator--8e2e8d2b-17d4-4cbf-938f-98ee46b3cd3f") == "indicator--8e2e8d2b…"
    assert short_id("odd") == "odd"
    assert cut("abcdef", 4) == "abc…"
    assert [size(each) for each in (0, 999, 1500, 2_000_000, 3_000_000_000)] == [
        *("0 B", "999 B", "1.5 kB", "2.0 MB", "3.0 GB")
    ]


@pytest.mark.parametrize("word", ["TLP:RED", "tlp:amber+strict", "GREEN", ""])
def test_a_marking_is_a_word_and_never_a_colour_alone(word: str) -> None:
    class Seen:
        node = None

    made = environment("en").get_template("macros.html").make_module({"visit": Seen})
    text = str(made.badge_tlp(word))  # type: ignore[attr-defined]
    assert ("TLP:" + word.upper().removeprefix("TLP:") in text) if word else ("not marked" in text)


def test_a_state_is_a_word_with_a_sign() -> None:
    class Seen:
        node = None

    made = environment("id").get_template("macros.html").make_module({"visit": Seen})
    text = str(made.state("published"))  # type: ignore[attr-defined]
    assert "diterbitkan" in text
    assert "✓" in text
    assert "⟨U+202E⟩" in str(made.state("odd\u202e"))  # type: ignore[attr-defined]
