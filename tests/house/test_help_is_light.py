"""`comity --help` is quick: it loads a short, written list of modules, and takes 250 ms of CPU at most."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

CPU_SECONDS_MAX = 0.25
LIST = Path(__file__).with_name("help_modules.txt")
PROGRAM = """
import sys
bare = set(sys.modules)
from comity.cli.main import run
run(["--help"])
print(*sorted(set(sys.modules) - bare), sep="\\n", file=sys.stderr)
"""
HEAVY = {"asyncio", "email", "http", "json", "logging", "multiprocessing", "sqlite3", "ssl", "unittest"}


def environment() -> dict[str, str]:
    """The environment without what measures coverage, which loads modules of its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "COMITY_"))}


def loaded(program: str) -> list[str]:
    """The modules that the program says it has loaded."""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment(), encoding="utf-8"
    )
    return ended.stderr.split()


def foreign(modules: list[str]) -> list[str]:
    """Those that are not of Python's own library, sorted."""
    return sorted(name for name in modules if name.split(".")[0] not in sys.stdlib_module_names)


def test_help_loads_the_modules_that_are_written_down_and_no_others() -> None:
    modules = loaded(PROGRAM)
    written = LIST.read_text(encoding="utf-8").split()
    assert [name for name in foreign(modules) if not name.startswith("click.")] == written
    assert HEAVY.isdisjoint(modules)


def test_a_module_too_many_would_be_seen() -> None:
    modules = loaded(PROGRAM.replace("run(", "import rich, sqlite3; run("))
    assert "rich" in foreign(modules)
    assert not HEAVY.isdisjoint(modules)


@pytest.mark.slow
def test_help_takes_a_quarter_of_a_second_of_cpu_at_most() -> None:
    least = float("inf")
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-m", "comity", "--help"], check=True, env=environment(), stdout=subprocess.DEVNULL
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        least = min(least, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    assert least <= CPU_SECONDS_MAX
