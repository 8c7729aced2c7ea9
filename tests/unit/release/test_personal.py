"""Personal data: what is found, how well, of which kind, and what of it redaction may touch."""

import hashlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.data import read_data
from tests.personal_corpus import MADE, PUBLISHED, made
from tests.stix_samples import RANDOM, domain, observable

from comity.release import check_digits
from comity.release.personal import TOKEN, Kind, findings, redacted_texts, spans

RECALL_MIN, PRECISION_MIN = 0.95, 0.85
MADE_DIGEST = "d3807f6afded5db8"


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from strings(one)


def report(name: str, found: set[Any], wanted: set[Any]) -> tuple[float, float]:
    recall = len(found & wanted) / len(wanted)
    precision = len(found & wanted) / len(found)
    print(f"{name}: {len(wanted)} items, recall {recall:.3f}, precision {precision:.3f}")
    print("  missed:", sorted(map(str, wanted - found)), "\n  false:", sorted(map(str, found - wanted)))
    return recall, precision


def test_the_made_corpus_is_the_one_that_was_labelled() -> None:
    assert hashlib.sha256(MADE.encode()).hexdigest()[:16] == MADE_DIGEST


def test_recall_and_precision_on_made_texts() -> None:
    wanted, found = set(), set()
    for number, (text, items) in enumerate(made()):
        wanted |= {(number, *item) for item in items}
        found |= {(number, span.what, text[span.start : span.end]) for span in spans(text)}
    assert len(wanted) > 40
    recall, precision = report("made texts", found, wanted)
    assert recall >= RECALL_MIN
    assert precision >= PRECISION_MIN


@pytest.mark.slow
def test_recall_and_precision_on_published_texts() -> None:
    wanted, found, seen = set(), set(), 0
    for name, items in PUBLISHED.items():
        wanted |= {(name, item) for item in items}
        for text in set(strings(msgspec.json.decode(read_data(name)))):
            seen += 1
            found |= {(name, text[span.start : span.end]) for span in spans(text)}
    assert seen > 50_000
    recall, precision = report("published texts", found, wanted)
    assert recall >= RECALL_MIN
    assert precision >= PRECISION_MIN


@given(st.text(alphabet="@.a1 -+()[]GB82", max_size=200))
def test_spans_do_not_overlap_and_are_in_order(text: str) -> None:
    ends = [(one.start, one.end) for one in spans(text, addresses=True)]
    assert all(0 <= start < end <= len(text) for start, end in ends)
    assert all(first[1] <= second[0] for first, second in pairwise(ends))


