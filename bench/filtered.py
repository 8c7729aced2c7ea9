"""What partners read through the release gate, beside what the node's own people read of the same store.

    python -m bench.filtered [--smoke] [--count 1000000] [--partners 200] [--repeat 5] [--seconds 4] [--page FILE]

One store with 1,000 classes and many partners. Four of them may read 1, 10, 50 and 100 percent of the classes, so that
what each reads lies at random between what it may not; a relationship goes only with both ends. Measured are the first
page of each after its view has to be made, whole readings, single questions, and the first page after a change of
policy.
"""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from bench import crowd
from bench.cost import spend, until_idle
from bench.data import PAGE_OBJECTS, scratch
from bench.figures import Figure, Run, UnmeasuredError, interleaved, rates, ratios, table
from bench.latency import Cell
from bench.report import Report, arguments, begun
from bench.sides import COMITY, Server, command, new_home, serving
from bench.traffic import ask, client_name, get, page_all

CONNECTIONS = 8
SMALL_PAGE = 100
CHANGES = 5
OPERATOR = "the node's own token, unfiltered"
OTHERS = ("ten", "half")


def _whole(server: Server, count: int, paths: list[str], seconds: float) -> Callable[[], Run]:
    def run() -> Run:
        asked = ask(server, paths, CONNECTIONS, seconds).run
        return Run(asked.done * count // len(paths), asked.seconds, asked.client_cpu, asked.server_cpu)

    return run


def first_pages(report: Report, servers: dict[str, Server]) -> None:
    """The first page that each was ever given: its view is made, and its dates are kept, in between."""
    cells = []
    for name, server in servers.items():
        took = []
        with closing(server.connect()) as connection:
            for _ in range(2):
                began = time.perf_counter()
                get(connection, server, f"{server.objects_path}?limit={PAGE_OBJECTS}")
                took.append((time.perf_counter() - began) * 1e3)
        cells.append([name, *(Figure((each,)).text for each in took)])
    report.say(table(["reader", f"first page of {PAGE_OBJECTS:,} ever, ms", "the same again, ms"], cells))


def readings(report: Report, servers: dict[str, Server], repeat: int, seconds: float) -> dict[str, int]:
    """Whole readings of each, in turn; how many objects each gets."""
    counts: dict[str, int] = {}
    subjects: list[tuple[str, Callable[[], Run]]] = []
    for name, server in servers.items():
        paths: list[str] = []
        counts[name] = _drained(server, paths)
        subjects.append((f"{name}, one client that counts", _paged(server, counts[name])))
        if CONNECTIONS:
            subjects.append((f"{name}, {client_name()}, {CONNECTIONS} connections",
                             _whole(server, counts[name], paths, seconds)))  # fmt: skip
    rows = interleaved(repeat, subjects)
    report.say(rates(f"GET, pages of {PAGE_OBJECTS:,}", "objects", rows))
    report.say(ratios([(row, rows[at % 2]) for at, row in enumerate(rows) if at > 1]))
    return counts


def _drained(server: Server, paths: list[str]) -> int:
    """How many objects the reader gets, and the paths that it was led through."""
    try:
        page_all(server, -1, visit=paths.append)
    except UnmeasuredError as error:
        return int(str(error).split("first so: ")[1].split(" ")[0].replace(",", ""))
    raise UnmeasuredError("nothing was read")


def _paged(server: Server, count: int) -> Callable[[], Run]:
    return lambda: page_all(server, count)


def questions(report: Report, servers: dict[str, Server], repeat: int, seconds: float) -> None:
    """Single questions: a small page out of the middle, and one object by its id."""
    cells: list[Cell] = []
    for name, server in servers.items():
        wanted = server.json(f"{server.objects_path}?limit={PAGE_OBJECTS}")["objects"]
        one = [f"{server.objects_path}?match[id]={each['id']}" for each in wanted[:: max(1, len(wanted) // 100)]]
        page = [f"{server.objects_path}?limit={SMALL_PAGE}"]
        cells += [Cell(name, f"limit={SMALL_PAGE}", 1, server, page)]
        cells += [Cell(name, "match[id]", clients, server, one) for clients in (1, 16)]
    for _ in range(repeat):
        for cell in cells:
            cell.measure(seconds)
    head = ["question", "clients", "reader", "p50, ms", "spread of p50", "p99, ms", "requests/s"]
    head += ["requests a run, least", "server CPU, µs a request"]
    report.say(table(head, [cell.cells() for cell in sorted(cells, key=lambda cell: (cell.question, cell.clients))]))


def changes(report: Report, home: Path, folder: Path, servers: dict[str, Server], repeat: int, words: int) -> None:
    """Another policy is put in force, and each reader asks for its first page."""
    took: dict[str, list[float]] = {name: [] for name in servers if name != OPERATOR}
    for turn in range(repeat):
        shares = dict(crowd.SHARES) | ({"one": 0.02, "half": 0.4} if turn % 2 == 0 else {})
        crowd.apply(home, folder, shares, words)
        until_idle(next(iter(servers.values())).pids)
        for name in took:
            server = servers[name]
            with closing(server.connect()) as connection:
                began = time.perf_counter()
                get(connection, server, f"{server.objects_path}?limit={PAGE_OBJECTS}")
                took[name].append((time.perf_counter() - began) * 1e3)
    cells = [[name, Figure(tuple(each)).text, Figure(tuple(each)).spread] for name, each in took.items()]
    report.say(table(["reader", "first page after a change of policy, ms", "spread"], cells))


def matrix(report: Report, home: Path, classes: int, partners: int) -> None:
    """Every class for every partner and action, decided by one command."""
    spent = spend(command("release", "matrix", "--json", "--home", str(home)))
    lines = spent.out.count("\n")
    report.say(
        f"`comity release matrix --json`, about {classes:,} classes and {partners:,} partners: {lines:,} lines in "
        f"{spent.seconds:.1f} s, {spent.cpu:.1f} s of CPU, {spent.peak_mb:.0f} MB at most."
    )


def measure(report: Report, folder: Path, count: int, partners: int, repeat: int, seconds: float, words: int) -> None:
    """All of it, over one store."""
    home = new_home(folder)
    spent = crowd.fill(home.path, folder, count, words)
    publishing = Figure((Run(count, spent.seconds).rate,))
    crowd.apply(home.path, folder, crowd.SHARES, words)
    names = [(f"reader of {share:.0%}", group) for group, share in crowd.SHARES.items()]
    names += [(f"partner {number}", OTHERS[number % len(OTHERS)]) for number in range(partners - len(names))]
    parties = crowd.join(home.path, names)[: len(crowd.SHARES)]
    report.say(
        f"{COMITY.name}: {COMITY.configuration}. {count:,} objects, {2 * words:,} classes, {len(names):,} "
        f"partners; published at {publishing.text} objects/s, {spent.cpu / count * 1e6:.0f} µs of CPU each, "
        f"{spent.peak_mb:.0f} MB at most."
    )
    with serving(home) as server:
        servers = {OPERATOR: server}
        servers |= {party.name: replace(server, authorization=party.authorization) for party in parties}
        until_idle(server.pids, 1800, looks=10)
        first_pages(report, servers)
        counts = readings(report, servers, repeat, seconds)
        report.say("They got " + ", ".join(f"{number:,} ({name})" for name, number in counts.items()) + ".")
        questions(report, servers, repeat, seconds)
        changes(report, home.path, folder, servers, min(CHANGES, repeat), words)
    matrix(report, home.path, 2 * words, len(names))


def main() -> None:
    """Command line."""
    parser = arguments(__doc__, repeat=5)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--partners", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=4)
    asked = parser.parse_args()
    words = crowd.WORDS
    if asked.smoke:
        asked.count, asked.partners, asked.repeat, asked.seconds, words = 3000, 6, 1, 0.2, 40
    report = begun("filtered", asked.repeat)
    with scratch() as name:
        measure(report, Path(name), asked.count, asked.partners, asked.repeat, asked.seconds, words)
    if asked.page:
        report.put_into(asked.page)


if __name__ == "__main__":
    main()
