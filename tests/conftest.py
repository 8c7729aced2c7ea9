"""What holds for every run of the tests: how long laws are tried, and that neither tests nor skips slip away unseen.

Laws run as one of these profiles: `dev` (fresh examples every time), `ci` (the same examples every time; taken where
the variable CI is set), `seeded` (the same, for who looks for a fault that was put in, and wants no small example of
it) and `deep` (many examples). HYPOTHESIS_PROFILE names another than the default.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from tests.ratchets import count_problem, read_count, read_patterns, unknown_skips, write_count

HERE = Path(__file__).resolve().parent
COUNT, SKIPS = HERE / "count.txt", HERE / "allowed_skips.txt"

_SLOW_HERE = [HealthCheck.too_slow]
settings.register_profile("dev", max_examples=60, deadline=None, suppress_health_check=_SLOW_HERE)
settings.register_profile(
    "ci", max_examples=70, deadline=None, derandomize=True, print_blob=True, suppress_health_check=_SLOW_HERE
)
settings.register_profile("seeded", settings.get_profile("ci"), phases=(Phase.explicit, Phase.generate))
settings.register_profile("deep", max_examples=2000, deadline=None, suppress_health_check=_SLOW_HERE)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--write-count` records how many tests a full run collects."""
    parser.addoption("--write-count", action="store_true", help="record the number of collected tests")


def pytest_configure(config: pytest.Config) -> None:
    """The run is watched."""
    config.pluginmanager.register(_Watch(config), "comity-watch")


class _Watch:
    """Counts what was collected and keeps the reason of every skip; judges both at the end of the run."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._collected = 0
        self._skips: list[tuple[str, str]] = []
        self._problems: list[str] = []
        self._notes: list[str] = []
        self._figures: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Remembers how many there are before any is left out by its mark."""
        self._collected = len(items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """A worker process has ended: it knows what it collected."""
        output = getattr(node, "workeroutput", {})
        self._collected = max(self._collected, output.get("collected", 0))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keeps the reason of a test that skipped, and each `figure` that a test recorded as its property."""
        if report.when == "call":
            self._figures += [f"{report.nodeid}: {text}" for name, text in report.user_properties if name == "figure"]
        if report.skipped and not hasattr(report, "wasxfail"):
            self._skips.append((report.nodeid, _reason(report.longrepr)))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keeps the reason of a module that skipped whole."""
        if report.skipped:
            self._skips.append((report.nodeid, _reason(report.longrepr)))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        """A run that lost tests, or that skipped for a reason nobody wrote down, has failed."""
        output = getattr(self._config, "workeroutput", None)
        if output is not None:
            output["collected"] = self._collected
            return (yield)
        finished = session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        if finished and self._is_full():
            self._judge_count()
        if os.environ.get("CI"):
            for nodeid, reason in unknown_skips(self._skips, read_patterns(SKIPS)):
                self._problems.append(f"{nodeid} skipped, and no line of {SKIPS.name} allows it: {reason}")
        if self._problems and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return (yield)

    def _judge_count(self) -> None:
        if self._config.getoption("write_count"):
            write_count(COUNT, self._collected)
        recorded = read_count(COUNT)
        problem = count_problem(self._collected, recorded)
        if problem:
            self._problems.append(problem)
        elif self._collected > recorded:
            self._notes.append(
                f"{self._collected} tests, {recorded} in {COUNT.name}: `make count` records the new ones."
            )

    def _is_full(self) -> bool:
        narrowed = any(self._config.getoption(name, False) for name in ("lf", "ignore", "ignore_glob"))
        whole = self._config.args_source is pytest.Config.ArgsSource.TESTPATHS
        return whole and not narrowed

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Says what was found, and what was measured on the way."""
        for figure in self._figures:
            terminalreporter.write_line(f"FIGURE {figure}")
        for problem in self._problems:
            terminalreporter.write_line(f"HOUSE {problem}", red=True)
        for note in self._notes:
            terminalreporter.write_line(f"HOUSE {note}")


def _reason(longrepr: object) -> str:
    text = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
    return str(text).removeprefix("Skipped: ")
