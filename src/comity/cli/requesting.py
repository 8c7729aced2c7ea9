"""`comity release request`: asking for what policy lets go only after a second person approved it."""

import click

from comity.cli.acting import acts, open_acting
from comity.cli.console import Console
from comity.cli.options import Command, pass_console
from comity.cli.terminal import counted

FOUND_MOST = 1_000


@click.command("request", cls=Command)
@click.argument("which", metavar="[ID|QUERY]...", nargs=-1)
@click.option("--to", "to", required=True, metavar="PARTNER", help="To whom.")
@acts
@pass_console
def request(console: Console, which: tuple[str, ...], to: str) -> None:
    """Ask for the release of objects that policy lets go only after a second person approved each.

    Those with the IDs, or in which every word of QUERY stands; all that wait for it unless given.
    """
    with open_acting(console) as node:
        ids: list[str] | None = list(which) or None
        if which and not all("--" in word for word in which):
            with node.for_purpose("to choose what is asked for"):
                ids = [hit.id for hit in node.search(" ".join(which), limit=FOUND_MOST).items]
        done = node.request_release(to, ids)
    if console.json:
        console.result({"objects": done.objects, "waits": done.waits})
        return
    console.say(f"{counted(done.objects, 'object')} asked for.")
    console.say(f"It waits for a second person: comity approve {done.waits} --as NAME")
