"""`comity backup`, `restore`, `migrate`: keeping a node, bringing it back, and moving it to a new version."""

from pathlib import Path

import click

from comity.cli.console import Console, path_text
from comity.cli.options import Command, pass_console
from comity.cli.terminal import counted, size

_FILE = click.Path(path_type=Path)


@click.command("backup", cls=Command)
@click.argument("dest", type=_FILE)
@pass_console
def backup(console: Console, dest: Path) -> None:
    """Write a backup while the node goes on.

    The new file DEST holds settings and store as they were at one moment. The backup is not encrypted: whoever can read
    the file can read everything that the node holds.
    """
    from comity.node import home

    if str(dest) == "-":
        raise click.UsageError("A backup is written to a file, not to standard output.", click.get_current_context())
    report = home.backup(console.home, dest)
    if console.json:
        console.result(_fields(report))
        return
    console.say(f"Backed up {report.node} to {path_text(dest)}: {_sizes(report)}.")
    console.note("It is not encrypted (mode 0600). Keep it where only you can read it.")


@click.command("restore", cls=Command)
@click.argument("src", type=_FILE)
@pass_console
def restore(console: Console, src: Path) -> None:
    """Make a new home from a backup.

    The folder of --home is made from the backup SRC, which is checked row by row. A node is never overwritten.
    """
    from comity.node import home

    report = home.restore(src, console.home)
    if console.json:
        console.result(_fields(report))
        return
    console.say(f"Restored {report.node} to {path_text(console.home)}: {_sizes(report)}, as of {report.made_at}.")


@click.command("migrate", cls=Command)
@click.option("--to", metavar="URL", help="Move the node into this empty store.")
@pass_console
def migrate(console: Console, to: str | None) -> None:
    """Bring the store to this version of Comity, or the node to another store.

    A copy of the store as it was stays in the home. With --to everything moves to another store (postgresql://…, or a
    file as sqlite:///PATH): stop `serve` first. The store that was left is not touched.
    """
    from comity.node.home import migrate_home, move_home
    from comity.node.system import refuse_password

    if to is not None:
        refuse_password(to)
        report = move_home(console.home, to)
        if console.json:
            console.result({"store": report.store, "left": report.left, "objects": report.objects})
            return
        console.say(f"Moved the node to {report.store}: {counted(report.objects, 'object')}, every digest agrees.")
        console.note(f"The store that it left is still at {report.left}. Remove it when all is well.")
        return
    done = migrate_home(console.home)
    if console.json:
        console.result({"migrations": done})
        return
    console.say(f"Ran {', '.join(done)}." if done else "Nothing to do: the store is of this version.")


def _fields(report: object) -> dict[str, object]:
    return {key: getattr(report, key) for key in ("path", "node", "made_at", "objects", "bytes_on_disk", "encrypted")}


def _sizes(report: object) -> str:
    fields = _fields(report)
    return f"{counted(int(str(fields['objects'])), 'object')}, {size(int(str(fields['bytes_on_disk'])))}"
