"""Connections to a SQLite file, and what its errors mean to the rest of the node."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from comity.errors import ComityError, StoreUnavailable, TookTooLong
from comity.store.sqlite.limit import LimitedConnection

BUSY_TIMEOUT_SECONDS = 10.0
CACHE_KIB = 2048
WRITER_CACHE_KIB = 8 * 1024
"""New ids fall anywhere in their index, so whoever writes keeps most of it at hand; a store has one such connection."""
CHECKPOINT_PAGES = 8000
WAL_BYTES_KEPT = 64 * 2**20

_TROUBLES = {
    sqlite3.SQLITE_BUSY: ("the store is locked by another process", "try again; see which `comity` commands run"),
    sqlite3.SQLITE_LOCKED: ("the store is locked by another process", "try again; see which `comity` commands run"),
    sqlite3.SQLITE_PROTOCOL: ("the store is locked by another process", "try again; see which `comity` commands run"),
    sqlite3.SQLITE_FULL: ("the disk is full", "make room; nothing was stored"),
    sqlite3.SQLITE_IOERR: ("the disk of the store fails or is full", "see the system's log; nothing was stored"),
    sqlite3.SQLITE_CORRUPT: ("the store is damaged", "comity doctor; restore a backup"),
    sqlite3.SQLITE_NOTADB: ("the file is no SQLite database", "name the store of a Comity node"),
    sqlite3.SQLITE_CANTOPEN: ("the store cannot be opened", "see the rights of the file and its folder"),
    sqlite3.SQLITE_PERM: ("the store cannot be opened", "see the rights of the file and its folder"),
    sqlite3.SQLITE_READONLY: ("the store cannot be written", "see the rights of the file and its folder"),
    sqlite3.SQLITE_NOMEM: ("memory is short", "make room; nothing was stored"),
}


def trouble(error: BaseException) -> ComityError | None:
    """The error as the node says it; None for what is no trouble of the disk but a fault of ours."""
    if not isinstance(error, sqlite3.Error):
        return None
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_INTERRUPT:
        return TookTooLong.of_a_question()
    words = _TROUBLES.get(code & 0xFF) if code is not None else None
    return StoreUnavailable(words[0], hint=words[1]) if words else None


@contextmanager
def guarded() -> Iterator[None]:
    """Troubles of the disk inside the block come out as StoreUnavailable."""
    try:
        yield
    except sqlite3.Error as error:
        known = trouble(error)
        if known is None:
            raise
        raise known from error


def connect(path: Path, *, write: bool) -> LimitedConnection:
    """A connection without implicit transactions; it may pass from thread to thread, one at a time."""
    db = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=rw",
        uri=True,
        timeout=BUSY_TIMEOUT_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        factory=LimitedConnection,
    )
    db.execute(f"PRAGMA cache_size = -{WRITER_CACHE_KIB if write else CACHE_KIB}")
    db.execute("PRAGMA trusted_schema = OFF")
    if write:
        db.execute("PRAGMA synchronous = FULL")
        db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        db.execute(f"PRAGMA journal_size_limit = {WAL_BYTES_KEPT}")
        db.execute("PRAGMA secure_delete = FAST")
    else:
        db.execute("PRAGMA query_only = ON")
    return db


@contextmanager
def erasing(db: sqlite3.Connection) -> Iterator[None]:
    """What is deleted inside the block is overwritten with zeros, not only unlinked."""
    db.execute("PRAGMA secure_delete = ON")
    try:
        yield
    finally:
        db.execute("PRAGMA secure_delete = FAST")
