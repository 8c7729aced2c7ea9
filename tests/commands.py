"""Running the `comity` command for tests: as a real process, and inside this one where only its words matter."""

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from tests.postgres import init_options
from tests.warm import run_comity

from comity.cli.main import run

SECONDS_MAX = 60
COMITY = (sys.executable, "-m", "comity")


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command left behind: its exit code, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object on stdout."""
        return json.loads(self.out)


def environment(**more: str) -> dict[str, str]:
    """The environment of a plain user: no home from outside, no terminal, no colours."""
    left_out = {"COMITY_HOME", "COMITY_DEBUG", "NO_COLOR", "XDG_DATA_HOME"}
    return {name: value for name, value in os.environ.items() if name not in left_out} | more


def comity(*args: str | Path, home: Path | None = None, given: bytes = b"", cwd: Path | None = None) -> Ended:
    """The command was run in a process of its own."""
    where = ("--home", str(home)) if home else ()
    words = [*map(str, args), *init_options([str(each) for each in args]), *where]
    ended = run_comity(words, given=given, env=environment(), cwd=cwd, seconds=SECONDS_MAX)
    return Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode())


def inside(*args: str | Path, home: Path | None = None, given: bytes = b"") -> Ended:
    """The command was run in this process, where what it runs through is measured: for what its words say, and not for
    how it ends, what it does to a terminal, or what it shares with another."""
    where = ("--home", str(home)) if home else ()
    words = [*map(str, args), *init_options([str(each) for each in args]), *where]
    out, err = io.BytesIO(), io.BytesIO()
    with mock.patch.dict(os.environ, environment(), clear=True), _streams(given, out, err):
        code = run(words)
    return Ended(code, out.getvalue().decode(), err.getvalue().decode())


@contextlib.contextmanager
def _streams(given: bytes, out: io.BytesIO, err: io.BytesIO) -> Iterator[None]:
    """Standard input, output and errors are these inside the block, and nothing written is lost."""
    streams = [io.TextIOWrapper(each, encoding="utf-8", write_through=True) for each in (io.BytesIO(given), out, err)]
    with contextlib.ExitStack() as stack:
        for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
            stack.enter_context(mock.patch.object(sys, name, stream))
        yield
        for stream in streams:
            stream.flush()
            stream.detach()


def bundle(*objects: dict[str, Any]) -> bytes:
    """A STIX bundle of these."""
    whole = {"type": "bundle", "id": "bundle--5d0092c5-5f74-4287-9642-33f4c354e56d", "objects": list(objects)}
    return json.dumps(whole).encode()


def indicator(number: int, **members: Any) -> dict[str, Any]:
    """A good indicator, another one for each number."""
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--00000000-0000-4000-8000-{number:012x}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": f"sign {number}",
        "pattern": f"[ipv4-addr:value = '192.0.2.{number % 256}']",
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
    } | members
