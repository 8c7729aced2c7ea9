"""A release policy: rules in Cedar over the facets of `facets`, above a floor of forbids, with the cases that prove it.

A policy is only made from texts in which nothing was found wrong: the rules are read and validated strictly, each has
an `@id` and a `@title` of its own, each decides at least one of the cases, and every case comes out as it says.
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from comity.canonical import canonical_bytes
from comity.errors import Invalid, InvalidPolicy
from comity.release import cedar
from comity.release.classes import Action, Recipient, ReleaseClass
from comity.release.facets import class_attributes, from_iso, read_class, read_recipient, recipient_attributes, turns
from comity.release.problems import Problem, Read, instants_of, named_in, read_text, words_of

if TYPE_CHECKING:
    from cedarpy import PolicySet, Schema

CASES_MAX = 2_000
CASES_BYTES_MAX = 1024 * 1024
CASE_NOW = from_iso("2026-01-01T00:00:00Z")
"""The instant at which a case is asked that names none."""


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """A rule as people are told of it. With `approval` what it permits goes only after a second person let it go."""

    id: str
    title: str
    permits: bool = False
    approval: bool = False


@dataclass(frozen=True, slots=True)
class Floor:
    """The schema and the rules that no policy can loosen, read once."""

    text: str
    schema_text: str
    schema: "Schema" = field(repr=False, compare=False)
    rules: tuple[Rule, ...]
    names: frozenset[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Case:
    """What must come out for an object, a recipient and an action; `rule` is one that must have decided, if named."""

    name: str
    object: ReleaseClass
    recipient: Recipient
    action: Action
    now: int
    allow: bool
    rule: str


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules that may be asked. `digest` is over the canonical form of floor, rules and cases; `rules` are those of the
    floor and its own by id; `instants` those at which a date in its text can turn a decision; `words` the texts,
    `groups` the groups and `recipients` the ids that its own rules name."""

    text: str
    cases: tuple[Case, ...]
    digest: str
    rules: Mapping[str, Rule]
    own: tuple[Rule, ...]
    instants: frozenset[int]
    words: frozenset[str]
    groups: frozenset[str]
    recipients: frozenset[str]
    schema: "Schema" = field(repr=False, compare=False)
    handle: "PolicySet" = field(repr=False, compare=False)


def load_floor(schema_text: str, text: str) -> Floor:
    """The floor of those texts. InvalidPolicy where one is not sound, or a rule of the floor permits something."""
    try:
        schema = cedar.read_schema(schema_text)
    except ValueError as error:
        raise InvalidPolicy(f"The schema of policies cannot be read: {error}.", where="schema") from error
    names = frozenset(re.findall(r"[\w+-]+", schema_text)) - {"entity", "enum", "in", "appliesTo"}
    rules, problems = read_text(text, schema, names, floor=True)
    if problems:
        raise refusal(problems)
    wrong = [rule.id for rule in rules if rule.permits or not rule.id.startswith("floor.")]
    if wrong:
        raise InvalidPolicy(f"The rule {wrong[0]} of the floor permits, or is not called floor.…", where=wrong[0])
    return Floor(text, schema_text, schema, tuple(Rule(r.id, r.title) for r in rules), names)


def refusal(problems: Sequence[Problem]) -> InvalidPolicy:
    """The error that tells the first of the problems, and how many there are."""
    first = problems[0]
    more = f" There are {len(problems) - 1} more." if len(problems) > 1 else ""
    where = f"{first.document}:{first.line}:{first.column}"
    return InvalidPolicy(first.message + more, hint=first.hint, where=where, rule=first.rule)


def compile_policy(floor: Floor, text: str, cases: str) -> Policy:
    """The policy of these texts. InvalidPolicy, with its first problem, where any is found."""
    policy, problems = check_policy(floor, text, cases)
    if policy is None:
        raise refusal(problems)
    return policy


def check_policy(floor: Floor, text: str, cases: str) -> tuple[Policy | None, list[Problem]]:
    """The policy if nothing is wrong with rules, cases and outcomes, and else every problem that was found."""
    policy, problems = read_policy(floor, text, cases)
    if policy is None or problems:
        return None, problems
    problems = [problem for outcome in run_cases(policy, cases) for problem in outcome.problems]
    problems += _unused(policy, text, cases)
    return (None, problems) if problems else (policy, [])


