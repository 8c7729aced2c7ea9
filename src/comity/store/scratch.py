"""Files that have no name before they are whole, and folders that are gone when they have served."""

import fcntl
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from comity.errors import AlreadyDone, NotFound

PREFIX = ".comity-"


@contextmanager
def new_file(target: Path) -> Iterator[io.BufferedRandom]:
    """What is in the file of the block is in the new file `target` (mode 0600) once the block has ended well; before
    that, and otherwise, there is no file of that name. AlreadyDone where there is one at the beginning or the end."""
    if target.exists() or target.is_symlink():
        raise AlreadyDone(f"{target} exists already.")
    try:
        with _turn(target.absolute().parent):
            descriptor, name = tempfile.mkstemp(prefix=PREFIX, suffix=".part", dir=target.absolute().parent)
            _lock(descriptor)
    except OSError as error:
        raise NotFound(f"{target} cannot be written: {error.strerror}.") from error
    part = Path(name)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        try:
            target.hardlink_to(part)
        except FileExistsError:
            raise AlreadyDone(f"{target} exists already.") from None
        except OSError:
            # A file system without hard links, as on most sticks.
            part.rename(target)
        sync_folder(target.absolute().parent)
    finally:
        part.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """The names in it are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def scratch_folder(beside: Path) -> Iterator[Path]:
    """A folder of our own on the same file system (mode 0700), gone afterwards with all that is in it."""
    try:
        beside.mkdir(parents=True, exist_ok=True)
        with _turn(beside):
            folder = tempfile.TemporaryDirectory(prefix=PREFIX, dir=beside)
            descriptor = os.open(folder.name, os.O_RDONLY | os.O_DIRECTORY)
            _lock(descriptor)
    except OSError as error:
        raise NotFound(f"{beside} cannot be written: {error.strerror}.") from error
    try:
        with folder as name:
            yield Path(name)
    finally:
        os.close(descriptor)


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Temporary things may be made in the folder: what killed processes left there is gone. Whoever lives holds a lock
    on what it has made, and all who make or sweep take turns, so that nothing is swept before it is locked."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if _lock(descriptor, fcntl.LOCK_EX):
            for left in folder.glob(f"{PREFIX}*"):
                _sweep(left)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, kind: int = fcntl.LOCK_EX | fcntl.LOCK_NB) -> bool:
    """Whether what is open there is now locked, which lasts until it is closed; not where somebody else holds it, nor
    on a file system that knows no locks."""
    try:
        fcntl.flock(descriptor, kind)
    except OSError:
        return False
    return True


def _sweep(left: Path) -> None:
    try:
        descriptor = os.open(left, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        if os.fstat(descriptor).st_uid == os.geteuid() and _lock(descriptor):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)
    finally:
        os.close(descriptor)
