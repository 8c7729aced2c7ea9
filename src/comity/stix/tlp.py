"""The Traffic Light Protocol in STIX: the levels, the published marking definitions of TLP 1 and 2.0, and forgeries."""

from collections.abc import Iterator, Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Any

from comity.errors import Invalid
from comity.stix.object import Finding, JsonObject
from comity.stix.timestamp import instant_key

TLP2_EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"

_RULE_FORGED = "R5: the content of a well-known TLP marking is fixed (STIX 2.1 §7.2.1.4)"


class TLP(IntEnum):
    """The Traffic Light Protocol 2.0; a greater level is a stricter one."""

    CLEAR = 0
    GREEN = 1
    AMBER = 2
    AMBER_STRICT = 3
    RED = 4

    @property
    def word(self) -> str:
        """The level as FIRST writes it: `TLP:AMBER+STRICT`."""
        return "TLP:" + self.name.replace("_", "+")

    @classmethod
    def read(cls, text: str) -> "TLP":
        """The level that `text` names, with or without `tlp:`, in any case; TLP 1's WHITE is CLEAR."""
        level = LEVELS.get(text.strip().lower().removeprefix("tlp:"))
        if level is None:
            words = ", ".join(level.word.lower() for level in cls)
            raise Invalid(f"{text[:40]!r} is not a TLP level.", hint=f"Give one of {words}.", rule="FIRST TLP 2.0")
        return level


LEVELS: Mapping[str, TLP] = MappingProxyType(
    {level.name.lower().replace("_", "+"): level for level in TLP} | {"white": TLP.CLEAR}
)
"""The words of the levels, as TLP 1 and TLP 2.0 markings have them."""

_TLP1_IDS = {
    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": "white",
    "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": "green",
    "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": "amber",
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": "red",
}
_TLP2_IDS = {
    "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487": "clear",
    "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb": "green",
    "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421": "amber",
    "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003": "amber+strict",
    "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1": "red",
}
_TLP1_CREATED = "2017-01-20T00:00:00.000Z"
_TLP2_CREATED = "2022-10-01T00:00:00.000Z"

WELL_KNOWN: Mapping[str, TLP] = MappingProxyType({i: LEVELS[w] for i, w in (_TLP1_IDS | _TLP2_IDS).items()})
"""The ids of the published TLP 1 and TLP 2.0 marking definitions, and what they mean whatever anyone sends."""

MARKING_IDS: Mapping[TLP, str] = MappingProxyType({LEVELS[word]: ident for ident, word in _TLP2_IDS.items()})
"""The id of the published TLP 2.0 marking definition of each level."""


def standard_definition(ident: str) -> JsonObject | None:
    """A new copy of the marking definition that is published under a well-known id; None for any other id."""
    word = _TLP1_IDS.get(ident)
    tlp2 = word is None
    if tlp2:
        word = _TLP2_IDS.get(ident)
        if word is None:
            return None
    value: JsonObject = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": ident,
        "created": _TLP2_CREATED if tlp2 else _TLP1_CREATED,
        "name": f"TLP:{word}".upper(),
    }
    if tlp2:
        value["extensions"] = {TLP2_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": word}}
    else:
        value["definition_type"] = "tlp"
        value["definition"] = {"tlp": word}
    return value


def forged(value: JsonObject) -> Finding | None:
    """The place where an object under a well-known TLP id says something else than is published there; else None.

    Optional members that are missing are no fault, and TLP 2.0 is taken in both forms that are in use: the extension,
    and `definition_type: tlp` with the word of the level.
    """
    ident = value.get("id")
    if not isinstance(ident, str) or ident not in WELL_KNOWN:
        return None
    level = WELL_KNOWN[ident]
    for where, wrong in _contradictions(value, ident):
        if wrong:
            return Finding(where, _RULE_FORGED, f"{ident} is {level.word}, and its {where} may not say otherwise.")
    return None


def _contradictions(value: JsonObject, ident: str) -> Iterator[tuple[str, bool]]:
    tlp2 = ident in _TLP2_IDS
    word = _TLP2_IDS[ident] if tlp2 else _TLP1_IDS[ident]
    yield "type", value.get("type", "marking-definition") != "marking-definition"
    created = value.get("created", _TLP2_CREATED if tlp2 else _TLP1_CREATED)
    instant = instant_key(created) if isinstance(created, str) else None
    yield "created", instant != instant_key(_TLP2_CREATED if tlp2 else _TLP1_CREATED)
    kinds = ("tlp", f"TLP:{word.upper()}") if tlp2 else ("tlp",)
    yield "definition_type", value.get("definition_type", "tlp") not in kinds
    yield "definition", value.get("definition", {"tlp": word}) != {"tlp": word}
    yield "extensions", "extensions" in value and not (tlp2 and tlp2_word(value["extensions"]) == word)
    yield "tlp_2_0", value.get("tlp_2_0", word if tlp2 else None) != (word if tlp2 else None)


def tlp2_word(extensions: Any) -> str | None:
    """The word of the TLP 2.0 extension where it is the only one and says nothing else."""
    if not isinstance(extensions, dict) or list(extensions) != [TLP2_EXTENSION]:
        return None
    content = extensions[TLP2_EXTENSION]
    if not isinstance(content, dict) or not content.keys() <= {"extension_type", "tlp_2_0"}:
        return None
    word = content.get("tlp_2_0")
    if content.get("extension_type", "property-extension") != "property-extension" or not isinstance(word, str):
        return None
    return word if word in LEVELS and word != "white" else None