def read_policy(floor: Floor, text: str, cases: str) -> tuple[Policy | None, list[Problem]]:
    """The policy as its texts have it, before its cases are tried; None and the problems where they cannot be read."""
    rules, problems = read_text(text, floor.schema, floor.names)
    read, faults = read_cases(cases)
    if problems or faults:
        return None, problems + faults
    return make_policy(floor, text, rules, tuple(read)), []


def make_policy(floor: Floor, text: str, rules: Sequence[Read], cases: tuple[Case, ...]) -> Policy:
    """Floor and rules in one set."""
    own = tuple(Rule(rule.id, rule.title, rule.permits, rule.approval) for rule in rules)
    forms = [*(rule.form for rule in rules), *cedar.json_form(floor.text)]
    said = [rule.form for rule in rules]
    value = {
        "floor": cedar.json_form(floor.text),
        "rules": sorted(said, key=lambda form: str(form.get("annotations"))),
        "schema": floor.schema_text,
        "cases": sorted((_canonical_case(case) for case in cases), key=canonical_bytes),
    }
    return Policy(
        text,
        cases,
        "sha256:" + hashlib.sha256(canonical_bytes(_exact(value))).hexdigest(),
        {rule.id: rule for rule in (*floor.rules, *own)},
        own,
        frozenset(turn for form in forms for instant in instants_of(form) for turn in turns(instant)),
        frozenset[str]().union(*(words_of(form) for form in said)),
        frozenset[str]().union(*(named_in(form, "Group") for form in said)),
        frozenset[str]().union(*(named_in(form, "Recipient") for form in said)),
        floor.schema,
        cedar.read_rules(f"{floor.text}\n{text}"),
    )


