"""The search for personal data finds, by one look, what every expression over every text finds."""

import json
import re
import sys
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import personal_twin as twin
from tests.data import data_path, read_data
from tests.personal_texts import WHOLE, text_of, value_of

from comity.release import check_digits, sieve
from comity.release.expressions import ALL, IP, MAIL, NUMBERS, SAID_PHONE
from comity.release.personal import findings, spans

PUBLISHED = (
    "capec-stix-2.1.json.zst", "ics-attack-18.1.json.zst", "mobile-attack-17.1.json.zst", "emb3d-stix-2.0.1.json.zst",
    "enterprise-attack-18.1.json.zst", "atlas-stix.json.zst", "attack-flow-example.json", "misp/long_event.json",
    "misp/existing_event.json", "misp/git-vuln-finder-quagga.json", "misp/misp-stix_test_objects_collection_1.json",
)  # fmt: skip
FIRST = 3
"""So many of them are looked through each day; all of them take minutes."""


@given(st.integers(min_value=0), st.booleans())
def test_what_is_found_in_a_text_is_what_the_slow_twin_finds(seed: int, addresses: bool) -> None:
    chance = Random(seed)
    for _ in range(5):
        text = text_of(chance)
        assert spans(text, addresses=addresses) == twin.spans(text, addresses=addresses), text


@given(st.text(max_size=60), st.text(alphabet="+10.-/() AZx@[]at:l٣", max_size=60))
def test_what_is_found_in_any_text_is_what_the_slow_twin_finds(one: str, other: str) -> None:
    for text in (one, other, one + other):
        assert spans(text, addresses=True) == twin.spans(text, addresses=True)


@given(st.integers(min_value=0), st.booleans(), st.booleans())
def test_what_is_found_in_an_object_is_what_the_slow_twin_finds(seed: int, addresses: bool, addressee: bool) -> None:
    value = value_of(Random(seed))
    found = findings(value, addresses=addresses, addressee=addressee)
    assert found == twin.findings(value, addresses=addresses, addressee=addressee)


@pytest.mark.parametrize(
    "members",
    [
        {"x": "a@b.cc"},
        {"x": ["a@b.cc"]},
        {"x": {"y": "a@b.cc"}},
        {"x": [[{"y": ["", "a@b.cc"]}]]},
        {"x_ref": ["a@b.cc"]},
    ],
    ids=str,
)
def test_what_stands_in_one_place_alone_is_found_there(members: dict[str, object]) -> None:
    (found,) = findings({"type": "report", **members})
    assert (found,) == twin.findings({"type": "report", **members})


@pytest.mark.parametrize("behind", ["", ".", "é", "-", "-1", ".5", ":", "x", " 5"])
@pytest.mark.parametrize("before", ["", "x", "é", "–", "-", "'", "٣", "--", "\ud800", "(dot)"])
def test_whatever_stands_beside_an_item_the_slow_twin_agrees(before: str, behind: str) -> None:
    for item in WHOLE:
        text = f"{before}{item}{behind}"
        assert spans(text, addresses=True) == twin.spans(text, addresses=True), text


@pytest.mark.slow
def test_the_texts_to_compare_on_hold_every_kind_and_many_hold_nothing() -> None:
    chance = Random(1)
    texts = [text_of(chance) for _ in range(3_000)]
    found = [{one.what for one in spans(text, addresses=True)} for text in texts]
    assert set().union(*found) == {one.what for one in ALL}
    for expression in ALL:
        matches = [match for text in texts for match in expression.pattern.finditer(text)]
        assert any(expression.reach(match) for match in matches), expression
    assert sum(not one for one in found) > 500
    assert sum(map(sieve.clean, texts)) > 300


@pytest.mark.slow
@given(st.integers(min_value=0))
def test_the_engine_reads_the_wanted_expressions_as_python_does(seed: int) -> None:
    wanted = re.compile(sieve.WANTED)
    chance = Random(seed)
    for _ in range(5):
        text = text_of(chance)
        assert sieve.clean(text) == (wanted.search(text) is None), text


def test_a_relaxed_expression_has_no_class_that_the_engine_reads_in_another_way() -> None:
    for expression in (*NUMBERS, IP):
        assert not re.search(r"\\[A-Za-z]|(?<!\\)\(\?[^:]|(?<!\\)[*+?}]\+", sieve.relaxed(expression)), expression


@pytest.mark.slow
def test_every_digit_of_python_is_wanted_and_becomes_one_of_ascii() -> None:
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    digits = set(re.findall(r"\d", everything))
    assert len(digits) > 600
    assert digits <= set(re.findall(f"[0-9{sieve.ODD_DIGITS}]", everything))
    assert set(sieve.latin("".join(digits))) <= set(b"0123456789")


