"""The sides of a comparison: a server on loopback with its credential and its process, and how it was configured."""

import http.client
import json
import platform
import re
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import psutil
from bench.data import scratch
from bench.figures import UnmeasuredError

import comity

MEDIA = "application/taxii+json;version=2.1"
START_SECONDS = 120.0
STOP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    """A served collection: where, with which credential, by which processes, and after how many seconds it answered."""

    host: str
    port: int
    authorization: str
    collection_path: str
    pids: tuple[int, ...] = ()
    started_seconds: float = 0.0

    @property
    def objects_path(self) -> str:
        """The objects endpoint of the collection."""
        return f"{self.collection_path}objects/"

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"http://{self.host}:{self.port}"

    def connect(self, seconds: float = 300) -> http.client.HTTPConnection:
        """A connection that stays open; no answer may take longer than that."""
        return http.client.HTTPConnection(self.host, self.port, timeout=seconds)

    def headers(self, **more: str) -> dict[str, str]:
        """What every request says."""
        return {"Accept": MEDIA, "Authorization": self.authorization, **more}

    def json(self, path: str) -> dict[str, Any]:
        """The JSON object under that path."""
        with closing(self.connect()) as connection:
            connection.request("GET", path, headers=self.headers())
            response = connection.getresponse()
            body = response.read()
        if response.status != 200:
            raise UnmeasuredError(f"GET {path}: {response.status} {body[:200]!r}")
        found: dict[str, Any] = json.loads(body)
        return found


Start: TypeAlias = "Callable[[Sequence[bytes]], AbstractContextManager[Server]]"


@dataclass(frozen=True, slots=True)
class Side:
    """A subject of a comparison: how it is started, with these objects in it, and what a reader must know of it."""

    name: str
    start: Start
    configuration: str
    durability: str
    grows_by_square: bool = False
    """Paging takes a time that grows with the square of the collection, so that only a part of it can be measured."""

    def named(self, held: int, count: int) -> str:
        """Its name, and how many objects it holds where that is not all."""
        return self.name if held == count else f"{self.name} (the first {held:,} only)"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def running(words: Sequence[str], log: Path, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """The command runs during the block; it and all that it started are gone afterwards."""
    with log.open("wb") as out:
        process = subprocess.Popen(words, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env)
    try:
        yield process
    finally:
        below = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for child in psutil.wait_procs(below, 5)[1]:
            child.kill()


def until_answering(server: Server, log: Path) -> float:
    """Seconds until the server, which was started just now, answered for the first time."""
    start = time.perf_counter()
    while time.perf_counter() - start < START_SECONDS:
        try:
            server.json("/taxii2/")
        except (OSError, http.client.HTTPException):
            if any(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE for pid in server.pids):
                break
            time.sleep(0.005)
        else:
            return time.perf_counter() - start
    raise UnmeasuredError(f"the server did not start: {log.read_text(errors='replace', encoding='utf-8')[-300:]}")


# -- Comity -----------------------------------------------------------------------------------------------------------
def command(*words: str) -> list[str]:
    """`comity` of this environment."""
    return [sys.executable, "-m", "comity", *words]


def run_command(*words: str) -> dict[str, Any]:
    """What a command of Comity answers in JSON."""
    done = subprocess.run(command(*words, "--json"), capture_output=True, check=False)
    if done.returncode:
        raise UnmeasuredError(f"comity {words[0]} ended with {done.returncode}: {done.stderr[-300:]!r}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@dataclass(frozen=True, slots=True)
class Home:
    """A node: its folder, the id of its default collection, and a token with every right."""

    path: Path
    collection: str
    token: str


WARM_PATH = "/taxii2/root/collections/warm/"


def new_home(folder: Path, store: str | None = None, *, auto: bool = False) -> Home:
    """A node was made in the folder, its store there or elsewhere, with a collection `warm` beside the default one;
    with `auto` what its token sends is classified and published as it arrives."""
    path = folder / "home"
    made = run_command("init", "--home", str(path), "--name", "bench", *(["--store", store] if store else []))
    run_command("collection", "add", "warm", "--alias", "warm", "--home", str(path))
    if auto:
        run_command("source", "add", "feed", "auto", "--auto", "--marking", "tlp:green", "--home", str(path))
    source = ("--source", "auto") if auto else ()
    rights = ("--read", "all", "--write", "all")
    token = run_command("token", "new", "bench", "--home", str(path), *rights, *source)["token"]
    return Home(path, made["collection"]["id"], token)


@contextmanager
def serving(home: Home, *options: str) -> Iterator[Server]:
    """The node is served by processes of its own during the block."""
    port, log = free_port(), home.path.parent / "serve.log"
    server = Server("127.0.0.1", port, f"Bearer {home.token}", f"/taxii2/root/collections/{home.collection}/")
    with running(command("serve", "--home", str(home.path), "--port", str(port), *options), log) as process:
        server = replace(server, pids=(process.pid,))
        yield replace(server, started_seconds=until_answering(server, log))


@contextmanager
def comity_node(
    objects: Sequence[bytes], *, options: Sequence[str] = (), store: str | None = None, auto: bool = False
) -> Iterator[Server]:
    """A fresh node with these objects is served, and gone afterwards."""
    with scratch() as folder:
        home = new_home(Path(folder), store, auto=auto)
        if objects:
            lines = Path(folder) / "objects.ndjson"
            lines.write_bytes(b"\n".join(raw.replace(b"\n", b" ") for raw in objects))
            run_command("import", str(lines), "--home", str(home.path))
            lines.unlink()
        with serving(home, *options) as server:
            yield server


_DURABLE = "an envelope is one transaction; WAL, synchronous=FULL: what is acknowledged is on the disk"
COMITY = Side(
    f"Comity {comity.__version__}",
    comity_node,
    "`comity serve` with the settings of `comity init`: one process a core and one before them, SQLite "
    f"{sqlite3.sqlite_version}, validation on, a bearer token that may read and write",
    _DURABLE,
)
ONE_WORKER = Side(
    f"Comity {comity.__version__}, --workers 1",
    partial(comity_node, options=("--workers", "1")),
    "the same in one process",
    _DURABLE,
)
CLASSIFIED = Side(
    f"Comity {comity.__version__}, classified and published",
    partial(comity_node, auto=True),
    "the same, from a source with the rule `auto`: each object gets its release class as it arrives",
    _DURABLE,
)
OURS = (COMITY, ONE_WORKER)


def machine() -> str:
    """What a reader must know of the machine."""
    memory = psutil.virtual_memory().total / 2**30
    kernel = re.match(r"\d+\.\d+", platform.release())
    return (
        f"{psutil.cpu_count()} cores ({platform.machine()}), {memory:.0f} GiB, Linux {kernel[0] if kernel else ''}, "
        f"CPython {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )
