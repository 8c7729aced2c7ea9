"""How values look on a page: instants, characters that could deceive a reader, and cuts of what is long."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jinja2

from comity.interfaces import instant_of

MARKS_MOST = 4
"""Of the combining marks that pile up on one letter, so many stay."""
ID_CHARACTERS_SHOWN = 8
_BLANKS = frozenset({"\u115f", "\u1160", "\u3164", "\uffa0", "\u2800"}) | {chr(code) for code in range(0xFE00, 0xFE10)}
_UNITS = ((86400 * 365, "year"), (86400 * 30, "month"), (86400, "day"), (3600, "hour"), (60, "minute"))


@dataclass(frozen=True, slots=True)
class Distance:
    """How far an instant is from now: so many of the unit, which is `now` where it is less than a minute."""

    number: int
    unit: str
    future: bool


def instant(value: int | datetime) -> datetime:
    """The instant, which the node keeps in microseconds since 1970."""
    return instant_of(value) if isinstance(value, int) else value


def exact(value: int | datetime) -> str:
    """The instant in UTC to the second, for readers."""
    return instant(value).strftime("%Y-%m-%d %H:%M:%S UTC")


def machine(value: int | datetime) -> str:
    """The instant in UTC as `datetime` of `<time>` wants it."""
    return instant(value).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def distance(value: int | datetime, now: datetime) -> Distance:
    """How far the instant is from now, in the greatest unit of which there is one."""
    seconds = (now - instant(value)).total_seconds()
    whole = int(abs(seconds))
    for length, unit in _UNITS:
        if whole >= length:
            return Distance(whole // length, unit, seconds < 0)
    return Distance(0, "now", seconds < 0)


def visible(text: str) -> str:
    """The text with nothing in it that turns, hides or forges: control and direction-changing characters, and what has
    no shape, stand as `⟨U+202E⟩`. Line breaks and tabs of prose stay; of marks that pile up on one letter a few."""
    if text.isascii() and text.isprintable():
        return text
    found: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks == MARKS_MOST + 1:
            found.append("…")
        elif marks <= MARKS_MOST:
            found.append(_shown(character))
    return "".join(found)


def one_line(text: str) -> str:
    """The same on one line."""
    return visible(" ".join(text.split()))


def short_id(id: str) -> str:
    """The beginning of an id: its type and a few characters of its UUID."""
    kind, dashes, rest = id.partition("--")
    if not dashes or len(rest) <= ID_CHARACTERS_SHOWN:
        return visible(id)
    return visible(f"{kind}--{rest[:ID_CHARACTERS_SHOWN]}…")


def cut(text: str, characters: int) -> str:
    """At most so many characters of the text, with an ellipsis where it goes on."""
    return text if len(text) <= characters else text[: characters - 1].rstrip() + "…"


def size(count: int) -> str:
    """A number of bytes as a person reads it."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


@jinja2.pass_context
def ago(context: jinja2.runtime.Context, value: int | datetime) -> Distance:
    """How far the instant is from the clock of the node that is looked at."""
    now: datetime = context["visit"].node.clock.now()
    return distance(value, now)


FILTERS: dict[str, Any] = {
    "number": lambda value: f"{value:,}",
    "ago": ago,
    "cut": cut,
    "exact": exact,
    "machine": machine,
    "one_line": one_line,
    "short_id": short_id,
    "size": size,
    "visible": visible,
}
"""What templates may call. `visible` and `one_line` are for every text of others."""


def _shown(character: str) -> str:
    if character in "\n\t" or (character.isprintable() and character not in _BLANKS):
        return character
    if character == "\r":
        return ""
    return f"\N{MATHEMATICAL LEFT ANGLE BRACKET}U+{ord(character):04X}\N{MATHEMATICAL RIGHT ANGLE BRACKET}"
