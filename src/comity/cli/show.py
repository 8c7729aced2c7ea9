"""`comity show`: one object with all that the node knows of it."""

from typing import TYPE_CHECKING

import click

from comity.cli.acting import acts, open_acting, purposed
from comity.cli.console import Console, embedded
from comity.cli.options import Command, pass_console
from comity.cli.terminal import exact, relative
from comity.errors import InvalidRequest, NotFound
from comity.stix.timestamp import instant_key

if TYPE_CHECKING:
    from comity.node.showing import CopyView
    from comity.node.telling import CopyWho

FINDINGS_SHOWN = 10


@click.command("show", cls=Command)
@click.argument("id")
@click.option("--raw", is_flag=True, help="Only the bytes of the object, exactly as they came.")
@click.option("--version", metavar="TIME", help="This version instead of the last.")
@click.option("--who", is_flag=True, help="Who receives each copy, and by which rule; or why not.")
@purposed
@acts
@pass_console
def show(console: Console, id: str, raw: bool, version: str | None, who: bool, purpose: str) -> None:
    """Show an object, with all its copies and versions.

    What its markings mean and what is wrong with it is said in words, its content is printed. Every copy is listed,
    from each source and in each collection, earlier and withdrawn ones included.
    """
    from comity.node.home import open_home

    if raw and who:
        raise click.UsageError("Give --raw or --who, not both.")
    # What is told of partners is told to somebody; the rest belongs to whoever has the host.
    opened = open_acting(console) if who else open_home(console.home)
    with opened as node, node.for_purpose(purpose), node.at_one_moment():
        if raw:
            body = node.get(id, version).raw
            out = console.bytes_out()
            out.write(body)
            out.flush()
            if console.terminal:
                console.say()
            return
        copies = node.seen(id) if who else node.show(id)
        told = node.who(id) if who else []
    if version is not None:
        copies = _of_version(copies, id, version)
        told = [one for one in told if any(one.version == copy.version for copy in copies)]
    if console.json:
        fields = [_fields(copy) for copy in copies]
        for each, one in zip(fields, told, strict=bool(told)):
            each["who"] = _who_fields(one)
        console.result({"id": id, "type": copies[0].type, "copies": fields})
        return
    if who:
        _tell_who(console, id, told)
    else:
        _tell(console, copies)


def _of_version(copies: "list[CopyView]", id: str, version: str) -> "list[CopyView]":
    wanted = instant_key(version)
    if wanted is None:
        raise InvalidRequest(f"{version!r} is no STIX timestamp.", where="version", rule="STIX 2.1 §3.13")
    found = [copy for copy in copies if instant_key(copy.version) == wanted]
    if not found:
        raise NotFound(f"There is no version {version} of {id}.", hint=f"comity show {id} lists them.")
    return found


def _fields(copy: "CopyView") -> dict[str, object]:
    return {
        "version": copy.version,
        "collection": copy.collection,
        "source": copy.source,
        "state": copy.state,
        "shown": copy.shown,
        "recalled": copy.recalled,
        "added": copy.added,
        "tlp": copy.tlp,
        "tlp_from": copy.tlp_from,
        "statements": list(copy.statements),
        "findings": [{"where": f.where, "rule": f.rule, "problem": f.problem, "must": f.must} for f in copy.findings],
        "digest": copy.digest,
        "object": None if copy.raw is None else embedded(copy.raw),
    }


def _who_fields(one: "CopyWho") -> list[dict[str, object]]:
    from comity.node.explaining import cuts_json

    return [
        {
            "partner": each.partner,
            "relation": each.relation,
            "decision": each.verdict.value,
            "rules": [{"id": rule.id, "title": rule.title} for rule in each.rules],
            "changes": cuts_json(each.cuts),
            "opened": each.opened,
        }
        for each in one.who
    ]


MARKS = {"release": ("✓", "32", "yes"), "redact": ("✓", "32", "partly"), "withhold": ("✗", "31", "no")}


def _tell_who(console: Console, id: str, told: "list[CopyWho]") -> None:
    """Each copy, and under it what becomes of it for each partner and client, in a sentence."""
    console.say_pair("id", id)
    for one in told:
        console.say_pair("version", f"{one.version} from {one.source} in {one.collection}: {one.state}")
        if one.state != "published":
            console.say_pair("nobody", f"It is {one.state} and not published: only who sent it is served it.")
        for each in one.who:
            had = "; they were given it before" if each.opened else ""
            rules = "; ".join(f"{rule.title} ({rule.id})" for rule in each.rules)
            cuts = "".join(f"; {cut}" for cut in each.cuts)
            console.say_marked(*MARKS[each.verdict.value], f"{each.partner} ({each.relation}): {rules}{cuts}{had}")
    if not any(one.who for one in told):
        console.note("No partner or client is served it.")


def _tell(console: Console, copies: "list[CopyView]") -> None:
    from datetime import UTC, datetime

    import orjson

    first = next((copy for copy in copies if copy.shown), copies[0])
    now = datetime.now(UTC)
    console.say_pair("id", first.id)
    console.say_pair("type", first.type)
    body = orjson.loads(first.raw) if first.raw is not None else {}
    for key in ("name", "value", "pattern", "relationship_type"):
        if isinstance(body.get(key), str):
            console.say_pair(key.replace("relationship_type", "relation"), body[key])
            break
    console.say_pair(
        "marking",
        first.tlp
        + {"source": " (from its source)", "mark": " (put beside it)", "none": " (unknown)"}.get(first.tlp_from, ""),
    )
    for statement in first.statements:
        console.say_pair("statement", statement)
    for copy in copies:
        when = relative(copy.added, now) if console.terminal else exact(copy.added)
        shown = ", shown" * copy.shown + ", taken back from partners" * copy.recalled
        console.say_pair(
            "version", f"{copy.version} from {copy.source} in {copy.collection}: {copy.state}{shown}, {when}"
        )
    for finding in first.findings[:FINDINGS_SHOWN]:
        console.say_pair("finding", f"{finding.where or 'object'}: {finding.problem} ({finding.rule})")
    if first.raw is not None:
        console.say()
        for line in orjson.dumps(body, option=orjson.OPT_INDENT_2).decode().splitlines():
            console.say(line)
