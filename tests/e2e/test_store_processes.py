"""One store, several processes: nothing is lost, nothing is seen twice, and a killed writer leaves no half."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.data import ROOT
from tests.store_world import ONE, furnish, open_kind

from comity.interfaces import Query

_WRITER = """
import sys, time
from pathlib import Path
from tests.store_world import indicators, open_kind, put

kind, folder, start, count, size = sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:])
store = open_kind(kind, folder)
print("ready", flush=True)
for first in range(start, start + count, size):
    put(store, indicators(size, first), now=time.time_ns() // 1000, batch=70)
store.close()
"""


def _writer(kind: str, folder: Path, start: int, count: int, size: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITER, kind, str(folder), str(start), str(count), str(size)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


pytestmark = [pytest.mark.slow, pytest.mark.parametrize("kind", ["sqlite", "postgres"])]


@pytest.mark.parametrize("by", ["after", "added_after"])
def test_polling_beside_two_writing_processes_loses_and_repeats_nothing(tmp_path: Path, kind: str, by: str) -> None:
    store = furnish(open_kind(kind, tmp_path))
    writers = [_writer(kind, tmp_path, start, 600, 15) for start in (0, 10_000)]
    seen: list[str] = []
    position = 0

    def poll() -> None:
        nonlocal position
        more = True
        while more:
            query = (
                Query(ONE, after=position, limit=50) if by == "after" else Query(ONE, added_after=position, limit=50)
            )
            with store.read() as snapshot:
                entries = snapshot.entries(query)
                page = snapshot.page(query)
            seen.extend(entry.id for entry in entries.items)
            assert page.count == len(entries.items)
            if entries.items:
                position = entries.items[-1].key if by == "after" else entries.items[-1].added
            more = entries.more

    while any(writer.poll() is None for writer in writers):
        poll()
    poll()
    for writer in writers:
        assert writer.wait() == 0
        assert writer.stdout is not None
        writer.stdout.close()
    assert len(seen) == len(set(seen)) == 1200
    assert store.check(deep=True) == []
    store.close()


def test_a_killed_writer_leaves_whole_transactions(tmp_path: Path, kind: str) -> None:
    store = furnish(open_kind(kind, tmp_path))
    for round in range(4):
        writer = _writer(kind, tmp_path, round * 100_000, 50_000, 500)
        time.sleep(0.05 + 0.11 * round)
        writer.kill()
        writer.wait()
        assert writer.stdout is not None
        writer.stdout.close()
        again = open_kind(kind, tmp_path)
        assert again.check(deep=True) == []
        with again.read() as snapshot:
            assert snapshot.counts().copies % 500 == 0
        again.close()
    with store.read() as snapshot:
        assert snapshot.counts().copies > 0
    store.close()
