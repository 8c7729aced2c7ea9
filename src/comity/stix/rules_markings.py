"""Rules about granular markings: selectors that mean something, and no marking that marks itself."""

import re
from collections.abc import Iterator
from typing import Any

from comity.stix.object import Finding, JsonObject
from comity.stix.rules_text import is_language_tag
from comity.stix.words import shown

SELECTOR_RULE = "STIX 2.1 §7.2.3.1"
_STEP = re.compile(r"\[(0|[1-9][0-9]{0,8})\]")
SELECTOR_MAX = 2000


def markings(value: JsonObject) -> Iterator[Finding]:
    """Every selector leads to something in the object, and a marking definition is not marked by itself."""
    own = value["id"] if value["type"] == "marking-definition" else None
    refs = value.get("object_marking_refs")
    if own is not None and isinstance(refs, list):
        for number, ref in enumerate(refs):
            if ref == own:
                yield _circular(f"object_marking_refs[{number}]")
    granular = value.get("granular_markings")
    for number, entry in enumerate(granular if isinstance(granular, list) else ()):
        if not isinstance(entry, dict):
            continue
        where = f"granular_markings[{number}]"
        if own is not None and entry.get("marking_ref") == own:
            yield _circular(f"{where}.marking_ref")
        if ("marking_ref" in entry) == ("lang" in entry):
            yield Finding(where, SELECTOR_RULE, "exactly one of 'marking_ref' and 'lang' is wanted")
        if "lang" in entry and not is_language_tag(entry["lang"]):
            yield Finding(f"{where}.lang", SELECTOR_RULE, f"{shown(entry['lang'])} is no language code of RFC 5646")
        selectors = entry.get("selectors")
        for place, selector in enumerate(selectors if isinstance(selectors, list) else ()):
            problem = _unresolved(value, selector)
            if problem:
                yield Finding(f"{where}.selectors[{place}]", SELECTOR_RULE, problem)


def _circular(where: str) -> Finding:
    return Finding(where, "STIX 2.1 §7.2.1", "a marking definition must not be marked by itself")


def _unresolved(value: Any, selector: Any) -> str:
    """Why the selector leads nowhere; empty where it leads somewhere."""
    if not isinstance(selector, str) or len(selector) > SELECTOR_MAX:
        return f"{shown(selector)} is no selector"
    for step in selector.split("."):
        index = _STEP.fullmatch(step)
        if index and isinstance(value, list) and int(index[1]) < len(value):
            value = value[int(index[1])]
        elif not index and isinstance(value, dict) and step in value:
            value = value[step]
        else:
            return f"the selector {shown(selector)} leads to nothing: there is no {shown(step, 40)} at that place"
    return ""
