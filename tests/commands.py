"""Running the `comity` command for tests: as a real process, and inside this one where only its words matter."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.postgres import init_options
from tests.warm import run_comity

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
