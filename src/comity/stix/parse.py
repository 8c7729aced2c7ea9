"""Bytes to objects, each judged alone. A lenient source's objects keep their faults as findings; a strict one's do not
pass with a broken MUST; without a sound spine (`comity.stix.spine`) and I-JSON none passes."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import orjson

from comity.errors import Invalid
from comity.stix import ijson, rules, spine
from comity.stix.markings import forged, tlp_of
from comity.stix.object import VERSIONLESS, Finding, JsonObject, Rejected, StixObject
from comity.stix.schema import FINDINGS_MAX, Schemas
from comity.stix.timestamp import instant_key


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is taken of one object."""

    object_bytes_max: int = 8 * 2**20


LIMITS = Limits()
ID_CHARACTERS_SHOWN = 200
READ_AGAIN_BYTES_MAX = 2**20


def judge(
    raw: bytes,
    index: int,
    schemas: Schemas,
    *,
    strict: bool,
    limits: Limits = LIMITS,
    labels: bool = False,
    look: Callable[[JsonObject], object] | None = None,
) -> StixObject | Rejected:
    """The object, or why it is not taken. `index` is its place among those sent; `labels` says that its source means
    markings by its `tlp:*` labels; what `look` makes of the value is kept beside it. `raw` is kept as it is, without
    the white space around it."""
    if raw[:1] != b"{" or raw[-1:] != b"}":
        raw = raw.strip(b" \t\r\n")
        if raw[:1] != b"{":
            return Rejected(index, "", VERSIONLESS, (Finding("", "STIX 2.1 §3.2", "this is not a JSON object"),))
    try:
        value = ijson.read(raw, bytes_max=limits.object_bytes_max)
        version, instant = spine.read(value)
    except Invalid as error:
        return _rejected(raw, index, (Finding(error.where, error.rule, error.message),))
    if value["type"] == "marking-definition" and (fault := forged(value)) is not None:
        return _rejected(raw, index, (fault,))
    findings = schemas.findings(value)
    more = rules.findings(value)
    if findings or more:
        # What a MUST forbids comes first, so that it is named even where there are many.
        both = sorted((*findings, *more), key=lambda finding: not finding.must)
        findings = tuple(both[:FINDINGS_MAX])
        if strict and findings[0].must:
            return Rejected(index, value["id"], version, findings)
    return StixObject(
        raw,
        value["id"],
        value["type"],
        version,
        instant,
        hashlib.sha256(raw).digest(),
        "2.1",
        tlp_of(value, labels=labels),
        findings,
        None if look is None else look(value),
    )


def _rejected(raw: bytes, index: int, findings: tuple[Finding, ...]) -> Rejected:
    """The rejection with the id and the version as far as they can be read, so that the sender can be told which."""
    identifier, *dates = _head(raw)
    if len(identifier) > ID_CHARACTERS_SHOWN or not identifier.isprintable() or "\ufffd" in identifier:
        identifier = ""
    version = VERSIONLESS
    for text in dates:
        if instant_key(text) is not None:
            version = text
    return Rejected(index, identifier, version, findings)


class _Head(msgspec.Struct):
    """The members that tell which object it is, whatever they hold."""

    id: msgspec.Raw = msgspec.Raw(b'""')
    created: msgspec.Raw = msgspec.Raw(b'""')
    modified: msgspec.Raw = msgspec.Raw(b'""')


_heads = msgspec.json.Decoder(_Head)


def _head(raw: bytes) -> list[str]:
    """`id`, `created` and `modified`, each empty where it cannot be read.

    msgspec skips the rest without making anything of it. What it cannot read the standard library mostly can (lone
    surrogates, NaN), and whoever sent that should be told of which object it was; but that makes every value.
    """
    try:
        head = _heads.decode(raw)
        return [_text(head.id), _text(head.created), _text(head.modified)]
    except (msgspec.MsgspecError, ValueError, RecursionError):
        if len(raw) > READ_AGAIN_BYTES_MAX:
            return ["", "", ""]
    try:
        value = json.loads(raw.decode("utf-8", "replace"), parse_int=float)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        return ["", "", ""]
    return [text if isinstance(text := value.get(name), str) else "" for name in ("id", "created", "modified")]


def _text(raw: msgspec.Raw) -> str:
    value = orjson.loads(bytes(raw))
    return value if isinstance(value, str) else ""
