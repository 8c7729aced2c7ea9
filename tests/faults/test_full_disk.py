"""A full disk is said clearly, half of nothing is stored, and it is enough to make room."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tests.data import ROOT
from tests.faults.homes import planted

DISK_MIB = 8
_MOUNT = f'mount -t tmpfs -o size={DISK_MIB}m tmpfs "$0" && exec "$@"'


def _own_disk(folder: Path) -> list[str]:
    """What runs a command with a small file system in place of the folder, seen by it alone."""
    for namespace in (["unshare", "-m"], ["unshare", "-r", "-m"]):
        command = [*namespace, "sh", "-c", _MOUNT, str(folder)]
        if shutil.which("unshare") and subprocess.run([*command, "true"], capture_output=True).returncode == 0:
            return command
    pytest.skip("no mount namespace may be made here")


def story(folder: Path, kind: str, *, own: bool, indexed: bool = False, program: Sequence[str] = ()) -> str:
    """What tests/faults/full_disk.py says; it is an AssertionError where that failed."""
    disk = folder / "disk"
    disk.mkdir()
    command = [sys.executable, "-m", "tests.faults.full_disk", kind, str(disk), str(folder / "serve.log")]
    command += ["indexed" if indexed else "at once", *program]
    if own:
        command = [*_own_disk(disk), *command]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False, encoding="utf-8")
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize("own", [True, False], ids=["an own disk", "a limit of file sizes"])
def test_a_node_on_a_full_disk_refuses_clearly_and_goes_on_when_there_is_room(
    tmp_path: Path, kind: str, own: bool, figure: Callable[[object], None]
) -> None:
    figure(story(tmp_path, kind, own=own))


@pytest.mark.deep
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["sqlite"])
def test_what_was_stored_on_a_full_disk_is_found_by_text_some_time_after(tmp_path: Path, kind: str) -> None:
    story(tmp_path, kind, own=True, indexed=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "own", "words"),
    [
        ("disk-is-a-bug", False, "status=500"),
        ("commit-what-failed", False, "assert set(rows) == self.there"),
        ("count-without-room", True, "RemoteDisconnected|ConnectionReset"),
    ],
)
def test_a_node_that_takes_a_full_disk_badly_is_found(tmp_path: Path, fault: str, own: bool, words: str) -> None:
    with pytest.raises(AssertionError) as found:
        story(tmp_path, "sqlite", own=own, program=planted(fault))
    assert any(word in str(found.value) for word in words.split("|"))
