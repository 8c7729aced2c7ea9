"""The latencies that the design wants, with the token of an operator and with that of a partner, on one node.

    python -m bench.bound [--smoke] [--repeat 3] [--seconds 4] [--count 200000] [--page FILE]

What a partner reads goes through the release gate, and each page of it is an entry of the ledger before it is told; the
same page again within a day is counted. So a bound token's pages are measured as they come again and again, and the
first reading of all, in which each page is entered, stands beside.
"""

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from bench import crowd
from bench.data import PAGE_OBJECTS, scratch
from bench.figures import Figure, UnmeasuredError, ratio, table
from bench.latency import CLIENTS, LIMIT, SAMPLE, Cell, dates
from bench.report import Report, arguments, begun
from bench.sides import Server, new_home, serving
from bench.traffic import client_name, get, page_all

OPERATOR, BOUND = "operator's token", "partner's token"


def compare(report: Report, count: int, repeat: int, seconds: float) -> None:
    """Both tokens were asked the same of so many objects, all of which the partner may read."""
    with scratch() as folder:
        home = new_home(Path(folder))
        crowd.fill(home.path, Path(folder), count, min(crowd.WORDS, count))
        crowd.apply(home.path, Path(folder), {"all": 1.0}, min(crowd.WORDS, count))
        (party,) = crowd.join(home.path, [("reader", "all")])
        with serving(home) as server:
            servers = {OPERATOR: server, BOUND: replace(server, authorization=party.authorization)}
            report.say(f"Of one node with {count:,} objects, with an {OPERATOR} and with a {BOUND}, the ledger on:")
            _first_reading(report, servers)
            _asked(report, servers, repeat, seconds)


def _first_reading(report: Report, servers: dict[str, Server]) -> None:
    """Each page was asked for, for the first time: of the partner each is an entry."""
    cells = []
    for name, server in servers.items():
        paths = pages(server)
        took = []
        with closing(server.connect()) as connection:
            for path in paths:
                began = time.perf_counter()
                get(connection, server, path.replace(f"limit={PAGE_OBJECTS}", f"limit={PAGE_OBJECTS - 1}"))
                took.append((time.perf_counter() - began) * 1e3)
        figure = Figure(tuple(took))
        cells.append([name, f"{len(paths):,}", figure.text, figure.spread])
    report.say(table(["reader", "pages", f"ms a page of {PAGE_OBJECTS - 1:,} that is new, median", "spread"], cells))


def pages(server: Server) -> list[str]:
    """The paths of the pages that the reader is led through."""
    paths: list[str] = []
    try:
        page_all(server, -1, visit=paths.append)
    except UnmeasuredError:
        # It counts, and nobody knows yet how many there are.
        if not paths:
            raise
    return paths


def questions(server: Server) -> list[tuple[str, Sequence[int], list[str]]]:
    """Each kind of question, with the numbers of clients and the paths to ask for."""
    full = pages(server)
    wanted = server.json(f"{server.objects_path}?limit={PAGE_OBJECTS}")["objects"]
    limited = f"{server.objects_path}?limit={LIMIT}"
    types = sorted({each["type"] for each in wanted})
    return [
        (f"page of {PAGE_OBJECTS:,}, the first", (1,), full[:1]),
        (f"page of {PAGE_OBJECTS:,}, the last but one", (1,), full[-2:-1] or full[:1]),
        ("match[id]", CLIENTS, [f"{server.objects_path}?match%5Bid%5D={each['id']}" for each in wanted[:SAMPLE]]),
        (f"match[type], limit {LIMIT}", CLIENTS, [f"{limited}&match%5Btype%5D={each}" for each in types]),
        (f"added_after, limit {LIMIT}", CLIENTS, [f"{limited}&added_after={quote(date)}" for date in dates(server)]),
    ]


def _asked(report: Report, servers: dict[str, Server], repeat: int, seconds: float) -> None:
    rows: dict[tuple[str, int], dict[str, Cell]] = {}
    for name, server in servers.items():
        for question, numbers, paths in questions(server):
            for clients in numbers:
                rows.setdefault((question, clients), {})[name] = Cell(name, question, clients, server, paths)
    for _ in range(repeat):
        for cells in rows.values():
            for cell in cells.values():
                cell.measure(seconds)
    head = ["question", "clients", *(f"{name}: {what}, ms" for name in servers for what in ("p50", "p99"))]
    lines = []
    for (question, clients), cells in rows.items():
        told = [each for cell in cells.values() for each in _told(cell)]
        both = all(cell.asked for cell in cells.values())
        lines.append([question, str(clients), *told, ratio(cells[BOUND].p50, cells[OPERATOR].p50) if both else ""])
    report.say(table([*head, "p50 of the partner's to the operator's"], lines))


def _told(cell: Cell) -> list[str]:
    if not cell.asked:
        return [f"not measured: {cell.missing}", ""]
    return [cell.p50.text, Figure(tuple(each.p99_ms for each in cell.asked)).text]


def main() -> None:
    """Command line."""
    parser = arguments(__doc__, repeat=3)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--count", type=int, default=200_000, help="how many objects both tokens are asked for")
    asked = parser.parse_args()
    if asked.smoke:
        asked.repeat, asked.seconds, asked.count = 1, 0.2, 1_000
    report = begun("bound", asked.repeat)
    report.say(f"The client is {client_name()}.")
    compare(report, asked.count, asked.repeat, asked.seconds)
    if asked.page:
        report.put_into(asked.page)


if __name__ == "__main__":
    main()
