"""Equal in meaning means no differing path, and the other way round."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.stix.compare import differing_paths

LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, -0.0, 1e300]) | st.text(max_size=3)
VALUES: st.SearchStrategy[Any] = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3)
)
OBJECTS = st.dictionaries(st.text("abc", max_size=2), VALUES, max_size=4)


def same(a: Any, b: Any) -> bool:
    """The slow twin: equality that tells true from 1."""
    if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None:
        return a is b
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return Decimal(a) == Decimal(b)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return type(a) is type(b) and bool(a == b)


@pytest.mark.slow
@given(OBJECTS, OBJECTS)
def test_no_path_differs_exactly_where_the_values_are_the_same(a: dict[str, Any], b: dict[str, Any]) -> None:
    paths = differing_paths(json.dumps(a).encode(), json.dumps(b).encode())
    assert (paths == ()) == same(a, b)
    assert len(paths) <= 20


@pytest.mark.slow
@given(OBJECTS, st.randoms(use_true_random=False))
def test_layout_and_member_order_mean_nothing(a: dict[str, Any], chance: Any) -> None:
    names = list(a)
    chance.shuffle(names)
    other = json.dumps({name: a[name] for name in names}, indent=2, ensure_ascii=False)
    assert differing_paths(json.dumps(a).encode(), other.encode("utf-8", "surrogatepass")) == ()


@pytest.mark.slow
@given(OBJECTS, OBJECTS)
def test_it_does_not_matter_which_comes_first(a: dict[str, Any], b: dict[str, Any]) -> None:
    x, y = json.dumps(a).encode(), json.dumps(b).encode()
    assert set(differing_paths(x, y, most=1000)) == set(differing_paths(y, x, most=1000))
