"""Who may have what: floor and policy are one set and one question, and whatever could not be evaluated withholds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from comity.release import cedar
from comity.release.classes import Action, Recipient, Relation, ReleaseClass
from comity.release.facets import (
    FAR_AHEAD,
    Inexpressible,
    change_points,
    class_attributes,
    recipient_attributes,
    recipient_parents,
    to_iso,
)
from comity.release.policy import Policy, Rule

NOTHING_PERMITS = Rule("gate.nothing-permits", "Nothing permits it")
FAILED = Rule("gate.failed", "It could not be decided, so it is withheld")
ATTRIBUTION = Rule(
    "gate.attribution", "The IEP policy of its source demands that it is named, and naming it is not allowed"
)
PERSONAL_DATA = Rule(
    "gate.personal-data", "It holds personal data where nothing can be redacted, and showing it is not allowed"
)
GATE_RULES = (NOTHING_PERMITS, FAILED, ATTRIBUTION, PERSONAL_DATA)
"""What the gate itself says; Cedar names no rule where nothing permits, and asks no second question."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided. `because` are the rules that decided, `failed` what could not be evaluated, `valid_until` the
    next instant (microseconds since 1970) at which a date can change it; None: no date will."""

    allowed: bool
    because: tuple[Rule, ...]
    failed: tuple[str, ...] = ()
    valid_until: int | None = None

    @property
    def waits(self) -> bool:
        """Whether it is allowed, and every rule that allows it wants a second person."""
        return self.allowed and all(rule.approval for rule in self.because)

    def explain(self) -> str:
        """One line for a person."""
        verdict = "withheld" if not self.allowed else "allowed after approval" if self.waits else "allowed"
        words = "; ".join(f"{rule.title} ({rule.id})" for rule in self.because)
        until = f", until {to_iso(self.valid_until)}" if self.valid_until is not None else ""
        return f"{verdict}{until}: {words}"


def decide(policy: Policy, facets: ReleaseClass, recipient: Recipient, action: Action, now: int) -> Decision:
    """The decision on one class; `now` is microseconds since 1970."""
    return decide_all(policy, [facets], recipient, action, now)[0]


def decide_all(
    policy: Policy, classes: Sequence[ReleaseClass], recipient: Recipient, action: Action, now: int
) -> list[Decision]:
    """The decision on each class, in one batch; classes that policy cannot tell apart are asked about once."""
    try:
        principal = _principal(recipient)
        moment = to_iso(now)
    except Inexpressible as error:
        return [_withheld(str(error))] * len(classes)
    asked: dict[bytes, tuple[ReleaseClass, dict[str, Any]]] = {}
    keys: list[bytes | str] = []
    for one in classes:
        try:
            attributes = class_attributes(one)
        except Inexpressible as error:
            keys.append(str(error))
            continue
        key = orjson.dumps(attributes)
        asked.setdefault(key, (one, attributes))
        keys.append(key)
    found = dict(zip(asked, _ask_all(policy, list(asked.values()), principal, action, now, moment), strict=True))
    return [found[key] if isinstance(key, bytes) else _withheld(key) for key in keys]


def _principal(recipient: Recipient) -> dict[str, Any]:
    uid = {"type": "Recipient", "id": recipient.id}
    if not isinstance(recipient.id, str) or not recipient.id:
        raise Inexpressible("the recipient has no id")
    return {"uid": uid, "attrs": recipient_attributes(recipient), "parents": recipient_parents(recipient)}


def _withheld(why: str) -> Decision:
    return Decision(False, (FAILED,), (why,))


def _ask_all(
    policy: Policy,
    rows: Sequence[tuple[ReleaseClass, dict[str, Any]]],
    principal: dict[str, Any],
    action: Action,
    now: int,
    moment: str,
) -> list[Decision]:
    """The decisions on distinct classes. Where one of them spoils the batch, each is asked about alone."""
    questions: list[tuple[int, Action]] = [(number, action) for number in range(len(rows))]
    if action is Action.RELEASE and principal["attrs"]["relation"]["__entity"]["id"] != Relation.OWN:
        questions += [(number, also) for number, (one, _) in enumerate(rows) for also in _needs(one)]
    try:
        known = cedar.entities([principal, *(_resource(n, attrs) for n, (_, attrs) in enumerate(rows))], policy.schema)
        requests = [cedar.request(principal["uid"]["id"], act.value, str(n), moment) for n, act in questions]
        answers = cedar.ask(requests, policy.handle, known, policy.schema)
    except ValueError as error:
        if len(rows) > 1:
            return [_ask_all(policy, [row], principal, action, now, moment)[0] for row in rows]
        return [_withheld(str(error))] * len(rows)
    if len(answers) != len(questions):
        return [_withheld("a question was not answered")] * len(rows)
    told = dict(zip(questions, answers, strict=True))
    found = []
    for number, (_, attributes) in enumerate(rows):
        also = {act: told[number, act] for act in _ALSO if act is not action and (number, act) in told}
        until = _valid_until(policy, attributes, principal["attrs"], now)
        found.append(_decision(policy, told[number, action], also, until))
    return found


def _resource(number: int, attributes: dict[str, Any]) -> dict[str, Any]:
    return {"uid": {"type": "ReleaseClass", "id": str(number)}, "attrs": attributes, "parents": []}


def _needs(one: ReleaseClass) -> Iterator[Action]:
    """What must be allowed as well before such an object is released (R15, R23)."""
    if any(policy.attribution == "must" for policy in one.iep):
        yield Action.NAME_AUTHOR
    if one.personal_fixed:
        yield Action.SHOW_PERSONAL_DATA


_ALSO = {Action.NAME_AUTHOR: ATTRIBUTION, Action.SHOW_PERSONAL_DATA: PERSONAL_DATA}


def _decision(policy: Policy, answer: cedar.Answer, also: Mapping[Action, cedar.Answer], until: int | None) -> Decision:
    failed = answer.errors + tuple(error for other in also.values() for error in other.errors)
    if failed:
        return Decision(False, (FAILED,), failed, until)
    because = tuple(policy.rules[name] for name in answer.reasons if name in policy.rules)
    if not answer.allowed:
        return Decision(False, because or (NOTHING_PERMITS,), (), until)
    missing = tuple(_ALSO[action] for action, other in also.items() if not other.allowed)
    if missing or not because:
        return Decision(False, missing or (FAILED,), () if missing else ("no rule is named that permits",), until)
    return Decision(True, because, (), until)


def _valid_until(policy: Policy, one: Mapping[str, Any], recipient: Mapping[str, Any], now: int) -> int | None:
    points = policy.instants | change_points(one) | change_points(recipient)
    return min((point for point in points if now < point < FAR_AHEAD), default=None)