@pytest.mark.parametrize("unit", ["a@", "a.", "1 ", "+1", "(1)", "GB82 ", "a[.]", "0-", "-1", "x@a.", "1.1."])
def test_a_text_made_to_be_slow_is_not(unit: str) -> None:
    """Twice the text takes twice the steps, not four times: the longest would take hours otherwise."""
    spans(unit * (200_000 // len(unit)), addresses=True)


def test_ip_addresses_are_found_only_where_asked() -> None:
    assert spans("at 198.51.100.7") == ()
    assert [one.what for one in spans("at 198[.]51.100.7", addresses=True)] == ["ip"]


MAIL = "jane@example.org"


@pytest.mark.parametrize(
    ("value", "kind", "fixed"),
    [
        (domain("indicator", pattern=f"[email-addr:value = '{MAIL}']"), Kind.ARTEFACT, True),
        (observable("email-addr", value=MAIL), Kind.ARTEFACT, True),
        (observable("email-message", subject=f"for {MAIL}"), Kind.VICTIM, True),
        (observable("email-message", body=MAIL), Kind.VICTIM, True),
        (observable("email-message", additional_header_fields={"Delivered-To": [MAIL]}), Kind.VICTIM, True),
        (observable("email-message", additional_header_fields={"Reply-To": [MAIL]}), Kind.ARTEFACT, True),
        (domain("observed-data", objects={"0": {"type": "email-addr", "value": MAIL}}), Kind.ARTEFACT, True),
        (domain("identity", contact_information=MAIL), Kind.CONTACT, False),
        (domain("note", authors=[MAIL], content="c"), Kind.CONTACT, False),
        (domain("report", description="ask abuse@example.org"), Kind.CONTACT, False),
        (domain("report", description=f"hit {MAIL}"), Kind.VICTIM, False),
        (domain("incident", external_references=[{"url": f"https://a.example/ {MAIL}"}]), Kind.VICTIM, True),
    ],
)
def test_a_finding_has_a_kind_by_type_and_property(value: dict[str, Any], kind: Kind, fixed: bool) -> None:
    (found,) = findings(value)
    assert (found.kind, found.fixed, found.what) == (kind, fixed, "e-mail")


def test_an_address_that_the_pattern_names_is_an_artefact_in_the_text_too() -> None:
    value = domain("indicator", pattern=f"[email-addr:value = '{MAIL}']", description=f"sent by {MAIL.upper()}")
    assert {one.kind for one in findings(value)} == {Kind.ARTEFACT}


def test_an_address_to_which_mail_was_sent_is_a_victims() -> None:
    assert findings(observable("email-addr", value=MAIL), addressee=True)[0].kind is Kind.VICTIM


def test_references_hold_no_personal_data() -> None:
    assert findings(domain("report", object_refs=[MAIL], x_one_ref=MAIL)) == ()


def test_texts_are_redacted_where_a_victim_or_contact_stands_and_nowhere_else() -> None:
    value = domain(
        "indicator",
        pattern="[email-addr:value = 'bad@example.org']",
        description=f"bad@example.org wrote to {MAIL} and +372 5123 4567",
        labels=["x", "abuse@example.org"],
    )
    texts = redacted_texts(value, findings(value))
    assert texts == {
        ("description",): f"bad@example.org wrote to {TOKEN} and {TOKEN}",
        ("labels", 1): TOKEN,
    }
    again = {**value, "description": texts["description",], "labels": ["x", TOKEN]}
    assert redacted_texts(again, findings(again)) == {}
    assert (
        redacted_texts(observable("email-message", body=MAIL), findings(observable("email-message", body=MAIL))) == {}
    )


@pytest.mark.parametrize(
    ("holds", "good"),
    [
        (check_digits.belgium, "85073003328"),
        (check_digits.brazil, "11144477735"),
        (check_digits.china, "11010519491231002X"),
        (check_digits.baltic, "37605030299"),
        (check_digits.spain, "12345678Z"),
        (check_digits.spain, "X1234567L"),
        (check_digits.finland, "131052-308T"),
        (check_digits.france, "184127645108946"),
        (check_digits.italy, "RSSMRA85T10A562S"),
        (check_digits.norway, "15108695088"),
        (check_digits.poland, "44051401359"),
        (check_digits.romania, "1800101221144"),
        (check_digits.sweden, "8112289874"),
        (check_digits.card, "4111111111111111"),
        (check_digits.iban, "DE89370400440532013000"),
    ],
)
def test_check_digits_hold_and_no_other_last_character_does(holds: Any, good: str) -> None:
    assert holds(good)
    others = "0123456789" if good[-1].isdigit() else "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    assert [last for last in others if holds(good[:-1] + last)] == [good[-1]]
    assert not holds(good[:-1])
    assert not holds("9" * len(good))


@pytest.mark.parametrize(
    ("holds", "start"),
    [
        (check_digits.baltic, "3761303029"),
        (check_digits.baltic, "3760532029"),
        (check_digits.baltic, "3760500029"),
        (check_digits.china, "11010519491331002"),
        (check_digits.china, "11010519490230002"),
        (check_digits.norway, "3210869508"),
        (check_digits.poland, "4413140135"),
    ],
)
def test_no_check_digit_makes_a_number_of_a_day_that_never_was(holds: Any, start: str) -> None:
    assert not any(holds(start + last) for last in "0123456789X")


@pytest.mark.parametrize("text", ["18412764510894X", "1841276451089 6", "1\u0664412764510894x", "184127A45108946"])
def test_what_is_not_all_digits_is_no_number_of_france(text: str) -> None:
    assert not check_digits.france(text)


@pytest.mark.parametrize("head", range(100))
def test_a_card_begins_as_one_that_is_issued(head: int) -> None:
    """ISO/IEC 7812-1; the ranges typed anew, 16 digits long."""
    issued = {30, *range(40, 50), *range(51, 56), *range(22, 28), 35, 38, 39, 60, 62, 64, 65}
    found = [last for last in range(10) if check_digits.card(f"{head:02d}0123456789123{last}")]
    assert len(found) == (1 if head in issued else 0)


def test_every_sample_is_looked_through() -> None:
    assert orjson.dumps([list(map(str, findings({"type": "file", "id": f"file--{RANDOM}"})))]) == b"[[]]"
