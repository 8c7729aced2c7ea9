"""Nothing but a verdict comes out of the judge, and a lenient source is never stricter than a strict one."""

import json
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.schemas import schemas
from tests.stix_mutants import mutants
from tests.stix_samples import SAMPLES

from comity.stix.object import StixObject
from comity.stix.parse import judge

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda raw: b"{" + raw + b"}"), st.booleans())
def test_any_bytes_get_a_verdict(raw: bytes, strict: bool) -> None:
    judge(raw, 0, schemas(), strict=strict)


@given(st.sampled_from(SAMPLES), st.data())
def test_any_value_at_any_property_gets_a_verdict(value: dict[str, Any], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(value)) | st.sampled_from(["granular_markings", "extensions", "labels"]))
    raw = json.dumps({**value, name: data.draw(VALUES)}).encode()
    check(raw)


@given(st.integers(0, 10**9))
def test_mutants_get_a_verdict(seed: int) -> None:
    start = Random(seed).randrange(len(SAMPLES))
    for value in mutants(SAMPLES[start:] + SAMPLES[:start], 3, seed):
        check(json.dumps(value).encode())


def check(raw: bytes) -> None:
    strict = judge(raw, 0, schemas(), strict=True)
    lenient = judge(raw, 0, schemas(), strict=False)
    for verdict in (strict, lenient):
        for found in verdict.findings:
            assert len(found.problem) < 600
            assert len(found.where) < 300
            assert found.problem.isprintable()
        if isinstance(verdict, StixObject):
            assert verdict.raw == raw
        else:
            assert verdict.findings
    if isinstance(strict, StixObject):
        assert strict == lenient
        assert not any(found.must for found in strict.findings)
