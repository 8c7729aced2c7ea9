"""Laws of redaction: it adds nothing, takes what it must, keeps every other byte, and leaves valid STIX."""

import json
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.data import objects_of
from tests.schemas import schemas
from tests.stix_samples import SAMPLES, UUID

from comity.release.closure import Candidate, Verdict, close
from comity.release.cuts import Edits, applied, at, settle
from comity.release.redact import edited, redact
from comity.stix import rules
from comity.stix.graph import Need, Place, references
from comity.stix.object import JsonObject
from comity.stix.spans import rewrite

Json = dict[str, Any]
NUMBERS = ("0", "-0", "1.10", "1E+5", "12345678901234567890123", "0.30000000000000004", "true", "null")
NODE = "identity--00000000-0000-4000-8000-000000000001"


def text_of(value: Any, draw: Any) -> str:
    """JSON text of the value with odd spaces, escapes and numbers."""
    space = draw(st.sampled_from(["", " ", "\n\t"]))
    if isinstance(value, dict):
        inner = f"{space},{space}".join(
            f"{text_of(k, draw)}{space}:{space}{text_of(v, draw)}" for k, v in value.items()
        )
        return f"{{{space}{inner}{space}}}"
    if isinstance(value, list):
        return f"[{space}{f'{space},{space}'.join(text_of(one, draw) for one in value)}{space}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=draw(st.booleans()))
    return str(draw(st.sampled_from(NUMBERS)))


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.integers() | st.sampled_from(['a"b', "\\", "é", "{[,:]}", "x"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(['a"', "b", "é\\", "c"]), inner, max_size=4)
    ),
    max_leaves=15,
)


def places(value: Any, place: Place = ()) -> list[Place]:
    inner: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here for step, one in inner for here in ((*place, step), *places(one, (*place, step)))]


def exact(raw: bytes) -> Any:
    return json.loads(raw, parse_float=Decimal, parse_int=Decimal)


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from(["a", "b", 'c"']), VALUES, max_size=4), st.data())
def test_cutting_bytes_is_cutting_the_value(value: Json, data: st.DataObject) -> None:
    raw = text_of(value, data.draw).encode()
    value = exact(raw)
    known = places(value)
    cut = data.draw(st.sets(st.sampled_from(known), max_size=4)) if known else set()
    edits = settle(value, cut)
    result = edited(raw, edits)
    assert exact(result) == applied(value, edits)
    assert edited(result, Edits()) == result
    if not cut:
        assert result == raw


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from(["a", "b"]), VALUES, max_size=3), st.data())
def test_cutting_takes_a_part_of_the_text_and_adds_nothing(value: Json, data: st.DataObject) -> None:
    raw = text_of(value, data.draw).encode()
    known = places(json.loads(raw))
    cut = data.draw(st.sets(st.sampled_from(known), max_size=3)) if known else set()
    rest = iter(raw)
    assert all(byte in rest for byte in rewrite(raw, dict.fromkeys(cut)))


def sound(value: JsonObject) -> bool:
    """Whether a strict source would be taken at its word."""
    return not any(one.must for one in (*schemas().findings(value), *rules.findings(value)))


def leaves(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return [value] if inner is None else [leaf for one in inner for leaf in leaves(one)]


def targets(value: Json) -> list[str]:
    """What it refers to where something else than its own limits hangs on it."""
    kinds = (Need.FORMAT, Need.MARKING)
    return sorted({one.target for one in references(value).items if one.need not in kinds})


@pytest.mark.parametrize("number", range(len(SAMPLES)), ids=lambda number: SAMPLES[number]["type"])
def test_whatever_goes_a_sample_stays_valid_or_is_withheld(number: int) -> None:
    """Each reference alone, and all at once: what leaves is valid, has no id that went, and nothing that is new."""
    value = SAMPLES[number]
    raw = orjson.dumps(value)
    wanted = targets(value)
    markings = {one.target for one in references(value).items} - set(wanted)
    for gone in [[one] for one in wanted] + [wanted]:
        (outcome,) = close(
            [Candidate(value, True, name_author=True)],
            author=NODE,
            elsewhere=lambda ident, gone=gone: ident not in gone or ident in markings,  # type: ignore[misc]
            sound=sound,
        )
        released = redact(raw, outcome)
        if released is None:
            assert outcome.verdict is Verdict.WITHHOLD
            assert outcome.reasons
            continue
        left = orjson.loads(released.raw)
        assert sound(left), (left, outcome)
        assert not any(one.encode() in released.raw for one in gone if one != value["id"])
        assert {str(one) for one in leaves(left)} - {NODE} <= {str(one) for one in leaves(value)}
        (again,) = close(
            [Candidate(left, True, name_author=True)], author=NODE, elsewhere=lambda one: True, sound=sound
        )
        assert again.verdict is Verdict.RELEASE


@pytest.mark.slow
def test_published_objects_leave_byte_for_byte_or_lose_only_what_they_must() -> None:
    raws = objects_of("attack-flow-example.json") + objects_of("ics-attack-18.1.json.zst")[:600]
    values = [orjson.loads(raw) for raw in raws]
    made = [Candidate(value, number % 9 != 0, name_author=number % 2 == 0) for number, value in enumerate(values)]
    outcomes = close(made, elsewhere=lambda ident: ident.startswith(("marking-definition", "identity")))
    seen = dict.fromkeys(Verdict, 0)
    for raw, value, outcome in zip(raws, values, outcomes, strict=True):
        seen[outcome.verdict] += 1
        released = redact(raw, outcome)
        if outcome.verdict is Verdict.RELEASE:
            assert released is not None
            assert released.raw == raw
        elif released is not None:
            assert exact(released.raw) == applied(exact(raw), outcome.edits)
            assert all(at(value, place) is not None for place in outcome.edits.removed)
    assert min(seen.values()) > 20, seen


def test_selectors_follow_what_moved_and_go_with_what_went() -> None:
    marking = f"marking-definition--{UUID}"
    value = {
        "labels": ["a", "b", "c"],
        "name": "n",
        "granular_markings": [
            {"marking_ref": marking, "selectors": ["labels.[2]", "labels.[1]", "name"]},
            {"marking_ref": marking, "selectors": ["labels.[1]"]},
        ],
    }
    raw = orjson.dumps(value)
    left = orjson.loads(edited(raw, settle(value, [("labels", 1)])))
    assert left == {
        "labels": ["a", "c"],
        "name": "n",
        "granular_markings": [{"marking_ref": marking, "selectors": ["labels.[1]", "name"]}],
    }
    assert orjson.loads(edited(raw, settle(value, [("labels",), ("name",)]))) == {}
