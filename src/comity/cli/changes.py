"""How commands tell what a change makes different, and that it waits for a second person."""

from typing import TYPE_CHECKING, Any

from comity.cli.console import Console
from comity.cli.terminal import counted

if TYPE_CHECKING:
    from comity.node.changing import Changed
    from comity.node.node import Node

SHOWN = 10


def facts_of(node: "Node", done: "Changed") -> dict[str, Any]:
    """What is told of every change: its difference, where it waits, and that nobody else looked at it."""
    from comity.node.people import ALONE

    names = {one.id: one.name for one in node.partners()}
    told = {"difference": done.difference.to_json(names), "note": ALONE if done.alone else ""}
    return told | ({"waits": done.waits} if done.waits else {})


def say_change(console: Console, told: dict[str, Any]) -> None:
    """The same for a person: the difference, then what becomes of it."""
    say_difference(console, told["difference"])
    if told.get("waits"):
        console.say(f"It waits for a second person: comity approve {told['waits']} --as NAME")
    if told["note"]:
        console.note(told["note"])


def say_difference(console: Console, difference: dict[str, Any]) -> None:
    """A line for each cell that is shown, and how many there are; nothing where there is no difference."""
    cells = [("cells", difference["cells"]), ("sample", difference["sample"])]
    for where, some in cells:
        for one in some["first"][:SHOWN]:
            mark, colour = ("+", "33") if one["change"] == "widened" else ("-", "32")
            to = f" to {one['partner']}" if one["partner"] else ""
            lead = "" if where == "cells" else "in a sample: "
            console.say_marked(mark, colour, one["change"], f"{lead}{one['class']}{to}")
    for name in difference["history"]:
        console.say_marked("+", "33", "widened", f"{name} is offered what was published earlier")
    for name in difference.get("caps", ()):
        console.say_marked("+", "33", "widened", f"{name} may be given more in an hour or a day")
    for where, some in cells:
        if some["widened"] or some["narrowed"]:
            of = "" if where == "cells" else " of the sample"
            console.note(f"It allows more in {counted(some['widened'], 'cell')}{of}, less in {some['narrowed']:,}.")
    objects = difference["objects"]
    if objects is None:
        console.note("There are too many objects to count what becomes visible.")
    elif objects["appear"] or objects["cease"]:
        console.note(f"{counted(objects['appear'], 'object')} become visible, {objects['cease']:,} cease to be.")
        for id in objects["ids"]:
            console.note(f"  such as {id}")
    if not difference["whole"]:
        console.note("There is more to look at than is looked at, so it counts as widening.")
