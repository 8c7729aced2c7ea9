"""Objects broken by chance, but the same ones for the same seed."""

import copy
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

Json = dict[str, Any]
UUID = "11111111-2222-4333-8444-555555555555"

ODD_VALUES: tuple[Any, ...] = (
    None, [], {}, "", 0, -1, 1, 1.5, 101, True, False, "x", [""], ["x"], [None], [[]], {"a": 1}, {"": None}, "\x00",
    10**30, "é", "2025-01-01T00:00:00Z", "indicator--x", " ", "a" * 300, {"A B": 1},
)  # fmt: skip
TIMESTAMPS = (
    "2021-02-30T00:00:00.000Z", "2021-13-01T00:00:00.000Z", "2021-01-01T24:00:00.000Z", "2021-01-01T00:00:60.000Z",
    "2021-01-01T00:00:00Z", "2021-01-01T00:00:00.1Z", "2021-01-01T00:00:00.000", "2021-01-01", "2021-01-01 00:00:00Z",
    "2021-01-01T00:00:00.000+00:00", "2021-01-01t00:00:00.000z", "0000-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z",
    "1000-01-01T00:00:00.000Z", "2021-01-01T00:00:00.123456789Z", "2020-02-29T00:00:00.000Z", "2021-01-01T00:00:00.Z",
    "٢٠٢١-01-01T00:00:00.000Z", "2021-1-1T00:00:00.000Z", "", "now", "2021-01-01T00:00:00.000Z\n",
)  # fmt: skip
KINDS = (
    "indicator", "identity", "malware", "relationship", "sighting", "bundle", "marking-definition", "file", "artifact",
    "ipv4-addr", "observed-data", "x-custom", "language-content", "software", "process", "directory", "user-account",
    "network-traffic", "location", "autonomous-system", "mac-addr", "email-addr", "domain-name", "campaign", "report",
)  # fmt: skip
UUIDS = (
    UUID, UUID.upper(), UUID.replace("-4333", "-1333"), UUID.replace("-4333", "-5333"), UUID.replace("-4333", "-6333"),
    UUID.replace("-4333", "-0333"), UUID.replace("-8444", "-c444"), UUID.replace("-", ""), UUID[:-1], UUID + "0", "x",
    "00000000-0000-0000-0000-000000000000", "", UUID + "\n",
)  # fmt: skip
WORDS = (
    "malicious-activity",
    "UPPER",
    "with space",
    "with_underscore",
    "",
    "ok-word",
    "a" * 260,
    "ünïcode",
    "-x",
    "x--y",
)
LANGUAGES = (
    "en", "de-AT", "zh-Hant", "en_US", "english", "", "x", "EN", "de-CH-1901", "fr-Latn-CA", "i-klingon", "eng", "zz",
    "en-", "sr-Cyrl-BA", "a-DE",
)  # fmt: skip
PATTERNS = (
    "[file:name = 'x']", "[file:name = ]", "", "file:name = 'x'", "[file:name = 'x'] AND [url:value = 'y']",
    "[ipv4-addr:value ISSUBSET '10.0.0.0/8']", "[file:size > 5 AND file:name LIKE 'a%']", "[file:name = 'x",
    "[a:b = 'x'] WITHIN 5 SECONDS", "[file:name = 'x'] REPEATS 5 TIMES", "[x-foo:bar_baz = 1]",
    "[file:hashes.MD5 = 'x']",
    "[file:name = 'x'] START t'2021-01-01T00:00:00Z' STOP t'2021-01-02T00:00:00Z'", "[file:name = \"x\"]",
    "[windows-registry-key:values[*].data = 'x']", "[process:pid IN (1,2,3)]", "[file:name = true]", "garbage",
    "([file:name = 'x'] OR [file:name = 'y']) FOLLOWEDBY [file:name = 'z']", "[file:name MATCHES '(']",
    "[file:content_ref.payload_bin = b'YQ==']", "[file:magic_number_hex = h'cafe']", "[file:name NOT = 'x']",
    "[NOT file:name = 'x']", "[file:name = 'x' AND]", "[file:name = 'a' OR file:name = 'b' AND file:size = 1]",
)  # fmt: skip
SELECTORS = (
    "name", "labels", "labels.[0]", "labels.[9]", "labels[0]", "nothing", "id", "external_references.[0].source_name",
    "extensions", "", ".", "name.x", "created", "labels.[-1]", "labels.[00]", "hashes.MD5", "description",
    "values.[0].data",
    "name.[0]", "labels.0", "type.", "granular_markings", "x", "labels.[1].x",
)  # fmt: skip
EXTRAS: tuple[tuple[str, Any], ...] = (
    ("severity", 1), ("action", "x"), ("username", "x"), ("phone_numbers", ["x"]), ("fooBar", 1), ("x_foo", "y"),
    ("x-foo", 1), ("ab", 1), ("_abc", 1), ("1abc", 1), ("x_foo_bin", "YQ=="), ("x_foo_bin", "!"), ("x_foo_hex", "ca"),
    ("x_foo_hex", "c"), ("defanged", True), ("defanged", "yes"), ("confidence", 0), ("confidence", 101),
    ("confidence", 5.5), ("revoked", "false"), ("revoked", False), ("spec_version", "2.0"), ("spec_version", "2.2"),
    ("created_by_ref", f"identity--{UUID}"), ("created_by_ref", f"malware--{UUID}"), ("created_by_ref", "x"),
    ("object_marking_refs", [f"marking-definition--{UUID}"]), ("object_marking_refs", [f"identity--{UUID}"]),
    ("object_marking_refs", []), ("object_marking_refs", "x"), ("labels", [1]), ("labels", ["a", "a"]),
    ("extensions", {}), ("extensions", {"x": {}}), ("extensions", {"x-foo-ext": {"a_b": 1}}),
    ("extensions", {f"extension-definition--{UUID}": {"extension_type": "property-extension", "aaa": 1}}),
    ("extensions", {f"extension-definition--{UUID}": {"extension_type": "new-thing", "aaa": 1}}),
    ("extensions", {f"extension-definition--{UUID}": {"aaa": 1}}),
    ("extensions", {f"extension-definition--{UUID}": {}}),
    ("external_references", []), ("external_references", [{"source_name": "x"}]),
    ("external_references", [{"source_name": "cve", "external_id": "CVE-1"}]),
    ("external_references", [{"source_name": "x", "external_id": "CVE-2021-1234"}]),
    ("external_references", [{"source_name": "x", "url": "no url at all"}]),
    ("external_references", [{"source_name": "x", "url": "https://example.com/ä"}]),
    ("external_references", [{"source_name": "x", "url": "https://example.com/", "hashes": {"MD5": "zz"}}]),
    ("external_references", [{"description": "x"}]), ("description", None), ("description", ""), ("x_null", None),
    ("x_list", [None]), ("x_deep", {"a": {"b": {"c": [1, {"d": None}]}}}), ("id", None),
)  # fmt: skip


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if place:
        yield place
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _places(one, (*place, name))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _places(one, (*place, number))


