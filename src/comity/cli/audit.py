"""`comity audit`: the log of what our own people read and did."""

from typing import Any

import click

from comity.cli.acting import acts, open_acting
from comity.cli.console import Console, json_text, path_text
from comity.cli.options import Command, Group, pass_console
from comity.errors import Invalid, Unverified

_UNTIL = 2**62


@click.group("audit", cls=Group)
def audit() -> None:
    """Say who of our own people read and did what."""


@audit.command("log", cls=Command)
@click.option("--account", default="", metavar="A", help="Only of this account or token, by name or id.")
@click.option("--since", metavar="ISO", help="Only from this time on.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="How many at most.")
@acts
@pass_console
def log(console: Console, account: str, since: str | None, limit: int) -> None:
    """Print the newest rows of the log, the oldest of them first."""
    from comity.node.audit_report import row_facts

    with open_acting(console) as node:
        rows = [row_facts(row) for row in node.audit_log(account=account, since=_instant(since, 0), limit=limit)]
    if console.json:
        console.result({"items": rows})
        return
    keys = ("number", "at", "account", "act", "what", "purpose")
    console.table(keys, [[json_text(row[key]) if key == "what" else row[key] for key in keys] for row in rows])
    if not rows:
        console.note("Nothing of that was noted.")


@audit.command("verify", cls=Command)
@pass_console
def verify(console: Console) -> None:
    """Compute the chain of the log anew; exit 20 where a row is missing, changed, moved or too many."""
    from comity.node.home import open_home

    with open_home(console.home) as node:
        bad = node.first_bad_audit_row()
    if bad is not None:
        hint = "Restore a backup on trial, and compare: comity restore BACKUP --dry-run"
        raise Unverified(f"The audit log does not hold from row {bad} on.", where="audit", rule="R44", hint=hint)
    if console.json:
        console.result({"holds": True})
    else:
        console.say("The audit log holds.")


@audit.command("report", cls=Command)
@click.option("--from", "since", metavar="ISO", help="From this time on; unless given, of the last 30 days.")
@click.option("--to", "until", metavar="ISO", help="Before this time; unless given, until now.")
@click.option("--partner", metavar="PARTNER", help="Only what concerns this one.")
@click.option("-o", "--output", default="-", metavar="FILE|-", help="Where to write it as JSON.")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@acts
@pass_console
def report(
    console: Console, since: str | None, until: str | None, partner: str | None, output: str, force: bool
) -> None:
    """Print what an auditor wants of a period.

    Releases, overrides, approvals, policies with their text, tokens and roles, failed sign-ins, exports, who read what
    is restricted, and accounts and tokens that nobody used for 90 days.
    """
    from comity.cli.writing import target
    from comity.interfaces import microseconds
    from comity.node.audit_report import DAY_US

    with open_acting(console) as node:
        now = microseconds(node.clock.now())
        begin, end = _instant(since, now - 30 * DAY_US), _instant(until, now + 1)
        if begin >= end:
            raise Invalid("The period ends before it begins.", where="to")
        found = node.audit_report(begin, end, partner)
    if output != "-":
        with target(console, output, force=force) as file:
            file.write(json_text(found).encode() + b"\n")
        console.say(f"Wrote the report to {path_text(output)}.")
    elif console.json:
        console.result(found)
    else:
        _tell(console, found)


def _instant(text: str | None, default: int) -> int:
    """The time in microseconds since 1970; UTC where it names no offset."""
    from datetime import UTC, datetime

    from comity.interfaces import microseconds

    if text is None:
        return default
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(
            f"{text[:40]!r} is no time.", where="time", hint="Give 2026-03-04 or 2026-03-04T05:06Z."
        ) from None
    return microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


_SECTIONS = {
    "overrides": ("at", "act", "by"),
    "approvals": ("asked_at", "change", "state", "asked_by", "decided_by"),
    "policies": ("at", "version", "of", "digest"),
    "tokens": ("at", "name", "what"),
    "accounts": ("at", "name", "user", "state", "roles", "had"),
    "settings": ("at", "what"),
    "failed_sign_ins": ("at", "what"),
    "exports": ("at", "name", "act", "what", "purpose"),
    "restricted_reads": ("account", "name", "pages", "restricted", "purposes", "last"),
    "told": ("account", "name", "act", "times"),
    "reviews_due": ("kind", "id", "name", "last_used"),
}


def _tell(console: Console, found: dict[str, Any]) -> None:
    """Each part under its name; of releases the sums, since there is one a page. `--json` has all of it."""
    from comity.cli.terminal import exact

    console.say(f"{found['node']}, {exact(found['from'])} to {exact(found['to'])}")
    sums: dict[str, list[int]] = {}
    for one in found["releases"]:
        of = sums.setdefault(one["partner"], [0, 0, 0])
        for place, more in enumerate((1, one["objects"], one["again"])):
            of[place] += more
    console.say(f"releases: {len(found['releases'])}")
    console.table(("partner", "pages", "objects", "again"), [[name, *of] for name, of in sorted(sums.items())])
    for part, keys in _SECTIONS.items():
        console.say(f"{part.replace('_', ' ')}: {len(found[part])}")
        console.table(keys, [[_cell(one[key]) for key in keys] for one in found[part]])


def _cell(value: Any) -> Any:
    if isinstance(value, dict):
        return json_text(value)
    if isinstance(value, list | set):
        return ", ".join(sorted(map(str, value)))
    return "" if value is None else value
