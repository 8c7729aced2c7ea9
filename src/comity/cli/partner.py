"""`comity partner`: who may be given anything at all."""

from collections.abc import Callable
from typing import Any

import click

from comity.cli.acting import acts, open_acting
from comity.cli.caps import cap_options, usage_facts
from comity.cli.console import Console
from comity.cli.options import Command, Group, pass_console


@click.group("partner", cls=Group)
def partner() -> None:
    """Make, list and activate partners and clients."""


_FACETS = (
    ("--country", "country", "CODE", "Where it is, such as EE.", False),
    ("--sector", "sectors", "WORD", "A sector it works in; may be given again.", True),
    ("--group", "groups", "GROUP", "A group of this node that it is in; may be given again.", True),
    ("--max-tlp", "max_tlp", "TLP", "The strictest marking it may have.", False),
    ("--agreement-from", "agreement_from", "DATE", "When the agreement begins.", False),
    ("--agreement-until", "agreement_until", "DATE", "When the agreement ends.", False),
    ("--jurisdiction", "jurisdictions", "CODE", "A country where it stores; may be given again.", True),
    ("--declared-by", "declared_by", "partner|us", "Who said where it stores.  [default: us]", False),
    ("--organisation-boundary", "organisation_boundary", "staff|members", "Whom a partner counts as its own.", False),
    ("--service", "service", "REFERENCE", "The service of ours that a client receives.", False),
    ("--service-from", "service_from", "DATE", "When the service begins.", False),
    ("--service-until", "service_until", "DATE", "When the service ends.", False),
    ("--contact", "contact", "TEXT", "Whom to ask for at a client.", False),
    (
        "--history-from",
        "history_from",
        "DATE|all",
        "What was published since is offered, if not since activation.",
        False,
    ),
    ("--need-to-know", "need_to_know", "TEXT", "Why a client may have AMBER of others.", False),
)


_CHOICES = ("declared_by", "organisation_boundary")
_DATES = ("agreement_from", "agreement_until", "service_from", "service_until", "history_from")


def _facets(command: Callable[..., Any]) -> Callable[..., Any]:
    for flag, words in (("cybersecurity", "It is of that community."), ("commercial", "It sells what it is given.")):
        command = click.option(f"--{flag}/--no-{flag}", flag, default=None, help=words)(command)
    for option, name, metavar, words, many in reversed(_FACETS):
        names = (option, "--circle", name) if option == "--group" else (option, name)
        kind = click.Choice(metavar.split("|")) if name in _CHOICES else None
        command = click.option(*names, metavar=metavar, help=words, multiple=many, type=kind)(command)
    return cap_options(command)


def _given(facets: dict[str, Any]) -> dict[str, Any]:
    """The facets that were given, as the node takes them; an empty text takes away what was said before."""
    found = {name: value for name, value in facets.items() if value not in (None, ())}
    for name, value in found.items():
        if name.startswith("cap_"):
            found[name] = value or None
        elif value == ("",):
            found[name] = None if name == "jurisdictions" else ()
        elif name in _DATES:
            everything = name == "history_from" and value == "all"
            found[name] = None if not value else 0 if everything else _instant(value, name)
    return found


def _instant(text: str, where: str) -> int:
    from datetime import UTC, datetime, timedelta

    from comity.errors import Invalid
    from comity.interfaces import microseconds

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text!r} is no date.", where=where, hint="Such as 2027-01-31, or with a time.") from None
    if where in ("agreement_until", "service_until") and len(text) == len("2027-01-31"):
        # Whoever names a day means that it still holds on that day.
        moment += timedelta(days=1)
    return microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


@partner.command("add", cls=Command)
@click.argument("name")
@click.option("--client", is_flag=True, help="It is a client: an organisation that receives our services.")
@_facets
@acts
@pass_console
def add(console: Console, /, name: str, client: bool, **facets: Any) -> None:
    """Make a partner called NAME, to whom nothing goes before it is activated."""
    with open_acting(console) as node:
        made = node.add_partner(name, relation="client" if client else "partner", **_given(facets))
        _tell(console, node, made)
    if not console.json:
        console.note("Nothing goes there yet. When you have made sure who they are: comity partner activate.")


