"""The hostile corpus: requests in `tests/hostile/*.toml`, read into values. How they are written: the README there."""

import base64
import gzip
import tomllib
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
import zstandard

FOLDER = Path(__file__).parent / "hostile"
NAMESPACE = uuid.UUID("6f0d1c5e-9a52-4b0e-8f35-2f8f6f1c7a11")
SENT_AT = "2026-01-02T03:04:05.678Z"

_KEYS = frozenset(
    {
        "name", "why", "method", "path", "query", "headers", "without_headers", "as", "body", "objects", "object",
        "chunked", "raw", "expect", "code", "where", "place", "may_store", "taxii", "patience", "seconds",
    }
)  # fmt: skip
_OBJECT_KEYS = frozenset({"base", "set", "without"})
WHO = frozenset(
    {"full", "basic", "strict", "none", "wrong", "expired", "revoked", "read_only", "write_only", "other", "header"}
)

BASES: Mapping[str, Mapping[str, Any]] = {
    "indicator": {
        "type": "indicator",
        "spec_version": "2.1",
        "id": "indicator--{uuid}",
        "created": SENT_AT,
        "modified": SENT_AT,
        "name": "a hostile case",
        "indicator_types": ["malicious-activity"],
        "pattern": "[ipv4-addr:value = '198.51.100.7']",
        "pattern_type": "stix",
        "valid_from": SENT_AT,
    },
    "report": {
        "type": "report",
        "spec_version": "2.1",
        "id": "report--{uuid}",
        "created": SENT_AT,
        "modified": SENT_AT,
        "name": "a hostile case",
        "published": SENT_AT,
        "object_refs": ["indicator--5bb1ed24-4a1a-4a56-8b6a-3ba2b3b9a2f1"],
    },
    "relationship": {
        "type": "relationship",
        "spec_version": "2.1",
        "id": "relationship--{uuid}",
        "created": SENT_AT,
        "modified": SENT_AT,
        "relationship_type": "related-to",
        "source_ref": "indicator--5bb1ed24-4a1a-4a56-8b6a-3ba2b3b9a2f1",
        "target_ref": "malware--5bb1ed24-4a1a-4a56-8b6a-3ba2b3b9a2f1",
    },
    "marking-definition": {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": "marking-definition--{uuid}",
        "created": SENT_AT,
        "definition_type": "statement",
        "definition": {"statement": "a hostile case"},
    },
    "ipv4-addr": {"type": "ipv4-addr", "spec_version": "2.1", "id": "ipv4-addr--{uuid}", "value": "198.51.100.7"},
    "empty": {},
}


@dataclass(frozen=True, slots=True)
class Case:
    """One hostile request and what must come of it.

    `expect` holds the statuses that are right; 0 among them means that the connection may also end, or stay, without an
    answer. `code` is the `error_code` of the refusal, `where` is in its place; `place` is in the message of the failure
    that the status resource reports. `may_store` says whether any object may be stored or withdrawn.
    """

    family: str
    name: str
    method: str
    path: str
    query: str | None
    who: str
    headers: tuple[tuple[str, Any], ...]
    body: Any
    raw: Any
    expect: tuple[int, ...]
    code: str = ""
    where: str = ""
    place: str = ""
    may_store: bool = False
    taxii: bool = True
    chunked: bool = False
    patience_seconds: float = 15.0
    seconds_max: float = 5.0
    names: Mapping[bytes, bytes] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The name by which a failing case is found again."""
        return f"{self.family}: {self.name}"


def load() -> list[Case]:
    """Every case of the corpus, in the order of the files."""
    return [case for path in sorted(FOLDER.glob("*.toml")) for case in load_file(path)]


def load_file(path: Path) -> list[Case]:
    """The cases of one family."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    given = content.get("defaults", {})
    cases = []
    for entry in content["case"]:
        unknown = entry.keys() - _KEYS
        assert not unknown, f"{path.name}: {entry.get('name')}: unknown {unknown}"
        cases.append(_case(path.stem, {**given, **entry}))
    return cases


