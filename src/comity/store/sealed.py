"""Files that only the holder of a key can read, in the age format (age-encryption.org/v1), written and read in passing.

The public half of a key is a *recipient* (`age1…`), the private one an *identity* (`AGE-SECRET-KEY-1…`).
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, cast

import pyrage

from comity.errors import Invalid, Unverified

MAGIC = b"age-encryption.org/v1\n"
IDENTITY_PREFIX = "AGE-SECRET-KEY-1"
_CHUNK_BYTES = 1 << 16


def new_identity() -> str:
    """A new private half; the chance in it is the operating system's."""
    return str(pyrage.x25519.Identity.generate())


def recipient_of(identity: str) -> str:
    """The public half of a private one. Invalid for what is none; the message does not repeat it."""
    try:
        return str(pyrage.x25519.Identity.from_str(identity).to_public())
    except pyrage.IdentityError as error:
        raise Invalid("That is no private half of a recovery key.", where="key") from error


def check_recipient(text: str) -> str:
    """The text, where it is the public half of a key. Invalid otherwise; the message does not repeat what may be the
    private one."""
    try:
        return str(pyrage.x25519.Recipient.from_str(text))
    except pyrage.RecipientError as error:
        hint = "It begins with age1; comity recovery-key new and age-keygen make one."
        raise Invalid("That is no public half of a recovery key.", where="key", hint=hint) from error


def is_sealed(begin: bytes) -> bool:
    """Whether a file that begins so is sealed."""
    return begin.startswith(MAGIC)


class _Beside:
    """A function that works in a thread of its own at the other end of a pipe; what it raised is kept."""

    def __init__(self, work: Callable[[BinaryIO], object], descriptor: int, mode: str) -> None:
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(work, descriptor, mode), name="comity-seal")
        self._thread.start()

    def _run(self, work: Callable[[BinaryIO], object], descriptor: int, mode: str) -> None:
        try:
            with os.fdopen(descriptor, mode) as end:
                work(cast("BinaryIO", end))
        except BaseException as error:
            self.error = error

    def join(self) -> BaseException | None:
        """What it raised, once it has ended. That the other end of the pipe is closed is for that end to explain."""
        self._thread.join()
        return None if isinstance(self.error, BrokenPipeError) else self.error


class _Target:
    """Where sealed bytes go. The library tells of an error here as one of its own, so it is kept as it was."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        self._file.flush()


@contextmanager
def sealing(file: BinaryIO, recipients: Sequence[str]) -> Iterator[BinaryIO]:
    """Whatever is written in the block is in the file, for these recipients alone. Where the block raises, what is in
    the file is worth nothing."""
    keys = [pyrage.x25519.Recipient.from_str(recipient) for recipient in recipients]
    target = _Target(file)
    reading, writing = os.pipe()
    beside = _Beside(lambda plain: pyrage.encrypt_io(plain, target, keys), reading, "rb")
    try:
        with os.fdopen(writing, "wb") as plain:
            yield plain
    except BaseException as error:
        failed = target.error or beside.join()
        if failed is None or not isinstance(error, BrokenPipeError):
            raise
        raise failed from None
    finally:
        beside.join()
    failed = target.error or beside.join()
    if failed is not None:
        raise failed


@contextmanager
def unsealed(file: BinaryIO, identities: Sequence[str], name: str) -> Iterator[BinaryIO]:
    """What was sealed can be read in the block. The block is left well only where the whole file, to its last byte, is
    as it was sealed; Unverified otherwise, so nothing that was read may count before that."""
    keys = [pyrage.x25519.Identity.from_str(identity) for identity in identities]
    reading, writing = os.pipe()
    beside = _Beside(lambda plain: pyrage.decrypt_io(file, plain, keys), writing, "wb")
    try:
        with os.fdopen(reading, "rb") as plain:
            yield plain
            while plain.read(_CHUNK_BYTES):
                pass
    except BaseException as error:
        failed = beside.join()
        # What was read before the fault made no sense of itself; an interrupt or a full disk is another matter.
        if failed is None or not isinstance(error, Exception) or isinstance(error, OSError):
            raise
        raise _not_as_sealed(name, failed) from failed
    finally:
        beside.join()
    failed = beside.join()
    if failed is not None:
        raise _not_as_sealed(name, failed) from failed


def _not_as_sealed(name: str, error: BaseException) -> Unverified:
    if isinstance(error, pyrage.DecryptError) and "No matching keys" in str(error):
        hint = "A key file names its public half; `comity recovery-key show` on the node names that of new backups."
        return Unverified(
            f"{name} does not open with this key: it is for another one, or its head is damaged.", hint=hint
        )
    return Unverified(f"{name} is damaged or not whole: {error}.", hint="Restore another backup.")
