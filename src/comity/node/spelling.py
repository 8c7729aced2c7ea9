"""Texts of others on one line, with nothing in them that a terminal, a log or a spreadsheet would obey (R61)."""

import re

# Of the combining marks that pile up on one letter, four may stay.
_MARK = r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_MARKS = re.compile(f"({_MARK}{{4}}){_MARK}+")
_INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0\u2800") | {chr(code) for code in range(0xFE00, 0xFE10)}
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Where a spreadsheet begins a formula, in wide letters too."""


def safe(text: str) -> str:
    """The text on one line with nothing in it that a terminal would obey: such characters are shown as `\\u{1b}`.

    Letters of every script stay as they are. Of combining marks that pile up on one letter a few stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return _MARKS.sub(r"\1…", "".join(_shown(character) for character in text))


def _shown(character: str) -> str:
    if character.isprintable() and character not in _INVISIBLE:
        return character
    return f"\\u{{{ord(character):x}}}"


def csv_cell(text: str) -> str:
    """The text on one line. What a spreadsheet would take for a formula has an apostrophe before it."""
    shown = safe(text)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
