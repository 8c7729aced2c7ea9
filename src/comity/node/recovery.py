"""The recovery key: what backups are encrypted to. The public half lies in the store, the private one elsewhere."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from comity.errors import Invalid, NotFound
from comity.interfaces import microseconds
from comity.node import system
from comity.node.node import Node
from comity.store import sealed
from comity.store.audit import OPERATOR, Noted
from comity.store.interface import Snapshot

KEY_FILE = "recovery-key.txt"
KEY_FILE_BYTES_MAX = 64 * 1024
NEAR_FILES_MAX = 1000
_RECIPIENT = "recovery_key"
_VERIFIED = "backup_verified_at"


@dataclass(frozen=True, slots=True)
class RecoveryKey:
    """The public half, and the file that has the private one, where this call has made it."""

    public: str
    file: Path | None = None
    replaced: str | None = None


def public_half(node: Node) -> str | None:
    """What backups are encrypted to; None for a node that has no recovery key."""
    with node.store.read() as snapshot:
        return _text(snapshot, _RECIPIENT)


def make_key(node: Node, file: Path) -> RecoveryKey:
    """Backups are from now on encrypted to a new key. Its private half is in the new file (mode 0600) and nowhere else.

    What was encrypted to the key before can be read with that one only.
    """
    identity = sealed.new_identity()
    public = sealed.recipient_of(identity)
    lines = (
        f"# Recovery key of the Comity node {node.name}: whoever has this file can read its backups,",
        "# and without it nobody can. Keep it off the node's machine, in two places.",
        "# To restore: comity restore BACKUP --key THIS_FILE, or: age -d -i THIS_FILE BACKUP",
        f"# created: {node.clock.now():%Y-%m-%dT%H:%M:%SZ}",
        f"# public key: {public}",
        identity,
    )
    # First the private half: a public one without it would make backups that nobody can read.
    system.write_private(file, ("\n".join(lines) + "\n").encode())
    return RecoveryKey(public, file, _use(node, public))


def use_key(node: Node, public: str) -> RecoveryKey:
    """Backups are from now on encrypted to this public half of a key that was made elsewhere."""
    public = sealed.check_recipient(public)
    return RecoveryKey(public, None, _use(node, public))


def _use(node: Node, public: str) -> str | None:
    with node.store.write() as tx:
        before = _text(tx, _RECIPIENT)
        tx.put_setting(_RECIPIENT, public.encode())
        tx.note(Noted(OPERATOR, "recovery-key", {"public": public}))
    return before if before != public else None


def private_halves(content: bytes, name: str) -> list[str]:
    """The private halves in a key file, one a line among comments. Invalid where there is none."""
    lines = (line.strip() for line in content[:KEY_FILE_BYTES_MAX].decode("utf-8", "replace").splitlines())
    found = [line for line in lines if line.upper().startswith(sealed.IDENTITY_PREFIX)]
    if not found:
        hint = (
            f"It is the file that comity init or comity recovery-key new wrote, with a line {sealed.IDENTITY_PREFIX}…"
        )
        raise Invalid(f"{name} holds no recovery key.", hint=hint)
    for line in found:
        sealed.recipient_of(line)
    return found


def read_private_halves(file: Path) -> list[str]:
    """Those in that file. NotFound where it cannot be read."""
    return private_halves(system.read_begin(file, KEY_FILE_BYTES_MAX), str(file))


def keys_near(home: Path) -> Iterator[Path]:
    """The files in and beside the home that hold a private half: they should be on no machine that the node is on."""
    marker = sealed.IDENTITY_PREFIX.encode()
    for folder in (home, home.absolute().parent):
        for path in system.small_files(folder, KEY_FILE_BYTES_MAX, NEAR_FILES_MAX):
            try:
                if marker in system.read_begin(path, KEY_FILE_BYTES_MAX).upper():
                    yield path
            except NotFound:
                continue


def note_verified(node: Node, made_at: int) -> None:
    """A backup made at that instant, in microseconds, was restored and held. One that is to come counts as made now."""
    now = microseconds(node.clock.now())
    with node.store.write() as tx:
        before = _text(tx, _VERIFIED)
        tx.put_setting(_VERIFIED, str(max(min(made_at, now), int(before or 0))).encode())


def last_verified(node: Node) -> int | None:
    """When the newest of the backups was made that were restored and held, in microseconds; None without."""
    with node.store.read() as snapshot:
        text = _text(snapshot, _VERIFIED)
    return int(text) if text else None


def _text(snapshot: Snapshot, name: str) -> str | None:
    value = snapshot.setting(name)
    return value.decode() if value is not None else None
