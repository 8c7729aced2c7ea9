"""Our verdict on pattern texts against that of the OASIS validator and of the cases that OASIS publishes."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

import pytest
from stix2patterns.validator import run_validator
from tests.data import data_path, read_data
from tests.pattern_texts import spoilt, text_of

from comity.errors import InvalidPattern
from comity.stix.pattern import PATTERN_CHARS_MAX, parse
from comity.stix.pattern_lexer import NUMBER_CHARS_MAX
from comity.stix.pattern_parser import DEPTH_MAX


def we_take(text: str) -> bool:
    try:
        parse(text)
    except InvalidPattern:
        return False
    return True


def oasis_takes(text: str) -> bool | None:
    try:
        return not run_validator(text, stix_version="2.1")
    except (AttributeError, UnboundLocalError):
        return None  # It breaks on an index below zero or right under `hashes`, and on the empty text: no verdict.


@dataclass(frozen=True)
class Difference:
    """Where we judge otherwise on purpose: our verdict, the reason, the texts it may excuse, and one of them."""

    reason: str
    we_take: bool
    applies: Callable[[str], object]
    example: str


_HASH_PATH = r"(?:hashes|'hashes')"
_A_HASH = "'" + "0a" * 16 + "'"
DIFFERENCES = [
    Difference(
        "The standard wants WITHIN above zero; the OASIS matcher refuses such a pattern too, their validator does not.",
        False,
        re.compile(r"WITHIN\s*\+?(?:0*\.)?0+\s*SECONDS").search,
        "[a:b = 1] WITHIN 0 SECONDS",
    ),
    Difference(
        "The standard wants REPEATS of one or more.",
        False,
        re.compile(r"REPEATS\s*\+?0\s*TIMES").search,
        "[a:b = 1] REPEATS 0 TIMES",
    ),
    Difference(
        "A set under a hash is a set of hashes; the validator looks at the text of the whole set as if it were one.",
        True,
        re.compile(_HASH_PATH + r"[\s\S]*\bIN\b").search,
        f"[file:hashes.MD5 IN ({_A_HASH}, {_A_HASH})]",
    ),
    Difference(
        "LIKE, MATCHES, ISSUBSET and ISSUPERSET take a form, which need not be a hash.",
        True,
        re.compile(_HASH_PATH + r"[\s\S]*(?:LIKE|MATCHES|ISSUBSET|ISSUPERSET)").search,
        "[file:hashes.MD5 LIKE '0a%']",
    ),
    Difference(
        "SSDEEP and MD6 have no one length; real SSDEEP values are longer than the validator allows.",
        True,
        re.compile(_HASH_PATH + r"[\s\S]*(?i:ssdeep|md6)").search,
        "[file:hashes.SSDEEP = '" + "3:" + "a" * 140 + "']",
    ),
    Difference(
        "A hash is a string; the validator also takes a number with as many digits.",
        False,
        re.compile(_HASH_PATH + r"[\s\S]*=\s*[+]?\d+").search,
        "[file:hashes.MD5 = " + "1" * 32 + "]",
    ),
    Difference(
        "The validator drops all quotes before it looks at a hash, escaped ones too, and allows a line end after it.",
        False,
        re.compile(_HASH_PATH + r"[\s\S]*[\\\n]").search,
        "[file:hashes.MD5 = '" + "0a" * 16 + "\n']",
    ),
    Difference(
        "The grammar lets a comment stand anywhere; the validator looks for a square bracket first.",
        True,
        re.compile(r"^[\s(]*(?:/\*|//)").search,
        "/* first */ [a:b = 1]",
    ),
    Difference(
        "A timestamp is one of RFC 3339, which knows no 30 February.",
        False,
        re.compile(r"t'\d{4}-(?:02|04|06|09|11)-(?:29|30|31)T").search,
        "[a:b = t'2024-02-30T00:00:00Z']",
    ),
    Difference(
        "A limit of ours: brackets.",
        False,
        re.compile(r"[(]" * (DEPTH_MAX + 1)).search,
        "[" + "(" * (DEPTH_MAX + 1) + "a:b=1" + ")" * (DEPTH_MAX + 1) + "]",
    ),
    Difference(
        "A limit of ours: digits.",
        False,
        re.compile(rf"\d{{{NUMBER_CHARS_MAX}}}").search,
        f"[a:b = {'1' * (NUMBER_CHARS_MAX + 1)}]",
    ),
    Difference(
        "A limit of ours: length.",
        False,
        lambda text: len(text) > PATTERN_CHARS_MAX,
        f"[a:b = '{'x' * PATTERN_CHARS_MAX}']",
    ),
]


def unexplained(texts: list[str]) -> list[str]:
    """The texts on which we and OASIS differ without a difference that says so."""
    found = []
    for text in texts:
        ours, theirs = we_take(text), oasis_takes(text)
        if (
            theirs is not None
            and ours is not theirs
            and not any(d.we_take is ours and d.applies(text) for d in DIFFERENCES)
        ):
            found.append(text)
    return found


def generated(seed: int, count: int) -> list[str]:
    rng = Random(seed)
    texts = [text_of(rng) for _ in range(count // 2)]
    return texts + [spoilt(rng, rng.choice(texts)) for _ in range(count - len(texts))]


@cache
def cases() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(data_path("patterns/stix-pattern-cases.json").read_bytes())
    return loaded


def indicator_patterns() -> list[str]:
    bundles = [json.loads(line)["bundle"] for line in read_data("oasis-stix-examples.ndjson.zst").splitlines()]
    objects = [item for bundle in bundles for item in bundle.get("objects", [])]
    return [item["pattern"] for item in objects if item.get("pattern_type", "stix") == "stix" and "pattern" in item]


@pytest.mark.slow
@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda d: d.reason[:50])
def test_each_written_difference_is_still_one(difference: Difference) -> None:
    assert difference.applies(difference.example)
    assert we_take(difference.example) is difference.we_take
    assert oasis_takes(difference.example) is (not difference.we_take)


def test_a_difference_that_nobody_wrote_down_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    for difference in DIFFERENCES:
        if len(difference.example) < 1000:
            with monkeypatch.context() as patch:
                others = [
                    d for d in DIFFERENCES if not (d.we_take is difference.we_take and d.applies(difference.example))
                ]
                patch.setitem(globals(), "DIFFERENCES", others)
                assert unexplained([difference.example]) == [difference.example]


def test_all_published_parse_cases_have_the_published_verdict() -> None:
    wrong = [
        case["pattern"]
        for case in cases()["parse_cases"]
        # A 2.1 parser is asked the 2.0 cases too: all of them are decided alike.
        if we_take(case["pattern"]) is not (case["expect"] == "parses")
    ]
    assert wrong == []


# Why the verdict on a pattern of the match cases, which come from the matcher of OASIS, is not the one published there.
MATCH_CASE_DIFFERENCES = {
    "A qualifier twice: their matcher takes it, their validator refuses it, see the parse cases.": r"REPEATS.*REPEATS",
}


def test_all_patterns_of_the_published_match_cases_have_the_published_verdict() -> None:
    wrong, excused = [], set()
    for case in cases()["match_cases"]:
        text, expected = case["pattern"], case["expect"]
        # Their matcher fails on the values it meets in most of its errors; one pattern fails whatever the values.
        wanted = expected != "parse-error" and "WITHIN 0 SECONDS" not in text
        if we_take(text) is not wanted:
            reasons = [reason for reason, form in MATCH_CASE_DIFFERENCES.items() if re.search(form, text)]
            excused.update(reasons)
            if not reasons or we_take(text):
                wrong.append((expected, case["stix_version"], text))
    assert wrong == []
    assert excused == set(MATCH_CASE_DIFFERENCES)


def test_all_patterns_of_the_specification_parse() -> None:
    texts = data_path("oasis-pattern-spec-examples.txt").read_text(encoding="utf-8").splitlines()
    assert len(texts) > 20
    assert [text for text in texts if not we_take(text)] == []


def test_the_patterns_of_the_oasis_example_bundles_are_judged_as_oasis_judges_them() -> None:
    texts = indicator_patterns()
    assert len(texts) >= 80
    assert unexplained(sorted(set(texts))) == []


def test_what_is_left_over_is_only_the_known_kind_of_broken_example() -> None:
    refused = {text for text in indicator_patterns() if not we_take(text)}
    assert all(oasis_takes(text) is False for text in refused)


@pytest.mark.slow
def test_generated_and_spoilt_patterns_are_judged_as_oasis_judges_them() -> None:
    texts = generated(20240619, 1200)
    assert unexplained(texts) == []
    assert sum(oasis_takes(text) is None for text in texts) < len(texts) // 20


@pytest.mark.deep
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(1, 6))
def test_many_generated_and_spoilt_patterns_are_judged_as_oasis_judges_them(seed: int) -> None:
    assert unexplained(generated(seed, 5000)) == []


def test_the_generator_makes_both_kinds() -> None:
    texts = generated(7, 400)
    taken = sum(we_take(text) for text in texts)
    assert 80 < taken < 320
