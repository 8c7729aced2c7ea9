"""Commands that are killed on their way: what they did is whole, and doing it again ends well."""

import contextlib
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import orjson
import pytest
from tests.faults.homes import make_home, planted
from tests.faults.kills import HITS_LEAST
from tests.faults.planted import LATER
from tests.served import COMITY, comity
from tests.world import indicator

from comity.node.doctor import Level, examine
from comity.node.home import open_home
from comity.node.receive import SLICE_OBJECTS
from comity.store.scratch import PREFIX
from comity.store.sqlite import open_store, schema, schema_version
from comity.store.steps import packaged

ROUNDS = [
    pytest.param(3, marks=pytest.mark.slow),
    pytest.param(50, marks=[pytest.mark.deep, pytest.mark.timeout(900)]),
]
OBJECTS = 4 * SLICE_OBJECTS
STORE = "comity.db"


def holds_bytes(path: Path) -> bool:
    """Whether there is something in the file; one process may take it away while another looks."""
    with suppress(FileNotFoundError):
        return path.stat().st_size > 0
    return False


class Kills:
    """Starts a command anew and kills it at a random moment of its work, which ends when it says its result. A kill
    hits where nothing was said. Time is what the command itself has computed, whatever else the machine does."""

    def __init__(self, seed: int, began: Callable[[], bool]) -> None:
        self._chance = random.Random(seed)
        self._began = began
        self._seconds = 0.0
        self.tried = self.hits = 0

    def let_be(self, *command: str) -> None:
        """How long the work takes is known."""
        with self._start(command) as process:
            began = _computed(process)
            assert process.stdout is not None
            while not select.select([process.stdout], [], [], 0.001)[0]:
                self._seconds = _computed(process) - began
        assert process.returncode == 0

    def kill(self, *command: str) -> None:
        """The command was killed, unless it was over already."""
        with self._start(command) as process:
            until = _computed(process) + self._chance.uniform(0, self._seconds)
            while process.poll() is None and _computed(process) < until:
                time.sleep(0.001)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            assert process.stdout is not None
            self.tried += 1
            if process.stdout.read():
                # The work was shorter than when it was let be, which may have been the first time that day.
                self._seconds *= 0.9
            else:
                self.hits += 1

    def _start(self, command: tuple[str, ...]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
        while not self._began() and process.poll() is None:
            time.sleep(0.001)
        return process

    def told(self) -> str:
        """The share of kills that hit the work is large enough, and said."""
        assert self.hits >= HITS_LEAST * self.tried, f"too few kills hit anything: {self.hits} of {self.tried}"
        return f"{self.hits} of {self.tried} kills hit work of {self._seconds:.2f} s of computing"


def _computed(process: subprocess.Popen[bytes]) -> float:
    """How many seconds the threads of the process have run."""
    spent = 0
    for thread in Path(f"/proc/{process.pid}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):
            spent += int(thread.read_text(encoding="utf-8").split()[0])
    return spent / 1e9


def is_well(home: Path) -> None:
    """Doctor finds nothing."""
    assert [finding for finding in examine(home) if finding.level in (Level.BAD, Level.BROKEN)] == []


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Objects of four slices of an import, one a line, that no packer makes much smaller."""
    path = tmp_path_factory.mktemp("lines") / "objects.ndjson"
    chance = random.Random(1)
    path.write_bytes(
        b"".join(orjson.dumps(indicator(description=chance.randbytes(400).hex())) + b"\n" for _ in range(OBJECTS))
    )
    return path


@pytest.fixture(scope="module")
def full_home(tmp_path_factory: pytest.TempPathFactory, lines: Path) -> Path:
    """A home that holds them."""
    home = tmp_path_factory.mktemp("full") / "home"
    make_home("sqlite", home)
    with open_home(home) as node, lines.open("rb") as file:
        assert node.receive_stream(iter(lambda: file.read(1 << 20), b""), lines=True).stored == OBJECTS
    return home


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize("rounds", ROUNDS)
def test_an_import_that_is_killed_has_stored_whole_slices_and_can_be_repeated(
    tmp_path: Path, kind: str, seed: int, rounds: int, lines: Path, figure: Callable[[object], None]
) -> None:
    home, empty = tmp_path / "home", tmp_path / "empty"
    make_home(kind, empty)
    shutil.copytree(empty, home)
    wal = home / f"{STORE}-wal"
    kills = Kills(seed, lambda: holds_bytes(wal))
    command = (*COMITY, "import", str(lines), "--home", str(home), "--json")
    kills.let_be(*command)
    for _ in range(rounds):
        shutil.rmtree(home)
        shutil.copytree(empty, home)
        kills.kill(*command)
        is_well(home)
        with open_home(home) as node:
            stored = node.counts().copies
            assert stored % SLICE_OBJECTS == 0
            with lines.open("rb") as file:
                report = node.receive_stream(iter(lambda: file.read(1 << 20), b""), lines=True)
            assert (report.stored, report.duplicates) == (OBJECTS - stored, stored)
        is_well(home)
    figure(kills.told())


@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_backup_that_is_killed_leaves_no_file_of_that_name_and_its_scratch_goes(
    tmp_path: Path, seed: int, rounds: int, full_home: Path, figure: Callable[[object], None]
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()

    def scratches() -> list[Path]:
        return [path for place in (folder, full_home) for path in place.glob(f"{PREFIX}*")]

    kills = Kills(seed, lambda: bool(scratches()))
    command = ("backup", "--plain", "--home", str(full_home))
    kills.let_be(*COMITY, *command, str(folder / "first"), "--json")
    for number in range(rounds):
        target = folder / f"backup-{number}"
        kills.kill(*COMITY, *command, str(target), "--json")
        # Where the kill came after the work, the file is there and is the backup.
        again = target.with_suffix(".again") if target.exists() else target
        comity(*command, str(again))
        assert scratches() == [], "a copy of the store was left behind for good"
    restored = comity("restore", str(target), "--home", str(tmp_path / "restored"))
    assert restored["objects"] == OBJECTS
    is_well(full_home)
    figure(kills.told())


@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_migration_that_is_killed_is_made_or_not_and_can_be_repeated(
    tmp_path: Path,
    seed: int,
    rounds: int,
    full_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    figure: Callable[[object], None],
) -> None:
    home = tmp_path / "home"
    shutil.copytree(full_home, home)
    kills = Kills(seed, lambda: any(home.glob(f"{STORE}.before-*")))
    program = planted("later-schema")
    kills.let_be(*program, "migrate", "--home", str(home), "--json")
    made = 0
    for _ in range(rounds):
        shutil.rmtree(home)
        shutil.copytree(full_home, home)
        kills.kill(*program, "migrate", "--home", str(home), "--json")
        version = schema_version(home / STORE)
        made += version == LATER.number
        assert version in (packaged("sqlite")[-1].number, LATER.number)
        for copy in home.glob(f"{STORE}.before-*Z"):
            _is_whole_or_empty(copy)
        # The next copy is named after another second.
        time.sleep(1.05 - time.time() % 1)
        done = subprocess.run([*program, "migrate", "--home", str(home)], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        with monkeypatch.context() as patched:
            patched.setattr(schema, "packaged", lambda _: [*_PACKAGED, LATER])
            is_well(home)
    figure(f"{kills.told()}; {made} were made nevertheless")


_PACKAGED = packaged("sqlite")


def _is_whole_or_empty(copy: Path) -> None:
    if schema_version(copy):
        with closing(open_store(copy, create=False)) as store:
            assert store.check(deep=True) == []


@pytest.mark.slow
def test_a_command_that_is_over_before_the_kill_is_no_proof(tmp_path: Path) -> None:
    kills = Kills(1, lambda: False)
    command = (sys.executable, "-c", "print('done')")
    kills.let_be(*command)
    kills.kill(*command)
    with pytest.raises(AssertionError, match="too few kills"):
        kills.told()
