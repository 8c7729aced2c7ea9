"""`comity rm`, `mark`, `undo` and `batches`: many objects at once, and as one back again."""

import re
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from comity.cli.acting import acts, open_acting
from comity.cli.console import Console
from comity.cli.options import Command, pass_console
from comity.cli.terminal import counted
from comity.errors import Refused

if TYPE_CHECKING:
    from comity.node.batching import BatchView
    from comity.node.choosing import Choice, Chosen
    from comity.node.node import Node

PASSED_OVER = 6
SHOWN = 50
POLL_SECONDS = 0.2
_ID = re.compile(r"[a-z][a-z0-9-]*--[0-9A-Fa-f-]{36}", re.ASCII)


def _which(command: Callable[..., Any]) -> Callable[..., Any]:
    """What chooses objects."""
    for option in reversed(
        (
            click.argument("what", metavar="[QUERY|ID]...", nargs=-1),
            click.option("--all", "everything", is_flag=True, help="All objects, where nothing is named."),
            click.option("--dry-run", is_flag=True, help="Only say what it would do."),
        )
    ):
        command = option(command)
    return command


@click.command("rm", cls=Command)
@_which
@click.option("--reason", default="", metavar="TEXT", help="Why; it is kept with the batch.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@acts
@pass_console
def rm(console: Console, what: tuple[str, ...], everything: bool, dry_run: bool, reason: str, yes: bool) -> None:
    """Withdraw objects: nobody is served them any more.

    Those with the IDs, or those that QUERY finds, as `comity search` does: all their versions, of every source and in
    every collection, but for those that the filters of the query leave out. For 30 days `comity undo` brings them back.
    What partners have read stays with them: see `comity release revoke`.
    """
    with open_acting(console) as node:
        choice = _choice(what, everything)
        chosen = node.preview_batch(choice, "withdraw")
        if dry_run:
            _say_chosen(console, chosen)
            return
        if chosen.copies and not yes:
            _ask(f"Withdraw {counted(chosen.copies, 'copy', 'copies')} of {counted(chosen.objects, 'object')}?")
        view = node.withdraw(choice, reason=reason, seal=chosen.seal)
        _tell(console, _finished(console, node, view), chosen.missing)


@click.command("mark", cls=Command)
@_which
@click.option("--tlp", "level", required=True, metavar="LEVEL", help="clear, green, amber, amber+strict or red.")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept with the batch.")
@acts
@pass_console
def mark(console: Console, what: tuple[str, ...], everything: bool, dry_run: bool, level: str, reason: str) -> None:
    """Put another TLP level beside objects, whose bytes stay as they are.

    Which objects is said as for `comity rm`. What is tighter holds at once. Nothing becomes looser than the object says
    itself; what is looser than what its source said waits, where it is published, for a second person, who confirms it
    by `comity reclassify`.
    """
    with open_acting(console) as node:
        choice = _choice(what, everything)
        chosen = node.preview_batch(choice, "mark", level)
        if dry_run:
            _say_chosen(console, chosen)
            return
        view = node.mark(choice, level, reason, seal=chosen.seal)
        _tell(console, _finished(console, node, view), chosen.missing)


@click.command("undo", cls=Command)
@click.argument("batch", default="")
@acts
@pass_console
def undo(console: Console, batch: str) -> None:
    """Undo what was done to many objects at once.

    It is BATCH, or your own last one. What is withdrawn is there again, and what was marked has the marking that it
    had, within 30 days; what changed since is left as it is, and named. What has left the node is not undone.
    """
    with open_acting(console) as node:
        _tell(console, _finished(console, node, node.undo_batch(batch)), ())


@click.command("batches", cls=Command)
@click.argument("batch", default="")
@click.option("--retry", metavar="REASON", help="Try those of BATCH again that were passed over for that reason.")
@acts
@pass_console
def batches(console: Console, batch: str, retry: str | None) -> None:
    """List what was done to many objects at once.

    With BATCH that one: what became of its copies, and why some were passed over.
    """
    if retry and not batch:
        raise click.UsageError("Name the batch of which something is to be tried again.")
    with open_acting(console) as node:
        if retry:
            _tell(console, _finished(console, node, node.retry_batch(batch, retry)), ())
            return
        found = [node.batch(batch)] if batch else node.batches(SHOWN)
    if console.json:
        facts = [_facts(one) for one in found]
        console.result(facts[0] if batch else {"items": facts})
    elif batch:
        _say(console, found[0])
    else:
        keys = ("batch", "act", "copies", "done", "undone", "by", "at")
        console.table(keys, [[_facts(one)[key] for key in keys] for one in found])
        if not found:
            console.note("Nothing was done to many objects at once.")


# -- choosing ----------------------------------------------------------------------------------------------------------
def _choice(what: Sequence[str], everything: bool) -> "Choice":
    from comity.node.choosing import Choice

    if bool(what) == everything:
        raise click.UsageError("Name objects by their IDs or a query, or give --all.")
    ids = tuple(dict.fromkeys(each for each in what if _ID.fullmatch(each)))
    if ids and len(ids) < len(set(what)):
        raise click.UsageError("Give ids or a query, not both.")
    return Choice(ids=ids, text="" if ids else " ".join(what), everything=everything)


def _ask(question: str) -> None:
    import sys

    if not sys.stdin.isatty():
        raise Refused("Nobody is there to be asked.", hint="Give --yes, or --dry-run to look only.", where="yes")
    click.confirm(question, abort=True, err=True)


# -- doing -------------------------------------------------------------------------------------------------------------
def _finished(console: Console, node: "Node", view: "BatchView") -> "BatchView":
    """The batch once nothing of it is left to do, by this process or another worker; an interrupt leaves the rest to
    whoever works next."""
    from comity.cli.progress import Progress

    progress = Progress(console, f"batch {view.batch.id}")
    try:
        while view.is_running:
            if node.run_job() is None:
                time.sleep(POLL_SECONDS)
            view = node.batch(view.batch.id)
            progress(view.copies - view.left)
    except KeyboardInterrupt:
        console.note(f"Batch {view.batch.id} goes on by comity worker, or serve. To take it back: comity undo")
        raise
    finally:
        progress.finish()
    return node.batch(view.batch.id)


# -- telling -----------------------------------------------------------------------------------------------------------
def _say_chosen(console: Console, chosen: "Chosen") -> None:
    from comity.stix.tlp import TLP

    levels = {"none" if level is None else TLP(level).word: n for level, n in chosen.facets.levels.items()}
    told = {
        "copies": chosen.copies,
        "objects": chosen.objects,
        "published": chosen.published,
        "by_type": dict(chosen.facets.types),
        "by_tlp": levels,
        "by_source": dict(chosen.facets.sources),
        "becomes": [{"state": state, "reason": why, "count": n} for (state, why), n in chosen.becomes.items()],
        "offered_to": None if chosen.partners is None else dict(chosen.partners),
        "missing": list(chosen.missing),
        "sample": [hit.id for hit in chosen.sample],
    }
    if console.json:
        console.result(told)
        return
    console.say(f"{counted(chosen.copies, 'copy', 'copies')} of {counted(chosen.objects, 'object')}:")
    console.table(("what", "copies"), [(_words(*key), n) for key, n in chosen.becomes.items()])
    for hit in chosen.sample:
        console.say_fields(hit.id, hit.type, hit.name)
    for name, count in (chosen.partners or {}).items():
        console.note(f"{name} is offered {counted(count, 'copy', 'copies')} of it now.")
    _note_missing(console, chosen.missing)


def _tell(console: Console, view: "BatchView", missing: Sequence[str]) -> None:
    if console.json:
        console.result(_facts(view) | {"missing": list(missing)})
    else:
        _say(console, view)
        _note_missing(console, missing)
        if view.may_undo:
            console.note(f"To take it back within 30 days: comity undo {view.batch.id}")
    if view.count("failed" if view.batch.undo_at is None else "kept"):
        click.get_current_context().exit(PASSED_OVER)


def _say(console: Console, view: "BatchView") -> None:
    console.say(f"Batch {view.batch.id}: {view.batch.act} {view.batch.asked}")
    console.table(("what", "copies"), [(_words(one.state, one.why), one.count) for one in view.tallies])
    for one in view.tallies:
        if one.state in ("failed", "kept"):
            for id in view.samples.get((one.state, one.why), ()):
                console.say_fields(one.why, id)
    if any(one.why == "waits" for one in view.tallies):
        console.note("What may be looser waits for a second person: comity reclassify")


def _note_missing(console: Console, missing: Sequence[str]) -> None:
    if missing:
        console.note(f"{counted(len(missing), 'id')} not here: {' '.join(missing[:3])}")


def _words(state: str, why: str) -> str:
    return f"{state}: {why}" if why else state


def _facts(view: "BatchView") -> dict[str, Any]:
    from comity.interfaces import instant_of
    from comity.stix.tlp import TLP

    one = view.batch
    return {
        "batch": one.id,
        "act": one.act,
        "tlp": None if one.level is None else TLP(one.level).word,
        "asked": one.asked,
        "reason": one.reason,
        "by": one.name,
        "at": instant_of(one.at),
        "copies": view.copies,
        "done": view.count("done"),
        "undone": view.count("undone"),
        "left": view.left,
        "results": [
            {
                "state": each.state,
                "reason": each.why,
                "count": each.count,
                "samples": list(view.samples.get((each.state, each.why), ())),
            }
            for each in view.tallies
        ],
        "undone_at": None if one.undo_at is None else instant_of(one.undo_at),
        "undo_until": instant_of(view.undo_until),
    }
