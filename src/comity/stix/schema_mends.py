"""Places where the OASIS schemas say something else than the standard, mended when loaded, each with its reason."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

JsonDoc = Mapping[str, Any]

_OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"


@dataclass(frozen=True, slots=True)
class Mend:
    """What stands at `pointer` of the document named `document` is `was`, and becomes `becomes`, because of `reason`.
    A list at `pointer` stays a list: `was` is the member that is exchanged."""

    document: str
    pointer: tuple[str | int, ...]
    was: Any
    becomes: Any
    reason: str


def _ipv6(pattern: str) -> str:
    """The OASIS pattern with the backslashes that it has lost."""
    broken_octet = "(25[0-5]|2[0-4]d|1dd|[1-9]?d)"
    whole = pattern.replace(f"(.{broken_octet})", rf"(\.{_OCTET})").replace(broken_octet, _OCTET)
    return whole.replace("^s*", "^").replace("(%.+)?s*", "(%[^/]+)?")


MENDS: tuple[Mend, ...] = (
    Mend(
        "observables/ipv6-addr",
        ("allOf", 1, "properties", "value", "pattern"),
        None,
        _ipv6,
        "It lost its backslashes (`1dd|[1-9]?d`), so it refuses ::ffff:192.0.2.1 and takes `s::1`.",
    ),
    Mend(
        "common/granular-marking",
        ("required",),
        ["selectors", "marking_ref"],
        ["selectors"],
        "A granular marking may give the language of a text instead (STIX 2.1 §7.2.3.1); that it gives one of the two "
        "is checked apart.",
    ),
    Mend(
        "common/granular-marking",
        ("properties", "selectors", "items", "pattern"),
        None,
        lambda pattern: pattern.replace("[a-z0-9_-]{1,250}", "[A-Za-z0-9_-]{1,250}"),
        "Keys of dictionaries may have capitals (STIX 2.1 §2.3), as `hashes.SHA-256` has.",
    ),
    Mend(
        "observables/windows-registry-key",
        ("allOf", 1, "properties", "key", "not", "pattern"),
        "^HKLM|HKCC|HKCR|HKCU|HKU|hklm|hkcc|hkcr|hkcu|hku",
        r"^(HKLM|HKCC|HKCR|HKCU|HKU|hklm|hkcc|hkcr|hkcu|hku)(\\|$)",
        "Only its first alternative is anchored, so it refuses every key with `hku` in the middle of a name; the "
        "standard forbids a shortened hive (STIX 2.1 §6.17.1).",
    ),
    Mend(
        "observables/windows-registry-key",
        ("anyOf", 2, "required", 0),
        "modified",
        "modified_time",
        "The property is called modified_time (STIX 2.1 §6.17.1); a key with that alone was refused.",
    ),
    Mend(
        "observables/email-message",
        ("definitions", "email-additional-header-fields", "patternProperties", "^[a-zA-Z0-9_-]{0,250}$"),
        None,
        {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "It takes a text or a list of two and more; the standard says always a list, which may hold one text "
        "(STIX 2.1 §6.6.1).",
    ),
    Mend(
        "observables/software",
        ("allOf", 1, "properties", "languages", "items", "pattern"),
        None,
        "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$",
        "It refuses tags of RFC 5646 with a script, such as zh-Hant; whether a tag is well formed is checked apart.",
    ),
    Mend(
        "sdos/observed-data",
        ("allOf", 1, "properties", "object_refs", "items", "anyOf", 0, "allOf", 1, "not", "pattern"),
        None,
        lambda pattern: f"{pattern}--",
        "It has no end, so it refuses observables of custom types such as `tool-mark--…` (STIX 2.1 §4.14.1).",
    ),
)


def mended(documents: Mapping[str, JsonDoc]) -> dict[str, dict[str, Any]]:
    """The documents with every mend made; those without one are the same values. A mend that does not fit raises
    ValueError, so that a new edition of the schemas cannot make one silently void."""
    result = {name: dict(doc) for name, doc in documents.items()}
    for mend in MENDS:
        doc = copy.deepcopy(result[mend.document])
        holder: Any = doc
        *path, last = mend.pointer
        try:
            for step in path:
                holder = holder[step]
            found = holder[last]
        except (KeyError, IndexError, TypeError):
            raise ValueError(f"the schema {mend.document} has nothing at {mend.pointer}") from None
        if mend.was is not None and found != mend.was:
            raise ValueError(f"the schema {mend.document} has something else at {mend.pointer}")
        becomes = mend.becomes(found) if callable(mend.becomes) else mend.becomes
        if becomes == found:
            raise ValueError(f"the schema {mend.document} needs no mend at {mend.pointer} any more")
        holder[last] = becomes
        result[mend.document] = doc
    return result
