"""The hostile corpus is what it says: many families, one meaning a case, nothing in it that is never sent."""

import re
from collections import Counter

from tests.hostile_cases import FOLDER, build, load

CASES = load()
FAMILIES_WANTED = frozenset(
    {
        "codings", "envelope", "framing", "headers", "json", "media", "methods", "next", "parameters", "paths",
        "rights", "sign_in", "stix_identity", "stix_markings", "stix_patterns", "stix_times", "stix_values",
    }
)  # fmt: skip
FILE_BYTES_MAX = 64 * 1024


def test_there_are_more_than_three_hundred_cases_in_every_family_that_was_thought_of() -> None:
    counted = Counter(case.family for case in CASES)
    assert len(CASES) >= 300
    assert counted.keys() >= FAMILIES_WANTED
    assert min(counted.values()) >= 15


def test_every_case_has_a_name_of_its_own() -> None:
    assert [label for label, count in Counter(case.label for case in CASES).items() if count > 1] == []


def test_no_case_sends_what_another_sends() -> None:
    sent: dict[str, list[str]] = {}
    for case in CASES:
        said = (case.method, case.path, case.query, case.who, case.headers, case.body, case.raw, case.chunked)
        sent.setdefault(repr(said), []).append(case.label)
    assert [labels for labels in sent.values() if len(labels) > 1] == []


def test_big_bodies_are_described_and_not_kept() -> None:
    assert {path.name: size for path in FOLDER.iterdir() if (size := path.stat().st_size) > FILE_BYTES_MAX} == {}


def test_no_case_expects_a_server_error_alone_and_few_allow_anything_but_a_refusal() -> None:
    assert [case.label for case in CASES if min(case.expect) >= 500] == []
    refused = [case for case in CASES if all(status == 0 or 400 <= status < 500 for status in case.expect)]
    assert len(refused) >= 500


def test_what_may_be_stored_is_a_post_that_may_be_accepted() -> None:
    odd = [c.label for c in CASES if c.may_store and not (c.method == "POST" and 202 in c.expect)]
    assert odd == []


def test_paths_queries_and_headers_name_only_what_the_range_fills_in() -> None:
    known = {"root", "collection", "elsewhere", "unknown", "object", "status", "host", "user", "secret", "token"}
    known |= {"collection_id", "elsewhere_id", "object_id", "elsewhere_object_id", "uuid", "uuid2"}
    known |= {"next", "next_type", "next_elsewhere", "next_manifest"}
    strange = {}
    for case in CASES:
        parts = [build(case.path, {}), build(case.query or "", {})]
        parts += [build(value, {}) for _, value in case.headers if value is not None]
        named = {name.decode() for part in parts for name in re.findall(rb"\{([a-z_0-9]+)\}", part)}
        if case.raw is None and named - known:
            strange[case.label] = named - known
    assert strange == {}
