"""Ratchets: what was once reached is written down, and may not be lost unseen."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path


def read_count(path: Path) -> int:
    """The number of tests that a full run must at least collect."""
    return int(path.read_text(encoding="utf-8").split()[0])


def write_count(path: Path, count: int) -> None:
    """That number is recorded."""
    path.write_text(f"{count}\n", encoding="utf-8")


def count_problem(collected: int, recorded: int) -> str:
    """What is wrong with that many tests; empty where none is missing."""
    if collected >= recorded:
        return ""
    return (
        f"{recorded - collected} tests have vanished: {collected} collected, {recorded} recorded in tests/count.txt. "
        "Where that is meant, say why in the commit and run `make count`."
    )


def read_patterns(path: Path) -> list[str]:
    """The regular expressions of a file, one a line; empty lines and those that begin with # are remarks."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def unknown_skips(skips: Iterable[tuple[str, str]], patterns: Sequence[str]) -> list[tuple[str, str]]:
    """The skips, each a place and a reason, whose reason is not matched in full by any pattern."""
    return [(place, reason) for place, reason in skips if not any(re.fullmatch(p, reason) for p in patterns)]
