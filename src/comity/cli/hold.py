"""`comity hold`: legal holds, which win over erasure and purge."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from comity.cli.acting import acts, open_acting
from comity.cli.console import Console
from comity.cli.options import Command, Group, pass_console

if TYPE_CHECKING:
    from comity.node.legal_holds import Hold


@click.group("hold", cls=Group)
def hold() -> None:
    """Keep objects from being destroyed, for a while."""


@hold.command("add", cls=Command)
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--reason", metavar="TEXT", required=True, help="Why they must be kept.")
@click.option(
    "--until",
    metavar="DATE",
    required=True,
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]),
    help="The day (UTC) on which it ends by itself.",
)
@acts
@pass_console
def add(console: Console, ids: tuple[str, ...], reason: str, until: datetime) -> None:
    """Put the objects on legal hold.

    Nothing destroys any copy of them before DATE: no erasure, no purge of what was withdrawn.
    """
    from comity.interfaces import microseconds

    with open_acting(console) as node:
        made = node.add_holds(ids, reason, microseconds(until.replace(tzinfo=UTC)))
    _tell(console, made)


@hold.command("list", cls=Command)
@click.option("--all", "everything", is_flag=True, help="Those too that have ended.")
@acts
@pass_console
def list_(console: Console, everything: bool) -> None:
    """List what is on legal hold."""
    from comity.interfaces import microseconds

    with open_acting(console) as node:
        now = microseconds(node.clock.now())
        found = [one for one in node.legal_holds() if everything or one.holds_at(now)]
    _tell(console, found)


@hold.command("end", cls=Command)
@click.argument("id")
@acts
@pass_console
def end(console: Console, id: str) -> None:
    """End the legal hold ID before its time."""
    with open_acting(console) as node:
        ended = node.end_hold(id)
    _tell(console, [ended])


def _tell(console: Console, found: "list[Hold]") -> None:
    items = [_facts(one) for one in found]
    if console.json:
        console.result({"items": items})
        return
    rows = [[one["id"], one["object"], f"{one['until']:%F}", one["reason"]] for one in items]
    console.table(("id", "object", "until", "reason"), rows)


def _facts(one: "Hold") -> dict[str, Any]:
    from dataclasses import asdict

    from comity.interfaces import instant_of

    return asdict(one) | {
        "made_at": instant_of(one.made_at),
        "until": instant_of(one.until),
        "ended_at": None if one.ended_at is None else instant_of(one.ended_at),
    }
