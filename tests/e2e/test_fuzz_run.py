"""The runner of the fuzzers finds what there is to find, says it, and leaves nothing behind."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
pytest.importorskip("atheris", reason="atheris wants CPython below 3.14 on x86-64")

FOLDER = Path(__file__).resolve().parents[1] / "fuzz"
SOUND = """
import sys
import atheris
def one_input(data):
    assert {law}
atheris.Setup(sys.argv, one_input)
atheris.Fuzz()
"""


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """What the runner says of the fuzzers beside it."""
    command = [sys.executable, str(folder / "run.py"), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the runner without the fuzzers."""
    shutil.copy(FOLDER / "run.py", tmp_path)
    return tmp_path


def test_a_law_that_holds_is_run_many_times(folder: Path) -> None:
    (folder / "fuzz_sound.py").write_text(SOUND.format(law="len(data) >= 0"), encoding="utf-8")
    done = run(folder, "--seconds", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "fuzz_sound.py: " in done.stdout
    assert int(done.stdout.split()[1].replace(",", "")) > 100


def test_a_law_that_does_not_hold_fails_and_the_input_is_shown_and_not_kept(folder: Path) -> None:
    (folder / "fuzz_sound.py").write_text(SOUND.format(law="True"), encoding="utf-8")
    (folder / "fuzz_unsound.py").write_text(SOUND.format(law='data[:1] != b"A", "it begins with A"'), encoding="utf-8")
    done = run(folder, "--seconds", "6")
    assert done.returncode == 1
    assert "it begins with A" in done.stdout
    assert "crash-" in done.stdout
    assert sorted(path.name for path in folder.iterdir() if path.name != "__pycache__") == [
        "fuzz_sound.py",
        "fuzz_unsound.py",
        "run.py",
    ]


def test_a_fuzzer_that_cannot_run_is_a_failure(folder: Path) -> None:
    (folder / "fuzz_broken.py").write_text("import nothing_of_that_name\n", encoding="utf-8")
    assert run(folder, "--seconds", "1").returncode == 1


def test_every_fuzzer_of_this_project_is_run() -> None:
    done = run(FOLDER, "--seconds", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    for path in FOLDER.glob("fuzz_*.py"):
        assert f"{path.name}: " in done.stdout
