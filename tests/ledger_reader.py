"""A second reader of ledgers, written from the specifications alone: the definitions of RFC 9162 section 2.1 as they
stand there, by recursion over the whole list of entries, and the formats of C2SP. It shares no code with the product,
is slow, and wants no cleverness to be believed."""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def digest(data: bytes) -> bytes:
    """HASH of RFC 9162: SHA-256."""
    return hashlib.sha256(data).digest()


def split_of(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(entries: Sequence[bytes]) -> bytes:
    """The Merkle Tree Hash, section 2.1.1."""
    n = len(entries)
    if n == 0:
        return digest(b"")
    if n == 1:
        return digest(b"\x00" + entries[0])
    k = split_of(n)
    return digest(b"\x01" + mth(entries[:k]) + mth(entries[k:]))


def path(m: int, entries: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D_n), section 2.1.3.1."""
    n = len(entries)
    if n == 1:
        return []
    k = split_of(n)
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def proof(m: int, entries: Sequence[bytes]) -> list[bytes]:
    """PROOF(m, D_n), section 2.1.4.1, for 0 < m < n."""
    return subproof(m, entries, True)


def subproof(m: int, entries: Sequence[bytes], whole: bool) -> list[bytes]:
    """SUBPROOF(m, D_n, b), section 2.1.4.1."""
    n = len(entries)
    if m == n:
        return [] if whole else [mth(entries)]
    k = split_of(n)
    if m <= k:
        return [*subproof(m, entries[:k], whole), mth(entries[k:])]
    return [*subproof(m - k, entries[k:], False), mth(entries[:k])]


def root_by_path(m: int, n: int, leaf: bytes, hashes: list[bytes]) -> bytes:
    """The root to which PATH(m, D_n) leads from the leaf hash. ValueError where it is no path of that tree."""
    if n == 1:
        if hashes:
            raise ValueError("too many hashes")
        return leaf
    if not hashes:
        raise ValueError("too few hashes")
    k, last, rest = split_of(n), hashes[-1], hashes[:-1]
    if m < k:
        return digest(b"\x01" + root_by_path(m, k, leaf, rest) + last)
    return digest(b"\x01" + last + root_by_path(m - k, n - k, leaf, rest))


def roots_by_proof(m: int, n: int, hashes: list[bytes], first: bytes, whole: bool = True) -> tuple[bytes, bytes]:
    """Both roots to which SUBPROOF(m, D_n, b) leads. ValueError where it is none of these trees."""
    if m == n:
        if len(hashes) != (0 if whole else 1):
            raise ValueError("not as many hashes as there must be")
        return (first, first) if whole else (hashes[0], hashes[0])
    if not hashes:
        raise ValueError("too few hashes")
    k, last, rest = split_of(n), hashes[-1], hashes[:-1]
    if m <= k:
        old, new = roots_by_proof(m, k, rest, first, whole)
        return old, digest(b"\x01" + new + last)
    old, new = roots_by_proof(m - k, n - k, rest, first, False)
    return digest(b"\x01" + last + old), digest(b"\x01" + last + new)


def tile(level: int, number: int, entries: Sequence[bytes]) -> bytes:
    """The tile by its definition in tlog-tiles: MTH(D[(n * 256 + i) * 256**l : (n * 256 + i + 1) * 256**l]), as far as
    there are entries."""
    width = 256**level
    spans = [(number * 256 + i) * width for i in range(256)]
    return b"".join(mth(entries[begin : begin + width]) for begin in spans if begin + width <= len(entries))


@dataclass(frozen=True)
class Key:
    """A verifier key of signed-note."""

    name: str
    key_id: bytes
    kind: int
    public: bytes


def key_of(text: str) -> Key:
    """From `name+id+key`."""
    name, ident, material = text.split("+", 2)
    raw = base64.b64decode(material, validate=True)
    if digest(name.encode() + b"\n" + raw)[:4].hex() != ident or len(raw) != 33:
        raise ValueError("the id is not that of the key")
    return Key(name, bytes.fromhex(ident), raw[0], raw[1:])


def signers_of(note: str, keys: Sequence[Key]) -> tuple[str, set[str]]:
    """The text of a note, and the names of the known keys that signed it. ValueError where a signature does not hold,
    or is of nobody known."""
    text, _, under = note.rpartition("\n\n")
    text += "\n"
    if not under.endswith("\n"):
        raise ValueError("the last line has no end")
    found = set()
    for line in under.split("\n")[:-1]:
        dash, name, value = line.split(" ")
        raw = base64.b64decode(value, validate=True)
        if dash != "\u2014" or base64.b64encode(raw).decode() != value:
            raise ValueError("no signature line")
        matching = [one for one in keys if (one.name, one.key_id) == (name, raw[:4])]
        if not matching:
            raise ValueError("signed by nobody known")
        key = matching[0]
        message, signature = text.encode(), raw[4:]
        if key.kind == 4:
            seconds = int.from_bytes(signature[:8], "big")
            message, signature = f"cosignature/v1\ntime {seconds}\n{text}".encode(), signature[8:]
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
        except InvalidSignature:
            raise ValueError("a signature does not hold") from None
        found.add(name)
    return text, found


def canonical(value: Any) -> str:
    """RFC 8785 for what ledgers hold: no fractions, and names of ASCII."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def read_ledger(raw: bytes) -> tuple[int, bytes]:
    """Size and root of an exported ledger in which all is well by its own keys. ValueError, KeyError or TypeError where
    something is not."""
    if not raw.endswith(b"\n"):
        raise ValueError("the last line has no end")
    lines = [json.loads(line) for line in raw[:-1].split(b"\n")]
    if "\n".join(map(canonical, lines)) + "\n" != raw.decode():
        raise ValueError("a line is not canonical")
    head, *rest = lines
    if sorted(head) != ["format", "keys", "node", "origin"] or head["format"] != "comity-ledger/1":
        raise ValueError("another format")
    if not head["node"] or not head["origin"].startswith(head["node"] + "/"):
        raise ValueError("the origin does not begin with the node")
    keys = [key_of(text) for text in head["keys"]]
    entries: list[bytes] = []
    at, covered = 0, -1
    for line in rest:
        if "checkpoint" in line:
            covered = _checkpoint(line, head["origin"], keys, entries)
        else:
            at = _entry(line, entries, at)
    if covered != len(entries) or "checkpoint" not in rest[-1]:
        raise ValueError("no checkpoint at the end")
    return len(entries), mth(entries)


def _checkpoint(line: dict[str, Any], origin: str, keys: list[Key], entries: list[bytes]) -> int:
    (note,) = line.values()
    text, names = signers_of(note, keys)
    wanted = f"{origin}\n{len(entries)}\n{base64.b64encode(mth(entries)).decode()}\n"
    if not text.startswith(wanted) or origin not in names:
        raise ValueError("the checkpoint is not one over these entries")
    return len(entries)


def _entry(line: dict[str, Any], entries: list[bytes], at: int) -> int:
    if sorted(line) != ["commitment", "nonce", "record", "seq"] or line["seq"] != len(entries):
        raise ValueError("no entry, or not in its place")
    commitment = base64.b64decode(line["commitment"], validate=True)
    if base64.b64encode(commitment).decode() != line["commitment"] or len(commitment) != 32:
        raise ValueError("no commitment")
    entries.append(commitment)
    if line["nonce"] is None and line["record"] is None:
        return at
    nonce = base64.b64decode(line["nonce"], validate=True)
    if base64.b64encode(nonce).decode() != line["nonce"] or len(nonce) != 16:
        raise ValueError("no nonce")
    if hmac.new(nonce, line["record"].encode(), hashlib.sha256).digest() != commitment:
        raise ValueError("the record is not what was logged")
    record = json.loads(line["record"])
    if canonical(record) != line["record"] or not record["kind"] or record["at"] < at:
        raise ValueError("no record, or one from before the last")
    return int(record["at"])
