"""The options of commands that call another server, and what they mean."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from comity.errors import Invalid

F = TypeVar("F", bound=Callable[..., Any])

SECRET_VARIABLE = "COMITY_TAXII_SECRET"  # noqa: S105 - the name of a variable
_FILE = click.Path(path_type=Path)
_AGE = re.compile(r"(\d{1,6})(s|m|h|d)", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def reaching(command: F) -> F:
    """The command has the options that say how another server is called."""
    for option in reversed(
        (
            click.option("--user", metavar="USER", help="Sign in by HTTP Basic as this user."),
            click.option("--secret-file", type=_FILE, metavar="FILE", help="The file with the password of the user."),
            click.option("--token-file", type=_FILE, metavar="FILE", help="The file with a token, sent as Bearer."),
            click.option("--ca", type=_FILE, metavar="PEM", help="Trust this authority alone, not those of the host."),
            click.option(
                "--allow-address",
                multiple=True,
                metavar="CIDR",
                help="May be called though not public; may be repeated.",
            ),
            click.option("--insecure-http", is_flag=True, help="Plain HTTP to another host than this one is meant so."),
        )
    ):
        command = option(command)
    return command


def secret_file_of(user: str | None, secret_file: Path | None, token_file: Path | None) -> Path | None:
    """The whole path of the one file that was named; usage where the options do not go together."""
    if token_file is not None and (user or secret_file):
        raise click.UsageError("--token-file goes without --user and --secret-file.")
    if secret_file is not None and not user:
        raise click.UsageError("--secret-file goes with --user; a token is given by --token-file.")
    found = secret_file or token_file
    return None if found is None else found.absolute()


def authorization_of(user: str | None, secret_file: Path | None, token_file: Path | None) -> str:
    """The value of the Authorization header: the secret comes from its file, from the environment, or for a user from
    a prompt; empty where nothing was said."""
    from comity.node.polling import authorization
    from comity.node.system import read_secret

    path = secret_file_of(user, secret_file, token_file)
    if path is not None:
        return authorization(user or "", read_secret(path))
    secret = os.environ.get(SECRET_VARIABLE, "")
    if not secret and user:
        secret = click.prompt(f"Secret of {user}", hide_input=True, err=True)
    return authorization(user or "", secret) if secret else ""


def seconds_of(text: str) -> int | None:
    """`15m` as seconds; None for `never`."""
    if text == "never":
        return None
    match = _AGE.fullmatch(text)
    if match is None:
        raise Invalid(f"{text!r} is no time between polls.", where="every", hint="Give 15m, 6h, 1d or never.")
    return int(match[1]) * _SECONDS[match[2]]
