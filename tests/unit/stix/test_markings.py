"""Markings by named cases: the levels, the published definitions and their forgeries, and R4's three cases."""

from dataclasses import replace
from typing import Any

import pytest
from stix2.v21 import common

from comity.errors import Invalid
from comity.stix.markings import (
    IEP2_EXTENSION,
    MARKING_IDS,
    TLP,
    TLP2_EXTENSION,
    WELL_KNOWN,
    Kind,
    Meaning,
    definition_kind,
    effective,
    effective_at,
    forged,
    others_of,
    standard_definition,
    tlp_of,
)
from comity.stix.object import JsonObject

WHITE1 = "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"
GREEN1 = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
AMBER1 = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
RED1 = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
CLEAR, GREEN, AMBER, STRICT, RED = (MARKING_IDS[level] for level in TLP)
OTHER = "marking-definition--11111111-1111-4111-8111-111111111111"
SECOND = "marking-definition--22222222-2222-4222-8222-222222222222"


def definition(**members: Any) -> JsonObject:
    base = {"type": "marking-definition", "spec_version": "2.1", "id": OTHER, "created": "2020-01-01T00:00:00.000Z"}
    return base | members


def statement(text: str) -> JsonObject:
    return definition(definition_type="statement", definition={"statement": text})


def iep(**members: Any) -> JsonObject:
    content = {
        "extension_type": "property-extension",
        "encrypt_in_transit": "must",
        "permitted_actions": "none",
        "affected_party_notifications": "must-not",
        "tlp": "amber",
        "provider_attribution": "must-not",
        "unmodified_resale": "must-not",
        "iep_version": 2.0,
    }
    return definition(extensions={IEP2_EXTENSION: content | members})


def tlp2(word: object, **members: Any) -> JsonObject:
    return definition(extensions={TLP2_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": word} | members})


def resolving(**known: JsonObject) -> Any:
    by_id = {OTHER: known.get("other"), SECOND: known.get("second")}
    return by_id.get


def marked(*refs: object, **members: Any) -> JsonObject:
    return {"type": "indicator", "object_marking_refs": list(refs)} | members


# Levels


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("tlp:green", TLP.GREEN),
        ("TLP:AMBER+STRICT", TLP.AMBER_STRICT),
        ("amber", TLP.AMBER),
        ("white", TLP.CLEAR),
        ("TLP:WHITE", TLP.CLEAR),
        (" Tlp:Clear\n", TLP.CLEAR),
        ("red", TLP.RED),
    ],
)
def test_a_level_is_read_as_people_write_it(text: str, level: TLP) -> None:
    assert TLP.read(text) is level


@pytest.mark.parametrize("text", ["", "tlp:", "tlp:tlp:red", "amber_strict", "AMBER STRICT", "orange", "x" * 1000])
def test_what_is_no_level_is_refused_with_the_words_to_choose_from(text: str) -> None:
    with pytest.raises(Invalid) as raised:
        TLP.read(text)
    assert raised.value.hint == "Give one of tlp:clear, tlp:green, tlp:amber, tlp:amber+strict, tlp:red."
    assert len(raised.value.message) < 80


def test_every_word_is_read_back_and_the_order_is_by_strictness() -> None:
    assert [level.word for level in TLP] == ["TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED"]
    assert [TLP.read(level.word) for level in TLP] == list(TLP) == sorted(TLP)


# The published definitions


def test_tlp_1_definitions_are_those_of_the_oasis_library() -> None:
    for theirs in (common.TLP_WHITE, common.TLP_GREEN, common.TLP_AMBER, common.TLP_RED):
        value = standard_definition(theirs["id"])
        assert value is not None
        assert value["definition"]["tlp"] == theirs["definition"]["tlp"]
        assert (value["name"], value["created"]) == (theirs["name"], "2017-01-20T00:00:00.000Z")
        assert WELL_KNOWN[theirs["id"]] is TLP.read(theirs["name"])


def test_each_published_definition_is_itself_and_means_its_level() -> None:
    assert len(WELL_KNOWN) == 9
    for ident, level in WELL_KNOWN.items():
        value = standard_definition(ident)
        assert value is not None
        assert value["id"] == ident
        assert forged(value) is None
        assert definition_kind(value) == Meaning(Kind.TLP, level)
    assert standard_definition(OTHER) is None


