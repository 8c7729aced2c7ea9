"""`comity backup`, `restore`, `migrate`: keeping a node, bringing it back, and moving it to a new version."""

import sys
from dataclasses import asdict
from pathlib import Path

import click

from comity.cli.console import Console, path_text
from comity.cli.options import Command, pass_console
from comity.cli.signals import interruptible
from comity.cli.terminal import counted, size

_FILE = click.Path(path_type=Path)


@click.command("backup", cls=Command)
@click.argument("dest", type=_FILE)
@click.option("--verify", is_flag=True, help="Restore it on trial before it gets its name.")
@click.option("--plain", is_flag=True, help="Do not encrypt it.")
@pass_console
def backup(console: Console, dest: Path, verify: bool, plain: bool) -> None:
    """Write a backup while the node goes on.

    The new file DEST holds settings and store as they were at one moment, encrypted to the node's recovery key. If DEST
    is a folder, the file gets a name there that says when it was made. With --verify what was written is read from the
    disk again, restored on trial and checked; the private half of the key is not needed.
    """
    from comity.node import home

    if str(dest) == "-":
        raise click.UsageError("A backup is written to a file, not to standard output.", click.get_current_context())
    with interruptible():
        report = home.backup(console.home, dest, plain=plain, verify=verify)
    if console.json:
        console.result(_fields(report))
        return
    trial = "; restored on trial, and it holds" if verify else ""
    console.say(f"Backed up {report.node} to {path_text(report.path)}: {_sizes(report)}{trial}.")
    if plain:
        console.note("It is not encrypted (mode 0600). Keep it where only you can read it.")


@click.command("restore", cls=Command)
@click.argument("src", type=_FILE)
@click.option("--key", metavar="FILE|-", help="The private half of the recovery key.")
@click.option("--side", type=_FILE, multiple=True, help="The side.log of the lost node; may be given again.")
@click.option("--keep-tokens", is_flag=True, help="Without a side.log, let tokens hold none the less.")
@click.option("--dry-run", is_flag=True, help="Restore on trial: check everything, and leave nothing behind.")
@pass_console
def restore(
    console: Console, src: Path, key: str | None, side: tuple[Path, ...], keep_tokens: bool, dry_run: bool
) -> None:
    """Make a new home from a backup.

    The folder of --home is made from the backup SRC, which is checked row by row. A node is never overwritten. What was
    withdrawn, erased or revoked since is in side.log: it may lie in the new home already, or beside it, or is named by
    --side. Without it no token holds, unless they are kept.
    """
    from comity.node import home

    halves = _private_halves(key) if key is not None else []
    with interruptible():
        report = home.restore(src, console.home, key=halves, side=side, keep_tokens=keep_tokens, dry_run=dry_run)
    anew = asdict(report.anew)
    if console.json:
        console.result(_fields(report) | anew)
        return
    if report.anew.side:
        done = ", ".join(
            f"{name} {anew[name]:,}" for name in ("withdrawn", "recalled", "erased", "revoked", "partners", "users")
        )
        console.note(f"Epoch {report.anew.epoch} of the ledger begins. Taken back again by side.log: {done}.")
    else:
        console.note(
            f"Epoch {report.anew.epoch} of the ledger begins. There was no side.log: what was withdrawn or erased since"
            f" the backup is here again; {counted(report.anew.voided, 'token')} made void."
        )
    if dry_run:
        console.say(f"{path_text(src)} holds: {report.node}, {_sizes(report)}, as of {report.made_at}.")
        return
    console.say(f"Restored {report.node} to {path_text(console.home)}: {_sizes(report)}, as of {report.made_at}.")


def _private_halves(key: str) -> list[str]:
    from comity.node import recovery

    if key != "-":
        return recovery.read_private_halves(Path(key))
    return recovery.private_halves(sys.stdin.buffer.read(recovery.KEY_FILE_BYTES_MAX), "standard input")


@click.command("migrate", cls=Command)
@click.option("--to", metavar="URL", help="Move the node into this empty store.")
@pass_console
def migrate(console: Console, to: str | None) -> None:
    """Bring the store to this version, or the node to another store.

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
    return {
        key: getattr(report, key)
        for key in ("path", "node", "made_at", "objects", "bytes_on_disk", "encrypted", "verified")
    }


def _sizes(report: object) -> str:
    fields = _fields(report)
    return f"{counted(int(str(fields['objects'])), 'object')}, {size(int(str(fields['bytes_on_disk'])))}"
