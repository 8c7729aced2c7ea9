"""Laws of closure, over small worlds of objects that refer to and name one another."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.closure_twin import slow_close
from tests.release_strategies import IDS, candidates, ident, what_leaves, world_of, worlds

from comity.release.closure import TEXT_NAMES, Candidate, Verdict, close

Json = dict[str, Any]
World = list[tuple[Json, bool, bool]]
KNOWN = st.frozensets(st.sampled_from([ident(99, "tool"), ident(90, "identity")]))


def verdicts(world: World, known: frozenset[str] = frozenset()) -> list[str]:
    return [outcome.verdict.value for outcome in close(candidates(world), elsewhere=known.__contains__)]


@pytest.mark.slow
@settings(max_examples=max(400, settings().max_examples))
@given(worlds(), KNOWN)
def test_closure_is_that_of_the_slow_twin(world: World, known: frozenset[str]) -> None:
    outcomes = close(candidates(world), elsewhere=known.__contains__)
    found = [(one.verdict.value, what_leaves(value, one)) for (value, _, _), one in zip(world, outcomes, strict=True)]
    assert found == slow_close(world, set(known))


@given(worlds(), KNOWN)
def test_what_leaves_is_a_fixed_point(world: World, known: frozenset[str]) -> None:
    """What is left, looked at again, stays as it is: idempotent."""
    outcomes = close(candidates(world), elsewhere=known.__contains__)
    rest = [
        (value, left is not None, named and "created_by_ref" in value) if left is None else (left, True, True)
        for (value, _, named), left in (
            (one, what_leaves(one[0], outcome)) for one, outcome in zip(world, outcomes, strict=True)
        )
    ]
    again = close(candidates(rest), elsewhere=known.__contains__)
    expected = [Verdict.WITHHOLD if one.verdict is Verdict.WITHHOLD else Verdict.RELEASE for one in outcomes]
    assert [one.verdict for one in again] == expected


@given(worlds(), st.data())
def test_withholding_more_never_releases_more(world: World, data: st.DataObject) -> None:
    fewer = [(value, released and data.draw(st.booleans()), named) for value, released, named in world]
    rank = {"withhold": 0, "redact": 1, "release": 2}
    before = [rank[one] for one in verdicts(world)]
    after = [rank[one] for one in verdicts(fewer)]
    assert all(late <= early for late, early in zip(after, before, strict=True))


@pytest.mark.slow
@given(worlds(), st.randoms())
def test_order_and_repetition_do_not_matter(world: World, chance: Any) -> None:
    order = list(range(len(world)))
    chance.shuffle(order)
    plain = close(candidates(world))
    mixed = close(candidates([world[number] for number in order]))
    assert [mixed[order.index(number)] for number in range(len(world))] == plain
    assert close(candidates(world + world)) == plain + plain


@given(worlds())
def test_nothing_is_withheld_or_cut_where_nothing_is_withheld(world: World) -> None:
    everything = [(value, True, True) for value, _, _ in world]
    assert set(
        verdicts(everything, frozenset({ident(n) for n in range(100)} | {ident(99, "tool"), ident(90, "identity")}))
    ) == {"release"}


@given(worlds())
def test_no_id_of_what_is_withheld_leaves(world: World) -> None:
    outcomes = close(candidates(world))
    left = [what_leaves(value, one) for (value, _, _), one in zip(world, outcomes, strict=True)]
    released = {str(value["id"]) for value in left if value is not None}
    for value, _, _ in world:
        if value["id"] not in released:
            assert not any(value["id"] in str(one) for one in left)


@pytest.mark.slow
def test_the_worlds_show_every_verdict_and_reason() -> None:
    """The generator is looked at: a law over worlds that never withhold would hold for nothing."""
    seen: Counter[str] = Counter()
    for seed in range(400):
        for outcome in close(candidates(world_of(seed, 7))):
            seen[outcome.verdict] += 1
            for reason in outcome.reasons:
                seen["text" if reason.words == TEXT_NAMES else reason.words.split(" ")[0]] += 1
    assert all(seen[word] >= 10 for word in (*Verdict, "text", "it", "this", "nothing")), seen


@given(st.lists(st.tuples(IDS, IDS), max_size=12), st.sets(st.integers(0, 6)))
def test_relationships_over_relationships_end(pairs: list[tuple[str, str]], withheld: set[int]) -> None:
    """Cycles and chains: each goes exactly if both its ends go."""
    made = [
        Candidate(
            {"type": "relationship", "id": ident(number), "source_ref": pair[0], "target_ref": pair[1]},
            number not in withheld,
        )
        for number, pair in enumerate(pairs[:7])
    ]
    outcomes = {str(one.value["id"]): outcome for one, outcome in zip(made, close(made), strict=True)}
    for number, one in enumerate(made):
        ends = [one.value["source_ref"], one.value["target_ref"]]
        both = all(end in outcomes and outcomes[end].verdict is Verdict.RELEASE for end in ends)
        goes = outcomes[str(one.value["id"])].verdict is Verdict.RELEASE
        assert not goes or (both and number not in withheld)
        assert goes or not both or number in withheld or outcomes[str(one.value["id"])].reasons
