"""Small worlds of objects that refer to and name one another, for the laws of the gate."""

import copy
from random import Random
from typing import Any

import orjson
from hypothesis import strategies as st

from comity.release.closure import Candidate, Outcome, Verdict
from comity.release.redact import redact

Json = dict[str, Any]
COUNT = 7
KINDS = ("malware", "campaign", "relationship", "report", "note", "sighting", "domain-name")
WORDS = ("Kancil", "Blue Heron", "evil.example", "ab", "Hospital Nord", "T1")


def ident(number: int, kind: str = "") -> str:
    """The id of the object of that number."""
    return f"{kind or KINDS[number % len(KINDS)]}--00000000-0000-4000-8000-{number:012d}"


ALL_IDS = [*(ident(number) for number in range(COUNT)), ident(99, "tool")]
IDS = st.sampled_from(ALL_IDS)


def _text(chance: Random) -> str:
    word = chance.choice(WORDS)
    return chance.choice(
        (word, f"seen with {word.upper()}, again", f"is ({chance.choice(ALL_IDS)})", "nothing of note")
    )


def _some(chance: Random, most: int = 3) -> list[str]:
    return [chance.choice(ALL_IDS) for _ in range(chance.randint(1, most))]


def _object(chance: Random, number: int) -> Json:
    """An object of that number with some references and texts."""
    kind = KINDS[number % len(KINDS)]
    value: Json = {"type": kind, "id": ident(number), "x_number": 1}
    if chance.random() < 0.5:
        value["created_by_ref"] = chance.choice((ident(90, "identity"), ident(1)))
    if kind == "relationship":
        value |= {"source_ref": chance.choice(ALL_IDS), "target_ref": chance.choice(ALL_IDS)}
    elif kind == "sighting":
        value |= {"sighting_of_ref": chance.choice(ALL_IDS), "observed_data_refs": _some(chance, 2)}
    elif kind in ("report", "note"):
        value["object_refs"] = _some(chance)
    elif kind == "domain-name":
        value["value"] = chance.choice(WORDS)
    else:
        value |= {"name": chance.choice(WORDS), "aliases": [chance.choice(WORDS)][: chance.randint(0, 1)]}
    extra = chance.choice(
        ("", "", "description", "description", "sample_refs", "x_one_ref", "x_changed_by_ref", "external_references")
    )
    if extra == "description":
        value[extra] = _text(chance)
    elif extra == "sample_refs":
        value[extra] = _some(chance)
    elif extra in ("x_one_ref", "x_changed_by_ref"):
        value[extra] = chance.choice(ALL_IDS)
    elif extra:
        value[extra] = [
            {"external_id": chance.choice((*ALL_IDS, "T1234")), "description": _text(chance)}
            for _ in range(chance.randint(1, 2))
        ]
    return value


def world_of(seed: int, size: int) -> list[tuple[Json, bool, bool]]:
    chance = Random(seed)
    made = [_object(chance, number) for number in range(size)]
    if chance.random() < 0.5:
        second = copy.deepcopy(chance.choice(made))
        second["x_copy"] = True
        if "name" in second:
            second["name"] = chance.choice(WORDS)
        made.append(second)
    share = chance.choice((0.5, 0.8, 0.95))
    return [(value, chance.random() < share, chance.random() < 0.5) for value in made]


def worlds() -> st.SearchStrategy[list[tuple[Json, bool, bool]]]:
    """Objects, whether each is released alone, and whether its author may be named; some in two copies. Made by a seed,
    since drawing each part apart takes a hundred times as long."""
    return st.builds(world_of, st.integers(0, 2**40), st.integers(1, COUNT))


def candidates(world: list[tuple[Json, bool, bool]]) -> list[Candidate]:
    """The world as the gate takes it."""
    return [Candidate(value, released, name_author=named) for value, released, named in world]


def what_leaves(value: Json, outcome: Outcome) -> Json | None:
    """The value of the bytes that leave."""
    released = redact(orjson.dumps(value), outcome)
    assert (released is None) is (outcome.verdict is Verdict.WITHHOLD)
    return None if released is None else orjson.loads(released.raw)
