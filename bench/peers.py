"""The peers: TAXII servers that others wrote, in an environment of their own, as they are meant to be run.

    python -m bench.peers        installs them, in the versions of peers.txt, into BENCH_PEERS

BENCH_PEERS is a folder, else `comity-bench-peers` in the system's folder for temporary files.
"""

import base64
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bench.data import common, scratch
from bench.figures import UnmeasuredError
from bench.sides import Server, Side, free_port, running, until_answering

HERE = Path(__file__).resolve().parent
PEERS = Path(os.environ.get("BENCH_PEERS") or Path(tempfile.gettempdir()) / "comity-bench-peers")
WORKERS = 2


def program(name: str) -> str:
    """A program of the peers' environment."""
    return str(PEERS / "bin" / name)


def installed() -> bool:
    """Whether the peers are there, in the versions that are wanted."""
    mark = PEERS / "installed.txt"
    return mark.exists() and mark.read_text(encoding="utf-8") == (HERE / "peers.txt").read_text(encoding="utf-8")


def install() -> None:
    """The peers are in an environment of their own."""
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(PEERS)], check=True)
    subprocess.run([program("pip"), "install", "-q", "--no-deps", "-r", str(HERE / "peers.txt")], check=True)
    (PEERS / "installed.txt").write_text((HERE / "peers.txt").read_text(encoding="utf-8"), encoding="utf-8")


@contextmanager
def _medallion(objects: Sequence[bytes]) -> Iterator[Server]:
    collection = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
    added = datetime(2026, 1, 1, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    media = "application/stix+json;version=2.1"
    manifest = [
        {"id": found.id, "date_added": added, "version": found.version, "media_type": media}
        for found in map(common, objects)
    ]
    with scratch() as name:
        folder, port = Path(name), free_port()
        root = f"http://127.0.0.1:{port}/root/"
        content = {
            "/discovery": {"title": "bench", "default": root, "api_roots": [root]},
            "root": {
                "information": {
                    "title": "bench",
                    "versions": ["application/taxii+json;version=2.1"],
                    "max_content_length": 100_000_000,
                },
                "status": [],
                "collections": [
                    {
                        "id": collection,
                        "title": "bench",
                        "can_read": True,
                        "can_write": True,
                        "media_types": [media],
                        "objects": [json.loads(raw) for raw in objects],
                        "manifest": manifest,
                    }
                ],
            },
        }
        settings = {
            "backend": {
                "module": "medallion.backends.memory_backend",
                "module_class": "MemoryBackend",
                "filename": str(folder / "content.json"),
                "session_timeout": 600,
            },
            "users": {"bench": "bench-password"},
            "taxii": {"max_page_size": 1000},
        }
        (folder / "content.json").write_text(json.dumps(content), encoding="utf-8")
        (folder / "medallion.json").write_text(json.dumps(settings), encoding="utf-8")
        del content, manifest
        basic = base64.b64encode(b"bench:bench-password").decode()
        server = Server("127.0.0.1", port, f"Basic {basic}", f"/root/collections/{collection}/")
        words = [program("medallion"), "--port", str(port), str(folder / "medallion.json")]
        with running(words, folder / "log") as process:
            server = replace(server, pids=(process.pid,))
            yield replace(server, started_seconds=until_answering(server, folder / "log"))


MEDALLION = Side(
    "medallion 3.0.0",
    _medallion,
    "its own command (Flask's server, one process), memory backend, max_page_size 1000, basic auth; no schema is "
    "checked; collections of the reading benchmarks are loaded from its data file, and hold only a part: it copies all "
    "objects for every request, and for pages compares each of them with the rows of its manifest, so that its time "
    "grows with the square of the collection",
    "none: everything is in memory and gone when it ends",
    grows_by_square=True,
)

_OPENTAXII = """domain: "127.0.0.1:{port}"
support_basic_auth: yes
auth_api:
  class: opentaxii.auth.sqldb.SQLDatabaseAPI
  parameters:
    {{db_connection: "sqlite:///{folder}/auth.db", create_tables: yes, secret: {secret}, token_ttl_secs: 36000}}
taxii1:
taxii2:
  title: bench
  description: bench
  max_content_length: 104857600
  public_discovery: yes
  allow_custom_properties: yes
  persistence_api:
    class: opentaxii.persistence.sqldb.Taxii2SQLDatabaseAPI
    parameters: {{db_connection: "sqlite:///{folder}/data.db", create_tables: yes}}
logging: {{opentaxii: warning, root: warning}}
"""


@contextmanager
def _opentaxii(objects: Sequence[bytes]) -> Iterator[Server]:
    with scratch() as name:
        folder, port = Path(name), free_port()
        (folder / "conf.yml").write_text(
            _OPENTAXII.format(port=port, folder=folder, secret="bench-" * 8), encoding="utf-8"
        )
        lines = folder / "objects.ndjson"
        lines.write_bytes(b"\n".join(raw.replace(b"\n", b" ") for raw in objects))
        environment = {**os.environ, "OPENTAXII_CONFIG": str(folder / "conf.yml")}
        words = [program("python"), str(HERE / "opentaxii_setup.py"), str(lines)]
        made = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, encoding="utf-8")
        if made.returncode:
            raise UnmeasuredError(f"OpenTAXII could not be set up: {made.stderr[-300:]}")
        answer = json.loads(made.stdout.splitlines()[-1])
        server = Server("127.0.0.1", port, f"Bearer {answer['token']}", answer["path"])
        words = [program("gunicorn"), "-w", str(WORKERS), "-b", f"127.0.0.1:{port}", "--timeout", "600"]
        with running([*words, "opentaxii.http:app"], folder / "log", environment) as process:
            server = replace(server, pids=(process.pid,))
            yield replace(server, started_seconds=until_answering(server, folder / "log"))


OPENTAXII = Side(
    "OpenTAXII 0.10.0b1",
    _opentaxii,
    f"gunicorn 27.0.1 with {WORKERS} sync workers (one a core), SQLite by SQLAlchemy 1.4.54, its bearer token (basic "
    "auth would add a password hash to every request); objects are parsed by stix2, allow_custom_properties on; "
    "collections of the reading benchmarks are loaded as the rows that it would write",
    "SQLite's defaults: rollback journal, synchronous=FULL, so what is acknowledged is on the disk",
)


def present() -> list[Side]:
    """The peers that can be measured here."""
    return [MEDALLION, OPENTAXII] if installed() else []


ABSENT = "The peers are not installed (`make bench-peers`), so they were not measured."

if __name__ == "__main__":
    install()
