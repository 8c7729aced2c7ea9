"""`comity init`: a node is made, and the first token that opens it."""

import os

import click

from comity.cli.console import Console, path_text
from comity.cli.options import Command, pass_console
from comity.cli.terminal import exact

TOKEN_FILE = "first-token.json"  # noqa: S105 - the name of a file


@click.command("init", cls=Command)
@click.option("--name", help="What the node is called.  [default: this host's name]")
@click.option("--store", metavar="URL", help="Where the store is.  [default: a file in the folder]")
@pass_console
def init(console: Console, name: str | None, store: str | None) -> None:
    """Make a node: its folder, its store and a first token.

    The folder is for its owner alone (mode 0700). The token has every right; its secret is written to a file in the
    folder (mode 0600), and shown once when a person reads the answer. A store in PostgreSQL is named by an address
    without a password, postgresql://ROLE@HOST/DATABASE.
    """
    import orjson

    from comity.node.home import init_home
    from comity.node.system import refuse_password, write_private

    if store is not None:
        refuse_password(store)
    with init_home(console.home, name=name if name is not None else os.uname().nodename, store=store) as node:
        token = node.new_token("admin", read=["all"], write=["all"])
        default = node.collections()[0]
        answer = {
            "home": path_text(console.home.absolute()),
            "name": node.name,
            "token_file": path_text(console.home.absolute() / TOKEN_FILE),
            "user": token.user,
            "expires_at": token.expires_at,
            "collection": {"id": default.id, "title": default.title},
        }
        secrets = {
            "user": token.user,
            "secret": token.secret,
            "token": token.token,
            "expires_at": exact(token.expires_at),
        }
        write_private(console.home / TOKEN_FILE, orjson.dumps(secrets, option=orjson.OPT_INDENT_2) + b"\n")
    if console.json:
        console.result(answer)
        return
    console.say(f"Made the node {answer['name']} in {answer['home']}")
    console.say(f"First token: in {answer['token_file']} (every right, until {token.expires_at:%Y-%m-%d})")
    if console.terminal:
        console.say(f"  user    {token.user}")
        console.say(f"  secret  {token.secret}")
        console.say("  This is the only time that the secret is shown.")
    home = _home_option(console)
    console.note("Next:")
    console.note(f"  {console.command} import FILE{home}")
    console.note(f"  {console.command} serve{home}")
    console.note(f"  {console.command} token new NAME --read default{home}")


def _home_option(console: Console) -> str:
    import shlex

    if console.given_home is None or os.environ.get("COMITY_HOME") == str(console.home):
        return ""
    return f" --home {shlex.quote(path_text(console.home))}"
