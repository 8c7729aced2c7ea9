"""`comity relate`: a relationship of ours between two objects, written as a person writes one at the pages."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from comity.cli.acting import acts, open_acting, purposed
from comity.cli.console import Console
from comity.cli.options import Command, pass_console

if TYPE_CHECKING:
    from comity.node.browsing import Hit
    from comity.node.drafts import Foretold, Saved
    from comity.node.node import Node

TYPE = "relationship"
SUGGESTED = 6
_ONE: tuple[tuple[str, str, str, str], ...] = (
    ("--description", "description", "TEXT", "What is known of it."),
    ("--start", "start_time", "TIME", "Since when it holds, in UTC unless TIME says otherwise."),
    ("--stop", "stop_time", "TIME", "Until when it held."),
    ("--confidence", "confidence", "0-100", "How sure it is."),
    ("--tlp", "tlp", "LEVEL", "clear, green, amber, amber+strict or red; amber+strict unless given."),
    ("--pap", "pap", "LEVEL", "clear, green, amber or red: what those who have it may do with it."),
    ("--community", "community", "GROUP", "The group that the community of TLP:GREEN means."),
    ("--embargo-until", "embargo_until", "TIME", "Nobody outside before."),
)
_MANY: tuple[tuple[str, str, str, str], ...] = (
    ("--marking", "markings", "ID", "Another marking, by the id of its definition; may be given again."),
    ("--group", "groups", "GROUP", "Only members of this group may have it; may be given again."),
    ("--sector", "sectors", "SECTOR", "One that it concerns; may be given again."),
    ("--residency", "residency", "CC", "Stored only in this country, such as EE; may be given again."),
    ("--named", "named", "ID", "A contact to whom TLP:RED may go; may be given again."),
)


_NAMED = {name: flag for flag, name, *_ in (*_ONE, *_MANY)} | {
    "source_ref": "SOURCE",
    "relationship_type": "TYPE",
    "target_ref": "TARGET",
}


def _said(command: Callable[..., Any]) -> Callable[..., Any]:
    """What the relationship says, and for whom it is: an option for each field of the form."""
    for flag, name, shape, words in reversed(_MANY):
        command = click.option(flag, name, multiple=True, metavar=shape, help=words)(command)
    for flag, name, shape, words in reversed(_ONE):
        command = click.option(flag, name, default="", metavar=shape, help=words)(command)
    return command


@click.command("relate", cls=Command)
@click.argument("source")
@click.argument("type", metavar="TYPE")
@click.argument("target")
@_said
@click.option("--exercise", is_flag=True, help="It is made for an exercise.")
@click.option("--dry-run", is_flag=True, help="Only say what it would be, and who would receive it.")
@purposed
@acts
@pass_console
def relate(
    console: Console, /, source: str, type: str, target: str, exercise: bool, dry_run: bool, purpose: str, **said: Any
) -> None:
    """Write a relationship of ours between two objects.

    SOURCE and TARGET are their ids, TYPE is how they are tied. It is checked, marked and named as ours as one that is
    written at the pages, and nobody outside is served it before it is published.
    """
    fields = _fields(said) | {"source_ref": source, "relationship_type": type, "target_ref": target}
    with open_acting(console) as node, node.for_purpose(purpose):
        ends = {hit.id: hit for hit in node.browse(ids=[source, target], facets=False).hits}
        told, saved = _written(node, fields | {"exercise": "yes" if exercise else ""}, dry_run=dry_run)
    missing = [id for id in dict.fromkeys((source, target)) if id not in ends]
    if console.json:
        console.result(_facts(told, saved, missing))
        return
    _tell(console, told, saved, ends)
    for id in missing:
        console.note(f"{id} is not here, or not for you.")


def _fields(said: Mapping[str, Any]) -> dict[str, str]:
    """The fields of the form: one that holds several words has a line for each."""
    return {name: value if isinstance(value, str) else "\n".join(value) for name, value in said.items()}


def _written(node: "Node", fields: Mapping[str, str], *, dry_run: bool) -> "tuple[Foretold, Saved | None]":
    """What it would be and, unless that is all that was asked, that it is. No draft is left of what is refused."""
    from comity.errors import InvalidObject

    draft = node.start_draft(TYPE, fields)
    saved = None
    try:
        told = node.foretell_draft(draft.id, who=dry_run)
        if told.faults:
            fault = told.faults[0]
            named = _NAMED.get(fault.field, "")
            raise InvalidObject(f"{named}: {fault.words}" if named else fault.words, where=fault.field, rule=fault.rule)
        if not dry_run:
            saved = node.save_draft(draft.id, draft.revision)
    finally:
        if saved is None:
            node.discard_draft(draft.id)
    return told, saved


# -- telling -----------------------------------------------------------------------------------------------------------
def _tell(console: Console, told: "Foretold", saved: "Saved | None", ends: "Mapping[str, Hit]") -> None:
    value = told.value
    names = {id: hit.name or id for id, hit in ends.items()}
    source, target = (names.get(value[end], value[end]) for end in ("source_ref", "target_ref"))
    console.say_pair("id", saved.id if saved else "(not yet)")
    console.say_pair("relation", f"{source} {value['relationship_type']} {target}")
    console.say_pair("marking", told.of.tlp.word)
    for one in told.findings:
        console.say_pair("finding", f"{one.where or 'object'}: {one.problem} ({one.rule})")
    for each in told.who:
        rules = "; ".join(f"{rule.title} ({rule.id})" for rule in each.rules)
        console.say_pair(each.verdict.value, f"{each.partner}: {rules}" + "".join(f"; {cut}" for cut in each.cuts))
    _note_usual(console, told)
    if told.at_once:
        console.note("Its source has a rule by which it is published at once.")
    elif saved:
        console.note(f"Nobody outside is served it before: comity publish {saved.id}")


def _note_usual(console: Console, told: "Foretold") -> None:
    """Where the standard does not name that relationship between these two types, what it names is told."""
    from comity.stix.relating import suggested

    ends = [told.value[end].partition("--")[0] for end in ("source_ref", "target_ref")]
    usual = suggested(*ends)
    if told.value["relationship_type"] not in usual:
        console.note(f"From {ends[0]} to {ends[1]} the standard names {', '.join(usual[:SUGGESTED])}.")


def _facts(told: "Foretold", saved: "Saved | None", missing: list[str]) -> dict[str, Any]:
    from comity.node.explaining import cuts_json

    who = [
        {
            "partner": each.partner,
            "relation": each.relation,
            "decision": each.verdict.value,
            "rules": [{"id": rule.id, "title": rule.title} for rule in each.rules],
            "changes": cuts_json(each.cuts),
        }
        for each in told.who
    ]
    findings = [{"where": one.where, "rule": one.rule, "problem": one.problem} for one in told.findings]
    made = {"id": saved.id, "version": saved.version} if saved else {"object": dict(told.value), "who": who}
    return {**made, "tlp": told.of.tlp.word, "at_once": told.at_once, "findings": findings, "missing": missing}
