"""The file in which a ledger is given to others: lines of canonical JSON, `comity-ledger/1`.

The first line says whose log it is and lists the keys of all signatures in the file. Then each entry has its line, and
each checkpoint stands right behind the last entry that it covers; the last line is one over all entries. What may be
wrong with such a file is what `comity.ledger.audit` looks for; here it is written, and read as it stands.
"""

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Any

from comity.canonical import canonical_bytes
from comity.errors import Invalid
from comity.ledger.checkpoint import read_checkpoint
from comity.ledger.note import KEY_TEXT_MAX, NOTE_BYTES_MAX, base64_bytes, read_note
from comity.ledger.records import COMMITMENT_BYTES, NONCE_BYTES, RECORD_BYTES_MAX, Opening

FORMAT = "comity-ledger/1"
KEYS_MAX = 1000
LINE_BYTES_MAX = 1024 * 1024
"""More than any line has: a record of control characters grows sixfold when it is quoted."""
_INTEGER_MAX = 2**53 - 1
_RULE = FORMAT


@dataclass(frozen=True, slots=True)
class Head:
    """Whose ledger it is: the node, the origin of its log, which begins with the node and a slash, and the verifier
    keys of log and witnesses, old ones too."""

    node: str
    origin: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the log: its sequence number from 0, its commitment, and its opening where that is there and for the
    reader."""

    seq: int
    commitment: bytes
    opening: Opening | None = None


Part = Entry | str
"""An entry, or a checkpoint as its signed note."""


def write_export(head: Head, parts: Iterable[Part]) -> Iterator[bytes]:
    """The lines of the file. ValueError where entries do not rise by one from 0, and where a checkpoint does not stand
    behind what it covers or is missing at the end."""
    if not head.node or not head.origin.startswith(f"{head.node}/"):
        raise ValueError("an origin is the node, a slash and the name of the log")
    keys = list(head.keys)
    yield canonical_bytes({"format": FORMAT, "keys": keys, "node": head.node, "origin": head.origin}) + b"\n"
    size, covered = 0, -1
    for part in parts:
        if isinstance(part, str):
            covered = read_checkpoint(read_note(part)[0]).size
            if covered != size:
                raise ValueError(f"a checkpoint over {covered} entries does not stand behind {size}")
            yield f'{{"checkpoint":{encode_basestring(part)}}}\n'.encode()
        else:
            if part.seq != size:
                raise ValueError(f"entry {part.seq} does not stand in the place {size}")
            size += 1
            yield _entry_line(part)
    if covered != size:
        raise ValueError(f"no checkpoint at the end covers all {size} entries")


def read_export(lines: Iterable[bytes]) -> tuple[Head, Iterator[Part]]:
    """Whose ledger it is, and its parts, read as they are asked for. Nothing is verified, no order either. Invalid,
    with the line as the place, where a line has not the form that it must have."""
    ahead = iter(lines)
    return _head(next(ahead, b"")), (_part(number, line) for number, line in enumerate(ahead, 2))


def _entry_line(entry: Entry) -> bytes:
    nonce = record = "null"
    if entry.opening is not None:
        nonce = f'"{base64.b64encode(entry.opening.nonce).decode()}"'
        record = encode_basestring(entry.opening.record.decode())
    commitment = base64.b64encode(entry.commitment).decode()
    line = f'{{"commitment":"{commitment}","nonce":{nonce},"record":{record},"seq":{entry.seq}}}\n'
    return line.encode()


def _head(line: bytes) -> Head:
    value = _object(1, line)
    keys = value.get("keys")
    if value.get("format") != FORMAT or value.keys() != {"format", "keys", "node", "origin"}:
        raise _invalid(1, f"it is not the first line of a file in the form {FORMAT}")
    if not isinstance(keys, list) or len(keys) > KEYS_MAX or not all(_is_text(key, KEY_TEXT_MAX) for key in keys):
        raise _invalid(1, "it has no list of keys")
    node, origin = value["node"], value["origin"]
    if not _is_text(node, KEY_TEXT_MAX) or not _is_text(origin, KEY_TEXT_MAX) or not origin.startswith(f"{node}/"):
        raise _invalid(1, "its origin does not begin with its node and a slash")
    return Head(node, origin, tuple(keys))


def _part(number: int, line: bytes) -> Part:
    value = _object(number, line)
    if value.keys() == {"checkpoint"} and _is_text(value["checkpoint"], NOTE_BYTES_MAX):
        return str(value["checkpoint"])
    if value.keys() != {"commitment", "nonce", "record", "seq"}:
        raise _invalid(number, "it is neither an entry nor a checkpoint")
    seq, nonce, record = value["seq"], value["nonce"], value["record"]
    if type(seq) is not int or not 0 <= seq <= _INTEGER_MAX:
        raise _invalid(number, "its seq is no whole number")
    commitment = _hash(number, "commitment", value["commitment"], COMMITMENT_BYTES)
    if nonce is None and record is None:
        return Entry(seq, commitment)
    if not _is_text(record, RECORD_BYTES_MAX):
        raise _invalid(number, "it has no record beside its nonce, or one that is too long")
    return Entry(seq, commitment, Opening(record.encode(), _hash(number, "nonce", nonce, NONCE_BYTES)))


def _object(number: int, line: bytes) -> dict[str, Any]:
    """The object in a line that is written in the one way that there is."""
    if len(line) > LINE_BYTES_MAX:
        raise _invalid(number, f"it has more than {LINE_BYTES_MAX} bytes")
    try:
        value = json.loads(line)
        exact = isinstance(value, dict) and canonical_bytes(value) + b"\n" == line
    except (ValueError, RecursionError):
        exact = False
    if not exact:
        raise _invalid(number, "it is no JSON object in the canonical form")
    assert isinstance(value, dict)
    return value


def _hash(number: int, name: str, text: object, count: int) -> bytes:
    raw = base64_bytes(text) if isinstance(text, str) else None
    if raw is None or len(raw) != count:
        raise _invalid(number, f"its {name} is not {count} bytes in Base 64")
    return raw


def _is_text(value: object, most: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= most


def _invalid(number: int, why: str) -> Invalid:
    return Invalid(f"Line {number} of the ledger cannot be read: {why}.", where=f"line {number}", rule=_RULE)
