"""`comity clock`: whether the clock is believed."""

from typing import Any

import click

from comity.cli.acting import acts, open_acting
from comity.cli.console import Console
from comity.cli.options import Command, Group, pass_console


@click.group("clock", cls=Group)
def clock() -> None:
    """Say whether the clock is believed, and confirm it."""


@clock.command("show", cls=Command)
@pass_console
def show(console: Console) -> None:
    """Say what the clock says, and whether it is doubted.

    While it is, what only a date opens does not leave, and what a date closes is shut.
    """
    from comity.node.home import open_home

    with open_home(console.home) as node:
        _tell(console, node.guard.look())


@clock.command("confirm", cls=Command)
@acts
@pass_console
def confirm(console: Console) -> None:
    """Say that the clock is right as it is now.

    Set it right first, by NTP or by hand: what dates open, they open from here on.
    """
    with open_acting(console) as node:
        _tell(console, node.confirm_clock())


def _tell(console: Console, moment: Any) -> None:
    from comity.interfaces import instant_of

    trusted = None if moment.trusted is None else instant_of(moment.trusted)
    if console.json:
        console.result({"now": instant_of(moment.now), "trusted": trusted, "doubted": trusted is not None})
        return
    console.say_pair("now", str(instant_of(moment.now)))
    console.say_pair("doubted", "no" if trusted is None else f"yes, it should be {trusted}")
