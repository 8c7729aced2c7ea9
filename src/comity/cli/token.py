"""`comity token`: credentials for people and programs that read or write over TAXII."""

import click

from comity.cli.acting import acts, open_acting
from comity.cli.console import Console
from comity.cli.options import Command, Group, pass_console


@click.group("token", cls=Group)
def token() -> None:
    """Make, list and revoke credentials."""


@token.command("new", cls=Command)
@click.argument("name")
@click.option("--read", multiple=True, metavar="all|COLLECTION", help="What it may read; may be given again.")
@click.option("--write", multiple=True, metavar="all|COLLECTION", help="What it may write; may be given again.")
@click.option("--source", default="local", show_default=True, help="The source that what it sends counts as.")
@click.option("--partner", metavar="NAME", help="A partner or client: it reads what is released to them, and no more.")
@click.option("--account", metavar="NAME", help="It acts as this account over the JSON API; the account makes it.")
@click.option("--days", type=int, default=90, show_default=True, help="How long it lasts, at most 180.")
@acts
@pass_console
def new(
    console: Console,
    name: str,
    read: tuple[str, ...],
    write: tuple[str, ...],
    source: str,
    partner: str | None,
    account: str | None,
    days: int,
) -> None:
    """Make a token for NAME. Its secret is in this answer and nowhere else.

    User and secret work as HTTP Basic, the token as `Authorization: Bearer`. COLLECTION is an id, alias or title.
    """

    if account is not None:
        if read or write or partner or console.acts_as not in ("", account):
            raise click.UsageError("--account goes with no rights, no partner and no other account.")
        console.acts_as = account
    with open_acting(console) as node:
        if account is not None:
            made = node.new_own_token(name, days=days)
        else:
            made = node.new_token(name, read=read, write=write, source=source, days=days, partner=partner)
    answer = {
        "user": made.user,
        "secret": made.secret,
        "token": made.token,
        "name": made.name,
        "source": made.source,
        "partner": partner,
        "account": account,
        "read": list(made.read),
        "write": list(made.write),
        "expires_at": made.expires_at,
    }
    if console.json:
        console.result(answer)
        return
    for key in ("user", "secret", "token"):
        console.say_pair(key, str(answer[key]))
    console.note(f"It lasts until {made.expires_at:%Y-%m-%d}. The secret cannot be shown again.")


@token.command("list", cls=Command)
@click.option("--all", "everything", is_flag=True, help="The revoked and expired ones too.")
@pass_console
def list_(console: Console, everything: bool) -> None:
    """List the tokens that hold, without their secrets."""
    from comity.interfaces import instant_of, microseconds
    from comity.node.home import open_home

    with open_home(console.home) as node:
        now = microseconds(node.clock.now())
        tokens = node.tokens()
        titles = {view.id: view.title for view in node.collections()} | {"*": "all"}
        people = {one.id: one.name for one in node.users()}
    rows = []
    for one in tokens:
        state = "revoked" if one.revoked_at is not None else "expired" if one.expires_at <= now else "valid"
        if everything or state == "valid":
            read, write = (sorted(titles.get(right, right) for right in rights) for rights in (one.read, one.write))
            rows.append((one, state, read, write))
    if console.json:
        console.result(
            {
                "tokens": [
                    {
                        "user": one.id,
                        "name": one.name,
                        "state": state,
                        "source": one.source,
                        "account": people.get(one.account, one.account) or None,
                        "read": read,
                        "write": write,
                        "created_at": instant_of(one.created_at),
                        "expires_at": instant_of(one.expires_at),
                        "revoked_at": None if one.revoked_at is None else instant_of(one.revoked_at),
                    }
                    for one, state, read, write in rows
                ]
            }
        )
        return
    console.table(
        ("id", "name", "state", "read", "write", "source", "expires"),
        [
            (one.id, one.name, state, ", ".join(read), ", ".join(write), one.source, instant_of(one.expires_at))
            for one, state, read, write in rows
        ],
    )
    if not rows:
        console.note("No token holds. Make one: comity token new NAME --read all")


@token.command("revoke", cls=Command)
@click.argument("user", metavar="ID")
@acts
@pass_console
def revoke(console: Console, user: str) -> None:
    """Revoke the token with that ID (its user): it admits nobody from the next request on."""
    from comity.interfaces import instant_of

    with open_acting(console) as node:
        one = node.revoke_token(user)
    if console.json:
        console.result({"user": one.id, "name": one.name, "revoked_at": instant_of(one.revoked_at or 0)})
        return
    console.say(f"Revoked {one.id} ({one.name}).")
