"""Laws of markings, over any mixture of well-known, known, unknown and unresolvable ones."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.stix.markings import (
    MARKING_IDS,
    TLP,
    WELL_KNOWN,
    Kind,
    definition_kind,
    effective,
    effective_at,
    forged,
    tlp_of,
)
from comity.stix.object import JsonObject

IDS = [f"marking-definition--{number:08d}-0000-4000-8000-000000000000" for number in range(6)]
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from([*IDS, *WELL_KNOWN, "tlp", "red"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
words = st.sampled_from(["clear", "white", "green", "amber", "amber+strict", "red", "unclear"])
definitions = st.one_of(
    st.none(),
    words.map(lambda word: {"type": "marking-definition", "definition_type": "tlp", "definition": {"tlp": word}}),
    st.text(max_size=8).map(
        lambda text: {"type": "marking-definition", "definition_type": "statement", "definition": {"statement": text}}
    ),
    st.just({"type": "marking-definition", "definition_type": "acme", "definition": {}}),
)
stores = st.fixed_dictionaries(dict.fromkeys(IDS, definitions))
refs = st.lists(st.sampled_from([*IDS, *WELL_KNOWN, "marking-definition--none"]), max_size=6)
labels = st.lists(st.sampled_from(["tlp:green", "TLP:RED", "tlp:amber", "tlp:x", "other"]), max_size=3)
levels = st.sampled_from(TLP)


def store(known: dict[str, JsonObject | None]) -> Callable[[str], JsonObject | None]:
    return known.get


def slow_level(value: JsonObject, known: dict[str, JsonObject | None], default: TLP, use_labels: bool) -> TLP:
    """R4 said plainly, one marking at a time."""
    found: list[TLP] = []
    for ref in value["object_marking_refs"]:
        if ref in WELL_KNOWN:
            found.append(WELL_KNOWN[ref])
        else:
            given_definition = known.get(ref)
            kind = given_definition["definition_type"] if given_definition else None
            if kind == "tlp" and given_definition and given_definition["definition"]["tlp"] != "unclear":
                found.append(TLP.read(given_definition["definition"]["tlp"]))
            elif kind != "statement":
                found.append(TLP.RED)
    if use_labels:
        tags = [label for label in value["labels"] if label.lower().startswith("tlp:")]
        found += [TLP.RED if tag == "tlp:x" else TLP.read(tag) for tag in tags]
    return max(found, default=default)


@pytest.mark.slow
@given(refs, labels, stores, levels, st.booleans())
def test_the_effective_level_is_that_of_the_slow_twin(
    named: list[str], tags: list[str], known: dict[str, JsonObject | None], default: TLP, use: bool
) -> None:
    value = {"object_marking_refs": named, "labels": tags}
    assert effective(value, store(known), default, labels=use).tlp is slow_level(value, known, default, use)


@given(refs, stores, levels, st.sampled_from([*IDS, *WELL_KNOWN]))
def test_a_marking_added_never_loosens_what_markings_said(
    named: list[str], known: dict[str, JsonObject | None], default: TLP, added: str
) -> None:
    before = effective({"object_marking_refs": named}, store(known), default)
    after = effective({"object_marking_refs": [*named, added]}, store(known), default)
    alone = effective({"object_marking_refs": [added]}, store(known), TLP.CLEAR)
    if before.tlp_from == "object" or alone.tlp_from == "source" or alone.tlp >= before.tlp:
        assert after.tlp >= before.tlp
    assert set(after.statements) >= set(before.statements)
    assert set(after.unknown) >= set(before.unknown)


@given(refs, stores, levels, st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_matter(
    named: list[str], known: dict[str, JsonObject | None], default: TLP, rng: Any
) -> None:
    mixed = [*named, *rng.choices(named, k=3)] if named else []
    rng.shuffle(mixed)
    first = effective({"object_marking_refs": named}, store(known), default)
    second = effective({"object_marking_refs": mixed}, store(known), default)
    assert (first.tlp, first.tlp_from) == (second.tlp, second.tlp_from)
    assert set(first.statements) == set(second.statements)
    assert set(first.unknown) == set(second.unknown)
    assert len(first.findings) == len(second.findings)
    assert tlp_of({"object_marking_refs": named}) == tlp_of({"object_marking_refs": mixed})


@given(refs, stores, levels)
def test_an_id_that_does_not_resolve_is_red(
    named: list[str], known: dict[str, JsonObject | None], default: TLP
) -> None:
    value = {"object_marking_refs": [*named, "marking-definition--nowhere"]}
    assert effective(value, store(known), default).tlp is TLP.RED


@given(refs, refs, stores, levels, st.sampled_from(["name", "a.[0].b", "a"]))
def test_a_path_is_never_looser_than_its_object(
    named: list[str], granular: list[str], known: dict[str, JsonObject | None], default: TLP, selector: str
) -> None:
    entries = [{"marking_ref": ref, "selectors": ["name", "a.[0]"]} for ref in granular]
    value = {"object_marking_refs": named, "granular_markings": entries}
    whole = effective(value, store(known), default)
    at = effective_at(value, selector, store(known), default)
    assert at.tlp >= whole.tlp
    both = effective({"object_marking_refs": named + granular}, store(known), default).tlp
    assert at.tlp is (max(whole.tlp, both) if granular and selector != "a" else whole.tlp)


@given(refs, labels, levels, st.booleans())
def test_the_quick_level_never_says_less_than_the_full_one(
    named: list[str], tags: list[str], default: TLP, use: bool
) -> None:
    known = [ref for ref in named if ref in WELL_KNOWN]
    value = {"object_marking_refs": known, "labels": tags}
    quick = tlp_of(value, labels=use)
    full = effective(value, store({}), default, labels=use)
    assert (quick is None) is (full.tlp_from == "source")
    assert quick is None or quick == full.tlp


@given(st.dictionaries(st.sampled_from(["object_marking_refs", "granular_markings", "labels"]), json_values), levels)
def test_whatever_is_sent_has_a_marking_and_raises_nothing(value: JsonObject, default: TLP) -> None:
    quick = tlp_of(value, labels=True)
    full = effective(value, store({}), default, labels=True)
    assert quick is None or full.tlp >= quick
    assert effective_at(value, "name", store({}), default, labels=True).tlp >= full.tlp


members = st.sampled_from(["type", "created", "definition_type", "definition", "extensions", "name"])


@pytest.mark.slow
@given(st.dictionaries(members, json_values), st.sampled_from([*WELL_KNOWN, *IDS]))
def test_whatever_a_definition_holds_it_has_a_meaning(value: JsonObject, ident: str) -> None:
    meaning = definition_kind(value | {"type": "marking-definition"})
    assert (meaning.kind is Kind.UNKNOWN) is (meaning.kind is Kind.UNKNOWN and meaning.tlp is TLP.RED)
    found = forged(value | {"id": ident})
    assert found is None or ident in WELL_KNOWN


def test_tlp_2_ids_are_one_a_level() -> None:
    assert {WELL_KNOWN[ident] for ident in MARKING_IDS.values()} == set(TLP)
