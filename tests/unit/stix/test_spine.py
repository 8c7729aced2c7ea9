"""What no source is trusted to leave out."""

from typing import Any

import pytest
from tests.stix_samples import SAMPLES, UUID, domain, observable, sample

from comity.errors import InvalidObject
from comity.stix import spine
from comity.stix.object import VERSIONLESS

GOOD = domain("identity", name="x")


@pytest.mark.parametrize("value", SAMPLES, ids=[one["type"] for one in SAMPLES])
def test_sound_objects_have_a_spine(value: dict[str, Any]) -> None:
    version, instant = spine.read(value)
    assert version == value.get("modified", value.get("created", VERSIONLESS))
    assert instant in version


def test_the_version_is_modified_else_created_else_versionless() -> None:
    assert spine.read(GOOD)[0] == GOOD["modified"]
    assert spine.read(sample("marking-definition"))[0] == "2026-01-02T03:04:05.678Z"
    assert spine.read(observable("mutex", name="x")) == (VERSIONLESS, "1970-01-01T00:00:00")
    created_alone = {name: one for name, one in GOOD.items() if name != "modified"}
    assert spine.read(created_alone)[0] == GOOD["created"]


def test_a_property_of_the_name_version_is_no_version() -> None:
    assert spine.read({**sample("extension-definition"), "version": "7"})[0] == "2026-02-03T04:05:06.789Z"


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"type": None}, "type"),
        ({"type": 5}, "type"),
        ({"type": "Identity"}, "type"),
        ({"type": "ab", "id": f"ab--{UUID}"}, "type"),
        ({"type": "a" * 251, "id": f"{'a' * 251}--{UUID}"}, "type"),
        ({"type": "a--b"}, "type"),
        ({"id": None}, "id"),
        ({"id": []}, "id"),
        ({"id": "identity--x"}, "id"),
        ({"id": f"identity--{UUID}\n"}, "id"),
        ({"id": f"malware--{UUID}"}, "id"),
        ({"id": "identity--" + "a" * 10_000}, "id"),
        ({"spec_version": "2.0"}, "spec_version"),
        ({"spec_version": "2.2"}, "spec_version"),
        ({"spec_version": None}, "spec_version"),
        ({"spec_version": 2.1}, "spec_version"),
        ({"created": "yesterday"}, "created"),
        ({"created": None}, "created"),
        ({"modified": "2021-02-30T00:00:00.000Z"}, "modified"),
        ({"modified": 5}, "modified"),
        ({"object_marking_refs": None}, "object_marking_refs"),
        ({"object_marking_refs": "marking-definition--" + UUID}, "object_marking_refs"),
        ({"object_marking_refs": [f"marking-definition--{UUID}", 5]}, "object_marking_refs[1]"),
        ({"object_marking_refs": [f"identity--{UUID}"]}, "object_marking_refs[0]"),
        ({"object_marking_refs": [f"marking-definition--{UUID}x"]}, "object_marking_refs[0]"),
        ({"granular_markings": {}}, "granular_markings"),
        ({"granular_markings": [5]}, "granular_markings[0]"),
        ({"granular_markings": [{"marking_ref": "x", "selectors": ["name"]}]}, "granular_markings[0].marking_ref"),
    ],
)
def test_a_broken_spine_is_named(change: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidObject) as caught:
        spine.read({**GOOD, **change})
    assert caught.value.where == where
    assert caught.value.rule.startswith("STIX 2.1 §")
    assert len(caught.value.message) < 300


@pytest.mark.parametrize("kind", ["indicator", "sighting", "malware"])
def test_every_date_of_a_type_is_an_instant(kind: str) -> None:
    names = {"indicator": "valid_until", "sighting": "last_seen", "malware": "first_seen"}
    with pytest.raises(InvalidObject) as caught:
        spine.read({**sample(kind), names[kind]: "2021-02-30T00:00:00Z"})
    assert caught.value.where == names[kind]


def test_missing_type_and_id_are_called_missing() -> None:
    for name in ("type", "id"):
        with pytest.raises(InvalidObject, match=f"the {name} is missing"):
            spine.read({key: one for key, one in GOOD.items() if key != name})


def without_edition(value: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in value.items() if name != "spec_version"}


@pytest.mark.parametrize(
    "value",
    [
        without_edition(GOOD),
        {**GOOD, "spec_version": "2.0"},
        without_edition(sample("marking-definition")),
        without_edition(domain("x-custom", name="x")),
        {**observable("mutex", name="x"), "spec_version": "2.0"},
        without_edition(sample("observed-data")),
    ],
)
def test_stix_2_0_is_refused_in_words_that_say_so(value: dict[str, Any]) -> None:
    with pytest.raises(InvalidObject, match=r"STIX 2\.0 object .* stix2-elevator"):
        spine.read(value)


def test_observables_need_not_say_their_edition() -> None:
    spine.read(observable("mutex", name="x"))
    spine.read(observable("x-custom", name="x"))
    spine.read({**observable("mutex", name="x"), "spec_version": "2.1"})


def test_a_bundle_is_not_taken_inside_another() -> None:
    for more in ({}, {"spec_version": "2.0"}):
        with pytest.raises(InvalidObject, match="bundle"):
            spine.read({"type": "bundle", "id": f"bundle--{UUID}", **more})


def test_a_uuid_of_any_version_is_an_id_for_lenient_sources() -> None:
    spine.read({**GOOD, "id": "identity--0190d1c5-4b7a-7cc3-98c4-dc0c0c07398f"})
    assert spine.type_of_id("identity--0190D1C5-4B7A-7CC3-98C4-DC0C0C07398F") == "identity"
