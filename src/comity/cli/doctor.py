"""`comity doctor`: everything that a good engineer would look at first."""

import click

from comity.cli.console import Console
from comity.cli.options import Command

_MARKS = {"ok": ("✓", "32"), "warn": ("!", "33"), "bad": ("✗", "31"), "broken": ("✗", "31;1")}


@click.command("doctor", cls=Command)
@click.option("--rebuild", "rebuilds", is_flag=True, help="First make anew what is derived: tiles of the ledger.")
@click.pass_context
def doctor(context: click.Context, rebuilds: bool) -> None:
    """Look at the node and say what is not well.

    Settings, files, disk, store, ledger, clock, certificate, tokens and jobs are looked at; nothing is changed, unless
    --rebuild is given. Exit 0 where all is well, 1 where something wants a person, 20 where what is stored does not
    agree with its digests.
    """
    from comity.node.doctor import Level, examine, rebuild

    console = context.ensure_object(Console)
    found = [*(rebuild(console.home) if rebuilds else []), *examine(console.home)]
    if console.json:
        console.result({"findings": [{"level": str(f.level), "what": f.what, "hint": f.hint} for f in found]})
    else:
        for finding in found:
            if console.quiet and finding.level is Level.OK:
                continue
            console.say_marked(*_MARKS[finding.level], str(finding.level), finding.what)
            if finding.hint and finding.level is not Level.OK:
                console.say_marked(" ", "0", "hint", finding.hint)
    levels = {finding.level for finding in found}
    if Level.BROKEN in levels:
        context.exit(20)
    if levels - {Level.OK}:
        context.exit(1)
