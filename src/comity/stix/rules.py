"""What STIX 2.1 demands and its schemas cannot say. Every finding names the clause; SHOULDs have `must=False`.

Values may be of any shape here: an object of a lenient source comes by although its schema refused it.
"""

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from comity.stix import pattern
from comity.stix.object import Finding, JsonObject
from comity.stix.rules_inside import inner_times, observed_objects, references, uuid_version
from comity.stix.rules_markings import markings
from comity.stix.rules_text import languages
from comity.stix.tables import CONTRIBUTING, INNER_TIMES, OBSERVABLES, ORDERS, REFERENCES, SECTIONS
from comity.stix.timestamp import instant_key
from comity.stix.words import clean, path_of

_NAMES = re.compile(r"(?:(?:[a-z][a-z0-9_]{2,249}|id)\n)*+")
_NAME = re.compile(r"[a-z][a-z0-9_]{2,249}|id")
_AUTHOR = "identity--"
# Objects come in few shapes, and a set of the good ones answers faster than the grammar of names. It is bounded, since
# senders choose the names.
_GOOD_NAMES: set[tuple[str, ...]] = set()
_NAMES_CACHED, _SHAPES_CACHED = 50, 2000
RULE_FINDINGS_MAX = 20

Rule = Callable[[JsonObject], Iterator[Finding]]


def findings(value: JsonObject) -> tuple[Finding, ...]:
    """Where an object with a sound spine breaks a rule. Costs little for the many that give no occasion for one."""
    kind = value["type"]
    found: tuple[Finding, ...] = ()
    created, modified = value.get("created"), value.get("modified")
    # Texts of one length order as their instants do.
    if created is not None and modified is not None and modified != created:
        if len(created) == len(modified) and created[-5:-4] == modified[-5:-4]:
            early = modified < created
        else:
            early = str(instant_key(modified)) < str(instant_key(created))
        if early:
            found += (Finding("modified", "STIX 2.1 §3.6", "modified is before created"),)
    author = value.get("created_by_ref")
    if author is not None and type(author) is str and not author.startswith(_AUTHOR):
        found += (Finding("created_by_ref", "STIX 2.1 §3.2", "the creator must be an identity"),)
    names = tuple(value)
    if names not in _GOOD_NAMES:
        if not _NAMES.fullmatch("\n".join(names) + "\n"):
            found += tuple(islice(_names(value), RULE_FINDINGS_MAX))
        elif len(names) <= _NAMES_CACHED and len(_GOOD_NAMES) < _SHAPES_CACHED:
            _GOOD_NAMES.add(names)
    if not _NEEDED.get(kind, _ALWAYS).isdisjoint(value):
        there = value.keys()
        for rule, needed in _OCCASIONS.get(kind, _OTHERWISE):
            if not there.isdisjoint(needed):
                found += tuple(islice(rule(value), RULE_FINDINGS_MAX))
    return found


def _names(value: JsonObject) -> Iterator[Finding]:
    for name in value:
        if not _NAME.fullmatch(name):
            problem = f"the property name '{clean(name)}' is not 3 to 250 of a-z, 0-9 and _, a letter first"
            yield Finding(path_of([name]), "STIX 2.1 §3.1", problem)


def _order(value: JsonObject) -> Iterator[Finding]:
    kind = value["type"]
    if kind not in ORDERS:
        return
    first, last, equal = ORDERS[kind]
    begin, end = _instant(value.get(first)), _instant(value.get(last))
    if begin is None or end is None or begin < end or (equal and begin == end):
        return
    problem = f"{last} must not be before {first}" if equal else f"{last} must be later than {first}"
    yield Finding(last, f"STIX 2.1 §{SECTIONS[kind]}", problem)


def _instant(text: Any) -> str | None:
    return instant_key(text) if type(text) is str else None


def _pattern(value: JsonObject) -> Iterator[Finding]:
    text = value.get("pattern")
    if value["type"] != "indicator" or value.get("pattern_type") != "stix" or type(text) is not str:
        return
    fault = pattern.check(text)
    if fault is not None:
        where = f" ({fault.where})" if fault.where else ""
        yield Finding("pattern", fault.rule or "STIX 2.1 §9", f"{fault.message}{where}")


def _out_of_place(value: JsonObject) -> Iterator[Finding]:
    kind = value["type"]
    if "defanged" in value and kind in SECTIONS and kind not in OBSERVABLES:
        yield Finding("defanged", "STIX 2.1 §3.2", "'defanged' must not be used on anything but observables")
    if kind == "file" and "name_enc" in value and "name" not in value:
        yield Finding("name_enc", "STIX 2.1 §3.1", "an encoding is given for a name that is not")


def _deprecated(value: JsonObject) -> Iterator[Finding]:
    if value["type"] == "observed-data" and "objects" in value:
        problem = "`objects` is deprecated; observables of their own, named in object_refs, take its place"
        yield Finding("objects", "STIX 2.1 §4.14", problem, must=False)


_ALWAYS = frozenset({"granular_markings", "lang", "defanged"})


def _occasions(kind: str) -> tuple[tuple[Rule, frozenset[str]], ...]:
    """The rules that may have anything to say of this type, each with the properties of which it needs one for that."""
    translated = {"software": {"languages"}, "language-content": {"contents"}}.get(kind, set())
    names: tuple[tuple[Rule, set[str]], ...] = (
        (_order, {ORDERS[kind][1]} if kind in ORDERS else set()),
        (inner_times, {path[0] for path in INNER_TIMES.get(kind, ())}),
        (references, {path[0] for path in REFERENCES.get(kind, ())}),
        (uuid_version, {"id"} if kind in CONTRIBUTING else set()),
        (markings, {"granular_markings"} | ({"id"} if kind == "marking-definition" else set())),
        (languages, {"lang"} | translated),
        (observed_objects, {"objects"} if kind == "observed-data" else set()),
        (_pattern, {"pattern"} if kind == "indicator" else set()),
        (_out_of_place, {"defanged"} | ({"name_enc"} if kind == "file" else set())),
        (_deprecated, {"objects"} if kind == "observed-data" else set()),
    )
    return tuple((rule, frozenset(needed)) for rule, needed in names if needed)


_OCCASIONS = {kind: _occasions(kind) for kind in SECTIONS}
_OTHERWISE = _occasions("")
_NEEDED = {kind: frozenset().union(*(names for _, names in occasions)) for kind, occasions in _OCCASIONS.items()}
"""The properties without which no rule of this type has anything to say."""