def _holder(value: Any, place: tuple[Any, ...]) -> Any:
    for step in place[:-1]:
        value = value[step]
    return value


def _some_place(value: Json, chance: Random, wanted: Callable[[Any, Any], bool]) -> tuple[Any, Any] | None:
    found = []
    for place in _places(value):
        holder = _holder(value, place)
        if wanted(place[-1], holder[place[-1]]):
            found.append((holder, place[-1]))
    return chance.choice(found) if found else None


def _set(wanted: Callable[[Any, Any], bool], values: Sequence[Any]) -> Callable[[Json, Random], None]:
    def change(value: Json, chance: Random) -> None:
        place = _some_place(value, chance, wanted)
        if place:
            place[0][place[1]] = copy.deepcopy(chance.choice(values))

    return change


def _drop(value: Json, chance: Random) -> None:
    place = _some_place(value, chance, lambda name, one: True)
    if place:
        del place[0][place[1]]


def _rename(value: Json, chance: Random) -> None:
    place = _some_place(value, chance, lambda name, one: isinstance(name, str))
    if place:
        name = chance.choice((place[1].upper(), place[1][:2], f"x-{place[1]}", f"x_{place[1]}", f"{place[1]}é", ""))
        place[0][name] = place[0].pop(place[1])


def _identify(value: Json, chance: Random) -> None:
    place = _some_place(value, chance, lambda name, one: isinstance(one, str) and "--" in one)
    if place:
        kind = str(place[0][place[1]]).split("--")[0]
        place[0][place[1]] = f"{chance.choice((kind, *KINDS))}--{chance.choice((UUID, UUID, *UUIDS))}"


def _extend(value: Json, chance: Random) -> None:
    name, extra = chance.choice(EXTRAS)
    value[name] = copy.deepcopy(extra)


def _mark(value: Json, chance: Random) -> None:
    chosen = [chance.choice(SELECTORS) for _ in range(chance.randint(1, 2))]
    marking: Json = {"selectors": chosen, "marking_ref": f"marking-definition--{UUID}"}
    if chance.random() < 0.2:
        marking["lang"] = chance.choice(LANGUAGES)
    if chance.random() < 0.1:
        del marking["marking_ref"]
    value["granular_markings"] = [marking]


def _mark_itself(value: Json, chance: Random) -> None:
    ref = value.get("id", "x")
    if chance.random() < 0.5:
        value["object_marking_refs"] = [ref]
    else:
        value["granular_markings"] = [{"selectors": ["type"], "marking_ref": ref}]


def _shift(value: Json, chance: Random) -> None:
    """Two dates change places, or become one."""
    names = [name for name, one in value.items() if _is_time(name, one)]
    if len(names) > 1:
        first, second = chance.sample(names, 2)
        value[first], value[second] = value[second], chance.choice((value[first], value[second]))


def _is_time(name: Any, one: Any) -> bool:
    return isinstance(one, str) and len(one) > 19 and one[4:5] == "-" and one.endswith("Z")


def _is_word(name: Any, one: Any) -> bool:
    return isinstance(one, str) and 0 < len(one) < 40 and "--" not in one and not _is_time(name, one)


CHANGES: tuple[Callable[[Json, Random], None], ...] = (
    _drop,
    _drop,
    _rename,
    _identify,
    _identify,
    _extend,
    _extend,
    _mark,
    _mark_itself,
    _shift,
    _set(lambda name, one: True, ODD_VALUES),
    _set(lambda name, one: True, ODD_VALUES),
    _set(_is_time, TIMESTAMPS),
    _set(_is_time, TIMESTAMPS),
    _set(_is_word, WORDS),
    _set(lambda name, one: isinstance(one, (int, float)), (-1, 0, 101, 10**12, 0.5, "1", True, None)),
    _set(lambda name, one: name in ("lang", "languages"), LANGUAGES),
    _set(lambda name, one: name == "pattern", PATTERNS),
)


def mutants(objects: Sequence[Json], count: int, seed: int) -> Iterator[Json]:
    """That many broken, or by chance still sound, copies of the objects."""
    chance = Random(seed)
    for number in range(count):
        value = copy.deepcopy(objects[number % len(objects)])
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            chance.choice(CHANGES)(value, chance)
        yield value
