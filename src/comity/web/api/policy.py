"""The policy in force and its past; and another one, tried and compared before it is put in force."""

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta

from comity.errors import NotFound
from comity.node.people import ADMIN, ROLES
from comity.node.policies import starter_texts
from comity.release.policy import check_policy
from comity.release.text import TEXT_MAX
from comity.web.api.changing import Difference, DryRun, told_of
from comity.web.api.operation import Ask, Given, Operation, Told, at
from comity.web.ui.policy import FORM_BYTES_MOST, the_floor, tried

Text = Annotated[str, Meta(max_length=TEXT_MAX)]
NOTHING = "nothing"
"""The starter that a node without a policy has."""


class Tried(Told, frozen=True, kw_only=True):
    """A case of a policy: whether it is allowed, by which rules, and what is wrong with that."""

    name: str
    allowed: bool
    because: list[str]
    problems: list[str]


class PolicyOf(Told, frozen=True, kw_only=True):
    """A policy: its version, 0 where none was ever put in force; its digest, rules, cases, and what comes out."""

    version: int
    at: datetime | None
    of: str
    digest: str
    text: str
    cases: str
    outcomes: list[Tried]


class Version(Told, frozen=True, kw_only=True):
    """A version of the policy."""

    version: int
    at: datetime
    digest: str
    of: str


class PolicyVersions(Told, frozen=True, kw_only=True):
    """Every version, the newest first."""

    items: list[Version]


class Chosen(Given, frozen=True, kw_only=True):
    """A former version, or 0 for the one in force."""

    version: Annotated[int, Meta(ge=0, le=2**31)] = 0


class Starter(Told, frozen=True, kw_only=True):
    """A policy to begin with."""

    name: str
    text: str
    cases: str


class Starters(Told, frozen=True, kw_only=True):
    """The policies to begin with."""

    items: list[Starter]


class Texts(Given, frozen=True, kw_only=True):
    """The rules of a policy and its cases."""

    text: Text
    cases: Text


class Applied(Texts, frozen=True, kw_only=True):
    """The same, and what it was made from."""

    of: Annotated[str, Meta(max_length=200)] = "api"


class ProblemOf(Told, frozen=True, kw_only=True):
    """What is wrong with a text, and where: line and column from 1."""

    document: str
    line: int
    column: int
    rule: str
    message: str
    hint: str


class Checked(Told, frozen=True, kw_only=True):
    """What was found of a policy that is not in force; the difference that it would make, where it is sound."""

    sound: bool
    digest: str | None
    problems: list[ProblemOf]
    outcomes: list[Tried]
    difference: dict[str, Any] | None = None


class PolicyChange(Difference, frozen=True, kw_only=True):
    """What became of it: the version that is in force now, and in how many cells this one allows more, or less."""

    version: int
    digest: str
    cases: int
    widens: int
    narrows: int


def show(ask: Ask) -> PolicyOf:
    """The policy in force, or a former version."""
    wanted = ask.query.version
    log = ask.node.policy_log()
    chosen = log[0] if log else None
    if wanted:
        chosen = next((one for one in log if one[0].version == wanted), None)
        if chosen is None:
            raise NotFound(f"There is no version {wanted} of the policy.", where="version")
    if chosen is None:
        text, cases = starter_texts()[NOTHING]
        digest = ask.node.policy().digest
        return PolicyOf(version=0, at=None, of="", digest=digest, text=text, cases=cases, outcomes=_tried(text, cases))
    record, texts = chosen
    return PolicyOf(
        version=record.version,
        at=at(record.changed_at),
        of=texts.of,
        digest=texts.digest,
        text=texts.text,
        cases=texts.cases,
        outcomes=_tried(texts.text, texts.cases),
    )


def _tried(text: str, cases: str) -> list[Tried]:
    return [
        Tried(
            name=one.case.name,
            allowed=one.allowed,
            because=list(one.because),
            problems=[each.message for each in one.problems],
        )
        for one in tried(text, cases)[1]
    ]


def versions(ask: Ask) -> PolicyVersions:
    """Every version that was ever in force."""
    found = []
    for record, texts in ask.node.policy_log():
        moment = at(record.changed_at)
        assert moment is not None
        found.append(Version(version=record.version, at=moment, digest=texts.digest, of=texts.of))
    return PolicyVersions(items=found)


def starters(_ask: Ask) -> Starters:
    """The policies to begin with."""
    return Starters(
        items=[Starter(name=name, text=text, cases=cases) for name, (text, cases) in starter_texts().items()]
    )


def check(ask: Ask) -> Checked:
    """What is wrong with a policy, what comes out of its cases, and what it would change; nothing changes."""
    given: Texts = ask.body
    made, problems = check_policy(the_floor(), given.text, given.cases)
    told = [
        ProblemOf(
            document=one.document,
            line=one.line,
            column=one.column,
            rule=one.rule,
            message=one.message,
            hint=one.hint,
        )
        for one in problems
    ]
    outcomes = _tried(given.text, given.cases)
    if made is None:
        return Checked(sound=False, digest=None, problems=told, outcomes=outcomes)
    trial = ask.node.apply_policy(given.text, given.cases, dry_run=True)
    difference = told_of(ask.node, trial)["difference"]
    return Checked(sound=True, digest=made.digest, problems=told, outcomes=outcomes, difference=difference)


def put(ask: Ask) -> PolicyChange:
    """It is in force, or waits for a second person."""
    given: Applied = ask.body
    done = ask.node.apply_policy(given.text, given.cases, given.of, dry_run=ask.query.dry_run)
    return PolicyChange(
        version=done.version,
        digest=done.digest,
        cases=done.cases,
        widens=done.widens,
        narrows=done.narrows,
        **told_of(ask.node, done),
    )


_ALL, _ADMIN = frozenset(ROLES), frozenset({ADMIN})
OPERATIONS = (
    Operation("GET", "/policy", show, _ALL, "The policy in force, or a former one", PolicyOf, Chosen),
    Operation(
        "PUT", "/policy", put, _ADMIN, "Put another in force", PolicyChange, DryRun,
        body=Applied, waits=True, guarded=True, bytes_max=FORM_BYTES_MOST,
    ),
    Operation(
        "POST", "/policy/check", check, _ADMIN, "What another would change", Checked,
        body=Texts, again=True, bytes_max=FORM_BYTES_MOST,
    ),
    Operation("GET", "/policy/versions", versions, _ALL, "Its past", PolicyVersions),
    Operation("GET", "/policy/starters", starters, _ALL, "Policies to begin with", Starters),
)  # fmt: skip
