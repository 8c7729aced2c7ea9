"""`comity publish` and `comity unpublish`: which objects policy is asked about at all."""

from collections.abc import Callable
from typing import Any

import click

from comity.cli.acting import acts, open_acting
from comity.cli.console import Console
from comity.cli.options import Command, pass_console
from comity.cli.terminal import counted
from comity.errors import Refused


def _which(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose objects."""
    for option in reversed(
        (
            click.argument("ids", metavar="[ID]...", nargs=-1),
            click.option("--all", "everything", is_flag=True, help="All objects that the filters let through."),
            click.option("--type", "types", multiple=True, metavar="T", help="Only this type; may be given again."),
            click.option("--source", "sources", multiple=True, help="Only from this source; may be given again."),
            click.option("--collection", metavar="C", help="Only in this collection: an id, alias or title."),
            click.option("--yes", is_flag=True, help="Do not ask."),
        )
    ):
        command = option(command)
    return command


@click.command("publish", cls=Command)
@_which
@click.option("--hold", type=int, metavar="SECONDS", help="How long nobody outside is served them, if not as usual.")
@click.option("--no-hold", is_flag=True, help="Serve them at once, where policy lets them go.")
@acts
@pass_console
def publish(
    console: Console,
    ids: tuple[str, ...],
    everything: bool,
    types: tuple[str, ...],
    sources: tuple[str, ...],
    collection: str | None,
    yes: bool,
    hold: int | None,
    no_hold: bool,
) -> None:
    """Let policy decide about objects: without it nothing of them leaves.

    Those with the IDs are published, or --all. Partners and clients are served nothing that is not published, and of
    that only what policy lets go. First comes a hold of 10 seconds, or 5 minutes for more than 100 objects, in which
    `comity unpublish` takes them back without a trace.
    """
    from comity.interfaces import instant_of
    from comity.node.publishing import Selection

    _check_which(ids, everything)
    if no_hold:
        if hold is not None:
            raise click.UsageError("Give --hold or --no-hold, not both.")
        hold = 0
    selection = Selection(None if everything else ids, types, sources, collection)
    with open_acting(console) as node:
        if not yes:
            _ask(f"Publish {counted(node.count_unpublished(selection), 'object')}?")
        report = node.publish(selection, hold_seconds=hold)
    until = instant_of(report.held_until) if report.held_until else None
    if console.json:
        console.result(
            {
                "published": report.published,
                "by_tlp": report.by_tlp,
                "by_type": report.by_type,
                "unsound": report.unsound,
                "recalled": report.recalled,
                "held_until": until,
            }
        )
        return
    console.say(f"{counted(report.published, 'object')} published.")
    console.table(("TLP", "objects"), sorted(report.by_tlp.items()))
    if report.unsound:
        console.note(f"{counted(report.unsound, 'object')} will never leave: the markings are not understood.")
    if report.recalled:
        console.note(f"{counted(report.recalled, 'object')} not published: taken back before (comity release revoke).")
    if until is not None:
        console.note(f"Nobody outside is served them before {until:%H:%M:%S} UTC. To take them back: comity unpublish.")


@click.command("unpublish", cls=Command)
@_which
@acts
@pass_console
def unpublish(
    console: Console,
    ids: tuple[str, ...],
    everything: bool,
    types: tuple[str, ...],
    sources: tuple[str, ...],
    collection: str | None,
    yes: bool,
) -> None:
    """Take objects back from what partners and clients are served.

    Those with the IDs, or --all. What they have read already stays with them.
    """
    from comity.node.publishing import Selection

    _check_which(ids, everything)
    with open_acting(console) as node:
        if everything and not yes:
            _ask("Unpublish all objects that the filters let through?")
        count = node.unpublish(Selection(None if everything else ids, types, sources, collection))
    if console.json:
        console.result({"unpublished": count})
        return
    console.say(f"{counted(count, 'object')} unpublished.")


def _check_which(ids: tuple[str, ...], everything: bool) -> None:
    if bool(ids) == everything:
        raise click.UsageError("Name objects by their IDs, or give --all.")


def _ask(question: str) -> None:
    import sys

    if not sys.stdin.isatty():
        raise Refused("Nobody is there to be asked.", hint="Give --yes.", where="yes")
    click.confirm(question, abort=True, err=True)
