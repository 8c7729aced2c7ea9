"""Each object is judged alone: kept as it came, or refused with its place."""

import hashlib
import json
from typing import Any

import pytest
from tests.schemas import schemas
from tests.stix_samples import SAMPLES, STATEMENT, UUID, domain, observable, sample

from comity.stix.object import VERSIONLESS, Finding, Rejected, StixObject
from comity.stix.parse import Limits, judge
from comity.stix.schema import FINDINGS_MAX


def taken(raw: bytes, *, strict: bool = True, **more: Any) -> StixObject:
    verdict = judge(raw, 0, schemas(), strict=strict, **more)
    assert isinstance(verdict, StixObject), verdict
    return verdict


def refused(raw: bytes, *, strict: bool = False, **more: Any) -> Rejected:
    verdict = judge(raw, 7, schemas(), strict=strict, **more)
    assert isinstance(verdict, Rejected), verdict
    assert verdict.index == 7
    assert verdict.findings
    return verdict


def text(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("value", SAMPLES, ids=[one["type"] for one in SAMPLES])
def test_a_sound_object_is_taken_with_the_bytes_that_came(value: dict[str, Any], strict: bool) -> None:
    raw = json.dumps(value, indent=1).encode()
    found = taken(raw, strict=strict)
    assert found.raw == raw
    assert (found.id, found.type, found.spec_version) == (value["id"], value["type"], "2.1")
    assert found.digest == hashlib.sha256(raw).digest()
    assert not any(one.must for one in found.findings)


def test_every_digit_and_every_unknown_property_stay() -> None:
    raw = (
        b'{"confidence":0,"revoked":false,'
        + text(domain("identity", name="x"))[1:-1]
        + b',"x_n":1.10,"x_m":%d}' % 2**70
    )
    assert taken(raw).raw == raw


def test_the_white_space_around_an_object_is_not_part_of_it() -> None:
    raw = text(domain("identity", name="x"))
    assert taken(b" \r\n\t" + raw + b" \n").raw == raw


def test_version_and_instant_keep_the_text_and_every_digit() -> None:
    value = {**domain("identity", name="x"), "modified": "2026-03-01T00:00:00.123456789000Z"}
    found = taken(text(value))
    assert (found.version, found.instant) == ("2026-03-01T00:00:00.123456789000Z", "2026-03-01T00:00:00.123456789")
    assert taken(text(observable("mutex", name="x"))).version == VERSIONLESS


def test_a_nul_in_a_text_is_kept() -> None:
    raw = text(domain("identity", name="a\x00b"))
    assert taken(raw).raw == raw


def test_a_marking_that_is_known_is_read() -> None:
    assert taken(text(domain("identity", name="x"))).tlp is None
    green = taken(text(domain("identity", name="x", object_marking_refs=[STATEMENT])))
    assert green.tlp is not None
    labelled = text(domain("identity", name="x", labels=["tlp:red"]))
    assert taken(labelled).tlp is None
    red = taken(labelled, labels=True).tlp
    assert red is not None
    assert red > green.tlp


def test_a_forged_marking_is_refused_in_every_mode() -> None:
    value = {**sample("marking-definition"), "id": STATEMENT}
    assert refused(text(value)).findings[0].must
    assert refused(text(value), strict=True).id == STATEMENT


def test_lenient_keeps_the_faults_and_strict_refuses_them() -> None:
    value = {**domain("identity", name=5), "modified": "2020-01-01T00:00:00.000Z"}
    kept = taken(text(value), strict=False)
    assert {one.where for one in kept.findings} == {"name", "modified"}
    verdict = refused(text(value), strict=True)
    assert verdict.findings == kept.findings
    assert (verdict.id, verdict.version) == (value["id"], value["modified"])
    assert (verdict.where, verdict.problem) == (kept.findings[0].where, kept.findings[0].problem)


def test_a_should_refuses_nothing() -> None:
    value = next(one for one in SAMPLES if "objects" in one)
    assert [one.must for one in taken(text(value)).findings] == [False]


def test_what_a_must_forbids_is_named_before_the_rest() -> None:
    value = {**next(one for one in SAMPLES if "objects" in one), "labels": [5] * 50}
    findings = refused(text(value), strict=True).findings
    assert len(findings) == FINDINGS_MAX
    assert all(one.must for one in findings)


BROKEN: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", ""),
    "space": (b"  ", ""),
    "a list": (b"[]", ""),
    "a number": (b"5", ""),
    "an open object": (b'{"a":1', "RFC 8259"),
    "something behind": (b"{} x", "RFC 8259"),
    "an empty object": (b"{}", "STIX 2.1 §3.2"),
    "a repeated name": (b'{"type":"identity","type":"identity"}', "RFC 7493 §2.3"),
    "a bundle": (text({"type": "bundle", "id": f"bundle--{UUID}", "objects": []}), "STIX 2.1 §8"),
    "depth": (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "depth"),
}


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(("raw", "rule"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_object_is_refused_in_every_mode(raw: bytes, rule: str, strict: bool) -> None:
    verdict = refused(raw, strict=strict)
    assert verdict.findings[0].rule == rule or not rule
    assert verdict.id == "" or rule == "STIX 2.1 §8"


def test_a_refusal_says_which_object_it_was_as_far_as_it_can_be_read() -> None:
    whole = domain("identity", name="x")
    for broken in (b'"x":1e400', b'"x":"\xff"', b'"x":1,"x":1', b'"x":' + b"[" * 200 + b"]" * 200):
        verdict = refused(text(whole)[:-1] + b"," + broken + b"}")
        assert (verdict.id, verdict.version) == (whole["id"], whole["modified"])
    assert refused(text({**whole, "id": "nothing"})).id == "nothing"
    assert refused(b'{"id":"\xff","type":"x"}').id == ""
    for other in ({"id": "a" * 10_000}, {"id": "\x1b"}, {"id": 5}, {"id": None}, {"id": "\ud800"}):
        assert refused(text({**whole, **other})).id == ""
    assert refused(text({**whole, "modified": "never"})).version == whole["created"]
    assert refused(text({**whole, "modified": 5, "created": []})).version == VERSIONLESS


def test_size_is_bounded() -> None:
    raw = text(domain("identity", name="x" * 1000))
    assert taken(raw, limits=Limits(object_bytes_max=len(raw)))
    verdict = refused(raw, limits=Limits(object_bytes_max=len(raw) - 1))
    assert verdict.findings[0].rule == "size"
    assert verdict.id == f"identity--{UUID}"


@pytest.mark.parametrize("strict", [True, False])
def test_stix_2_0_is_refused_in_every_mode(strict: bool) -> None:
    value = {name: one for name, one in domain("identity", name="x").items() if name != "spec_version"}
    verdict = refused(text(value), strict=strict)
    assert "STIX 2.0" in verdict.problem
    assert verdict.id == value["id"]


def test_findings_are_values() -> None:
    assert Finding("a", "b", "c") == Finding("a", "b", "c", must=True)
