"""The gate is equal to its slow twin: on a sample each time, on the whole of several products in the deep run."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest
from tests import release_twin as twin
from tests.house.tree import ROOT
from tests.release_world import PLAIN, decisions, policy_of, product, sample

from comity.release.policy import Policy

COUNTED = ("tlp", "state", "iep_encryption", "iep_attribution", "iep_notification", "iep_resale", "iep_actions")
OFTEN = 20
CLASSES, RECIPIENTS = 70, 20


@pytest.fixture(scope="module")
def policy() -> Policy:
    """The twin's policy above the floor."""
    return policy_of(twin.POLICY)


def differences(policy: Policy, classes: Sequence[dict[str, str]], recipient: dict[str, str]) -> Iterator[str]:
    """Where engine and twin do not say the same."""
    for action in twin.ACTIONS:
        found = decisions(policy, classes, recipient, action)
        for one, decision in zip(classes, found, strict=True):
            if decision.allowed != twin.allowed(one | recipient, action):
                odd = {k: v for k, v in (one | recipient).items() if PLAIN[k] != v}
                yield f"{action} {odd}: {decision.explain()}"


def test_the_twin_knows_nothing_of_the_product() -> None:
    text = (ROOT / "tests" / "release_twin.py").read_text(encoding="utf-8")
    imports = [line for line in text.splitlines() if line.startswith(("import", "from"))]
    assert imports == ["from collections.abc import Mapping"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_the_gate_is_equal_to_its_twin_on_a_sample(policy: Policy, seed: int) -> None:
    rng = random.Random(seed)
    classes = sample(twin.FACETS, CLASSES, rng)
    for recipient in sample(twin.RECIPIENT, RECIPIENTS, rng):
        assert list(differences(policy, classes, recipient)) == []


PRODUCTS = (
    ("tlp", "whose", "community", "groups", "verified", "named", "relation", "cybersecurity", "need"),
    ("tlp", "whose", "relation", "max_tlp", "state", "agreement"),
    ("tlp", "relation", "residency", "declared", "transport", "encrypted", "iep_encryption"),
    (
        "relation",
        "iep_dates",
        "iep_attribution",
        "iep_notification",
        "iep_actions",
        "iep_resale",
        "commercial",
        "fixed",
    ),
    ("tlp", "whose", "relation", "unsound", "exercise", "embargo", "iep_dates", "agreement"),
)


def whole(policy: Policy, names: Sequence[str]) -> Iterator[str]:
    """The differences over the whole product of these facets."""
    of_class = [name for name in names if name in twin.FACETS]
    of_recipient = [name for name in names if name in twin.RECIPIENT]
    classes = [{name: one[name] for name in twin.FACETS} for one in product(of_class)]
    for one in product(of_recipient):
        yield from differences(policy, classes, {name: one[name] for name in twin.RECIPIENT})


@pytest.mark.deep
@pytest.mark.timeout(900)
@pytest.mark.parametrize("names", PRODUCTS, ids="-".join)
def test_the_gate_is_equal_to_its_twin_on_the_whole_product(policy: Policy, names: tuple[str, ...]) -> None:
    assert list(whole(policy, names)) == []


@pytest.mark.slow
def test_the_gate_is_equal_to_its_twin_on_the_table_of_tlp(policy: Policy) -> None:
    assert list(whole(policy, ("tlp", "whose", "community", "relation", "cybersecurity", "need"))) == []


def report(cases: Iterator[tuple[dict[str, str], str]]) -> Counter[tuple[str, str]]:
    """How often each word decided: with another in its place, alone, the twin's answer is another."""
    found: Counter[tuple[str, str]] = Counter()
    for case, action in cases:
        verdict = twin.allowed(case, action)
        for name in COUNTED:
            values = (twin.FACETS | twin.RECIPIENT)[name]
            if any(twin.allowed(case | {name: value}, action) != verdict for value in values):
                found[name, case[name]] += 1
        if any(twin.allowed(case, other) != verdict for other in twin.ACTIONS):
            found["action", action] += 1
    return found


def sampled() -> Iterator[tuple[dict[str, str], str]]:
    """The cases that the sample of all four seeds looks at."""
    for seed in range(4):
        rng = random.Random(seed)
        classes = sample(twin.FACETS, CLASSES, rng)
        for recipient in sample(twin.RECIPIENT, RECIPIENTS, rng):
            yield from ((one | recipient, action) for one in classes for action in twin.ACTIONS)


@pytest.mark.slow
def test_every_level_state_word_and_action_decides_often_in_the_sample() -> None:
    found = report(sampled())
    wanted = [(name, value) for name in COUNTED for value in (twin.FACETS | twin.RECIPIENT)[name]]
    wanted += [("action", action) for action in twin.ACTIONS]
    assert {key: found[key] for key in wanted if found[key] < OFTEN} == {}
