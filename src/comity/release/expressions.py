"""The expressions for personal data in a text, and what a match has to fulfil beside its form (R23).

Every expression runs in time linear in the text: repetitions are bounded or possessive, and begin at a boundary.
`sieve` knows which parts of a text they could match; whoever changes an expression looks there too.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from comity.release import check_digits

Match = re.Match[str]


@dataclass(frozen=True, slots=True)
class Expression:
    """`what` is found by `pattern`, from and to where `reach` says; None where the match is nothing after all."""

    what: str
    pattern: re.Pattern[str]
    reach: Callable[[Match], tuple[int, int] | None]


_AT = r"(?:@|\[@\]|\(@\)| ?\[at\] ?| ?\(at\) ?)"
_DOT = r"(?:\.|\[\.\]|\(\.\)|\[dot\]|\(dot\))"
_EMAIL = re.compile(
    rf"(?<![\w.+%-])[\w+%-][\w+%'-]{{0,63}}+(?:{_DOT}[\w+%'-]{{1,64}}+){{0,20}}+{_AT}(?:[^\W_](?:[\w-]{{0,62}})?{_DOT}){{1,8}}[^\W\d_]{{2,24}}(?![\w-])",
    re.IGNORECASE,
)
_PHONE = re.compile(
    r"(?<![\w.:/+=%&?#-])(?:"
    r"\+[1-9](?:[ .\-/]?\(?\d{1,4}\)?){2,6}"
    r"|00[1-9](?:[ .\-/]\(?\d{1,4}\)?){2,5}"
    r"|\(\d{3}\) ?\d{3}[ .-]\d{4}"
    r"|\d{3}[ .-]\d{3}[ .-]\d{4}"
    r"|\(?0\d{1,4}\)?[ /-]\d{2,4}(?:[ -]\d{2,4}){1,3}"
    r")(?![\w:/]|[.-]\d)"
)
_SAID_PHONE = re.compile(
    r"(?i)\b(?:tel|phone|fax|mobile|call|whatsapp)\b[.: ]{1,3}(\(?\d[\d ().-]{5,18}\d)(?![\w.-]\d|\d)"
)
_CARD = re.compile(r"(?<![\w.+-])\d(?:[ -]?\d){12,18}(?![\w-]|\.\d)")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,27}(?![A-Za-z0-9])")
_ELEVEN = re.compile(r"(?<![\w.+/-])(?:\d{13}|\d{11}|\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}|\d{6} \d{5})(?![\w-]|\.\d)")
_LETTERED: tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...] = (
    (re.compile(r"(?<![\w.-])(?:\d{8}|[XYZ]\d{7})-?[A-Z](?![\w-])"), check_digits.spain),
    (re.compile(r"(?<![\w.-])\d{6}[-+A-FU-Y]\d{3}[0-9A-Y](?![\w-])"), check_digits.finland),
    (re.compile(r"(?<![\w.-])[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z](?![\w-])"), check_digits.italy),
    (
        re.compile(r"(?<![\w.-])[12] ?\d{2} ?\d{2} ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}(?![\w-]|\.\d)"),
        check_digits.france,
    ),
    (re.compile(r"(?<![\w.-])\d{17}[\dXx](?![\w-]|\.\d)"), check_digits.china),
    (re.compile(r"(?<![\w.-])\d{3}\.\d{3}\.\d{3}-\d{2}(?![\w-])"), check_digits.brazil),
    (re.compile(r"(?<![\w.-])(?:\d{2})?\d{6}[-+]\d{4}(?![\w-])"), check_digits.sweden),
)
_IP = re.compile(r"(?<![\w.])(?:\d{1,3}(?:\.|\[\.\])){3}\d{1,3}(?![\w]|\.\d)")
_FILES = frozenset({"doc", "docx", "gif", "htm", "html", "jpeg", "jpg", "pdf", "php", "png", "txt"})
_ZEROS = re.compile(r"\b00\b")
_MARKS = re.compile(r"[ .\-/()]")


def _email(match: Match) -> tuple[int, int] | None:
    return None if match[0].rpartition(".")[2].casefold() in _FILES else match.span()


def _iban(match: Match) -> tuple[int, int] | None:
    body = match[0].replace(" ", "")
    length = check_digits.IBAN_LENGTHS.get(body[:2], 0)
    if not check_digits.iban(body[:length]):
        return None
    return match.start(), match.start() + _reach(match[0], length)


def _reach(text: str, length: int) -> int:
    """How far the text reaches that holds so many letters and digits."""
    seen = 0
    for number, character in enumerate(text):
        seen += character != " "
        if seen == length:
            return number + 1
    return len(text)


def _lettered(holds: Callable[[str], bool]) -> Callable[[Match], tuple[int, int] | None]:
    def reach(match: Match) -> tuple[int, int] | None:
        text = match[0]
        plain = text if holds is check_digits.finland else _MARKS.sub("", text).replace("+", "")
        return match.span() if holds(plain) else None

    return reach


def _eleven(match: Match) -> tuple[int, int] | None:
    digits = _MARKS.sub("", match[0])
    return match.span() if any(holds(digits) for holds in check_digits.BARE) else None


def _card(match: Match) -> tuple[int, int] | None:
    return match.span() if check_digits.card(_MARKS.sub("", match[0])) else None


def _phone(match: Match) -> tuple[int, int] | None:
    # Bytes in hexadecimal look like a number in groups of two, but for all their zeros.
    least = 9 if match[0].startswith(("0", "(0")) else 7
    enough = least <= sum(map(str.isdigit, match[0])) <= 15
    return match.span() if enough and len(_ZEROS.findall(match[0])) < 2 else None


MAIL = Expression("e-mail", _EMAIL, _email)
NUMBERS: tuple[Expression, ...] = (
    Expression("iban", _IBAN, _iban),
    *(Expression("national-id", pattern, _lettered(holds)) for pattern, holds in _LETTERED),
    Expression("national-id", _ELEVEN, _eleven),
    Expression("card", _CARD, _card),
    Expression("phone", _PHONE, _phone),
)
SAID_PHONE = Expression("phone", _SAID_PHONE, lambda match: match.span(1))
IP = Expression("ip", _IP, re.Match.span)
ALL: tuple[Expression, ...] = (MAIL, *NUMBERS, SAID_PHONE, IP)
"""In the order of their certainty: what has check digits before what has none."""