def _case(family: str, entry: dict[str, Any]) -> Case:
    number = uuid.uuid5(NAMESPACE, f"{family}: {entry['name']}")
    names = {b"{uuid}": str(number).encode(), b"{uuid2}": str(uuid.uuid5(number, "2")).encode()}
    names[b"{good}"] = object_bytes({}, names)
    names[b"{good2}"] = names[b"{good}"].replace(names[b"{uuid}"], names[b"{uuid2}"])
    headers = entry.get("headers", [])
    pairs = [(name, value) for name, value in (headers.items() if isinstance(headers, dict) else headers)]
    pairs += [(name, None) for name in entry.get("without_headers", [])]
    body = entry.get("body")
    if "object" in entry:
        body = {"object": entry["object"]}
    if "objects" in entry:
        body = {"join": ['{"objects":[', {"between": [",", *entry["objects"]]}, "]}"]}
    who = entry.get("as", "full")
    assert who in WHO, f"{family}: {entry['name']}: as {who}"
    return Case(
        family=family,
        name=entry["name"],
        method=entry.get("method", "GET" if body is None else "POST"),
        path=entry.get("path", "{collection}objects/"),
        query=entry.get("query"),
        who=who,
        headers=tuple(pairs),
        body=body,
        raw=entry.get("raw"),
        expect=_statuses(entry["expect"]),
        code=entry.get("code", ""),
        where=entry.get("where", ""),
        place=entry.get("place", ""),
        may_store=entry.get("may_store", False),
        taxii=entry.get("taxii", True),
        chunked=entry.get("chunked", False),
        patience_seconds=entry.get("patience", 15.0),
        seconds_max=entry.get("seconds", 5.0),
        names=names,
    )


def _statuses(expected: Any) -> tuple[int, ...]:
    """A status, `4xx`, `refused` (any 4xx, or no answer), `silence`, or a list of such."""
    if isinstance(expected, int):
        return (expected,)
    if isinstance(expected, list):
        return tuple(sorted({status for one in expected for status in _statuses(one)}))
    return {"4xx": tuple(range(400, 500)), "refused": (0, *range(400, 500)), "silence": (0,)}[expected]


def object_bytes(change: Mapping[str, Any], names: Mapping[bytes, bytes]) -> bytes:
    """A sound object with some of its members set (to JSON text, which need not be any) and others left out."""
    assert change.keys() <= _OBJECT_KEYS, change.keys()
    members = {name: orjson.dumps(value) for name, value in BASES[change.get("base", "indicator")].items()}
    for name in change.get("without", []):
        del members[name]
    members |= {name: build(value, names) for name, value in change.get("set", {}).items()}
    text = b",".join(orjson.dumps(name) + b":" + value for name, value in members.items())
    return _fill(b"{" + text + b"}", names)


def build(expression: Any, names: Mapping[bytes, bytes]) -> bytes:
    """The bytes that an expression of the corpus stands for."""
    if isinstance(expression, str):
        return _fill(expression.encode(), names)
    ((verb, what),) = expression.items()
    if verb == "object":
        return b'{"objects":[' + object_bytes(what, names) + b"]}"
    if verb == "bare":
        return object_bytes(what, names)
    if verb in ("base64", "hex"):
        return base64.b64decode(what) if verb == "base64" else bytes.fromhex(what)
    if verb == "repeat":
        return build(what[0], names) * int(what[1])
    if verb == "join":
        return b"".join(build(part, names) for part in what)
    if verb == "between":
        return build(what[0], names).join(build(part, names) for part in what[1:])
    if verb == "numbers":
        template, count, separator = what
        return _fill(separator.join(template.replace("{n}", f"{n:012d}") for n in range(count)).encode(), names)
    if verb == "encode":
        return str(what[1]).encode(what[0])
    if verb == "cut":
        return build(what[0], names)[: int(what[1])]
    return _packed(verb, what, names)


def _packed(verb: str, what: Any, names: Mapping[bytes, bytes]) -> bytes:
    plain = build(what, names)
    if verb == "gzip":
        return _gzip(plain)
    if verb == "zstd":
        return zstandard.ZstdCompressor(level=3).compress(plain)
    if verb == "zstd_unsized":
        return zstandard.ZstdCompressor(level=3, write_content_size=False).compress(plain)
    if verb == "deflate":
        return zlib.compress(plain)
    if verb == "chunked":
        return b"%x\r\n%b\r\n0\r\n\r\n" % (len(plain), plain)
    raise AssertionError(f"no verb {verb}")


@lru_cache(maxsize=8)
def _gzip(plain: bytes) -> bytes:
    return gzip.compress(plain, compresslevel=6, mtime=0)


def _fill(text: bytes, names: Mapping[bytes, bytes]) -> bytes:
    for name, value in names.items():
        text = text.replace(name, value)
    return text
