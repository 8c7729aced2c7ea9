"""Recipients that are taken as one by a policy: they are decided alike, whatever the policy asks for."""

import random
from dataclasses import replace

import pytest
from tests.release_world import NOW, floor_of, policy_of

from comity.release.alike import Alike
from comity.release.classes import Action, Recipient, Relation, ReleaseClass
from comity.release.decide import Decision, decide_all
from comity.stix.tlp import TLP

APART = """
@id("all") @title("All") permit (principal, action, resource);
@id("home") @title("Who stores elsewhere than at home") forbid (principal, action, resource)
when { !principal.jurisdictions.isEmpty() && !principal.jurisdictions.contains(principal.country) };
@id("ee") @title("Not to a land that begins so") forbid (principal, action, resource)
when { principal.country like "F*" };
@id("sector") @title("Not to its own sector") forbid (principal, action, resource)
when { principal.sectors.containsAny(resource.sectors) || principal.sectors.contains("secret") };
@id("group") @title("Not to the one group") forbid (principal in Group::"g1", action, resource);
"""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_recipients_that_are_taken_as_one_are_decided_alike(seed: int) -> None:
    """Over made recipients and classes whose words meet in every way."""
    chance = random.Random(seed)

    def some(words: str) -> frozenset[str]:
        return frozenset(word for word in words.split() if chance.random() < 0.4)

    plain = Recipient("r", Relation.PARTNER, "active", cybersecurity=True)
    recipients = [
        replace(
            plain,
            id=f"r{number}",
            country=chance.choice(("EE", "FI", "")),
            groups=some("g1 g2 g3"),
            sectors=some("energy secret health sea"),
            jurisdictions=chance.choice((None, some("EE FI SE"))),
            origins=frozenset({f"partner {number}"}),
        )
        for number in range(60)
    ]
    classes = [
        ReleaseClass(
            TLP.GREEN,
            "object",
            "indicator",
            origin=chance.choice(("", "partner 3")),
            community=chance.choice((None, "g2")),
            sectors=some("energy"),
            residency=chance.choice((None, frozenset({"SE"}))),
        )
        for _ in range(6)
    ]
    for text in (APART, APART[: APART.index('@id("home")')]):
        policy = policy_of(text)
        apart = Alike(policy, floor_of(), classes)
        found: dict[Recipient, list[Decision]] = {}
        for one in recipients:
            made = decide_all(policy, classes, one, Action.RELEASE, NOW)
            assert found.setdefault(apart.key(one), made) == made
        assert 1 < len(found) < len(recipients)
