"""The IEP 2.0 policy of a marking definition, in FIRST's extension for STIX 2.1: known words and real dates only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from comity.stix.timestamp import instant_key
from comity.stix.tlp import LEVELS, TLP
from comity.stix.words import clean

IEP2_EXTENSION = "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a"

WORDS: Mapping[str, tuple[str, ...]] = {
    "encrypt_in_transit": ("must", "may"),
    "permitted_actions": (
        "none",
        "contact-for-instruction",
        "internally-visible-actions",
        "externally-visible-indirect-actions",
        "externally-visible-direct-actions",
    ),
    "affected_party_notifications": ("must-not", "may"),
    "provider_attribution": ("must-not", "must", "may"),
    "unmodified_resale": ("must-not", "may"),
}
"""The members that are one of some words. The last word is what a policy without the member says (IEP 2.0)."""

_OTHERS = frozenset(
    {
        "extension_type", "id", "name", "description", "iep_version", "start_date", "end_date", "tlp",
        "external_reference", "external_references",
    }
)  # fmt: skip
_TLP = ("white", "green", "amber", "red")


@dataclass(frozen=True, slots=True)
class IepPolicy:
    """A policy that was understood. Dates are instant keys (`comity.stix.timestamp`)."""

    tlp: TLP
    starts: str | None
    ends: str | None
    encrypt_in_transit: str
    permitted_actions: str
    affected_party_notifications: str
    provider_attribution: str
    unmodified_resale: str


def read_iep(content: Any) -> IepPolicy | str:
    """The policy, or in words why it is not understood."""
    if not isinstance(content, dict):
        return "its IEP 2.0 extension is not an object"
    for name in content:
        if name not in WORDS and name not in _OTHERS:
            return f"its IEP 2.0 member {clean(name, 40)} is not known"
    words: dict[str, str] = {}
    for name, known in WORDS.items():
        word = content.get(name, known[-1])
        if not isinstance(word, str) or word not in known:
            return f"its IEP 2.0 member {name} has a value that is not known"
        words[name] = word
    dates: list[str | None] = []
    for name in ("start_date", "end_date"):
        text = content.get(name)
        key = instant_key(text) if isinstance(text, str) else None
        # No end is written as null in the published form.
        if text is not None and key is None:
            return f"its IEP 2.0 member {name} is no instant"
        dates.append(key)
    tlp = content.get("tlp")
    if not isinstance(tlp, str) or tlp not in _TLP:
        return "its IEP 2.0 policy names no TLP that is known"
    return IepPolicy(LEVELS[tlp], dates[0], dates[1], **words)
