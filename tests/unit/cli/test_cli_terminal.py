"""Nothing of a partner's reaches a terminal as a command to it (R61)."""

import json
import re
import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.cli.console import Console, json_text
from comity.cli.terminal import counted, exact, relative, safe, safe_json, size
from comity.node.spelling import csv_cell

HOSTILE = (
    "\x1b[2J\x1b[H",
    "\x1b]0;title\x07",
    "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "\x9b31m red",
    "\x9d0;title\x9c",
    "\x1bPq#0;2;0;0;0\x1b\\",
    "\x1b[6n",
    "bell\x07",
    "back\x08\x08\x08space",
    "line\nfeed",
    "carriage\rreturn",
    "vertical\x0b\x0ctab",
    "one\ttab",
    "nul\x00byte",
    "delete\x7f",
    "next\x85line",
    "\u202egnp.exe",
    "\u2066isolate\u2069",
    "\u200eleft\u200fright\u061carabic",
    "zero\u200bwidth\u200c\u200d\u2060\ufeff",
    "line\u2028separator\u2029paragraph",
    "soft\xadhyphen",
    "tag\U000e0041\U000e007f",
    "surrogate\ud800",
    "fill\u3164er\u115f\u1160\uffa0\u2800",
    "variation\ufe0f",
    "private\ue000",
    "noncharacter\uffff",
    "interlinear\ufff9a\ufffab\ufffb",
    "zalgo" + "\u0336" * 300,
)
OBEYED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def obeyed(text: str) -> set[str]:
    """The characters of a text that a terminal might obey."""
    return {character for character in text if unicodedata.category(character) in OBEYED}


def test_the_checker_sees_every_hostile_text() -> None:
    blind = {"zalgo" + "\u0336" * 300, "fill\u3164er\u115f\u1160\uffa0\u2800", "variation\ufe0f"}
    assert [text for text in HOSTILE if not obeyed(text)] == [text for text in HOSTILE if text in blind]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_hostile_text_commands_a_terminal(text: str) -> None:
    shown = safe(text)
    assert not obeyed(shown)
    assert shown != text
    assert not re.search(r"\u0336{5}", shown)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_json_answer_keeps_its_value_and_commands_nothing(text: str) -> None:
    written = safe_json(json.dumps({"name": text}, ensure_ascii=False))
    assert json.loads(written) == {"name": text}
    assert not obeyed(written) - {"\ue000"}


@given(st.text())
def test_whatever_the_text_one_line_comes_out(text: str) -> None:
    shown = safe(text)
    assert not obeyed(shown)
    assert len(shown.splitlines()) <= 1


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_whatever_the_value_json_text_can_be_read_back(text: str) -> None:
    assert json.loads(json_text({"name": text, "list": [text]})) == {"name": text, "list": [text]}
    assert "\n" not in json_text(text)


@pytest.mark.parametrize("text", ["plain", "Pelanduk 🦌", "Ελλάς", "日本語", "عربى", "e\u0301", "a · b – c", ""])
def test_letters_of_every_script_stay_as_they_are(text: str) -> None:
    assert safe(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        *(("=1+1", "'=1+1"), ("@x", "'@x"), ("-1", "'-1"), ("a=b", "a=b"), ("", "")),
        *((" =1", "' =1"), ("\uff1d1", "'\uff1d1"), ("\t=1", "\\u{9}=1")),
    ],
)
def test_no_spreadsheet_takes_a_name_for_a_formula(text: str, shown: str) -> None:
    assert csv_cell(text) == shown


def test_times_are_exact_for_scripts_and_relative_for_people() -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert exact(now) == "2026-03-01T12:00:00.000000Z"
    told = [relative(now - timedelta(seconds=s), now) for s in (0, 59, 60, 7200, 86400 * 3, 86400 * 40, -86400)]
    assert told == ["just now", "just now", "1 min ago", "2 h ago", "3 d ago", "2026-01-20", "2026-03-02"]


def test_sizes_and_counts_are_said_as_a_person_reads_them() -> None:
    assert [size(n) for n in (0, 999, 1500, 25_000_000, 3 * 10**12)] == ["0 B", "999 B", "1.5 kB", "25.0 MB", "3.0 TB"]
    assert [counted(n, "object") for n in (0, 1, 24771)] == ["0 objects", "1 object", "24,771 objects"]


def test_a_row_for_scripts_has_as_many_fields_as_were_meant(capsys: pytest.CaptureFixture[str]) -> None:
    Console().table(("name", "id"), [(text.encode("utf-8", "replace").decode(), "x") for text in HOSTILE])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(HOSTILE)
    assert all(line.count("\t") == 1 for line in lines)
