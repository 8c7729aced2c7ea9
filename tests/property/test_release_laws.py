"""Laws of the release gate, over generated classes, recipients and policies."""

import random
from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import release_twin as twin
from tests.release_world import ACTION, NOW, class_of, floor_of, policy_of, recipient_of

from comity.release import cedar
from comity.release.classes import Action, Recipient, Relation, ReleaseClass
from comity.release.decide import NOTHING_PERMITS, decide, decide_all
from comity.release.facets import class_attributes, recipient_attributes
from comity.release.passing import would_pass_if
from comity.release.policy import Policy
from comity.stix.tlp import TLP

FLOOR = floor_of()
ALL = '@id("p.all") @title("All") permit (principal, action, resource);'
PERMITS = (
    ALL,
    '@id("p.group") @title("G") permit (principal in Group::"A", action, resource);',
    '@id("p.ours") @title("O") permit (principal, action == Action::"release", resource) when { resource.ours };',
    '@id("p.low") @title("L") permit (principal, action, resource) when { resource.tlp == Tlp::"clear" };',
)
FORBIDS = (
    '@id("f.red") @title("R") forbid (principal, action, resource) when { resource.tlp == Tlp::"red" };',
    '@id("f.mail") @title("M") forbid (principal, action, resource) when { principal.transport == Transport::"mail" };',
    '@id("f.own") @title("N") forbid (principal, action == Action::"pass-on", resource) unless { resource.ours };',
    '@id("f.date") @title("D") forbid (principal, action, resource) when { context.now > datetime("2027-01-01") };',
)
POLICIES: dict[tuple[str, ...], Policy] = {}


def policy(*rules: str) -> Policy:
    """The policy of these rules, made once."""
    if rules not in POLICIES:
        POLICIES[rules] = policy_of("\n".join(rules), FLOOR)
    return POLICIES[rules]


words = {name: st.sampled_from(values) for name, values in twin.FACETS.items()}
whom = {name: st.sampled_from(values) for name, values in twin.RECIPIENT.items()}
classes = st.fixed_dictionaries(words).map(class_of)
likely = st.fixed_dictionaries(
    whom | {"state": st.just("active"), "max_tlp": st.just("red"), "agreement": st.sampled_from(("none", "within"))}
).map(recipient_of)
recipients = st.one_of(likely, st.fixed_dictionaries(whom).map(recipient_of))
actions = st.sampled_from(list(ACTION.values()))
some = st.lists(st.sampled_from(PERMITS + FORBIDS), unique=True, max_size=8)


@pytest.mark.slow
@given(classes, recipients, actions, st.lists(st.sampled_from(FORBIDS), unique=True))
def test_nothing_is_released_that_no_rule_permits(
    one: ReleaseClass, to: Recipient, action: Action, rules: list[str]
) -> None:
    decision = decide(policy(*rules), one, to, action, NOW)
    assert not decision.allowed
    assert decision.because
    assert all(not rule.permits for rule in decision.because)


@pytest.mark.slow
@given(classes, recipients, actions, some)
def test_what_is_permitted_and_not_forbidden_is_not_denied(
    one: ReleaseClass, to: Recipient, action: Action, rules: list[str]
) -> None:
    decision = decide(policy(*rules), one, to, action, NOW)
    if decision.because == (NOTHING_PERMITS,):
        assert not decide(policy(*[rule for rule in rules if "permit" in rule]), one, to, action, NOW).allowed
    assert decision.allowed == any(rule.permits for rule in decision.because)


@pytest.mark.slow
@given(classes, recipients, actions, some, st.sampled_from(FORBIDS))
def test_a_forbid_cannot_be_outvoted(
    one: ReleaseClass, to: Recipient, action: Action, rules: list[str], forbid: str
) -> None:
    alone = decide(policy(ALL, forbid), one, to, action, NOW)
    with_others = decide(policy(*dict.fromkeys([*rules, *PERMITS, forbid])), one, to, action, NOW)
    assert not with_others.allowed or alone.allowed


@pytest.mark.slow
@given(classes, recipients, actions, some)
def test_no_policy_loosens_the_floor(one: ReleaseClass, to: Recipient, action: Action, rules: list[str]) -> None:
    assert not decide(policy(*rules), one, to, action, NOW).allowed or decide(policy(ALL), one, to, action, NOW).allowed


@pytest.mark.slow
@given(classes, recipients, actions, some, st.integers(0, 5))
def test_order_of_rules_and_repetition_of_what_they_say_do_not_matter(
    one: ReleaseClass, to: Recipient, action: Action, rules: list[str], seed: int
) -> None:
    shuffled = list(rules)
    random.Random(seed).shuffle(shuffled)
    again = [rule.replace('@id("', '@id("again.') for rule in shuffled]
    decision = decide(policy(*rules), one, to, action, NOW)
    assert decide(policy(*shuffled), one, to, action, NOW) == decision
    assert decide(policy(*shuffled, *again), one, to, action, NOW).allowed == decision.allowed
    assert policy(*rules).digest == policy(*shuffled).digest


