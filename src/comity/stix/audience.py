"""For whom an object is, in the fields of a form: TLP, PAP, other markings and the release limits, and back again."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID, uuid5

from comity.errors import Invalid
from comity.stix.extensions import LIMITS_EXTENSION, WORD_CHARACTERS_MAX, WORDS_MAX
from comity.stix.object import JsonObject
from comity.stix.spine import type_of_id
from comity.stix.tlp import MARKING_IDS, TLP, WELL_KNOWN
from comity.stix.typed import lines_in, read_time

LIMITS = ("community", "groups", "sectors", "residency", "named", "embargo_until", "exercise")
AUDIENCE = ("tlp", "pap", "markings", *LIMITS)
"""The fields: `tlp` and `pap` are words, `markings` the ids of other definitions, the rest the release limits
(docs/reference/extensions.md)."""
DEFAULT_TLP = TLP.AMBER_STRICT
PAP_LEVELS = ("clear", "green", "amber", "red")
_PAP_SPACE = UUID("99751a20-2075-444c-b8ef-f168db695e4f")
_PAP_MADE = "2026-11-26T00:00:00.000Z"
MarkingDefinition = JsonObject
Wrong = tuple[str, str, str]
"""A field, what is wrong with it, and by which rule."""


def pap_definition(level: str) -> MarkingDefinition:
    """A new copy of our definition of that level of PAP: it has the same id and bytes wherever it is made. It is marked
    TLP:CLEAR, since it says nothing but what the level is."""
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{uuid5(_PAP_SPACE, f'pap:{level}')}",
        "created": _PAP_MADE,
        "definition_type": "pap",
        "name": f"PAP:{level.upper()}",
        "definition": {"pap": level},
        "object_marking_refs": [MARKING_IDS[TLP.CLEAR]],
    }


PAP_IDS: Mapping[str, str] = {pap_definition(level)["id"]: level for level in PAP_LEVELS}
"""The ids of our definitions of PAP, and the level of each."""


def audience_of(value: JsonObject, tlp: TLP) -> dict[str, str]:
    """What stands in the fields for that object, whose effective level is `tlp`."""
    refs = [str(ref) for ref in _list(value.get("object_marking_refs"))]
    limits = _content(value)
    found = dict.fromkeys(AUDIENCE, "") | {
        "tlp": tlp.word[4:].lower(),
        "pap": next((PAP_IDS[ref] for ref in refs if ref in PAP_IDS), ""),
        "markings": "\n".join(ref for ref in refs if ref not in PAP_IDS and ref not in WELL_KNOWN),
        "exercise": "yes" if limits.get("exercise") is True else "",
    }
    for name in ("groups", "sectors", "residency", "named"):
        found[name] = "\n".join(map(str, _list(limits.get(name))))
    return found | {name: str(limits.get(name, "")) for name in ("community", "embargo_until")}


def mark(
    value: JsonObject, fields: Mapping[str, str], was: Mapping[str, str], countries: frozenset[str]
) -> tuple[tuple[MarkingDefinition, ...], list[Wrong]]:
    """The object is marked as the fields say, where they say other than before; the definitions of ours that it names
    now, and what is wrong. What is wrong leaves the strictest marking behind, never a looser one."""
    pap = fields.get("pap", "")
    definitions = (pap_definition(pap),) if pap in PAP_LEVELS else ()
    wrong: list[Wrong] = []
    if not was or _differ(fields, was, ("tlp", "pap", "markings")):
        wrong += _put_markings(value, fields, was, [one["id"] for one in definitions])
    if not was or _differ(fields, was, LIMITS):
        wrong += _put_limits(value, fields, countries)
    return definitions, wrong


def _differ(fields: Mapping[str, str], was: Mapping[str, str], names: tuple[str, ...]) -> bool:
    return any(fields.get(name, "") != was.get(name, "") for name in names)


def _put_markings(
    value: JsonObject, fields: Mapping[str, str], was: Mapping[str, str], ours: list[str]
) -> Iterator[Wrong]:
    level = TLP.RED
    try:
        level = TLP.read(fields.get("tlp") or DEFAULT_TLP.word)
    except Invalid as error:
        yield "tlp", error.message, error.rule
    if fields.get("pap", "") not in ("", *PAP_LEVELS):
        yield "pap", "PAP is clear, green, amber or red.", "PAP"
    others = lines_in(fields.get("markings", ""))
    for one in others:
        if type_of_id(one) != "marking-definition":
            yield "markings", f"{one[:60]!r} is no id of a marking.", "STIX 2.1 §7.2"
    known = [ref for ref in _list(value.get("object_marking_refs")) if ref in WELL_KNOWN]
    kept = known if fields.get("tlp", "") == was.get("tlp") and known else [MARKING_IDS[level]]
    value["object_marking_refs"] = list(dict.fromkeys((*kept, *ours, *others)))


def _put_limits(value: JsonObject, fields: Mapping[str, str], countries: frozenset[str]) -> Iterator[Wrong]:
    content: dict[str, Any] = {}
    for name in ("groups", "sectors", "residency", "named"):
        words = lines_in(fields.get(name, "").replace(",", "\n"))
        if len(words) > WORDS_MAX or any(len(word) > WORD_CHARACTERS_MAX for word in words):
            yield name, f"At most {WORDS_MAX} words of {WORD_CHARACTERS_MAX} characters each.", "R16"
        if words:
            content[name] = words
    if not countries.issuperset(content.get("residency", ())):
        yield "residency", "These are codes of countries in two capital letters, such as EE.", "ISO 3166-1 alpha-2"
    if any(type_of_id(one) is None for one in content.get("named", ())):
        yield "named", "These are ids of contacts, one a line.", "R3"
    community = fields.get("community", "")
    if len(community) > WORD_CHARACTERS_MAX:
        yield "community", f"At most {WORD_CHARACTERS_MAX} characters.", "R16"
    if community:
        content["community"] = community
    if fields.get("embargo_until"):
        try:
            content["embargo_until"] = read_time(fields["embargo_until"])
        except Invalid as error:
            yield "embargo_until", error.message, error.rule
    if fields.get("exercise"):
        content["exercise"] = True
    extensions = {name: held for name, held in _extensions(value).items() if name != LIMITS_EXTENSION}
    if content:
        extensions[LIMITS_EXTENSION] = {"extension_type": "property-extension", **content}
    value.pop("extensions", None)
    if extensions:
        value["extensions"] = extensions


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _extensions(value: JsonObject) -> dict[str, Any]:
    found = value.get("extensions")
    return found if isinstance(found, dict) else {}


def _content(value: JsonObject) -> dict[str, Any]:
    found = _extensions(value).get(LIMITS_EXTENSION)
    return found if isinstance(found, dict) else {}
