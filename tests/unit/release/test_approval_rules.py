"""Rules that want a second person: where the annotation may stand, and what then waits."""

from dataclasses import replace

import pytest
from tests.release_world import floor_of, policy_of

from comity.release.classes import Action, Recipient, Relation, ReleaseClass
from comity.release.compare import difference
from comity.release.decide import decide
from comity.release.dispositions import dispose_all
from comity.release.policy import CASE_NOW
from comity.release.problems import Problem, read_text
from comity.release.shifts import gives_more
from comity.stix.tlp import TLP

FLOOR = floor_of()
WAITS = """
@id("asked") @title("GREEN after approval") @approval("second-person")
permit (principal, action == Action::"release", resource) when { resource.tlp == Tlp::"green" };
"""
FREE = """
@id("members") @title("Members have GREEN")
permit (principal, action == Action::"release", resource)
when { resource.tlp == Tlp::"green" && principal in Group::"eu" };
"""
CLEAR = """
@id("clear") @title("CLEAR goes")
permit (principal, action == Action::"release", resource) when { resource.tlp == Tlp::"clear" };
"""
GREEN = ReleaseClass(TLP.GREEN, "object", "indicator")
SOMEONE = Recipient("someone", Relation.PARTNER, "active", cybersecurity=True)
MEMBER = replace(SOMEONE, groups=frozenset({"eu"}))


def problems_of(
    annotation: str, head: str = 'permit (principal, action == Action::"release", resource);'
) -> list[Problem]:
    text = f'@id("a.rule")\n@title("A rule")\n{annotation}\n{head}\n'
    return read_text(text, FLOOR.schema, FLOOR.names)[1]


@pytest.mark.parametrize("annotation", ['@approval("two")', '@approval("")', "@approval", '@approval("Second-Person")'])
def test_no_other_value_is_taken_and_the_place_and_a_hint_are_told(annotation: str) -> None:
    (problem,) = problems_of(annotation)
    assert (problem.line, problem.column, problem.rule) == (3, 2, "a.rule")
    assert problem.hint == 'Write @approval("second-person").'


@pytest.mark.parametrize(
    "head",
    [
        'forbid (principal, action == Action::"release", resource);',
        "permit (principal, action, resource);",
        'permit (principal, action == Action::"name-author", resource);',
        'permit (principal, action in [Action::"release", Action::"name-author"], resource);',
    ],
)
def test_only_a_rule_that_permits_a_release_alone_may_have_it(head: str) -> None:
    (problem,) = problems_of('@approval("second-person")', head)
    assert (problem.line, problem.column) == (3, 2)
    assert problem.hint
    assert problems_of("", head) == []
    assert problems_of('@approval("second-person")') == []


def test_it_waits_where_every_rule_that_permits_it_says_so() -> None:
    policy = policy_of(WAITS + FREE)
    decided = decide(policy, GREEN, SOMEONE, Action.RELEASE, CASE_NOW)
    assert (decided.allowed, decided.waits) == (True, True)
    assert "after approval" in decided.explain()
    free = decide(policy, GREEN, MEMBER, Action.RELEASE, CASE_NOW)
    assert {rule.id for rule in free.because} == {"asked", "members"}
    assert (free.allowed, free.waits) == (True, False)
    assert not decide(policy, replace(GREEN, tlp=TLP.AMBER), SOMEONE, Action.RELEASE, CASE_NOW).waits


def test_a_part_that_would_wait_does_not_leave_with_what_goes_freely() -> None:
    part = ReleaseClass(TLP.CLEAR, "object", "indicator", granular=frozenset({TLP.GREEN}))
    whole = replace(GREEN, granular=frozenset({TLP.GREEN}))
    freely, waits = dispose_all(policy_of(WAITS + CLEAR), [part, whole], SOMEONE, CASE_NOW)
    assert (freely.released, freely.approval, freely.cut) == (True, False, frozenset({TLP.GREEN}))
    assert (waits.released, waits.approval, waits.cut) == (True, True, frozenset())


def test_what_needs_no_approval_any_more_widens() -> None:
    without = policy_of(WAITS.replace('@approval("second-person")', ""))
    waits = policy_of(WAITS)
    (old,), (new,) = (dispose_all(policy, [GREEN], SOMEONE, CASE_NOW) for policy in (waits, without))
    assert gives_more(old, new)
    assert not gives_more(new, old)
    nothing = dispose_all(policy_of(""), [GREEN], SOMEONE, CASE_NOW)[0]
    assert gives_more(nothing, old)
    assert waits.digest != without.digest


@pytest.mark.slow
def test_the_sample_tells_of_it_too() -> None:
    without = policy_of(WAITS.replace('@approval("second-person")', ""))
    waits = policy_of(WAITS)
    widened, narrowed = difference(waits, without), difference(without, waits)
    assert widened
    assert all(cell.widened for cell in widened)
    assert len(narrowed) == len(widened)
    assert not any(cell.widened for cell in narrowed)
