"""`comity recovery-key`: what backups are encrypted to."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from comity.cli.console import Console, path_text
from comity.cli.options import Group, pass_console

if TYPE_CHECKING:
    from comity.node.recovery import RecoveryKey


@click.group("recovery-key", cls=Group)
def recovery_key() -> None:
    """Make, name and show the key that backups are encrypted to."""


@recovery_key.command("new")
@click.argument("file", type=click.Path(path_type=Path))
@pass_console
def new(console: Console, file: Path) -> None:
    """Make a new recovery key.

    The private half is written to the new FILE (mode 0600), which belongs on another machine. Backups made before need
    the key that they were made for.
    """
    from comity.node.home import open_home
    from comity.node.recovery import make_key

    with open_home(console.home) as node:
        made = make_key(node, file)
    _tell(console, made)


@recovery_key.command("use")
@click.argument("public")
@pass_console
def use(console: Console, public: str) -> None:
    """Use a recovery key that was made elsewhere.

    PUBLIC is its public half, age1 and 58 more characters, as comity recovery-key new or age-keygen show it. So the
    private half is never on this machine.
    """
    from comity.node.home import open_home
    from comity.node.recovery import use_key

    with open_home(console.home) as node:
        used = use_key(node, public)
    _tell(console, used)


@recovery_key.command("show")
@pass_console
def show(console: Console) -> None:
    """Show the public half that backups are encrypted to."""
    from comity.errors import NotFound
    from comity.node.home import open_home
    from comity.node.recovery import public_half

    with open_home(console.home) as node:
        public = public_half(node)
    if public is None:
        raise NotFound("The node has no recovery key.", hint="comity recovery-key new FILE")
    if console.json:
        console.result({"public": public})
        return
    console.say(public)


def say_take_away(console: Console, file: str) -> None:
    """The order that goes with a new private half, to whoever is at the keyboard."""
    console.note(f"TAKE {file} AWAY from this machine, now: to two places that others cannot reach.")
    console.note("Whoever has it can read every backup; without it nobody can, and no backup can be restored.")


def _tell(console: Console, key: "RecoveryKey") -> None:
    if console.json:
        file = path_text(key.file.absolute()) if key.file else None
        console.result({"public": key.public, "file": file, "replaced": key.replaced})
        return
    console.say(f"Backups are encrypted to {key.public}")
    if key.file is not None:
        file = path_text(key.file.absolute())
        console.say(f"Private half: in {file}")
        say_take_away(console, file)
    if key.replaced is not None:
        console.note(f"Backups made before need the private half of {key.replaced}: keep that as long as them.")
