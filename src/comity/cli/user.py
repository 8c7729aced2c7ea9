"""`comity user`: the accounts of the persons who run the node."""

from typing import TYPE_CHECKING, Any

import click

from comity.cli.acting import acts, open_acting
from comity.cli.console import Console
from comity.cli.options import Command, Group, pass_console

if TYPE_CHECKING:
    from comity.node.people import Account, NewUser


@click.group("user", cls=Group)
def user() -> None:
    """Make and list the accounts of those who run the node."""


@user.command("add", cls=Command)
@click.argument("name")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    metavar="ROLE",
    help="reader, analyst, releaser, approver, admin or auditor; may be given again.",
)
@click.option("--person", metavar="TEXT", help="Who that is, if not NAME; one person may have several accounts.")
@acts
@pass_console
def add(console: Console, name: str, roles: tuple[str, ...], person: str | None) -> None:
    """Make an account called NAME. Its secret is in this answer and nowhere else.

    The first one is an administrator. From then on commands that change what leaves want `--as NAME`.
    """
    with open_acting(console) as node:
        made = node.add_user(name, roles, person=person or "")
    _tell_secret(console, made)


@user.command("list", cls=Command)
@pass_console
def list_(console: Console) -> None:
    """List the accounts with their persons and roles."""
    from comity.node.home import open_home
    from comity.node.people import ALONE

    with open_home(console.home) as node:
        found = [_facts(one) for one in node.users()]
        note = "" if node.is_watched() else ALONE
    if console.json:
        console.result({"items": found, "note": note})
        return
    keys = ("name", "person", "state", "roles", "handed_by")
    rows = [[", ".join(one[key]) if key == "roles" else one[key] for key in keys] for one in found]
    console.table(keys, rows)
    if note:
        console.note(note)


@user.command("disable", cls=Command)
@click.argument("name")
@acts
@pass_console
def disable(console: Console, name: str) -> None:
    """Let an account act no more: its sessions end, and what it asked for cannot be approved any more.

    The tokens in force that its person made are listed, since their secrets may have been kept.
    """
    with open_acting(console) as node:
        changed = node.disable_user(name)
        tokens = node.tokens_made_by(changed.name)
    if console.json:
        console.result(_facts(changed) | {"tokens": [{"id": one.id, "name": one.name} for one in tokens]})
        return
    console.say(f"{changed.name} acts no more.")
    for one in tokens:
        console.say_pair(f"token {one.id}", one.name)
    if tokens:
        console.note("These tokens were made by that account: revoke them, and make new ones for who needs them.")


@user.command("reset", cls=Command)
@click.argument("name")
@acts
@pass_console
def reset(console: Console, name: str) -> None:
    """Give an account a new secret, and let it act again; the old one counts no more.

    Everybody may do so for their own account, an administrator for any.
    """
    with open_acting(console) as node:
        changed = node.reset_user(name)
    _tell_secret(console, changed)


@user.command("recover", cls=Command)
@click.argument("name")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept, and doctor tells it for 30 days.")
@pass_console
def recover(console: Console, name: str, reason: str) -> None:
    """Give an account a new secret as whoever commands the host, where no administrator has one any more."""
    from comity.node.home import open_home

    with open_home(console.home) as node:
        changed = node.recover_user(name, reason)
    _tell_secret(console, changed)


@user.command("link", cls=Command)
@click.argument("name")
@acts
@pass_console
def link(console: Console, name: str) -> None:
    """Make a link by which the account called NAME signs in at the pages, once and within ten minutes.

    Hand it over by a way that nobody else reads. Where another person makes it, that is told until the account has a
    new password.
    """
    from comity.interfaces import instant_of

    with open_acting(console) as node:
        made = node.new_link(name)
        address = f"{node.settings.pages_url}/sign-in/link/{made.secret}"
    if console.json:
        console.result({"name": made.account.name, "link": address, "expires_at": instant_of(made.expires)})
        return
    console.say(address)
    console.note("It signs in once, within ten minutes, while the node is served.")


def _facts(one: "Account") -> dict[str, Any]:
    from comity.interfaces import instant_of

    return {
        "id": one.id,
        "name": one.name,
        "person": one.person,
        "state": one.state,
        "roles": list(one.roles),
        "handed_by": one.handed_by,
        "recovered_at": None if one.recovered_at is None else instant_of(one.recovered_at),
        "recovered_why": one.recovered_why,
    }


def _tell_secret(console: Console, made: "NewUser") -> None:
    if console.json:
        console.result(_facts(made.account) | {"secret": made.secret})
        return
    console.say_pair("name", made.account.name)
    console.say_pair("secret", made.secret)
    console.note("The secret cannot be shown again.")
