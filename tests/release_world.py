"""The words of the slow twin as classes and recipients of the product, and samples of them."""

import itertools
import random
from collections.abc import Iterator, Sequence

from tests.release_twin import ACTIONS, FACETS, RECIPIENT

from comity.node.policies import policy_texts
from comity.release.cedar import json_form
from comity.release.classes import Action, Iep, Recipient, Relation, ReleaseClass
from comity.release.decide import Decision, decide_all
from comity.release.policy import Floor, Policy, load_floor, make_policy
from comity.release.problems import read_text
from comity.stix.tlp import TLP

NOW = 1_767_225_600_000_000
DAY = 86_400_000_000
DATES: dict[str, tuple[int | None, int | None]] = {
    "none": (None, None),
    "before": (NOW + DAY, NOW + 2 * DAY),
    "begins": (NOW, NOW + DAY),
    "within": (NOW - DAY, NOW + DAY),
    "ends": (NOW - DAY, NOW),
    "after": (NOW - 2 * DAY, NOW - DAY),
}
EMBARGO = {"none": None, "over": NOW - DAY, "now": NOW, "ahead": NOW + DAY}
GROUPS = {"none": frozenset[str](), "in": frozenset({"A"}), "out": frozenset({"B"}), "both": frozenset({"A", "B"})}
ACTION = {word: Action(word) for word in ACTIONS}

PLAIN = {name: values[0] for name, values in (FACETS | RECIPIENT).items()} | {
    "relation": "partner",
    "state": "active",
    "max_tlp": "red",
    "iep_actions": "externally-visible-direct-actions",
}
"""A class and a recipient of which nothing stands in the way."""


def floor_of(text: str | None = None) -> Floor:
    """The floor as shipped, or with another text."""
    schema, shipped = policy_texts()
    return load_floor(schema, shipped if text is None else text)


def policy_of(text: str, floor: Floor | None = None) -> Policy:
    """A policy of that text, without the cases that a saved one must have."""
    floor = floor or floor_of()
    rules, problems = read_text(text, floor.schema, floor.names)
    assert not problems, problems
    return make_policy(floor, text, rules, ())


def class_of(case: dict[str, str]) -> ReleaseClass:
    """The class that the words describe."""
    starts, ends = DATES[case["iep_dates"]]
    iep = Iep(
        starts,
        ends,
        case["iep_encryption"],
        case["iep_actions"],
        case["iep_notification"],
        case["iep_attribution"],
        case["iep_resale"],
    )
    return ReleaseClass(
        tlp=TLP.read(case["tlp"]),
        tlp_from="object",
        type="indicator",
        origin="" if case["whose"] == "ours" else "X" if case["whose"] == "back" else "Y",
        verified=case["verified"] == "yes",
        community={"none": None, "in": "A", "out": "B"}[case["community"]],
        groups=GROUPS[case["groups"]],
        residency={"none": None, "inside": frozenset({"EE", "FI"}), "outside": frozenset({"FI"})}[case["residency"]],
        named=frozenset({"contact-1"} if case["named"] == "yes" else ()),
        personal=frozenset({"victim"} if case["fixed"] == "yes" else ()),
        personal_fixed=case["fixed"] == "yes",
        exercise=case["exercise"] == "yes",
        embargo_until=EMBARGO[case["embargo"]],
        iep=() if iep == Iep() else (iep,),
        unsound=case["unsound"] == "yes",
    )


def recipient_of(case: dict[str, str]) -> Recipient:
    """The recipient that the words describe."""
    begins, ends = DATES[case["agreement"]]
    return Recipient(
        id="B",
        relation=Relation(case["relation"]),
        state=case["state"],
        groups=frozenset({"A"}),
        cybersecurity=case["cybersecurity"] == "yes",
        max_tlp=TLP.read(case["max_tlp"]),
        agreement_from=begins,
        agreement_until=ends,
        jurisdictions={"yes": frozenset({"EE"}), "no": None, "empty": frozenset[str]()}[case["declared"]],
        origins=frozenset({"X"}),
        transport=case["transport"],
        encrypted=case["encrypted"] == "yes",
        commercial=case["commercial"] == "yes",
        need_to_know="constituency" if case["need"] == "yes" else "",
    )


def sample(names: dict[str, tuple[str, ...]], count: int, rng: random.Random) -> list[dict[str, str]]:
    """Descriptions that are mostly plain, so that what is not plain decides: each facet in turn is another, and few
    others with it."""
    order = sorted(names)
    rng.shuffle(order)
    found = []
    for number in range(count):
        changed = {order[number % len(order)], *rng.sample(order, rng.choice((0, 0, 1, 1, 2, 3)))}
        one = {name: rng.choice(names[name]) if name in changed else PLAIN[name] for name in names}
        for name in ("tlp", "whose", "relation"):
            if name in one and rng.random() < 0.3:
                one[name] = rng.choice(names[name])
        found.append(one)
    return found


def product(names: Sequence[str]) -> Iterator[dict[str, str]]:
    """Every combination of the facets of these names; the others are plain."""
    known = FACETS | RECIPIENT
    for values in itertools.product(*(known[name] for name in names)):
        yield PLAIN | dict(zip(names, values, strict=True))


def decisions(
    policy: Policy, classes: Sequence[dict[str, str]], recipient: dict[str, str], action: str
) -> list[Decision]:
    """What the engine says of each class."""
    return decide_all(policy, [class_of(one) for one in classes], recipient_of(recipient), ACTION[action], NOW)


def rule_ids(text: str) -> list[str]:
    """The `@id`s of a text."""
    return [str(form["annotations"]["id"]) for form in json_form(text)]
