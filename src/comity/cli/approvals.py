"""`comity approve`, `comity approvals` and `comity reject`: the second pair of eyes."""

from typing import TYPE_CHECKING, Any

import click

from comity.cli.acting import acts, open_acting
from comity.cli.console import Console
from comity.cli.options import Command, pass_console

if TYPE_CHECKING:
    from comity.node.proposals import Proposal


@click.command("approvals", cls=Command)
@click.option("--all", "everything", is_flag=True, help="Those too that were decided, or expired.")
@acts
@pass_console
def approvals(console: Console, everything: bool) -> None:
    """List what waits for a second person.

    With each comes the difference that it would make.
    """
    from comity.cli.changes import say_difference

    with open_acting(console) as node:
        found = [(one, state) for one, state in node.proposals() if everything or state == "waiting"]
    if console.json:
        console.result({"items": [_facts(one, state) for one, state in found]})
        return
    for one, state in found:
        until = _instant(one.expires_at)
        console.say(f"{one.id}: {one.change.words}, asked for by {one.asked_name}, {state}, until {until:%F %H:%M} UTC")
        say_difference(console, one.told)
    if not found:
        console.note("Nothing waits.")


@click.command("approve", cls=Command)
@click.argument("id")
@acts
@pass_console
def approve(console: Console, id: str) -> None:
    """Put in force what another person asked for.

    It is what waits under ID. Refused where the difference is not the one that was shown any more.
    """
    with open_acting(console) as node:
        done = node.approve(id)
    _tell(console, done)


@click.command("reject", cls=Command)
@click.argument("id")
@acts
@pass_console
def reject(console: Console, id: str) -> None:
    """Let what somebody asked for never take effect.

    It is what waits under ID. Who asked for it may take it back.
    """
    with open_acting(console) as node:
        done = node.reject(id)
    _tell(console, done)


def _tell(console: Console, done: "Proposal") -> None:
    from comity.node.proposals import Erasure

    if console.json:
        console.result(_facts(done, done.state))
    else:
        console.say(f"{done.id} is {done.state}: {done.change.words}.")
        if isinstance(done.change, Erasure) and done.state == "approved":
            console.note(f"The certificate says what remains: comity erasure show {done.id}")
        if done.caution:
            console.note(f"{done.caution} See: comity user reset")


def _facts(one: "Proposal", state: str) -> dict[str, Any]:
    return {
        "id": one.id,
        "what": one.change.words,
        "state": state,
        "digest": one.digest,
        "asked_by": one.asked_name,
        "asked_person": one.asked_person,
        "asked_at": _instant(one.asked_at),
        "expires_at": _instant(one.expires_at),
        "decided_by": one.decided_name,
        "decided_person": one.decided_person,
        "decided_at": None if one.decided_at is None else _instant(one.decided_at),
        "caution": one.caution,
        "difference": one.told,
    }


def _instant(at: int) -> Any:
    from comity.interfaces import instant_of

    return instant_of(at)
