"""Comity's strict mode and OASIS's stix2-validator refuse the same objects, apart from `tests/validator_exceptions.py`.

Only what breaks a MUST counts (`disabled="all"` leaves out what the validator calls best practice). Either may name
another fault of an object first; what is compared is whether the object passes.
"""

import copy
import json
import logging
import random
from collections.abc import Callable, Iterable
from typing import Any

import orjson
import pytest
from tests.data import objects_of, read_data
from tests.oracle import oracle
from tests.schemas import schemas
from tests.stix_mutants import mutants
from tests.stix_samples import SAMPLES
from tests.validator_exceptions import DIFFERENCES, Difference, explained

from comity.stix.object import Rejected
from comity.stix.parse import judge

pytestmark = pytest.mark.slow  # Importing the oracle alone takes seconds.

SETS = (
    "enterprise-attack-18.1.json.zst",
    "ics-attack-18.1.json.zst",
    "mobile-attack-17.1.json.zst",
    "capec-stix-2.1.json.zst",
    "atlas-stix.json.zst",
    "emb3d-stix-2.0.1.json.zst",
    "attack-flow-example.json",
)
MUTANTS_DEEP = 6000
Value = dict[str, Any]


@pytest.fixture(autouse=True)
def _quiet_oracle() -> Iterable[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def theirs(value: Value) -> list[str]:
    """What the validator refuses the object for; a crash of it is a refusal."""
    stix2validator = oracle()
    options = stix2validator.ValidationOptions(version="2.1", disabled="all", silent=True)
    try:
        result = stix2validator.validate_instance(copy.deepcopy(value), options)
    except Exception as error:
        return [f"crash: {type(error).__name__}: {error}"]
    return [] if result.is_valid else [str(error) for error in result.errors]


def ours(value: Value) -> list[str]:
    """What Comity refuses the object for, in strict mode."""
    verdict = judge(json.dumps(value).encode(), 0, schemas(), strict=True)
    if not isinstance(verdict, Rejected):
        return []
    return [f"{found.rule} {found.where} {found.problem}" for found in verdict.findings if found.must]


def difference(value: Value, judge_ours: Callable[[Value], list[str]] = ours) -> tuple[str, list[Difference]]:
    """Words about an unexplained difference, empty where there is none; and the known differences that were met."""
    oracle, own = theirs(value), judge_ours(value)
    if bool(oracle) == bool(own):
        return "", []
    who, words = ("validator", oracle) if oracle else ("comity", own)
    causes = explained(who, words)
    if causes is None:
        return f"{who} alone refuses {json.dumps(value)[:1500]}: {words[:3]}", []
    return "", causes


def unexplained(values: Iterable[Value]) -> tuple[int, list[str]]:
    """How many objects were compared, and the differences that nothing explains."""
    count, found = 0, []
    for value in values:
        count += 1
        words, _ = difference(value)
        if words:
            found.append(words)
    return count, found


def examples() -> list[Value]:
    """The objects of the OASIS example documents, one of which is an object alone."""
    found: list[Value] = []
    for line in read_data("oasis-stix-examples.ndjson.zst").splitlines():
        document = orjson.loads(line)["bundle"]
        found += document["objects"] if document.get("type") == "bundle" else [document]
    return found


def some_real_objects(count: int) -> list[Value]:
    chance = random.Random(5)
    return [orjson.loads(raw) for name in SETS[1:] for raw in chance.sample(objects_of(name), min(count, 20))]


@pytest.mark.parametrize("value", SAMPLES, ids=[one["type"] for one in SAMPLES])
def test_both_take_a_sound_object_of_every_type(value: Value) -> None:
    assert theirs(value) == []
    assert ours(value) == []


@pytest.mark.parametrize("known", DIFFERENCES, ids=[one.name for one in DIFFERENCES])
def test_no_known_difference_is_stale(known: Difference) -> None:
    words, causes = difference(known.example)
    assert words == ""
    assert known in causes, "the example shows no difference any more, or another entry covers it first"


def test_a_judge_that_forgets_the_rules_is_noticed() -> None:
    """The checker is checked: a seeded fault on our side gives an unexplained difference."""
    late = {**SAMPLES[0], "modified": "2000-01-01T00:00:00.000Z"}
    assert difference(late, lambda value: [])[0]
    assert difference(SAMPLES[0], lambda value: ["invented"])[0]


@pytest.mark.slow
def test_both_judge_some_real_objects_and_mutants_alike() -> None:
    real = some_real_objects(20) + examples()[:100]
    mutated = mutants([*SAMPLES, *real], 2000, seed=20260101)
    count, found = unexplained([*real, *mutated])
    assert found == []
    assert count >= 2000


@pytest.mark.deep
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", SETS)
def test_both_judge_every_real_object_alike(name: str) -> None:
    count, found = unexplained(orjson.loads(raw) for raw in objects_of(name))
    print(f"{name}: {count:,} objects compared")
    assert found == []


@pytest.mark.deep
def test_both_judge_the_examples_of_oasis_alike() -> None:
    count, found = unexplained(examples())
    print(f"OASIS examples: {count:,} objects compared")
    assert found == []


@pytest.mark.deep
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_both_judge_mutants_alike(seed: int) -> None:
    chance = random.Random(seed)
    real = [orjson.loads(raw) for name in SETS for raw in chance.sample(objects_of(name), 20)]
    count, found = unexplained(mutants([*SAMPLES, *SAMPLES, *real, *examples()], MUTANTS_DEEP, seed))
    print(f"seed {seed}: {count:,} mutants compared")
    assert found == []
