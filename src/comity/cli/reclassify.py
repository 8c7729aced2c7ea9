"""`comity reclassify`: what published objects count as, where it is something else by now."""

from typing import Any

import click

from comity.cli.acting import acts, open_acting
from comity.cli.console import Console
from comity.cli.options import Command, pass_console
from comity.cli.terminal import counted
from comity.errors import Refused


@click.command("reclassify", cls=Command)
@click.option("--source", metavar="NAME", help="Only what this source gave.")
@click.option("--dry-run", is_flag=True, help="Only list what would count as something else.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@acts
@pass_console
def reclassify(console: Console, source: str | None, dry_run: bool, yes: bool) -> None:
    """Let published objects count as what they are by now.

    A marking definition that came late, labels that count as markings, other identities or another version of Comity
    can make an object something else than it was published as. What is tighter holds already. What may be looser waits
    for you: it is listed first, with those to whom policy would let it go. Where there is a second person, it waits for
    that one too.
    """
    from comity.node.people import ALONE

    with open_acting(console) as node:
        found = node.class_changes(source)
        listed = [_facts(node, change) for change in found.values()]
        if not console.json:
            _tell(console, listed)
        done = None
        if found and not dry_run:
            if not yes:
                _ask(sum(each["count"] for each in listed))
            done = node.reclassify(source, list(found))
    if console.json:
        counts = ("looked_at", "tightened", "confirmed", "waiting")
        told: dict[str, Any] = {"changes": listed, "done": done and {name: getattr(done, name) for name in counts}}
        if done is not None and done.waits:
            told["waits"] = done.waits
        if done is not None and done.alone:
            told["note"] = ALONE
        console.result(told)
    elif done is not None:
        console.say(f"{counted(done.tightened + done.confirmed, 'object')} count as something else now.")
        if done.waits:
            console.say(f"The rest waits for a second person: comity approve {done.waits} --as NAME")
        elif done.waiting:
            console.note(f"{counted(done.waiting, 'object')} changed meanwhile: run it again.")
        if done.alone:
            console.note(ALONE)


def _facts(node: Any, change: Any) -> dict[str, Any]:
    from comity.node.reclassifying import differences

    return {
        "count": change.count,
        "type": change.has.type,
        "source": change.has.origin or None,
        "differs": [{"facet": name, "had": had, "has": has} for name, had, has in differences(change.had, change.has)],
        "loosens": change.loosens,
        "opens_to": node.opens_to(change),
        "samples": change.samples,
    }


def _tell(console: Console, listed: list[dict[str, Any]]) -> None:
    if not listed:
        console.say("Everything that is published counts as what it is.")
        return
    for each in listed:
        whose = f"of {each['source']}" if each["source"] else "of ours"
        differs = "; ".join(f"{one['facet']}: {one['had']} → {one['has']}" for one in each["differs"])
        console.say(f"{each['count']:,} {each['type']} {whose}: {differs}")
        words = "may loosen; waits for you" if each["loosens"] else "tightens"
        to = f", and would go to {', '.join(each['opens_to'])}" if each["opens_to"] else ""
        such = f" Such as {each['samples'][0]}." if each["samples"] else ""
        console.say(f"  {words}{to}.{such}")
    loosening = sum(each["count"] for each in listed if each["loosens"])
    console.note(f"{counted(loosening, 'object')} may be seen by more than before.")


def _ask(count: int) -> None:
    import sys

    if not sys.stdin.isatty():
        raise Refused("Nobody is there to be asked.", hint="Give --yes, or --dry-run to look only.", where="yes")
    click.confirm(f"Let {counted(count, 'object')} count as this?", abort=True, err=True)
