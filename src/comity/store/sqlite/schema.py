"""The schema of a SQLite store: numbered steps forward, each whole or not at all, never taken silently."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from comity.errors import AlreadyDone, Conflict, NotFound, OldSchema, StoreUnavailable
from comity.store.database import SECRETS
from comity.store.sqlite.connection import connect, erasing, guarded
from comity.store.steps import Step, packaged, refuse_other

APPLICATION_ID = 0x436F6D79
PAGE_BYTES = 8192
SQLITE_LEAST = (3, 38, 0)
"""Strict tables, JSON functions in every build, and full text by trigrams."""


def statements(sql: str) -> Iterator[str]:
    """The single statements of a script. sqlite3's own executescript would commit the transaction it is called in."""
    pending = ""
    for line in sql.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""


def version_of(db: sqlite3.Connection) -> int:
    """The schema version of a store, 0 for an empty file. Conflict where the file is something else's."""
    application = db.execute("PRAGMA application_id").fetchone()[0]
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if application == APPLICATION_ID:
        return version
    if db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] or version or application:
        raise Conflict("the file is a SQLite database of another program", hint="name the store of a Comity node")
    return 0


def apply(db: sqlite3.Connection, steps: Sequence[Step]) -> list[str]:
    """The steps that the store lacks are taken, in one transaction; their names."""
    db.execute("BEGIN IMMEDIATE")
    try:
        version = version_of(db)
        done = []
        for step in steps:
            if step.number > version:
                for statement in statements(step.sql):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {step.number}")
                done.append(step.name)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("COMMIT")
    except BaseException:
        # After some faults SQLite has ended the transaction itself.
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    return done


def private_file(path: Path) -> None:
    """The file exists, was made now, is empty, and is readable by its owner alone. AlreadyDone where there was one."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise AlreadyDone(f"{path} exists", hint="name a file that does not exist yet") from None
    except OSError as error:
        raise NotFound(f"{path} cannot be made: {error.strerror}") from error


def prepare(path: Path, *, create: bool) -> None:
    """There is a store of the present schema at `path`. NotFound, OldSchema or Conflict where that is not so."""
    if sqlite3.sqlite_version_info < SQLITE_LEAST:
        least = ".".join(map(str, SQLITE_LEAST))
        raise StoreUnavailable(f"Python's SQLite is {sqlite3.sqlite_version}, {least} is needed", hint="a newer Python")
    steps = packaged("sqlite")
    if not path.exists():
        if not create:
            raise NotFound(f"there is no store at {path}", hint="comity init")
        private_file(path)
    with guarded(), closing(connect(path, write=True)) as db:
        version = version_of(db)
        if version == 0 and create:
            fill(db, steps)
        elif version == 0:
            raise NotFound(f"{path} is empty", hint="comity init")
        else:
            refuse_other(version, steps[-1].number)


def fill(db: sqlite3.Connection, steps: Sequence[Step]) -> None:
    """The empty file is a store."""
    db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    db.execute("PRAGMA journal_mode = WAL")
    apply(db, steps)


def schema_version(path: Path) -> int:
    """The schema version of the store at `path`, 0 for an empty file. NotFound where there is none."""
    if not path.exists():
        raise NotFound(f"there is no store at {path}", hint="comity init")
    with guarded(), closing(connect(path, write=True)) as db:
        return version_of(db)


def migrate(path: Path, backup_to: Path, *, steps: Sequence[Step] | None = None) -> list[str]:
    """The store has the present schema, and `backup_to` holds it as it was; the names of the steps taken.

    Nothing is done, and no backup made, where the schema is the present one already. Not beside a running `serve`.
    """
    steps = packaged("sqlite") if steps is None else steps
    version = schema_version(path)
    if version > steps[-1].number:
        raise OldSchema(f"the store has schema {version}, this Comity knows only {steps[-1].number}")
    if version == steps[-1].number:
        return []
    with guarded(), closing(connect(path, write=True)) as db:
        copy_into(db, backup_to)
        return apply(db, steps)


def copy_into(db: sqlite3.Connection, target: Path) -> None:
    """The new file `target` (mode 0600) is a consistent copy of the database; on failure there is no such file.

    All pages are copied in one step, under one read lock: a writer meanwhile neither waits nor makes it begin again.
    The private half of a key is in no copy.
    """
    with filled_file(target), closing(sqlite3.connect(target, isolation_level=None)) as copy:
        db.backup(copy)
        _forget_secrets(copy)


def _forget_secrets(copy: sqlite3.Connection) -> None:
    """What only the node itself may hold is overwritten. The copy may be of a schema that has no such table yet."""
    with erasing(copy):
        for table, column in SECRETS.items():
            if copy.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (table,)).fetchone():
                copy.execute(f"UPDATE {table} SET {column} = NULL")  # noqa: S608 - names of our schema


@contextmanager
def filled_file(path: Path) -> Iterator[None]:
    """The file was made now (mode 0600) for the block to fill; if that raises, there is no such file."""
    private_file(path)
    try:
        yield
    except BaseException:
        for suffix in ("", "-journal", "-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
        raise
