"""Which relationships STIX 2.1 names between which types (sections 4 and 6, "Relationships", and 3.7)."""

from collections.abc import Mapping

_ADDRESSES = "domain-name ipv4-addr ipv6-addr url"
_PEOPLE = "identity location vulnerability"
_VICTIMS = "identity infrastructure location vulnerability"

_NAMED: Mapping[str, Mapping[str, str]] = {
    "attack-pattern": {"delivers": "malware", "targets": "identity location vulnerability", "uses": "malware tool"},
    "campaign": {
        "attributed-to": "intrusion-set threat-actor",
        "compromises": "infrastructure",
        "originates-from": "location",
        "targets": _PEOPLE,
        "uses": "attack-pattern infrastructure malware tool",
    },
    "course-of-action": {
        "investigates": "indicator",
        "mitigates": "attack-pattern indicator malware tool vulnerability",
        "remediates": "malware vulnerability",
    },
    "identity": {"located-at": "location"},
    "indicator": {
        "indicates": "attack-pattern campaign infrastructure intrusion-set malware threat-actor tool",
        "based-on": "observed-data",
    },
    "infrastructure": {
        "communicates-with": f"infrastructure {_ADDRESSES}",
        "consists-of": f"infrastructure observed-data {_ADDRESSES}",
        "controls": "infrastructure malware",
        "delivers": "malware",
        "has": "vulnerability",
        "hosts": "tool malware",
        "located-at": "location",
        "uses": "infrastructure",
    },
    "intrusion-set": {
        "attributed-to": "threat-actor",
        "compromises": "infrastructure",
        "hosts": "infrastructure",
        "originates-from": "location",
        "owns": "infrastructure",
        "targets": _PEOPLE,
        "uses": "attack-pattern infrastructure malware tool",
    },
    "malware": {
        "authored-by": "threat-actor intrusion-set",
        "beacons-to": "infrastructure",
        "communicates-with": _ADDRESSES,
        "controls": "malware",
        "downloads": "malware tool file",
        "drops": "malware tool file",
        "exfiltrates-to": "infrastructure",
        "exploits": "vulnerability",
        "originates-from": "location",
        "targets": _VICTIMS,
        "uses": "attack-pattern infrastructure malware tool",
        "variant-of": "malware",
    },
    "malware-analysis": {
        "characterizes": "malware",
        "analysis-of": "malware",
        "static-analysis-of": "malware",
        "dynamic-analysis-of": "malware",
    },
    "threat-actor": {
        "attributed-to": "identity",
        "compromises": "infrastructure",
        "hosts": "infrastructure",
        "impersonates": "identity",
        "located-at": "location",
        "owns": "infrastructure",
        "targets": _PEOPLE,
        "uses": "attack-pattern infrastructure malware tool",
    },
    "tool": {
        "delivers": "malware",
        "drops": "malware",
        "has": "vulnerability",
        "targets": _VICTIMS,
        "uses": "infrastructure",
    },
    "domain-name": {"resolves-to": "domain-name ipv4-addr ipv6-addr"},
    "ipv4-addr": {"belongs-to": "autonomous-system", "resolves-to": "mac-addr"},
    "ipv6-addr": {"belongs-to": "autonomous-system", "resolves-to": "mac-addr"},
}
COMMON = ("related-to", "derived-from", "duplicate-of")
"""What may stand between any two; the last two between objects of one type (section 3.7)."""


def suggested(source: str, target: str) -> tuple[str, ...]:
    """The relationships that the standard names from the one type to the other, then those that always fit. An empty
    type may be any."""
    rows = _NAMED.items() if not source else [(source, _NAMED.get(source, {}))]
    named = [why for _, row in rows for why, targets in row.items() if not target or target in targets.split()]
    common = COMMON if source == target or not source or not target else COMMON[:1]
    return tuple(dict.fromkeys((*named, *common)))
