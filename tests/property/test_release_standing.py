"""An object between two classes is served no more than either lets go, under every policy (R5, R14)."""

import random
from dataclasses import replace

import pytest
from tests import release_twin as twin
from tests.release_world import NOW, class_of, floor_of, policy_of, recipient_of, sample

from comity.node.policies import starter_texts
from comity.node.views import Decisions
from comity.release.classes import Author, Relation, ReleaseClass
from comity.release.classify import canonical_form
from comity.release.dispositions import Disposition, dispose_all
from comity.release.policy import Policy
from comity.release.standing import AWAITS, awaiting, between, both, digest_of, parts, tightens
from comity.stix.tlp import TLP

FLOOR = floor_of()
RULES = {
    "everything": '@id("all") @title("All") permit (principal, action, resource);',
    "the stricter level alone": '@id("a") @title("A") permit (principal, action, resource)'
    ' when { resource.tlp == Tlp::"amber" };',
    "what is limited": '@id("a") @title("A") permit (principal, action, resource) when { !resource.groups.isEmpty() };',
    "what is not sound": '@id("a") @title("A") permit (principal, action, resource) when { resource.unsound };',
    "RED": '@id("a") @title("A") permit (principal, action, resource) when { resource.tlp == Tlp::"red" };',
    "named": '@id("a") @title("A") permit (principal, action, resource) when { resource.named };',
    "exercises": '@id("a") @title("A") permit (principal, action, resource) when { resource.exercise };',
    "release alone": '@id("a") @title("A") permit (principal, action == Action::"release", resource);',
    "before a date": '@id("a") @title("A") permit (principal, action, resource)'
    " when { context.now < resource.embargo_until };",
}
CLASSES, RECIPIENTS = 24, 6


@pytest.fixture(scope="module")
def policies() -> list[Policy]:
    shipped = [text for text, _ in starter_texts().values()]
    return [policy_of(text, FLOOR) for text in (*RULES.values(), *shipped)]


def some(seed: int) -> list[ReleaseClass]:
    """Classes of which some have personal data, authors and parts that are marked more strictly."""
    chance = random.Random(seed)
    made = []
    for one in sample(twin.FACETS, CLASSES, chance):
        of = class_of(one)
        if chance.random() < 0.5:
            levels = [level for level in TLP if level > of.tlp]
            of = replace(of, granular=frozenset(chance.sample(levels, min(1, len(levels)))))
        of = replace(of, author=chance.choice(list(Author)))
        made.append(replace(of, personal=of.personal | {"victim"}) if chance.random() < 0.3 else of)
    return made


def gives(one: Disposition) -> set[object]:
    """Everything that the decision lets a recipient have: the object, and what of it."""
    if not one.released:
        return set()
    found: set[object] = {"object"}
    found |= {level for level in TLP if level not in one.cut}
    return found | {word for word in ("name_author", "show_personal") if getattr(one, word)}


def outside(seed: int) -> list[dict[str, str]]:
    made = sample(twin.RECIPIENT, RECIPIENTS, random.Random(seed))
    return [one for one in made if one["relation"] != Relation.OWN]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_what_a_tighter_class_lets_go_the_one_before_did(policies: list[Policy], seed: int) -> None:
    classes = some(seed)
    proven = [(had, has) for had in classes for has in classes if tightens(had, has)]
    assert len(proven) > len(classes)
    for policy in policies:
        for words in outside(seed):
            made = dict(zip(classes, dispose_all(policy, classes, recipient_of(words), NOW), strict=True))
            for had, has in proven:
                assert gives(made[has]) <= gives(made[had]), (policy.text, had, has)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_between_two_classes_nothing_goes_that_one_of_them_holds_back(policies: list[Policy], seed: int) -> None:
    classes = some(seed)
    for policy in policies:
        for words in outside(seed):
            made = dispose_all(policy, classes, recipient_of(words), NOW)
            for had in made:
                for has in made:
                    found = both(had, has)
                    assert gives(found) <= gives(had) & gives(has)
                    assert found.edits or not found.released or not (had.edits or has.edits)
                    assert found.because
                    dates = [each.valid_until for each in (had, has) if each.valid_until is not None]
                    assert found.valid_until == min(dates, default=None)
                assert replace(both(had, had), because=had.because) == had


def test_levels_are_not_in_an_order_that_every_policy_keeps(policies: list[Policy]) -> None:
    """Why TLP:AMBER is no proven tightening of TLP:GREEN: a rule may permit it alone."""
    green, amber = (ReleaseClass(tlp=level, tlp_from="object", type="indicator") for level in (TLP.GREEN, TLP.AMBER))
    assert not tightens(green, amber)
    words = {name: values[0] for name, values in twin.RECIPIENT.items()} | {
        "relation": "partner",
        "state": "active",
        "max_tlp": "red",
    }
    made = dispose_all(policies[1], [green, amber], recipient_of(words), NOW)
    assert [each.released for each in made] == [False, True]
    assert not both(*made).released


def test_a_view_asks_of_a_standing_what_its_parts_say(policies: list[Policy]) -> None:
    had, has = (ReleaseClass(tlp=level, tlp_from="object", type="indicator") for level in (TLP.GREEN, TLP.CLEAR))
    recipient = recipient_of(
        {name: values[0] for name, values in twin.RECIPIENT.items()}
        | {"relation": "partner", "state": "active", "max_tlp": "red"}
    )
    one, two = canonical_form(had), canonical_form(has)
    forms = {1: one, 2: two, 3: between(one, two), 4: awaiting(one), 5: b""}
    made, _ = Decisions(policies[0], recipient).at(forms, NOW)
    assert {key: each.released for key, each in made.items()} == {1: True, 2: True, 3: True, 4: False}
    assert made[4].because == (AWAITS,)


def test_a_standing_gives_back_its_parts() -> None:
    forms = [canonical_form(one) for one in some(7)]
    for had in forms:
        assert parts(had) == (had, had)
        assert parts(awaiting(had)) == (had, b"")
        assert awaiting(awaiting(had)) == awaiting(had)
        for has in forms:
            found = between(had, has)
            assert parts(found) == (had, has)
            assert parts(awaiting(found)) == (had, b"")
    everything = {between(had, has) for had in forms for has in forms} | {awaiting(had) for had in forms}
    assert len({digest_of(form) for form in everything}) == len(everything)
