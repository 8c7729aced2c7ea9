"""`comity init`: a node is made, the first token and account that open it, and the key of its backups."""

import os
from pathlib import Path

import click

from comity.cli.console import Console, path_text
from comity.cli.options import Command, pass_console
from comity.cli.terminal import exact

TOKEN_FILE = "first-token.json"  # noqa: S105 - the name of a file
ADMIN_NAME = "admin"
FIRST_ROLES = ("admin", "releaser", "analyst")


@click.command("init", cls=Command)
@click.option("--name", help="What the node is called.  [default: this host's name]")
@click.option("--store", metavar="URL", help="Where the store is.  [default: a file in the folder]")
@click.option(
    "--recovery-key",
    "key_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to write the private half of the recovery key.  [default: beside the first token]",
)
@click.option("--admin", default=ADMIN_NAME, show_default=True, metavar="NAME", help="The name of the first account.")
@pass_console
def init(console: Console, name: str | None, store: str | None, key_file: Path | None, admin: str) -> None:
    """Make a node: its folder, its store, a first token, a first account and a recovery key.

    The folder is for its owner alone (mode 0700). The token has every right; its secret and that of the account are
    written to a file in the folder (mode 0600), and shown once when a person reads the answer. With the account a
    person signs in at the pages, and must first set a password. As long as it is the only account, commands want no
    `--as`. Backups are encrypted to the recovery key; its
    private half is written to a file (mode 0600) that you must take away from this machine.

    A store in PostgreSQL is named by an address without a password, postgresql://ROLE@HOST/DATABASE.
    """
    import orjson

    from comity.cli.recovery_key import say_take_away
    from comity.errors import AlreadyDone, NotFound
    from comity.node.access import check_name
    from comity.node.home import init_home
    from comity.node.recovery import KEY_FILE, make_key
    from comity.node.system import refuse_password, write_private

    if store is not None:
        refuse_password(store)
    check_name(admin, "name")
    if key_file is not None:
        # Better before there is a node than after.
        if key_file.exists():
            raise AlreadyDone(f"{path_text(key_file)} exists already.")
        if not key_file.absolute().parent.is_dir():
            raise NotFound(f"There is no folder {path_text(key_file.parent)}.")
    with init_home(console.home, name=name if name is not None else os.uname().nodename, store=store) as node:
        token = node.new_token("admin", read=["all"], write=["all"])
        account = node.add_user(admin, FIRST_ROLES, first=True)
        default, where = node.collections()[0], f"{node.settings.host}:{node.settings.port}"
        answer = {
            "home": path_text(console.home.absolute()),
            "name": node.name,
            "token_file": path_text(console.home.absolute() / TOKEN_FILE),
            "user": token.user,
            "expires_at": token.expires_at,
            "account": account.account.name,
            "collection": {"id": default.id, "title": default.title},
        }
        secrets = {
            "user": token.user,
            "secret": token.secret,
            "token": token.token,
            "expires_at": exact(token.expires_at),
            "account": {"name": account.account.name, "secret": account.secret},
        }
        key = make_key(node, key_file or console.home / KEY_FILE)
        answer["recovery_key_file"] = kept = path_text((key_file or console.home / KEY_FILE).absolute())
        answer["recovery_key"] = key.public
        write_private(console.home / TOKEN_FILE, orjson.dumps(secrets, option=orjson.OPT_INDENT_2) + b"\n")
    if console.json:
        console.result(answer)
        return
    console.say(f"Made the node {answer['name']} in {answer['home']}")
    console.say(f"First token: in {answer['token_file']} (every right, until {token.expires_at:%Y-%m-%d})")
    if console.terminal:
        console.say(f"  user    {token.user}")
        console.say(f"  secret  {token.secret}")
    console.say(f"First account: {account.account.name}, its secret in the same file")
    if console.terminal:
        console.say(f"  secret  {account.secret}")
        console.say("  This is the only time that the secrets are shown.")
    console.say(f"Recovery key: its private half is in {kept}")
    say_take_away(console, kept)
    home = _home_option(console)
    console.note("Next:")
    console.note(f"  {console.command} import FILE{home}")
    console.note(f"  {console.command} serve{home}")
    console.note(f"  {console.command} token new NAME --read default{home}")
    console.note(f"  {console.command} backup FILE --verify{home}")
    console.note(f"While it is served, sign in as {account.account.name} at http://{where}/")


def _home_option(console: Console) -> str:
    import shlex

    if console.given_home is None or os.environ.get("COMITY_HOME") == str(console.home):
        return ""
    return f" --home {shlex.quote(path_text(console.home))}"
