"""`comity source`: where objects come from, how they are judged and marked on their way in, and which are polled."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from comity.cli.acting import acts, open_acting
from comity.cli.console import Console
from comity.cli.options import Command, Group, pass_console
from comity.cli.outside import reaching, seconds_of, secret_file_of

if TYPE_CHECKING:
    from comity.node.sources import SourceView

FAILED_FOR_NOW = 75


@click.group("source", cls=Group)
def source() -> None:
    """Make, list and poll the sources that objects come from."""


@source.command("add", cls=Command)
@click.argument("kind", type=click.Choice(["own", "feed", "taxii"]), metavar="own|feed|taxii")
@click.argument("what", metavar="NAME|URL")
@click.option("--strict/--lenient", default=False, help="Refuse what breaks a MUST of STIX 2.1, or note it.")
@click.option(
    "--marking", default="amber+strict", show_default=True, metavar="TLP", help="The TLP of objects that name none."
)
@click.option(
    "--auto/--review", "auto", default=False, help="Publish what arrives at once, or after review.  [default: review]"
)
@click.option("--name", metavar="NAME", help="What a source of kind taxii is called.")
@click.option("--collection", "collections", multiple=True, metavar="C", help="Of the other server; all unless named.")
@click.option("--into", metavar="C", help="The collection of this node.  [default: default]")
@click.option("--every", metavar="TIME", help="Between two polls: 15m, 6h, 1d, never.  [default: 15m]")
@reaching
@acts
@pass_console
def add(
    console: Console,
    kind: str,
    what: str,
    strict: bool,
    marking: str,
    auto: bool,
    name: str | None,
    collections: tuple[str, ...],
    into: str | None,
    every: str | None,
    user: str | None,
    secret_file: Path | None,
    token_file: Path | None,
    ca: Path | None,
    allow_address: tuple[str, ...],
    insecure_http: bool,
) -> None:
    """Make a source: `own NAME` for what your team makes, `feed NAME` for what others give you, `taxii URL --name NAME`
    for a TAXII 2.1 server that `comity serve` or `comity worker` polls.

    URL is that of its discovery resource, of an API root or of one collection. The secret stays in its file and is read
    at each poll. Only public addresses are called, over HTTPS, unless you allow another.
    """
    publish = "auto" if auto else "review"
    if kind != "taxii":
        given = (name, collections, into, every, user, secret_file, token_file, ca, allow_address, insecure_http)
        if any(given):
            raise click.UsageError(f"A source of kind {kind} has a NAME and is not polled.")
        with open_acting(console) as node:
            made = node.add_source(what, kind=kind, strict=strict, default_marking=marking, publish=publish)
        if console.json:
            console.result(_fields(made))
            return
        console.say(f"Made the source {made.name}: {made.kind}, {_judged(made.strict)}, {_tlp(made.default_marking)}.")
        return
    if not name:
        raise click.UsageError("A source of kind taxii needs a --name.")
    with open_acting(console) as node:
        view = node.add_taxii_source(
            name,
            what,
            collections=collections,
            into=into or "default",
            every_seconds=seconds_of(every or "15m"),
            user=user or "",
            secret_file=secret_file_of(user, secret_file, token_file),
            ca_file=None if ca is None else ca.absolute(),
            allowed=allow_address,
            plain_http=insecure_http,
            strict=strict,
            default_marking=marking,
            publish=publish,
        )
    if console.json:
        console.result(_view(view))
        return
    judged = f"{_judged(strict)}, {_tlp(view.source.default_marking)}"
    console.say(f"Made the source {name}: taxii, {judged}, polled every {every or '15m'}.")
    console.note(f"To try it now: comity source poll {name}")


@source.command("list", cls=Command)
@pass_console
def list_(console: Console) -> None:
    """List the sources."""
    from comity.node.home import open_home

    with open_home(console.home) as node:
        found, paused = node.sources(), node.paused_sources()
    if console.json:
        console.result({"sources": [_fields(one) | {"paused_for": paused.get(one.name)} for one in found]})
        return
    console.table(
        ("name", "kind", "judged", "marking", "publish"),
        [
            (
                *(one.name, one.kind, _judged(one.strict), _tlp(one.default_marking)),
                "paused" if one.name in paused else one.publish,
            )
            for one in found
        ],
    )
    for name, words in paused.items():
        console.note(f"{name} is paused: {words}. To go on: comity source resume {name}")


@source.command("show", cls=Command)
@click.argument("name")
@pass_console
def show(console: Console, name: str) -> None:
    """Show a source: how it is polled, when next, and how the last run went."""
    from comity.node.home import open_home

    with open_home(console.home) as node:
        view = node.source(name)
    fields = _view(view)
    if console.json:
        console.result(fields)
        return
    for key, value in fields.items():
        for name, one in _flat(key, value):
            console.say_pair(name, one)


@source.command("edit", cls=Command)
@click.argument("name")
@click.option("--marking", metavar="TLP", help="The TLP of objects that name none, from now on.")
@click.option("--stored", is_flag=True, help="Also of stored objects that have the marking it gave until now.")
@click.option("--labels/--no-labels", "labels", default=None, help="Labels such as tlp:green count as markings.")
@acts
@pass_console
def edit(console: Console, name: str, marking: str | None, stored: bool, labels: bool | None) -> None:
    """Change how objects of a source are marked.

    Another marking holds for what comes from now on, with --stored also for what is here. Then, and where labels count
    as markings or no more, what is published of the source is classed anew: what is tighter holds at once, and what may
    be looser waits for `comity reclassify`.
    """
    with open_acting(console) as node:
        made = node.edit_source(name, default_marking=marking, labels_are_markings=labels, stored=stored)
    if console.json:
        console.result(_fields(made))
        return
    labelled = "labels count as markings" if made.labels_are_markings else "labels are no markings"
    console.say(f"{made.name}: {_tlp(made.default_marking)}, {labelled}.")
    if labels is not None or stored:
        console.note(f"To see what waits for you: comity reclassify --source {made.name} --dry-run")


@source.command("poll", cls=Command)
@click.argument("name")
@click.pass_context
def poll(context: click.Context, name: str) -> None:
    """Poll a source of kind taxii now.

    What was stored stays, whatever ends the run; the next one goes on from there. Exit 75 where it failed and will be
    tried again.
    """
    from comity.node.home import open_home

    console = context.ensure_object(Console)
    with open_home(console.home) as node:
        ran = node.poll(name)
        view = node.source(name)
    last = _last(view)
    if console.json:
        console.result({"source": name, "error": ran.error or None, "run": last})
    else:
        counts = ", ".join(f"{last[key]:,} {key}" for key in ("stored", "duplicates", "conflicts", "rejected"))
        console.say(f"Polled {name}: {counts}.")
        for words in last["remarks"]:
            console.note(f"The server: {words}.")
        for sample in last["rejected_samples"]:
            console.note(f"Rejected {sample['id']}: {sample['where']}: {sample['problem']}")
        if ran.error:
            console.complain(ran.error)
    if ran.error:
        context.exit(FAILED_FOR_NOW)


@source.command("pause", cls=Command)
@click.argument("name")
@acts
@pass_console
def pause(console: Console, name: str) -> None:
    """Poll a source no more; what it gave stays."""
    _pause(console, name, paused=True)


@source.command("resume", cls=Command)
@click.argument("name")
@acts
@pass_console
def resume(console: Console, name: str) -> None:
    """Poll a source again, from where it was left, and let one go on that was paused for making new classes too fast.

    What it sent meanwhile is stored and not published: comity publish --source NAME.
    """
    _pause(console, name, paused=False)


def _pause(console: Console, name: str, *, paused: bool) -> None:
    with open_acting(console) as node:
        view = node.pause_source(name, paused=paused)
    if console.json:
        console.result(_view(view))
        return
    console.say(f"{name} {'is paused' if paused else 'is polled again' if view.poll else 'goes on'}.")


def _fields(one: object) -> dict[str, Any]:
    return {
        key: getattr(one, key)
        for key in ("name", "kind", "strict", "default_marking", "labels_are_markings", "publish")
    }


def _view(view: "SourceView") -> dict[str, Any]:
    from comity.interfaces import instant_of
    from comity.node.jobs import PARKED_AT

    fields = _fields(view.source) | {"paused_for": view.pace.words or None}
    poll = view.poll
    if poll is None:
        return fields
    names = ("url", "collections", "into", "every_seconds", "user", "secret_file", "ca_file", "allowed", "plain_http")
    fields |= {key: getattr(poll, key) for key in (*names, "paused")}
    job = view.job
    fields["next_at"] = None if job is None or job.due_at == PARKED_AT else instant_of(job.due_at)
    fields["attempts"] = 0 if job is None else job.attempts
    fields["last_error"] = None if job is None else job.last_error or None
    fields["last_run"] = _last(view) if view.last else None
    return fields


def _last(view: "SourceView") -> dict[str, Any]:
    from comity.interfaces import instant_of

    last = view.last
    if last is None:
        return dict.fromkeys(("stored", "duplicates", "conflicts", "rejected"), 0) | {
            "remarks": [],
            "rejected_samples": [],
        }
    counts = ("pages", "stored", "duplicates", "conflicts", "rejected", "findings")
    return {
        "began_at": instant_of(last.began_at),
        "ended_at": instant_of(last.ended_at),
        **{key: getattr(last, key) for key in counts},
        "remarks": last.remarks,
        "rejected_samples": last.rejected_samples,
        "error": last.error or None,
    }


def _flat(key: str, value: Any) -> list[tuple[str, str]]:
    """The pairs of a value as lines: of an object its members, of a list its elements."""
    from comity.cli.terminal import exact

    if isinstance(value, dict):
        return [pair for name, one in value.items() for pair in _flat(f"{key}.{name}", one)]
    if isinstance(value, (list, tuple)):
        return [pair for one in value for pair in _flat(key, one)]
    if value is None or value == "":
        return []
    return [(key, exact(value) if isinstance(value, datetime) else str(value))]


def _judged(strict: bool) -> str:
    return "strict" if strict else "lenient"


def _tlp(word: str) -> str:
    return f"TLP:{word.upper()}"
