"""What TAXII costs here: POST against bare SQLite inserts of the same rows, GET by wrk, look-ups by id, memory.

    python bench/taxii.py [--bundle FILE] [--repeat 5] [--seconds 3] [--smoke]

Prints a table of medians with their spread, each ratio with both numbers behind it. Everything runs on this machine in
one run, interleaved: limit, one client, two clients, and again. Both sides are durable (WAL, synchronous=FULL).
"""

import argparse
import http.client
import json
import os
import platform
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import psutil
import zstandard

MEDIA = "application/taxii+json;version=2.1"
ENVELOPE_OBJECTS = 1000
DATA = Path(os.environ.get("COMITY_TEST_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")


class _Envelope(msgspec.Struct):
    objects: list[msgspec.Raw]


class _Common(msgspec.Struct):
    type: str
    id: str
    created: str = ""
    modified: str = ""


_envelope = msgspec.json.Decoder(_Envelope)
_common = msgspec.json.Decoder(_Common)


def objects_of(bundle: Path | None, smoke: bool) -> list[bytes]:
    """The raw objects to send: a bundle's, or some indicators made here."""
    if bundle is None or not bundle.exists():
        return made(2000 if smoke else 25_000)
    raw = bundle.read_bytes()
    if bundle.suffix == ".zst":
        raw = zstandard.ZstdDecompressor().decompress(raw, max_output_size=1 << 31)
    objects = [bytes(one) for one in _envelope.decode(raw).objects]
    return objects[:2000] if smoke else objects


def made(count: int) -> list[bytes]:
    """Indicators of documentation addresses, the same each time."""
    rng = random.Random(1)
    moment = "2026-01-01T00:00:00.000Z"
    found = []
    for _ in range(count):
        number = rng.getrandbits(128) & ~(0xF << 76) | (4 << 76)
        digits = f"{number & ~(0x3 << 62) | (0x2 << 62):032x}"
        uuid = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        value = {
            "type": "indicator",
            "spec_version": "2.1",
            "id": f"indicator--{uuid}",
            "created": moment,
            "modified": moment,
            "name": f"Command and control {rng.randrange(10**6)}",
            "pattern": f"[ipv4-addr:value = '198.51.100.{rng.randrange(256)}']",
            "pattern_type": "stix",
            "valid_from": moment,
        }
        found.append(json.dumps(value).encode())
    return found


@dataclass(slots=True)
class Served:
    """A node that serves: where, with which credential, by which process."""

    host: str
    port: int
    token: str
    collection: str
    warm: str
    pid: int

    @property
    def objects_path(self) -> str:
        """The objects endpoint of the default collection."""
        return f"{self.collection}objects/"

    def connect(self) -> http.client.HTTPConnection:
        """A connection that stays open, without Nagle's delay."""
        return http.client.HTTPConnection(self.host, self.port, timeout=120)

    def headers(self, **more: str) -> dict[str, str]:
        """What every request says."""
        return {"Accept": MEDIA, "Authorization": f"Bearer {self.token}", **more}


def _comity(*words: str) -> list[str]:
    return [sys.executable, "-m", "comity", *words]


@contextmanager
def served() -> Iterator[Served]:
    """A fresh node, served on loopback by a process of its own, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="comity-bench-") as folder:
        home = Path(folder) / "home"
        subprocess.run(
            _comity("init", "--home", str(home), "--name", "bench", "--json"), check=True, capture_output=True
        )
        subprocess.run(_comity("collection", "add", "warm", "--home", str(home)), check=True, capture_output=True)
        made_token = subprocess.run(
            _comity("token", "new", "bench", "--home", str(home), "--read", "all", "--write", "all", "--json"),
            check=True,
            capture_output=True,
        )
        token = json.loads(made_token.stdout)["token"]
        process = subprocess.Popen(
            _comity("serve", "--home", str(home), "--port", "0"),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert process.stdout is not None
            url = next(word for word in process.stdout.readline().split() if word.startswith("http"))
            parts = urlsplit(url)
            node = Served(parts.hostname or "127.0.0.1", parts.port or 80, token, "", "", process.pid)
            connection = node.connect()
            root = _json(connection, node, "/taxii2/")["default"]
            root = urlsplit(root).path
            listed = _json(connection, node, f"{root}collections/")["collections"]
            node.collection, node.warm = (f"{root}collections/{each['id']}/" for each in listed)
            yield node
        finally:
            process.terminate()
            process.wait(30)


def _json(connection: http.client.HTTPConnection, node: Served, path: str) -> dict:  # type: ignore[type-arg]
    connection.request("GET", path, headers=node.headers())
    response = connection.getresponse()
    body = response.read()
    assert response.status == 200, (path, response.status, body[:200])
    found: dict[str, object] = json.loads(body)
    return found


def envelopes_of(objects: list[bytes]) -> list[bytes]:
    """The bodies to POST."""
    cut = range(0, len(objects), ENVELOPE_OBJECTS)
    return [b'{"objects":[' + b",".join(objects[at : at + ENVELOPE_OBJECTS]) + b"]}" for at in cut]


def bare_insert(envelopes: list[bytes]) -> float:
    """Seconds that SQLite needs for the same rows and two indexes, one transaction an envelope, nothing checked."""
    with tempfile.TemporaryDirectory(prefix="comity-bench-") as folder:
        base = sqlite3.connect(Path(folder) / "bare.db", isolation_level=None)
        base.execute("PRAGMA journal_mode=WAL")
        base.execute("PRAGMA synchronous=FULL")
        base.execute("PRAGMA wal_autocheckpoint=10000")
        base.execute(
            "CREATE TABLE object(key INTEGER PRIMARY KEY, id TEXT NOT NULL, version TEXT NOT NULL, type TEXT NOT NULL,"
            " body BLOB NOT NULL)"
        )
        base.execute("CREATE UNIQUE INDEX by_id ON object(id, version)")
        base.execute("CREATE INDEX by_type ON object(type, key)")
        key = 0
        start = time.perf_counter()
        for envelope in envelopes:
            rows = []
            for raw in _envelope.decode(envelope).objects:
                common = _common.decode(raw)
                key += 1
                rows.append((key, common.id, common.modified or common.created, common.type, bytes(raw)))
            base.execute("BEGIN IMMEDIATE")
            base.executemany("INSERT OR IGNORE INTO object VALUES(?,?,?,?,?)", rows)
            base.execute("COMMIT")
        seconds = time.perf_counter() - start
        base.close()
    return seconds


def post_all(node: Served, envelopes: list[bytes], clients: int) -> float:
    """Seconds until every envelope is acknowledged, each client waiting for each answer."""
    todo = iter(envelopes)
    lock = threading.Lock()
    failed: list[str] = []

    def client() -> None:
        connection = node.connect()
        while True:
            with lock:
                body = next(todo, None)
            if body is None:
                return
            connection.request("POST", node.objects_path, body, node.headers(**{"Content-Type": MEDIA}))
            response = connection.getresponse()
            answer = response.read()
            if response.status != 202 or b'"failure_count":0' not in answer:
                failed.append(f"{response.status} {answer[:300]!r}")

    threads = [threading.Thread(target=client) for _ in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    assert not failed, failed[0]
    return seconds


def warm(node: Served, objects: list[bytes]) -> None:
    """One object of each type was posted elsewhere, since a node compiles a schema when it first meets the type."""
    first: dict[str, bytes] = {}
    for raw in objects:
        first.setdefault(_common.decode(raw).type, raw)
    other = replace(node, collection=node.warm)
    post_all(other, envelopes_of(list(first.values())), 1)


def page_paths(node: Served) -> list[str]:
    """The addresses of all pages of the collection, as `next` leads from one to the next."""
    connection = node.connect()
    paths, path = [], f"{node.objects_path}?limit=1000&match[version]=all"
    while True:
        paths.append(path)
        page = _json(connection, node, path)
        if not page.get("more"):
            return paths
        path = f"{node.objects_path}?limit=1000&match[version]=all&next={page['next']}"


def wrk(node: Served, paths: list[str], seconds: float, connections: int, folder: Path) -> dict[str, float]:
    """Requests a second, and latencies in ms, of wrk going round these addresses."""
    script = folder / "paths.lua"
    listed = ",".join(json.dumps(path) for path in paths)
    script.write_text(
        f"local paths={{{listed}}}\nlocal at=0\n"
        f'wrk.headers["Accept"]="{MEDIA}"\nwrk.headers["Authorization"]="Bearer {node.token}"\n'
        'request=function() at=at%#paths+1 return wrk.format("GET",paths[at]) end\n'
        'done=function(s,l,r) io.write(string.format("RESULT %f %f %f %f %d\\n",'
        "s.requests/s.duration*1e6,l:percentile(50)/1e3,l:percentile(99)/1e3,s.bytes/s.duration,"
        "s.errors.status+s.errors.connect+s.errors.read+s.errors.write+s.errors.timeout)) end\n"
    )
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds:g}s",
        "-s",
        str(script),
        f"http://{node.host}:{node.port}",
    ]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    line = next(line for line in out.splitlines() if line.startswith("RESULT"))
    rate, p50, p99, byte_rate, errors = (float(word) for word in line.split()[1:])
    assert not errors, out
    return {"rate": rate, "p50_ms": p50, "p99_ms": p99, "bytes_s": byte_rate}


def proportional_mb(pid: int) -> float:
    """Megabytes of the process and its children, shared pages by their share."""
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return float(sum(process.memory_full_info().pss for process in processes)) / 1e6


@dataclass(slots=True)
class Row:
    """Figures of one kind of work, one a repeat."""

    name: str
    values: list[float]
    unit: str

    def text(self) -> str:
        """Median and spread as a row of a table."""
        middle = statistics.median(self.values)
        return f"| {self.name} | {middle:,.0f} | {min(self.values):,.0f} to {max(self.values):,.0f} | {self.unit} |"


def run(objects: list[bytes], repeat: int, seconds: float, rest: float, say: Callable[[str], None]) -> None:
    """All measurements, interleaved, and the table of them."""
    envelopes = envelopes_of(objects)
    count = len(objects)
    limit, one, two = (
        Row("bare insert, 2 indexes", [], "objects/s"),
        Row("POST, 1 client", [], "objects/s"),
        Row("POST, 2 clients", [], "objects/s"),
    )
    whole, ids = Row("GET whole, wrk -c8", [], "objects/s"), Row("GET match[id], wrk -c16", [], "requests/s")
    p50, p99 = Row("GET match[id] p50", [], "µs"), Row("GET match[id] p99", [], "µs")
    memory = Row("memory after GET of 1,000 and rest", [], "MB")
    has_wrk = shutil.which("wrk") is not None
    for _ in range(repeat):
        limit.values.append(count / bare_insert(envelopes))
        with served() as node:
            warm(node, objects)
            one.values.append(count / post_all(node, envelopes, 1))
            _json(node.connect(), node, f"{node.objects_path}?limit=1000")
            time.sleep(rest)
            memory.values.append(proportional_mb(node.pid))
            if has_wrk:
                with tempfile.TemporaryDirectory() as folder:
                    paths = page_paths(node)
                    pages = wrk(node, paths, seconds, 8, Path(folder))
                    held = count if len(paths) > 1 else min(count, 1000)
                    whole.values.append(pages["rate"] * held / len(paths))
                    chosen = random.Random(2).sample(objects, min(200, count))
                    by_id = [f"{node.objects_path}?match[id]={_common.decode(raw).id}" for raw in chosen]
                    found = wrk(node, by_id, seconds, 16, Path(folder))
                    ids.values.append(found["rate"])
                    p50.values.append(found["p50_ms"] * 1e3)
                    p99.values.append(found["p99_ms"] * 1e3)
        with served() as node:
            warm(node, objects)
            two.values.append(count / post_all(node, envelopes, 2))
    say(
        f"{count:,} objects, {sum(map(len, objects)) / count:,.0f} bytes each; {repeat} interleaved repeats; "
        f"{os.cpu_count()} cores, CPython {platform.python_version()}, SQLite {sqlite3.sqlite_version}; "
        "both sides WAL, synchronous=FULL, one transaction an envelope of 1,000"
    )
    say("| work | median | spread | unit |\n|---|---|---|---|")
    for row in (limit, one, two, whole, ids, p50, p99, memory):
        if row.values:
            say(row.text())
    for row in (one, two):
        ratios = [mine / bare for mine, bare in zip(row.values, limit.values, strict=True)]
        say(
            f"{row.name} / bare insert: {statistics.median(ratios):.2f} "
            f"({statistics.median(row.values):,.0f} / {statistics.median(limit.values):,.0f}; "
            f"pairs {min(ratios):.2f} to {max(ratios):.2f})"
        )
    if not has_wrk:
        say("wrk is not installed: reading was not measured.")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=DATA / "enterprise-attack-18.1.json.zst")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rest", type=float, default=30, help="seconds of rest before memory is read")
    parser.add_argument("--smoke", action="store_true", help="the smallest run that still touches everything")
    asked = parser.parse_args()
    if asked.smoke:
        asked.repeat, asked.seconds, asked.rest = 1, 1, 0
    run(objects_of(asked.bundle, asked.smoke), asked.repeat, asked.seconds, asked.rest, print)


if __name__ == "__main__":
    main()
