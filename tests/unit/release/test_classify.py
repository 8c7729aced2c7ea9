"""Release classes by named cases, their digest, and limits that are not understood."""

from typing import Any

import orjson
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from tests.data import objects_of
from tests.stix_samples import UUID, domain, observable, sample

from comity.release.classes import Author, Iep, ReleaseClass
from comity.release.classify import (
    CLASSES_OF_SOURCE_MAX,
    Context,
    bounded,
    canonical_form,
    class_digest,
    classify,
    microseconds,
    strictest,
)
from comity.stix.extensions import LIMITS_EXTENSION, WORDS_MAX
from comity.stix.iep import IEP2_EXTENSION, read_iep
from comity.stix.markings import MARKING_IDS, POLICIES_MAX, TLP

Json = dict[str, Any]
GREEN, AMBER, RED = (MARKING_IDS[level] for level in (TLP.GREEN, TLP.AMBER, TLP.RED))
IEP: Json = {
    "extension_type": "property-extension",
    "tlp": "amber",
    "start_date": "2026-01-01T00:00:00.0000001Z",
    "end_date": "2026-02-01T00:00:00.0000009Z",
    "encrypt_in_transit": "must",
    "permitted_actions": "none",
    "provider_attribution": "must-not",
}


def marking(number: int, **members: Any) -> Json:
    return {"type": "marking-definition", "id": f"marking-definition--{UUID[:-3]}{number:03d}", **members}


def pap(number: int, word: str) -> Json:
    return marking(number, definition_type="pap", definition={"pap": word})


def iep(number: int, **members: Any) -> Json:
    return marking(number, extensions={IEP2_EXTENSION: IEP | members})


def classed(value: Json, *definitions: Json, **context: Any) -> ReleaseClass:
    known = {one["id"]: one for one in definitions}
    given: Json = {"origin": "feed", "resolve": known.get, "default": TLP.AMBER_STRICT} | context
    return classify(value, Context(**given))


def limited(**members: Any) -> Json:
    extension = {"extension_type": "property-extension", **members}
    return domain("campaign", name="c", extensions={LIMITS_EXTENSION: extension})


def test_a_plain_object_has_the_default_of_its_source_and_nothing_else() -> None:
    assert classed(domain("campaign", name="c")) == ReleaseClass(
        tlp=TLP.AMBER_STRICT, tlp_from="source", type="campaign", origin="feed"
    )


def test_no_text_id_or_name_of_the_object_is_in_its_class() -> None:
    value = domain("campaign", name="canary", description="canary", labels=["canary"], x_canary="canary")
    assert b"canary" not in canonical_form(classed(value))
    assert UUID.encode() not in canonical_form(classed(sample("indicator")))


def test_the_author_is_nobody_ours_or_another() -> None:
    ours = {"ours": frozenset({f"identity--{UUID}"})}
    assert classed(domain("campaign"), **ours).author is Author.NONE
    assert classed(domain("campaign", created_by_ref=f"identity--{UUID}"), **ours).author is Author.OURS
    assert classed(domain("campaign", created_by_ref=f"identity--{UUID}")).author is Author.OTHER
    assert classed(domain("campaign", created_by_ref=[f"identity--{UUID}"]), **ours).author is Author.OTHER


def test_iep_tightens_the_tlp_and_its_dates_never_open_early_or_close_late() -> None:
    definition = iep(1)
    found = classed(domain("campaign", object_marking_refs=[GREEN, definition["id"]]), definition)
    assert found.tlp is TLP.AMBER
    assert not found.unsound
    assert found.iep == (
        Iep(
            starts_at=microseconds("2026-01-01T00:00:00", up=False) + 1,
            ends_at=microseconds("2026-02-01T00:00:00", up=True),
            encrypt_in_transit="must",
            permitted_actions="none",
            attribution="must-not",
        ),
    )


@pytest.mark.parametrize(
    "members",
    [
        {"start_date": "soon"},
        {"end_date": 5},
        {"tlp": "purple"},
        {"permitted_actions": ["none"]},
        {"unmodified_resale": "no"},
        {"attribution": "must-not"},
    ],
)
def test_an_iep_policy_that_is_not_understood_is_red_and_unsound(members: Json) -> None:
    definition = iep(1, **members)
    found = classed(domain("campaign", object_marking_refs=[definition["id"]]), definition)
    assert (found.tlp, found.unsound) == (TLP.RED, True)


