"""The ratchets themselves: a test that vanishes, a strange skip and lost coverage fail a run."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.house.coverage_ratchet import problems, read_record, rooms_of, write_record
from tests.house.tree import ROOT
from tests.ratchets import read_count, read_patterns, unknown_skips

GOOD = {
    "errors": 100.0, "interfaces": 100.0, "canonical": 100.0, "stix": 96.0, "taxii": 97.0,
    "release": 96.0, "ledger": 97.0, "node": 80.0, "all": 90.0,
}  # fmt: skip


def small_project(folder: Path, tests: str, count: int = 2) -> Path:
    """A project with this house's conftest, one file of tests, and a recorded count."""
    (folder / "tests").mkdir()
    for name in ("conftest.py", "ratchets.py", "allowed_skips.txt"):
        shutil.copy(ROOT / "tests" / name, folder / "tests")
    (folder / "tests" / "count.txt").write_text(f"{count}\n", encoding="utf-8")
    (folder / "tests" / "test_some.py").write_text(tests, encoding="utf-8")
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def outcome(folder: Path, *arguments: str, ci: bool = False) -> tuple[int, str]:
    """How a run of pytest there ends."""
    environment = {"PATH": "/usr/bin:/bin", **({"CI": "true"} if ci else {})}
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments)
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=100, check=False, encoding="utf-8"
    )
    return done.returncode, done.stdout + done.stderr


TWO = "def test_one() -> None: ...\ndef test_two() -> None: ...\n"
STRANGE_SKIP = "import pytest\ndef test_one() -> None: pytest.skip('no time today')\ndef test_two() -> None: ...\n"
KNOWN_SKIP = STRANGE_SKIP.replace("no time today", "test data is absent: x.json (set COMITY_TEST_DATA)")


@pytest.mark.slow
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_full_run_fails_when_a_test_has_vanished(tmp_path: Path, workers: tuple[str, ...]) -> None:
    code, said = outcome(small_project(tmp_path, TWO, count=3), *workers)
    assert code == 1
    assert "1 tests have vanished" in said


@pytest.mark.slow
def test_a_full_run_passes_with_every_test_and_a_narrowed_one_does_not_count(tmp_path: Path) -> None:
    assert outcome(small_project(tmp_path, TWO))[0] == 0
    (tmp_path / "tests" / "count.txt").write_text("9\n", encoding="utf-8")
    assert outcome(tmp_path, "tests/test_some.py")[0] == 0
    assert outcome(tmp_path, "-m", "not slow")[0] == 1, "leaving tests out by mark is still a full collection"


@pytest.mark.slow
def test_the_count_is_written_when_asked_for(tmp_path: Path) -> None:
    assert outcome(small_project(tmp_path, TWO, count=9), "--collect-only", "--write-count")[0] == 0
    assert read_count(tmp_path / "tests" / "count.txt") == 2


@pytest.mark.slow
def test_a_skip_for_a_reason_that_is_not_written_down_fails_in_ci(tmp_path: Path) -> None:
    small_project(tmp_path, STRANGE_SKIP)
    assert outcome(tmp_path)[0] == 0
    code, said = outcome(tmp_path, ci=True)
    assert code == 1
    assert "no time today" in said


@pytest.mark.slow
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_skip_for_a_known_reason_passes_in_ci(tmp_path: Path, workers: tuple[str, ...]) -> None:
    assert outcome(small_project(tmp_path, KNOWN_SKIP), *workers, ci=True)[0] == 0


@pytest.mark.slow
def test_a_whole_module_that_skips_fails_in_ci(tmp_path: Path) -> None:
    tests = "import pytest\npytest.importorskip('no_such_module')\n" + TWO
    code, said = outcome(small_project(tmp_path, tests, count=0), ci=True)
    assert code != 0, said


def test_reasons_are_matched_in_full() -> None:
    patterns = read_patterns(ROOT / "tests" / "allowed_skips.txt")
    known = ("a", "test data is absent: x (set COMITY_TEST_DATA)")
    strange = ("b", "because test data is absent: x (set COMITY_TEST_DATA)")
    assert unknown_skips([known, strange], patterns) == [strange]


def report_of(covered: dict[str, tuple[int, int]]) -> dict[str, object]:
    """A report as coverage.py writes it: lines covered and lines there are, by file."""
    return {
        "files": {
            name: {
                "summary": {
                    "covered_lines": done, "num_statements": all, "covered_branches": 0, "num_branches": 0,
                }
            }
            for name, (done, all) in covered.items()
        }
    }  # fmt: skip


def test_coverage_is_summed_by_room_wherever_the_package_lies() -> None:
    files = {
        "src/comity/stix/a.py": (1, 2),
        "/x/site-packages/comity/stix/b.py": (3, 4),
        "src/comity/errors.py": (4, 4),
    }
    measured = rooms_of(report_of({**files, "src/comity/__main__.py": (0, 2)}))
    assert measured == pytest.approx({"stix": 400 / 6, "errors": 100.0, "all": 800 / 12})


def test_good_coverage_passes_and_a_little_less_than_recorded_too() -> None:
    assert problems(GOOD, GOOD) == []
    assert problems(GOOD, {**GOOD, "node": 80.4}) == []


@pytest.mark.parametrize(
    ("room", "percent"), [("stix", 94.9), ("errors", 94.0), ("all", 84.9), ("node", 79.4)], ids=str
)
def test_lost_coverage_fails(room: str, percent: float) -> None:
    found = problems({**GOOD, room: percent}, GOOD)
    assert len(found) == 1
    assert found[0].startswith(f"{room}: ")


def test_the_floors_hold_for_branches_alone_too() -> None:
    assert problems(GOOD, GOOD, GOOD) == []
    found = problems(GOOD, GOOD, {**GOOD, "taxii": 94.9, "node": 50.0})
    assert found == ["taxii: 94.9 % of its branches are covered, at least 95 % must be."]


def test_a_room_that_is_no_longer_measured_fails() -> None:
    measured = {room: percent for room, percent in GOOD.items() if room not in ("node", "taxii")}
    assert problems(measured, GOOD) == ["node: nothing was measured.", "taxii: nothing was measured."]


def test_the_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_record(tmp_path / "coverage.txt", {"stix": 96.66, "all": 90.0})
    assert read_record(tmp_path / "coverage.txt") == {"stix": 96.6, "all": 90.0}
