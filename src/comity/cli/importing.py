"""`comity import`: the way in for files."""

from typing import TYPE_CHECKING, Any

import click

from comity.cli.console import Console, path_text
from comity.cli.options import Command
from comity.cli.terminal import counted

if TYPE_CHECKING:
    from comity.node.node import Node
    from comity.node.receive import Report

SHOWN_MAX = 5
REJECTED, CONFLICTS = 5, 6


@click.command("import", cls=Command)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--collection", default="default", show_default=True, help="Where to put them: an id, alias or title.")
@click.option("--source", default="local", show_default=True, help="Where they come from; made where it is new.")
@click.option("--strict/--lenient", default=None, help="Refuse what breaks a MUST of STIX 2.1, or note it.")
@click.option("--marking", metavar="TLP", help="The TLP of objects that name none, such as tlp:green.")
@click.option("--allow-rejected", is_flag=True, help="Exit 0 though objects were rejected, or conflict under --strict.")
@click.pass_context
def import_(
    context: click.Context,
    files: tuple[str, ...],
    collection: str,
    source: str,
    strict: bool | None,
    marking: str | None,
    allow_rejected: bool,
) -> None:
    """Take in STIX 2.1 from files.

    A FILE (- is standard input) is a bundle, an envelope, one object, or JSON lines, plain or packed with gzip or
    Zstandard. Each object is judged alone: what is good is stored. What is stored already counts as a duplicate, so an
    import can be repeated. Without --strict or --lenient and --marking the source's own settings hold.
    """
    from comity.cli.reading import check_readable
    from comity.node.home import open_home

    console = context.ensure_object(Console)
    for file in files:
        check_readable(file)
    taken: list[tuple[str, Report]] = []
    with open_home(console.home) as node:
        node.collection(collection)
        for file in files:
            report = _take(console, node, file, collection, source, strict, marking)
            taken.append((file, report))
            if not console.json:
                _tell(console, file, report, many=len(files) > 1)
            if report.broken is not None:
                place = report.broken.where.rstrip(", ")
                kept = "what came before is stored" if report.stored or report.duplicates else "nothing was stored"
                words = report.broken.message.rstrip(".")
                console.complain(f"{_name(file)}{f' at {place}' if place else ''}: {words}; {kept}.")
    if console.json:
        console.result(merged(taken))
    broken = any(report.broken is not None for _, report in taken)
    rejected = any(report.rejected for _, report in taken)
    conflicts = strict is True and any(report.conflicts for _, report in taken)
    if broken or (rejected and not allow_rejected):
        context.exit(REJECTED)
    if conflicts and not allow_rejected:
        context.exit(CONFLICTS)


def _take(
    console: Console,
    node: "Node",
    file: str,
    collection: str,
    source: str,
    strict: bool | None,
    marking: str | None,
) -> "Report":
    from comity.cli.progress import Progress
    from comity.cli.reading import open_source

    with open_source(file) as opened:
        console.remark(f"{_name(file)}: {'JSON lines' if opened.lines else 'a JSON document'}")
        total = opened.bytes_total
        progress = Progress(
            console, f"Importing {_name(file)}", lambda: min(1.0, opened.bytes_read() / total) if total else None
        )
        done = 0

        def step(count: int) -> None:
            nonlocal done
            done = count
            progress(count)

        try:
            return node.receive_stream(
                opened.chunks,
                source,
                lines=opened.lines,
                collection=collection,
                strict=strict,
                marking=marking,
                progress=step,
            )
        except KeyboardInterrupt:
            progress.finish()
            console.note(
                f"{_name(file)}: {counted(done, 'object')} read and kept. Import it again to go on from there."
            )
            raise
        finally:
            progress.finish()


def merged(taken: "list[tuple[str, Report]]") -> dict[str, Any]:
    """One answer for one file as the node gives it; for several the sums, and lists whose items name their file."""
    answers = [report.to_json() for _, report in taken]
    if len(answers) == 1:
        return answers[0]
    total: dict[str, Any] = {"source": answers[0]["source"], "new_source": answers[0]["new_source"], "files": []}
    for key in ("stored", "duplicates", "superseded", "findings_count"):
        total[key] = sum(answer[key] for answer in answers)
    for key in ("conflicts", "rejected", "findings"):
        total[key] = [
            {"file": _name(file)} | item
            for (file, _), answer in zip(taken, answers, strict=True)
            for item in answer[key]
        ]
    for (file, _), answer in zip(taken, answers, strict=True):
        row = {"file": _name(file), "stored": answer["stored"], "duplicates": answer["duplicates"]}
        total["files"].append(row | ({"broken": answer["broken"]} if "broken" in answer else {}))
    return total


def _tell(console: Console, file: str, report: "Report", *, many: bool) -> None:
    """What became of a file, in a few lines: the counts, and the first of what wants a look."""
    if many:
        console.say(f"{_name(file)}:")
    parts = [f"{report.stored:,} stored"]
    for count, word in ((report.duplicates, "already there"), (len(report.rejected), "rejected")):
        if count:
            parts.append(f"{count:,} {word}")
    if report.conflicts:
        parts.append(counted(len(report.conflicts), "conflict"))
    if report.broken is None or len(parts) > 1 or report.stored:
        console.say(", ".join(parts))
    if report.new_source:
        console.note(f"Made the source {report.source} (feed, lenient, TLP:AMBER+STRICT): see comity source list")
    if report.rejected:
        console.say("Rejected:")
        for r in report.rejected[:SHOWN_MAX]:
            place = f"objects[{r.index}]" + (f" {r.id}" if r.id else "")
            where = f" at {r.where}" if r.where else ""
            console.say(f"  {place}{where}: {r.problem} ({r.rule})")
    if report.conflicts:
        console.say("Conflicts: the first content of a version stays, this one was not stored:")
        for c in report.conflicts[:SHOWN_MAX]:
            console.say(f"  {c.id} {c.version} differs at {', '.join(c.differs)}")
    if max(len(report.rejected), len(report.conflicts)) > SHOWN_MAX:
        console.note(f"These are the first {SHOWN_MAX} of each; import again with --json for all.")
    if report.findings_count:
        words = f"{counted(report.findings_count, 'finding')} on what was stored."
        console.note(f"{words} See: comity show ID, or import again with --json.")


def _name(file: str) -> str:
    return "standard input" if file == "-" else path_text(file)
