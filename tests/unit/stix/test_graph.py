"""References by named cases, against every identifier of the OASIS schemas, and against a search of all strings."""

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.data import objects_of
from tests.schemas import documents
from tests.stix_samples import RANDOM, SAMPLES, UUID, domain, observable, sample

from comity.stix.extensions import LIMITS_EXTENSION
from comity.stix.graph import (
    GRANULAR_MARKINGS_MAX,
    REFERENCES_MAX,
    REQUIRED_LISTS,
    Need,
    Place,
    Reference,
    ids_in,
    references,
)
from comity.stix.tables import REFERENCES

Json = dict[str, Any]
OTHER = f"malware--{UUID}"
UUIDS = re.compile(r"(--[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f]))", re.IGNORECASE)


def found(value: Json) -> dict[str, Need]:
    return {reference.target: reference.need for reference in references(value).items}


def needs(value: Json) -> dict[Place, Need]:
    return {reference.place: reference.need for reference in references(value).items}


def ids(text: str) -> list[str]:
    """Each UUID after two hyphens, with the letters, digits and hyphens before it."""
    parts = UUIDS.split(text)
    heads = [re.findall(r"[a-zA-Z0-9-]*$", part)[0][-250:].lstrip("-") for part in parts[::2]]
    return [(head + tail).lower() for head, tail in zip(heads, parts[1::2], strict=False) if head]


