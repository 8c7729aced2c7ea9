"""What it costs to class objects when they are published, beside what it costs to parse them.

python -m bench.classify [--smoke] [--count 100000] [--repeat 5]
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson
from bench.data import objects_of, scratch, write_indicators
from bench.figures import Figure, Row, Run, interleaved, ratio, rounded, table, written
from bench.report import Report, arguments, begun

from comity.node.system import schema_documents
from comity.release.classifier import Classifier
from comity.release.classify import Context, classify
from comity.release.personal import findings
from comity.stix import schema
from comity.stix.parse import judge
from comity.stix.tlp import TLP

JsonObject = dict[str, object]


def _timed(count: int, work: Callable[[], object]) -> Callable[[], Run]:
    def run() -> Run:
        start = time.process_time()
        work()
        return Run(count, time.process_time() - start)

    return run


def us(row: Row) -> Figure:
    """Microseconds of CPU an object."""
    return Figure(tuple(run.seconds / run.done * 1e6 for run in row.runs))


def compare(report: Report, name: str, raws: Sequence[bytes], repeat: int) -> None:
    """Parsing and classing took turns over the same objects."""
    values: list[JsonObject] = [orjson.loads(raw) for raw in raws]
    known = {str(value["id"]): value for value in values if value["type"] == "marking-definition"}
    context = Context("feed", known.get, TLP.AMBER)
    schemas = schema.compile(schema_documents())
    bulk = Classifier(context)

    def in_bulk() -> None:
        one = Classifier(context)
        for value in values:
            one.digest(one.of(value))

    count = len(values)
    rows = interleaved(
        repeat,
        (
            ("parse", _timed(count, lambda: [judge(raw, 0, schemas, strict=False) for raw in raws])),
            ("`Classifier`: class and digest", _timed(count, in_bulk)),
            ("`classify`, one by one", _timed(count, lambda: [classify(value, context) for value in values])),
            ("of it: the search for personal data", _timed(count, lambda: [findings(value) for value in values])),
        ),
    )
    parse = us(rows[0])
    cells = [
        [row.name, us(row).text, us(row).spread, ratio(us(row), parse), written(rounded(row.rate.median))]
        for row in rows
    ]
    size = sum(map(len, raws)) / count
    classes = {bulk.of(value) for value in values}
    suspect = sum(bool(findings(value)) for value in values)
    report.say(
        f"{name}: {count:,} objects of {size:,.0f} bytes in the mean. They make {len(classes)} classes; in {suspect:,} "
        "something of the form of personal data is found."
    )
    report.say(table(["work", "µs of CPU an object, median", "spread", "to parsing", "objects a second of CPU"], cells))


def main() -> None:
    """Command line."""
    parser = arguments(__doc__, repeat=5)
    parser.add_argument("--count", type=int, default=100_000, help="how many indicators are made")
    asked = parser.parse_args()
    if asked.smoke:
        asked.repeat, asked.count = 1, 500
    report = begun("classify", asked.repeat)
    name, raws = objects_of(500 if asked.smoke else None)
    compare(report, name, raws, asked.repeat)
    with scratch() as folder:
        path = Path(folder) / "indicators.ndjson"
        name = write_indicators(asked.count, path)
        compare(report, name, path.read_bytes().splitlines(), asked.repeat)
    if asked.page:
        report.put_into(asked.page)


if __name__ == "__main__":
    main()