def test_iep_is_read_with_the_defaults_of_the_standard() -> None:
    policy = read_iep({"tlp": "white"})
    assert not isinstance(policy, str)
    assert policy.permitted_actions == "externally-visible-direct-actions"
    assert read_iep([]) == "its IEP 2.0 extension is not an object"
    assert Iep().permitted_actions == policy.permitted_actions
    assert Iep().attribution == policy.provider_attribution


def test_more_policies_than_are_told_apart_make_it_unsound() -> None:
    many = [iep(n, start_date=f"2026-01-{n + 1:02d}T00:00:00Z") for n in range(POLICIES_MAX + 1)]
    refs = [one["id"] for one in many]
    assert classed(domain("campaign", object_marking_refs=refs[:-1]), *many).iep != ()
    whole = classed(domain("campaign", object_marking_refs=refs), *many)
    granular = [{"marking_ref": ref, "selectors": ["name"]} for ref in refs]
    parts = classed(domain("campaign", name="n", granular_markings=granular), *many)
    assert [(one.iep, one.unsound) for one in (whole, parts)] == [((), True)] * 2


def test_the_strictest_pap_holds_also_from_a_granular_marking() -> None:
    definitions = [pap(1, "white"), pap(2, "amber"), pap(3, "green")]
    refs = [one["id"] for one in definitions]
    assert classed(domain("campaign", object_marking_refs=refs), *definitions).pap == "amber"
    assert classed(domain("campaign", object_marking_refs=refs[:1]), *definitions).pap == "clear"
    entry = {"marking_ref": refs[1], "selectors": ["name"]}
    value = domain("campaign", name="n", object_marking_refs=refs[:1], granular_markings=[entry])
    assert classed(value, *definitions).pap == "amber"
    several = [{"marking_ref": ref, "selectors": ["name"]} for ref in refs]
    value = domain("campaign", name="n", granular_markings=several)
    assert classed(value, *definitions).pap == "amber"


def test_granular_levels_are_those_stricter_than_the_objects_own() -> None:
    entries = [{"marking_ref": ref, "selectors": ["name"]} for ref in (GREEN, RED, RED)]
    value = domain("campaign", name="n", object_marking_refs=[AMBER], granular_markings=entries)
    assert classed(value).granular == frozenset({TLP.RED})
    assert not classed(value).unsound
    unknown = [{"marking_ref": f"marking-definition--{UUID}", "selectors": ["name"]}]
    found = classed(domain("campaign", name="n", object_marking_refs=[GREEN], granular_markings=unknown))
    assert (found.tlp, found.granular, found.unsound) == (TLP.GREEN, frozenset({TLP.RED}), True)


@pytest.mark.parametrize("entries", ["x", [1], [{"selectors": "name", "marking_ref": GREEN}], [{}] * 1001])
def test_granular_markings_that_are_not_understood_are_red(entries: Any) -> None:
    assert TLP.RED in classed(domain("campaign", name="n", granular_markings=entries)).granular


def test_two_levels_of_tlp_contradict_each_other() -> None:
    found = classed(domain("campaign", object_marking_refs=[GREEN, AMBER]))
    assert (found.tlp, found.unsound) == (TLP.AMBER, True)


def test_limits_are_read_into_their_facets() -> None:
    person = f"identity--{UUID}"
    value = limited(
        community="energy",
        groups=["a", "b"],
        sectors=["water"],
        residency=["EE"],
        named=[person],
        embargo_until="2026-12-01T06:00:00Z",
        exercise=True,
    )
    found = classed({**value, "sectors": ["energy"]}, origin="")
    assert found == ReleaseClass(
        tlp=TLP.AMBER_STRICT,
        tlp_from="source",
        type="campaign",
        community="energy",
        groups=frozenset({"a", "b"}),
        sectors=frozenset({"water", "energy"}),
        residency=frozenset({"EE"}),
        named=frozenset({person}),
        embargo_until=microseconds("2026-12-01T06:00:00", up=True),
        exercise=True,
    )
    assert found.ours


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"other": 1},
        {"community": ""},
        {"community": ["x"]},
        {"community": "x" * 101},
        {"groups": []},
        {"groups": "x"},
        {"groups": ["a", "a"]},
        {"groups": [1]},
        {"groups": [str(n) for n in range(WORDS_MAX + 1)]},
        {"residency": ["ee"]},
        {"residency": ["EST"]},
        {"residency": []},
        {"named": ["somebody"]},
        {"embargo_until": "tomorrow"},
        {"embargo_until": None},
        {"exercise": "yes"},
        {"exercise": True, "extension_type": "toplevel-property-extension"},
    ],
    ids=str,
)
def test_limits_that_are_not_understood_make_it_unsound(members: Json) -> None:
    assert classed(limited(**members)).unsound


