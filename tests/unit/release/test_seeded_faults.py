"""Faults put into the floor and the gate, each of which the comparison with the slow twin finds."""

import importlib
import random

import pytest
from tests import release_twin as twin
from tests.property.test_release_twin import differences
from tests.release_world import PLAIN, floor_of, policy_of, product, rule_ids, sample

from comity.node.policies import policy_texts
from comity.release import decide as gate

pytestmark = pytest.mark.timeout(600)
RULES = rule_ids(policy_texts()[1])
EDITS: tuple[tuple[str, str, str], ...] = (
    (
        "strict AMBER to anyone in our care",
        '(resource.ours && principal.relation == Relation::"partner") ||',
        "resource.ours ||",
    ),
    ("AMBER of others without a need to know", " && principal.need_to_know)", ")"),
    (
        "AMBER of others to partners with a need",
        '(principal.relation == Relation::"client" && principal.need_to_know)',
        "principal.need_to_know",
    ),
    (
        "AMBER of ours to partners alone",
        '[Relation::"partner", Relation::"client"].contains(principal.relation)',
        '[Relation::"partner"].contains(principal.relation)',
    ),
    (
        "public GREEN",
        'resource.tlp != Tlp::"clear" && principal.relation == Relation::"public"',
        'resource.tlp == Tlp::"red" && principal.relation == Relation::"public"',
    ),
    ("GREEN by any community", "principal in resource.community ||", "!principal.groups.isEmpty() ||"),
    (
        "GREEN of others without the flag",
        "unless { principal.cybersecurity || principal",
        "unless { !resource.ours || principal",
    ),
    (
        "one group of two is enough",
        "principal.groups.containsAll(resource.groups)",
        "principal.groups.containsAny(resource.groups)",
    ),
    ("agreement that has ended", "|| context.now >= principal.agreement_until", ""),
    ("agreement that ends at this instant", ">= principal.agreement_until", "> principal.agreement_until"),
    ("agreement that has not begun", "context.now < principal.agreement_from ||", ""),
    ("IEP that ends at this instant", ">= resource.iep_until", "> resource.iep_until"),
    ("IEP that has not begun", "context.now < resource.iep_from || ", ""),
    ("embargo the wrong way round", "context.now < resource.embargo_until", "context.now > resource.embargo_until"),
    ("residency through TAXII", 'principal.transport == Transport::"node" &&\n', ""),
    ("undeclared is everywhere", "!principal.jurisdictions.isEmpty() &&\n", ""),
    ("one country of many is enough", "resource.residency.containsAll(", "principal.jurisdictions.containsAll("),
    (
        "suspended partners",
        'principal.state == State::"active"',
        '[State::"active", State::"suspended"].contains(principal.state)',
    ),
    (
        "encryption by mail",
        'principal.transport == Transport::"node" || principal.encrypted',
        'principal.transport != Transport::"taxii" || principal.encrypted',
    ),
    ("resale", "&& principal.commercial", "&& !principal.commercial"),
    (
        "AMBER passed on",
        '[Tlp::"amber", Tlp::"amber+strict", Tlp::"red"].contains(resource.tlp)',
        '[Tlp::"amber+strict", Tlp::"red"].contains(resource.tlp)',
    ),
    ("group limits passed on", "  !resource.groups.isEmpty() ||\n", ""),
    ("residency passed on", " ||\n  resource.residency_limited", ""),
    ("RED of ours", 'resource.tlp == Tlp::"red" &&', 'resource.tlp == Tlp::"red" && !resource.ours &&'),
    ("own staff may not read", 'resource.unsound && principal.relation != Relation::"own"', "resource.unsound"),
)


def found(floor_text: str) -> bool:
    """Whether the comparison finds a difference under that floor."""
    policy = policy_of(twin.POLICY, floor_of(floor_text))
    rng = random.Random(7)
    core = ("tlp", "whose", "community", "groups")
    twice = ("iep_attribution", "iep_actions", "iep_notification", "fixed")
    classes = [{name: one[name] for name in twin.FACETS} for names in (core, twice) for one in product(names)]
    classes += sample(twin.FACETS, 100, rng)
    plain = {name: PLAIN[name] for name in twin.RECIPIENT}
    recipients = [
        plain | {"relation": relation, "need": need}
        for relation in twin.RECIPIENT["relation"]
        for need in ("no", "yes")
    ]
    recipients += [plain | {name: value} for name, values in twin.RECIPIENT.items() for value in values]
    recipients += [plain | {"transport": "node", "declared": value} for value in ("yes", "no", "empty")]
    return any(True for one in recipients for _ in differences(policy, classes, one))


LATE = frozenset(
    {
        "undeclared is everywhere",
        "encryption by mail",
        "one country of many is enough",
        "agreement that ends at this instant",
        "agreement that has ended",
        "agreement that has not begun",
        "floor.iep-resale",
        "floor.agreement",
    }
)
"""Faults that the comparison meets late, after over ten seconds each: they are for the long run."""


def marks_of(name: str) -> tuple[pytest.MarkDecorator, ...]:
    return (pytest.mark.slow, pytest.mark.deep) if name in LATE else (pytest.mark.slow,)


def test_what_is_left_to_the_long_run_is_a_part() -> None:
    names = {*RULES, *(name for name, _, _ in EDITS)}
    assert names >= LATE
    assert len(names) > 4 * len(LATE)


@pytest.mark.parametrize(
    ("name", "true", "false"), [pytest.param(*edit, id=edit[0], marks=marks_of(edit[0])) for edit in EDITS]
)
def test_a_fault_in_the_floor_is_found(name: str, true: str, false: str) -> None:
    text = policy_texts()[1]
    assert true in text, name
    assert found(text.replace(true, false, 1))


@pytest.mark.parametrize("rule", [pytest.param(rule, marks=marks_of(rule)) for rule in RULES])
def test_a_rule_that_is_missing_from_the_floor_is_found(rule: str) -> None:
    text = policy_texts()[1]
    begins = text.index(f'@id("{rule}")')
    ends = text.find("@id(", begins + 1)
    assert found(text[:begins] + (text[ends:] if ends > 0 else ""))


@pytest.mark.slow
def test_the_floor_as_it_is_shows_no_difference() -> None:
    assert not found(policy_texts()[1])


GATE = (
    ("attribution is not asked for", "_needs", lambda one: iter(())),
    ("every class is asked as if it were the first", "class_attributes", None),
)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "attribute", "fault"), GATE, ids=[name for name, _, _ in GATE])
def test_a_fault_in_the_gate_is_found(
    name: str, attribute: str, fault: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    facets = importlib.import_module("comity.release.facets")
    first: list[object] = []

    def same(one: object) -> object:
        first.append(facets.class_attributes(one))
        return first[0]

    monkeypatch.setattr(gate, attribute, fault or same)
    monkeypatch.setattr(gate, "_forms", {})
    assert found(policy_texts()[1])
