"""One file that proves to who has the key of a log that an entry is in it (C2SP tlog-proof)."""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass

from comity.errors import Invalid
from comity.ledger.checkpoint import SIZE_MAX, Seen, open_checkpoint
from comity.ledger.merkle import HASH_BYTES, PROOF_HASHES_MAX, leaf_hash, verify_inclusion
from comity.ledger.note import NOTE_BYTES_MAX, Verifier, base64_bytes

FIRST_LINE = "c2sp.org/tlog-proof@v1"
EXTRA_BYTES_MAX = 256 * 1024
PROOF_BYTES_MAX = NOTE_BYTES_MAX + 2 * EXTRA_BYTES_MAX
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)
_RULE = "C2SP tlog-proof"


@dataclass(frozen=True, slots=True)
class Proof:
    """The entry `index` is in the log at the checkpoint, which stands as its signed note; `extra` are bytes that
    nothing proves, None where there are none."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    def text(self) -> str:
        """The file."""
        extra = [] if self.extra is None else [f"extra {_base64(self.extra)}"]
        lines = [FIRST_LINE, *extra, f"index {self.index}", *map(_base64, self.path), "", self.checkpoint]
        return "\n".join(lines)

    def verify(self, entry: bytes, verifiers: Iterable[Verifier], *, origin: str | None = None) -> Seen:
        """That entry is in the log, by a checkpoint that a known key of it has signed. Unverified where the proof does
        not show it, Invalid where its checkpoint is none."""
        seen = open_checkpoint(self.checkpoint, verifiers, origin=origin)
        verify_inclusion(leaf_hash(entry), self.index, seen.checkpoint.size, seen.checkpoint.root, self.path)
        return seen


def read_proof(raw: str | bytes) -> Proof:
    """The proof in the file; nothing of it was verified. Invalid for what is none."""
    head, parted, checkpoint = _decoded(raw).partition("\n\n")
    lines = head.split("\n")
    if not parted or lines.pop(0) != FIRST_LINE:
        raise _malformed(f"it does not begin with {FIRST_LINE}, or has no empty line")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = _bytes(lines.pop(0)[len("extra ") :], "its extra data")
        if len(extra) > EXTRA_BYTES_MAX:
            raise _malformed(f"its extra data has more than {EXTRA_BYTES_MAX} bytes")
    index = _INDEX.fullmatch(lines.pop(0)) if lines else None
    if index is None or int(index[1]) > SIZE_MAX:
        raise _malformed("it has no index")
    if len(lines) > PROOF_HASHES_MAX:
        raise _malformed(f"it has more than {PROOF_HASHES_MAX} hashes")
    path = tuple(_bytes(line, "a line of it") for line in lines)
    if any(len(each) != HASH_BYTES for each in path):
        raise _malformed("a line of it is no hash")
    return Proof(int(index[1]), path, checkpoint, extra)


def _decoded(raw: str | bytes) -> str:
    if len(raw) > PROOF_BYTES_MAX:
        raise _malformed(f"it has more than {PROOF_BYTES_MAX} bytes")
    try:
        return raw.decode() if isinstance(raw, bytes) else raw
    except UnicodeDecodeError as error:
        raise _malformed("it is not UTF-8") from error


def _bytes(text: str, what: str) -> bytes:
    raw = base64_bytes(text)
    if raw is None:
        raise _malformed(f"{what} is not Base 64")
    return raw


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _malformed(why: str) -> Invalid:
    return Invalid(f"The proof cannot be read: {why}.", where="proof", rule=_RULE)
