"""`comity subject`: where a person or value occurs."""

from dataclasses import asdict

import click

from comity.cli.acting import acts, open_acting
from comity.cli.console import Console
from comity.cli.options import Command, Group, pass_console


@click.group("subject", cls=Group)
def subject() -> None:
    """Find every place in which a person or value occurs."""


@subject.command("find", cls=Command)
@click.argument("text")
@acts
@pass_console
def find(console: Console, text: str) -> None:
    """List every place in which TEXT occurs, with counts.

    Small and capital letters are the same, and so are ways to compose a character. Objects are looked at in all
    versions and copies, and so are records, settings, jobs and the ledger. That you looked is entered in the ledger;
    what for is not.
    """
    with open_acting(console) as node:
        found = node.find_subject(text)
    if console.json:
        console.result({"items": [asdict(one) for one in found], "count": sum(one.count for one in found)})
        return
    console.table(("place", "what", "count", "some of them"), [_row(one) for one in map(asdict, found)])
    if not found:
        console.note("Nothing that is stored says that.")


def _row(one: dict[str, object]) -> list[str]:
    sample = one["sample"]
    assert isinstance(sample, tuple)
    return [str(one["place"]), str(one["words"]), f"{one['count']:,}", ", ".join(sample[:3])]
