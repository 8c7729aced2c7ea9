"""The schema of a PostgreSQL store: numbered steps forward, each whole or not at all, never taken silently."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors

from comity.errors import Conflict, NotFound, StoreUnavailable
from comity.store.copying import copy_all
from comity.store.database import Database
from comity.store.postgres.connection import SERVER_LEAST, connect, guarded
from comity.store.postgres.database import PostgresDatabase
from comity.store.sqlite import connection as sqlite
from comity.store.sqlite import schema as sqlite_schema
from comity.store.sqlite.database import SqliteDatabase
from comity.store.steps import Step, packaged, refuse_other

_TRIGRAMS = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE INDEX IF NOT EXISTS text_index_parts ON text_index USING gin (names gin_trgm_ops, words gin_trgm_ops)",
)
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('comity schema'))"
_TABLES = (
    "SELECT count(*), count(*) FILTER (WHERE relname = 'comity_schema') FROM pg_class"
    " WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')"
)


def _one(db: "psycopg.Connection[Any]", sql: str) -> Any:
    row = db.execute(sql).fetchone()
    return None if row is None else row[0]


def version_of(db: "psycopg.Connection[Any]") -> int:
    """The schema version of a store, 0 for an empty database. Conflict where the database is something else's."""
    with db.transaction():
        db.execute(_ONE_AT_A_TIME)
        return _version(db)


def _version(db: "psycopg.Connection[Any]") -> int:
    tables, ours = db.execute(_TABLES).fetchall()[0]
    if ours:
        return int(_one(db, "SELECT max(version) FROM comity_schema"))
    if tables or _one(db, "SELECT current_schema()") is None:
        raise Conflict("the database holds tables of another program", hint="name a database of its own for the node")
    return 0


def apply(db: "psycopg.Connection[Any]", steps: Sequence[Step]) -> list[str]:
    """The steps that the store lacks are taken, in one transaction; their names."""
    with db.transaction():
        db.execute(_ONE_AT_A_TIME)
        version = version_of(db)
        if version == 0:
            db.execute("CREATE TABLE comity_schema (version integer NOT NULL)")
        done = []
        for step in steps:
            if step.number > version:
                db.execute(step.sql)
                db.execute("INSERT INTO comity_schema VALUES (%s)", (step.number,))
                done.append(step.name)
        lay_trigrams(db)
    return done


def lay_trigrams(db: "psycopg.Connection[Any]") -> None:
    """Search has its index, where the extension is installed and may be had; without it, search reads more."""
    try:
        with db.transaction():
            for statement in _TRIGRAMS:
                db.execute(statement)
    except (errors.InsufficientPrivilege, errors.FeatureNotSupported, errors.UndefinedFile, errors.UndefinedObject):
        pass


def prepare(url: str, *, create: bool) -> None:
    """There is a store of the present schema. NotFound, OldSchema or Conflict where that is not so."""
    steps = packaged("postgres")
    with guarded(url), closing(connect(url)) as db:
        if db.info.server_version < SERVER_LEAST:
            least = SERVER_LEAST // 10000
            raise StoreUnavailable(f"PostgreSQL {least} or later is needed", hint="a newer server")
        if _one(db, "SHOW server_encoding") != "UTF8":
            raise Conflict("the encoding of the database is not UTF8", hint="CREATE DATABASE … ENCODING 'UTF8'")
        version = version_of(db)
        if version == 0 and create:
            apply(db, steps)
        elif version == 0:
            raise NotFound("there is no store in the database", hint="comity init --store URL")
        else:
            refuse_other(version, steps[-1].number)


def schema_version(url: str) -> int:
    """The schema version of the store at that address, 0 for an empty database."""
    with guarded(url), closing(connect(url)) as db:
        return version_of(db)


def migrate(url: str, backup_to: Path, *, steps: Sequence[Step] | None = None) -> list[str]:
    """The store has the present schema, and `backup_to` holds it as it was, in a SQLite store of the schema that it
    had; the names of the steps taken. Not beside a running `serve`.

    No backup is made where the schema is the present one already; an index of trigrams that could not be had before is
    laid all the same.
    """
    steps = packaged("postgres") if steps is None else steps
    with guarded(url), closing(PostgresDatabase(url, write=False)) as db:
        version = version_of(db.raw)
        if version == 0:
            raise NotFound("there is no store in the database", hint="comity init --store URL")
        if version > steps[-1].number:
            refuse_other(version, steps[-1].number)
        if version < steps[-1].number:
            db.begin()
            copy_into(db, backup_to, [step for step in packaged("sqlite") if step.number <= version])
            db.rollback()
            return apply(db.raw, steps)
        lay_trigrams(db.raw)
        return []


def copy_into(db: Database, target: Path, steps: Sequence[Step]) -> None:
    """The new file `target` (mode 0600) is a SQLite store of that schema with all that the snapshot holds but the
    private half of keys; on failure there is no such file."""
    with sqlite.guarded(), sqlite_schema.filled_file(target), closing(SqliteDatabase(target, write=True)) as copy:
        sqlite_schema.fill(copy.raw, steps)
        copy.begin()
        copy_all(db, copy, secrets=False)
        copy.commit()
