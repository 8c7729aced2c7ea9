"""What each page of persons costs the server, on a store with many objects, classes and partners.

    python -m bench.pages [--smoke] [--count 1000000] [--classes 1000] [--partners 200] [--repeat 30] [--keep FOLDER]
                          [--page FILE]

One person with every role asks every page that there is, again and again, over HTTP: while the store stands still, and
each time after one more object arrived and was published, when whatever rests on the state of the store is made anew.
The time is that which the processor worked for the page, out of the log of the server, and so the same on a busy
machine; what the clock says stands beside it.
"""

import json
import os
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from bench import desk
from bench.cost import until_idle
from bench.data import MOMENT
from bench.desk import Desk
from bench.figures import Figure, UnmeasuredError, table
from bench.report import Report, arguments, begun
from bench.sides import MEDIA, Server, serving

from comity.web.ui import screens

CPU_MS, PAGE_KB = 50, 100
MOVED_ROUNDS = 8
HTML = "text/html,application/xhtml+xml,*/*;q=0.8"
ASKED: dict[str, tuple[str, ...]] = {
    "/": ("",),
    "/search": (
        "", "?q={common}", "?q={few}", "?q={rare_word}", "?q={nowhere}", "?q=198.51.100.7", "?q={hash}",
        "?q={common}+{few}", "?type=relationship", "?q=tlp:clear+{common}", "?q={common}&after=5000",
    ),
    "/search.json": ("?q={few}",),
    "/search.csv": ("?q={few}",),
    "/search.stix.json": ("?q={few}",),
    "/release/preview": ("", "?to={partner}", "?to={other}", "?to={other}&ids={rare}"),
    "/release/preview.json": ("?to={other}&ids={rare}",),
    "/release/preview.stix.json": ("?to={other}&ids={rare}&collection={collection}",),
    "/release/publish": ("", "?ids={rare}"),
    "/release/unpublish": ("", "?ids={rare}"),
    "/release/matrix": ("", "?row=500", "?column=160"),
    "/release/record": ("", "?to={reader}", "?object={held}"),
    "/release/record.json": ("?to={reader}", "?object={held}"),
    "/release/record.csv": ("?to={reader}",),
    "/partners/{partner}": ("", "{reader}"),
    "/partners/{partner}/step": ("?step=pause",),
    "/objects/{object}": ("", "{hub}"),
    "/objects/{object}/relations": ("", "{hub}"),
    "/objects/{object}/who": ("", "{hub}"),
    "/objects/{object}/edit": ("{mine}",),
    "/objects/{object}/attachment": ("{artifact}",),
    "/objects/{object}/attachment.bin": ("{artifact}",),
    "/bulk": ("?q={rare_word}", "?q={few}"),
    "/admin/audit/report": ("",),
}  # fmt: skip
"""What stands behind the address of a page, where something does; without a `?` it is another name in its path."""

NOT_ASKED = {"/import/{upload}": "an upload is gone when the server that took it ends"}


@dataclass(slots=True)
class Question:
    """One address, and what its answers cost while the store stood still, and after it had moved."""

    template: str
    path: str
    first: tuple[float, float] = (0.0, 0.0)
    still: list[tuple[float, float]] = field(default_factory=list)
    moved: list[tuple[float, float]] = field(default_factory=list)
    bytes: int = 0

    @property
    def is_file(self) -> bool:
        """It is something to keep, and no page."""
        return "." in self.template

    def p95(self, moved: bool) -> float:
        """CPU ms of the page at which 95 of 100 are done."""
        taken = sorted(cpu for cpu, _ in (self.moved if moved else self.still))
        return taken[min(len(taken) - 1, int(len(taken) * 0.95))]


def questions(given: Desk) -> list[Question]:
    """Every page that can be looked at, with each question about it."""
    names = dict(given.names)
    names |= {"common": "beacon", "few": "ring77", "rare_word": "needle", "nowhere": "zqxzqx", "hash": "0f" * 32}
    names |= {"object": names["rare"], "collection": given.collection}
    found = []
    for page in (screens.HOME_PAGE, *screens.PAGES):
        if page.look is None or page.template in NOT_ASKED:
            continue
        for more in ASKED.get(page.template, ("",)):
            path = page.template
            if more.startswith("{"):
                path, more = path.replace(path[path.index("{") : path.index("}") + 1], more), ""
            try:
                full = (path + more).format(**{name: quote(each) for name, each in names.items()})
            except KeyError as missing:
                raise UnmeasuredError(f"{page.template} has {missing} in its address, and bench/desk.py none") from None
            found.append(Question(page.template, full))
    return found


