"""`comity export`: everything that is stored, as it came, for our own staff."""

from pathlib import Path

import click

from comity.cli.acting import purposed
from comity.cli.console import Console, path_text
from comity.cli.options import Command, pass_console
from comity.cli.terminal import counted, size
from comity.cli.writing import LINES, packed, split_packing, target


@click.command("export", cls=Command)
@click.option("-o", "--output", default="-", metavar="FILE|-", help="Where to write; - is standard output.")
@click.option("--collection", metavar="C", help="Only this one: an id, alias or title.")
@click.option(
    "--format", "form", type=click.Choice(["bundle", "ndjson"]), help="One bundle, or a line an object; else by FILE."
)
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@purposed
@pass_console
def export(console: Console, output: str, collection: str | None, form: str | None, force: bool, purpose: str) -> None:
    """Write out everything that is stored.

    Each object and version comes once, exactly as it was sent. FILE is packed where its name ends in .gz or .zst, and
    holds a line an object where that is .ndjson or .jsonl. It appears under its name when it is whole, and only its
    owner can read it (mode 0600).
    """
    from comity.cli.progress import Progress
    from comity.node.home import open_home

    plain, packing = split_packing(output)
    lines = form == "ndjson" if form else plain.endswith(LINES)
    progress = Progress(console, "Exporting")
    pieces = 0

    with open_home(console.home) as node, node.for_purpose(purpose):
        if collection is not None:
            node.collection(collection)
        with target(console, output, force=force) as file, packed(file, packing) as write:

            def step(data: bytes) -> None:
                nonlocal pieces
                pieces += 1
                write(data)
                progress(max(0, pieces - 1))

            count = node.export(step, collection=collection, lines=lines)
    progress.finish()
    if output == "-":
        console.note(f"Exported {counted(count, 'object')}.")
        return
    written = Path(output).stat().st_size
    if console.json:
        console.result({"objects": count, "file": path_text(output), "bytes": written})
        return
    console.say(f"Exported {counted(count, 'object')} to {path_text(output)}, {size(written)}.")
