"""`comity release`: what a partner would receive now, and why."""

import click

from comity.cli.console import Console, json_text
from comity.cli.options import Command, Group, pass_console
from comity.cli.requesting import request
from comity.cli.terminal import counted


@click.group("release", cls=Group)
def release() -> None:
    """Say what a partner receives now, and why."""


release.add_command(request)


@release.command("explain", cls=Command)
@click.argument("ident", metavar="ID")
@click.option("--to", "to", required=True, metavar="PARTNER", help="For whom.")
@pass_console
def explain(console: Console, ident: str, to: str) -> None:
    """Say of an object whether a partner receives it, by which rules, and what would have to be otherwise."""
    from comity.errors import NotFound
    from comity.node.home import open_home

    with open_home(console.home) as node:
        copies = [copy.state for copy in node.show(ident)]
        found = list(node.tell(to, [ident]))
    if not found:
        states = ", ".join(sorted(set(copies)))
        raise NotFound(f"{ident} is {states}: nobody outside is served it.", hint="comity publish ID", where="id")
    if console.json:
        console.result({"items": [each.to_json() for each in found]})
        return
    for each in found:
        console.say_pair(each.verdict.value, f"{each.id} {each.version}")
        for rule in each.rules:
            console.say_pair("rule", f"{rule.title} ({rule.id})")
        for change in each.would_pass_if:
            console.say_pair("passes if", f"{change.of}.{change.facet} were {change.value}")


@release.command("preview", cls=Command)
@click.argument("idents", metavar="[ID]...", nargs=-1)
@click.option("--to", "to", required=True, metavar="PARTNER", help="For whom.")
@pass_console
def preview(console: Console, idents: tuple[str, ...], to: str) -> None:
    """List what becomes of each published object for a partner, with the rules that decide.

    The same code decides that serves the partner, and nothing is recorded.
    """
    from collections import Counter

    from comity.node.home import open_home

    counts: Counter[str] = Counter({"release": 0, "redact": 0, "withhold": 0})
    with open_home(console.home) as node:
        for each in node.tell(to, idents or None):
            counts[each.verdict.value] += 1
            if console.json:
                console.say(json_text(each.to_json()))
            else:
                rules = ", ".join(rule.id for rule in each.rules)
                console.say_fields(each.verdict.value, each.id, each.version, rules)
    if console.json:
        console.say(json_text({"summary": dict(counts)}))
    else:
        released = counts["release"] + counts["redact"]
        console.note(
            f"{counted(released, 'object')} released, {counts['redact']:,} of them with changes; "
            f"{counts['withhold']:,} withheld."
        )
