"""A disk that is full under a served node, and then is not: run as a program of its own, on a disk of its own.

    python -m tests.faults.full_disk KIND DISK LOG MINUTES PROGRAM…

DISK is a small file system with nothing on it; where it is a folder of a large one, files are kept small by a limit of
the system instead. Prints what was measured; whatever must hold is an assertion.
"""

import contextlib
import os
import resource
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.client import Client, Reply
from tests.faults.homes import make_home
from tests.served import COMITY, Served, comity, served, wait_until
from tests.serving import TAXII
from tests.world import bundle, indicator

from comity.errors import ComityError
from comity.node.doctor import Level, examine
from comity.node.home import backup, open_home

SMALL_BYTES = 64 * 2**20
BALLAST_BYTES = 3 * 2**20
FILE_BYTES_MOST = 3 * 2**20
POSTS_MOST = 400
BACKUP_STEP_BYTES = 128 * 1024
INDEXED_SECONDS_MOST = 90.0
PLACE = "default"


@dataclass
class Disk:
    """What can be made full and free again."""

    folder: Path

    def __post_init__(self) -> None:
        self.small = shutil.disk_usage(self.folder).total < SMALL_BYTES
        if self.small:
            self._ballast.write_bytes(bytes(BALLAST_BYTES))

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"

    def limit(self, running: Served) -> None:
        """The processes of the node, and all that are begun from now on, find an end of the room."""
        self._limit(running, FILE_BYTES_MOST)

    def free(self, running: Served) -> None:
        """There is room again, for them and for others."""
        self._ballast.unlink(missing_ok=True)
        self._limit(running, resource.RLIM_INFINITY)

    def leave(self, count: int) -> None:
        """Only so many bytes are free."""
        self._ballast.unlink(missing_ok=True)
        self._ballast.write_bytes(bytes(max(0, shutil.disk_usage(self.folder).free - count)))

    def _limit(self, running: Served, most: int) -> None:
        if not self.small:
            for each in (0, *running.pids()):
                resource.prlimit(each, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


@dataclass
class Story:
    """What was acknowledged, and how often something was refused."""

    there: set[str] = field(default_factory=set)
    statuses: list[str] = field(default_factory=list)
    refused: int = 0
    taken: int = 0

    def post(self, client: Client, count: int, characters: int) -> bool:
        """Whether the envelope was taken; if it was not, then with a clear answer."""
        objects = [indicator(description="x" * characters) for _ in range(count)]
        reply = client.post(PLACE, objects)
        if reply.status == 202:
            self.there |= {str(each["id"]) for each in objects}
            self.statuses.append(reply.json()["id"])
            self.taken += 1
            return True
        is_clear(reply)
        self.refused += 1
        return False

    def holds(self, client: Client) -> None:
        """Readers get what was acknowledged and nothing else."""
        rows = [row.id for row in client.rows(PLACE)]
        assert len(rows) == len(set(rows))
        assert set(rows) == self.there, (len(rows), len(self.there))
        assert client.get(f"collections/{PLACE}/objects/", limit=10).json()["objects"]
        for id in self.statuses[-10:]:
            assert client.get(f"status/{id}/").json()["id"] == id


def is_clear(reply: Reply) -> None:
    """The refusal is a TAXII message that says what is wrong, and when to come again."""
    assert reply.status in (503, 507), reply
    assert reply.headers["content-type"].replace(" ", "") == TAXII.replace(" ", ""), reply
    message = reply.json()
    assert message["error_code"] == "store-unavailable", message
    assert message["http_status"] == str(reply.status), message
    assert "full" in message["description"], message
    assert int(reply.headers["retry-after"]) > 0, reply


def is_well(home: Path) -> None:
    """Doctor finds nothing worse than little room."""
    found = [finding for finding in examine(home) if finding.level in (Level.BAD, Level.BROKEN)]
    assert found == [], found


def refused_command(disk: Path, *arguments: str) -> None:
    """The command ends with a plain error, and leaves nothing on the disk that was not there."""
    before = sorted(disk.iterdir())
    answer: Any = comity(*arguments, ok=(1, 75))
    assert answer["error"]["code"] in ("store-unavailable", "system"), answer
    assert sorted(disk.iterdir()) == before, answer


@contextlib.contextmanager
def _running(home: Path, log: Path, token: str, program: Sequence[str]) -> Iterator[tuple[Served, Client]]:
    with served(home, log, program=program) as running, Client(running.address, token) as client:
        yield running, client


def run(kind: str, folder: Path, log: Path, *, until_indexed: bool, program: Sequence[str]) -> str:
    """All of it; what was measured, in words."""
    os.environ["TMPDIR"] = str(folder)
    home, story = folder / "home", Story()
    token = make_home(kind, home).token
    disk = Disk(folder)
    tried = _backups(home, disk, story) if disk.small else 0
    bundle_file = log.with_name("bundle.json")
    imported = [indicator(description="x" * 4000) for _ in range(1000)]
    bundle_file.write_bytes(bundle(*imported))
    with _running(home, log, token, program) as (running, client):
        disk.limit(running)
        for count, characters in ((20, 2000), (1, 10), (200, 200), (100, 8000)):
            while story.post(client, count, characters):
                assert story.taken < POSTS_MOST, "the disk does not fill"
        story.holds(client)
        is_well(home)
        id = next(iter(story.there))
        reply = client.delete(PLACE, id)
        if reply.status == 200:
            story.there.remove(id)
        else:
            is_clear(reply)
        refused_command(folder, "import", str(bundle_file), "--home", str(home))
        if disk.small:
            refused_command(folder, "backup", "--plain", str(folder / "backup.tar.zst"), "--home", str(home))
        story.holds(client)
    with _running(home, log, token, program) as (running, client):
        disk.limit(running)
        story.holds(client)
        while story.post(client, 20, 2000):
            assert story.taken < POSTS_MOST, "the disk does not fill"
        story.holds(client)
        refused = story.refused
        disk.free(running)
        began = time.monotonic()
        for count in (1, 20, 200):
            assert story.post(client, count, 2000), "there is room, and still nothing is taken"
        resumed = time.monotonic() - began
        if until_indexed:
            with running.node() as node:
                wait_until(lambda: node.counts().text_behind == 0, seconds=INDEXED_SECONDS_MOST)
        if not disk.small:
            report = running.run("import", str(bundle_file))
            assert report["stored"] == len(imported), report
            story.there |= {str(each["id"]) for each in imported}
            running.run("backup", "--plain", str(folder / "backup.tar.zst"))
        story.holds(client)
        is_well(home)
    assert "Traceback" not in log.read_text(encoding="utf-8"), log.read_text(encoding="utf-8")[-3000:]
    assert refused >= 5
    backups = f"; {tried} backups ran out of room at another place each" if tried else ""
    return (
        f"{'a full disk' if disk.small else 'files that may not grow'}: {story.taken} envelopes taken, {refused}"
        f" refused; three more taken {resumed:.2f} s after there was room{backups}"
    )


def _backups(home: Path, disk: Disk, story: Story) -> int:
    """A backup fails for want of room and leaves nothing behind, until there is enough; how often it failed."""
    with open_home(home) as node:
        objects = [indicator(description=os.urandom(2000).hex()) for _ in range(200)]
        node.receive(bundle(*objects))
        story.there |= {str(each["id"]) for each in objects}
    free = shutil.disk_usage(disk.folder).free + BALLAST_BYTES
    disk.leave(0)
    before = sorted(disk.folder.iterdir())
    tried = 0
    while True:
        disk.leave(tried * BACKUP_STEP_BYTES)
        try:
            backup(home, disk.folder / "backup.tar.zst", plain=True)
        except (ComityError, OSError):
            tried += 1
            assert tried * BACKUP_STEP_BYTES < free, "no room is enough for a backup"
            assert sorted(disk.folder.iterdir()) == before, "what a backup began is left"
        else:
            (disk.folder / "backup.tar.zst").unlink()
            disk.leave(free - BALLAST_BYTES)
            return tried


if __name__ == "__main__":
    _, kind_, folder_, log_, indexed_, *program_ = sys.argv
    print(run(kind_, Path(folder_), Path(log_), until_indexed=indexed_ == "indexed", program=program_ or COMITY))
