"""`comity release`: what a partner would receive now, and why."""

from pathlib import Path

import click

from comity.cli.acting import acts, note_not_shown, open_acting
from comity.cli.console import Console
from comity.cli.options import Command, Group, pass_console
from comity.cli.recalling import recall_status, record, revoke
from comity.cli.requesting import request

_file = click.Path(path_type=Path)
_to = click.option("--to", "to", required=True, metavar="PARTNER", help="For whom.")


@click.group("release", cls=Group)
def release() -> None:
    """Say what a partner receives now, and why; what left, and take it back."""


for _command in (request, record, revoke, recall_status):
    release.add_command(_command)


@release.command("explain", cls=Command)
@click.argument("ident", metavar="ID")
@_to
@acts
@pass_console
def explain(console: Console, ident: str, to: str) -> None:
    """Say of an object whether a partner receives it, by which rules, and what would have to be otherwise."""
    from comity.cli.previewing import note_boundaries
    from comity.errors import NotFound

    with open_acting(console) as node, node.at_one_moment():
        found = list(node.tell(to, [ident]))
        hidden = node.not_shown(to, [ident])
        copies = [] if found or hidden else [copy.state for copy in node.seen(ident)]
        if not console.json:
            note_boundaries(console, node, to, {each.tlp for each in found if each.verdict != "withhold"})
    if not found and not hidden:
        states = ", ".join(sorted(set(copies)))
        raise NotFound(f"{ident} is {states}: nobody outside is served it.", hint="comity publish ID", where="id")
    if console.json:
        summary = {} if hidden is None else {"not_shown": hidden}
        console.result({"items": [each.to_json() for each in found]} | summary)
        return
    for each in found:
        console.say_pair(each.verdict.value, f"{each.id} {each.version}")
        for rule in each.rules:
            console.say_pair("rule", f"{rule.title} ({rule.id})")
        for cut in each.cuts:
            console.say_pair("changed", str(cut))
        for change in each.would_pass_if:
            console.say_pair("passes if", f"{change.of}.{change.facet} were {change.value}")
    note_not_shown(console, hidden)


@release.command("preview", cls=Command)
@click.argument("wanted", metavar="[ID|WORD]...", nargs=-1)
@_to
@click.option("--type", "types", multiple=True, metavar="T", help="Only this type; may be given again.")
@click.option("--source", "sources", multiple=True, help="Only from this source; may be given again.")
@click.option("--collection", metavar="C", help="Only in this collection: an id, alias or title.")
@click.option(
    "--difference", is_flag=True, help="List what is new to them, and what is gone, since their last reading."
)
@click.option("--what-if", "facets", multiple=True, metavar="FACET=VALUE", help="Suppose another facet of all objects.")
@click.option("--policy", "policy", type=_file, metavar="FILE", help="Suppose the policy in FILE.")
@click.option("--cases", "cases", type=_file, metavar="FILE", help="The cases of --policy, where they are elsewhere.")
@click.option("--stix", is_flag=True, help="Write what they would read, as a STIX bundle.")
@click.option("-o", "--output", default="-", metavar="FILE|-", help="Where --stix writes; - is standard output.")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@acts
@pass_console
def preview(
    console: Console,
    wanted: tuple[str, ...],
    to: str,
    types: tuple[str, ...],
    sources: tuple[str, ...],
    collection: str | None,
    difference: bool,
    facets: tuple[str, ...],
    policy: Path | None,
    cases: Path | None,
    stix: bool,
    output: str,
    force: bool,
) -> None:
    """List what becomes of each published object for a partner, with the rules that decide.

    Of all, or of those with the IDs, or with every WORD (as comity search finds them). The same code decides that
    serves the partner, and nothing is recorded.
    """
    from comity.cli.previewing import check_options, chosen, say_preview, supposed, write_reading

    check_options(wanted, sources, facets, policy, cases, stix=stix, difference=difference, output=output, force=force)
    supposing = supposed(facets, policy, cases)
    with open_acting(console) as node:
        if stix:
            write_reading(console, node, to, wanted, types, collection, supposing, output, force=force)
            return
        selection = chosen(node, wanted, types, sources, collection)
        with node.at_one_moment():
            say_preview(console, node, to, selection, supposing, policy, difference=difference)


@release.command("matrix", cls=Command)
@click.option("--to", "to", multiple=True, metavar="PARTNER", help="Only for this one; may be given again.")
@click.option("--action", "actions", multiple=True, metavar="A", help="Only this action; may be given again.")
@acts
@pass_console
def matrix(console: Console, to: tuple[str, ...], actions: tuple[str, ...]) -> None:
    """Lay out what policy decides: each class of published objects, for each partner and client."""
    from comity.cli.previewing import say_matrix

    with open_acting(console) as node:
        say_matrix(console, node, to, actions)


@release.command("decisions", cls=Command)
@_to
@acts
@pass_console
def decisions(console: Console, to: str) -> None:
    """List what is decided of every class for a partner, as the ledger has it by its digest.

    A line a class: the SHA-256 of its facets, the decision, and the rules. The digest over the lines stands in an entry
    of the kind decisions, which nobody outside is shown.
    """
    from dataclasses import asdict

    with open_acting(console) as node:
        found = node.decisions_of(to)
    if console.json:
        console.result(asdict(found))
        return
    for line in found.lines:
        console.say(line)
    entered = "not entered yet" if found.entry is None else f"entry {found.entry} of the ledger"
    counts = f"{found.released:,} released, {found.redacted:,} redacted, {found.withheld:,} withheld"
    console.note(f"{found.digest}, {entered}: {counts}, by version {found.policy} of the policy.")
