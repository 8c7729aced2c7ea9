"""`comity source`: where objects come from, and how they are judged and marked on their way in."""

import click

from comity.cli.console import Console
from comity.cli.options import Command, Group, pass_console


@click.group("source", cls=Group)
def source() -> None:
    """Make and list the sources that objects come from."""


@source.command("add", cls=Command)
@click.argument("kind", type=click.Choice(["own", "feed"]), metavar="own|feed")
@click.argument("name")
@click.option("--strict/--lenient", default=False, help="Refuse what breaks a MUST of STIX 2.1, or note it.")
@click.option(
    "--marking", default="amber+strict", show_default=True, metavar="TLP", help="The TLP of objects that name none."
)
@click.option(
    "--auto/--review", "auto", default=False, help="Publish what arrives at once, or after review.  [default: review]"
)
@pass_console
def add(console: Console, kind: str, name: str, strict: bool, marking: str, auto: bool) -> None:
    """Make a source called NAME: `own` for what your team makes, `feed` for what others give you."""
    from comity.node.home import open_home

    with open_home(console.home) as node:
        made = node.add_source(
            name, kind=kind, strict=strict, default_marking=marking, publish="auto" if auto else "review"
        )
    if console.json:
        console.result(_fields(made))
        return
    console.say(f"Made the source {made.name}: {made.kind}, {_judged(made.strict)}, {_tlp(made.default_marking)}.")


@source.command("list", cls=Command)
@pass_console
def list_(console: Console) -> None:
    """List the sources."""
    from comity.node.home import open_home

    with open_home(console.home) as node:
        found = node.sources()
    if console.json:
        console.result({"sources": [_fields(one) for one in found]})
        return
    console.table(
        ("name", "kind", "judged", "marking", "publish"),
        [(one.name, one.kind, _judged(one.strict), _tlp(one.default_marking), one.publish) for one in found],
    )


def _fields(one: object) -> dict[str, object]:
    return {key: getattr(one, key) for key in ("name", "kind", "strict", "default_marking", "publish")}


def _judged(strict: bool) -> str:
    return "strict" if strict else "lenient"


def _tlp(word: str) -> str:
    return f"TLP:{word.upper()}"
