"""What every object must have, whatever its source is trusted with: a type, an id, real dates, readable markings."""

import re
from functools import lru_cache

from comity.errors import InvalidObject
from comity.stix.object import VERSIONLESS, JsonObject
from comity.stix.tables import OBSERVABLES, SECTIONS, TIMES
from comity.stix.timestamp import instant_key
from comity.stix.words import shown

TYPE_MAX = 250
_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_TYPE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*-?")
_IDENTIFIER = re.compile(rf"([a-z0-9]+(?:-[a-z0-9]+)*-?)--{_UUID}")
_MARKING = re.compile(rf"marking-definition--{_UUID}")
_MARKING_LENGTH = len("marking-definition--") + 36
_IDENTIFIER_MAX = TYPE_MAX + 2 + 36

_ID_RULE = "STIX 2.1 §2.9"
_TIME_RULE = "STIX 2.1 §2.16"
_COMMON_RULE = "STIX 2.1 §3.2"
_MARKING_RULE = "STIX 2.1 §7.2"


def type_of_id(identifier: object) -> str | None:
    """The type that an identifier names; None where it is none."""
    if type(identifier) is not str or len(identifier) > _IDENTIFIER_MAX:
        return None
    match = _IDENTIFIER.fullmatch(identifier)
    return None if match is None else match[1]


def read(value: JsonObject) -> tuple[str, str]:
    """The version of the object, as it is written and as an instant key. Raises InvalidObject where the spine fails."""
    kind, identifier = value.get("type"), value.get("id")
    match = _IDENTIFIER.fullmatch(identifier) if type(identifier) is str else None
    if match is None or match[1] != kind or not 3 <= len(kind) <= TYPE_MAX:
        raise _no_identity(value)
    if value.get("spec_version") != "2.1":
        _check_edition(value, kind)
    version = None
    for name in ("created", "modified"):
        # A first version names one instant twice.
        if name in value and (version is None or value[name] != version):
            version = value[name]
            instant = _instant(version, name)
    for name in TIMES.get(kind, ()):
        if name in value:
            _instant(value[name], name)
    if "object_marking_refs" in value or "granular_markings" in value:
        _check_markings(value)
    if version is None:
        return VERSIONLESS, _VERSIONLESS_INSTANT
    return version, instant


_VERSIONLESS_INSTANT = str(instant_key(VERSIONLESS))


def _instant(text: object, where: str) -> str:
    instant = instant_key(text) if type(text) is str else None
    if instant is None:
        problem = f"{shown(text, 60)} is no instant; the form is YYYY-MM-DDThh:mm:ss.sssZ, of a real date"
        raise InvalidObject(problem, where=where, rule=_TIME_RULE)
    return instant


def _no_identity(value: JsonObject) -> InvalidObject:
    kind, identifier = value.get("type"), value.get("id")
    if type(kind) is not str or not 3 <= len(kind) <= TYPE_MAX or not _TYPE.fullmatch(kind):
        problem = "the type is missing" if "type" not in value else f"{shown(kind)} is no type name"
        return InvalidObject(problem, where="type", rule=_COMMON_RULE)
    named = type_of_id(identifier)
    if named is None:
        problem = "the id is missing" if "id" not in value else f"{shown(identifier)} is not of the form type--UUID"
        return InvalidObject(problem, where="id", rule=_ID_RULE)
    return InvalidObject(
        f"the id names the type {shown(named)}, the object is of type {shown(kind)}", where="id", rule=_ID_RULE
    )


def _check_edition(value: JsonObject, kind: str) -> None:
    if kind == "bundle":
        problem = "a bundle is no STIX object and is not taken inside another; send the objects that it holds"
        raise InvalidObject(problem, where="type", rule="STIX 2.1 §8")
    if "spec_version" not in value:
        dated = "created" in value or "modified" in value
        if kind in OBSERVABLES or (kind not in SECTIONS and not dated):
            return
        why = "it has no spec_version"
    elif value["spec_version"] == "2.0":
        why = "its spec_version says so"
    else:
        problem = f"spec_version is {shown(value['spec_version'], 40)}; this node reads STIX 2.1 only"
        raise InvalidObject(problem, where="spec_version", rule=_COMMON_RULE)
    raise InvalidObject(
        f"this is a STIX 2.0 object ({why}), and only STIX 2.1 is taken; upgrade it, for example with stix2-elevator",
        where="spec_version",
        rule=_COMMON_RULE,
    )


def _check_markings(value: JsonObject) -> None:
    refs = value.get("object_marking_refs", [])
    if type(refs) is not list:
        raise _no_marking(refs, "object_marking_refs")
    for number, ref in enumerate(refs):
        if not _is_marking(ref):
            raise _no_marking(ref, f"object_marking_refs[{number}]")
    granular = value.get("granular_markings")
    if granular is None and "granular_markings" not in value:
        return
    if type(granular) is not list:
        raise _no_marking(granular, "granular_markings")
    for number, entry in enumerate(granular):
        if type(entry) is not dict:
            raise _no_marking(entry, f"granular_markings[{number}]")
        if "marking_ref" in entry and not _is_marking(entry["marking_ref"]):
            raise _no_marking(entry["marking_ref"], f"granular_markings[{number}].marking_ref")


def _is_marking(ref: object) -> bool:
    return type(ref) is str and len(ref) == _MARKING_LENGTH and _matches_marking(ref)


# A source uses the same few markings again and again.
@lru_cache(maxsize=1024)
def _matches_marking(ref: str) -> bool:
    return _MARKING.fullmatch(ref) is not None


def _no_marking(found: object, where: str) -> InvalidObject:
    problem = f"{shown(found)} is no reference to a marking (marking-definition--UUID), so nobody can tell who may see"
    return InvalidObject(f"{problem} the object", where=where, rule=_MARKING_RULE)
