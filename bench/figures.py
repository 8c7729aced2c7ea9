"""What was measured and how it is told. A wrong figure is not checked for: it cannot be made.

A run with a failed request is not a `Run`. A ratio keeps no number of its own: it is that of the two figures as they
are printed beside it. A row without runs says why, and stays in its table.
"""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass


class UnmeasuredError(Exception):
    """Nothing may be said of the run: something failed in it, or nothing was done."""


@dataclass(frozen=True, slots=True)
class Run:
    """What was acknowledged in how many seconds, and the CPU seconds of both sides. `cut` when its time was up."""

    done: int
    seconds: float
    client_cpu: float = 0.0
    server_cpu: float = 0.0
    cut: bool = False
    failures: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.failures:
            raise UnmeasuredError(f"{len(self.failures)} failed, the first so: {self.failures[0]}")
        if self.done <= 0 or self.seconds <= 0:
            raise UnmeasuredError(f"{self.done} done in {self.seconds:.1f} s")

    @property
    def rate(self) -> float:
        """Done a second."""
        return self.done / self.seconds


@dataclass(frozen=True, slots=True)
class Figure:
    """The median of some values with its spread, each rounded to three digits, as it is printed."""

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.values or not all(math.isfinite(value) and value >= 0 for value in self.values):
            raise UnmeasuredError(f"no figure of {self.values}")

    @property
    def median(self) -> float:
        """The median as printed."""
        return rounded(statistics.median(self.values))

    @property
    def text(self) -> str:
        """The median in words."""
        return written(self.median)

    @property
    def spread(self) -> str:
        """The least and the greatest value; nothing where there is one value only."""
        if len(self.values) < 2:
            return "one run"
        return f"{written(rounded(min(self.values)))} to {written(rounded(max(self.values)))}"


def rounded(value: float) -> float:
    """The value to three significant digits."""
    return float(f"{value:.3g}")


def written(value: float) -> str:
    """A rounded value with separators and without an exponent."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 0.001 else f"{value:.6f}"


def ratio(over: Figure, under: Figure) -> str:
    """The ratio of two printed figures, with both behind it."""
    if not under.median:
        raise UnmeasuredError("nothing can be compared with 0")
    return f"**{written(rounded(over.median / under.median))}** ({over.text} / {under.text})"


@dataclass(slots=True)
class Row:
    """The runs of one subject, or the reason why there are none."""

    name: str
    runs: list[Run]
    missing: str = ""

    @property
    def rate(self) -> Figure:
        """Done a second."""
        return Figure(tuple(run.rate for run in self.runs))

    @property
    def server_us(self) -> Figure:
        """Microseconds of the server's CPU for each that was done."""
        return Figure(tuple(run.server_cpu / run.done * 1e6 for run in self.runs))

    def cells(self) -> list[str]:
        """The row of a table of rates."""
        if not self.runs:
            return [self.name, f"not measured: {self.missing}", "", "", "", ""]
        cut = sum(run.cut for run in self.runs)
        most = max(run.done for run in self.runs)
        return [
            self.name,
            self.rate.text,
            self.rate.spread,
            f"{most:,}" + (f", cut: true in {cut} of {len(self.runs)}" if cut else ""),
            Figure(tuple(run.client_cpu for run in self.runs)).text,
            Figure(tuple(run.server_cpu for run in self.runs)).text,
        ]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; every row has a cell for every column."""
    if any(len(row) != len(head) for row in rows):
        raise ValueError("a row has other columns than the head")
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def rates(work: str, unit: str, rows: Sequence[Row]) -> str:
    """The table of all rows, the losing and the missing ones too."""
    head = [work, f"{unit}/s, median", "spread", f"{unit} a run", "client CPU, s", "server CPU, s"]
    return table(head, [row.cells() for row in rows])


def ratios(pairs: Sequence[tuple[Row, Row]]) -> str:
    """The table of ratios between rows, of rates and of CPU; a pair with a side that was not measured says so."""
    rows = []
    for over, under in pairs:
        name = f"{over.name} / {under.name}"
        if over.runs and under.runs:
            cpu = ratio(under.server_us, over.server_us) if over.server_us.median else "too little to tell"
            rows.append([name, ratio(over.rate, under.rate), paired(over, under), cpu])
        else:
            rows.append([name, "not measured", "", ""])
    head = [
        "ratio",
        "of median rates, with both numbers",
        "run by run",
        "by server CPU, µs each, the second to the first",
    ]
    return table(head, rows)


def paired(over: Row, under: Row) -> str:
    """The spread of the ratio between runs of the same round."""
    if len(over.runs) != len(under.runs) or len(over.runs) < 2:
        return ""
    each = [mine.rate / other.rate for mine, other in zip(over.runs, under.runs, strict=True)]
    return f"{written(rounded(min(each)))} to {written(rounded(max(each)))}"


def interleaved(repeat: int, subjects: Sequence[tuple[str, Callable[[], Run]]]) -> list[Row]:
    """All subjects were measured once a round, each round beginning with another of them.

    A subject of which nothing can be said has the reason in its row, and none of its runs are kept.
    """
    rows = [Row(name, []) for name, _ in subjects]
    for turn in range(repeat):
        for step in range(len(subjects)):
            at = (turn + step) % len(subjects)
            if rows[at].missing:
                continue
            try:
                rows[at].runs.append(subjects[at][1]())
            except UnmeasuredError as error:
                rows[at].runs.clear()
                rows[at].missing = str(error)
    return rows
