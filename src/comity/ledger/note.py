"""Signed notes: a text, and lines of signatures under it (C2SP signed-note), with keys of Ed25519.

A key has a name and an id, which is made of name, kind and public key. Signatures of keys that are not known are passed
over, so that others can sign too; one of a known key that does not hold spoils the note.
"""

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from comity.errors import Invalid, Unverified

ED25519 = 0x01
KEY_BYTES = 32
SIGNATURE_BYTES = 64
NOTE_BYTES_MAX = 128 * 1024
SIGNATURES_MAX = 100
KEY_TEXT_MAX = 1024
"""Characters of a verifier key or a signer key as text."""
_ID_BYTES = 4
_SECRET = "PRIVATE+KEY+"  # noqa: S105  # It is what stands before a key, and none itself.
_RULE = "C2SP signed-note"


@dataclass(frozen=True, slots=True)
class Signature:
    """A line under a note: the name of its key, the id of its key, and what the key made."""

    name: str
    key_id: bytes
    value: bytes

    def line(self) -> str:
        """The line as it stands in the note, with its end."""
        return f"— {self.name} {base64.b64encode(self.key_id + self.value).decode()}\n"


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key, the name that it signs under, and the kind of signature that it makes: what verifies them."""

    name: str
    public: bytes
    kind: int = ED25519

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256 over name, kind and public key."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:_ID_BYTES]

    def __str__(self) -> str:
        """The verifier key, `name+id+key`, as it is given to others."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"

    def holds(self, text: str, signature: bytes) -> bool:
        """The signature is one of this key over this text."""
        return ed25519_holds(self.public, signature, text.encode())


