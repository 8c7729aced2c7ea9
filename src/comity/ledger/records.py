"""What an entry of the log says, and how the log holds it without telling (R26).

A *record* is the canonical JSON (RFC 8785) of one act: when it was, of which kind, and further facts. The log holds its
*commitment* alone, HMAC-SHA256 (RFC 2104) of the record under a nonce. Record and nonce together are the *opening*:
who has it can compare it with the log, and who has not learns nothing. Once it is destroyed, nobody can.
"""

import hmac
import json
from binascii import b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec

from comity.canonical import canonical_bytes
from comity.errors import Invalid, Unverified

NONCE_BYTES = 16
"""As strong as SHA-256 is against collisions, which is what binds: 128 bits (NIST SP 800-107 Rev. 1 section 5.3.4)."""
COMMITMENT_BYTES = 32
RECORD_BYTES_MAX = 64 * 1024
LISTED_MOST = 100
"""Longer lists of texts stand in a record as a digest, so that none makes it too long."""
PADDING = "padding"
_INTEGER_MAX = 2**53 - 1
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
_INNER_END, _OUTER_END = b"\x36" * (64 - NONCE_BYTES), b"\x5c" * (64 - NONCE_BYTES)
_FOR_URLS = bytes.maketrans(b"+/", b"-_")
_encoded = msgspec.json.Encoder(order="sorted").encode
_CONTAINERS = (dict, list, tuple)
_RULE = "comity-ledger/1, records"


@dataclass(frozen=True, slots=True)
class Record:
    """One act: when it was in microseconds since 1970 UTC, its kind, and the further facts."""

    at: int
    kind: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens a commitment: the bytes of the record, and the nonce of 16 random bytes."""

    record: bytes
    nonce: bytes

    @property
    def commitment(self) -> bytes:
        """The commitment that this opens, and no other."""
        return commitment(self.nonce, self.record)

    def read(self, entry: bytes) -> Record:
        """The record, which is that of the entry. Unverified where this does not open the entry."""
        if not hmac.compare_digest(self.commitment, entry):
            raise Unverified(
                "The record is not the one that was logged.", hint="One of record, nonce and entry was changed."
            )
        return read_record(self.record)


def commitment(nonce: bytes, record: bytes) -> bytes:
    """What the log holds of a record: 32 bytes that look random to who has not the nonce. ValueError for a nonce of
    another length."""
    if len(nonce) != NONCE_BYTES:
        raise ValueError(f"a nonce has {NONCE_BYTES} bytes, not {len(nonce)}")
    # HMAC under a key that is shorter than a block, in place: through `hmac` each one looks the algorithm up anew.
    inner = sha256(nonce.translate(_INNER) + _INNER_END + record).digest()
    return sha256(nonce.translate(_OUTER) + _OUTER_END + inner).digest()


def make_record(at: int, kind: str, facts: Mapping[str, Any] | None = None) -> bytes:
    """The bytes of a record. Invalid for facts that are not JSON without fractions, that have the names `at` or `kind`,
    or that are too long."""
    facts = facts or {}
    value = {**facts, "at": at, "kind": kind}
    if len(value) < len(facts) + 2:
        name = "at" if "at" in facts else "kind"
        raise Invalid(f"A fact may not be called {name!r}.", where=f"/{name}", rule=_RULE)
    _check(value)
    try:
        # For names of ASCII and numbers without fractions this is the form of RFC 8785. orjson would take a buffer of
        # 1 KiB for each record, and time with it.
        raw = _encoded(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise Invalid("The record cannot be written as JSON.", where="/", rule="RFC 8785") from error
    if len(raw) > RECORD_BYTES_MAX:
        raise _invalid("", f"has more than {RECORD_BYTES_MAX} bytes")
    return raw


def digest_text(digest: bytes) -> str:
    """How a record says a digest: Base 64 for URLs (RFC 4648 section 5) without padding."""
    return b2a_base64(digest, newline=False).rstrip(b"=").translate(_FOR_URLS).decode()


def fact(value: Any) -> Any:
    """How a record says the value, so that no list makes it too long and no number has two readings: a list of more
    than 100 texts by how many they are and the SHA-256 over all of them, each with a line end; a whole number that is
    beyond those of RFC 8785 as text (RFC 7493 section 2.2)."""
    if type(value) is int and not -_INTEGER_MAX <= value <= _INTEGER_MAX:
        return str(value)
    if not isinstance(value, list) or len(value) <= LISTED_MOST:
        return value
    digest = sha256("".join(f"{text}\n" for text in value).encode()).digest()
    return {"count": len(value), "digest": digest_text(digest)}


def read_record(raw: bytes) -> Record:
    """The record with these bytes. Invalid where they are not the canonical bytes of one."""
    if len(raw) > RECORD_BYTES_MAX:
        raise _invalid("", f"has more than {RECORD_BYTES_MAX} bytes")
    try:
        value = json.loads(raw.decode())
    except (ValueError, RecursionError) as error:
        raise _invalid("", "is not JSON") from error
    if not isinstance(value, dict):
        raise _invalid("", "is not a JSON object")
    _check(value)
    try:
        exact = canonical_bytes(value) == raw
    except ValueError:
        exact = False
    if not exact:
        raise _invalid("", "is not in the canonical form")
    return Record(value["at"], value["kind"], {name: value[name] for name in value if name not in ("at", "kind")})


def _check(value: Mapping[str, Any]) -> None:
    """What a record wants beyond JSON: an instant, a kind, and no number that could be written in two ways."""
    at, kind = value.get("at"), value.get("kind")
    if type(at) is not int or not 0 <= at <= _INTEGER_MAX:
        raise _invalid("/at", "is not a whole number of microseconds since 1970")
    if type(kind) is not str or not kind:
        raise _invalid("/kind", "is not a word")
    ahead: list[tuple[str, Any]] = [("", value)]
    for place, one in ahead:
        if isinstance(one, dict):
            _check_names(place, one)
        for name, inner in one.items() if isinstance(one, dict) else enumerate(one):
            # Text first: a record is made for every page that leaves, and hardly has anything else.
            if type(inner) is str:
                continue
            if type(inner) is int:
                if not -_INTEGER_MAX <= inner <= _INTEGER_MAX:
                    raise _invalid(f"{place}/{name}", "is beyond what RFC 8785 can say of whole numbers")
            elif isinstance(inner, _CONTAINERS):
                ahead.append((f"{place}/{name}", inner))
            elif inner is not None and type(inner) is not bool:
                raise _invalid(f"{place}/{name}", "is not text, a whole number, a truth value, a list or an object")


def _check_names(place: str, value: Mapping[Any, Any]) -> None:
    """All of them are looked at at once, since this is done for every record."""
    try:
        names = "".join(value)
    except TypeError:
        names = " "
    if not (names.isascii() and names.isprintable()) or " " in names or "" in value:
        raise _invalid(place, "has a name that is not of printable ASCII without spaces")


def _invalid(where: str, what: str) -> Invalid:
    return Invalid(f"The record {where} {what}.".replace("  ", " "), where=where or "/", rule=_RULE)
