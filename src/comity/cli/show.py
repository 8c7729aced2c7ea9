"""`comity show`: one object with all that the node knows of it."""

from typing import TYPE_CHECKING

import click

from comity.cli.console import Console, embedded
from comity.cli.options import Command, pass_console
from comity.cli.terminal import exact, relative
from comity.errors import InvalidRequest, NotFound
from comity.stix.timestamp import instant_key

if TYPE_CHECKING:
    from comity.node.showing import CopyView

FINDINGS_SHOWN = 10


@click.command("show", cls=Command)
@click.argument("id")
@click.option("--raw", is_flag=True, help="Only the bytes of the object, exactly as they came.")
@click.option("--version", metavar="TIME", help="This version instead of the last.")
@pass_console
def show(console: Console, id: str, raw: bool, version: str | None) -> None:
    """Show an object, with all its copies and versions.

    What its markings mean and what is wrong with it is said in words, its content is printed. Every copy is listed,
    from each source and in each collection, earlier and withdrawn ones included.
    """
    from comity.node.home import open_home

    with open_home(console.home) as node:
        if raw:
            body = node.get(id, version).raw
            out = console.bytes_out()
            out.write(body)
            out.flush()
            if console.terminal:
                console.say()
            return
        copies = node.show(id)
    if version is not None:
        copies = _of_version(copies, id, version)
    if console.json:
        console.result({"id": id, "type": copies[0].type, "copies": [_fields(copy) for copy in copies]})
        return
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
        "added": copy.added,
        "tlp": copy.tlp,
        "tlp_from": copy.tlp_from,
        "statements": list(copy.statements),
        "findings": [{"where": f.where, "rule": f.rule, "problem": f.problem, "must": f.must} for f in copy.findings],
        "digest": copy.digest,
        "object": None if copy.raw is None else embedded(copy.raw),
    }


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
        "marking", first.tlp + {"source": " (from its source)", "none": " (unknown)"}.get(first.tlp_from, "")
    )
    for statement in first.statements:
        console.say_pair("statement", statement)
    for copy in copies:
        when = relative(copy.added, now) if console.terminal else exact(copy.added)
        shown = ", shown" if copy.shown else ""
        console.say_pair(
            "version", f"{copy.version} from {copy.source} in {copy.collection}: {copy.state}{shown}, {when}"
        )
    for finding in first.findings[:FINDINGS_SHOWN]:
        console.say_pair("finding", f"{finding.where or 'object'}: {finding.problem} ({finding.rule})")
    if first.raw is not None:
        console.say()
        for line in orjson.dumps(body, option=orjson.OPT_INDENT_2).decode().splitlines():
            console.say(line)