@partner.command("list", cls=Command)
@pass_console
def list_(console: Console) -> None:
    """List partners and clients with their states."""
    from comity.node.home import open_home
    from comity.node.people import ALONE

    with open_home(console.home) as node:
        found = [_facts(one, standing) for one, standing in node.standings()]
        note = "" if node.is_watched() else ALONE
    if console.json:
        console.result({"items": found, "note": note})
        return
    keys = ("name", "relation", "state", "reason", "country", "max_tlp", "organisation_boundary", "id")
    console.table(keys, [[str(one[key] or "") for key in keys] for one in found])
    if note and found:
        console.note(note)


@partner.command("show", cls=Command)
@click.argument("name")
@pass_console
def show(console: Console, name: str) -> None:
    """Show all that is known of a partner."""
    from comity.node.home import open_home

    with open_home(console.home) as node:
        _tell(console, node, node.partner(name))


def _changes(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that changes what a partner is given."""
    words = "Show what it would change, and change nothing."
    return click.option("--dry-run", is_flag=True, help=words)(acts(command))


@partner.command("edit", cls=Command)
@click.argument("name")
@click.option("--rename", metavar="NAME", help="Another name.")
@_facets
@_changes
@pass_console
def edit(console: Console, /, name: str, rename: str | None, dry_run: bool, **facets: Any) -> None:
    """Change what is known of a partner; it holds from the next request on.

    What widens waits for a second person, where the node has accounts of two.
    """
    changes = _given(facets) | ({"name": rename} if rename else {})
    with open_acting(console) as node:
        _tell_change(console, node, node.change_partner(name, changes, dry_run=dry_run))


@partner.command("activate", cls=Command)
@click.argument("name")
@click.option("--checked-by", required=True, metavar="TEXT", help="How it was made sure who they are, and by whom.")
@_changes
@pass_console
def activate(console: Console, name: str, checked_by: str, dry_run: bool) -> None:
    """Let policy release to a partner.

    What widens waits for a second person, where the node has accounts of two.
    """
    _step(console, name, "activate", checked_by, dry_run=dry_run)


@partner.command("pause", cls=Command)
@click.argument("name")
@acts
@pass_console
def pause(console: Console, name: str) -> None:
    """Release nothing to a partner for now."""
    _step(console, name, "pause")


@partner.command("resume", cls=Command)
@click.argument("name")
@_changes
@pass_console
def resume(console: Console, name: str, dry_run: bool) -> None:
    """Release to a partner again.

    What widens waits for a second person, where the node has accounts of two.
    """
    _step(console, name, "resume", dry_run=dry_run)


@partner.command("end", cls=Command)
@click.argument("name")
@acts
@pass_console
def end(console: Console, name: str) -> None:
    """Release nothing to a partner any more, for good."""
    _step(console, name, "end")


def _step(console: Console, name: str, step: str, checked_by: str = "", *, dry_run: bool = False) -> None:
    with open_acting(console) as node:
        _tell_change(console, node, node.move_partner(name, step, checked_by=checked_by, dry_run=dry_run))


def _facts(one: Any, standing: Any) -> dict[str, Any]:
    from msgspec import structs

    from comity.interfaces import instant_of

    facts = structs.asdict(one) | {"state": standing.state} | usage_facts(standing)
    if one.relation == "client":
        facts["organisation_boundary"] = None
    if one.jurisdictions is None:
        facts["declared_by"] = None
    for name in (*_DATES, "activated_at"):
        if facts[name]:
            facts[name] = instant_of(facts[name])
    return facts


def _tell(console: Console, node: Any, one: Any) -> None:
    from comity.node.people import ALONE

    facts = _facts(one, node.standing(one.id))
    note = "" if node.is_watched() else ALONE
    if console.json:
        console.result(facts | {"note": note})
        return
    _say(console, facts, one)
    if note and one.state == "active":
        console.note(note)


def _tell_change(console: Console, node: Any, done: Any) -> None:
    from comity.cli.changes import facts_of, say_change

    facts = _facts(done.partner, node.standing(done.partner.id))
    told = facts_of(node, done)
    if console.json:
        console.result(facts | told)
        return
    _say(console, facts, done.partner)
    say_change(console, told)


def _say(console: Console, facts: dict[str, Any], one: Any) -> None:
    from comity.node.boundaries import boundary_words, jurisdiction_words

    facts |= {"jurisdictions": jurisdiction_words(one), "declared_by": None}
    for name, value in facts.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {number}" for key, number in value.items())
        if value not in ("", None, (), False):
            console.say_pair(name, ", ".join(value) if isinstance(value, tuple) else str(value))
    for words in boundary_words(one):
        console.note(words)
