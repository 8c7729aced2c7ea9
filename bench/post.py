"""POST of ATT&CK in envelopes of 1,000: Comity, its peers, and bare inserts of the same rows.

    python -m bench.post [--smoke] [--repeat 5] [--budget 120] [--page FILE]

First the first 2,000 objects, every side in every round. Then the whole of ATT&CK: Comity and the limit in every
round, a peer once, within its budget of seconds, since the peers slow down as they fill.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from bench import limits, peers
from bench.data import envelopes_of, objects_of, one_of_each_type
from bench.figures import Row, Run, interleaved, rates, ratios
from bench.report import Report, arguments, begun
from bench.sides import COMITY, WARM_PATH, Server, Side
from bench.traffic import post_all

FEW = 2000
CLIENTS = (1, 2, 4)


def warm(server: Server, objects: Sequence[bytes]) -> None:
    """Comity has compiled the schema of each type, as it does when it first meets one: in another collection."""
    envelopes = envelopes_of(one_of_each_type(objects))
    post_all(replace(server, collection_path=WARM_PATH), envelopes, [1] * len(envelopes), 1)


def posting(side: Side, objects: Sequence[bytes], clients: int, budget_seconds: float) -> Callable[[], Run]:
    """A run that posts the objects to a fresh server."""
    envelopes = envelopes_of(objects)
    counts = [min(1000, len(objects) - at) for at in range(0, len(objects), 1000)]

    def run() -> Run:
        with side.start(()) as server:
            if side is COMITY:
                warm(server, objects)
            return post_all(server, envelopes, counts, clients, budget_seconds)

    return run


def compare(report: Report, objects: Sequence[bytes], repeat: int, peer_repeat: int, budget_seconds: float) -> None:
    """Every side in one table, and the ratios that matter."""
    envelopes = envelopes_of(objects)
    subjects = [(limits.INSERT, lambda: limits.insert(envelopes))]
    subjects += [
        (f"{COMITY.name}, {clients} client{'s' * (clients > 1)}", posting(COMITY, objects, clients, budget_seconds))
        for clients in CLIENTS
    ]
    others = [(f"{side.name}, 1 client", posting(side, objects, 1, budget_seconds)) for side in peers.present()]
    if peer_repeat == repeat:
        rows = interleaved(repeat, subjects + others)
    else:
        rows = interleaved(repeat, subjects) + interleaved(peer_repeat, others)
    report.say(rates("POST, envelopes of 1,000", "objects", rows))
    limit, ours, theirs = rows[0], rows[1 : 1 + len(CLIENTS)], rows[1 + len(CLIENTS) :]
    report.say(ratios(_pairs(limit, ours, theirs)))


def _pairs(limit: Row, ours: Sequence[Row], theirs: Sequence[Row]) -> list[tuple[Row, Row]]:
    return [(row, limit) for row in ours] + [(ours[0], row) for row in theirs]


def main() -> None:
    """Command line."""
    parser = arguments(__doc__, repeat=5)
    parser.add_argument("--budget", type=float, default=120, help="seconds that a peer has for the whole")
    asked = parser.parse_args()
    if asked.smoke:
        asked.repeat, asked.budget = 1, 5
    name, objects = objects_of(FEW if asked.smoke else None)
    report = begun("post", asked.repeat)
    report.say(f"{name}: {len(objects):,} objects of {sum(map(len, objects)) / len(objects):,.0f} bytes.")
    report.sides(
        [Side(limits.INSERT, COMITY.start, limits.INSERT_WORDS, "WAL, synchronous=FULL"), COMITY, *peers.present()]
    )
    report.say(f"The first {min(FEW, len(objects)):,} objects, every side in every round:")
    compare(report, objects[: FEW // 4 if asked.smoke else FEW], asked.repeat, asked.repeat, asked.budget)
    report.say(f"All {len(objects):,} objects; a peer once, cut after {asked.budget:.0f} s:")
    compare(report, objects, asked.repeat, 1, asked.budget)
    if asked.page:
        report.put_into(asked.page)


if __name__ == "__main__":
    main()