def test_tlp_2_is_also_taken_in_its_short_form_and_without_optional_members() -> None:
    for level, ident in MARKING_IDS.items():
        word = level.word.removeprefix("TLP:").lower()
        created = "2022-10-01T00:00:00.000Z"
        short = definition(id=ident, created=created, definition_type="tlp", definition={"tlp": word})
        assert forged(short) is None
        bare = {"type": "marking-definition", "id": ident, "created": "2022-10-01T00:00:00Z"}
        assert forged(bare) is None
        both = {**standard_definition(ident), "definition_type": level.word}  # type: ignore[dict-item]
        assert forged(both) is None
        loose = bare | {"extensions": {TLP2_EXTENSION: {"tlp_2_0": word}}}
        assert forged(loose) is None


@pytest.mark.parametrize("ident", list(WELL_KNOWN))
@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"created": "2024-01-01T00:00:00.000Z"}, "created"),
        ({"created": 5}, "created"),
        ({"created": "yesterday"}, "created"),
        ({"type": "identity"}, "type"),
        ({"definition_type": "statement"}, "definition_type"),
        ({"definition_type": "TLP:ORANGE"}, "definition_type"),
        ({"definition_type": ["tlp"]}, "definition_type"),
        ({"definition": {"tlp": "unclear"}}, "definition"),
        ({"definition": {"statement": "share with all"}}, "definition"),
        ({"definition": {}}, "definition"),
        ({"definition": None}, "definition"),
        ({"definition": [["tlp", "red"]]}, "definition"),
        ({"extensions": {OTHER: {}}}, "extensions"),
        ({"extensions": {}}, "extensions"),
        ({"extensions": None}, "extensions"),
        ({"extensions": {TLP2_EXTENSION: {"tlp_2_0": "unclear"}}}, "extensions"),
        ({"extensions": {TLP2_EXTENSION: {"tlp_2_0": ["red"]}}}, "extensions"),
        ({"extensions": {TLP2_EXTENSION: "red"}}, "extensions"),
        ({"tlp_2_0": "unclear"}, "tlp_2_0"),
    ],
)
def test_other_content_under_a_published_id_is_found_with_its_place(
    ident: str, changed: dict[str, Any], where: str
) -> None:
    value = standard_definition(ident)
    assert value is not None
    found = forged(value | changed)
    assert found is not None
    assert found.where == where
    assert found.must
    assert "R5" in found.rule
    assert WELL_KNOWN[ident].word in found.problem


def test_no_published_definition_may_take_the_content_of_another() -> None:
    for ident, level in WELL_KNOWN.items():
        for other, other_level in WELL_KNOWN.items():
            value = standard_definition(other)
            assert value is not None
            assert (forged(value | {"id": ident}) is None) is (other == ident)
            for form in ({"definition_type": "tlp", "definition": {"tlp": "red"}}, {"tlp_2_0": "clear"}):
                if other_level is not level and level not in (TLP.RED, TLP.CLEAR):
                    assert forged(standard_definition(ident) | form) is not None  # type: ignore[operator]


def test_tlp_2_takes_no_more_than_one_extension_and_nothing_beside_the_level() -> None:
    good = standard_definition(GREEN)
    assert good is not None
    content = good["extensions"][TLP2_EXTENSION]
    assert forged(good | {"extensions": {TLP2_EXTENSION: content, OTHER: {}}}) is not None
    assert forged(good | {"extensions": {TLP2_EXTENSION: content | {"note": "to all"}}}) is not None
    assert forged(good | {"extensions": {TLP2_EXTENSION: content | {"extension_type": "new-sdo"}}}) is not None


@pytest.mark.parametrize("ident", [OTHER, "indicator--" + RED[-36:], None, 5, [RED], {}])
def test_an_object_under_another_id_is_never_forged(ident: object) -> None:
    assert forged(definition(id=ident, definition_type="tlp", definition={"tlp": "red"})) is None


