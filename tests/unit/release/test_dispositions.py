"""What is decided for two instants, or two classes, is no more than either of them lets go."""

import itertools
from dataclasses import replace

import pytest
from tests.release_world import NOW, floor_of, policy_of

from comity.release.classes import Author, Recipient, Relation, ReleaseClass
from comity.release.decide import NOTHING_PERMITS
from comity.release.dispositions import Disposition, at_both, dispose_all
from comity.release.policy import Rule
from comity.release.standing import AWAITS, BETWEEN, both, merged, tightens, waits
from comity.stix.tlp import TLP

FLOOR = floor_of()
RELEASE = '@id("p.all") @title("All") permit (principal, action == Action::"release", resource);'
AUTHORS = '@id("p.author") @title("Authors") permit (principal, action == Action::"name-author", resource);'
PERSONS = '@id("p.person") @title("Persons") permit (principal, action == Action::"show-personal-data", resource);'
CLEAR = ReleaseClass(TLP.CLEAR, "object", "indicator")
PARTNER = Recipient("B", Relation.PARTNER, "active", cybersecurity=True, max_tlp=TLP.AMBER_STRICT)
A, B = Rule("a", "A"), Rule("b", "B")
FLAGS = ("name_author", "show_personal", "edits", "approval")


def every(because: Rule) -> list[Disposition]:
    """One of every kind that lets something go."""
    return [
        Disposition(True, (because,), author, person, cut, edits, False, until, approval)
        for author, person, cut, edits, until, approval in itertools.product(
            (False, True),
            (False, True),
            (frozenset[TLP](), frozenset({TLP.GREEN}), frozenset({TLP.AMBER})),
            (False, True),
            (None, NOW, NOW + 1),
            (False, True),
        )
    ]


@pytest.mark.parametrize("name", ["at_both", "both"])
def test_of_two_decisions_no_more_goes_than_either_lets_go(name: str) -> None:
    decide = {"at_both": at_both, "both": both}[name]
    for one, other in itertools.product(every(A), every(B)):
        found = decide(one, other)
        ends = [each.valid_until for each in (one, other) if each.valid_until is not None]
        assert found.valid_until == (min(ends) if ends else None)
        if name == "both" and one.cut != other.cut:
            assert (found.released, found.because) == (False, (BETWEEN,))
            continue
        assert found.released
        assert found.because[0] == A
        assert found.name_author == (one.name_author and other.name_author)
        assert found.show_personal == (one.show_personal and other.show_personal)
        assert found.cut == one.cut | other.cut
        assert found.edits == (one.edits or other.edits)
        assert found.approval == (one.approval or other.approval)
        assert not found.only_author
    assert both(every(A)[0], every(B)[0]).because == (A, B)


@pytest.mark.parametrize("name", ["at_both", "both"])
def test_what_one_of_two_withholds_does_not_go_and_its_rules_are_told(name: str) -> None:
    decide = {"at_both": at_both, "both": both}[name]
    goes = Disposition(True, (A,), True, True, valid_until=NOW + 1)
    stays = Disposition(False, (B,), valid_until=NOW)
    for one, other in ((goes, stays), (stays, goes), (stays, stays)):
        assert decide(one, other) == Disposition(False, (B,), valid_until=NOW)
    assert decide(replace(stays, because=(A,)), stays).because == (A,)


def test_what_awaits_is_served_to_nobody_until_its_end() -> None:
    assert waits(Disposition(True, (A,), True, True, valid_until=NOW)) == Disposition(False, (AWAITS,), valid_until=NOW)


def test_the_personal_data_of_both_classes_is_looked_for() -> None:
    had = replace(CLEAR, personal=frozenset({"victim"}), tlp=TLP.AMBER)
    has = replace(CLEAR, personal=frozenset({"contact"}), tlp=TLP.GREEN)
    assert merged(had, has) == replace(has, personal=frozenset({"victim", "contact"}))


def test_only_what_goes_to_nobody_is_tighter_than_any_other_class() -> None:
    for level in TLP:
        assert tightens(CLEAR, replace(CLEAR, tlp=level)) is (level in (TLP.CLEAR, TLP.RED))
    assert tightens(CLEAR, replace(CLEAR, unsound=True))
    assert tightens(CLEAR, replace(CLEAR, exercise=True))
    assert tightens(CLEAR, replace(CLEAR, named=frozenset({"c"})))
    assert not tightens(replace(CLEAR, tlp=TLP.RED), CLEAR)


AUTHORED = replace(CLEAR, author=Author.OTHER)
PERSONAL = replace(CLEAR, personal=frozenset({"victim"}))
PARTED = replace(CLEAR, granular=frozenset({TLP.GREEN, TLP.RED}))
CASES = (
    (CLEAR, RELEASE, Disposition(True, (), edits=False)),
    (AUTHORED, RELEASE, Disposition(True, (), edits=True, only_author=True)),
    (AUTHORED, RELEASE + AUTHORS, Disposition(True, (), name_author=True)),
    (PERSONAL, RELEASE, Disposition(True, (), edits=True)),
    (PERSONAL, RELEASE + PERSONS, Disposition(True, (), show_personal=True)),
    (replace(CLEAR, personal=frozenset({"artefact"})), RELEASE, Disposition(True, ())),
    (PARTED, RELEASE, Disposition(True, (), cut=frozenset({TLP.RED}), edits=True)),
    (replace(PARTED, author=Author.OTHER), RELEASE, Disposition(True, (), cut=frozenset({TLP.RED}), edits=True)),
    (replace(PERSONAL, author=Author.OTHER), RELEASE, Disposition(True, (), edits=True)),
    (replace(PERSONAL, author=Author.OTHER), RELEASE + PERSONS, Disposition(
        True, (), show_personal=True, edits=True, only_author=True
    )),
)  # fmt: skip


def test_a_part_is_asked_about_as_an_object_that_has_no_parts() -> None:
    policy = policy_of(
        '@id("p.clear") @title("CLEAR") permit (principal, action, resource) when { resource.tlp == Tlp::"clear" };'
        '@id("p.whole") @title("GREEN in one piece") permit (principal, action, resource)'
        ' when { resource.tlp == Tlp::"green" && resource.granular.isEmpty() };',
        FLOOR,
    )
    (found,) = dispose_all(policy, [replace(CLEAR, granular=frozenset({TLP.GREEN, TLP.AMBER}))], PARTNER, NOW)
    assert (found.released, found.cut) == (True, frozenset({TLP.AMBER}))


@pytest.mark.parametrize(("one", "text", "wanted"), CASES)
def test_what_of_an_object_must_be_changed(one: ReleaseClass, text: str, wanted: Disposition) -> None:
    policy = policy_of(text, FLOOR)
    found, other = dispose_all(policy, [one, replace(CLEAR, type="report")], PARTNER, NOW)
    assert replace(found, because=()) == wanted
    assert [rule.id for rule in found.because] == ["p.all"]
    assert not other.edits
    nothing = policy_of(AUTHORS + PERSONS, FLOOR)
    assert dispose_all(nothing, [one], PARTNER, NOW) == [Disposition(False, (NOTHING_PERMITS,))]
