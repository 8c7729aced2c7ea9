"""What a served process holds: memory, file handles and its log of writes; and whether that grows."""

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.served import Served


@dataclass(frozen=True, slots=True)
class Sample:
    """One look. `memory` is the proportional set size of all its processes, in bytes."""

    second: float
    memory: int
    handles: int
    wal: int


def look(served: Served, began: float = 0.0) -> Sample:
    """What all processes of the node hold now."""
    memory = handles = 0
    for pid in served.pids():
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
            memory += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
            handles += sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    wals = [path.stat().st_size for path in served.home.glob("*-wal")]
    return Sample(time.monotonic() - began, memory, handles, sum(wals))


def risen(samples: Sequence[Sample], what: Callable[[Sample], int]) -> float:
    """By how much the median of the last quarter is above that of the second one; the first is for warming up."""
    quarter = len(samples) // 4
    assert quarter >= 3, "too few samples to say"
    second, last = samples[quarter : 2 * quarter], samples[-quarter:]
    return median(map(what, last)) - median(map(what, second))
