"""Holds the coverage of each room: a floor for pure rooms and for all, and a ratchet on what was once reached.

    coverage json -o FILE && python tests/house/coverage_ratchet.py FILE [--write]

Figures are coverage.py's own with branches counted: statements and branches that ran, of all there are. The floors hold
for the branches alone as well.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

RECORD = Path(__file__).resolve().parents[1] / "coverage.txt"
PURE_ROOMS = ("errors", "interfaces", "canonical", "stix", "taxii", "release", "ledger")
ENTRIES = {"__init__", "__main__"}
PURE_PERCENT_MIN = 95.0
ALL_PERCENT_MIN = 85.0
SLACK_POINTS = 0.5
"""Timing decides whether a few lines run (a retry, a wait); so far a figure may be below what is recorded."""


def rooms_of(report: Mapping[str, Any], *, branches_only: bool = False) -> dict[str, float]:
    """Percent covered by room, and in `all`, from coverage.py's JSON report. The entry files belong to no room."""
    covered: dict[str, int] = {}
    wanted: dict[str, int] = {}
    for name, file in report["files"].items():
        summary = file["summary"]
        for room in {_room(name), "all"} - ENTRIES:
            lines = (0, 0) if branches_only else (summary["covered_lines"], summary["num_statements"])
            covered[room] = covered.get(room, 0) + lines[0] + summary["covered_branches"]
            wanted[room] = wanted.get(room, 0) + lines[1] + summary["num_branches"]
    return {room: 100.0 * covered[room] / wanted[room] if wanted[room] else 100.0 for room in sorted(covered)}


def _room(name: str) -> str:
    parts = PurePath(name).parts
    last = len(parts) - 1 - parts[::-1].index("comity")
    return parts[last + 1].removesuffix(".py")


def problems(
    measured: Mapping[str, float], recorded: Mapping[str, float], branches: Mapping[str, float] | None = None
) -> list[str]:
    """What is too low, or is no longer measured, a sentence each. `branches` are the figures of branches alone."""
    missing = sorted({*recorded, *PURE_ROOMS, "all"} - measured.keys())
    found = [f"{room}: nothing was measured." for room in missing]
    for room, percent in measured.items():
        least = PURE_PERCENT_MIN if room in PURE_ROOMS else ALL_PERCENT_MIN if room == "all" else 0.0
        alone = 100.0 if branches is None else branches[room]
        if percent < least:
            found.append(f"{room}: {percent:.1f} % is covered, at least {least:g} % must be.")
        elif alone < least:
            found.append(f"{room}: {alone:.1f} % of its branches are covered, at least {least:g} % must be.")
        elif percent < recorded.get(room, 0.0) - SLACK_POINTS:
            found.append(
                f"{room}: {percent:.1f} % is covered, {recorded[room]:.1f} % was; tests/coverage.txt holds that."
            )
    return found


def read_record(path: Path) -> dict[str, float]:
    """The recorded figures: a room and its percent a line."""
    lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return {room: float(percent) for room, percent in lines}


def write_record(path: Path, measured: Mapping[str, float]) -> None:
    """The figures are recorded, cut to a tenth."""
    lines = ["# Percent of statements and branches covered, by room. Written by `make coverage`."]
    lines += [f"{room} {int(percent * 10) / 10:.1f}" for room, percent in measured.items()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    """The figures were printed, and recorded where asked to; 1 where one is too low."""
    names = [argument for argument in arguments if argument != "--write"]
    report = json.loads(Path(names[0]).read_bytes())
    measured, branches = rooms_of(report), rooms_of(report, branches_only=True)
    recorded = {} if "--write" in arguments else read_record(RECORD)
    for room, percent in measured.items():
        print(f"{room} {percent:.1f} % (branches {branches[room]:.1f} %)")
    found = problems(measured, recorded, branches)
    for problem in found:
        print(problem, file=sys.stderr)
    if "--write" in arguments:
        write_record(RECORD, measured)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