def test_a_malformed_residency_is_nowhere_not_anywhere() -> None:
    assert classed(limited(residency=[])).residency == frozenset()


@pytest.mark.parametrize(
    "value",
    [
        domain("campaign", extensions={LIMITS_EXTENSION: "x"}),
        domain("campaign", extensions=[]),
        domain("campaign", extensions={LIMITS_EXTENSION.upper(): {"exercise": True}}),
        {**marking(1), "extensions": {LIMITS_EXTENSION: {"extension_type": "property-extension", "exercise": True}}},
        domain("identity", sectors="energy"),
    ],
)
def test_limits_in_a_wrong_place_or_form_make_it_unsound(value: Json) -> None:
    assert classed(value).unsound


def test_other_extensions_say_nothing_about_release() -> None:
    assert not classed(sample("report")).unsound


def test_personal_findings_are_facets_by_kind() -> None:
    plain = classed(domain("report", description="jane@example.org"))
    assert (plain.personal, plain.personal_fixed) == (frozenset({"victim"}), False)
    fixed = classed(observable("email-message", body="jane@example.org"))
    assert (fixed.personal, fixed.personal_fixed) == (frozenset({"victim"}), True)
    artefact = classed(observable("email-addr", value="bad@example.org"))
    assert (artefact.personal, artefact.personal_fixed) == (frozenset({"artefact"}), False)
    assert classed(observable("email-addr", value="jane@example.org"), addressee=True).personal_fixed


def test_a_source_that_makes_too_many_classes_falls_to_the_strictest() -> None:
    found = classed(domain("campaign", object_marking_refs=[GREEN]))
    assert bounded(found, known=False, classes_of_source=CLASSES_OF_SOURCE_MAX - 1) == found
    assert bounded(found, known=True, classes_of_source=10**6) == found
    last = bounded(found, known=False, classes_of_source=CLASSES_OF_SOURCE_MAX)
    assert last == strictest("feed")
    assert (last.tlp, last.unsound, last.verified, last.origin) == (TLP.RED, True, False, "feed")


def test_the_digest_is_stable_and_every_facet_is_in_it() -> None:
    plain = ReleaseClass(tlp=TLP.GREEN, tlp_from="object", type="campaign")
    assert canonical_form(plain) == (
        b'{"author":"none","community":null,"embargo_until":null,"exercise":false,"granular":[],"groups":[],'
        b'"iep":[],"named":[],"origin":"","pap":null,"personal":[],"personal_fixed":false,'
        b'"residency":null,"sectors":[],"tlp":"TLP:GREEN","tlp_from":"object","type":"campaign","unsound":false,'
        b'"verified":true}'
    )
    assert orjson.loads(canonical_form(plain)).keys() == set(ReleaseClass.__slots__)
    far = classed(limited(embargo_until="9999-12-31T23:59:59Z"))
    assert b'"embargo_until":"253402300799000000"' in canonical_form(far)


@for_all(st.permutations(["a", "b", "c", "d"]))
def test_the_order_of_words_does_not_matter_to_the_digest(words: list[str]) -> None:
    assert class_digest(classed(limited(groups=words))) == class_digest(classed(limited(groups=["a", "b", "c", "d"])))


@for_all(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=3),
        lambda i: st.lists(i) | st.dictionaries(st.sampled_from(["groups", "named", "exercise", "x"]), i),
        max_leaves=8,
    )
)
def test_whatever_stands_in_the_limits_it_is_a_class(content: Any) -> None:
    value = domain("campaign", extensions={LIMITS_EXTENSION: content}, granular_markings=content, sectors=content)
    assert len(class_digest(classed(value))) == 64


@pytest.mark.slow
def test_published_bundles_make_few_classes() -> None:
    known = {one["id"]: one for one in map(orjson.loads, objects_of("ics-attack-18.1.json.zst"))}
    context = Context("feed", known.get, TLP.CLEAR)
    classes = {class_digest(classify(one, context)) for one in known.values()}
    assert 5 < len(classes) < 60
