"""Personal data found in texts and properties, each finding with its kind (R23). Names of persons are not attempted.

Every expression runs in time linear in the text: repetitions are bounded or possessive, and begin at a boundary.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from comity.release import check_digits
from comity.stix.graph import Place
from comity.stix.object import JsonObject
from comity.stix.tables import OBSERVABLES

TOKEN = "[...]"  # noqa: S105 - what stands in place of personal data


class Kind(StrEnum):
    """ARTEFACT: the intelligence itself, such as a sender's address. VICTIM: of a victim or third party. CONTACT: a
    published address of duty. Only the last two restrict."""

    ARTEFACT = "artefact"
    VICTIM = "victim"
    CONTACT = "contact"


@dataclass(frozen=True, slots=True)
class Span:
    """What was found in one text: `what` it is, and from where to where."""

    what: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Personal:
    """A finding in an object. `fixed` says that redaction does not touch the place."""

    kind: Kind
    what: str
    place: Place
    start: int
    end: int
    fixed: bool


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


def spans(text: str, *, addresses: bool = False) -> tuple[Span, ...]:
    """The personal data in a text, none overlapping another; IP addresses only with `addresses`."""
    taken = bytearray(len(text))
    found: list[Span] = []
    for span in _candidates(text, addresses):
        if not any(taken[span.start : span.end]):
            taken[span.start : span.end] = b"\x01" * (span.end - span.start)
            found.append(span)
    return tuple(sorted(found, key=lambda span: span.start))


def _candidates(text: str, addresses: bool) -> Iterator[Span]:
    """In the order of their certainty: what has check digits before what has none."""
    lowered = "@" in text or "[at]" in text.lower() or "(at)" in text.lower()
    if lowered:
        for match in _EMAIL.finditer(text):
            if match[0].rpartition(".")[2].casefold() not in _FILES:
                yield Span("e-mail", match.start(), match.end())
    if not any(map(str.isdigit, text)):
        return
    for match in _IBAN.finditer(text):
        body = match[0].replace(" ", "")
        length = check_digits.IBAN_LENGTHS.get(body[:2], 0)
        if check_digits.iban(body[:length]):
            yield Span("iban", match.start(), match.start() + _reach(match[0], length))
    for pattern, holds in _LETTERED:
        for match in pattern.finditer(text):
            if holds(_plain(match[0], holds)):
                yield Span("national-id", match.start(), match.end())
    for match in _ELEVEN.finditer(text):
        digits = _MARKS.sub("", match[0])
        if any(holds(digits) for holds in check_digits.BARE):
            yield Span("national-id", match.start(), match.end())
    for match in _CARD.finditer(text):
        if check_digits.card(_MARKS.sub("", match[0])):
            yield Span("card", match.start(), match.end())
    for match in _PHONE.finditer(text):
        # Bytes in hexadecimal look like a number in groups of two, but for all their zeros.
        least = 9 if match[0].startswith(("0", "(0")) else 7
        if least <= sum(map(str.isdigit, match[0])) <= 15 and len(_ZEROS.findall(match[0])) < 2:
            yield Span("phone", match.start(), match.end())
    for match in _SAID_PHONE.finditer(text):
        yield Span("phone", match.start(1), match.end(1))
    if addresses:
        yield from (Span("ip", match.start(), match.end()) for match in _IP.finditer(text))


def _plain(text: str, holds: Callable[[str], bool]) -> str:
    return text if holds is check_digits.finland else _MARKS.sub("", text).replace("+", "")


def _reach(text: str, length: int) -> int:
    """How far the text reaches that holds so many letters and digits."""
    seen = 0
    for number, character in enumerate(text):
        seen += character != " "
        if seen == length:
            return number + 1
    return len(text)


DUTY = frozenset(
    {
        "abuse", "admin", "cert", "contact", "csirt", "dpo", "helpdesk", "hostmaster", "incident", "info", "legal",
        "noc", "office", "postmaster", "press", "privacy", "psirt", "report", "reports", "security", "soc", "support",
        "webmaster",
    }
)  # fmt: skip
"""Local parts of addresses of duty (RFC 2142 and use): a contact, not a person's own."""