@pytest.mark.slow
def test_the_letters_of_words_are_all_that_match_without_regard_to_capitals() -> None:
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    odd = {
        (letter, found)
        for letter in set("telphonefaxmobilecallwhatsapp" + "atdot")
        for found in re.findall(letter, everything, re.IGNORECASE)
        if not found.isascii()
    }
    assert odd == {("i", "ı"), ("i", "İ"), ("s", "ſ")}
    assert "[iIİı]" in sieve.WANTED
    assert "[sSſ]" in sieve.WANTED
    assert MAIL.pattern.flags & SAID_PHONE.pattern.flags & re.IGNORECASE


@given(st.integers(min_value=0))
def test_no_card_that_is_issued_is_sieved_away(seed: int) -> None:
    chance = Random(seed)
    for low, high, lengths in check_digits._CARD_LENGTHS:
        digits = f"{chance.randint(low, high):02}"
        digits += "".join(chance.choices("0123456789", k=chance.choice(sorted(lengths)) - 3))
        digits += next(last for last in "0123456789" if check_digits.luhn(digits + last))
        assert check_digits.card(digits)
        odd = "".join(chance.choice((each, chr(0x660 + int(each)))) for each in digits)
        for number in (digits, odd):
            text = "".join(each + chance.choice(("", "", " ", "-")) for each in number[:-1]) + number[-1]
            assert not sieve.clean(f"/{text}/"), text
            assert spans(f"/{text}/") == twin.spans(f"/{text}/") != ()


@given(st.integers(min_value=0), st.booleans())
def test_documents_that_are_cleared_together_are_clean_each_alone(seed: int, addresses: bool) -> None:
    chance = Random(seed)
    values = [{"type": "report", "x": [text_of(chance) if chance.random() < 0.1 else "no"]} for _ in range(30)]
    raws = [json.dumps(each, ensure_ascii=chance.random() < 0.5).encode() for each in values]
    sure = sieve.cleared(raws, addresses=addresses)
    assert len(sure) == len(values)
    for value, each in zip(values, sure, strict=True):
        assert not each or sieve.clean(value, addresses=addresses), value


@pytest.mark.parametrize("item", WHOLE)
def test_an_item_among_escapes_is_not_cleared(item: str) -> None:
    for beside in ("\n", "\t", "\r", "\\", '"', "\\n", "\\\\", "/", "\b", "\f", "\0"):
        for text in (beside + item, item + beside, beside + item + beside):
            for raw in (json.dumps({"x": text}), json.dumps({"x": text}).replace("/", "\\/")):
                (sure,) = sieve.cleared([raw.encode()], addresses=True)
                assert not sure or sieve.clean(text, addresses=True), raw


def test_what_hides_in_a_document_clears_it_not_and_most_are_cleared() -> None:
    mail, plain = b'{"x":"jane@example.org"}', b'{"x":"nothing"}'
    hidden = (b'{"x":"jane\\u0040example.org"}', b'{"x":"tel\\u003a 5551234567"}', b"\xff", b"\\b", b"x" * 70_000)
    assert sieve.cleared([plain] * 20) == [True] * 20
    assert sieve.cleared([json.dumps({"x": 'a "word"\n\tand C:\\new'}).encode()]) == [True]
    assert sieve.cleared([plain] * 16 + [mail] + [plain] * 10) == [True] * 16 + [False] + [True] * 10
    for each in hidden:
        assert sieve.cleared([each, plain])[0] is False


def test_a_number_that_begins_as_no_card_does_is_sieved_away() -> None:
    heads = [head for head in range(100) if sieve.clean(f"/{head:02}210708035426/")]
    assert set(heads) == set(range(100)) - check_digits.CARD_HEADS
    assert len(heads) > 50


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    [
        "1234567 x ",
        "555-123-4567 y ",
        "a@b.cc ",
        "a [at] ",
        "tel 5551234 ",
        "+1 5551234567, ",
        "AB12 CDEF GHIJ KLMN ",
        "1",
    ],
)
def test_many_places_to_look_at_take_time_in_proportion(unit: str) -> None:
    """A step for each place that looks through the whole text would take hours."""
    spans(unit * (1_000_000 // len(unit)) + "٣", addresses=True)


def _differences(names: tuple[str, ...]) -> int:
    seen: set[str] = set()
    for name in names:
        raw = msgspec.json.decode(read_data(name))
        seen |= {text for _, text in twin.texts(raw, ("whole",))}
    for text in seen:
        assert spans(text, addresses=True) == twin.spans(text, addresses=True), text
    return len(seen)


@pytest.mark.slow
def test_published_texts_give_what_the_slow_twin_gives() -> None:
    assert _differences(PUBLISHED[:FIRST]) > 10_000


@pytest.mark.deep
@pytest.mark.timeout(1200)
def test_all_published_texts_give_what_the_slow_twin_gives() -> None:
    assert all(data_path(name) for name in PUBLISHED)
    assert _differences(PUBLISHED) > 50_000
