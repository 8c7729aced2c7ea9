"""A classifier says of every object what `classify` says, and holds one class for many objects."""

import json
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.personal_texts import text_of
from tests.stix_samples import SAMPLES, UUID

from comity.release import classifier
from comity.release.classifier import Classifier, ClassKeys, Key, key_of
from comity.release.classify import Context, class_digest, classify
from comity.stix.extensions import LIMITS_EXTENSION
from comity.stix.iep import IEP2_EXTENSION
from comity.stix.markings import MARKING_IDS, TLP

Json = dict[str, Any]


def definition(number: int, **members: Any) -> Json:
    return {"type": "marking-definition", "id": f"marking-definition--{UUID[:-3]}{number:03d}", **members}


DEFINITIONS = {
    one["id"]: one
    for one in (
        definition(1, definition_type="statement", definition={"statement": "of us"}),
        definition(2, definition_type="pap", definition={"pap": "amber"}),
        definition(3, extensions={IEP2_EXTENSION: {"extension_type": "property-extension", "tlp": "amber"}}),
        definition(4, definition_type="strange", definition={}),
    )
}
REFS = [*MARKING_IDS.values(), *DEFINITIONS, f"marking-definition--{UUID}", 1, None, True, 1.0, ["x"], "x" * 400]
LABELS = ["tlp:red", "tlp:amber", " TLP:Green", "tlp:purple", "botnet", 1, True, None, {}, "x" * 400]
LIMITS: list[Json] = [
    {"groups": ["a"]},
    {"exercise": True},
    {"exercise": 1},
    {"residency": ["EE"]},
    {"residency": ["ee"]},
    {},
]
IDENTITY = f"identity--{UUID}"
CONTEXTS = [
    Context(origin, DEFINITIONS.get, default, labels=labels, ours=ours, ip_addresses=labels)
    for origin, default in (("", None), ("feed", TLP.GREEN))
    for labels in (False, True)
    for ours in (frozenset[str](), frozenset({IDENTITY}))
]


class Counting:
    """A function that counts what it is asked for."""

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        self.answer = answer
        self.asked: list[Any] = []

    def __call__(self, one: Any) -> Any:
        self.asked.append(one)
        return self.answer(one)


def some(chance: Random, members: list[Any], most: int = 3) -> Any:
    """Some of them, seldom too many; or what is no list of them at all."""
    if chance.random() < 0.1:
        return chance.choice([None, "x", {}, 1, [], ()])
    return [chance.choice(members) for _ in range(20 if chance.random() < 0.05 else chance.randint(0, most))]


def value_of(chance: Random) -> Json:
    """An object with some of what classes depend on; most are plain, some malformed."""
    value: Json = {"type": chance.choice(["report", "indicator", "marking-definition", "email-addr", 1, True, None])}
    made: dict[str, Any] = {
        "object_marking_refs": lambda: some(chance, REFS if chance.random() < 0.3 else REFS[:7]),
        "granular_markings": lambda: some(
            chance, [{"marking_ref": ref, "selectors": ["name"]} for ref in REFS] + [{}, 1, {"selectors": 1}]
        ),
        "labels": lambda: some(chance, LABELS),
        "sectors": lambda: some(chance, ["energy", "water", "energy", 1]),
        "created_by_ref": lambda: chance.choice([IDENTITY, "identity--x", None, 1, [IDENTITY]]),
        "extensions": lambda: chance.choice(
            [
                {LIMITS_EXTENSION: {"extension_type": "property-extension", **chance.choice(LIMITS)}},
                {},
                [],
                None,
                {"x": 1},
            ]
        ),
        "description": lambda: text_of(chance),
        "value": lambda: chance.choice(["jane@example.org", "198.51.100.7", "nothing"]),
    }
    for name, make in made.items():
        if chance.random() < 0.35:
            value[name] = make()
    return value


