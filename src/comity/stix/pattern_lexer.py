"""STIX pattern text as tokens (STIX 2.1 section 9.2 and the grammar of OASIS), in one pass over the text."""

import re
from typing import NamedTuple

from comity.errors import InvalidPattern

NUMBER_CHARS_MAX = 300
"""So many digits are always a finite number, and are read in linear time."""

_WORDS_OF_GRAMMAR = (
    *("AND", "OR", "NOT", "FOLLOWEDBY", "LIKE", "MATCHES", "ISSUPERSET", "ISSUBSET", "EXISTS", "LAST", "IN", "START"),
    *("STOP", "SECONDS", "WITHIN", "REPEATS", "TIMES", "true", "false"),
)
KEYWORDS = frozenset(_WORDS_OF_GRAMMAR)


class Token(NamedTuple):
    """A piece of the text. `kind` is a keyword, an operator or a mark as it is written, or one of `name`, `hyphened`,
    `integer`, `float`, `string`, `timestamp`, `hex`, `binary` and `end`."""

    kind: str
    start: int
    text: str


_WORDS = {
    "name": "the name {}",
    "hyphened": "the name {}",
    "integer": "the number {}",
    "float": "the number {}",
    "string": "the string {}",
    "timestamp": "the timestamp {}",
    "hex": "the hex constant {}",
    "binary": "the binary constant {}",
    "end": "the end of the pattern",
}

# Repeats are possessive (`*+`) wherever a long hostile text could make the engine go back over what it has read.
_TOKEN = re.compile(
    r"""
      (?P<space>(?:
          [ \t\r\n\x0b\x0c\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]++
        | /\*.*?\*/
        | //[^\r\n]*+ )++ )
    | (?P<typed>[thb]'[^']*+' )
    | (?P<string>'[^'\\]*+(?:\\['\\][^'\\]*+)*+' )
    | (?P<word>[A-Za-z_][A-Za-z0-9_-]*+ )
    | (?P<float>[+-]?[0-9]*+\.[0-9]++ )
    | (?P<integer>[+-]?[0-9]++ )
    | (?P<mark><=|>=|==|!=|<>|[=<>:.,()\[\]*] )
    """,
    re.VERBOSE | re.DOTALL,
)
_TYPED = {
    "t": (
        "timestamp",
        re.compile(
            r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
            r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]++)?Z"
        ),
        "a timestamp such as t'2014-01-13T07:03:17.123Z'",
    ),
    "h": ("hex", re.compile(r"(?:[0-9A-Fa-f]{2})*+"), "pairs of hex digits such as h'ffd8'"),
    "b": (
        "binary",
        re.compile(r"(?=.)(?:[A-Za-z0-9+/]{4})*+(?:[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)?"),
        "base64 such as b'dGVzdA=='",
    ),
}
_SYNONYMS = {"==": "=", "<>": "!="}
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def tokens_of(text: str) -> list[Token]:
    """The tokens of a pattern, `end` last, without space and comments; raises InvalidPattern where no token begins."""
    tokens: list[Token] = []
    position = 0
    match_at = _TOKEN.match
    while position < len(text):
        match = match_at(text, position)
        if match is None:
            raise _unreadable(text, position)
        start, position = position, match.end()
        kind = match.lastgroup
        if kind == "space":
            continue
        found = match.group()
        if kind == "mark":
            kind = _SYNONYMS.get(found, found)
        elif kind == "word":
            kind = found if found in KEYWORDS else "hyphened" if "-" in found else "name"
        elif kind == "typed":
            kind = _typed(text, start, found)
        elif kind in ("integer", "float"):
            _bound_number(text, start, found)
        tokens.append(Token(kind or "", start, found))
    tokens.append(Token("end", position, ""))
    return tokens


def _typed(text: str, start: int, found: str) -> str:
    kind, form, example = _TYPED[found[0]]
    match = form.fullmatch(found, 2, len(found) - 1)
    if match is None:
        raise fault(text, start, f"{short(found)} is not {example}", "§9.2")
    if kind == "timestamp":
        month, day = int(match[1]), int(match[2])
        year = int(found[2:6])
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        if day > _DAYS[month - 1] or (month == 2 and day == 29 and not leap):
            raise fault(text, start, f"{short(found)} names a day that does not exist", "§9.2, RFC 3339")
    return kind


def _bound_number(text: str, start: int, found: str) -> None:
    if len(found) > NUMBER_CHARS_MAX:
        raise fault(text, start, f"a number of {len(found):,} characters is longer than {NUMBER_CHARS_MAX}", "§9.2")
    digits = found.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and "." not in found:
        raise fault(text, start, f"the integer {short(found)} has a leading zero", "§9.2")


def _unreadable(text: str, position: int) -> InvalidPattern:
    found = text[position]
    if found == "'":
        bad = re.compile(r"'[^'\\]*+(?:\\['\\][^'\\]*+)*+\\").match(text, position)
        if bad is not None:
            hint = r"Write \\ for a backslash and \' for a quote."
            return fault(text, bad.end() - 1, r"in a string only \\ and \' may follow a backslash", "§9.2", hint)
        return fault(text, position, "this string has no closing quote", "§9.2")
    if text.startswith("/*", position):
        return fault(text, position, "this comment has no end", "§9.2")
    hint = ""
    if found in '"`’‘“”':
        hint = "Strings stand between single straight quotes: 'text'."
    return fault(text, position, f"the character {found!r} cannot stand here", "§9.2", hint)


def short(found: str) -> str:
    """The words of the text, cut where they are long, so that a message stays one line."""
    found = found if len(found) <= 60 else found[:57] + "…" + found[-1]
    return found if found.isprintable() else ascii(found)


def words_of(token: Token) -> str:
    """A token as a message names it."""
    form = _WORDS.get(token.kind)
    return f"'{token.text}'" if form is None else form.format(short(token.text))


def fault(text: str, position: int, problem: str, section: str, hint: str = "") -> InvalidPattern:
    """The error at a place of the text, counted as an editor does: lines and columns from 1."""
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    where = f"line {line}, column {column}"
    return InvalidPattern(f"The pattern is not valid: {problem}.", where=where, rule=f"STIX 2.1 {section}", hint=hint)
