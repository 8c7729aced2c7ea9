"""What STIX 2.1 demands beyond its schemas."""

import copy
from itertools import combinations
from typing import Any

import pytest
from tests.stix_samples import SAMPLES, STATEMENT, UUID, domain, observable, sample

from comity.stix import rules
from comity.stix.rules_inside import inner_times, observed_objects, references, uuid_version
from comity.stix.rules_markings import markings
from comity.stix.rules_text import is_language_tag, languages

OTHER = "11111111-2222-4333-8444-555555555555"
V5 = "ff26c055-6336-5bc5-b98d-13d6226742dd"


def places(value: dict[str, Any]) -> list[str]:
    return [found.where for found in rules.findings(value) if found.must]


def marked(*selectors: Any, **more: Any) -> dict[str, Any]:
    marking = {"marking_ref": STATEMENT, "selectors": list(selectors), **more}
    return {**sample("indicator"), "granular_markings": [marking]}


@pytest.mark.parametrize("value", SAMPLES, ids=[one["type"] for one in SAMPLES])
def test_sound_objects_break_no_rule(value: dict[str, Any]) -> None:
    before = copy.deepcopy(value)
    assert places(value) == []
    assert value == before


BROKEN: list[tuple[str, dict[str, Any], list[str]]] = [
    ("modified before created", {**sample("tool"), "modified": "2020-01-01T00:00:00.000Z"}, ["modified"]),
    (
        "modified before created by a digit",
        {**sample("tool"), "created": "2026-01-01T00:00:00.0001Z", "modified": "2026-01-01T00:00:00.000Z"},
        ["modified"],
    ),
    ("an author that is no identity", {**sample("tool"), "created_by_ref": f"tool--{UUID}"}, ["created_by_ref"]),
    ("last seen before first", {**sample("campaign"), "last_seen": "2020-01-01T00:00:00Z"}, ["last_seen"]),
    (
        "an indicator that is never valid",
        {**sample("indicator"), "valid_until": "2025-01-01T00:00:00Z"},
        ["valid_until"],
    ),
    ("a relationship without extent", {**sample("relationship"), "stop_time": "2025-01-01T00:00:00.0Z"}, ["stop_time"]),
    ("traffic that ends before", {**sample("network-traffic"), "end": "2024-01-01T00:00:00Z"}, ["end"]),
    ("capitals in a name", domain("identity", name="x", fooBar=1), ["fooBar"]),
    ("a short name", domain("identity", name="x", ab=1), ["ab"]),
    ("a name that begins with a digit", domain("identity", name="x", **{"1ab": 1}), ["1ab"]),
    ("an odd name", domain("identity", name="x", **{"a\nb": 1}), ['["a\\u{a}b"]']),
    ("defanged", domain("identity", name="x", defanged=True), ["defanged"]),
    ("an encoding of nothing", observable("file", hashes={}, name_enc="x"), ["name_enc"]),
    ("no language", domain("identity", name="x", lang="en_US"), ["lang"]),
    ("no language of software", observable("software", name="x", languages=["en", "e n"]), ["languages[1]"]),
    (
        "contents by no language",
        {**sample("language-content"), "contents": {"d_e": {"name": "x"}, "de": "x", "fr": {"Na": 1}}},
        ["contents.d_e", "contents.de", "contents.fr.Na"],
    ),
    ("a broken pattern", {**sample("indicator"), "pattern": "[file:name = ]"}, ["pattern"]),
    ("a selector to nothing", marked("nothing"), ["granular_markings[0].selectors[0]"]),
    ("an index to nothing", marked("name", "labels.[2]"), ["granular_markings[0].selectors[1]"]),
    ("an index with a zero", marked("labels.[00]"), ["granular_markings[0].selectors[0]"]),
    ("an index into a text", marked("name.[0]"), ["granular_markings[0].selectors[0]"]),
    ("a step into a text", marked("name.x"), ["granular_markings[0].selectors[0]"]),
    ("an index without a point", marked("labels[0]"), ["granular_markings[0].selectors[0]"]),
    ("a selector that is no text", marked(5), ["granular_markings[0].selectors[0]"]),
    ("an endless selector", marked("a." * 5000), ["granular_markings[0].selectors[0]"]),
    ("language and marking", marked("name", lang="de"), ["granular_markings[0]"]),
    (
        "neither language nor marking",
        {**sample("indicator"), "granular_markings": [{"selectors": ["name"]}]},
        ["granular_markings[0]"],
    ),
    (
        "no language of a part",
        {**sample("indicator"), "granular_markings": [{"selectors": ["name"], "lang": "d_e"}]},
        ["granular_markings[0].lang"],
    ),
    (
        "marked by itself",
        {**sample("marking-definition"), "object_marking_refs": [f"marking-definition--{UUID}"]},
        ["object_marking_refs[0]"],
    ),
    (
        "marked by itself in part",
        {
            **sample("marking-definition"),
            "granular_markings": [{"marking_ref": f"marking-definition--{UUID}", "selectors": ["type"]}],
        },
        ["granular_markings[0].marking_ref"],
    ),
    (
        "a reference of the wrong type",
        {**sample("domain-name"), "resolves_to_refs": [f"file--{OTHER}"]},
        ["resolves_to_refs[0]"],
    ),
    ("a reference that is none", {**sample("email-addr"), "belongs_to_ref": "0"}, ["belongs_to_ref"]),
    ("samples of the wrong type", {**sample("malware"), "sample_refs": [f"url--{OTHER}"]}, ["sample_refs[0]"]),
    (
        "a body of the wrong type",
        {**sample("email-message"), "body_multipart": [{}, {"body_raw_ref": f"url--{OTHER}"}]},
        ["body_multipart[1].body_raw_ref"],
    ),
    (
        "an archive of the wrong type",
        observable("file", name="x", extensions={"archive-ext": {"contains_refs": [f"url--{OTHER}"]}}),
        ["extensions.archive-ext.contains_refs[0]"],
    ),
    (
        "no date inside",
        observable("file", name="x", extensions={"windows-pebinary-ext": {"time_date_stamp": "2021-02-30T00:00:00Z"}}),
        ["extensions.windows-pebinary-ext.time_date_stamp"],
    ),
    ("a process with a made id", {**sample("process"), "id": f"process--{V5}"}, ["id"]),
    (
        "an account with a made id of nothing",
        {"type": "user-account", "id": f"user-account--{V5}", "display_name": "x"},
        ["id"],
    ),
    (
        "observables inside",
        {
            **sample("observed-data"),
            "objects": {
                "0": {"type": "file", "name": "x", "parent_directory_ref": "9", "ctime": "2021-02-30T00:00:00Z"},
                "1": {"type": "directory", "path": "x", "contains_refs": ["1", "2", 5]},
                "2": {"type": "network-traffic", "start": "2025-01-02T00:00:00Z", "end": "2025-01-01T00:00:00Z"},
                "3": 5,
                "4": {"type": 5},
            },
        },
        [
            "objects.0.ctime",
            "objects.0.parent_directory_ref",
            "objects.1.contains_refs[1]",
            "objects.1.contains_refs[2]",
            "objects.2.end",
        ],
    ),
]