class Signer:
    """A private key of Ed25519, and the name that it signs under."""

    kind = ED25519

    def __init__(self, name: str, seed: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        if not is_key_name(name):
            raise Invalid(f"{name!r} cannot be the name of a key.", where="name", rule=_RULE)
        if len(seed) != KEY_BYTES:
            raise Invalid(f"A private key has {KEY_BYTES} bytes, not {len(seed)}.", where="key", rule="RFC 8032")
        self.name = name
        self._seed = seed
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @classmethod
    def read(cls, text: str) -> "Signer":
        """From `PRIVATE+KEY+name+id+key`. Invalid for anything else; the text is not repeated."""
        if text[: len(_SECRET)] != _SECRET:
            raise Invalid("This is no signer key.", where="key", rule=_RULE)
        name, key_id, kind, seed = _read_key(text[len(_SECRET) :], "signer key")
        made = cls(name, seed)
        if kind != cls.kind or made.verifier.key_id != key_id:
            raise Invalid("The id of the signer key is not its own.", where="key", rule=_RULE)
        return made

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        return Verifier(self.name, self._key.public_key().public_bytes_raw(), self.kind)

    def secret_text(self) -> str:
        """`PRIVATE+KEY+name+id+key`, which `read` takes: to be kept as a secret."""
        key = base64.b64encode(bytes([self.kind]) + self._seed).decode()
        return f"{_SECRET}{self.name}+{self.verifier.key_id.hex()}+{key}"

    def sign(self, text: str) -> Signature:
        """The signature over the text of a note; the same text is signed the same."""
        return Signature(self.name, self.verifier.key_id, self.sign_bytes(text.encode()))

    def sign_bytes(self, message: bytes) -> bytes:
        """What Ed25519 makes of the message."""
        return self._key.sign(message)


@dataclass(frozen=True, slots=True)
class Note:
    """A note that was opened: its text, the signatures that were verified, one a key, and those of unknown keys."""

    text: str
    verified: tuple[Signature, ...]
    unknown: tuple[Signature, ...]


def read_verifier(text: str) -> Verifier:
    """The key of Ed25519 in `name+id+key`. Invalid for anything else."""
    name, key_id, kind, public = _read_key(text, "verifier key")
    if kind != ED25519:
        raise Invalid(f"A verifier key of kind {kind} is not read.", where="key", rule=_RULE)
    return checked(Verifier(name, public), key_id)


def checked(verifier: Verifier, key_id: bytes) -> Verifier:
    """The same verifier, whose id is that one. Invalid where it is not."""
    if verifier.key_id != key_id:
        raise Invalid(f"The id of the verifier key is not its own: {verifier.name!r}.", where="key", rule=_RULE)
    return verifier


def read_key_parts(text: str) -> tuple[str, bytes, int, bytes]:
    """Name, id, kind and 32 public bytes of a verifier key; whether they fit each other was not looked at. Invalid for
    what is none."""
    return _read_key(text, "verifier key")


def sign_note(text: str, signers: Sequence[Signer]) -> str:
    """The note with a signature of each. ValueError for a text that no note can have, without signers, and for a key
    that signs other things than notes."""
    if not signers or not _is_text(text) or not text.endswith("\n"):
        raise ValueError("a note has a text of whole lines, and a signature")
    if any(signer.kind != ED25519 for signer in signers):
        raise ValueError("the key of a witness signs no notes")
    return with_signatures(f"{text}\n", (signer.sign(text) for signer in signers))


def with_signatures(note: str, signatures: Iterable[Signature]) -> str:
    """The note with these lines after those that it has."""
    return note + "".join(signature.line() for signature in signatures)


def read_note(raw: str | bytes) -> tuple[str, tuple[Signature, ...]]:
    """The text and all signatures of a note; none of them was verified. Invalid for what is no note."""
    note = _decoded(raw)
    text, parted, lines = note.rpartition("\n\n")
    if not parted or not lines.endswith("\n") or not _is_text(note):
        raise _malformed("it is not a text, an empty line, and lines of signatures")
    if lines.count("\n") > SIGNATURES_MAX:
        raise _malformed(f"it has more than {SIGNATURES_MAX} signatures")
    return text + "\n", tuple(_read_line(line) for line in lines[:-1].split("\n"))


def open_note(raw: str | bytes, verifiers: Iterable[Verifier]) -> Note:
    """The note, which at least one of these keys has signed. Invalid for what is no note; Unverified where a signature
    of a known key does not hold, and where no key of them has signed."""
    text, signatures = read_note(raw)
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    verified: dict[tuple[str, bytes], Signature] = {}
    unknown = []
    for signature in signatures:
        key = signature.name, signature.key_id
        verifier = known.get(key)
        if verifier is None:
            unknown.append(signature)
        elif verifier.holds(text, signature.value):
            verified.setdefault(key, signature)
        else:
            raise Unverified(f"The signature of {signature.name} does not hold.", where=signature.name, rule=_RULE)
    if not verified:
        raise Unverified("No known key has signed this note.", hint="Who signed it is told by another way.", rule=_RULE)
    return Note(text, tuple(verified.values()), tuple(unknown))


def is_key_name(name: str) -> bool:
    """The name can stand in a signature line and in a verifier key."""
    return bool(name) and "+" not in name and not any(c.isspace() or c < " " for c in name) and _is_text(name)


def ed25519_holds(public: bytes, signature: bytes, message: bytes) -> bool:
    """The signature is one of Ed25519 (RFC 8032) by that key over the message."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def base64_bytes(text: str) -> bytes | None:
    """What the text says in the Base 64 of RFC 4648 section 4; None where it is not the one spelling of some bytes."""
    try:
        raw = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return None
    return raw if base64.b64encode(raw).decode() == text else None


def _read_line(line: str) -> Signature:
    dash, _, rest = line.partition(" ")
    name, _, value = rest.partition(" ")
    raw = base64_bytes(value)
    if dash != "—" or not is_key_name(name) or raw is None or len(raw) <= _ID_BYTES:
        raise _malformed("a line under its text is no signature")
    return Signature(name, raw[:_ID_BYTES], raw[_ID_BYTES:])


def _read_key(text: str, what: str) -> tuple[str, bytes, int, bytes]:
    """Name, id, kind and 32 bytes of a key as text."""
    name, _, rest = text.partition("+")
    key_id, _, value = rest.partition("+")
    raw = base64_bytes(value) if len(text) <= KEY_TEXT_MAX else None
    if raw is None or len(raw) != 1 + KEY_BYTES or not is_key_name(name):
        raise Invalid(f"This is no {what}: it is not `name+id+key`.", where="key", rule=_RULE)
    if len(key_id) != 2 * _ID_BYTES or any(c not in "0123456789abcdef" for c in key_id):
        raise Invalid(f"The id of the {what} is not {2 * _ID_BYTES} hex digits.", where="key", rule=_RULE)
    return name, bytes.fromhex(key_id), raw[0], raw[1:]


def _decoded(raw: str | bytes) -> str:
    if len(raw) > NOTE_BYTES_MAX:
        raise _malformed(f"it has more than {NOTE_BYTES_MAX} bytes")
    try:
        return raw.decode() if isinstance(raw, bytes) else raw
    except UnicodeDecodeError as error:
        raise _malformed("it is not UTF-8") from error


def _is_text(text: str) -> bool:
    """It is what UTF-8 can say, without control characters but the end of a line."""
    return not any((c < " " and c != "\n") or "\ud800" <= c <= "\udfff" for c in text)


def _malformed(why: str) -> Invalid:
    return Invalid(f"The signed note cannot be read: {why}.", where="note", rule=_RULE)
