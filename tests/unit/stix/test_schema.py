"""The OASIS schemas: found faults have a place, a keyword and words, and never the value itself."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.schemas import documents, schemas
from tests.stix_samples import RANDOM, SAMPLES, domain, observable, sample

from comity.stix.schema import FINDINGS_MAX, Schemas
from comity.stix.schema_mends import MENDS, mended
from comity.stix.words import path_of

Value = dict[str, Any]


def found(value: Value) -> list[tuple[str, str]]:
    return [(one.where, one.rule) for one in schemas().findings(value)]


@pytest.mark.parametrize("value", SAMPLES, ids=[one["type"] for one in SAMPLES])
def test_sound_objects_have_no_finding(value: Value) -> None:
    assert schemas().findings(value) == ()


def test_every_type_of_stix_has_a_schema() -> None:
    assert len(schemas().types) == 42
    assert {one["type"] for one in SAMPLES} - schemas().types == {"x-example-thing", "x-example-observable"}


def refs(*references: Any) -> Value:
    return domain("identity", name="x", external_references=list(references))


CASES: list[tuple[str, Value, list[tuple[str, str]]]] = [
    ("a missing property", domain("identity"), [("name", "schema:required")]),
    ("a text that is none", domain("identity", name=5), [("name", "schema:type")]),
    ("a null", domain("identity", name="x", description=None), [("description", "schema:type")]),
    ("an empty list", domain("identity", name="x", labels=[]), [("labels", "schema:minItems")]),
    ("a wrong element", domain("identity", name="x", labels=["a", "b", 3]), [("labels[2]", "schema:type")]),
    ("too much confidence", domain("identity", name="x", confidence=101), [("confidence", "schema:maximum")]),
    ("a word of no vocabulary", {**sample("opinion"), "opinion": "meh"}, [("opinion", "schema:enum")]),
    ("a reserved name", domain("identity", name="x", action="y"), [("", "schema:not")]),
    ("an impossible name", domain("identity", name="x", **{"Ä": 1}), [('["Ä"]', "schema:additionalProperties")]),
    (
        "a date without milliseconds",
        {**sample("tool"), "created": "2025-01-01T00:00:00Z"},
        [("created", "schema:pattern")],
    ),
    ("no url", refs({"source_name": "x", "url": "not a url"}), [("external_references[0].url", "schema:format")]),
    ("a reference to nothing", refs({"source_name": "x"}), [("external_references[0]", "schema:anyOf")]),
    (
        "a hash of no algorithm",
        refs({"source_name": "x", "url": "https://example.com/", "hashes": {"CRC": "00"}}),
        [("external_references[0].hashes", "schema:propertyNames")],
    ),
    ("a nameless reference", refs({"description": "x"}), [("external_references[0].source_name", "schema:required")]),
    (
        "a CVE without its number",
        refs({"source_name": "cve"}),
        [("external_references[0].external_id", "schema:required")],
    ),
    (
        "no CVE",
        refs({"source_name": "cve", "external_id": "CVE-1"}),
        [("external_references[0].external_id", "schema:pattern")],
    ),
    (
        "an extension without its type",
        {**sample("tool"), "extensions": {f"extension-definition--{RANDOM}": {"a_b": 1}}},
        [(f"extensions.extension-definition--{RANDOM}.extension_type", "schema:required")],
    ),
    (
        "no extension",
        {**sample("tool"), "extensions": {"x": {"a_b": 1}}},
        [("extensions.x", "schema:additionalProperties")],
    ),
    (
        "an artifact of nothing",
        observable("artifact", mime_type="a/b"),
        [("mime_type", "schema:pattern"), ("", "schema:oneOf")],
    ),
    ("traffic from nowhere", observable("network-traffic", protocols=["tcp"]), [("", "schema:anyOf")]),
    ("an empty dictionary", observable("file", hashes={}), [("hashes", "schema:minProperties")]),
    ("no address", observable("ipv4-addr", value="300.1.1.1"), [("value", "schema:pattern")]),
    (
        "observed nothing",
        {name: one for name, one in sample("observed-data").items() if name != "object_refs"},
        [("", "schema:oneOf")],
    ),
    (
        "observed twice",
        {**sample("observed-data"), "objects": {"0": observable("mutex", name="x")}},
        [("", "schema:oneOf")],
    ),
    ("a related bundle", {**sample("relationship"), "target_ref": f"bundle--{RANDOM}"}, [("target_ref", "schema:not")]),
    ("no place", domain("location", name="x"), [("", "schema:anyOf")]),
    (
        "a custom object without a date",
        {k: v for k, v in domain("x-a-b").items() if k != "modified"},
        [("modified", "schema:required")],
    ),
    ("a custom observable", observable("x-a-b", defanged="no"), [("defanged", "schema:type")]),
    (
        "an id of version 7",
        {**sample("tool"), "id": "tool--0190d1c5-4b7a-7cc3-98c4-dc0c0c07398f"},
        [("id", "schema:pattern")],
    ),
]


@pytest.mark.parametrize(
    ("value", "expected"), [(value, expected) for _, value, expected in CASES], ids=[one[0] for one in CASES]
)
def test_a_fault_has_its_place_and_keyword(value: Value, expected: list[tuple[str, str]]) -> None:
    assert found(value) == expected
    assert all(one.must and 0 < len(one.problem) < 500 for one in schemas().findings(value))


def test_the_words_of_a_fault() -> None:
    def words(value: Value) -> str:
        return schemas().findings(value)[0].problem

    assert words(domain("identity")) == "the property 'name' is missing"
    assert words(domain("identity", name=None)) == "this must be a text, and is null"
    assert words(observable("artifact")) == "one of 'payload_bin', 'url' and 'hashes' is wanted"
    assert words(refs({"source_name": "x"})) == "at least one of 'external_id', 'description', 'url' is wanted"
    assert "YYYY-MM-DDThh:mm:ss.sssZ" in words({**sample("tool"), "created": "2025-01-01T00:00:00Z"})
    assert words({**sample("tool"), "id": f"malware--{RANDOM}"}).endswith("is not the id of a tool")
    assert words(domain("identity", name="x", severity=1)) == "the property 'severity' is not allowed here"
    both = {**sample("observed-data"), "objects": {"0": observable("mutex", name="x")}}
    assert words(both) == "properties that exclude each other are given"


def test_names_of_digits_are_names() -> None:
    value = {name: one for name, one in sample("observed-data").items() if name != "object_refs"}
    value["objects"] = {"0": observable("file", name=5)}
    assert found(value)[0] == ("objects.0.name", "schema:type")


@pytest.mark.parametrize("key", ["0", "00", "007", "-1", "1e3", "٣", "9" * 30, "~1", "a/b", "", " ", "[0]"])
def test_any_name_on_the_way_to_a_fault_is_found_again(key: str) -> None:
    value = {name: one for name, one in sample("observed-data").items() if name != "object_refs"}
    value["objects"] = {"x": observable("mutex", name="x"), key: observable("file", name="x", hashes={"MD5": "z"})}
    places = [one.where for one in schemas().findings(value)]
    assert places == [path_of(["objects", key, "hashes", "MD5"])]


def test_a_fault_far_inside_a_large_object_is_found() -> None:
    assert found(domain("identity", name="x", labels=["a"] * 5000 + [5])) == [("labels[5000]", "schema:type")]
    many = {f"a_{number}": 1 for number in range(5000)}
    assert found(domain("identity", **many, zzz=None, name="x")) == [("zzz", "schema:type")]
    assert found(domain("identity", **many)) == [("name", "schema:required")]
    references = [{"source_name": "x", "description": "y"}] * 3000
    assert found(refs(*references, {"source_name": "cve"})) == [
        ("external_references[3000].external_id", "schema:required")
    ]


def test_a_fault_that_is_too_far_inside_is_refused_without_its_place() -> None:
    assert found(domain("identity", name="x", labels=["a"] * 30_000 + [5])) == [("", "schema")]
    wide: Value = {"a": [{"b": [{"c": [1] * 30}] * 30}] * 30}
    assert found(domain("identity", name=5, x_wide=wide, x_wider=[wide] * 30)) == [("name", "schema:type")]


@pytest.mark.slow
def test_naming_the_faults_of_a_hostile_object_costs_little() -> None:
    """Listing all errors of these took half a minute and 700 MB; see schema_excerpt."""
    observed = {name: one for name, one in sample("observed-data").items() if name != "object_refs"}
    observed["objects"] = {str(number): {} for number in range(10_000)}
    for value in (observed, refs(*[{}] * 30_000), domain("identity", name="x", labels=[5] * 50_000)):
        start = time.perf_counter()
        assert len(found(value)) == FINDINGS_MAX
        assert time.perf_counter() - start < 5


def test_no_big_value_gets_into_a_message() -> None:
    secret = "s3cret" * 1000
    value = domain("identity", name=[secret], description={secret: secret}, lang=5, labels=[{secret: 1}], **{secret: 1})
    value["id"] = secret
    value["created"] = secret
    for one in schemas().findings(value):
        assert len(one.problem) < 500
        assert len(one.where) <= 200
        assert one.problem.count("s3cret") <= 28


def test_control_characters_are_written_out() -> None:
    value = domain("identity", name="x", confidence="\x1b[31m", **{"\x1b[0m": 1})
    text = "".join(one.problem + one.where for one in schemas().findings(value))
    assert "\x1b" not in text


def test_findings_are_bounded() -> None:
    value = domain("identity", name="x", labels=[5] * 1000, roles=[5] * 1000)
    assert len(schemas().findings(value)) == FINDINGS_MAX


def test_a_hostile_pattern_costs_linear_time() -> None:
    value = {**domain("identity", name="x"), "type": "x-" + "a" * 200 + "!"}
    assert schemas().findings(value)


def test_every_mend_fits_and_is_needed() -> None:
    result = mended(documents())
    assert {mend.document for mend in MENDS} <= result.keys()
    assert all(mend.reason for mend in MENDS)
    with pytest.raises(ValueError, match=r"no mend|something else"):
        mended(result)


@pytest.mark.parametrize("fault", ["nothing", "something else"])
def test_a_mend_that_does_not_fit_is_noticed(fault: str) -> None:
    other = dict(documents())
    key = dict(other["observables/windows-registry-key"])
    key["anyOf"] = [] if fault == "nothing" else [{"required": ["other"]}] * 5
    other["observables/windows-registry-key"] = key
    with pytest.raises(ValueError, match=fault):
        mended(other)


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("::ffff:192.0.2.1", True),
        ("2001:db8::192.0.2.33", True),
        ("::", True),
        ("::1/128", True),
        ("2001:db8::/32", True),
        ("fe80::1%eth0", True),
        ("fe80::1%eth0/64", True),
        ("1:2:3:4:5:6:7:8", True),
        ("s::1", False),
        ("::ffff:300.0.2.1", False),
        ("::ffff:1d2d3d4", False),
        ("1:2:3:4:5:6:7:8:9", False),
        ("2001:db8::/129", False),
        ("x", False),
        ("", False),
    ],
)
def test_ipv6_addresses_are_told_as_the_standard_library_tells_them(value: str, good: bool) -> None:
    assert (schemas().findings(observable("ipv6-addr", value=value)) == ()) == good


@pytest.mark.parametrize(
    ("key", "good"),
    [
        ("HKLM\\x", False),
        ("hku", False),
        ("HKEY_USERS\\hku", True),
        ("HKEY_LOCAL_MACHINE\\HKCUx", True),
        ("HKLMx", True),
    ],
)
def test_only_shortened_hives_are_refused(key: str, good: bool) -> None:
    assert (schemas().findings(observable("windows-registry-key", key=key)) == ()) == good


def test_compiling_waits_until_a_type_is_met() -> None:
    fresh = Schemas(documents())
    assert not fresh._validators
    fresh.findings(sample("identity"))
    fresh.findings(domain("x-a-custom", name="x"))
    fresh.findings(domain("x-another-custom", name="x"))
    assert set(fresh._validators) == {"identity", "common/core"}


@pytest.mark.slow
def test_all_types_together_need_less_than_60_mb() -> None:
    script = (
        "from tests.schemas import schemas\nfrom tests.stix_samples import SAMPLES\nimport psutil\n"
        "before = psutil.Process().memory_info().rss\n"
        "for one in SAMPLES: schemas().findings(one)\n"
        "print(psutil.Process().memory_info().rss - before)"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True, encoding="utf-8"
    )
    assert int(done.stdout) < 60 * 2**20
