"""`comity erase` and `comity erasure`: what is stored of a person is destroyed, and certified."""

from typing import TYPE_CHECKING, Any

import click

from comity.cli.acting import acts, open_acting
from comity.cli.console import Console
from comity.cli.options import Command, Group, pass_console
from comity.cli.signals import interruptible
from comity.cli.terminal import counted

if TYPE_CHECKING:
    from comity.node.erasing import Certificate

_NOT_CLEAN = (
    "Its files are being read or written by others, and still hold it; `serve` or `comity worker` writes them anew."
)


@click.command("erase", cls=Command)
@click.argument("ids", nargs=-1, metavar="ID...")
@click.option("--text", metavar="TEXT", help="Every object in which it occurs.")
@click.option("--basis", metavar="TEXT", required=True, help="Why it must be erased; kept in the ledger.")
@click.option("--dry-run", is_flag=True, help="Say how many objects it would take, and change nothing.")
@acts
@pass_console
def erase(console: Console, ids: tuple[str, ...], text: str | None, basis: str, dry_run: bool) -> None:
    """Erase objects, so that nothing of them is left on the node.

    All versions and copies of each ID are destroyed, with what the index, status resources and the ledger hold of them.
    They are not taken in again. Where there is a second person, it waits for them: comity approve.
    """
    from comity.node.people import ALONE

    if bool(ids) == bool(text):
        raise click.UsageError("Give ids, or --text.", click.get_current_context())
    with interruptible(), open_acting(console) as node:
        done = node.erase(ids, text=text or "", basis=basis, dry_run=dry_run)
    certificate = None if done.certificate is None else _facts(done.certificate)
    if console.json:
        note = ALONE if done.alone else ""
        facts = {"objects": done.objects, "waits": done.waits, "clean": done.clean}
        console.result({**facts, "note": note, "certificate": certificate})
        return
    if done.waits:
        console.say(
            f"To erase {counted(done.objects, 'object')} waits for a second person: comity approve {done.waits}"
        )
        return
    if done.certificate is None:
        console.say(f"It would erase {counted(done.objects, 'object')}.")
        return
    _say(console, done.certificate)
    if not done.clean:
        console.note(_NOT_CLEAN)
    console.note(ALONE)


@click.group("erasure", cls=Group)
def erasure() -> None:
    """Show the certificates of what was erased."""


@erasure.command("list", cls=Command)
@acts
@pass_console
def list_(console: Console) -> None:
    """List what was erased, the newest first."""
    with open_acting(console) as node:
        found = [_facts(one) for one in node.erasures()]
    if console.json:
        console.result({"items": found})
        return
    rows = [[one["id"], f"{one['at']:%F %H:%M}", f"{one['objects']:,}", one["basis"]] for one in found]
    console.table(("id", "at", "objects", "basis"), rows)


@erasure.command("show", cls=Command)
@click.argument("id")
@acts
@pass_console
def show(console: Console, id: str) -> None:
    """Show one certificate.

    It says what was removed, what remains, on which basis, by whom and when.
    """
    from comity.errors import NotFound

    with open_acting(console) as node:
        found = next((one for one in node.erasures() if one.id == id), None)
        clean = node.is_clean()
    if found is None:
        raise NotFound(f"There is no erasure {id!r}.", where="id", hint="comity erasure list")
    if console.json:
        console.result(_facts(found) | {"clean": clean})
        return
    _say(console, found)
    if not clean:
        console.note(_NOT_CLEAN)


def _say(console: Console, one: "Certificate") -> None:
    facts = _facts(one)
    console.say(f"Certificate {one.id} of {one.node}, {facts['at']:%F %H:%M} UTC, entry {one.entry} of the ledger")
    console.say(f"Basis: {one.basis}")
    approved = f", approved by {one.approved_by}" if one.approved_by else ""
    console.say(f"Asked for by {one.asked_by}{approved}.")
    console.say(
        f"Removed: {counted(one.objects, 'object')} in {counted(one.copies, 'copy', 'copies')} with"
        f" {counted(one.bodies, 'body', 'bodies')}, {counted(one.statuses, 'status resource')},"
        f" {counted(one.entries, 'opening')} of the ledger; {counted(one.renamed, 'id')} made random."
    )
    if one.recall:
        console.say(f"Who had it is told: comity release recall-status {one.recall}")
    for name in one.told:
        console.say_pair("told", name)
    for name in one.cannot_confirm:
        console.say_pair("told", f"{name}, which cannot confirm it")
    console.say("What remains:")
    for sentence in one.remains:
        console.say(f"- {sentence}")


def _facts(one: "Certificate") -> dict[str, Any]:
    import msgspec

    from comity.interfaces import instant_of

    return msgspec.structs.asdict(one) | {
        "at": instant_of(one.at),
        "recipients": [msgspec.structs.asdict(each) for each in one.recipients],
        **{name: list(getattr(one, name)) for name in ("told", "cannot_confirm", "remains")},
    }