@pytest.mark.slow
@given(classes, recipients, actions)
def test_a_stricter_marking_reaches_no_more_recipients(one: ReleaseClass, to: Recipient, action: Action) -> None:
    # R1 lets a client that is not in the community have AMBER of others, but not GREEN: for clients the law is kept
    # among those who are in the community.
    if to.relation is Relation.CLIENT:
        to = replace(to, cybersecurity=True)
    levels = [replace(one, tlp=level) for level in TLP]
    allowed = [decision.allowed for decision in decide_all(policy(ALL), levels, to, action, NOW)]
    assert allowed == sorted(allowed, reverse=True)


BROKEN = (
    '@id("x.long") @title("X") {0} (principal, action, resource) when {{ 9223372036854775807 + 1 == 0 }};',
    '@id("x.under") @title("X") {0} (principal, action, resource) when {{ -9223372036854775807 - 2 == 0 }};',
    '@id("x.times") @title("X") {0} (principal, action, resource) when {{ 9223372036854775807 * 2 == 0 }};',
)
"""Rules that are of the right types, and cannot be evaluated."""


@pytest.mark.slow
@given(classes, recipients, actions, some, st.sampled_from(BROKEN), st.sampled_from(("permit", "forbid")))
def test_an_error_in_any_rule_never_widens(
    one: ReleaseClass, to: Recipient, action: Action, rules: list[str], broken: str, effect: str
) -> None:
    decision = decide(policy(*rules, broken.format(effect)), one, to, action, NOW)
    assert not decision.allowed
    assert decision.failed
    assert "could not be decided" in decision.explain()


def test_cedar_alone_allows_what_an_error_withholds_here() -> None:
    broken = policy(ALL, BROKEN[0].format("forbid"))
    one = ReleaseClass(TLP.CLEAR, "object", "indicator")
    row = {"uid": {"type": "Recipient", "id": "B"}, "attrs": recipient_attributes(PARTNER), "parents": []}
    known = cedar.with_recipient(
        cedar.classes((orjson.dumps(class_attributes(one)),), broken.schema), row, broken.schema
    )
    question = cedar.request("B", "release", "0", "2026-01-01")
    (answer,) = cedar.ask([question], broken.handle, known, broken.schema)
    assert answer.allowed
    assert answer.errors
    assert not decide(broken, one, PARTNER, Action.RELEASE, NOW).allowed


PARTNER = Recipient("B", Relation.PARTNER, "active", groups=frozenset({"A"}))


@pytest.mark.slow
@given(classes, recipients, actions, some)
def test_a_decision_does_not_change_before_it_says(
    one: ReleaseClass, to: Recipient, action: Action, rules: list[str]
) -> None:
    asked = policy(*rules)
    decision = decide(asked, one, to, action, NOW)
    until = decision.valid_until
    far = NOW + 400 * 86_400_000_000
    for later in (until - 1000, (NOW + until) // 2) if until is not None else (far, far * 2):
        if later > NOW:
            assert decide(asked, one, to, action, later).allowed == decision.allowed


@pytest.mark.slow
@given(classes, recipients, actions)
def test_each_change_that_would_pass_is_one_that_a_question_confirms(
    one: ReleaseClass, to: Recipient, action: Action
) -> None:
    asked = policy(ALL)
    (changes,) = would_pass_if(asked, [one], to, action, NOW)
    if decide(asked, one, to, action, NOW).allowed:
        assert changes == []
    for change in changes:
        assert change.facet in {*one.__dataclass_fields__, *to.__dataclass_fields__}
        assert change.of in ("object", "recipient")
    if to.state != "active" and any(c.facet == "state" for c in changes):
        assert decide(asked, one, replace(to, state="active"), action, NOW).allowed
    for level in TLP:
        told = any(c.facet == "tlp" and c.value == level.word[4:].lower() for c in changes)
        if not decide(asked, one, to, action, NOW).allowed:
            assert told == (level != one.tlp and decide(asked, replace(one, tlp=level), to, action, NOW).allowed)


@pytest.mark.slow
@given(st.lists(classes, max_size=4), recipients, actions)
def test_many_classes_at_once_pass_as_each_alone(some: list[ReleaseClass], to: Recipient, action: Action) -> None:
    asked = policy(ALL)
    each = [would_pass_if(asked, [one], to, action, NOW)[0] for one in some]
    assert would_pass_if(asked, some, to, action, NOW) == each
