"""What it costs to take objects in with and without a class for each, beside SQLite's bare inserts of the same rows.

    python -m bench.ingest [--smoke] [--count 25000] [--repeat 5] [--page FILE]

All sides run in this process, one after the other, so that its CPU seconds, those of all threads, are what a side cost:
envelopes of 1,000 objects go through `Node.receive` of a fresh home on SQLite, each on the disk before the next. What
runs behind, full text and relations, is done on both sides before the second figure is read.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import limits
from bench.cost import Meter
from bench.data import envelopes_of, objects_of, one_of_each_type, scratch, write_indicators
from bench.figures import Figure, Row, Run, UnmeasuredError, interleaved, ratio, table
from bench.report import Report, arguments, begun

from comity.node.home import init_home
from comity.node.node import Node
from comity.node.upkeep import RELATIONS_OBJECTS, TEXT_INDEX_OBJECTS
from comity.store.nouns import State

FEW = 500
PLAIN, CLASSED = "received", "received, classed and published"
SOURCE, WARM = "feed", "warm"


@dataclass(slots=True)
class Side:
    """A node that takes the objects in; `publish` is the rule of their source."""

    name: str
    publish: str
    envelopes: Sequence[bytes]
    warming: bytes
    count: int
    whole: list[Run] = field(default_factory=list)
    classes: int = 0

    def run(self) -> Run:
        """What it took until all was acknowledged; in `whole` what it took until nothing ran behind."""
        with scratch() as folder, self._node(Path(folder)) as node:
            with Meter() as meter:
                stored = sum(node.receive(envelope, SOURCE).stored for envelope in self.envelopes)
            with Meter() as behind:
                _finish(node)
            self._check(node, stored)
        cpu = meter.client_cpu + behind.client_cpu
        self.whole.append(Run(stored, meter.seconds + behind.seconds, server_cpu=cpu))
        return Run(stored, meter.seconds, server_cpu=meter.client_cpu)

    @contextmanager
    def _node(self, folder: Path) -> Iterator[Node]:
        """A fresh one, which has met every type: what a type costs when it first comes is no part of it."""
        with closing(init_home(folder / "home", name="bench")) as node:
            for name, collection in ((SOURCE, "default"), (WARM, WARM)):
                node.add_source(name, publish=self.publish, default_marking="green")
                if collection == WARM:
                    node.add_collection(WARM, alias=WARM)
            node.receive(self.warming, WARM, collection=WARM)
            _finish(node)
            yield node

    def _check(self, node: Node, stored: int) -> None:
        """Everything was stored, and published where the rule says so; how many classes there are is kept."""
        with node.store.read() as snapshot:
            published = snapshot.publications()
            theirs = published.of("source", snapshot.source(SOURCE).key) & published.of("state", State.PUBLISHED)
            self.classes = sum(bool(published.of("class", key) & theirs) for key in published.every("class"))
        due = self.count if self.publish == "auto" else 0
        if (stored, len(theirs)) != (self.count, due):
            raise UnmeasuredError(f"{stored} of {self.count} stored, {len(theirs)} of {due} published")


def _finish(node: Node) -> None:
    """Nothing runs behind any more, and the bitmaps of readers are those of now."""
    while node.store.index_text(TEXT_INDEX_OBJECTS):
        pass
    while node.store.index_relations(RELATIONS_OBJECTS):
        pass
    with node.store.read() as snapshot:
        snapshot.counts()
        snapshot.publications()


def us(runs: Sequence[Run]) -> Figure:
    """Microseconds of CPU an object."""
    return Figure(tuple((run.client_cpu + run.server_cpu) / run.done * 1e6 for run in runs))


def compare(report: Report, name: str, objects: Sequence[bytes], repeat: int) -> None:
    """All sides took turns with the same objects."""
    envelopes = envelopes_of(objects)
    warming = envelopes_of(one_of_each_type(objects))[0]
    plain, classed = (
        Side(name, publish, envelopes, warming, len(objects))
        for name, publish in ((PLAIN, "review"), (CLASSED, "auto"))
    )
    subjects: list[tuple[str, Callable[[], Run]]] = [(limits.INSERT, lambda: limits.insert(envelopes))]
    subjects += [(side.name, side.run) for side in (plain, classed)]
    rows = interleaved(repeat, subjects)
    for row in rows:
        if row.missing:
            raise UnmeasuredError(f"{row.name}: {row.missing}")
    rows += [Row(f"{side.name}, and what runs behind", side.whole) for side in (plain, classed)]
    size = sum(map(len, objects)) / len(objects)
    report.say(
        f"{name}: {len(objects):,} objects of {size:,.0f} bytes in the mean. They make {classed.classes} classes."
    )
    report.say(
        table(
            ["work", "µs of CPU an object, median", "spread", "objects/s, median", "spread"],
            [[row.name, us(row.runs).text, us(row.runs).spread, row.rate.text, row.rate.spread] for row in rows],
        )
    )
    report.say(_ratios([(rows[2], rows[1]), (rows[4], rows[3]), (rows[2], rows[0]), (rows[1], rows[0])]))


def _ratios(pairs: Sequence[tuple[Row, Row]]) -> str:
    """How much one takes in for each object of the other: in the same CPU time, and in the same time."""
    cells = [
        [f"{one.name} / {other.name}", ratio(us(other.runs), us(one.runs)), ratio(one.rate, other.rate)]
        for one, other in pairs
    ]
    return table(["ratio", "by CPU, µs each, the second to the first", "of median rates, with both numbers"], cells)


def main() -> None:
    """Command line."""
    parser = arguments(__doc__, repeat=5)
    parser.add_argument("--count", type=int, default=25_000, help="how many indicators are made")
    asked = parser.parse_args()
    if asked.smoke:
        asked.repeat, asked.count = 1, FEW
    report = begun("ingest", asked.repeat)
    report.say(
        "All in one process, envelopes of 1,000, each a transaction that is on the disk before the next. "
        f"{limits.INSERT}: {limits.INSERT_WORDS}. What runs behind is full text and relations, alike on both sides."
    )
    name, objects = objects_of(FEW if asked.smoke else None)
    compare(report, f"{name}, relations included", objects, asked.repeat)
    with scratch() as folder:
        path = Path(folder) / "indicators.ndjson"
        name = write_indicators(asked.count, path)
        compare(report, name, path.read_bytes().splitlines(), asked.repeat)
    if asked.page:
        report.put_into(asked.page)


if __name__ == "__main__":
    main()
