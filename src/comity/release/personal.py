"""Personal data found in texts and properties, each finding with its kind (R23). Names of persons are not attempted."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from comity.release import sieve
from comity.release.expressions import IP, MAIL, NUMBERS, SAID_PHONE, Expression
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


def spans(text: str, *, addresses: bool = False) -> tuple[Span, ...]:
    """The personal data in a text, none overlapping another; IP addresses only with `addresses`."""
    if sieve.clean(text, addresses=addresses):
        return ()
    taken = bytearray(len(text))
    found: list[Span] = []
    for span in _candidates(text, addresses):
        if not any(taken[span.start : span.end]):
            taken[span.start : span.end] = b"\x01" * (span.end - span.start)
            found.append(span)
    return tuple(sorted(found, key=lambda span: span.start))


def _candidates(text: str, addresses: bool) -> Iterator[Span]:
    """What every expression finds, one expression after the other."""
    plain = sieve.latin(text)
    yield from _within(MAIL, text, sieve.mail_windows(plain))
    windows = sieve.number_windows(text, plain, addresses=addresses)
    for expression in NUMBERS if windows else ():
        yield from _within(expression, text, windows)
    for start in sieve.said_starts(plain):
        match = SAID_PHONE.pattern.match(text, start)
        if match is not None and (reach := SAID_PHONE.reach(match)):
            yield Span(SAID_PHONE.what, *reach)
    if addresses:
        yield from _within(IP, text, windows)


def _within(expression: Expression, text: str, windows: Iterable[sieve.Window]) -> Iterator[Span]:
    for start, end in windows:
        for match in expression.pattern.finditer(text, start, end):
            reach = expression.reach(match)
            if reach is not None:
                yield Span(expression.what, *reach)


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
    # One look is enough for most objects.
    if sieve.clean(value, addresses=addresses):
        return ()
    found = [(place, text, spans(text, addresses=addresses)) for place, text in _texts(value, ())]
    if not any(there for _, _, there in found):
        return ()
    kind = str(value.get("type", ""))
    known = {
        text[one.start : one.end].casefold() for place, text, there in found if place == ("pattern",) for one in there
    }
    result: list[Personal] = []
    for place, text, there in found:
        for span in there:
            said = text[span.start : span.end]
            which = Kind.VICTIM if addressee else _kind(kind, place, span.what, said, known)
            result.append(Personal(which, span.what, place, span.start, span.end, _fixed(kind, place)))
    return tuple(result)


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
