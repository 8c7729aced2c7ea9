"""The policy in force with its cases and its past; and another one, tried and compared before it is put in force."""

import difflib
import functools
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Any

from comity.errors import ComityError, Conflict, NotFound
from comity.node.people import ADMIN, ROLES
from comity.node.policies import policy_texts, starter_texts
from comity.release.policy import Floor, Outcome, Policy, check_policy, load_floor, read_policy, run_cases
from comity.release.problems import Problem
from comity.release.text import TEXT_MAX, fill
from comity.web.answer import Answer
from comity.web.ui.fields import path, refused, seal
from comity.web.ui.partners import seconds_of
from comity.web.ui.visit import Form, Page, Visit

LINES_MOST = 400
BLANKS = {"green-community": ("community", "GROUP"), "bilateral-amber": ("partner", "PARTNER")}
"""What a starter leaves open: the parameter that fills it, and the word in its text."""
FORM_BYTES_MOST = 4 * TEXT_MAX
OF = "web"
"""What the log says of where such a policy came from."""


@dataclass(frozen=True, slots=True)
class Found:
    """A problem with the line that it is in."""

    problem: Problem
    line: str


def policy(visit: Visit) -> Answer:
    """The policy in force, or a former version where the address names one."""
    log = visit.node.policy_log()
    version = visit.parameter("version")
    if version:
        chosen = next(((record, texts) for record, texts in log if str(record.version) == version), None)
        if chosen is None:
            raise NotFound(f"There is no version {version[:20]!r} of the policy.", where="version")
    else:
        chosen = log[0] if log else None
    text, cases = (chosen[1].text, chosen[1].cases) if chosen else starter_texts()["nothing"]
    made, outcomes = tried(text, cases)
    return visit.page(
        "policy.html",
        text=text,
        cases=cases,
        record=chosen[0] if chosen else None,
        of=chosen[1].of if chosen else "",
        made=made,
        floor=the_floor(),
        outcomes=outcomes,
        log=log,
        newest=not log or chosen is log[0],
        starters=[(name, first_sentence(one), name in BLANKS) for name, (one, _) in starter_texts().items()],
    )


@functools.cache
def the_floor() -> Floor:
    """What no policy of a node goes below."""
    return load_floor(*policy_texts())


@functools.lru_cache(maxsize=4)
def tried(text: str, cases: str) -> tuple[Policy | None, list[Outcome]]:
    """The policy of these texts and what comes out of its cases; kept, since a page that is only looked at is quick."""
    made, _ = read_policy(the_floor(), text, cases)
    return made, run_cases(made) if made else []


def first_sentence(text: str) -> str:
    """What the comment at the head of a policy says first."""
    lines = takewhile(lambda line: line.startswith("// "), text.splitlines())
    sentence, dot, _ = " ".join(line.removeprefix("// ") for line in lines).partition(". ")
    return sentence + dot.strip()


# -- another one -------------------------------------------------------------------------------------------------------
def edit(visit: Visit) -> Answer:
    """The texts in one form: those in force, or of a starter."""
    text, cases = _texts(visit)
    starter = visit.parameter("starter")
    if starter:
        found = starter_texts()
        if starter not in found:
            raise NotFound(
                f"No starter is called {starter[:40]!r}.", where="starter", hint=f"Here: {', '.join(found)}."
            )
        text, cases = found[starter]
        parameter, blank = BLANKS.get(starter, ("", ""))
        if value := visit.parameter(parameter) if parameter else "":
            text, cases = fill(text, blank, value), fill(cases, blank, value)
    return visit.page("policy-edit.html", error=None, **_context(visit, text, cases))


def change(visit: Visit, form: Form) -> Answer:
    """The texts are checked and tried; what they change is shown, and only what was shown is put in force."""
    text, cases = (form.one(name).replace("\r\n", "\n") for name in ("text", "cases"))
    go, base = form.one("go"), form.one("base")
    context = _context(visit, text, cases, base)
    made, problems = check_policy(the_floor(), text, cases)
    context |= {"problems": _found(problems, text, cases), "checked": True}
    context["outcomes"] = tried(text, cases)[1]
    if made is None or go == "check":
        return visit.page("policy-edit.html", status=200 if made else 422, error=None, **context)
    try:
        if base != visit.node.policy().digest:
            raise Conflict("Another policy was put in force meanwhile.", where="base", hint="Look at what it says.")
        trial = visit.node.apply_policy(text, cases, OF, dry_run=True)
        names = {one.id: one.name for one in visit.node.partners()}
        told = trial.difference.to_json(names)
        context |= {"told": told, "shown": seal([told, made.digest]), "seconds": seconds_of(visit)}
        context["lines"] = _lines(visit, text)
        if go != "apply" or made.digest == base:
            return visit.page("policy-edit.html", error=None, **context)
        if form.one("shown") != context["shown"]:
            raise Conflict("What it would change is not what was shown.", where="shown", rule="R14", hint="Look again.")
        done = visit.node.apply_policy(text, cases, OF)
    except ComityError as error:
        return refused(visit, "policy-edit.html", error, **context)
    if done.waits:
        return visit.go(path("approvals", done.waits), done="proposed")
    return visit.go("/policy", done="applied")


def _texts(visit: Visit) -> tuple[str, str]:
    log = visit.node.policy_log()
    return (log[0][1].text, log[0][1].cases) if log else starter_texts()["nothing"]


def _context(visit: Visit, text: str, cases: str, base: str = "") -> dict[str, Any]:
    present = visit.node.policy().digest
    return {
        "text": text,
        "cases": cases,
        "base": base or present,
        "present": present,
        "checked": False,
        "problems": [],
        "outcomes": [],
        "told": None,
        "shown": "",
        "seconds": [],
        "lines": [],
    }


def _found(problems: list[Problem], text: str, cases: str) -> list[Found]:
    lines = {"policy": text.splitlines(), "cases": cases.splitlines()}
    return [Found(one, "".join(lines[one.document][one.line - 1 : one.line])) for one in problems]


def _lines(visit: Visit, text: str) -> list[tuple[str, str]]:
    """The lines that come and go, each with its sign."""
    before = _texts(visit)[0].splitlines()
    made = difflib.unified_diff(before, text.splitlines(), n=1, lineterm="")
    shown = [("…", "") if line.startswith("@@") else (line[:1], line[1:]) for line in islice(made, 2, None)]
    return shown[1:LINES_MOST]


_ALL, _ADMIN = frozenset(ROLES), frozenset({ADMIN})
PAGES = (
    Page("/policy", policy, _ALL),
    Page(
        "/policy/edit",
        edit,
        _ADMIN,
        change,
        _ADMIN,
        bytes_max=FORM_BYTES_MOST,
        fields=("text", "cases", "go", "base", "shown"),
    ),
)
