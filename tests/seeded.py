"""Tests run against a copy of the package into which faults are put.

One process has loaded what the tests need from others, and nothing of the package; each run is a child of it, which
reads the copy as it is by then. That takes half the time of a new interpreter each.
"""

import compileall
import contextlib
import importlib
import json
import os
import py_compile
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parents[1]
LOADED = (
    "pytest",
    "hypothesis",
    "hypothesis.strategies",
    "cedarpy",
    "msgspec",
    "orjson",
    "click",
    "httptools",
    "uvicorn",
    "pyroaring",
    "jsonschema_rs",
    "cryptography.hazmat.primitives.asymmetric",
    "rfc8785",
    "starlette.applications",
)
# What was loaded before pytest began is not rewritten, and nobody wants it to be.
ALREADY = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"
OPTIONS = ("-q", "-x", "-W", ALREADY, "-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:xdist")
PASSED, FAILED, LATE = 0, 1, -1
TAIL = 4000


@dataclass(frozen=True, slots=True)
class Done:
    """How a run ended: PASSED, FAILED, LATE or another code of pytest. `seconds` are those of the processor."""

    code: int
    said: str
    seconds: float


def environment_of(package: Path) -> dict[str, str]:
    """That of a process which imports the copy, with examples that are the same each time. Neither what the copy covers
    nor the options of the run around it are meant there."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST"))}
    return plain | {"PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1", "HYPOTHESIS_PROFILE": "seeded"}


class Runner:
    """Runs tests against the copy, one run after the other, inside its block."""

    def __init__(self, package: Path) -> None:
        # What was not changed is not compiled again; a file is told from its former self by what it holds.
        compileall.compile_dir(package, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
        self.package = package
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.seeded"],
            cwd=ROOT,
            env=environment_of(package),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def __enter__(self) -> "Runner":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()

    def run(self, tests: Sequence[str], *, marks: str = "", seconds: float = 100) -> Done:
        """The tests with these marks ran, and stopped at the first that failed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([["-m", marks, *tests], seconds]) + "\n")
        self._process.stdin.flush()
        return Done(*json.loads(self._process.stdout.readline()))

    @contextlib.contextmanager
    def changed(self, file: str, text: str) -> Iterator[None]:
        """The file of the copy has that text inside the block, and its own again after it."""
        path = self.package / file
        sound = path.read_bytes()
        path.write_text(text, encoding="utf-8")
        try:
            yield
        finally:
            path.write_bytes(sound)


def _serve() -> None:
    for name in LOADED:
        importlib.import_module(name)
    for line in sys.stdin:
        arguments, seconds = json.loads(line)
        assert "comity" not in sys.modules
        with tempfile.TemporaryFile() as said:
            child = os.fork()
            if child == 0:
                _child(arguments, said.fileno())
            code, used = _wait(child, seconds)
            said.seek(0)
            words = said.read().decode(errors="replace")[-TAIL:]
        print(json.dumps([code, words, used]), flush=True)


def _child(arguments: list[str], said: int) -> None:
    """The run, in a session of its own, so that what it started ends with it."""
    code = 70
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(said, 1)
        os.dup2(said, 2)
        import pytest

        code = int(pytest.main([*OPTIONS, *arguments]))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _wait(child: int, seconds: float) -> tuple[int, float]:
    end = time.monotonic() + seconds
    while True:
        done, status, usage = os.wait4(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), round(usage.ru_utime + usage.ru_stime, 2)
        if time.monotonic() > end:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            _, _, usage = os.wait4(child, 0)
            return LATE, round(usage.ru_utime + usage.ru_stime, 2)
        time.sleep(0.01)


if __name__ == "__main__":
    _serve()
