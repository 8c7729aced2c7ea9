"""GET of a whole collection without filters: Comity, its peers, and a join of the same stored bytes.

    python -m bench.get [--smoke] [--repeat 5] [--budget 30] [--page FILE]

Three clients: one that pages and counts (the same for all sides), `as_pages` of taxii2-client, which parses every
object, and wrk with 8 connections, which goes round the pages that the first client was led to.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack

from bench import limits, peers
from bench.data import envelopes_of, objects_of
from bench.figures import Run, interleaved, rates, ratios
from bench.report import Report, arguments, begun
from bench.sides import COMITY, Server, Side
from bench.traffic import as_pages_all, ask, client_name, page_all

CONNECTIONS = 8
SQUARE_MOST = 1000


def by_wrk(server: Server, count: int, seconds: float) -> Callable[[], Run]:
    """A run in which all pages are fetched again and again; what is done are the objects in them."""
    paths: list[str] = []
    page_all(server, count, visit=paths.append)

    def run() -> Run:
        found = ask(server, paths, CONNECTIONS, seconds).run
        return Run(found.done * count // len(paths), found.seconds, found.client_cpu, found.server_cpu)

    return run


def _subjects(name: str, server: Server, count: int, budget_seconds: float) -> list[tuple[str, Callable[[], Run]]]:
    return [
        (f"{name}, one client that counts", lambda: page_all(server, count, budget_seconds)),
        (f"{name}, taxii2-client as_pages", lambda: as_pages_all(server, count, budget_seconds)),
    ]


def compare(report: Report, objects: Sequence[bytes], repeat: int, budget_seconds: float, seconds: float) -> None:
    """All clients of all sides in one table, and the ratios that matter."""
    sides, envelopes = [COMITY, *peers.present()], envelopes_of(objects)
    with ExitStack() as stack:
        held = [objects[: SQUARE_MOST if side.grows_by_square else None] for side in sides]
        servers = [stack.enter_context(side.start(part)) for side, part in zip(sides, held, strict=True)]
        subjects = [(limits.JOIN, lambda: limits.join(envelopes))]
        ours = servers[0]
        name = f"{COMITY.name}, {client_name()}, {CONNECTIONS} connections"
        subjects.append((name, by_wrk(ours, len(objects), seconds)))
        for side, part, server in zip(sides, held, servers, strict=True):
            subjects += _subjects(side.named(len(part), len(objects)), server, len(part), budget_seconds)
        rows = interleaved(repeat, subjects)
    report.say(rates("GET, pages of 1,000", "objects", rows))
    limit, wrk, counting, parsing = rows[:4]
    pairs = [(wrk, limit), (counting, limit)]
    pairs += [(counting, row) for row in rows[4::2]] + [(parsing, row) for row in rows[5::2]]
    report.say(ratios(pairs))


def main() -> None:
    """Command line."""
    parser = arguments(__doc__, repeat=5)
    parser.add_argument("--budget", type=float, default=30, help="seconds that one reading of a collection may take")
    parser.add_argument("--seconds", type=float, default=5, help="seconds of wrk")
    asked = parser.parse_args()
    if asked.smoke:
        asked.repeat, asked.budget, asked.seconds = 1, 3, 1
    name, objects = objects_of(1100 if asked.smoke else None)
    report = begun("get", asked.repeat)
    report.say(
        f"{name}: {len(objects):,} objects of {sum(map(len, objects)) / len(objects):,.0f} bytes; a reading that is "
        f"not through after {asked.budget:.0f} s is cut, and its rate is that of the part done."
    )
    report.sides(
        [
            Side(limits.JOIN, COMITY.start, limits.JOIN_WORDS, "reads nothing that is not committed"),
            COMITY,
            *peers.present(),
        ]
    )
    compare(report, objects, asked.repeat, asked.budget, asked.seconds)
    if asked.page:
        report.put_into(asked.page)


if __name__ == "__main__":
    main()
