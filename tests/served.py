"""A node as operators run it: `comity serve` as a process of its own, on a throw-away home."""

import contextlib
import os
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
from tests.postgres import init_options, new_store
from tests.warm import run_comity

from comity.node.access import NewToken
from comity.node.home import init_home, open_home
from comity.node.node import Node

COMITY = (sys.executable, "-m", "comity")
READY_SECONDS_MAX = 20
STOP_SECONDS_MAX = 20
_URL = re.compile(r"https?://[^\s/]+")


@dataclass(frozen=True, slots=True)
class Served:
    """A node that is served: where, the token that may do everything, its log (standard error), its process."""

    url: str
    home: Path
    tokens: dict[str, NewToken]
    log: Path
    process: subprocess.Popen[str]

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to connect to."""
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port

    @property
    def token(self) -> NewToken:
        """The token that may read and write everything."""
        return self.tokens["all"]

    @property
    def authorization(self) -> dict[str, str]:
        """The header that presents it."""
        return {"Authorization": f"Bearer {self.token.token}"}

    def node(self) -> Node:
        """The same node opened in this process, beside the served one; close it."""
        return open_home(self.home)

    def run(self, *arguments: str, ok: Sequence[int] = (0,), input: bytes | None = None) -> Any:
        """What a `comity` command on this home answers with `--json`."""
        return comity(*arguments, "--home", str(self.home), ok=ok, input=input)

    def resident_bytes(self, *, highest: bool = False) -> int:
        """The memory that the process tree holds, or the most that it has held since `forget_highest`."""
        return sum(_status_bytes(pid, "VmHWM:" if highest else "VmRSS:") for pid in self.pids())

    def forget_highest(self) -> None:
        """The most that each process has held is what it holds now."""
        for pid in self.pids():
            with contextlib.suppress(FileNotFoundError):
                Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="utf-8")

    def pids(self) -> list[int]:
        """The process and all below it."""
        found = [self.process.pid]
        for pid in found:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                # A thread may end between being listed and being read.
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                    found.extend(int(child) for child in children.read_text(encoding="utf-8").split())
        return found


def comity(*arguments: str, ok: Sequence[int] = (0,), input: bytes | None = None) -> Any:
    """What a `comity` command answers with `--json`: one object. Its exit status must be one of `ok`."""
    asked = [*arguments, *init_options(arguments), "--json"]
    done = run_comity(asked, given=input or b"", env=_environment(), cwd=None, seconds=110)
    words = f"{' '.join(arguments)}: exit {done.returncode}\n{done.stdout[-2000:]!r}\n{done.stderr.decode()[-2000:]}"
    assert done.returncode in ok, words
    return orjson.loads(done.stdout) if done.stdout.strip() else None


@contextlib.contextmanager
def served_home(
    folder: Path,
    *,
    prepare: Callable[[Node], None] | None = None,
    settings: Sequence[str] = (),
    options: Sequence[str] = ("--log-json",),
) -> Iterator[Served]:
    """A new home in that folder is served on a free port of 127.0.0.1 until the block is left.

    `prepare` gets the new node before it is served; `settings` are lines for its `comity.toml`; the served process
    must end of itself, with 0, when it is asked to.
    """
    home = folder / "home"
    with init_home(home, name="Test node", store=new_store()) as node:
        tokens = {"all": node.new_token("everything", read=["all"], write=["all"])}
        if prepare is not None:
            prepare(node)
    if settings:
        with (home / "comity.toml").open("a", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in settings))
    with served(home, folder / "serve.log", tokens=tokens, options=options) as running:
        yield running


@contextlib.contextmanager
def served(
    home: Path,
    log: Path,
    *,
    tokens: dict[str, NewToken] | None = None,
    options: Sequence[str] = ("--log-json",),
    program: Sequence[str] = COMITY,
) -> Iterator[Served]:
    """The home is served on a free port of 127.0.0.1 until the block is left."""
    process = launch(home, log, options=options, program=program)
    try:
        yield Served(ready_url(process, log), home, tokens or {}, log, process)
        died = process.poll()
        assert died is None, f"the served process ended with {died}: {log.read_text(encoding='utf-8')[-2000:]}"
        process.terminate()
        code = process.wait(STOP_SECONDS_MAX)
        assert code in (0, 130, -15), f"asked to end, it ended with {code}: {log.read_text(encoding='utf-8')[-2000:]}"
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


def launch(
    home: Path, log: Path, *, options: Sequence[str] = ("--log-json",), program: Sequence[str] = COMITY
) -> subprocess.Popen[str]:
    """A process group of its own begins to serve the home on a free port of 127.0.0.1; whoever calls ends it."""
    command = [*program, "serve", "--home", str(home), "--host", "127.0.0.1", "--port", "0", *options]
    with log.open("ab") as stream:
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
            env=_environment(),
            start_new_session=True,
            encoding="utf-8",
        )


def ready_url(process: subprocess.Popen[str], log: Path) -> str:
    """The URL that the process prints once it takes connections, with a slash at its end."""
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        lines.put(process.stdout.readline())

    threading.Thread(target=read, daemon=True).start()
    try:
        line = lines.get(timeout=READY_SECONDS_MAX)
    except queue.Empty:
        line = ""
    found = _URL.search(line)
    assert found is not None, (
        f"no URL within {READY_SECONDS_MAX} s but {line!r}: {log.read_text(encoding='utf-8')[-2000:]}"
    )
    return f"{found[0]}/"


def _environment() -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("COMITY_")}
    # Memory is measured here, and the allocator of the development mode takes twice as much of it.
    return plain | ({"PYTHONMALLOC": "pymalloc"} if "PYTHONDEVMODE" in plain else {})


def _status_bytes(pid: int, name: str) -> int:
    with contextlib.suppress(FileNotFoundError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return 0


def wait_until(holds: Callable[[], bool], *, seconds: float) -> None:
    """It holds within that time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"did not come true within {seconds} s"
        time.sleep(0.02)