class Asker:
    """A browser with a session, and the log of the server that it asks."""

    def __init__(self, server: Server, given: Desk, log: Path) -> None:
        self._connection = server.connect()
        self._server, self._desk, self._log = server, given, log
        self._read = 0
        self._lines: dict[str, tuple[float, float]] = {}
        self._headers = {"Accept": HTML, "Accept-Encoding": "gzip", "Cookie": f"comity={given.session}"}

    def ask(self, path: str) -> tuple[str, int]:
        """The id of the request, and the bytes of the answer, which is 200."""
        self._connection.request("GET", path, headers=self._headers)
        response = self._connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise UnmeasuredError(f"GET {path}: {response.status} {response.getheader('Location')} {body[:200]!r}")
        return response.getheader("X-Request-Id") or "", len(body)

    def move(self) -> None:
        """One more object has arrived and is published."""
        value = {
            "type": "indicator",
            "spec_version": "2.1",
            "id": f"indicator--{uuid.uuid4()}",
            "created": MOMENT,
            "modified": MOMENT,
            "name": "beacon of later",
            "pattern": "[ipv4-addr:value = '203.0.113.9']",
            "pattern_type": "stix",
            "valid_from": MOMENT,
        }
        headers = self._server.headers(**{"Content-Type": MEDIA})
        self._connection.request("POST", self._server.objects_path, json.dumps({"objects": [value]}), headers)
        response = self._connection.getresponse()
        body = response.read()
        if response.status != 202:
            raise UnmeasuredError(f"POST: {response.status} {body[:200]!r}")

    def cost(self, id: str) -> tuple[float, float]:
        """CPU ms and ms of the request with that id, as the server logged it."""
        for _ in range(100):
            with self._log.open("rb") as file:
                file.seek(self._read)
                for line in file.readlines():
                    if not line.endswith(b"\n"):
                        break
                    self._read += len(line)
                    if b'"cpu_ms"' in line:
                        one = json.loads(line)
                        self._lines[one["request_id"]] = one["cpu_ms"], one["ms"]
            if id in self._lines:
                return self._lines.pop(id)
            time.sleep(0.01)
        raise UnmeasuredError(f"the server logged nothing of {id}")

    def close(self) -> None:
        """The connection is closed."""
        self._connection.close()


def measure(asker: Asker, asked: list[Question], repeat: int, moved: int) -> None:
    """Each question was asked once in a process that had answered nothing, and then in turn with all others."""
    for one in asked:
        id, one.bytes = asker.ask(one.path)
        one.first = asker.cost(id)
    for _ in range(repeat):
        for one in asked:
            one.still.append(asker.cost(asker.ask(one.path)[0]))
    for _ in range(moved):
        for one in asked:
            asker.move()
            one.moved.append(asker.cost(asker.ask(one.path)[0]))


def told(report: Report, asked: list[Question], *, files: bool) -> None:
    """A row for each question of one kind, the dearest first."""
    rows = []
    for one in sorted(asked, key=lambda one: -max(one.p95(False), one.p95(True))):
        if one.is_file is files:
            still = Figure(tuple(cpu for cpu, _ in one.still))
            clock = Figure(tuple(ms for _, ms in one.still))
            rows.append(
                [
                    f"`{one.template}` `{one.path}`" if one.path != one.template else f"`{one.path}`",
                    still.text,
                    f"{one.p95(False):.1f}",
                    f"{one.p95(True):.1f}",
                    f"{one.first[0]:.0f}",
                    clock.text,
                    f"{one.bytes / 1000:.1f}",
                ]
            )
    head = ["file" if files else "page", "p50, CPU ms", "p95, CPU ms", "p95 after one more object", "first ever"]
    report.say(table([*head, "p50 by the clock, ms", "KB compressed"], rows))


def bounds(report: Report, asked: list[Question]) -> None:
    """What is over a bound, as rows with the bound and the ratio to it."""
    rows = []
    for one in asked:
        if not one.is_file:
            for what, value, bound in (
                ("CPU ms, p95", one.p95(False), CPU_MS),
                ("CPU ms, p95 after one more object", one.p95(True), CPU_MS),
                ("KB compressed", one.bytes / 1000, PAGE_KB),
            ):
                if value > bound:
                    rows.append([f"`{one.path}`", what, f"{value:.1f}", str(bound), f"**{value / bound:.2f}**"])
    pages = [one for one in asked if not one.is_file]
    report.say(f"{len(pages)} questions of {len({one.template for one in pages})} pages; {len(rows)} over a bound.")
    if rows:
        report.say(table(["over the bound", "of", "measured", "bound", "ratio"], rows))


@contextmanager
def folder_of(keep: Path | None) -> Iterator[Path]:
    """That folder, which stays, or one that is gone afterwards."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="comity-bench-") as name:
        yield Path(name)


def main() -> None:
    """Command line."""
    parser = arguments(__doc__, repeat=30)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--partners", type=int, default=200)
    parser.add_argument("--moved", type=int, default=MOVED_ROUNDS, help="rounds in which the store moves each time")
    parser.add_argument("--only", default="", help="only pages whose address begins so")
    parser.add_argument("--keep", type=Path, help="a folder that is filled where it is empty, and stays")
    given = parser.parse_args()
    if given.smoke:
        given.count, given.classes, given.partners, given.repeat, given.moved = 600, 20, 4, 1, 1
    report = begun("pages", given.repeat)
    with folder_of(given.keep) as folder:
        made = desk.at(folder, given.count, given.classes // 2, given.partners)
        asked = [one for one in questions(made) if one.template.startswith(given.only)]
        with serving(made.as_home, "--log-json", "--workers", "1") as server:
            until_idle(server.pids, 900, looks=3)
            before = os.getloadavg()[0]
            with closing(Asker(server, made, folder / "serve.log")) as asker:
                measure(asker, asked, given.repeat, given.moved)
            after = os.getloadavg()[0]
        report.say(
            f"{given.count:,} objects, {given.classes:,} classes, {given.partners:,} partners, one process; load of "
            f"the machine {before:.1f} to {after:.1f}. Each page {given.repeat} times while the store stood still, and "
            f"{given.moved} times after one more object was published."
        )
        told(report, asked, files=False)
        told(report, asked, files=True)
        bounds(report, asked)
    if given.page:
        report.put_into(given.page)


if __name__ == "__main__":
    main()
