"""Faults put into the floor and the gate, each of which the comparison with the slow twin finds."""

import importlib
import random
from pathlib import Path

import pytest
from tests import release_twin as twin
from tests.patching import Patch, patches
from tests.property.test_release_twin import differences
from tests.release_world import PLAIN, floor_of, policy_of, product, rule_ids, sample

from comity.node.policies import policy_texts
from comity.release import decide as gate

pytestmark = pytest.mark.timeout(600)
RULES = rule_ids(policy_texts()[1])
EDITS = [patch for patch in patches() if patch.file == "release/floor.cedar"]


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


LATE = frozenset({"floor.iep-resale", "floor.agreement", "floor.max-tlp", "floor.state"})
"""Rules that the comparison misses late, after over ten seconds each: they are for the long run."""


def marks_of(late: bool) -> tuple[pytest.MarkDecorator, ...]:
    return (pytest.mark.slow, pytest.mark.deep) if late else (pytest.mark.slow,)


def test_what_is_left_to_the_long_run_is_a_part() -> None:
    assert set(RULES) >= LATE
    assert len(RULES) > 4 * len(LATE)
    assert len(EDITS) > 4 * sum(patch.slow for patch in EDITS) > 0


@pytest.mark.parametrize("patch", [pytest.param(edit, id=edit.name, marks=marks_of(edit.slow)) for edit in EDITS])
def test_a_fault_in_the_floor_is_found(patch: Patch) -> None:
    # The test that each of them names is this comparison.
    assert (
        patch.test
        == f"tests/unit/release/{Path(__file__).name}::{test_the_floor_as_it_is_shows_no_difference.__name__}"
    )
    assert found(patch.applied(policy_texts()[1]))


@pytest.mark.parametrize("rule", [pytest.param(rule, marks=marks_of(rule in LATE)) for rule in RULES])
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