def _exact(value: Any) -> Any:
    """The value with its whole numbers as texts: Cedar's are longer than those of canonical JSON."""
    if isinstance(value, dict):
        return {key: _exact(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_exact(inner) for inner in value]
    return {"long": str(value)} if type(value) is int else value


def _canonical_case(case: Case) -> dict[str, Any]:
    return {
        "name": case.name,
        "object": class_attributes(case.object),
        "recipient": recipient_attributes(case.recipient) | {"id": case.recipient.id},
        "action": case.action.value,
        "now": str(case.now),
        "allow": case.allow,
        "rule": case.rule,
    }


def read_cases(text: str) -> tuple[list[Case], list[Problem]]:
    """The cases of a TOML document, or a JSON one if it begins with a brace, and what is wrong with them."""
    if len(text) > CASES_BYTES_MAX:
        return [], [Problem("cases", 1, 1, "", f"The cases are longer than {CASES_BYTES_MAX:,} characters.")]
    try:
        document = orjson.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (tomllib.TOMLDecodeError, orjson.JSONDecodeError, RecursionError) as error:
        found = re.search(r"line (\d+),? column (\d+)", str(error))
        line, column = (int(found[1]), int(found[2])) if found else (1, 1)
        return [], [Problem("cases", line, column, "", "The cases are neither TOML nor JSON there.", str(error)[:200])]
    given = document.get("case", [])
    others = [key for key in document if key != "case"]
    if others or not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        return [], [
            Problem("cases", 1, 1, "", "The cases are no list of tables [[case]].", "See comity policy starters.")
        ]
    if len(given) > CASES_MAX:
        return [], [Problem("cases", 1, 1, "", f"There are more than {CASES_MAX:,} cases.")]
    cases: list[Case] = []
    problems: list[Problem] = []
    for number, one in enumerate(given, 1):
        name = str(one.get("name", ""))
        try:
            cases.append(_read_case(one))
            if any(case.name == name for case in cases[:-1]):
                raise Invalid(f"Another case is called {name!r}.", hint="Give each a name of its own.")
        except Invalid as error:
            problems.append(
                Problem(
                    "cases", _line_of(text, name, number), 1, "", f"Case {name or number}: {error.message}", error.hint
                )
            )
    return cases, problems


_CASE_KEYS = {"name", "object", "recipient", "action", "now", "expect", "rule"}


def _read_case(one: Mapping[str, Any]) -> Case:
    unknown = sorted(one.keys() - _CASE_KEYS)
    if unknown:
        raise Invalid(f"A case has no {unknown[0][:40]!r}.", hint=f"It has {', '.join(sorted(_CASE_KEYS))}.")
    name, rule = one.get("name"), one.get("rule", "")
    if not isinstance(name, str) or not name.strip() or not isinstance(rule, str):
        raise Invalid("It has no name.", hint='Write name = "…", a sentence that says what it proves.')
    if one.get("expect") not in ("allow", "deny"):
        raise Invalid("It expects nothing.", hint='Write expect = "allow" or expect = "deny".')
    facets, recipient = one.get("object"), one.get("recipient", {})
    if not isinstance(facets, Mapping) or not isinstance(recipient, Mapping):
        raise Invalid("It has no object.", hint='Write object = { tlp = "green" }.')
    try:
        action = Action(one.get("action", "release"))
    except ValueError:
        raise Invalid("It names no action that there is.", hint=f"Actions: {', '.join(Action)}.") from None
    now = one.get("now", CASE_NOW)
    if now != CASE_NOW:
        try:
            now = from_iso(now if isinstance(now, str) else now.isoformat())
        except (AttributeError, ValueError):
            raise Invalid("Its `now` is no instant.", hint="Write now = 2026-03-01T00:00:00Z.") from None
    return Case(
        name, read_class(_dated(facets)), read_recipient(_dated(recipient)), action, now, one["expect"] == "allow", rule
    )


_INSTANTS = ("starts_at", "ends_at", "embargo_until", "agreement_from", "agreement_until")


def _dated(given: Mapping[str, Any]) -> dict[str, Any]:
    """The same facets; in JSON, which has no dates, instants are texts."""
    found = dict(given)
    for name in _INSTANTS:
        if isinstance(found.get(name), str):
            try:
                found[name] = datetime.fromisoformat(found[name])
            except ValueError:
                raise Invalid(f"`{name}` is no instant.", where=name) from None
    if isinstance(found.get("iep"), list):
        found["iep"] = [_dated(one) if isinstance(one, dict) else one for one in found["iep"]]
    return found


def _line_of(text: str, name: str, number: int) -> int:
    """The line of the case: where its name stands, else where the n-th table begins."""
    lines = text.splitlines()
    for at, line in enumerate(lines, 1):
        if name and re.match(r'\s*"?name"?\s*[=:]', line) and name in line:
            return at
    begun = [at for at, line in enumerate(lines, 1) if line.strip() == "[[case]]"]
    return begun[number - 1] if number <= len(begun) else 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """A case, what was decided, by which rules, and what is wrong with that."""

    case: Case
    allowed: bool
    because: tuple[str, ...]
    problems: tuple[Problem, ...]


def run_cases(policy: Policy, text: str = "") -> list[Outcome]:
    """Each case of the policy, tried; `text` is the document of the cases, for the places of problems."""
    from comity.release.decide import decide

    found = []
    for number, case in enumerate(policy.cases, 1):
        decision = decide(policy, case.object, case.recipient, case.action, case.now)
        because = tuple(rule.id for rule in decision.because)
        wrong = ""
        if decision.allowed != case.allow:
            wrong = (
                f"expects {'allow' if case.allow else 'deny'}, and it is {'allowed' if decision.allowed else 'denied'}"
            )
        elif case.rule and case.rule not in because:
            wrong = f"should be decided by {case.rule}"
        line = _line_of(text, case.name, number)
        problem = Problem(
            "cases", line, 1, case.rule, f"Case {case.name!r} {wrong}.", f"It was decided by {', '.join(because)}."
        )
        found.append(Outcome(case, decision.allowed, because, (problem,) if wrong else ()))
    return found


def unused_rules(policy: Policy) -> list[Rule]:
    """The policy's own rules that decide none of its cases."""
    used = {name for outcome in run_cases(policy) for name in outcome.because}
    return [rule for rule in policy.own if rule.id not in used]


def _unused(policy: Policy, text: str, cases: str) -> list[Problem]:
    found = []
    for rule in unused_rules(policy):
        at = text.find(f'"{rule.id}"')
        line = text.count("\n", 0, max(at, 0)) + 1
        hint = "Add a case that it decides; a rule that can decide none is a mistake."
        found.append(Problem("policy", line, 1, rule.id, f"The rule {rule.id} decides no case.", hint))
    return found
