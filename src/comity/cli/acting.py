"""Acting as an account: `--as NAME`, and the secret that is never an argument."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from comity.cli.console import Console, path_text
from comity.cli.terminal import counted
from comity.errors import Unauthenticated

if TYPE_CHECKING:
    from comity.node.node import Node

SECRET_CHARACTERS_MAX = 1_000


def acts(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command knows `--as NAME`, and keeps it for `open_acting`."""

    def keep(context: click.Context, _parameter: click.Parameter, name: str | None) -> None:
        context.ensure_object(Console).acts_as = name or ""

    option = click.option(
        "--as",
        "acts_as",
        metavar="NAME",
        envvar="COMITY_AS",
        expose_value=False,
        callback=keep,
        help="The account that does it.",
    )
    return option(command)


def purposed(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command knows `--purpose TEXT`."""
    option = click.option("--purpose", default="", metavar="TEXT", help="What for; it is kept in the audit log.")
    return option(command)


@contextmanager
def open_acting(console: Console) -> Iterator["Node"]:
    """The node, on which whoever `--as` names acts; without it the host's operator, as long as there is no account."""
    from comity.node.home import open_home

    with open_home(console.home) as node:
        if not console.acts_as:
            yield node
            return
        with node.acting(console.acts_as, _secret()):
            yield node


def note_not_shown(console: Console, hidden: int | None) -> None:
    """Who may know it is told of how many copies nothing is shown, since they are not theirs to read."""
    if hidden:
        console.note(f"{counted(hidden, 'copy', 'copies')} not shown: whoever asks may not read them.")


def _secret() -> str:
    """From COMITY_SECRET, the file that COMITY_SECRET_FILE names, or whoever sits at the terminal."""
    if secret := os.environ.get("COMITY_SECRET"):
        return secret
    if path := os.environ.get("COMITY_SECRET_FILE"):
        from comity.node.system import read_begin

        try:
            return read_begin(Path(path), SECRET_CHARACTERS_MAX).decode().strip()
        except UnicodeDecodeError:
            raise Unauthenticated(f"{path_text(path)} holds no secret.", where="as") from None
    if not sys.stdin.isatty():
        raise Unauthenticated(
            "Nobody is there to be asked for the secret.", hint="Set COMITY_SECRET or COMITY_SECRET_FILE.", where="as"
        )
    return str(click.prompt("Secret", hide_input=True, err=True))
