"""Cold start to the first page, idle memory, and what it takes to install.

python -m bench.start [--smoke] [--repeat 5] [--rest 30] [--page FILE]
"""

import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from bench import peers
from bench.cost import proportional_mb, spend
from bench.data import PAGE_OBJECTS, objects_of, scratch
from bench.figures import Figure, UnmeasuredError, table
from bench.report import Report, arguments, begun
from bench.sides import OURS, Server, Side, command
from bench.traffic import get

SQUARE_MOST = 1000
ROOT = Path(__file__).resolve().parents[1]


def first_page(server: Server) -> float:
    """Seconds from the start of the process to the end of the first page of 1,000."""
    start = time.perf_counter()
    with closing(server.connect()) as connection:
        get(connection, server, f"{server.objects_path}?limit={PAGE_OBJECTS}")
    return server.started_seconds + time.perf_counter() - start


@dataclass(slots=True)
class Starts:
    """What one side took to start, round by round, and held in the first of them."""

    side: Side
    objects: Sequence[bytes]
    answers: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    mb: list[float] = field(default_factory=list)
    missing: str = ""

    def measure(self, rest: float) -> None:
        """It was started once more."""
        if self.missing:
            return
        try:
            with self.side.start(self.objects) as server:
                page = first_page(server)
                if not self.mb:
                    at_first = proportional_mb(server.pids)
                    time.sleep(rest)
                    self.mb += [at_first, proportional_mb(server.pids)]
                self.answers.append(server.started_seconds)
                self.pages.append(page)
        except UnmeasuredError as error:
            self.missing = str(error)

    def cells(self, count: int) -> list[str]:
        """The row of the table."""
        name = self.side.named(len(self.objects), count)
        if self.missing:
            return [name, f"not measured: {self.missing}", "", "", "", ""]
        took = Figure(tuple(self.pages))
        memory = [Figure((mb,)).text for mb in self.mb]
        return [name, Figure(tuple(self.answers)).text, took.text, took.spread, *memory]


def compare(report: Report, objects: Sequence[bytes], repeat: int, rest: float) -> None:
    """Start and memory of every side."""
    sides = [
        Starts(side, objects[: SQUARE_MOST if side.grows_by_square else None]) for side in (*OURS, *peers.present())
    ]
    for _ in range(repeat):
        for side in sides:
            side.measure(rest)
    head = ["side", "first answer, s", "first page of 1,000, s", "spread", "memory then (PSS), MB"]
    head.append(f"after {rest:.0f} s idle, MB")
    report.say(table(head, [side.cells(len(objects)) for side in sides]))


def commands(report: Report, repeat: int) -> None:
    """What short commands cost, beside an interpreter that does nothing."""
    rows = []
    for name, words in (
        ("`python -c pass` (limit)", [sys.executable, "-c", "pass"]),
        ("`comity --help`", command("--help")),
        ("`comity version`", command("version")),
    ):
        spent = [spend(words) for _ in range(repeat)]
        took, cpu = Figure(tuple(each.seconds * 1e3 for each in spent)), Figure(tuple(each.cpu * 1e3 for each in spent))
        rows.append([name, cpu.text, took.text, took.spread])
    report.say(table(["command", "CPU, ms", "ms", "spread"], rows))


def install(report: Report, *, with_dependencies: bool) -> None:
    """A wheel was built and installed into an empty environment."""
    with scratch() as name:
        folder = Path(name)
        built = spend([sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", name, str(ROOT)])
        wheel = next(folder.glob("*.whl"))
        made = spend([sys.executable, "-m", "venv", str(folder / "env")])
        words = [str(folder / "env" / "bin" / "pip"), "install", "-q", str(wheel)]
        done = spend(words if with_dependencies else [*words, "--no-deps"])
        packages = sorted((folder / "env").glob("lib/python*/site-packages/*.dist-info"))
        size = sum(path.stat().st_size for path in (folder / "env").rglob("*") if path.is_file())
    rows = [
        ["build the wheel", f"{built.seconds:.1f}", f"{built.cpu:.1f}"],
        ["`python -m venv`", f"{made.seconds:.1f}", f"{made.cpu:.1f}"],
        [
            "`pip install` of the wheel" + ("" if with_dependencies else ", nothing it needs"),
            f"{done.seconds:.1f}",
            f"{done.cpu:.1f}",
        ],
    ]
    report.say(table(["install: two commands", "seconds", "CPU, s"], rows))
    report.say(f"{len(packages)} distributions, {size / 1e6:.0f} MB; how long the download takes is the network's.")


def main() -> None:
    """Command line."""
    parser = arguments(__doc__, repeat=5)
    parser.add_argument("--rest", type=float, default=30, help="seconds of rest before memory is read")
    asked = parser.parse_args()
    if asked.smoke:
        asked.repeat, asked.rest = 1, 1
    name, objects = objects_of(300 if asked.smoke else None)
    report = begun("start", asked.repeat)
    report.say(f"{name}: every side holds {len(objects):,} objects before it is started, or as many as its row says.")
    report.sides([*OURS, *peers.present()])
    compare(report, objects, asked.repeat, asked.rest)
    commands(report, asked.repeat)
    install(report, with_dependencies=not asked.smoke)
    if asked.page:
        report.put_into(asked.page)


if __name__ == "__main__":
    main()