# What a definition means


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        (statement("Copyright"), Meaning(Kind.STATEMENT, None, "Copyright")),
        (definition(definition_type="tlp", definition={"tlp": "amber+strict"}), Meaning(Kind.TLP, TLP.AMBER_STRICT)),
        (definition(definition_type="TLP", definition={"tlp": "white"}), Meaning(Kind.TLP, TLP.CLEAR)),
        (tlp2("amber"), Meaning(Kind.TLP, TLP.AMBER)),
        (tlp2("amber") | {"definition_type": "TLP:AMBER"}, Meaning(Kind.TLP, TLP.AMBER)),
        (
            tlp2("amber") | {"definition_type": "tlp", "definition": {"tlp": "amber"}},
            Meaning(Kind.TLP, TLP.AMBER),
        ),
        (iep(), Meaning(Kind.IEP, TLP.AMBER)),
        (iep(tlp="white"), Meaning(Kind.IEP, TLP.CLEAR)),
        (definition(definition_type="PAP", definition={"pap": "green"}), Meaning(Kind.PAP, None, "green")),
    ],
)
def test_a_known_definition_means_what_it_says(value: JsonObject, meaning: Meaning) -> None:
    found = definition_kind(value)
    assert replace(found, policy=None) == meaning
    assert (found.policy is not None) is (found.kind is Kind.IEP)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({}, "not a marking-definition"),
        (definition(type="identity"), "not a marking-definition"),
        (definition(), "no definition"),
        (definition(definition_type="statement", definition={"statement": 5}), "'statement'"),
        (definition(definition_type="statement", definition="all"), "no definition"),
        (definition(definition_type="classification", definition={"level": "public"}), "'classification'"),
        (definition(definition_type="tlp", definition={"tlp": "unclear"}), "'tlp'"),
        (definition(definition_type="tlp", definition={"tlp": "clear", "for": "all"}), "'tlp'"),
        (definition(definition_type="tlp", definition={"tlp": ["clear"]}), "'tlp'"),
        (definition(definition_type="tlp", definition={"TLP": "CLEAR"}), "'tlp'"),
        (definition(definition_type=["tlp"], definition={"tlp": "clear"}), "['tlp']"),
        (definition(definition_type="pap", definition={"pap": "blue"}), "'pap'"),
        (definition(extensions=[]), "extensions are not an object"),
        (definition(extensions={OTHER: {}}), "is not known"),
        (statement("Copyright") | {"extensions": {OTHER: {}}}, "is not known"),
        (tlp2("white"), "TLP 2.0 extension"),
        (tlp2("CLEAR"), "TLP 2.0 extension"),
        (tlp2(None), "TLP 2.0 extension"),
        (tlp2("clear", note="x"), "TLP 2.0 extension"),
        (tlp2("clear", extension_type="toplevel-property-extension"), "TLP 2.0 extension"),
        (tlp2("clear") | {"definition_type": "statement"}, "'statement'"),
        (tlp2("clear") | {"definition_type": 5}, "'5'"),
        (tlp2("clear") | {"definition_type": "tlp", "definition": {"tlp": "green"}}, "different things"),
        (tlp2("clear") | {"definition_type": "statement", "definition": {"statement": "x"}}, "different things"),
        (iep(tlp="clear"), "no TLP"),
        (iep(tlp=["red"]), "no TLP"),
        (iep(permitted_actions="all"), "permitted_actions"),
        (iep(encrypt_in_transit=["must"]), "encrypt_in_transit"),
        (definition(extensions={IEP2_EXTENSION: "red"}), "IEP 2.0 extension"),
    ],
)
def test_a_definition_that_is_not_understood_is_red_and_says_why(value: JsonObject, why: str) -> None:
    meaning = definition_kind(value)
    assert meaning.kind is Kind.UNKNOWN
    assert meaning.tlp is TLP.RED
    assert why in meaning.text


# The object's own level, in a hurry


@pytest.mark.parametrize(
    ("value", "level"),
    [
        ({}, None),
        (marked(), None),
        (marked(OTHER), None),
        (marked(WHITE1), TLP.CLEAR),
        (marked(GREEN1, AMBER, STRICT, CLEAR), TLP.AMBER_STRICT),
        (marked(AMBER1, OTHER), TLP.AMBER),
        (marked(RED1), TLP.RED),
        (marked(GREEN, 5), TLP.RED),
        (marked(GREEN, ["x"]), TLP.RED),
        ({"object_marking_refs": GREEN}, TLP.RED),
        ({"object_marking_refs": {}}, TLP.RED),
        ({"object_marking_refs": None}, None),
        (marked(GREEN, labels=["tlp:red"]), TLP.GREEN),
    ],
)
def test_the_own_level_is_the_strictest_published_one(value: JsonObject, level: TLP | None) -> None:
    assert tlp_of(value) == level


