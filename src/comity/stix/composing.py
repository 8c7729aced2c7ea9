"""Objects made of what a person types into the fields of a form, and the fields of an object that is there.

A field is a text; one that holds several words has a line for each. What stands in no field stays in the object as it
is, and so does every property whose field says what it said.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from comity.errors import Invalid
from comity.stix import pattern
from comity.stix.audience import AUDIENCE, MarkingDefinition, audience_of, mark
from comity.stix.object import JsonObject
from comity.stix.spine import type_of_id
from comity.stix.timestamp import instant_key
from comity.stix.tlp import TLP
from comity.stix.typed import lines_in, read_time, stix_time

_TEXTS = ("name", "description", "confidence")
FIELDS: Mapping[str, tuple[str, ...]] = {
    "indicator": ("name", "pattern", "indicator_types", "valid_from", "valid_until", "description", "confidence"),
    "incident": _TEXTS,
    "report": ("name", "report_types", "published", "object_refs", "description", "confidence"),
    "relationship": (
        *("source_ref", "relationship_type", "target_ref"),
        *("start_time", "stop_time", "description", "confidence"),
    ),
}
"""The types that can be written, with the fields of what each says; those of `AUDIENCE` come to each."""
LISTS = frozenset({"indicator_types", "report_types", "object_refs"})
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "indicator": ("pattern",),
    "incident": ("name",),
    "report": ("name", "object_refs"),
    "relationship": ("source_ref", "relationship_type", "target_ref"),
}
VOCABULARY: Mapping[str, tuple[str, ...]] = {
    "indicator_types": (
        "malicious-activity", "anomalous-activity", "anonymization", "attribution", "benign", "compromised", "unknown",
    ),
    "report_types": (
        "threat-report", "attack-pattern", "campaign", "identity", "indicator", "intrusion-set", "malware",
        "observed-data", "threat-actor", "tool", "vulnerability",
    ),
}  # fmt: skip
"""The words of the open vocabularies (STIX 2.1 sections 10.14 and 10.25); others may stand beside them."""
REFERENCES_MOST = 1_000
NEEDED = "This is needed."
"""What is wrong with a field that is empty and must not be."""
_BEGINS = {"indicator": "valid_from", "report": "published"}
"""What is the instant of writing where nothing else is said."""
_RULE = {"pattern": "STIX 2.1 §4.7.1", "object_refs": "STIX 2.1 §4.16.1", "relationship_type": "STIX 2.1 §5.1"}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a field (empty: with the whole), in words, and by which rule."""

    field: str
    words: str
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Composed:
    """The object, as far as it can be made; the definitions of markings of ours that it needs; what is wrong."""

    value: JsonObject
    definitions: tuple[MarkingDefinition, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Maker:
    """Who writes when: the instant of the version, the identity that is named as author of what is new (empty: none),
    and the codes of countries there are."""

    now: datetime
    author: str = ""
    countries: frozenset[str] = frozenset()


def names_of(type: str) -> tuple[str, ...]:
    """The names of all fields of that type. Invalid where it cannot be written here."""
    if type not in FIELDS:
        raise Invalid(f"{type[:40]!r} is no type that is written here.", where="type", hint=", ".join(FIELDS))
    return (*FIELDS[type], *AUDIENCE)


def fields_of(value: JsonObject, tlp: TLP) -> dict[str, str]:
    """What stands in the fields for that object, whose effective level is `tlp`."""
    found = {}
    for name in FIELDS[value["type"]]:
        held = value.get(name, [] if name in LISTS else "")
        found[name] = "\n".join(map(str, held)) if isinstance(held, list) else str(held)
    return found | audience_of(value, tlp)


def compose(
    type: str,
    id: str,
    fields: Mapping[str, str],
    maker: Maker,
    *,
    base: JsonObject | None = None,
    base_tlp: TLP = TLP.AMBER_STRICT,
) -> Composed:
    """The object of that type and id that the fields say: a new one, or the next version of `base`."""
    was = {} if base is None else fields_of(base, base_tlp)
    value = _begun(type, id, maker) if base is None else base | {"modified": _later(str(base["modified"]), maker.now)}
    said = dict(fields)
    begins = _BEGINS.get(type, "")
    if begins and not said.get(begins):
        said[begins] = stix_time(maker.now)
    faults = [Fault(name, NEEDED, _RULE.get(name, "")) for name in _NEEDED[type] if not said.get(name)]
    for name in FIELDS[type]:
        text = said.get(name, "")
        if base is not None and text == was.get(name, ""):
            continue
        try:
            read = _READ.get(name, _as_it_is)(text) if text else None
        except Invalid as error:
            faults.append(Fault(name, error.message, error.rule))
            continue
        value.pop(name, None)
        if read is not None:
            value[name] = read
    if type == "indicator":
        value.setdefault("pattern_type", "stix")
    definitions, wrong = mark(value, said, was, maker.countries)
    return Composed(value, definitions, (*faults, *(Fault(*each) for each in wrong)))


def _begun(type: str, id: str, maker: Maker) -> JsonObject:
    now = stix_time(maker.now)
    value: JsonObject = {"type": type, "spec_version": "2.1", "id": id}
    if maker.author:
        value["created_by_ref"] = maker.author
    return value | {"created": now, "modified": now}


def _later(before: str, now: datetime) -> str:
    """The instant as STIX writes it, and later than the version before, whatever the clock says."""
    found = stix_time(now)
    key, last = instant_key(found), instant_key(before)
    if key is not None and last is not None and key <= last:
        whole, _, fraction = last.partition(".")
        moment = datetime.fromisoformat(whole).replace(tzinfo=UTC)
        return stix_time(moment + timedelta(milliseconds=int(fraction[:3].ljust(3, "0") or 0) + 1))
    return found


# -- fields, each as the property that it becomes ----------------------------------------------------------------------
def _as_it_is(text: str) -> Any:
    return text


def _confidence(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 100):
        raise Invalid(f"{text[:20]!r} is no whole number from 0 to 100.", rule="STIX 2.1 §3.2")
    return int(text)


def _pattern(text: str) -> str:
    error = pattern.check(text)
    if error is not None:
        raise Invalid(f"{error.message} {error.hint}".strip(), rule=error.rule or "STIX 2.1 §9")
    return text


def _reference(text: str) -> str:
    if type_of_id(text) is None:
        raise Invalid(f"{text[:60]!r} is no id of an object.", rule="STIX 2.1 §2.9")
    return text


def _references(text: str) -> Sequence[str]:
    found = [_reference(line) for line in lines_in(text.replace(",", "\n").replace(" ", "\n"))]
    if len(found) > REFERENCES_MOST:
        raise Invalid(f"At most {REFERENCES_MOST:,} objects are named here.")
    return found


def _word(text: str) -> str:
    if not text.isascii() or not all(one.islower() or one.isdigit() or one == "-" for one in text):
        raise Invalid("A type of relationship is small letters, digits and hyphens.", rule="STIX 2.1 §5.1")
    return text


_READ: Mapping[str, Callable[[str], Any]] = {
    "confidence": _confidence,
    "pattern": _pattern,
    "valid_from": read_time,
    "valid_until": read_time,
    "published": read_time,
    "start_time": read_time,
    "stop_time": read_time,
    "indicator_types": lines_in,
    "report_types": lines_in,
    "object_refs": _references,
    "source_ref": _reference,
    "target_ref": _reference,
    "relationship_type": _word,
}


def field_of(where: str, type: str) -> str:
    """The field that a place in the object belongs to; empty where it is of none."""
    name = where.partition(".")[0].partition("[")[0]
    return name if name in FIELDS[type] else "markings" if name.endswith("marking_refs") else ""
