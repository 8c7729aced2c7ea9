"""POST of ATT&CK in envelopes of 1,000: Comity, its peers, and bare inserts of the same rows.

    python -m bench.post [--smoke] [--repeat 5] [--budget 60] [--store sqlite] [--page FILE]

First the first 2,000 objects, then the whole of ATT&CK, since the peers slow down as they fill: what a run has not
posted within the budget is left, and its rate is that of the part done.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from bench import limits, peers, stores
from bench.data import envelopes_of, objects_of, one_of_each_type
from bench.figures import Run, interleaved, rates, ratios
from bench.report import Report, arguments, begun
from bench.sides import CLASSIFIED, COMITY, WARM_PATH, Server, Side
from bench.traffic import post_all

FEW = 2000
CLIENTS = (1, 2, 4)
WARMING = 16


def warm(server: Server, objects: Sequence[bytes]) -> None:
    """Every process has compiled the schema of each type, as it does when it first meets one: in another collection."""
    envelopes = envelopes_of(one_of_each_type(objects)) * WARMING
    post_all(replace(server, collection_path=WARM_PATH), envelopes, [1] * len(envelopes), max(CLIENTS))


def posting(
    side: Side, objects: Sequence[bytes], clients: int, budget_seconds: float, *, is_ours: bool = False
) -> Callable[[], Run]:
    """A run that posts the objects to a fresh server."""
    envelopes = envelopes_of(objects)
    counts = [min(1000, len(objects) - at) for at in range(0, len(objects), 1000)]

    def run() -> Run:
        with side.start(()) as server:
            if is_ours:
                warm(server, objects)
            return post_all(server, envelopes, counts, clients, budget_seconds)

    return run


def compare(report: Report, ours: Sequence[Side], objects: Sequence[bytes], repeat: int, budget_seconds: float) -> None:
    """Every side in every round, in one table, and the ratios that matter."""
    envelopes = envelopes_of(objects)
    subjects = [(limits.INSERT, lambda: limits.insert(envelopes))]
    subjects += [
        (
            f"{side.name}, {clients} client{'s' * (clients > 1)}",
            posting(side, objects, clients, budget_seconds, is_ours=True),
        )
        for side in ours
        for clients in CLIENTS
    ]
    subjects += [(f"{side.name}, 1 client", posting(side, objects, 1, budget_seconds)) for side in peers.present()]
    rows = interleaved(repeat, subjects)
    report.say(rates("POST, envelopes of 1,000", "objects", rows))
    most = 1 + len(ours) * len(CLIENTS)
    limit, mine, theirs = rows[0], rows[1:most], rows[most:]
    pairs = [(row, limit) for row in mine] + [(mine[0], row) for row in theirs]
    if CLASSIFIED in ours:
        start = ours.index(CLASSIFIED) * len(CLIENTS)
        pairs += list(zip(mine[start : start + len(CLIENTS)], mine, strict=False))
    report.say(ratios(pairs))


def main() -> None:
    """Command line."""
    parser = arguments(__doc__, repeat=5)
    parser.add_argument("--budget", type=float, default=60, help="seconds that a run may take")
    stores.add_option(parser)
    asked = parser.parse_args()
    if asked.smoke:
        asked.repeat, asked.budget = 1, 5
    name, objects = objects_of(FEW if asked.smoke else None)
    report = begun("post", asked.repeat)
    report.say(f"{name}: {len(objects):,} objects of {sum(map(len, objects)) / len(objects):,.0f} bytes.")
    ours = [*stores.sides(asked.store), CLASSIFIED]
    report.sides(
        [Side(limits.INSERT, COMITY.start, limits.INSERT_WORDS, "WAL, synchronous=FULL"), *ours, *peers.present()]
    )
    if not asked.smoke:
        report.say(f"The first {FEW:,} objects:")
        compare(report, ours, objects[:FEW], asked.repeat, asked.budget)
    report.say(f"All {len(objects):,} objects; a run is cut after {asked.budget:.0f} s:")
    compare(report, ours, objects, asked.repeat, asked.budget)
    if asked.page:
        report.put_into(asked.page)


if __name__ == "__main__":
    main()
