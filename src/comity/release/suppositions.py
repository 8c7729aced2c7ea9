"""What if: a facet of objects, or of a recipient, is taken to be another, to see what policy would then say."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import Enum
from typing import Any

from comity.errors import Invalid
from comity.release.classes import Author, Recipient, Relation, ReleaseClass
from comity.release.compare import PLAIN_CLASS
from comity.release.facets import Inexpressible, class_attributes, from_iso, recipient_attributes, tlp_word, to_iso
from comity.stix.tlp import TLP

OBJECT, RECIPIENT = "object", "recipient"
HISTORY = "history_from"
"""No facet that policy looks at, yet one by which it is decided what a recipient is offered (R13)."""
_OF = {"object": OBJECT, "to": RECIPIENT, "recipient": RECIPIENT}
_ALIASES = {"group": "groups", "sector": "sectors", "jurisdiction": "jurisdictions", "circle": "groups"}
_KINDS: dict[str, dict[str, str]] = {
    # Markings of parts are looked up in the objects, of which nothing is supposed but their class.
    OBJECT: {field.name: str(field.type) for field in fields(ReleaseClass) if field.name != "granular"},
    RECIPIENT: {field.name: str(field.type) for field in fields(Recipient) if field.name != "id"} | {HISTORY: "int"},
}
_ENUMS: dict[str, type[Enum]] = {"author": Author, "relation": Relation}
_PLAIN_RECIPIENT = Recipient("someone", Relation.PARTNER, "active")


@dataclass(frozen=True, slots=True)
class Supposition:
    """That a facet of every object, or of the recipient, has this value."""

    of: str
    facet: str
    value: Any

    def __str__(self) -> str:
        return f"{self.of}.{self.facet}={facet_word(self.value)}"


def read_supposition(text: str) -> Supposition:
    """The supposition of `tlp=green` or `object.tlp=green`, `to.state=active` or `recipient.state=active`. A set is
    written with commas, and what is absent as `none`. Invalid where there is no such facet, or no such value."""
    name, equals, value = text.partition("=")
    before, dot, facet = name.strip().rpartition(".")
    of = _OF.get(before) if dot else OBJECT
    if not equals or of is None:
        raise Invalid(f"{text[:60]!r} supposes nothing.", where="what-if", hint="Write tlp=green, or to.max_tlp=amber.")
    facet = facet.replace("-", "_")
    facet = facet if facet in _KINDS[of] else _ALIASES.get(facet, facet)
    if facet not in _KINDS[of]:
        raise Invalid(
            f"There is no facet {facet[:40]!r} of {_article(of)}.",
            where="what-if",
            hint=f"Facets: {', '.join(_KINDS[of])}.",
        )
    made = Supposition(of, facet, _read(facet, _KINDS[of][facet], value.strip()))
    try:
        if of == OBJECT:
            class_attributes(supposed_class(PLAIN_CLASS, [made]))
        else:
            recipient_attributes(supposed_recipient(_PLAIN_RECIPIENT, [made]))
    except Inexpressible as error:
        raise Invalid(f"Policy has no word for {text[:60]!r}: {error}.", where="what-if") from None
    return made


def supposed_class(one: ReleaseClass, suppositions: Iterable[Supposition]) -> ReleaseClass:
    """The class as it would be; what is supposed of recipients does not touch it."""
    return replace(one, **{each.facet: each.value for each in suppositions if each.of == OBJECT})


def supposed_recipient(one: Recipient, suppositions: Iterable[Supposition]) -> Recipient:
    """The recipient as it would be; what is supposed of objects does not touch it."""
    changed = {each.facet: each.value for each in suppositions if each.of == RECIPIENT and each.facet != HISTORY}
    return replace(one, **changed)


def class_words(one: ReleaseClass) -> str:
    """The facets of the class that are not as usual, as `name=value`; different classes have different words."""
    told = []
    for field in fields(one):
        value = getattr(one, field.name)
        if field.name in ("tlp", "type", "origin") or value != getattr(PLAIN_CLASS, field.name):
            told.append(f"{field.name}={_word_of(field.name, value)}")
    return " ".join(told)


def _word_of(name: str, value: Any) -> str:
    if name == "origin" and not value:
        return "ours"
    if isinstance(value, frozenset):
        return ",".join(sorted(map(_quoted, value))) or "none"
    if name == "embargo_until":
        return _moment(value)
    if name == "iep":
        return ";".join(
            ",".join(
                f"{field.name}:{_moment(given) if field.name.endswith('_at') else given}"
                for field in fields(policy)
                if (given := getattr(policy, field.name)) is not None
            )
            for policy in value
        )
    return _quoted(value)


def _quoted(value: Any) -> str:
    """The value in words; a text in quotes where it could be taken for more than one, or for another."""
    if not isinstance(value, str):
        return facet_word(value)
    return json.dumps(value) if set(value) & set(' ,;=:"') or value in ("", "none", "ours") else str(value)


def facet_word(value: Any) -> str:
    """The value of a facet as it is written in a supposition."""
    if isinstance(value, TLP):
        return tlp_word(value)
    if isinstance(value, frozenset):
        return ",".join(sorted(facet_word(one) for one in value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return _moment(value)
    return "none" if value in (None, "", ()) else str(value)


def _moment(micros: int) -> str:
    """The instant in words; one that no calendar has, as the number that it is."""
    try:
        text = to_iso(micros)
    except Inexpressible:
        return str(micros)
    return f"{text[:-1]}{micros % 1000:03d}Z" if micros % 1000 else text


def _article(of: str) -> str:
    return "an object" if of == OBJECT else "a recipient"


def _read(facet: str, kind: str, text: str) -> Any:
    absent = text in ("", "none")
    if "frozenset" in kind:
        if absent:
            return None if "None" in kind else frozenset()
        return frozenset(word.strip() for word in text.split(",") if word.strip())
    if facet == "iep":
        if not absent:
            raise Invalid("Of `iep` it can be supposed that there is none.", where="what-if", hint="Write iep=none.")
        return ()
    if facet in _ENUMS:
        try:
            return _ENUMS[facet](text)
        except ValueError:
            known = ", ".join(str(one.value) for one in _ENUMS[facet])
            raise Invalid(f"{text[:40]!r} is no {facet}.", where="what-if", hint=f"There are {known}.") from None
    if "TLP" in kind:
        return TLP.read(text)
    if "bool" in kind:
        if text not in ("yes", "no", "true", "false"):
            raise Invalid(f"`{facet}` is yes or no, not {text[:40]!r}.", where="what-if")
        return text in ("yes", "true")
    if "int" in kind:
        return _instant(facet, text)
    if facet == "pap" and text == "unmarked":
        return None
    if absent and facet != "tlp_from":
        return None if "None" in kind else ""
    return "" if facet == "origin" and text == "ours" else text


def _instant(facet: str, text: str) -> int | None:
    if facet == HISTORY and text in ("all", "none"):
        return 0
    if text in ("", "none"):
        return None
    try:
        return from_iso(text if "T" in text else f"{datetime.fromisoformat(text):%Y-%m-%d}T00:00:00Z")
    except ValueError:
        raise Invalid(
            f"`{facet}` is no instant: {text[:40]!r}.", where="what-if", hint="Write 2027-01-31, or none."
        ) from None