@pytest.mark.parametrize(
    ("value", "where"), [(value, where) for _, value, where in BROKEN], ids=[one[0] for one in BROKEN]
)
def test_a_broken_rule_is_named_by_its_place_and_clause(value: dict[str, Any], where: list[str]) -> None:
    assert places(value) == where
    for found in rules.findings(value):
        assert found.rule.startswith(("STIX 2.1 §", "STIX"))
        assert 0 < len(found.problem) < 400


@pytest.mark.parametrize(
    "value",
    [
        {**sample("tool"), "created": "2026-02-03T04:05:06.7890Z"},
        {**sample("campaign"), "last_seen": "2025-01-01T00:00:00.000Z"},
        marked("labels.[1]", "name", "id", "kill_chain_phases.[0].phase_name", "granular_markings"),
        {**sample("indicator"), "pattern": "rule x { }", "pattern_type": "yara"},
        {**sample("indicator"), "granular_markings": [{"selectors": ["name"], "lang": "de"}]},
        observable("user-account", account_login="x") | {"id": f"user-account--{V5}"},
        observable("process", pid=1),
        {**sample("observed-data"), "objects": {"0": {"type": "directory", "path": "x", "contains_refs": ["0"]}}},
        {**sample("observed-data"), "objects": {"0": {"type": "x-foo", "foo_ref": "9"}}},
        {**sample("language-content"), "contents": {"zh-Hant": {"name": "x", "labels": ["y"]}}},
        domain("x-custom-thing", some_ref="no id", lang="mt"),
    ],
)
def test_what_is_allowed_breaks_no_rule(value: dict[str, Any]) -> None:
    assert places(value) == []


