"""The difference of two policies lists what widens and what narrows, and nothing where they decide alike."""

import pytest
from tests.release_world import floor_of, policy_of

from comity.errors import Invalid
from comity.release.classes import Action, Recipient, Relation, ReleaseClass
from comity.release.compare import CLASSES_MAX, RECIPIENTS_MAX, difference, sample
from comity.release.policy import Case, read_cases
from comity.release.text import fill
from comity.stix.tlp import TLP

FLOOR = floor_of()
NONE = policy_of("", FLOOR)
GROUP = policy_of('@id("a") @title("A") permit (principal in Group::"A", action, resource);', FLOOR)
NAMED = policy_of('@id("b") @title("B") permit (principal == Recipient::"cert-b", action, resource);', FLOOR)
LATE = policy_of(
    '@id("c") @title("C") permit (principal, action, resource) when { resource.exercise == false && resource.pap == '
    'Pap::"red" };',
    FLOOR,
)


@pytest.mark.slow
def test_a_policy_does_not_differ_from_itself() -> None:
    assert difference(GROUP, GROUP) == []


@pytest.mark.slow
def test_what_more_is_allowed_is_widened_and_the_way_back_is_narrowed() -> None:
    there = difference(NONE, GROUP)
    assert there
    assert all(cell.widened and "A" in cell.recipient.groups for cell in there)
    assert {cell.action for cell in there} == set(Action)
    back = difference(GROUP, NONE)
    assert len(back) == len(there)
    assert not any(cell.widened for cell in back)
    assert "groups=A" in there[0].explain()


@pytest.mark.slow
def test_who_is_named_in_a_policy_is_asked_about() -> None:
    assert {cell.recipient.id for cell in difference(GROUP, NAMED) if cell.widened} >= {"cert-b"}


@pytest.mark.slow
def test_widened_cells_come_first() -> None:
    order = [cell.widened for cell in difference(GROUP, NAMED)]
    assert order == sorted(order, reverse=True)


@pytest.mark.slow
def test_what_the_sample_keeps_plain_is_found_by_a_case() -> None:
    assert difference(NONE, LATE) == []
    cases, _ = read_cases('[[case]]\nname = "x"\nobject = { tlp = "clear", pap = "red" }\nexpect = "deny"\n')
    assert any(cell.widened for cell in difference(NONE, LATE, cases))


def test_the_sample_is_bounded_and_holds_the_public() -> None:
    many = [
        Case(str(n), ReleaseClass(TLP.RED, "object", f"x-{n}"), Recipient(str(n), Relation.OWN, "active"),
             Action.RELEASE, 0, False, "")
        for n in range(300)
    ]  # fmt: skip
    classes, recipients = sample((GROUP, NAMED), many)
    assert (len(classes), len(recipients)) == (CLASSES_MAX, RECIPIENTS_MAX)
    assert any(one.relation is Relation.PUBLIC for one in sample((GROUP, NAMED), ())[1])


def test_a_name_that_is_more_than_a_name_fills_no_blank() -> None:
    assert fill('x in Group::"GROUP"', "GROUP", "eu-csirts") == 'x in Group::"eu-csirts"'
    for wrong in ("", 'a"', "a\nb", "a\\", "x" * 101):
        with pytest.raises(Invalid, match="is no name"):
            fill("", "GROUP", wrong)
