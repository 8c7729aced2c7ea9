"""Where in a text personal data could stand, told before any of `expressions` is tried (R23).

What is passed over holds nothing that they would find; what is kept may hold nothing either. `clean` asks the engine of
the schemas, which runs over a text once, in linear time and some nanoseconds a character, and knows no look-around. The
`_windows` cut a text at characters that no match can hold, so that an expression which goes from window to window
finds what it finds in the whole.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import compress
from typing import Any

import jsonschema_rs

from comity.release.check_digits import CARD_HEADS
from comity.release.expressions import IP, NUMBERS, Expression

Window = tuple[int, int]

_TENS = (
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6, 0x0E50,
    0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50,
    0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10,
)  # fmt: skip
ODD_DIGITS = "".join(f"{chr(one)}-{chr(one + 9)}" for one in _TENS) + "\U00010000-\U0001efff\U0001fbf0-\U0010ffff"
"""The digits beyond ASCII, as in a class of an expression; of the higher planes all but the pictures."""

_D = f"[0-9{ODD_DIGITS}]"
_BEHIND = re.compile(r"\(\?<!\[((?:[^]\\]|\\.)*)\]\)")
_AHEAD = re.compile(r"\(\?!(?:\[[^]]*\]|[^()[])*\)")


def relaxed(expression: Expression) -> str:
    """The expression without look-around: it is found wherever the expression itself is, and in more places.

    What must not stand before is a character or the beginning; beyond ASCII it may be any. What must not follow is left
    out. The engine knows other digits than Python, so all are named.
    """
    text = _AHEAD.sub("", expression.pattern.pattern)
    text = _BEHIND.sub(lambda match: "(?:^|[^" + match[1].replace(r"\w", "0-9A-Za-z_") + "])", text)
    return text.replace(r"[\d", f"[0-9{ODD_DIGITS}").replace(r"\d", _D)


# These two are said anew, since the engine folds capitals in its own way.
_SAID = (
    r"(?:[tT][eE][lL]|[pP][hH][oO][nN][eE]|[fF][aA][xX]|[mM][oO][bB][iIİı][lL][eE]|[cC][aA][lL][lL]"
    rf"|[wW][hH][aA][tT][sSſ][aA][pP][pP])[.: ]{{1,3}}\(?{_D}[ ().0-9{ODD_DIGITS}-]{{5}}"
)
# Before and behind the sign of an address stands, of ASCII, a letter, a digit or one of %'+-_
_BESIDE = r"[^\u0000-$&(-*,./:-@\[-^`{-~]"
_MAIL = rf"{_BESIDE}(?:@|\[@\]|\(@\)| ?[\[(][aA][tT][\])] ?){_BESIDE}"


def _heads() -> str:
    """The first two digits of a card that is issued, as `check_digits` knows them; a digit beyond ASCII may be any."""
    heads = [f"{head:02}" for head in sorted(CARD_HEADS)]
    pairs = {first: "".join(each[1] for each in heads if each[0] == first) for first in "0123456789"}
    known = [f"{first}[ -]?[{second}{ODD_DIGITS}]" for first, second in pairs.items() if second]
    return f"(?:{'|'.join(known)}|[{ODD_DIGITS}][ -]?{_D})"


# What begins otherwise is no card's number; so begin most instants, which addresses of archives are full of.
_ANY_CARD, _CARD = rf"{_D}(?:[ -]?{_D}){{12,18}}", rf"{_heads()}(?:[ -]?{_D}){{11,17}}"
NUMBERS_WANTED = "|".join(map(relaxed, NUMBERS)).replace(_ANY_CARD, _CARD)
WANTED = "|".join((_MAIL, _SAID, NUMBERS_WANTED))


@cache
def _engine(wanted: str, addresses: bool) -> Callable[[Any], bool]:
    """Whether what is wanted is in no text of a JSON value; compiled when it is first asked for."""
    schema = {
        "not": {"type": "string", "pattern": f"{wanted}|{relaxed(IP)}" if addresses else wanted},
        "items": {"$ref": "#"},
        "additionalProperties": {"$ref": "#"},
    }
    validator = jsonschema_rs.validator_for(schema, pattern_options=jsonschema_rs.RegexOptions())
    found: Callable[[Any], bool] = validator.is_valid
    return found


def clean(value: Any, *, addresses: bool = False) -> bool:
    """Whether nothing can be found in the text, or in any text of the object; IP addresses only with `addresses`."""
    return _lacks(value, WANTED, addresses)


TOGETHER, TOGETHER_BYTES_MAX = 8, 64 * 1024
"""So many documents are looked through at once, and none that is longer."""
_ESCAPED = re.compile(rb'\\[\\"nrt]')
"""Escapes of what stands, as a quotation mark does, in and beside nothing wanted. One expression, since five
replacements take seven times as long."""


def cleared(documents: Sequence[bytes], *, addresses: bool = False) -> list[bool]:
    """Of each JSON document in UTF-8, whether it is sure that nothing can be found in any text of it.

    Some are looked through at once as they are written, which costs less than one by one. What is not sure may be clean
    all the same: some escapes hide what they stand for.
    """
    sure: list[bool] = []
    for start in range(0, len(documents), TOGETHER):
        some = [_ESCAPED.sub(b'"', each) if b"\\" in each else each for each in documents[start : start + TOGETHER]]
        plain = [b"\\" not in each and len(each) <= TOGETHER_BYTES_MAX for each in some]
        try:
            text = b",".join(compress(some, plain)).decode()
        except UnicodeDecodeError:
            sure += [False] * len(plain)
            continue
        if not clean(text, addresses=addresses):
            # Some of them are to blame, and the others need not be looked through value by value.
            alone = zip(some, plain, strict=True)
            plain = [is_plain and clean(one.decode(), addresses=addresses) for one, is_plain in alone]
        sure += plain
    return sure


def _lacks(value: Any, wanted: str, addresses: bool) -> bool:
    try:
        return _engine(wanted, addresses)(value)
    except ValueError:
        # Half of a surrogate pair, say: no text to the engine, but one to Python.
        return False


# Letters that are an i or an s where capitals do not count are a question mark in Latin-1.
_WORDS = (b"tel", b"phone", b"fax", b"mobile", b"mob?le", b"call", b"whatsapp", b"what?app")
_AFTER_WORD = re.compile(rb"[.: ]{1,3}\(?[0-9]")
_RUN = re.compile(rb"0[^a]*+")
_ODD_DIGIT = re.compile(r"[^\D0-9]")
_SIGNS = (b"@", b"[at]", b"(at)")


def _table(default: bytes, **kept: bytes) -> bytes:
    """Each byte as the first of its class, or as the default."""
    table = bytearray(default * 256)
    for members in kept.values():
        for one in members:
            table[one] = members[0]
    return bytes(table)


# An `a` is what stands in no number: not so an x, at the end of a Chinese one.
_IN_NUMBERS = _table(b"a", digits=b"0123456789", others=b"+ .-/()[]xABCDEFGHIJKLMNOPQRSTUVWXYZ")
# A blank is what stands in no address. A question mark may be a letter that Latin-1 has not.
_IN_MAIL = bytes(one if one >= 0x80 or chr(one).isalnum() or one in b"_+%'-.[]()@?" else 0x20 for one in range(256))


def latin(text: str) -> bytes:
    """The text with a byte for each character: Latin-1, every digit as one of ASCII, `?` for what is not in it."""
    if not text.isascii():
        text = _ODD_DIGIT.sub("0", text)
    return text.encode("latin-1", "replace")


def number_windows(text: str, plain: bytes, *, addresses: bool = False) -> list[Window]:
    """The parts in which numbers could stand, of a text and its `latin` form; each with the two characters behind it at
    which an expression may look, of which the first stands in no number."""
    marks = plain.translate(_IN_NUMBERS)
    found: list[Window] = []
    end = 0
    for run in _RUN.finditer(marks):
        # Before the run is the end of the last one, or nothing.
        start, end = marks.rfind(b"a", end, run.start()) + 1, run.end()
        if end - start > 6 and not _lacks(text[max(start - 1, 0) : end], NUMBERS_WANTED, addresses):
            found.append((start, min(end + 2, len(text))))
    return found


def said_starts(plain: bytes) -> list[int]:
    """Where words begin after which a phone could stand, of the `latin` text."""
    lower = plain.lower()
    found = []
    for word in _WORDS:
        found += [at for at in _places(lower, word) if _AFTER_WORD.match(lower, at + len(word))]
    return sorted(found)


def mail_windows(plain: bytes) -> list[Window]:
    """The parts in which e-mail addresses could stand, of the `latin` text."""
    lower, marks = plain.lower(), plain.translate(_IN_MAIL)
    found: list[Window] = []
    end = -1
    for at, length in sorted((at, len(sign)) for sign in _SIGNS for at in _places(lower, sign)):
        # Around [at] there may be a blank.
        left, right = at, at + length
        if length > 1:
            left -= plain[at - 1 : at] == b" "
            right += plain.startswith(b" ", right)
        start = found.pop()[0] if left <= end else marks.rfind(b" ", max(end, 0), left) + 1
        if right > end:
            end = marks.find(b" ", right)
            end = len(plain) if end < 0 else end
        found.append((start, end))
    return found


def _places(text: bytes, part: bytes) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)