@pytest.mark.parametrize(
    ("labels", "level"),
    [
        (["malicious"], None),
        (["tlp:white"], TLP.CLEAR),
        ([" TLP:Amber+Strict "], TLP.AMBER_STRICT),
        (["tlp:green", "tlp:amber", "x"], TLP.AMBER),
        (["tlp:unclear"], TLP.RED),
        (["tlp:"], TLP.RED),
        ([5, {"tlp": "red"}], None),
        ("tlp:red", None),
        (None, None),
    ],
)
def test_labels_count_for_the_sources_that_say_so(labels: object, level: TLP | None) -> None:
    value = {"labels": labels}
    assert tlp_of(value) is None
    assert tlp_of(value, labels=True) == level
    whole = effective(value, resolving(), TLP.GREEN, labels=True)
    assert whole.tlp == (TLP.GREEN if level is None else level)
    assert whole.tlp_from == ("source" if level is None else "object")
    assert effective(value, resolving(), TLP.GREEN).tlp_from == "source"


def test_ids_that_have_to_be_resolved_are_listed_once() -> None:
    granular = [{"marking_ref": SECOND, "selectors": ["name"]}, {"lang": "en"}, {"marking_ref": GREEN}, 5]
    assert others_of(marked(OTHER, GREEN, OTHER, 5, [], granular_markings=granular)) == (OTHER, SECOND)
    assert others_of({}) == ()
    assert others_of({"object_marking_refs": OTHER, "granular_markings": "x"}) == ()


# The effective marking (R4)


def test_without_a_tlp_the_source_decides_and_without_a_default_it_is_red() -> None:
    for value in ({}, marked(), marked(OTHER)):
        whole = effective(value, resolving(other=statement("Copyright")), TLP.AMBER_STRICT)
        assert (whole.tlp, whole.tlp_from) == (TLP.AMBER_STRICT, "source")
        assert (effective(value, resolving(other=statement("C")), None).tlp_from) == "none"
        assert effective(value, resolving(other=statement("C")), None).tlp is TLP.RED


def test_a_statement_is_carried_and_sets_no_level() -> None:
    whole = effective(marked(OTHER, GREEN), resolving(other=statement("Copyright MITRE")), TLP.RED)
    assert (whole.tlp, whole.tlp_from, whole.statements) == (TLP.GREEN, "object", ("Copyright MITRE",))
    assert whole.findings == ()
    assert whole.unknown == ()


@pytest.mark.parametrize("value", [statement("this is tlp:red"), statement("x") | {"name": "TLP:AMBER"}])
def test_a_statement_that_names_tlp_is_a_finding_and_no_more(value: JsonObject) -> None:
    whole = effective(marked(GREEN, OTHER), resolving(other=value), TLP.RED)
    assert whole.tlp is TLP.GREEN
    assert [(f.where, f.must) for f in whole.findings] == [("object_marking_refs[1]", False)]
    assert "statement" in whole.findings[0].problem


def test_what_does_not_resolve_or_is_not_understood_is_red_and_listed() -> None:
    unknown = definition(definition_type="classification", definition={})
    for resolve in (resolving(), resolving(other=unknown), resolving(other={"type": "identity"})):
        whole = effective(marked(CLEAR, OTHER), resolve, TLP.CLEAR)
        assert (whole.tlp, whole.tlp_from, whole.unknown) == (TLP.RED, "object", (OTHER,))
        assert whole.findings[0].where == "object_marking_refs[1]"
        assert "counts as TLP:RED, because" in whole.findings[0].problem


def test_two_levels_are_the_stricter_one_with_a_finding() -> None:
    whole = effective(marked(AMBER1, STRICT, GREEN), resolving(), TLP.CLEAR)
    assert whole.tlp is TLP.AMBER_STRICT
    assert [f.problem for f in whole.findings] == [
        "TLP:GREEN and TLP:AMBER and TLP:AMBER+STRICT are named; the stricter holds."
    ]
    assert effective(marked(WHITE1, CLEAR), resolving(), TLP.RED).findings == ()
    label = effective(marked(GREEN, labels=["tlp:amber"]), resolving(), TLP.RED, labels=True)
    assert (label.tlp, len(label.findings)) == (TLP.AMBER, 1)


