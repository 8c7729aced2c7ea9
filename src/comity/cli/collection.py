"""`comity collection`: what a node's objects are grouped into, and what rights are given on."""

import click

from comity.cli.console import Console
from comity.cli.options import Command, Group, pass_console


@click.group("collection", cls=Group)
def collection() -> None:
    """Make and list collections."""


@collection.command("add", cls=Command)
@click.argument("title")
@click.option("--alias", help="A short name that may stand for the id in paths: a-z, 0-9, `-`, `_`, `.`")
@click.option("--description", default="", help="What the collection is for.")
@pass_console
def add(console: Console, title: str, alias: str | None, description: str) -> None:
    """Make a collection called TITLE."""
    from comity.node.home import open_home

    with open_home(console.home) as node:
        made = node.add_collection(title, alias=alias, description=description)
    answer = {"id": made.id, "title": made.title, "alias": made.alias, "description": made.description}
    if console.json:
        console.result(answer)
        return
    console.say(made.id)
    console.note(f"Made the collection {made.title}.")


@collection.command("list", cls=Command)
@pass_console
def list_(console: Console) -> None:
    """List the collections, with how many objects are in each."""
    from comity.node.home import open_home

    with open_home(console.home) as node:
        found = node.collections()
        counts = node.counts().collections
    rows = [(view, counts.get(view.id, 0)) for view in found]
    if console.json:
        console.result(
            {
                "collections": [
                    {"id": v.id, "title": v.title, "alias": v.alias, "description": v.description, "objects": count}
                    for v, count in rows
                ]
            }
        )
        return
    console.table(
        ("id", "title", "alias", "objects", "description"),
        [(v.id, v.title, v.alias or "", count, v.description) for v, count in rows],
    )
