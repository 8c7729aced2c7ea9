"""`comity ledger`: what the node did, entered one after the other, signed, and checked."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from comity.cli.acting import acts, open_acting
from comity.cli.console import Console, path_text
from comity.cli.options import Command, Group, pass_console
from comity.cli.terminal import counted, size
from comity.cli.writing import target
from comity.errors import Invalid

if TYPE_CHECKING:
    from comity.node.proving import Logged

BROKEN = 20
CHECKPOINT_BYTES_MAX = 1024 * 1024
_FILE = click.Path(path_type=Path)


@click.group("ledger", cls=Group)
def ledger() -> None:
    """Show, prove and check what the node did."""


@ledger.command("verify", cls=Command)
@click.argument("file", required=False, type=_FILE)
@click.option(
    "--against", "held", multiple=True, type=_FILE, metavar="FILE", help="A checkpoint that you kept; may repeat."
)
@click.option("--key", "keys", multiple=True, metavar="VKEY", help="A verifier key that you trust; may repeat.")
@click.pass_context
def verify(context: click.Context, file: Path | None, held: tuple[Path, ...], keys: tuple[str, ...]) -> None:
    """Check the ledger of the node, or one that was exported to FILE.

    Every entry is compared with its commitment, every checkpoint with the entries; in the node every tile and every
    record of what left too. Exit 20 where the evidence does not hold, the first bad entry first. An end that was cut
    off is found only against a checkpoint that is held elsewhere.
    """
    from comity.ledger.audit import CLAIM

    console = context.ensure_object(Console)
    if keys and file is None:
        raise click.UsageError("--key goes with FILE: the node has its own keys.", context)
    notes = [_read(path) for path in held]
    found = _verify_node(console, notes) if file is None else _verify_file(console, file, keys, notes)
    if console.json:
        console.result({key: found[key] for key in ("ok", "size", "root", "problems")})
    else:
        console.say(f"{counted(found['size'], 'entry', 'entries')}: {found['counts']}, root {found['root']}")
        for one in found["problems"]:
            console.say_marked("✗", "31;1", "broken", f"entry {one['seq']}: {one['what']}")
        if found["more"]:
            console.say(f"and {found['more']} more")
        console.say("The evidence holds." if found["ok"] else "The evidence does not hold.")
    console.note(CLAIM)
    if not found["ok"]:
        context.exit(BROKEN)


def _verify_node(console: Console, notes: Sequence[bytes]) -> dict[str, Any]:
    from comity.node.home import open_home

    with open_home(console.home) as node:
        report = node.verify_ledger(notes)
    return _found(report, report.faults)


def _verify_file(console: Console, file: Path, keys: Sequence[str], notes: Sequence[bytes]) -> dict[str, Any]:
    from comity.ledger.audit import UNTRUSTED, audit

    try:
        with file.open("rb") as lines:
            report = audit(_lines(lines), keys, notes)
    except ValueError as error:
        raise Invalid(f"{error}.", where="key") from error
    if not report.trusted:
        console.note(UNTRUSTED)
    return _found(report, report.problems)


def _found(report: Any, problems: Sequence[Any]) -> dict[str, Any]:
    """What both ways to check tell."""
    import base64

    counts = (
        f"{report.opened} open, {report.closed} closed, {counted(report.checkpoints, 'checkpoint')} agree, and"
        f" {report.held} of those held elsewhere"
    )
    return {
        "ok": report.ok,
        "size": report.size,
        "root": base64.b64encode(report.root).decode(),
        "problems": [{"seq": each.seq, "what": each.what} for each in problems],
        "more": report.more,
        "counts": counts,
    }


def _lines(file: Any) -> Iterator[bytes]:
    """The lines of the file; one that is too long comes in parts, none of which is sound."""
    from comity.ledger.audit import LINE_BYTES_MAX

    while line := file.readline(LINE_BYTES_MAX):
        yield line


def _read(path: Path) -> bytes:
    from comity.node.system import read_begin

    return read_begin(path, CHECKPOINT_BYTES_MAX)


@ledger.command("head", cls=Command)
@pass_console
def head(console: Console) -> None:
    """Sign a checkpoint over all entries, and print it.

    Keep it elsewhere: against it an end that was cut off is found, and so is a history that was rewritten.
    """
    from comity.interfaces import instant_of
    from comity.node.home import open_home

    with open_home(console.home) as node:
        found = node.head()
    if console.json:
        at = instant_of(found.at)
        facts = {"origin": found.origin, "size": found.size, "at": at, "checkpoint": found.note}
        console.result(facts | {"keys": list(found.keys)})
        return
    console.bytes_out().write(found.note.encode())


@ledger.command("proof", cls=Command)
@click.argument("seq", type=click.IntRange(min=0))
@acts
@pass_console
def proof(console: Console, seq: int) -> None:
    """Prove that the entry SEQ is in the ledger.

    The proof is printed as a file (C2SP tlog-proof); --json has the record and the nonce too, which open the entry.
    """
    import base64

    with open_acting(console) as node:
        found = node.prove(seq)
    if not console.json:
        console.bytes_out().write(found.proof.encode())
        return
    facts = {
        "seq": found.seq,
        "commitment": base64.b64encode(found.commitment).decode(),
        "nonce": None if found.nonce is None else base64.b64encode(found.nonce).decode(),
        "record": None if found.record is None else found.record.decode(),
        "proof": found.proof,
    }
    console.result(facts)


@ledger.command("export", cls=Command)
@click.option("-o", "--output", required=True, metavar="FILE|-", help="Where to write; - is standard output.")
@click.option("--to", metavar="PARTNER", help="Open only what concerns this partner.")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@acts
@pass_console
def export(console: Console, output: str, to: str | None, force: bool) -> None:
    """Write the ledger into a file that anybody can check offline.

    With all its keys, its checkpoints, and one that is signed now. See: comity ledger verify FILE
    """
    with open_acting(console) as node, target(console, output, force=force) as file:
        count = node.export_ledger(file.write, to=to)
    words = f"Exported {counted(count, 'entry', 'entries')}"
    if output == "-":
        console.note(f"{words}.")
        return
    written = Path(output).stat().st_size
    if console.json:
        console.result({"entries": count, "file": path_text(output), "bytes": written})
        return
    console.say(f"{words} to {path_text(output)}, {size(written)}.")


@ledger.command("log", cls=Command)
@click.option("--kind", default="", metavar="K", help="Only entries of this kind.")
@click.option("--since", metavar="ISO", help="Only what was entered from then on: a date, or a time with its offset.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the last N.")
@acts
@pass_console
def log(console: Console, kind: str, since: str | None, limit: int | None) -> None:
    """List the entries, the oldest first.

    An entry whose opening was erased tells no more than that it was there.
    """
    begin = 0 if since is None else _instant(since)
    with open_acting(console) as node:
        found = node.ledger_log(kind=kind, since=begin, limit=limit)
        if console.json:
            console.result({"entries": [{"seq": one.seq, "record": one.record} for one in found]})
            return
        for one in found:
            console.say_fields(*_fields(one))


def _fields(one: "Logged") -> tuple[str, ...]:
    from comity.cli.console import json_text
    from comity.interfaces import instant_of

    if one.record is None:
        return (str(one.seq), "erased")
    facts = dict(one.record)
    at, kind = instant_of(facts.pop("at")), facts.pop("kind")
    told = " ".join(f"{name}={value if isinstance(value, str) else json_text(value)}" for name, value in facts.items())
    return (str(one.seq), f"{at:%FT%T}.{at.microsecond:06d}Z", kind, told)


@ledger.command("rotate", cls=Command)
@acts
@pass_console
def rotate(console: Console) -> None:
    """Sign with a new key from now on.

    The private half of the old one is destroyed, after it has signed all that it saw; what it signed stays proven.
    """
    with open_acting(console) as node:
        verifier = node.rotate_key()
    if console.json:
        console.result({"key": verifier})
        return
    console.say(verifier)
    console.note("Hand this key to those who check: it is what they trust.")


def _instant(text: str) -> int:
    from comity.interfaces import microseconds

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text!r} is no date or time of ISO 8601.", where="since") from None
    return microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
