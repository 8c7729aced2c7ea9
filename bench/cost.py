"""What work costs: CPU seconds and memory of a process with its children, and of a command from start to end."""

import resource
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import psutil
from bench.figures import UnmeasuredError

IDLE_SECONDS = 0.3
IDLE_CPU_SECONDS = 0.03


def tree(pids: Sequence[int]) -> list[psutil.Process]:
    """The processes and all below them, those that have not ended."""
    found = []
    for pid in pids:
        try:
            top = psutil.Process(pid)
            found += [top, *top.children(recursive=True)]
        except psutil.Error:
            continue
    return found


def cpu_seconds(pids: Sequence[int]) -> float:
    """User and system seconds of the processes, of their children and of those that they have buried."""
    total = 0.0
    for process in tree(pids):
        try:
            total += sum(process.cpu_times()[:4])
        except psutil.Error:
            continue
    return total


def until_idle(pids: Sequence[int], most_seconds: float = 120.0, *, looks: int = 1) -> None:
    """The processes have come to rest: done is what waited behind, and what clients asked for who have left.

    On a busy machine a process may stand still for one look though it has work, so long work is looked at more often.
    """
    start, before, idle = time.perf_counter(), cpu_seconds(pids), 0
    while idle < looks and time.perf_counter() - start < most_seconds:
        time.sleep(IDLE_SECONDS)
        now = cpu_seconds(pids)
        idle = idle + 1 if now - before <= IDLE_CPU_SECONDS else 0
        before = now


def own_cpu_seconds() -> float:
    """User and system seconds of this process and of the commands that have ended in it."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


class Meter:
    """Seconds of the block, and the CPU seconds that this process (the client) and the server spent in it."""

    def __init__(self, server_pids: Sequence[int] = ()) -> None:
        self._pids = server_pids
        self.seconds = self.client_cpu = self.server_cpu = 0.0

    def __enter__(self) -> "Meter":
        self._server = cpu_seconds(self._pids)
        self._client = own_cpu_seconds()
        self._start = time.perf_counter()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.seconds = time.perf_counter() - self._start
        self.client_cpu = own_cpu_seconds() - self._client
        self.server_cpu = cpu_seconds(self._pids) - self._server


def proportional_mb(pids: Sequence[int]) -> float:
    """Megabytes of the processes and their children, shared pages by their share (PSS)."""
    total = 0
    for process in tree(pids):
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total / 1e6


@dataclass(slots=True)
class Samples:
    """Megabytes over time."""

    seconds: list[float] = field(default_factory=list)
    mb: list[float] = field(default_factory=list)

    def slope(self) -> float:
        """Megabytes a second, of the line that fits best; the first fifth, in which caches fill, is left out."""
        skip = len(self.mb) // 5
        times, values = self.seconds[skip:], self.mb[skip:]
        if len(values) < 2:
            raise UnmeasuredError(f"{len(self.mb)} samples make no slope")
        middle, level = sum(times) / len(times), sum(values) / len(values)
        spread = sum((at - middle) ** 2 for at in times)
        return sum((at - middle) * (mb - level) for at, mb in zip(times, values, strict=True)) / spread


@contextmanager
def sampled(pids: Sequence[int], every: float) -> Iterator[Samples]:
    """The memory of the processes was read again and again during the block."""
    samples, over, start = Samples(), threading.Event(), time.perf_counter()

    def run() -> None:
        while not over.is_set():
            mb = proportional_mb(pids)
            samples.seconds.append(time.perf_counter() - start)
            samples.mb.append(mb)
            over.wait(every)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()


@dataclass(frozen=True, slots=True)
class Spent:
    """What a command printed, took and held at most (RSS)."""

    out: str
    seconds: float
    cpu: float
    peak_mb: float


def spend(words: Sequence[str]) -> Spent:
    """The command ended well, and this is what it cost. The peak is the kernel's own mark, read until the end: that of
    `getrusage` would start with the memory of whoever started the command."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8")
    peak, over = [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            peak[0] = max(peak[0], _high_water_mb(process.pid))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    out, faults = process.communicate()
    seconds = time.perf_counter() - start
    over.set()
    thread.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise UnmeasuredError(f"{' '.join(words[:6])} ended with {process.returncode}: {faults[-300:]}")
    return Spent(out, seconds, sum(after[:2]) - sum(before[:2]), peak[0])


def _high_water_mb(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    found = next((line for line in text.splitlines() if line.startswith("VmHWM")), "VmHWM: 0 kB")
    return int(found.split()[1]) / 1000
