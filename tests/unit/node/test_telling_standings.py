"""The table tells of objects between two classes, or that await one, no more than is served of them."""

import itertools
from dataclasses import replace

from tests.release_world import NOW, policy_of
from tests.telling_world import RULES

from comity.node.tabling import Standing
from comity.release.classes import Action, Recipient, Relation, ReleaseClass
from comity.release.classify import canonical_form
from comity.release.decide import decide_all
from comity.release.dispositions import dispose_all
from comity.release.standing import awaiting, between, both
from comity.stix.tlp import TLP

PLAIN = ReleaseClass(TLP.GREEN, "object", "indicator")
CLASSES = [PLAIN, *(replace(PLAIN, tlp=level) for level in (TLP.CLEAR, TLP.AMBER)), replace(PLAIN, type="malware")]


def test_between_two_classes_goes_what_goes_of_both() -> None:
    policy = policy_of(RULES)
    seen = set()
    for relation, groups in itertools.product((Relation.PARTNER, Relation.CLIENT), (frozenset[str](), {"eu"})):
        one = Recipient("PAIR", relation, "active", groups=frozenset(groups), need_to_know="stated")
        told = dict(zip(CLASSES, decide_all(policy, CLASSES, one, Action.RELEASE, NOW), strict=True))
        made = dict(zip(CLASSES, dispose_all(policy, CLASSES, one, NOW), strict=True))
        for had, has in itertools.product(CLASSES, CLASSES):
            standing = Standing.read(between(canonical_form(had), canonical_form(has)), 1)
            served, decision = both(made[had], made[has]), standing.decided(told)
            assert (decision.allowed, decision.because) == (served.released, served.because)
            assert decision.valid_until == served.valid_until
            seen.add(decision.allowed)
            assert (" or " in standing.words) == (had != has)
    assert seen == {True, False}


def test_what_awaits_its_class_goes_nowhere() -> None:
    policy = policy_of(RULES)
    standing = Standing.read(awaiting(canonical_form(PLAIN)), 1)
    one = Recipient("PAIR", Relation.PARTNER, "active")
    (allowed,) = decide_all(policy, [PLAIN], one, Action.RELEASE, NOW)
    decision = standing.decided({PLAIN: allowed})
    assert allowed.allowed
    assert (decision.allowed, [rule.id for rule in decision.because]) == (False, ["gate.reclassify"])
    assert standing.words.endswith(" awaits=another")