FIXED_NAMES = frozenset(
    {
        "type", "id", "spec_version", "created", "modified", "pattern", "pattern_type", "lang", "url", "external_id",
        "source_name", "schema", "version", "value", "hashes", "extension_type", "first_seen", "last_seen",
        "valid_from", "valid_until", "published", "start_time", "stop_time",
    }
)  # fmt: skip
"""Members that redaction does not touch: patterns, ids, dates, addresses whose form is checked."""

HEADERS_OF_VICTIMS = frozenset({"To", "Cc", "Bcc", "Delivered-To", "X-Original-To", "Envelope-To"})
TEXTS_OF_VICTIMS = frozenset({"body", "subject"})


def findings(value: JsonObject, *, addresses: bool = False, addressee: bool = False) -> tuple[Personal, ...]:
    """Every finding of the object, in its order. `addressee` says that an `email-addr` is one to which mail was sent
    (`to_refs`, `cc_refs` or `bcc_refs` name it): a victim's, not the sender's."""
    kind = str(value.get("type", ""))
    pattern = value.get("pattern")
    known = set()
    if isinstance(pattern, str):
        known = {pattern[one.start : one.end].casefold() for one in spans(pattern, addresses=addresses)}
    found: list[Personal] = []
    for place, text in _texts(value, ()):
        for span in spans(text, addresses=addresses):
            said = text[span.start : span.end]
            which = Kind.VICTIM if addressee else _kind(kind, place, span.what, said, known)
            fixed = _fixed(kind, place)
            found.append(Personal(which, span.what, place, span.start, span.end, fixed))
    return tuple(found)


def _texts(one: Any, place: Place) -> Iterator[tuple[Place, str]]:
    if isinstance(one, str):
        if not str(place[-1]).endswith(("_ref", "_refs")):
            yield place, one
    elif isinstance(one, dict):
        for name, inner in one.items():
            if not name.endswith("_refs"):
                yield from _texts(inner, (*place, name))
    elif isinstance(one, list):
        for number, inner in enumerate(one):
            yield from _texts(inner, (*place, number))


def _kind(kind: str, place: Place, what: str, said: str, known: Iterable[str]) -> Kind:
    """The documented table: who is meant, by type and property."""
    if place[0] == "pattern" or said.casefold() in known:
        return Kind.ARTEFACT
    if kind in OBSERVABLES or (kind == "observed-data" and place[0] == "objects"):
        if TEXTS_OF_VICTIMS.intersection(map(str, place)) or HEADERS_OF_VICTIMS.intersection(map(str, place)):
            return Kind.VICTIM
        return Kind.ARTEFACT
    if kind == "identity" or "contact_information" in place or place[0] == "authors":
        return Kind.CONTACT
    if what == "e-mail" and re.split(r"[@\[( ]", said)[0].casefold() in DUTY:
        return Kind.CONTACT
    return Kind.VICTIM


def _fixed(kind: str, place: Place) -> bool:
    inside = next((step for step in reversed(place) if isinstance(step, str)), "")
    observed = kind in OBSERVABLES or (kind == "observed-data" and place[0] == "objects")
    return observed or inside in FIXED_NAMES or "hashes" in place or place[0] == "granular_markings"


def redacted_texts(value: JsonObject, found: Iterable[Personal]) -> Mapping[Place, str]:
    """Each text that holds a victim's or a contact's data, with TOKEN in its place; fixed places are not among them."""
    result: dict[Place, str] = {}
    for one in sorted(found, key=lambda finding: -finding.start):
        if one.fixed or one.kind is Kind.ARTEFACT:
            continue
        text = result.get(one.place)
        if text is None:
            inner: Any = value
            for step in one.place:
                inner = inner[step]
            text = str(inner)
        result[one.place] = text[: one.start] + TOKEN + text[one.end :]
    return result