def test_the_deprecated_form_of_observed_data_is_a_should() -> None:
    found = rules.findings({**sample("observed-data"), "objects": {"0": {"type": "file", "name": "x"}}})
    assert [(one.where, one.must) for one in found] == [("objects", False)]


SAID: dict[str, Any] = {
    "granular_markings": [{"selectors": ["no"]}],
    "lang": "e_n",
    "languages": ["e n"],
    "contents": {"d_e": {}},
    "objects": {"0": {"type": "file", "parent_directory_ref": "1"}},
    "extensions": {"windows-pebinary-ext": {"time_date_stamp": "x"}},
}
NAMES = (
    *("granular_markings", "lang", "defanged", "languages", "contents", "objects", "pattern", "name", "name_enc"),
    *("extensions", "hashes", "first_seen", "last_seen", "last_observed", "valid_until", "stop_time", "end"),
    *("parent_directory_ref", "contains_refs", "from_ref", "object_marking_refs", "x509_v3_extensions"),
)
RULES = (
    *(rules._order, inner_times, references, uuid_version, markings, languages),
    *(observed_objects, rules._pattern, rules._out_of_place, rules._deprecated),
)


@pytest.mark.parametrize("value", [*SAMPLES, {**SAMPLES[0], "type": "x-other"}], ids=lambda one: str(one["type"]))
def test_every_rule_is_asked_that_has_anything_to_say(value: dict[str, Any]) -> None:
    """The slow twin asks all of them of everything."""
    more = {name: SAID.get(name, "2020-01-01T00:00:00Z") for name in NAMES}
    said = 0
    for one in ({**value, **dict(some)} for count in (0, 1, 2) for some in combinations(more.items(), count)):
        nameless = {name: each for name, each in one.items() if name != "name"}
        for other in (nameless, {**one, "object_marking_refs": [one["id"]]}, {**one, "id": f"{one['type']}--{V5}"}):
            every = [found for rule in RULES for found in rule(other)]
            found = rules.findings(other)
            assert found[len(found) - len(every) :] == tuple(every), other
            assert not any(one in every for one in found[: len(found) - len(every)])
            said += len(every)
    assert said > 100


ODD: tuple[Any, ...] = (None, 5, True, "x", [], [5], [[]], {}, {"a": 5}, {"type": 5}, [{"a": 1}])


@pytest.mark.parametrize("value", SAMPLES, ids=[one["type"] for one in SAMPLES])
def test_no_shape_of_a_value_is_a_crash(value: dict[str, Any]) -> None:
    names = set(value) - {"type", "id", "created", "modified"}
    names |= {
        "granular_markings",
        "extensions",
        "lang",
        "contents",
        "objects",
        "languages",
        "created_by_ref",
        "pattern",
    }
    for name in names:
        for odd in ODD:
            rules.findings({**value, name: odd})


@pytest.mark.parametrize(
    "tag",
    [
        "en",
        "de-AT",
        "zh-Hant",
        "zh-cmn-Hans-CN",
        "de-CH-1901",
        "sl-rozaj-biske-1994",
        "en-a-bbb-x-a",
        "x-whatever",
        "i-klingon",
        "EN",
        "art-lojban",
        "es-419",
        "ga",
        "kok",
        "english",
    ],
)
def test_a_tag_of_rfc_5646_is_a_language(tag: str) -> None:
    assert is_language_tag(tag)


@pytest.mark.parametrize(
    "tag",
    [
        "",
        "e",
        "en_US",
        "en-",
        "-en",
        "a-DE",
        "123",
        "en us",
        "en\n",
        "thelanguage",
        "en-a",
        "x",
        None,
        5,
        "en-x-" + "a" * 200,
    ],
)
def test_anything_else_is_no_language(tag: Any) -> None:
    assert not is_language_tag(tag)