def test_a_tlp_definition_of_the_sources_own_counts_as_its_level_with_a_finding() -> None:
    whole = effective(marked(OTHER), resolving(other=tlp2("green")), TLP.RED)
    assert (whole.tlp, whole.tlp_from) == (TLP.GREEN, "object")
    assert "under an id that is not the published one" in whole.findings[0].problem


def test_a_published_id_means_what_is_published_whatever_resolves() -> None:
    def lying(ident: str) -> JsonObject:
        return statement(f"{ident} is for all")

    assert effective(marked(RED, GREEN1), lying, TLP.CLEAR).tlp is TLP.RED
    assert effective(marked(RED, GREEN1), lying, TLP.CLEAR).statements == ()


def test_an_iep_policy_brings_its_tlp_and_a_pap_brings_none() -> None:
    pap = definition(definition_type="pap", definition={"pap": "red"})
    whole = effective(marked(OTHER, SECOND), resolving(other=iep(tlp="amber"), second=pap), TLP.GREEN)
    assert (whole.tlp, whole.tlp_from, whole.findings) == (TLP.AMBER, "object", ())
    assert effective(marked(SECOND), resolving(second=pap), TLP.GREEN).tlp_from == "source"
    assert effective(marked(OTHER, GREEN), resolving(other=iep(tlp="red")), TLP.GREEN).tlp is TLP.RED


@pytest.mark.parametrize("refs", ["x", {}, 5, [5], [None], [[]]])
def test_references_that_are_none_are_red(refs: object) -> None:
    whole = effective({"object_marking_refs": refs}, resolving(), TLP.CLEAR)
    assert whole.tlp is TLP.RED
    assert whole.findings[0].where.startswith("object_marking_refs")


# A path


def test_a_granular_marking_holds_for_its_path_and_all_that_is_in_it() -> None:
    granular = [{"marking_ref": RED, "selectors": ["description", "external_references.[1]"]}]
    value = marked(GREEN, granular_markings=granular)
    for selector in ("description", "external_references.[1]", "external_references.[1].url"):
        at = effective_at(value, selector, resolving(), TLP.CLEAR)
        assert (at.tlp, at.tlp_from) == (TLP.RED, "object")
    for selector in ("name", "descriptions", "external_references", "external_references.[10]"):
        assert effective_at(value, selector, resolving(), TLP.CLEAR).tlp is TLP.GREEN


def test_a_granular_marking_never_loosens_and_adds_to_what_the_object_says() -> None:
    granular = [{"marking_ref": CLEAR, "selectors": ["name"]}, {"marking_ref": OTHER, "selectors": ["name"]}]
    resolve = resolving(other=statement("part"), second=statement("whole"))
    at = effective_at(marked(AMBER, SECOND, granular_markings=granular), "name", resolve, TLP.RED)
    assert (at.tlp, at.tlp_from, at.statements) == (TLP.AMBER, "object", ("whole", "part"))
    default = effective_at({"granular_markings": granular}, "name", resolve, TLP.AMBER)
    assert (default.tlp, default.tlp_from) == (TLP.AMBER, "source")


def test_a_granular_marking_that_does_not_resolve_is_red_on_its_path_only() -> None:
    value = marked(CLEAR, granular_markings=[{"marking_ref": OTHER, "selectors": ["name"]}])
    at = effective_at(value, "name", resolving(), TLP.CLEAR)
    assert (at.tlp, at.unknown) == (TLP.RED, (OTHER,))
    assert at.findings[0].where == "granular_markings[0].marking_ref"
    assert effective_at(value, "labels", resolving(), TLP.CLEAR).tlp is TLP.CLEAR


@pytest.mark.parametrize(
    "granular",
    [
        "x",
        {},
        [5],
        [{"marking_ref": CLEAR}],
        [{"marking_ref": CLEAR, "selectors": "name"}],
        [{"marking_ref": 5, "selectors": ["name"]}],
        [{"marking_ref": RED, "selectors": [5]}],
    ],
)
def test_a_granular_marking_that_is_none_is_red(granular: object) -> None:
    assert effective_at({"granular_markings": granular}, "name", resolving(), TLP.CLEAR).tlp is TLP.RED


def test_a_language_is_no_marking() -> None:
    value = marked(CLEAR, granular_markings=[{"lang": "fr", "selectors": ["name"]}])
    assert effective_at(value, "name", resolving(), TLP.RED) == effective(value, resolving(), TLP.RED)
