"""Connections to a PostgreSQL server, and what its errors mean to the rest of the node."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.numeric import Int8BinaryDumper, Int8Dumper

from comity.errors import ComityError, Invalid, StoreUnavailable, TookTooLong
from comity.store.address import masked

CONNECT_SECONDS = 10
LOCK_SECONDS = 10
STATEMENT_SECONDS = 600
IDLE_SECONDS = 3600
"""An open transaction in which nothing is asked for so long is ended by the server."""
UNANSWERED_SECONDS = 30
SERVER_LEAST = 130000
"""From PostgreSQL 13 on, whoever may create in a database may have the extension for trigrams."""

_TROUBLES: tuple[tuple[type[psycopg.Error], str, str], ...] = (
    (errors.LockNotAvailable, "the store is locked by another process", "try again; see which processes use it"),
    (errors.DeadlockDetected, "the store is locked by another process", "try again"),
    (errors.SerializationFailure, "the store was changed by another process", "try again"),
    (errors.DiskFull, "the disk of the database is full", "make room; nothing was stored"),
    (errors.OutOfMemory, "the database is short of memory", "try again; nothing was stored"),
    (errors.TooManyConnections, "the database takes no more connections", "raise its max_connections"),
    (errors.InsufficientPrivilege, "the role may not do this in the database", "make it the owner of the database"),
    (errors.ReadOnlySqlTransaction, "the store cannot be written", "name the primary server, not a standby"),
    (errors.DataCorrupted, "the store is damaged", "comity doctor; restore a backup"),
    (errors.IndexCorrupted, "the store is damaged", "comity doctor; restore a backup"),
)


def trouble(error: BaseException, url: str = "") -> ComityError | None:
    """The error as the node says it; None for what is no trouble of the database but a fault of ours."""
    if isinstance(error, errors.QueryCanceled):
        return TookTooLong.of_a_question()
    for kind, words, hint in _TROUBLES:
        if isinstance(error, kind):
            return StoreUnavailable(words, hint=hint)
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        where = f" at {masked(url)}" if url else ""
        hint = "see that the server runs, and that the address, the role and its password are right"
        return StoreUnavailable(f"the database{where} cannot be reached", hint=hint)
    return None


@contextmanager
def guarded(url: str) -> Iterator[None]:
    """Troubles of the database inside the block come out as StoreUnavailable. What the driver says is left out of the
    words: it may hold the address with its password."""
    try:
        yield
    except psycopg.Error as error:
        known = trouble(error, url)
        if known is None:
            raise
        raise known from error


def parameters(url: str) -> dict[str, Any]:
    """What libpq is to be told. Invalid where the address cannot be read; the words do not repeat it."""
    try:
        given = conninfo_to_dict(url)
    except psycopg.Error:
        raise Invalid(
            "the address of the database cannot be read", where="store", hint="postgresql://ROLE@HOST/DATABASE"
        ) from None
    set_by_us = (
        f"-c lock_timeout={LOCK_SECONDS}s -c statement_timeout={STATEMENT_SECONDS}s"
        f" -c idle_in_transaction_session_timeout={IDLE_SECONDS}s"
    )
    return {
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": UNANSWERED_SECONDS,
        "tcp_user_timeout": UNANSWERED_SECONDS * 1000,
        "application_name": "comity",
        **given,
        "options": f"{given.get('options', '')} {set_by_us}".strip(),
        "client_encoding": "UTF8",
    }


def connect(url: str) -> "psycopg.Connection[Any]":
    """A connection without implicit transactions whose commits are durable. Integers go out as 64 bits whatever their
    size, so that a statement has one plan."""
    db = psycopg.connect(**parameters(url), autocommit=True)
    db.adapters.register_dumper(int, Int8Dumper)
    db.adapters.register_dumper(int, Int8BinaryDumper)
    if db.execute("SHOW synchronous_commit").fetchone() == ("off",):
        db.execute("SET synchronous_commit = on")
    return db
