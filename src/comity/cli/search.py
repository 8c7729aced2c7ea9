"""`comity search`: objects by words and filters."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from comity.cli.acting import purposed
from comity.cli.console import Console
from comity.cli.options import Command, pass_console
from comity.cli.terminal import counted


@click.command("search", cls=Command)
@click.argument("text", default="")
@click.option("--type", "types", multiple=True, metavar="T", help="Only this type; may be given again.")
@click.option("--limit", type=int, default=50, show_default=True, help="How many at most.")
@click.option("--csv", "form", flag_value="csv", help="Answer with CSV.")
@click.option("--ids", "form", flag_value="ids", help="Answer with ids alone, one a line.")
@purposed
@pass_console
def search(console: Console, text: str, types: tuple[str, ...], limit: int, form: str | None, purpose: str) -> None:
    """Find objects by words and filters.

    Found is what has every word of TEXT, the newest first. Filters may stand among the words: type:malware,tool
    tlp:<=green seen:7d from:SOURCE in:COLLECTION. Quotes keep words together. Names, aliases, patterns, values and
    descriptions are searched.
    """
    from comity.interfaces import instant_of
    from comity.node.home import open_home
    from comity.stix.markings import TLP

    with open_home(console.home) as node, node.for_purpose(purpose):
        titles = {view.id: view.title for view in node.collections()}
        hits = node.search(text, types=types, limit=limit)

    rows: list[dict[str, Any]] = [
        {
            "type": hit.type,
            "name": hit.name,
            "tlp": "" if hit.level is None else TLP(hit.level).word,
            "tlp_from": hit.level_from,
            "source": hit.source,
            "collection": titles.get(hit.collection, hit.collection),
            "version": hit.version,
            "added": instant_of(hit.added),
            "id": hit.id,
        }
        for hit in hits.items
    ]
    if console.json:
        console.result({"items": rows, "more": hits.more, "behind": hits.behind})
        return
    if form == "ids":
        for row in rows:
            console.say(str(row["id"]))
    elif form == "csv":
        _write_csv(console, rows)
    else:
        keys = ("type", "name", "tlp", "source", "added", "id")
        console.table(keys, [[row[key] for key in keys] for row in rows])
    if hits.behind:
        console.note(f"{counted(hits.behind, 'copy', 'copies')} cannot be found yet: ask again, or let serve run.")
    if hits.more:
        console.note(f"There are more. Narrow the search, or give --limit over {limit}.")
    if not rows:
        console.note("Nothing found. Filters are type: tlp: seen: from: in:, everything else is a word.")


def _write_csv(console: Console, rows: Sequence[Mapping[str, object]]) -> None:
    import csv
    import sys

    from comity.cli.console import plain
    from comity.node.spelling import csv_cell

    writer = csv.writer(sys.stdout, lineterminator="\n")
    keys = ("id", "type", "name", "tlp", "tlp_from", "source", "collection", "version", "added")
    console.begun = True
    writer.writerow(keys)
    for row in rows:
        writer.writerow([csv_cell(plain(row[key])) for key in keys])
