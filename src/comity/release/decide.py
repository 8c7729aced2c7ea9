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

FORMS_KEPT = 4_096
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
    policy: Policy,
    classes: Sequence[ReleaseClass],
    recipient: Recipient,
    action: Action,
    now: int,
    *,
    among: Sequence[ReleaseClass] = (),
) -> list[Decision]:
    """The decision on each class, in one batch; classes that policy cannot tell apart are asked about once. Where
    several questions are asked of some of the same classes, all of these are named in `among`, and parsed once."""
    try:
        principal = _principal(recipient)
        moment = to_iso(now)
    except Inexpressible as error:
        return [_withheld(str(error))] * len(classes)
    asked: dict[bytes, tuple[ReleaseClass, Mapping[str, Any]]] = {}
    keys: list[bytes | str] = []
    for one in classes:
        try:
            key, attributes = _form(one)
        except Inexpressible as error:
            keys.append(str(error))
            continue
        asked.setdefault(key, (one, attributes))
        keys.append(key)
    parsed = dict.fromkeys([*(form for one in among if (form := _key(one)) is not None), *asked])
    places = {form: place for place, form in enumerate(parsed)}
    found = dict(zip(asked, _ask_all(policy, asked, places, principal, action, now, moment), strict=True))
    return [found[key] if isinstance(key, bytes) else _withheld(key) for key in keys]


_forms: dict[int, tuple[ReleaseClass, bytes, Mapping[str, Any]]] = {}
"""The forms of the classes that were asked about, by `id`: equal values of other types are no words of policy."""


def _form(one: ReleaseClass) -> tuple[bytes, Mapping[str, Any]]:
    """The attributes of the class as policy looks at them, in JSON and as values. Inexpressible where they are none."""
    held = _forms.get(id(one))
    if held is None or held[0] is not one:
        attributes = class_attributes(one)
        if len(_forms) >= FORMS_KEPT:
            _forms.clear()
        held = _forms[id(one)] = (one, orjson.dumps(attributes), attributes)
    return held[1], held[2]


def _key(one: ReleaseClass) -> bytes | None:
    try:
        return _form(one)[0]
    except Inexpressible:
        return None


def _principal(recipient: Recipient) -> dict[str, Any]:
    uid = {"type": "Recipient", "id": recipient.id}
    if not isinstance(recipient.id, str) or not recipient.id:
        raise Inexpressible("the recipient has no id")
    return {"uid": uid, "attrs": recipient_attributes(recipient), "parents": recipient_parents(recipient)}


def _withheld(why: str) -> Decision:
    return Decision(False, (FAILED,), (why,))


def _ask_all(
    policy: Policy,
    asked: Mapping[bytes, tuple[ReleaseClass, Mapping[str, Any]]],
    places: Mapping[bytes, int],
    principal: dict[str, Any],
    action: Action,
    now: int,
    moment: str,
) -> list[Decision]:
    """The decisions on distinct classes, of which `places` has the place among all that are parsed. Where one of these
    spoils the batch, each is asked about alone."""
    questions: list[tuple[bytes, Action]] = [(key, action) for key in asked]
    if action is Action.RELEASE and principal["attrs"]["relation"]["__entity"]["id"] != Relation.OWN:
        questions += [(key, also) for key, (one, _) in asked.items() for also in _needs(one)]
    try:
        known = cedar.with_recipient(cedar.classes(tuple(places), policy.schema), principal, policy.schema)
        requests = [
            cedar.request(principal["uid"]["id"], act.value, str(places[key]), moment) for key, act in questions
        ]
        answers = cedar.ask(requests, policy.handle, known, policy.schema)
    except ValueError as error:
        if len(places) > 1:
            alone = ({key: row} for key, row in asked.items())
            return [_ask_all(policy, row, dict.fromkeys(row, 0), principal, action, now, moment)[0] for row in alone]
        return [_withheld(str(error))] * len(asked)
    if len(answers) != len(questions):
        return [_withheld("a question was not answered")] * len(asked)
    told = dict(zip(questions, answers, strict=True))
    found = []
    for key, (_, attributes) in asked.items():
        also = {act: told[key, act] for act in _ALSO if act is not action and (key, act) in told}
        until = _valid_until(policy, attributes, principal["attrs"], now)
        found.append(_decision(policy, told[key, action], also, until))
    return found


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
