"""A million indicators: import, file, first and last page, memory while a client drains it, export, backup, search.

python -m bench.million [--smoke] [--count 1000000] [--page FILE]
"""

import json
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from bench.cost import Meter, Spent, sampled, spend, until_idle
from bench.data import ENVELOPE_OBJECTS, PAGE_OBJECTS, scratch, write_indicators
from bench.figures import Figure, Row, Run, interleaved, ratio, table
from bench.report import Report, arguments, begun
from bench.sides import COMITY, Server, command, new_home, serving
from bench.traffic import get, page_all

SAMPLES_LEAST = 20
INDEX_SECONDS_MOST = 1800.0
WORDS = ("gate", "phishing", "sensor 17", "type:identity synthetic")


def _spent(what: str, count: int, spent: Spent, size: int) -> list[str]:
    rate = Figure((Run(count, spent.seconds).rate,))
    return [
        what,
        rate.text,
        f"{spent.seconds:.1f}",
        f"{spent.cpu:.1f}",
        f"{spent.peak_mb:.0f}",
        f"{size / 1e6:,.0f} MB, {size / count:,.0f} bytes an object",
    ]


def import_it(report: Report, home: Path, lines: Path, count: int) -> int:
    """The file was imported; how many objects the store has now."""
    size = lines.stat().st_size
    spent = spend(command("import", str(lines), "--home", str(home), "--json"))
    stored = int(json.loads(spent.out)["stored"])
    rows = [_spent("`comity import`", stored, spent, size)]
    base = sum(path.stat().st_size for path in home.glob("*.db*"))
    head = ["command", "objects/s", "seconds", "CPU, s", "peak memory (RSS), MB", "bytes of JSON"]
    report.say(table(head, rows))
    report.say(
        f"The store is {base / 1e6:,.0f} MB on disk, {base / stored:,.0f} bytes an object, "
        f"for {size / stored:,.0f} bytes of JSON each."
    )
    if stored < count:
        raise ValueError(f"{stored} stored of {count}")
    return stored


def pages(report: Report, server: Server, paths: list[str], repeat: int) -> None:
    """The first, the middle and the last full page, asked for in turn over one connection."""
    full = paths[:-1] or paths

    def timed(path: str) -> Callable[[], Run]:
        def run() -> Run:
            start = time.perf_counter()
            get(connection, server, path)
            return Run(1, time.perf_counter() - start)

        return run

    named = [("first page", full[0]), ("middle page", full[len(full) // 2]), ("last full page", full[-1])]
    with closing(server.connect()) as connection:
        rows = interleaved(repeat, [(name, timed(path)) for name, path in named])
    took = [Figure(tuple(run.seconds * 1e3 for run in row.runs)) for row in rows]
    cells = [[row.name, each.text, each.spread] for row, each in zip(rows, took, strict=True)]
    report.say(table([f"GET of {PAGE_OBJECTS:,}", f"ms, median of {repeat}", "spread"], cells))
    report.say(f"Last / first page: {ratio(took[-1], took[0])}.")


def drain(report: Report, server: Server, stored: int) -> list[str]:
    """A client read every page while the memory of the server was sampled; the paths of the pages."""
    paths: list[str] = []
    with sampled(server.pids, 0.05) as rest:
        time.sleep(0.5)
    rounds = Row("a client that counts", [])
    page_all(server, stored, visit=paths.append)
    with sampled(server.pids, 0.05) as samples:
        while len(rounds.runs) < 2 or len(samples.mb) < SAMPLES_LEAST:
            rounds.runs.append(page_all(server, stored))
    slope = samples.slope() / rounds.rate.median * 100_000
    rows = [
        ["before", f"{max(rest.mb):.0f}"],
        [f"most while draining {len(rounds.runs)} times", f"{max(samples.mb):.0f}"],
        ["at the end", f"{samples.mb[-1]:.0f}"],
        ["slope, MB per 100,000 objects read", f"{slope:+.2f}"],
    ]
    report.say(table([f"memory of the server (PSS), {len(samples.mb)} samples", "MB"], rows))
    report.say(f"Draining: {rounds.rate.text} objects/s ({rounds.rate.spread}), one client, {len(paths):,} pages.")
    return paths


def leave(report: Report, home: Path, folder: Path, stored: int) -> None:
    """The node was exported and backed up."""
    rows = []
    for name, words in (
        ("`comity export -o FILE.ndjson`", ("export", "-o", str(folder / "all.ndjson"))),
        ("`comity export -o FILE.json`", ("export", "-o", str(folder / "all.json"))),
        ("`comity backup`", ("backup", str(folder / "backup"))),
    ):
        spent = spend(command(*words, "--home", str(home)))
        target = Path(words[-1])
        rows.append(_spent(name, stored, spent, target.stat().st_size))
        target.unlink()
    report.say(table(["command", "objects/s", "seconds", "CPU, s", "peak memory (RSS), MB", "written"], rows))


def index(report: Report, server: Server, stored: int) -> None:
    """The server has come to rest after its start: what was imported can be found by its words."""
    with Meter(server.pids) as meter:
        until_idle(server.pids, INDEX_SECONDS_MOST, looks=10)
    report.say(
        f"The index of text is made behind, by the server: {stored:,} objects in {meter.seconds:.0f} s, "
        f"{meter.server_cpu:.0f} s of CPU. What follows was measured after that."
    )


def search(report: Report, home: Path, repeat: int) -> None:
    """Every word was searched for by the command."""
    rows = []
    for words in WORDS:
        spent = [spend(command("search", words, "--home", str(home), "--json")) for _ in range(repeat)]
        found = json.loads(spent[0].out)
        if found["behind"]:
            report.say(f"Search was not measured: {found['behind']:,} objects are not in the index of text yet.")
            return
        took = Figure(tuple(each.seconds * 1e3 for each in spent))
        cpu = Figure(tuple(each.cpu * 1e3 for each in spent))
        rows.append([f"`comity search {words}`", took.text, took.spread, cpu.text, str(len(found["items"]))])
    report.say(table(["command", f"ms, median of {repeat}", "spread", "CPU, ms", "found, at most 50"], rows))


def main() -> None:
    """Command line."""
    parser = arguments(__doc__, repeat=101)
    parser.add_argument("--count", type=int, default=1_000_000)
    asked = parser.parse_args()
    if asked.smoke:
        asked.count, asked.repeat = 3 * ENVELOPE_OBJECTS, 5
    report = begun("million", asked.repeat)
    report.say(f"{COMITY.name}: {COMITY.configuration}; {COMITY.durability}.")
    with scratch() as name:
        folder = Path(name)
        lines = folder / "indicators.ndjson"
        made = write_indicators(asked.count, lines)
        report.say(f"The objects: {made}, {lines.stat().st_size / 1e6:,.0f} MB.")
        home = new_home(folder)
        stored = import_it(report, home.path, lines, asked.count)
        lines.unlink()
        with serving(home) as server:
            index(report, server, stored)
            paths = drain(report, server, stored)
            pages(report, server, paths, asked.repeat)
            leave(report, home.path, folder, stored)
            search(report, home.path, min(asked.repeat, 5))
    if asked.page:
        report.put_into(asked.page)


if __name__ == "__main__":
    main()
