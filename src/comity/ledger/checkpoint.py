"""What a log signs: how many entries it has, and the root over them (C2SP tlog-checkpoint); and what others add who
have seen it grow (C2SP tlog-cosignature, the kind of Ed25519)."""

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from comity.errors import Invalid, Unverified
from comity.ledger.merkle import HASH_BYTES
from comity.ledger.note import (
    ED25519,
    SIGNATURE_BYTES,
    Signature,
    Signer,
    Verifier,
    base64_bytes,
    checked,
    ed25519_holds,
    open_note,
    read_key_parts,
    read_verifier,
    sign_note,
    with_signatures,
)

COSIGNATURE = 0x04
SIZE_MAX = 2**63 - 1
SECONDS_MAX = 2**63 - 1
_STAMP_BYTES = 8
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_RULE = "C2SP tlog-checkpoint"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log that is named by its origin had this root over its first `size` entries. Extension lines say what the
    standard does not."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """The text that is signed. ValueError where the fields are none of a checkpoint."""
        text = "\n".join([self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions, ""])
        if read_checkpoint(text) != self:
            raise ValueError("an origin and extensions are lines that are not empty")
        return text


class Cosignatures(Verifier):
    """A key of a witness, whose signatures tell the second at which it had seen no longer log."""

    __slots__ = ()

    def holds(self, text: str, signature: bytes) -> bool:
        """The signature is one of this key over this text, at the time that it says."""
        if len(signature) != _STAMP_BYTES + SIGNATURE_BYTES:
            return False
        seconds = int.from_bytes(signature[:_STAMP_BYTES])
        message = _cosigned(text, seconds)
        return seconds <= SECONDS_MAX and ed25519_holds(self.public, signature[_STAMP_BYTES:], message)


class Cosigner(Signer):
    """A key that cosigns the checkpoints of others; to be used for nothing else."""

    kind = COSIGNATURE

    @property
    def verifier(self) -> Cosignatures:
        """The public half."""
        public = super().verifier.public
        return Cosignatures(self.name, public, self.kind)

    def cosign(self, checkpoint: Checkpoint, seconds: int) -> Signature:
        """That at this time, in seconds since 1970 UTC, no longer tree of the log had been seen, and this one agreed
        with all that had been."""
        stamp = seconds.to_bytes(_STAMP_BYTES)
        return Signature(
            self.name, self.verifier.key_id, stamp + self.sign_bytes(_cosigned(checkpoint.text(), seconds))
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """A checkpoint that its log has signed; and the witnesses that cosigned it, by name, with the second of each."""

    checkpoint: Checkpoint
    cosigned: tuple[tuple[str, int], ...]


def read_key(text: str) -> Verifier:
    """The key in `name+id+key`, of a log or of a witness. Invalid for any other."""
    name, key_id, kind, public = read_key_parts(text)
    return checked(Cosignatures(name, public, kind), key_id) if kind == COSIGNATURE else read_verifier(text)


def read_checkpoint(text: str) -> Checkpoint:
    """The checkpoint in the text of a note; nobody has verified it. Invalid for what is none."""
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() or not all(lines):
        raise _malformed("it is not three or more lines, of which none is empty")
    origin, size, root, *extensions = lines
    if _SIZE.fullmatch(size) is None or int(size) > SIZE_MAX:
        raise _malformed("its second line is no size")
    raw = base64_bytes(root)
    if raw is None or len(raw) != HASH_BYTES:
        raise _malformed("its third line is no hash")
    return Checkpoint(origin, int(size), raw, tuple(extensions))


def sign_checkpoint(checkpoint: Checkpoint, signers: Sequence[Signer]) -> str:
    """The checkpoint as a note that these keys of the log have signed. ValueError for a key with a name that is not the
    origin."""
    if any(signer.name != checkpoint.origin for signer in signers):
        raise ValueError("a log signs under the name that is its origin")
    return sign_note(checkpoint.text(), signers)


def cosign(note: str, checkpoint: Checkpoint, cosigner: Cosigner, seconds: int) -> str:
    """The note of the checkpoint, with the cosignature under it."""
    return with_signatures(note, [cosigner.cosign(checkpoint, seconds)])


def open_checkpoint(raw: str | bytes, verifiers: Iterable[Verifier], *, origin: str | None = None) -> Seen:
    """The checkpoint of the log of that origin, where one is given, which a known key of the log has signed. Invalid
    for what is none; Unverified where a known signature does not hold, or none is of the log itself."""
    known = list(verifiers)
    note = open_note(raw, known)
    checkpoint = read_checkpoint(note.text)
    kinds = {(verifier.name, verifier.key_id): verifier.kind for verifier in known}
    made = [(kinds[one.name, one.key_id], one) for one in note.verified]
    if not any(kind == ED25519 and one.name == checkpoint.origin for kind, one in made):
        raise Unverified("No known key of the log itself has signed this checkpoint.", where="note", rule=_RULE)
    if origin not in (None, checkpoint.origin):
        raise Unverified(f"The checkpoint is one of another log: {checkpoint.origin!r}.", where="origin", rule=_RULE)
    stamps = [(one.name, int.from_bytes(one.value[:_STAMP_BYTES])) for kind, one in made if kind == COSIGNATURE]
    return Seen(checkpoint, tuple(stamps))


def _cosigned(text: str, seconds: int) -> bytes:
    """What a witness signs."""
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def _malformed(why: str) -> Invalid:
    return Invalid(f"The checkpoint cannot be read: {why}.", where="checkpoint", rule=_RULE)
