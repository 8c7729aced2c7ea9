"""How the sample story is written down: short calls that make STIX 2.1 objects, the same ones each time.

Ids, hashes and addresses are derived from names, so that two demos hold the same objects. All addresses come from the
ranges that are kept for documentation (RFC 5737, RFC 3849, RFC 2606), all hashes are of sentences, not of programs.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from comity.canonical import canonical_bytes
from comity.stix.markings import TLP
from comity.stix.tlp import MARKING_IDS

JsonObject = dict[str, Any]

FIRST_DAY = datetime(2026, 2, 2, tzinfo=UTC)
_SCO_NAMESPACE = UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")  # STIX 2.1 section 2.9
_CONTRIBUTING = {
    "autonomous-system": ("number",),
    "directory": ("path",),
    "domain-name": ("value",),
    "email-addr": ("value",),
    "email-message": ("from_ref", "subject", "body"),
    "file": ("hashes", "name", "parent_directory_ref"),
    "ipv4-addr": ("value",),
    "ipv6-addr": ("value",),
    "mac-addr": ("value",),
    "mutex": ("name",),
    "network-traffic": ("start", "src_ref", "dst_ref", "src_port", "dst_port", "protocols"),
    "software": ("name", "cpe", "swid", "vendor", "version"),
    "url": ("value",),
    "user-account": ("account_type", "user_id", "account_login"),
    "windows-registry-key": ("key", "values"),
    "x509-certificate": ("hashes", "serial_number"),
}


def at(when: str) -> str:
    """The STIX timestamp of `day HH:MM`, days counted from the first of the story."""
    day, _, clock = when.partition(" ")
    hours, _, minutes = (clock or "09:00").partition(":")
    instant = FIRST_DAY + timedelta(days=int(day), hours=int(hours), minutes=int(minutes))
    return instant.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def sha256(name: str) -> str:
    """A SHA-256 that belongs to no program: of a sentence with this name."""
    return hashlib.sha256(f"A sample for the Comity demo: {name}".encode()).hexdigest()


def id_of(kind: str, key: str) -> str:
    """The id of the thing that the story calls `key`."""
    digest = hashlib.sha256(f"comity story {kind} {key}".encode()).digest()
    return f"{kind}--{UUID(bytes=digest[:16], version=4)}"


def observable_id(kind: str, members: JsonObject) -> str:
    """The deterministic id that STIX 2.1 section 2.9 gives an observable; process has none and gets one by name."""
    names = _CONTRIBUTING.get(kind, ())
    given = {name: members[name] for name in names if name in members}
    if "hashes" in given:
        # Of several hashes the first in this order counts, alone.
        best = next(name for name in ("MD5", "SHA-1", "SHA-256", "SHA-512") if name in given["hashes"])
        given["hashes"] = {best: given["hashes"][best]}
    if not given:
        return id_of(kind, canonical_bytes(members).decode())
    return f"{kind}--{uuid5(_SCO_NAMESPACE, canonical_bytes(given).decode())}"


@dataclass(slots=True)
class Pen:
    """Writes the story: every object once, in the order in which it was told."""

    objects: list[JsonObject] = field(default_factory=list)
    _places: dict[tuple[str, str], int] = field(default_factory=dict)

    def write(self, value: JsonObject) -> str:
        """The object is part of the story, unless it was before; its id."""
        place = (str(value["id"]), str(value.get("modified") or value.get("created", "")))
        if place not in self._places:
            self._places[place] = len(self.objects)
            self.objects.append(value)
        return str(value["id"])

    def tell(self, kind: str, key: str, when: str, by: str, tlp: TLP | str, **members: Any) -> str:
        """A domain or relationship object with these members, made `when` by that organization; its id."""
        instant = at(when)
        value: JsonObject = {
            "type": kind,
            "spec_version": "2.1",
            "id": id_of(kind, key),
            "created_by_ref": id_of("identity", by),
            "created": instant,
            "modified": instant,
        }
        return self.write(value | members | {"object_marking_refs": [marking_id(tlp)]})

    def again(self, id: str, when: str, **changes: Any) -> str:
        """A new version of the object, with these changes; members set to None are left out."""
        last = next(one for one in reversed(self.objects) if one["id"] == id)
        value = last | {"modified": at(when)} | changes
        return self.write({name: member for name, member in value.items() if member is not None})

    def see(self, kind: str, tlp: TLP, **members: Any) -> str:
        """An observable; its id."""
        value: JsonObject = {"type": kind, "spec_version": "2.1", "id": observable_id(kind, members)}
        return self.write(value | members | {"object_marking_refs": [marking_id(tlp)]})

    def link(self, source: str, word: str, target: str, when: str, by: str, tlp: TLP, **members: Any) -> str:
        """A relationship between two objects; its id."""
        key = f"{source} {word} {target}"
        fields = {"relationship_type": word, "source_ref": source, "target_ref": target}
        return self.tell("relationship", key, when, by, tlp, **fields, **members)


def marking_id(tlp: TLP | str) -> str:
    """The id of the TLP 2.0 marking, or of the one that the story calls by that name."""
    if isinstance(tlp, TLP):
        return MARKING_IDS[tlp]
    return tlp if tlp.startswith("marking-definition--") else id_of("marking-definition", tlp)


def attack(technique: str) -> JsonObject:
    """A reference to a technique of MITRE ATT&CK."""
    return {
        "source_name": "mitre-attack",
        "external_id": technique,
        "url": f"https://attack.mitre.org/techniques/{technique.replace('.', '/')}",
    }


def phase(*names: str) -> list[JsonObject]:
    """Kill chain phases of ATT&CK."""
    return [{"kill_chain_name": "mitre-attack", "phase_name": name} for name in names]
