"""Objects made of fields: what is typed is what is said, and what was not touched stays as it was."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from comity.errors import Invalid
from comity.node.countries import countries
from comity.node.system import schema_documents
from comity.stix import schema
from comity.stix.audience import PAP_IDS, PAP_LEVELS, pap_definition
from comity.stix.composing import FIELDS, Composed, Maker, compose, fields_of, names_of
from comity.stix.extensions import LIMITS_EXTENSION
from comity.stix.markings import Kind, definition_kind, effective
from comity.stix.object import StixObject
from comity.stix.parse import judge
from comity.stix.pasting import pattern_of
from comity.stix.pattern import parse
from comity.stix.relating import _NAMED, COMMON, suggested
from comity.stix.tables import SECTIONS
from comity.stix.tlp import MARKING_IDS, TLP

NOW = datetime(2026, 3, 4, 5, 6, 7, 891_000, UTC)
US = f"identity--{'1' * 8}-0000-4000-8000-{'1' * 12}"
MAKER = Maker(NOW, US, countries())
GOOD: dict[str, dict[str, str]] = {
    "indicator": {"name": "C2", "pattern": "[ipv4-addr:value = '198.51.100.7']", "confidence": "75"},
    "incident": {"name": "Kancil at the port", "description": "Two lines\nof text"},
    "report": {"name": "Kancil", "object_refs": f"{US}, malware--{'2' * 8}-0000-4000-8000-{'2' * 12}"},
    "relationship": {
        "source_ref": f"indicator--{'3' * 8}-0000-4000-8000-{'3' * 12}",
        "relationship_type": "indicates",
        "target_ref": f"malware--{'2' * 8}-0000-4000-8000-{'2' * 12}",
    },
}
EVERYTHING = {
    "tlp": "green",
    "pap": "amber",
    "community": "energy",
    "groups": "eu-energy\nnordic",
    "sectors": "energy, water",
    "residency": "EE\nFI",
    "named": US,
    "embargo_until": "2026-12-01 06:00",
    "exercise": "yes",
}


def id_of(type: str) -> str:
    return f"{type}--{'9' * 8}-0000-4000-8000-{'9' * 12}"


def made(type: str, **more: str) -> Composed:
    return compose(type, id_of(type), GOOD[type] | more, MAKER)


@pytest.fixture(scope="module")
def schemas() -> schema.Schemas:
    return schema.compile(schema_documents())


@pytest.mark.parametrize("type", sorted(FIELDS))
def test_what_is_made_is_good_for_a_strict_source(type: str, schemas: schema.Schemas) -> None:
    for more in ({}, EVERYTHING):
        found = made(type, **more)
        assert found.faults == ()
        for value in (*found.definitions, found.value):
            judged = judge(orjson.dumps(value), 0, schemas, strict=True)
            assert isinstance(judged, StixObject), judged
            assert not [one for one in judged.findings if one.must]
        assert found.value["created_by_ref"] == US
        assert found.value["created"] == found.value["modified"] == "2026-03-04T05:06:07.891Z"


def test_a_relationship_begins_and_ends_and_without_a_word_does_neither() -> None:
    """STIX 2.1 section 5.1."""
    value = made("relationship", start_time="2026-01-02", stop_time="2026-01-03T00:00:00.5Z").value
    assert (value["start_time"], value["stop_time"]) == ("2026-01-02T00:00:00.000Z", "2026-01-03T00:00:00.5Z")
    assert fields_of(value, TLP.GREEN)["stop_time"] == "2026-01-03T00:00:00.5Z"
    assert made("relationship").value.keys().isdisjoint({"start_time", "stop_time"})
    assert [fault.field for fault in made("relationship", start_time="soon").faults] == ["start_time"]


def test_without_a_word_it_is_amber_strict() -> None:
    assert made("incident").value["object_marking_refs"] == [MARKING_IDS[TLP.AMBER_STRICT]]


def test_a_level_that_is_none_is_a_fault_and_leaves_the_strictest() -> None:
    found = made("incident", tlp="loose")
    assert [one.field for one in found.faults] == ["tlp"]
    assert found.value["object_marking_refs"] == [MARKING_IDS[TLP.RED]]


def test_the_audience_is_said_as_the_extension_says_it() -> None:
    found = made("incident", **EVERYTHING)
    (definition,) = found.definitions
    assert found.value["object_marking_refs"] == [MARKING_IDS[TLP.GREEN], definition["id"]]
    assert found.value["extensions"][LIMITS_EXTENSION] == {
        "extension_type": "property-extension",
        "community": "energy",
        "groups": ["eu-energy", "nordic"],
        "sectors": ["energy", "water"],
        "residency": ["EE", "FI"],
        "named": [US],
        "embargo_until": "2026-12-01T06:00:00.000Z",
        "exercise": True,
    }
    held = effective(found.value, {definition["id"]: definition}.get, None)
    assert (held.tlp, held.pap, held.unknown, held.contradicts) == (TLP.GREEN, "amber", (), False)


@pytest.mark.parametrize("level", PAP_LEVELS)
def test_our_definitions_of_pap_are_understood(level: str) -> None:
    meaning = definition_kind(pap_definition(level))
    assert (meaning.kind, meaning.text) == (Kind.PAP, level)
    assert PAP_IDS[pap_definition(level)["id"]] == level


@pytest.mark.parametrize(
    ("type", "fields", "at"),
    [
        ("indicator", {"pattern": ""}, ["pattern"]),
        ("indicator", {"pattern": "[ipv4-addr:value = 198]x"}, ["pattern"]),
        ("indicator", {"valid_from": "yesterday"}, ["valid_from"]),
        ("indicator", {"confidence": "101"}, ["confidence"]),
        ("indicator", {"confidence": "²"}, ["confidence"]),
        ("incident", {"name": ""}, ["name"]),
        ("incident", {"residency": "XX"}, ["residency"]),
        ("incident", {"residency": "ee"}, ["residency"]),
        ("incident", {"named": "Anna"}, ["named"]),
        ("incident", {"groups": "x" * 101}, ["groups"]),
        ("incident", {"sectors": "\n".join(map(str, range(65)))}, ["sectors"]),
        ("incident", {"community": "x" * 101}, ["community"]),
        ("incident", {"embargo_until": "soon"}, ["embargo_until"]),
        ("incident", {"pap": "white"}, ["pap"]),
        ("incident", {"markings": US}, ["markings"]),
        ("report", {"object_refs": ""}, ["object_refs"]),
        ("report", {"object_refs": "x"}, ["object_refs"]),
        ("report", {"published": "9999-12-31T23:59:59-10:00"}, ["published"]),
        ("relationship", {"source_ref": "x", "target_ref": ""}, ["target_ref", "source_ref"]),
        ("relationship", {"relationship_type": "Indicates!"}, ["relationship_type"]),
    ],
)
def test_each_fault_stands_beside_its_field(type: str, fields: dict[str, str], at: list[str]) -> None:
    assert [one.field for one in made(type, **fields).faults] == at


def test_no_other_type_is_written() -> None:
    with pytest.raises(Invalid):
        names_of("marking-definition")


# -- versions ----------------------------------------------------------------------------------------------------------
def old(type: str) -> dict[str, Any]:
    """An object with more than any field says."""
    value = made(type, **EVERYTHING).value | {"lang": "id", "external_references": [{"source_name": "x", "url": "y:"}]}
    value["extensions"] = {"extension-definition--x": {"extension_type": "property-extension", "b": 1}} | value[
        "extensions"
    ]
    value["granular_markings"] = [{"marking_ref": MARKING_IDS[TLP.RED], "selectors": ["lang"]}]
    return value | {"modified": "2026-03-04T05:06:07.8911234Z"}


@pytest.mark.parametrize("type", sorted(FIELDS))
def test_a_version_in_which_nothing_was_touched_is_the_same_but_for_its_instant(type: str) -> None:
    base = old(type)
    next_one = compose(type, base["id"], fields_of(base, TLP.GREEN), MAKER, base=base, base_tlp=TLP.GREEN)
    assert next_one.faults == ()
    assert next_one.value == base | {"modified": next_one.value["modified"]}
    assert list(next_one.value) == list(base)


@pytest.mark.parametrize("type", sorted(FIELDS))
def test_what_was_touched_alone_changes(type: str) -> None:
    base = old(type)
    said = fields_of(base, TLP.GREEN) | {"description": "another", "tlp": "amber"}
    value = compose(type, base["id"], said, MAKER, base=base, base_tlp=TLP.GREEN).value
    assert {name for name in {*base, *value} if base.get(name) != value.get(name)} == {
        "modified",
        "description",
        "object_marking_refs",
    }
    assert value["object_marking_refs"] == [MARKING_IDS[TLP.AMBER], *base["object_marking_refs"][1:]]


@pytest.mark.parametrize("clock", [NOW, datetime(2020, 1, 1, tzinfo=UTC)])
def test_a_version_is_later_than_the_one_before_whatever_the_clock_says(clock: datetime) -> None:
    base = old("incident")
    value = compose("incident", base["id"], fields_of(base, TLP.GREEN), Maker(clock), base=base).value
    assert value["modified"] == "2026-03-04T05:06:07.892Z"
    assert value["created"] == base["created"]


def test_an_audience_that_is_taken_away_is_gone_and_other_extensions_stay() -> None:
    base = old("incident")
    said = fields_of(base, TLP.GREEN) | dict.fromkeys(EVERYTHING, "") | {"tlp": "green"}
    value = compose("incident", base["id"], said, MAKER, base=base, base_tlp=TLP.GREEN).value
    assert list(value["extensions"]) == ["extension-definition--x"]
    assert value["object_marking_refs"] == [MARKING_IDS[TLP.GREEN]]


# -- what is pasted ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("198.51.100.7", "[ipv4-addr:value = '198.51.100.7']"),
        (" 198[.]51[.]100(.)7 ", "[ipv4-addr:value = '198.51.100.7']"),
        ("198.51.100.0/24", "[ipv4-addr:value ISSUBSET '198.51.100.0/24']"),
        ("198.51.100.7/32", "[ipv4-addr:value = '198.51.100.7']"),
        ("2001:DB8::1", "[ipv6-addr:value = '2001:db8::1']"),
        ("kancil[.]example", "[domain-name:value = 'kancil.example']"),
        ("Kancil.Example.", "[domain-name:value = 'kancil.example']"),
        ("hxxps://kancil.example/a?b='c'", "[url:value = 'https://kancil.example/a?b=\\'c\\'']"),
        ("anna@kancil.example", "[email-addr:value = 'anna@kancil.example']"),
        ("D" * 32, f"[file:hashes.MD5 = '{'d' * 32}']"),
        ("a" * 40, f"[file:hashes.'SHA-1' = '{'a' * 40}']"),
        ("a" * 64, f"[file:hashes.'SHA-256' = '{'a' * 64}']"),
        ("a" * 128, f"[file:hashes.'SHA-512' = '{'a' * 128}']"),
    ],
)
def test_a_value_that_is_pasted_becomes_a_good_pattern(text: str, pattern: str) -> None:
    found = pattern_of(text)
    assert found is not None
    assert found.pattern == pattern
    parse(found.pattern)


@pytest.mark.parametrize(
    "text", ["", "kancil", "two words", "x" * 3000, "fe80::1%eth0", "a@b", "12", "-.example", "a" * 33, "http://"]
)
def test_what_nobody_can_be_sure_of_is_left_alone(text: str) -> None:
    assert pattern_of(text) is None


# -- relationships -----------------------------------------------------------------------------------------------------
def test_relationships_are_those_of_the_standard() -> None:
    assert suggested("indicator", "malware") == ("indicates", "related-to")
    assert suggested("malware", "malware") == ("controls", "downloads", "drops", "uses", "variant-of", *COMMON)
    assert suggested("x-other", "malware") == ("related-to",)
    assert suggested("incident", "") == COMMON
    assert len(suggested("", "")) > 25


def test_every_type_of_the_table_is_one_of_the_standard() -> None:
    told = {target for row in _NAMED.values() for targets in row.values() for target in targets.split()}
    assert {*_NAMED, *told} <= SECTIONS.keys()
