"""What an object says, for readers: its properties as rows, and where copies of it differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from comity.node.showing import CopyView

VALUE_CHARACTERS, PROSE_CHARACTERS, PATTERN_CHARACTERS = 300, 4_000, 4_000
ROWS_MOST, VALUES_MOST = 60, 20
RAW_CHARACTERS = 100_000
PROSE = ("description", "abstract", "content", "opinion", "explanation", "statement", "objective")
TOLD_ELSEWHERE = frozenset(
    {"type", "id", "spec_version", "name", "pattern", "object_marking_refs", "payload_bin", *PROSE}
)


@dataclass(frozen=True, slots=True)
class Text:
    """A text of an object, cut where it is long."""

    name: str
    text: str
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Said:
    """What the object of one copy says: its prose and pattern, and its other properties."""

    prose: Sequence[Text]
    pattern: Text | None
    rows: Sequence[Text]
    more_rows: int
    confidence: str
    valid_until: str


@dataclass(frozen=True, slots=True)
class Compared:
    """One property in each of some copies, in their order; empty where it is not there. Whether they differ."""

    name: str
    values: Sequence[str]
    differs: bool


def value_of(copy: CopyView) -> dict[str, Any]:
    """The object as a value; empty where its body was destroyed."""
    value = orjson.loads(copy.raw) if copy.raw is not None else {}
    return value if isinstance(value, dict) else {}


def said_by(copy: CopyView) -> Said:
    """What the copy says."""
    value = value_of(copy)
    rest = [name for name in value if name not in TOLD_ELSEWHERE]
    return Said(
        [_text(name, str(value[name]), PROSE_CHARACTERS) for name in PROSE if isinstance(value.get(name), str)],
        _text("pattern", value["pattern"], PATTERN_CHARACTERS) if isinstance(value.get("pattern"), str) else None,
        [_text(name, words_of(value[name]), VALUE_CHARACTERS) for name in rest[:ROWS_MOST]],
        max(0, len(rest) - ROWS_MOST),
        words_of(value["confidence"]) if "confidence" in value else "",
        words_of(value["valid_until"]) if "valid_until" in value else "",
    )


def words_of(value: Any) -> str:
    """A value of JSON as a reader has it: texts without quotes, lists of them with commas, anything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        more = len(value) - VALUES_MOST
        return ", ".join(value[:VALUES_MOST]) + (f" … +{more:,}" if more > 0 else "")
    return orjson.dumps(value).decode()


def raw_of(copy: CopyView) -> Text:
    """The body with its members in lines, cut where it is long."""
    if copy.raw is None:
        return Text("", "", False)
    if len(copy.raw) > RAW_CHARACTERS:
        return Text("", copy.raw[:RAW_CHARACTERS].decode(errors="replace"), True)
    return _text("", orjson.dumps(orjson.loads(copy.raw), option=orjson.OPT_INDENT_2).decode(), 2 * RAW_CHARACTERS)


def compared(copies: Sequence[CopyView]) -> list[Compared]:
    """Every property of these copies beside each other; those that differ first."""
    values = [value_of(copy) for copy in copies]
    names = list(dict.fromkeys(name for value in values for name in value))[: 2 * ROWS_MOST]
    rows = [
        Compared(
            name,
            [cut_words(value, name) for value in values],
            any(value.get(name) != values[0].get(name) or (name in value) != (name in values[0]) for value in values),
        )
        for name in names
    ]
    return sorted(rows, key=lambda row: not row.differs)


def changed(newer: CopyView, older: CopyView) -> list[str]:
    """The properties in which two versions differ, but for `modified`."""
    one, other = value_of(newer), value_of(older)
    return [name for name in dict.fromkeys([*one, *other]) if name != "modified" and one.get(name) != other.get(name)]


def cut_words(value: Mapping[str, Any], name: str) -> str:
    """The property as words, cut; empty where it is not there."""
    words = words_of(value[name]) if name in value else ""
    return words if len(words) <= VALUE_CHARACTERS else words[:VALUE_CHARACTERS] + "…"


def _text(name: str, text: str, most: int) -> Text:
    return Text(name, text[:most], len(text) > most)
