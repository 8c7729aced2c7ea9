"""`comity release record`, `revoke` and `recall-status`: what left for whom, and taking it back."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from comity.cli.acting import acts, open_acting
from comity.cli.console import Console, json_text, path_text
from comity.cli.options import Command, pass_console
from comity.cli.terminal import counted, size
from comity.cli.writing import packed, split_packing, target

if TYPE_CHECKING:
    from comity.node.holding import Held, Holder, Left
    from comity.node.node import Node
    from comity.node.recalls import RecallView, RecipientView

KINDS = ("withdraw", "retract", "narrow", "supersede")
REASONS = ("mistake", "wrong-marking", "false-positive", "outdated", "source-request", "legal")


# -- what left ---------------------------------------------------------------------------------------------------------
@click.command("record", cls=Command)
@click.option("--to", "to", metavar="PARTNER", help="What this partner has of ours.")
@click.option("--type", "types", metavar="TYPE", multiple=True, help="With --to: only objects of this type.")
@click.option("--object", "ident", metavar="ID", help="Who has this object.")
@click.option("--version", metavar="V", help="With --object: only this version.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="List so many at most.")
@click.option("-o", "--output", metavar="FILE|-", help="Write a line of JSON each there; - is standard output.")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@acts
@pass_console
def record(
    console: Console,
    to: str | None,
    types: tuple[str, ...],
    ident: str | None,
    version: str | None,
    limit: int | None,
    output: str | None,
    force: bool,
) -> None:
    """Tell what left: what a partner has of ours, or who has an object.

    For each copy: when it left first and last, by which entry of the ledger, under which version of the policy and by
    which rules, and whether it is offered still. What a partner only knows by a manifest, or sent itself, is not told.
    """
    if (to is None) == (ident is None):
        raise click.UsageError("Give --to PARTNER, or --object ID.")
    if version is not None and ident is None:
        raise click.UsageError("--version goes with --object.")
    if types and to is None:
        raise click.UsageError("--type goes with --to.")
    with open_acting(console) as node:
        lines = islice(_lines(node, to, types, ident, version), limit)
        if output not in (None, "-"):
            _write(console, lines, str(output), force=force)
            return
        count = 0
        for line in lines:
            count += 1
            if console.json or output:
                console.say(json_text(line))
            else:
                _say_line(console, line)
    if not console.json and not output:
        console.note(f"{counted(count, 'copy', 'copies')}.")


def _lines(
    node: "Node", to: str | None, types: tuple[str, ...], ident: str | None, version: str | None
) -> Iterator[dict[str, Any]]:
    if to is not None:
        for held in node.held(to, types=types):
            yield _held(held)
    else:
        found: list[Holder] = node.holders(str(ident), version)
        for one in found:
            yield {"partner": one.partner} | _held(one.held)


def _held(one: "Held") -> dict[str, Any]:
    return {
        "id": one.id,
        "version": one.version,
        "source": one.source,
        "digest": one.digest,
        "state": one.state,
        "first": _left(one.first),
        "last": _left(one.last),
    }


def _left(one: "Left") -> dict[str, Any]:
    return {"at": _instant(one.at), "entry": one.entry, "policy": one.policy, "rules": one.rule.split()}


def _write(console: Console, lines: Iterable[dict[str, Any]], output: str, *, force: bool) -> None:
    _, packing = split_packing(output)
    count = 0
    with target(console, output, force=force) as file, packed(file, packing) as write:
        for line in lines:
            count += 1
            write(f"{json_text(line)}\n".encode())
    written = Path(output).stat().st_size
    if console.json:
        console.result({"copies": count, "file": path_text(output), "bytes": written})
    else:
        console.say(f"{counted(count, 'copy', 'copies')}: {path_text(output)}, {size(written)}.")


def _say_line(console: Console, line: dict[str, Any]) -> None:
    first, last = line["first"], line["last"]
    whose = [line["partner"]] if "partner" in line else []
    times = [f"first {first['at']:%F %H:%M} by entry {first['entry']}", f"last {last['at']:%F %H:%M}"]
    rules = f"{', '.join(last['rules'])} of policy {last['policy']}"
    console.say_fields(*whose, line["state"], line["id"], line["version"], *times, rules)


# -- taking it back ----------------------------------------------------------------------------------------------------
@click.command("revoke", cls=Command)
@click.argument("what", metavar="BATCH|ID...", nargs=-1, required=True)
@click.option("--kind", type=click.Choice(KINDS), required=True, help="Why it is taken back, and so how.")
@click.option("--reason", type=click.Choice(REASONS), required=True, help="What is on record as the reason.")
@click.option("--note", default="", metavar="TEXT", help="What own staff should know; it leaves for nobody.")
@click.option("--tlp", metavar="LEVEL", help="With narrow: the stricter TLP that it has from now on.")
@click.option("--by", default="", metavar="ID", help="With supersede: what takes its place, which is published.")
@acts
@pass_console
def revoke(
    console: Console, what: tuple[str, ...], kind: str, reason: str, note: str, tlp: str | None, by: str
) -> None:
    """Take back what left, in every version, from everybody at once.

    BATCH is an entry of the ledger by which objects left, such as entry:123; ID is an object. withdraw: it should not
    have been sent, and is gone, and never published again. retract: its content is wrong; of ours there is a revoked
    version. narrow: it has a stricter marking from now on. supersede: it is gone, and another is in its place.
    """
    from comity.release.recall import Kind, Order, Reason
    from comity.stix.tlp import TLP

    level = None if tlp is None else TLP.read(tlp)
    with open_acting(console) as node:
        done = node.recall(what, Order(Kind(kind), Reason(reason), note, level, by))
    if console.json:
        told = {"recall": done.id, "told": done.told, "cannot_confirm": done.cannot_confirm}
        console.result(told | {"objects": done.objects, "revised": done.revised})
        return
    console.say(f"Recall {done.id}: {counted(done.objects, 'object')}, {done.revised:,} of them in a newer version.")
    for name in done.told:
        console.say_pair("told", name)
    for name in done.cannot_confirm:
        console.say_pair("told", f"{name}, which cannot confirm it")
    console.note(f"Who has read since: comity release recall-status {done.id}")


@click.command("recall-status", cls=Command)
@click.argument("recall", metavar="[RECALL]", required=False)
@acts
@pass_console
def recall_status(console: Console, recall: str | None) -> None:
    """List what was taken back, and who had it.

    With RECALL only that one, with each version that each partner had, and since when. Who has read since was able to
    see it.
    """
    with open_acting(console) as node:
        found = node.recalls(recall)
    if console.json:
        console.result({"items": [_facts(one, listed=recall is not None) for one in found]})
        return
    for one in found:
        _say_recall(console, one)
    if not found:
        console.note("Nothing was ever taken back.")


def _facts(one: "RecallView", *, listed: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        "recall": one.id,
        "kind": one.kind.value,
        "reason": one.reason.value,
        "note": one.note,
        "tlp": one.tlp or None,
        "by": one.replaced_by or None,
        "at": _instant(one.at),
        "actor": one.actor,
        "entry": one.entry,
        "objects": one.count,
        "recipients": [_recipient(each, listed=listed) for each in one.recipients],
    }
    return told | ({"ids": one.objects} if listed else {})


def _recipient(one: "RecipientView", *, listed: bool) -> dict[str, Any]:
    had = [
        {"id": each.id, "version": each.version, "since": _instant(each.since), "told": each.told} for each in one.had
    ]
    told: dict[str, Any] = {"partner": one.partner, "copies": one.copies} | ({"had": had} if listed else {})
    told |= {"way": one.way.value, "answer": one.answer.value, "read_since": one.read_since}
    return told if one.may_have_new is None else told | {"may_have_new": one.may_have_new}


def _say_recall(console: Console, one: "RecallView") -> None:
    what = (
        f"{one.kind}, {one.reason}"
        + (f", {one.tlp}" if one.tlp else "")
        + (f", by {one.replaced_by}" if one.replaced_by else "")
    )
    at = f"{_instant(one.at):%F %H:%M} UTC"
    console.say(f"{one.id}: {what}, {counted(one.count, 'object')}, {at}, by {one.actor}, entry {one.entry}")
    if one.note:
        console.say_pair("note", one.note)
    for each in one.recipients:
        read = "has read since" if each.read_since else "has not read since"
        new = {None: "", True: "; is offered the new one", False: "; is not offered the new one"}[each.may_have_new]
        words = f"{counted(each.copies, 'copy', 'copies')}, answer: {each.answer.value}, {read}{new}"
        console.say_pair(each.partner, words)
        for had in each.had:
            console.say_fields(had.told, had.id, had.version, f"since {_instant(had.since):%F %H:%M} UTC")


def _instant(at: int) -> Any:
    from comity.interfaces import instant_of

    return instant_of(at)