def slow(value: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Every string that has the form of an id in it, with its place; names of members too."""
    if isinstance(value, str) and place != ("id",):
        yield from ((place, one) for one in ids(value))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from slow(one, (*place, number))
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from (((*place, name), one) for one in ids(name))
            yield from slow(one, (*place, name))


def fast(value: Json) -> list[tuple[Place, str]]:
    return [(reference.place, reference.target) for reference in references(value).items]


def identifier_properties() -> set[tuple[str, Place]]:
    """(type, path) of all that the OASIS schemas type as an identifier, apart from the object's own id."""
    places = set()

    def walk(kind: str, node: Any, path: Place) -> None:
        if isinstance(node, Mapping):
            if str(node.get("$ref", "")).endswith("identifier.json") and path != ("id",):
                places.add((kind, path))
            for key, inner in node.items():
                if key == "properties" and isinstance(inner, Mapping):
                    for name, one in inner.items():
                        walk(kind, one, (*path, name))
                elif key == "items":
                    walk(kind, inner, (*path, 0))
                else:
                    walk(kind, inner, path)
        elif isinstance(node, list):
            for one in node:
                walk(kind, one, path)

    for name, document in documents().items():
        walk(name.split("/")[-1], document, ())
    return places


def named_references() -> set[tuple[str, Place]]:
    """(type, path) of every property of the schemas whose name says that it is a reference, and of our own table."""
    places: set[tuple[str, Place]] = set()
    for name, document in documents().items():
        text = orjson.dumps(document).decode()
        kind = name.split("/")[-1]
        places |= {
            (kind, (ref, 0) if ref.endswith("s") else (ref,)) for ref in re.findall(r'"([a-z_]+_refs?)":\{', text)
        }
    for kind, paths in REFERENCES.items():
        for path in paths:
            place = tuple(0 if step == "*" else step for step in path)
            places.add((kind, (*place, 0) if str(place[-1]).endswith("s") else place))
    return places


def with_at(kind: str, place: Place) -> Json:
    """An object of that type with a reference at that place."""
    inner: Any = OTHER
    for step in reversed(place[1:]):
        inner = [inner] if isinstance(step, int) else {step: inner}
    return {"type": kind, "id": f"{kind}--{RANDOM}", str(place[0]): inner}


def test_every_identifier_of_the_oasis_schemas_is_found_as_a_reference() -> None:
    places = identifier_properties() | named_references()
    assert len(places) > 50, "the schemas were not read"
    for kind, place in places:
        if kind == "granular-marking":
            kind, place = "indicator", ("granular_markings", 0, *place)
        known = references(with_at(kind, place)).items
        assert [(one.target, one.place) for one in known] == [(OTHER, place)]
        assert known[0].need is not Need.WITHIN, (kind, place)


@pytest.mark.parametrize("value", SAMPLES, ids=lambda one: one["type"])
def test_samples_hold_what_a_search_of_all_strings_finds(value: Json) -> None:
    assert fast(value) == list(slow(value))


@pytest.mark.slow
def test_published_objects_hold_what_a_search_of_all_strings_finds() -> None:
    seen = 0
    for name in ("ics-attack-18.1.json.zst", "attack-flow-example.json", "atlas-stix.json.zst"):
        for raw in objects_of(name):
            value = orjson.loads(raw)
            assert fast(value) == list(slow(value))
            seen += len(fast(value))
    assert seen > 5000


ID_TEXTS = st.sampled_from(
    [OTHER, OTHER.upper(), f"see {OTHER}.", f"{OTHER}{OTHER}", f"--{UUID}", f"x--{UUID}a", "a--b"]
)
NAMES = st.sampled_from(["description", "x_ref", "x_refs", "pattern", "extensions", "a", OTHER, "external_references"])
VALUES: st.SearchStrategy[Any] = st.recursive(
    ID_TEXTS | st.none() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.just("id"), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_nothing_hides_from_the_walk(members: Json) -> None:
    assert fast(domain("indicator", **members)) == list(slow(domain("indicator", **members)))


def test_ends_are_required_and_lists_keep_their_last_member() -> None:
    assert needs(sample("relationship")) == {("source_ref",): Need.REQUIRED, ("target_ref",): Need.REQUIRED}
    sighting = needs(sample("sighting"))
    assert sighting[("sighting_of_ref",)] is Need.REQUIRED
    assert sighting[("observed_data_refs", 0)] is Need.OPTIONAL
    assert needs(sample("report"))[("object_refs", 1)] is Need.LISTED
    assert needs(sample("language-content")) == {("object_ref",): Need.REQUIRED}
    assert set(REQUIRED_LISTS) == {"file", "grouping", "note", "observed-data", "opinion", "report"}


def test_required_lists_are_those_of_the_schemas() -> None:
    wanted = set()
    for name, document in documents().items():
        text = orjson.dumps(document.get("required", [])) + orjson.dumps(
            [part.get("required", []) for part in document.get("allOf", []) if isinstance(part, dict)]
        )
        wanted |= {(name.split("/")[-1], ref) for ref in re.findall(r'"([a-z_]+_refs)"', text.decode())}
    assert wanted == {(kind, path[0]) for kind, paths in REQUIRED_LISTS.items() for path in paths if len(path) == 1} - {
        ("observed-data", "object_refs")  # Either these or the deprecated `objects`.
    }


def test_an_author_a_marking_a_format_and_an_id_in_a_text_are_told_apart() -> None:
    extension = f"extension-definition--{UUID}"
    marking = f"marking-definition--{UUID}"
    value = domain(
        "campaign",
        created_by_ref=f"identity--{UUID}",
        object_marking_refs=[marking],
        granular_markings=[{"marking_ref": marking, "selectors": ["name"]}],
        description=f"uses {OTHER}",
        external_references=[{"source_name": "x", "external_id": OTHER}, {"source_name": OTHER}],
        extensions={extension: {"extension_type": "property-extension", "tool_ref": OTHER, "odd": OTHER}},
    )
    assert needs(value) == {
        ("created_by_ref",): Need.AUTHOR,
        ("object_marking_refs", 0): Need.MARKING,
        ("granular_markings", 0, "marking_ref"): Need.MARKING,
        ("description",): Need.WITHIN,
        ("external_references", 0, "external_id"): Need.OPTIONAL,
        ("external_references", 1, "source_name"): Need.WITHIN,
        ("extensions", extension): Need.FORMAT,
        ("extensions", extension, "tool_ref"): Need.OPTIONAL,
        ("extensions", extension, "odd"): Need.WITHIN,
    }
    cuts = {one.place: one.cut for one in references(value).items}
    assert cuts[("external_references", 0, "external_id")] == ("external_references", 0)


def test_what_a_deterministic_id_is_made_of_cannot_be_cut_out() -> None:
    made = "email-message--cf9b4b7f-14c8-5955-8065-020e0316b559"
    chance = observable("email-message", is_multipart=False, from_ref=f"email-addr--{UUID}")
    assert needs(chance) == {("from_ref",): Need.OPTIONAL}
    assert needs({**chance, "id": made}) == {("from_ref",): Need.REQUIRED}
    assert needs({**chance, "id": made, "to_refs": [OTHER]})[("to_refs", 0)] is Need.OPTIONAL


def test_local_words_of_the_release_limits_are_no_references() -> None:
    limits = {"extension_type": "property-extension", "named": [OTHER], "sectors": [OTHER]}
    places = needs(domain("campaign", name="x", extensions={LIMITS_EXTENSION: limits}))
    assert places == {
        ("extensions", LIMITS_EXTENSION): Need.FORMAT,
        ("extensions", LIMITS_EXTENSION, "sectors", 0): Need.WITHIN,
    }


def test_ids_are_found_in_the_middle_of_a_text_in_any_case() -> None:
    assert list(ids_in(f"(see {OTHER.upper()}), not --{UUID} nor {UUID}")) == [OTHER]
    assert list(ids_in("no id -- here")) == []
    assert list(ids_in("a" * 300 + f"--{UUID}")) == ["a" * 250 + f"--{UUID}"]


@pytest.mark.slow
def test_references_and_granular_markings_are_bounded() -> None:
    most = domain("report", name="r", object_refs=[OTHER] * REFERENCES_MAX)
    assert len(references(most).items) == REFERENCES_MAX
    most["object_refs"].append(OTHER)
    assert references(most).beyond == "more than 10,000 references"
    assert references(most).items == ()
    marked = copy.deepcopy(sample("indicator"))
    marked["granular_markings"] *= GRANULAR_MARKINGS_MAX
    assert references(marked).beyond == ""
    marked["granular_markings"] *= 2
    assert references(marked).beyond == "more than 1,000 granular markings"


def test_a_reference_is_a_value() -> None:
    assert references(sample("relationship")).items[0] == Reference(
        f"indicator--{UUID}", ("source_ref",), Need.REQUIRED, ("source_ref",)
    )
    assert found({"type": "x", "id": "x"}) == {}
