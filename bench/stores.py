"""Comity by where it rests: on SQLite, or on PostgreSQL where a server of this system can be started."""

import argparse
import atexit
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache

import psycopg
from bench.sides import COMITY, OURS, Server, Side, comity_node
from tests.postgres import Server as Database
from tests.postgres import binaries

SETTINGS = ("shared_buffers=256MB", "max_wal_size=4GB")


@lru_cache(maxsize=1)
def _database() -> Database:
    """A server that runs until this process ends."""
    folder = binaries()
    assert folder is not None
    server = Database(folder, *SETTINGS)
    atexit.register(server.stop)
    return server


@contextmanager
def _node(objects: Sequence[bytes]) -> Iterator[Server]:
    database, name = _database(), f"bench_{uuid.uuid4().hex}"
    address = database.url("postgres")
    with psycopg.connect(address, autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name}")
    with comity_node(objects, store=database.url(name)) as server:
        postmaster = int((database.data / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        yield replace(server, pids=(*server.pids, postmaster))
    with psycopg.connect(address, autocommit=True) as db:
        db.execute(f"DROP DATABASE {name} WITH (FORCE)")


POSTGRES = Side(
    f"{COMITY.name} on PostgreSQL",
    _node,
    f"the same as {COMITY.name}; PostgreSQL on a socket of this machine, {', '.join(SETTINGS)}, else its defaults; its "
    "CPU counts as the server's",
    "an envelope is one transaction; fsync and synchronous_commit on: what is acknowledged is on the disk",
)
STORES = {"sqlite": list(OURS), **({"postgresql": [POSTGRES]} if binaries() else {})}
"""What can be measured on this system."""


def add_option(parser: argparse.ArgumentParser) -> None:
    """`--store` says where Comity rests; without it on all that this system has."""
    words = "where Comity rests, else each in turn; may be given again"
    parser.add_argument("--store", action="append", choices=list(STORES), help=words)


def sides(asked: Sequence[str] | None) -> list[Side]:
    """Comity on the stores that were asked for."""
    return [side for name in asked or STORES for side in STORES[name]]
