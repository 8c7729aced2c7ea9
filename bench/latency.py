"""Filtered GETs at 1 and at 16 clients: `match[id]`, `match[type]` and `added_after`, Comity and its peers.

    python -m bench.latency [--smoke] [--repeat 5] [--seconds 4] [--store sqlite] [--page FILE]

Every side holds the whole of ATT&CK, but one whose time grows with it, which holds a part. A side that needs longer
than --seconds for some answers is given more of them, so that each client gets some; where even a minute brings no
answer, the row says so.
"""

import random
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from urllib.parse import quote

from bench import peers, stores
from bench.data import MOMENT, PAGE_OBJECTS, common, objects_of
from bench.figures import Figure, UnmeasuredError, ratio, table
from bench.report import Report, arguments, begun
from bench.sides import Server, Side
from bench.traffic import Asked, ask, client_name, get

CLIENTS = (1, 16)
LIMIT = 100
SAMPLE = 200
DATES_MOST = 25
LINEAR_MOST, SQUARE_MOST = 2000, 200
"""What a side holds whose time grows with the collection or with its square: for look-ups by id, and for pages."""
PATIENCE_SECONDS = 60.0


def questions(
    server: Server, paged: Server, held: Sequence[bytes], objects: Sequence[bytes]
) -> list[tuple[str, list[str]]]:
    """Each kind of question with the paths to ask for. Ids are of objects that the server holds, types those of all,
    dates those that the server itself gave to its pages."""
    rng = random.Random(2)
    ids = [common(raw).id for raw in rng.sample(held, min(SAMPLE, len(held)))]
    types = sorted({common(raw).type for raw in objects})
    limited = f"{paged.objects_path}?limit={LIMIT}"
    return [
        ("match[id]", [f"{server.objects_path}?match%5Bid%5D={id}" for id in ids]),
        (f"match[type], limit {LIMIT}", [f"{limited}&match%5Btype%5D={type}" for type in types]),
        (f"added_after, limit {LIMIT}", [f"{limited}&added_after={quote(date)}" for date in dates(paged)]),
    ]


def dates(server: Server) -> list[str]:
    """When the last object of each of the first pages was added, by the server's own clock."""
    path, kept = f"{server.objects_path}?limit={PAGE_OBJECTS}", [MOMENT]
    start = time.perf_counter()
    with closing(server.connect(PATIENCE_SECONDS)) as connection:
        while time.perf_counter() - start < PATIENCE_SECONDS / 2 and len(kept) < DATES_MOST:
            connection.request("GET", path, headers=server.headers())
            response = connection.getresponse()
            last = response.getheader("X-TAXII-Date-Added-Last")
            response.read()
            if response.status != 200 or last is None or last == kept[-1]:
                break
            kept.append(last)
            path = f"{server.objects_path}?limit={PAGE_OBJECTS}&added_after={quote(last)}"
    return kept


@dataclass(slots=True)
class Cell:
    """What one kind of question met at one number of clients on one side."""

    side: str
    question: str
    clients: int
    server: Server
    paths: Sequence[str]
    asked: list[Asked] = field(default_factory=list)
    missing: str = ""

    def measure(self, seconds: float) -> None:
        """One more run, or the reason why there is none."""
        if self.missing:
            return
        try:
            self.asked.append(ask(self.server, self.paths, self.clients, self._enough(seconds)))
        except (UnmeasuredError, OSError) as error:
            self.asked.clear()
            self.missing = str(error) or repr(error)

    def _enough(self, seconds: float) -> float:
        """The seconds to ask for, so that every client gets about three answers."""
        with closing(self.server.connect(PATIENCE_SECONDS)) as connection:
            start = time.perf_counter()
            get(connection, self.server, self.paths[0])
            one = time.perf_counter() - start
        return min(max(seconds, 3 * one * self.clients), PATIENCE_SECONDS)

    @property
    def p50(self) -> Figure:
        """Half of the answers came within so many ms."""
        return Figure(tuple(each.p50_ms for each in self.asked))

    def cells(self) -> list[str]:
        """The row of the table."""
        start = [self.question, str(self.clients), self.side]
        if not self.asked:
            return [*start, f"not measured: {self.missing}", "", "", "", "", ""]
        runs = [each.run for each in self.asked]
        return [
            *start,
            self.p50.text,
            self.p50.spread,
            Figure(tuple(each.p99_ms for each in self.asked)).text,
            Figure(tuple(run.rate for run in runs)).text,
            f"{min(run.done for run in runs):,}",
            Figure(tuple(run.server_cpu / run.done * 1e6 for run in runs)).text,
        ]


def compare(report: Report, ours: Sequence[Side], objects: Sequence[bytes], repeat: int, seconds: float) -> None:
    """All kinds of questions in one table, and the ratio of p50 of every other side to the first of ours."""
    cells: dict[tuple[str, int, str], Cell] = {}
    with ExitStack() as stack:
        for side in (*ours, *peers.present()):
            few, fewer = (LINEAR_MOST, SQUARE_MOST) if side.grows_by_square else (None, None)
            server = stack.enter_context(side.start(objects[:few]))
            paged = stack.enter_context(side.start(objects[:fewer])) if few != fewer else server
            names = [side.named(len(objects[:most]), len(objects)) for most in (few, fewer, fewer)]
            asked = questions(server, paged, objects[:few], objects)
            for at, (question, paths) in enumerate(asked):
                for clients in CLIENTS:
                    cell = Cell(names[at], question, clients, paged if at else server, paths)
                    cells[question, clients, side.name] = cell
        cells = dict(sorted(cells.items(), key=lambda item: item[0][:2]))
        for _ in range(repeat):
            for cell in cells.values():
                cell.measure(seconds)
    head = ["filter", "clients", "side", "p50, ms", "spread of p50", "p99, ms", "requests/s"]
    head += ["requests a run, least", "server CPU, µs a request"]
    report.say(table(head, [cell.cells() for cell in cells.values()]))
    rows = []
    for (question, clients, _), theirs in cells.items():
        first = cells[question, clients, ours[0].name]
        if theirs is not first:
            both = first.asked and theirs.asked
            pair = f"{question}, {clients}: {theirs.side} / {first.side}"
            rows.append([pair, ratio(theirs.p50, first.p50) if both else "not measured"])
    if rows:
        report.say(table(["p50 of the other to ours", "of medians, with both numbers (ms)"], rows))


def main() -> None:
    """Command line."""
    parser = arguments(__doc__, repeat=5)
    parser.add_argument("--seconds", type=float, default=4)
    stores.add_option(parser)
    asked = parser.parse_args()
    if asked.smoke:
        asked.repeat, asked.seconds = 1, 0.2
    name, objects = objects_of(100 if asked.smoke else None)
    report = begun("latency", asked.repeat)
    report.say(f"{name}: {len(objects):,} objects. An operator's token; the client is {client_name()}.")
    ours = stores.sides(asked.store)
    report.sides([*ours, *peers.present()])
    compare(report, ours, objects, asked.repeat, asked.seconds)
    if asked.page:
        report.put_into(asked.page)


if __name__ == "__main__":
    main()
