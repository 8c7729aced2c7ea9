"""`comity policy`: release policies as files, before any node runs them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from comity.cli.acting import acts, open_acting
from comity.cli.console import Console, path_text
from comity.cli.options import Command, Group, pass_console
from comity.cli.terminal import counted

if TYPE_CHECKING:
    from comity.release.policy import Case, Floor, Policy
    from comity.release.problems import Problem

CELLS_SHOWN = 40
CELLS_MAX = 1_000
_file = click.Path(path_type=Path)
_cases = click.option("--cases", "cases", type=_file, metavar="FILE", help="The cases, where they are elsewhere.")


@click.group("policy", cls=Group)
def policy() -> None:
    """Check, try, compare and apply release policies."""


@policy.command("check", cls=Command)
@click.argument("file", type=_file)
@_cases
@click.pass_context
def check(context: click.Context, file: Path, cases: Path | None) -> None:
    """Say whether the policy in FILE holds: its rules are sound, and its cases come out; exit 5 where not."""
    from comity.release.policy import check_policy

    console = context.ensure_object(Console)
    text, beside, where = _texts(file, cases)
    made, problems = check_policy(_floor(), text, beside)
    told = [_problem(problem, file, where) for problem in problems]
    if console.json:
        sound = {"digest": made.digest, "rules": len(made.own), "cases": len(made.cases)} if made else {"digest": None}
        console.result({"file": path_text(file), **sound, "problems": told})
    elif made is not None:
        size = f"{counted(len(made.own), 'rule')}, {counted(len(made.cases), 'case')}"
        console.say(f"{path_text(file)} holds: {size}, {made.digest}")
    else:
        _say_problems(console, told)
    if problems:
        context.exit(5)


@policy.command("test", cls=Command)
@click.argument("file", type=_file)
@_cases
@click.pass_context
def test(context: click.Context, file: Path, cases: Path | None) -> None:
    """Try each case of the policy in FILE and tell what was decided; exit 5 where one does not come out."""
    from comity.release.policy import read_policy, run_cases, unused_rules

    console = context.ensure_object(Console)
    text, beside, where = _texts(file, cases)
    made, problems = read_policy(_floor(), text, beside)
    outcomes = run_cases(made, beside) if made else []
    unused = [rule.id for rule in unused_rules(made)] if made else []
    failed = any(outcome.problems for outcome in outcomes)
    if console.json:
        rows = [
            {
                "name": outcome.case.name,
                "passed": not outcome.problems,
                "decision": _word(outcome.allowed),
                "rules": list(outcome.because),
            }
            for outcome in outcomes
        ]
        told = [_problem(problem, file, where) for problem in problems]
        console.result({"cases": rows, "unused": unused, "problems": told})
    else:
        _say_problems(console, [_problem(problem, file, where) for problem in problems])
        for outcome in outcomes:
            words = f"{outcome.case.name}: {_word(outcome.allowed)} by {', '.join(outcome.because)}"
            if outcome.problems:
                console.say_marked("✗", "31", "failed", words)
            else:
                console.say_marked("✓", "32", "passed", words)
        for name in unused:
            console.say_marked("!", "33", "unused", f"The rule {name} decides no case.")
    if problems or failed or unused:
        context.exit(5)


@policy.command("diff", cls=Command)
@click.argument("old", type=_file)
@click.argument("new", type=_file)
@click.option("--cases", "cases", type=_file, metavar="FILE", help="Cases with more objects and recipients to ask for.")
@pass_console
def diff(console: Console, old: Path, new: Path, cases: Path | None) -> None:
    """List what the policy in NEW decides otherwise than that in OLD, over a sample of objects and recipients."""
    from comity.release.compare import difference

    floor = _floor()
    cells = difference(_read(floor, old), _read(floor, new), _more(cases))
    widened = sum(cell.widened for cell in cells)
    if console.json:
        rows = [
            {
                "change": "widened" if cell.widened else "narrowed",
                "action": cell.action.value,
                "cell": cell.explain(),
                "rules": list(cell.rules),
            }
            for cell in cells[:CELLS_MAX]
        ]
        console.result({"widened": widened, "narrowed": len(cells) - widened, "cells": rows})
        return
    shown = cells[:CELLS_SHOWN] if console.terminal else cells
    for cell in shown:
        if cell.widened:
            console.say_marked("+", "33", "widened", cell.explain())
        else:
            console.say_marked("-", "32", "narrowed", cell.explain())
    if len(shown) < len(cells):
        console.note(f"{len(cells) - len(shown):,} more are not shown.")
    console.note(f"{counted(widened, 'cell')} widened, {len(cells) - widened:,} narrowed.")


_BLANKS = {"green-community": ("community", "GROUP"), "bilateral-amber": ("partner", "PARTNER")}


@policy.command("starters", cls=Command)
@click.argument("name", required=False)
@click.option("--community", metavar="GROUP", help="The group of `green-community`.")
@click.option("--partner", metavar="ID", help="The partner of `bilateral-amber`.")
@click.option(
    "--to", "to", type=_file, metavar="FILE", help="Write rules to FILE and cases beside it, ending in .toml."
)
@pass_console
def starters(console: Console, name: str | None, community: str | None, partner: str | None, to: Path | None) -> None:
    """List the policies that come with Comity, or show the one called NAME, to begin with."""
    from comity.errors import NotFound
    from comity.node.policies import starter_texts
    from comity.node.system import write_private
    from comity.release.text import fill

    found = starter_texts()
    if name is None:
        rows = [(one, _first_comment(text)) for one, (text, _) in found.items()]
        if console.json:
            console.result({"starters": [{"name": one, "title": words} for one, words in rows]})
        else:
            console.table(("name", "title"), rows)
        return
    if name not in found:
        raise NotFound(f"No starter is called {name[:40]!r}.", where="name", hint=f"There are {', '.join(found)}.")
    text, cases = found[name]
    option, blank = _BLANKS.get(name, ("", ""))
    value = {"community": community, "partner": partner}.get(option)
    if value is not None:
        text, cases = fill(text, blank, value), fill(cases, blank, value)
    if to is not None:
        write_private(to, text.encode())
        write_private(to.with_suffix(".toml"), cases.encode())
    if console.json:
        console.result({"name": name, "policy": text, "cases": cases})
    elif to is None:
        for line in text.splitlines():
            console.say(line)
    else:
        console.say(f"Wrote {path_text(to)} and {path_text(to.with_suffix('.toml'))}.")


@policy.command("apply", cls=Command)
@click.argument("file", type=_file, required=False)
@click.option("--cases", "cases", type=_file, metavar="FILE", help="The cases, where they are elsewhere.")
@click.option("--starter", metavar="NAME", help="A policy that comes with Comity, instead of FILE.")
@click.option("--community", metavar="GROUP", help="The group of `green-community`.")
@click.option("--partner", metavar="ID", help="The partner of `bilateral-amber`.")
@click.option("--dry-run", is_flag=True, help="Show what it would change, and change nothing.")
@acts
@pass_console
def apply(
    console: Console,
    file: Path | None,
    cases: Path | None,
    starter: str | None,
    community: str | None,
    partner: str | None,
    dry_run: bool,
) -> None:
    """Put the policy in FILE, or a starter, in force from the next request on.

    What widens waits for a second person, where the node has accounts of two.
    """
    from comity.cli.changes import facts_of, say_change
    from comity.errors import NotFound
    from comity.node.policies import starter_texts
    from comity.release.text import fill

    if (file is None) == (starter is None):
        raise click.UsageError("Give FILE, or --starter NAME.")
    if file is not None:
        text, beside, _ = _texts(file, cases)
    else:
        found = starter_texts()
        if starter not in found:
            raise NotFound(f"No starter is called {str(starter)[:40]!r}.", where="starter")
        text, beside = found[starter]
        option, blank = _BLANKS.get(starter, ("", ""))
        value = {"community": community, "partner": partner}.get(option)
        if option and value is None:
            raise click.UsageError(f"{starter} needs --{option}.")
        if value is not None:
            text, beside = fill(text, blank, value), fill(beside, blank, value)
    with open_acting(console) as node:
        done = node.apply_policy(text, beside, starter or path_text(file or Path()), dry_run=dry_run)
        told = facts_of(node, done)
    if console.json:
        facts = {"version": done.version, "digest": done.digest, "cases": done.cases}
        console.result(facts | {"widens": done.widens, "narrows": done.narrows} | told)
        return
    if done.waits or dry_run:
        console.say(f"Version {done.version} stays in force; {counted(done.cases, 'case')} prove the new one.")
    else:
        console.say(f"Version {done.version} is in force; {counted(done.cases, 'case')} prove it.")
    say_change(console, told)


@policy.command("log", cls=Command)
@pass_console
def log(console: Console) -> None:
    """List the policies that were put in force, the newest first."""
    from comity.interfaces import instant_of
    from comity.node.home import open_home
    from comity.node.people import ALONE

    with open_home(console.home) as node:
        found = node.policy_log()
        note = "" if node.is_watched() else ALONE
    rows = [(record.version, instant_of(record.changed_at), texts.of, texts.digest) for record, texts in found]
    keys = ("version", "at", "of", "digest")
    if console.json:
        console.result({"items": [dict(zip(keys, row, strict=True)) for row in rows], "note": note})
        return
    console.table(keys, rows)
    if note:
        console.note(note)


def _first_comment(text: str) -> str:
    return text.split("\n", 1)[0].removeprefix("// ")


def _floor() -> "Floor":
    from comity.node.policies import policy_texts
    from comity.release.policy import load_floor

    return load_floor(*policy_texts())


def read_texts(file: Path, cases: Path | None) -> tuple[str, str]:
    """The rules in FILE and their cases, as `apply` takes them."""
    text, beside, _ = _texts(file, cases)
    return text, beside


def _texts(file: Path, cases: Path | None) -> tuple[str, str, Path]:
    """Rules and cases, and where the cases are: named, else beside the rules in a file that ends in .toml or .json."""
    beside = [file.with_suffix(".toml"), file.with_suffix(".json")]
    where = cases or next((path for path in beside if path.exists()), beside[0])
    return _text(file), _text(where) if cases or where.exists() else "", where


def _text(file: Path) -> str:
    from comity.errors import InvalidPolicy
    from comity.node.system import read_begin
    from comity.release.policy import CASES_BYTES_MAX

    try:
        # A file that is cut here is longer than what is taken, which the reader of it says.
        return read_begin(file, 4 * CASES_BYTES_MAX + 4).decode()
    except UnicodeDecodeError as error:
        raise InvalidPolicy(f"{path_text(file)} is not UTF-8 text.", where=path_text(file)) from error


def _read(floor: "Floor", file: Path) -> "Policy":
    from comity.release.policy import read_policy, refusal

    text, beside, _ = _texts(file, None)
    made, problems = read_policy(floor, text, beside)
    if made is None:
        error = refusal(problems)
        error.where = f"{path_text(file)}: {error.where}"
        raise error
    return made


def _more(cases: Path | None) -> "Sequence[Case]":
    from comity.release.policy import read_cases, refusal

    if cases is None:
        return ()
    found, problems = read_cases(_text(cases))
    if problems:
        raise refusal(problems)
    return found


def _problem(problem: "Problem", file: Path, cases: Path) -> dict[str, Any]:
    return {
        "file": path_text(file if problem.document == "policy" else cases),
        "line": problem.line,
        "column": problem.column,
        "rule": problem.rule,
        "message": problem.message,
        "hint": problem.hint,
    }


def _say_problems(console: Console, told: Sequence[dict[str, Any]]) -> None:
    for one in told:
        rule = f" ({one['rule']})" if one["rule"] else ""
        console.say(f"{one['file']}:{one['line']}:{one['column']}: {one['message']}{rule}")
        if one["hint"]:
            console.note(f"  {one['hint']}")


def _word(allowed: bool) -> str:
    return "allow" if allowed else "deny"