@pytest.mark.slow
@given(st.integers(min_value=0), st.sampled_from(CONTEXTS))
def test_a_classifier_says_what_classify_says(seed: int, context: Context) -> None:
    chance = Random(seed)
    bulk = Classifier(context)
    for value in [value_of(chance) for _ in range(4)] * 2:
        addressee = chance.random() < 0.3
        found = bulk.of(value, addressee=addressee)
        assert found == classify(value, replace(context, addressee=addressee)), value
        assert bulk.digest(found) == class_digest(found)


@pytest.mark.slow
@given(st.integers(min_value=0), st.sampled_from(CONTEXTS))
def test_keys_that_are_kept_are_those_of_each_object_alone(seed: int, context: Context) -> None:
    chance = Random(seed)
    kept = ClassKeys(context)
    found: dict[Key, Key] = {}
    for value in [value_of(chance) for _ in range(6)] * 2:
        key = kept.of(value)
        assert key == key_of(value, context), value
        assert key is None or found.setdefault(key, key) is key
        if kept.cleared([json.dumps(value).encode()]) == [True]:
            assert kept.of_cleared(value) is key
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classifier, "KEPT_MAX", 2)
        few = ClassKeys(context)
        for value in [value_of(chance) for _ in range(6)]:
            assert few.of(value) == key_of(value, context), value
            assert max(len(few._kept), len(few._plain)) <= 2


@given(st.integers(min_value=0))
def test_a_classifier_that_forgets_says_the_same(seed: int) -> None:
    chance = Random(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classifier, "KEPT_MAX", 2)
        bulk = Classifier(CONTEXTS[-1])
        for value in [value_of(chance) for _ in range(4)] * 2:
            found = bulk.of(value)
            assert found == classify(value, CONTEXTS[-1])
            assert bulk.digest(found) == class_digest(found)
            assert max(len(bulk._made), len(bulk._classes), len(bulk._digests)) <= 2


def test_equal_classes_are_one_object_and_their_digest_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    digests = Counting(class_digest)
    monkeypatch.setattr(classifier, "class_digest", digests)
    bulk = Classifier(CONTEXTS[0])
    found = [bulk.of({**value, "x_number": number}) for value in SAMPLES for number in range(3)]
    assert len({id(one) for one in found}) == len(set(found)) > 10
    assert len({bulk.digest(one) for one in found}) == len(digests.asked) == len(set(found))
    assert bulk.digest(replace(found[0])) == bulk.digest(found[0])
    assert len(digests.asked) == len(set(found))


def test_the_common_object_reads_its_markings_once() -> None:
    resolve = Counting(DEFINITIONS.get)
    ref = next(iter(DEFINITIONS))
    context = replace(CONTEXTS[0], resolve=resolve)
    value = {"type": "report", "object_marking_refs": [ref]}
    classify(value, context)
    assert resolve.asked == [ref]
    bulk = Classifier(context)
    for _ in range(5):
        bulk.of(value)
    assert resolve.asked == [ref, ref]


@pytest.mark.parametrize(
    "members",
    [
        {"labels": ["tlp:red"]},
        {"object_marking_refs": REFS[:1]},
        {"sectors": ["energy"]},
        {"created_by_ref": IDENTITY},
        {"description": "jane@example.org"},
        {"granular_markings": [{"marking_ref": REFS[4], "selectors": ["name"]}]},
        {"extensions": {LIMITS_EXTENSION: {"extension_type": "property-extension", "exercise": True}}},
    ],
    ids=str,
)
def test_objects_that_differ_in_one_member_are_kept_apart(members: Json) -> None:
    context = Context("feed", DEFINITIONS.get, TLP.GREEN, labels=True)
    bulk = Classifier(context)
    plain = {"type": "report", "name": "n"}
    assert bulk.of(plain) != bulk.of({**plain, **members}) == classify({**plain, **members}, context)
    kept = ClassKeys(context)
    assert kept.of(plain) != kept.of({**plain, **members}) == key_of({**plain, **members}, context)


def test_what_is_kept_is_bounded_also_by_its_length() -> None:
    bulk = Classifier(CONTEXTS[1])
    for value in ({"type": "report", "object_marking_refs": ["x" * 400]}, {"object_marking_refs": ["x"] * 17}):
        bulk.of(value)
    assert not bulk._made
