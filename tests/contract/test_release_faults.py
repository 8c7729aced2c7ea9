"""Every fault of `tests/release_faults.py`, seeded into a copy of the package, is found by the test that it names."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.house.tree import ROOT, copy_of_source
from tests.release_faults import FAULTS, Fault

pytestmark = pytest.mark.slow  # A process each.


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of_source(tmp_path_factory.mktemp("seeded"))


def environment_of(package: Path) -> dict[str, str]:
    """That of a process which imports the copy. Neither what the copy covers nor the options of the run around it are
    meant there."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST"))}
    return plain | {"PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1", "HYPOTHESIS_PROFILE": "ci"}


def run(package: Path, test: str) -> subprocess.CompletedProcess[str]:
    """The test ran against the copy, with examples that are the same each time."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:randomly",
        "-p",
        "no:cacheprovider",
        "-m",
        "",
        test,
    ]
    return subprocess.run(command, cwd=ROOT, env=environment_of(package), capture_output=True, text=True, timeout=100)


def test_there_are_enough_and_each_is_one_edit() -> None:
    assert len(FAULTS) >= 20
    assert len({(fault.file, fault.old) for fault in FAULTS}) == len(FAULTS)
    for fault in FAULTS:
        text = (ROOT / "src" / "comity" / fault.file).read_text(encoding="utf-8")
        assert text.count(fault.old) == 1, fault


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.file}: {fault.old[:40]}")
def test_a_seeded_fault_is_found(fault: Fault, package: Path) -> None:
    path = package / fault.file
    sound = path.read_text(encoding="utf-8")
    path.write_text(sound.replace(fault.old, fault.new), encoding="utf-8")
    try:
        done = run(package, fault.test)
    finally:
        path.write_text(sound, encoding="utf-8")
    assert done.returncode == 1, done.stdout[-2000:]
    assert " failed" in done.stdout


def test_without_a_fault_the_tests_pass_against_the_copy(package: Path) -> None:
    done = run(package, "tests/unit/release/test_classify.py")
    assert done.returncode == 0, done.stdout[-2000:]
    where = subprocess.run(
        [sys.executable, "-c", "import comity; print(comity.__file__)"],
        env=environment_of(package),
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.strip() == str(package / "__init__.py")
