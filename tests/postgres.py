"""A PostgreSQL server of the tests' own, from the binaries of the system, and a database for each folder that asks.

It runs as an ordinary user, listens on a socket in a temporary folder and nowhere else, and ends with the process that
started it. Processes that a test starts find it by COMITY_TEST_POSTGRES.
"""

import atexit
import ctypes
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Sequence
from contextlib import closing
from functools import lru_cache
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from comity.node.system import load_settings, set_setting
from comity.node.system import open_store as open_any_store
from comity.store.postgres import open_store

VARIABLE = "COMITY_TEST_POSTGRES"
KIND = "COMITY_TEST_STORE"
"""`postgres` lets every node of the tests that asks `store_address` or `new_store` rest on PostgreSQL."""
START_SECONDS_MAX = 60
TEMPLATE = "furnished_by_migrations"
ROLE = "comity"
_PR_SET_PDEATHSIG = 1

_folders: dict[str, Path] = {}
"""The databases that this process made, each with the folder it was made for."""


@lru_cache(maxsize=1)
def binaries() -> Path | None:
    """The folder of the newest server of this system, None where there is none."""
    on_path = shutil.which("initdb")
    places = [Path(on_path).resolve().parent] if on_path else []
    places += sorted(
        (path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")),
        key=lambda folder: int(folder.parent.name),
        reverse=True,
    )
    return next((place for place in places if (place / "postgres").exists()), None)


def _ordinary_user() -> str | None:
    """Who is to run the server; None for this user."""
    return "nobody" if os.geteuid() == 0 else None


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


class Server:
    """A server that runs until `stop`. `folder` holds its data and its socket."""

    def __init__(self, bin: Path, *settings: str) -> None:
        self.bin = bin
        self.settings = settings
        self.folder = Path(tempfile.mkdtemp(prefix="comity-pg-"))
        user = _ordinary_user()
        if user is not None:
            shutil.chown(self.folder, user)
        self._user = user
        self.data = self.folder / "data"
        self._run("initdb", "-D", str(self.data), "-U", ROLE, "-E", "UTF8", "--locale=C", "-A", "trust", "--no-sync")
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self.bin / program, *arguments], user=self._user, cwd=self.folder, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()

    def start(self) -> None:
        """It answers."""
        options = [f"-c{each}" for each in ("listen_addresses=", f"unix_socket_directories={self.folder}")]
        options += [f"-c{each}" for each in ("shared_buffers=64MB", "max_connections=200", *self.settings)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self.bin / "postgres", "-D", self.data, *options],
                user=self._user,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,
            )
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
            except psycopg.OperationalError:
                assert self._process.poll() is None, (self.folder / "log").read_text(encoding="utf-8")
                assert time.monotonic() < deadline, "the server did not start"
                time.sleep(0.05)
            else:
                return

    def end(self, how: signal.Signals = signal.SIGINT) -> None:
        """It runs no more; SIGQUIT is as if it had crashed."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """It has ended, and left nothing."""
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str) -> str:
        """The address of a database."""
        return f"postgresql://{ROLE}@/{database}?host={self.folder}"


def _administer(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as db:
        for statement in statements:
            db.execute(statement)


@lru_cache(maxsize=1)
def _started() -> str:
    """The address of the server of this process, with `{}` for the database."""
    given = os.environ.get(VARIABLE)
    if given:
        return given
    bin = binaries()
    if bin is None:
        pytest.skip("PostgreSQL's server is not installed")
    server = Server(bin)
    atexit.register(server.stop)
    address = server.url("{}")
    _administer(address.format("postgres"), f"CREATE DATABASE {TEMPLATE}")
    open_store(address.format(TEMPLATE)).close()
    os.environ[VARIABLE] = address
    return address


def empty_database(name: str) -> str:
    """The address of a new database without tables."""
    address = _started()
    _administer(address.format("postgres"), f"CREATE DATABASE {name}")
    _folders[name] = Path("/")
    return address.format(name)


def database_of(folder: Path) -> str:
    """The address of the database that belongs to the folder, made with the tables of a store where there was none."""
    address = _started()
    name = f"t_{hashlib.sha256(str(folder).encode()).hexdigest()[:24]}"
    with psycopg.connect(address.format("postgres"), autocommit=True) as db:
        if db.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
            _drop(db, [name for name, folder in _folders.items() if not folder.exists()])
            db.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
            _folders[name] = folder
    return address.format(name)


def restore_database(kept: Path, folder: Path) -> None:
    """The database of the folder holds what that of `kept` holds, and nothing has it open."""
    original = conninfo_to_dict(database_of(kept))["dbname"]
    name = conninfo_to_dict(database_of(folder))["dbname"]
    server = _started().format("postgres")
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)", f"CREATE DATABASE {name} TEMPLATE {original}")


def store_address(folder: Path, kind: str | None = None) -> str:
    """Where the node of that folder is to rest, by its kind of store or what COMITY_TEST_STORE says."""
    if (kind or os.environ.get(KIND)) == "postgres":
        return database_of(folder)
    return f"sqlite:///{folder / 'comity.db'}"


def new_store() -> str | None:
    """An empty database, where nodes are to rest on PostgreSQL; None else."""
    return empty_database(f"new_{uuid.uuid4().hex}") if os.environ.get(KIND) == "postgres" else None


def init_options(args: Sequence[str]) -> list[str]:
    """What `comity init` is to be told besides, where nodes are to rest on PostgreSQL."""
    address = new_store() if args and args[0] == "init" and "--store" not in args else None
    return [] if address is None else ["--store", address]


def copy_home(source: Path, target: Path) -> Path:
    """The home `target` is a node of its own that holds what `source` holds, wherever that rests."""
    shutil.copytree(source, target)
    address = load_settings(source).store
    if address.startswith("postgresql:"):
        name = f"copy_{uuid.uuid4().hex}"
        original = conninfo_to_dict(address)["dbname"]
        _administer(_started().format("postgres"), f"CREATE DATABASE {name} TEMPLATE {original}")
        set_setting(target, "store", _started().format(name))
    return target


def change_a_body(home: Path, old: bytes, new: bytes) -> None:
    """What the node holds is changed behind its back."""
    address = load_settings(home).store
    if address.startswith("postgresql:"):
        with psycopg.connect(address) as db:
            rows = db.execute("SELECT key, body FROM body").fetchall()
            changed = [(body.replace(old, new), key) for key, body in rows if old in body]
            assert changed
            db.cursor().executemany("UPDATE body SET body = %s WHERE key = %s", changed)
    else:
        data = bytearray((home / "comity.db").read_bytes())
        place = data.find(old)
        assert place > 0
        data[place : place + len(new)] = new
        (home / "comity.db").write_bytes(data)


def change_rows(home: Path, sql: str) -> None:
    """The statement was executed in the store of the home, behind the back of the node."""
    with closing(open_any_store(load_settings(home).store, home, create=False)) as store, store.writing() as db:
        db.execute(sql)


def drop_databases(under: Path) -> None:
    """The databases that this process made for folders below that one are gone."""
    names = [name for name, folder in _folders.items() if under in (folder, *folder.parents)]
    if names:
        with psycopg.connect(_started().format("postgres"), autocommit=True) as db:
            _drop(db, names)


def _drop(db: "psycopg.Connection[tuple[object, ...]]", names: list[str]) -> None:
    for name in names:
        db.execute(f"DROP DATABASE {name} WITH (FORCE)")
        del _folders[name]
