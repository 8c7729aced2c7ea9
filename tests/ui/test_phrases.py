"""Refusals and titles of rules in the language of the page: every one is there, and a value is never more than one."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.desk_world import Desk
from tests.house.tree import SOURCE
from tests.said_texts import ELSEWHERE, errors, refusals, said_in, sentences_of, titles
from tests.visiting import Seen

from comity.errors import NotFound
from comity.node.policies import starter_texts
from comity.web.ui.errors import error_page
from comity.web.ui.languages import LANGUAGES, Words, catalogue
from comity.web.ui.matrix import matrix
from comity.web.ui.phrases import CHARACTERS_MOST, Phrase, Phrases, letters_of, phrase_of, places_of
from comity.web.ui.policy import first_sentence, policy
from comity.web.ui.search import search

OTHERS = sorted(set(LANGUAGES) - {"en"})
CODE = re.compile(r"(comity( [a-z-]+)+( [A-Z]+| --[a-z-]+|(?<=--role) approver| \{1\})*|\?\S.*|[a-z]+)")
"""Commands, parameters and names, which are the same in every language."""
ENGLISH = {
    "Case {1} {2}.": "the second place is a sentence of its own",
    "{1} is {2}.": "too few words of its own",
    "{1} {2} --{3}.": "too few words of its own",
    "{1}: {2}": "the second place is a sentence of its own",
}
"""What has no words in any other language, and why. None is to come."""
INDONESIAN = Words("id")


def is_code(text: str) -> bool:
    """Nothing in it is a sentence."""
    return CODE.fullmatch(text) is not None and not text.endswith(".")


# -- nothing is missing -----------------------------------------------------------------------------------------------
@pytest.mark.slow
@pytest.mark.parametrize("language", OTHERS)
def test_every_refusal_and_every_title_is_there(language: str) -> None:
    said = {text for text in refusals() | titles() if not is_code(text)}
    assert said - catalogue(language).keys() == ENGLISH.keys()


@pytest.mark.slow
def test_the_sentences_are_found_wherever_they_are_said() -> None:
    source = """
HINT = "Of the module."
def one(name, few):
    words = "Many." if few else f"{name} of {few:,}."
    kinds = {1: f"Kind {name}", 2: "Other kind"}
    raise NotFound(words, hint=HINT, where="not said")
    raise Conflict(kinds[few], hint="Said" " together.")
    other("never said.")
"""
    found = set(said_in(source, errors()))
    assert found == {"Of the module.", "Many.", "{1} of {2}.", "Kind {1}", "Other kind", "Said together."}
    assert set(sentences_of('"""Not said."""\nx = ("Is said.", f"So is {x}.", "word", f"{x}.")')) >= {
        "Is said.",
        "So is {1}.",
    }
    assert len(refusals()) > 450
    assert len(titles()) >= 46
    assert titles() >= {"The embargo is not over", "Nothing leaves this node."}


def test_what_is_left_out_is_there() -> None:
    for name in ELSEWHERE:
        assert (SOURCE / name).exists(), name


def test_what_is_code_is_no_sentence() -> None:
    assert all(map(is_code, ("comity batch list", "comity source resume {1}", "?to=PARTNER or ?object=ID", "feed")))
    assert not any(
        map(is_code, ("comity user list has the names.", "Look again.", "the store is closed", "it has {1}"))
    )


# -- what a template stands for ---------------------------------------------------------------------------------------
def slow(english: str, other: str, text: str) -> str | None:
    """The same by a regular expression, which tries every place."""
    pieces = re.split(r"\{\d\}", english)
    found = re.fullmatch("(.*?)".join(map(re.escape, pieces)), text, re.DOTALL)
    return re.sub(r"\{(\d)\}", lambda place: found[int(place[1])], other) if found else None


TEXT = st.text("ab .{1}", max_size=12)
ENGLISHES = ("{1} has {2} ab.", "abab {1}", "abba {1} a {2} b {3}", "{1} abab", "aaaa {1}. {2}. {3}.")


@given(st.sampled_from(ENGLISHES), TEXT, TEXT, TEXT, st.booleans())
def test_a_sentence_is_cut_as_a_regular_expression_cuts_it(english: str, a: str, b: str, c: str, fits: bool) -> None:
    other = " ".join(f"<{{{number}}}>" for number in reversed(places_of(english)))
    text = re.sub(r"\{(\d)\}", lambda place: (a, b, c)[int(place[1]) - 1], english) if fits else a + b + c
    assert phrase_of(english, other).said(text) == slow(english, other, text)


@pytest.mark.parametrize("language", OTHERS)
def test_every_template_is_found_by_its_own_words(language: str) -> None:
    looked = 0
    for english, other in catalogue(language).items():
        if places_of(english):
            values = {f"{{{number}}}": f"'v{number}'" for number in places_of(english)}
            filled, wanted = english, other
            for place, value in values.items():
                filled, wanted = filled.replace(place, value), wanted.replace(place, value)
            assert Words(language).said(filled) == wanted
            looked += 1
    assert looked > 100


def test_a_pair_that_is_not_sound_is_no_phrase() -> None:
    for english, other in (("No such {2}", "{2}"), ("Both {1}{2}", "{1} {2}"), ("Such {1}", "ini"), ("{1} is.", "{1}")):
        with pytest.raises(AssertionError):
            phrase_of(english, other)
    assert letters_of("{1} is a {2}") == 3


# -- values -----------------------------------------------------------------------------------------------------------
def test_a_value_is_set_in_as_it_is() -> None:
    for value in ("{1}", "{2} {1}", "%(count)s %s", "\\1", "Nothing is chosen.", "", "<b>"):
        assert INDONESIAN.said(f"There is no object {value}.") == f"Tidak ada objek {value}."
    assert INDONESIAN.said("What no one says") == "What no one says"
    assert Words("en").said("There is no object 'x'.") == "There is no object 'x'."


def test_the_one_with_the_most_words_of_its_own_counts() -> None:
    two = Phrases({"{1} is no {2}.": "{1} bukan {2}.", "{1} is no date.": "{1} bukan tanggal."})
    assert two.said("x is no date.") == "x bukan tanggal."
    assert two.said("x is no y.") == "x bukan y."


def test_the_time_is_in_proportion_to_the_text() -> None:
    sentence = Phrase(("aaaa ", *(["ab"] * 7), "z"), "", ((1, ""),))
    began = time.perf_counter()
    assert sentence.said("aaaa " + "a" * 200_000) is None
    assert sentence.said("aaaa " + "ab" * 100_000) is None
    for text in ("There is no object " * 100, "A " + "is no " * 300, "a" * CHARACTERS_MOST):
        INDONESIAN.said(text)
    assert time.perf_counter() - began < 1
    assert INDONESIAN.said(long := f"There is no object {'x' * CHARACTERS_MOST}.") == long


def test_the_title_of_a_rule_of_our_own_people_stays_as_it_is() -> None:
    for title in ("Who has ended.", "x is no y.", "Ours: There is no object x.", "Ours up to AMBER"):
        assert INDONESIAN.reason(title) == title
    assert INDONESIAN.reason("The embargo is not over") == "Embargo belum berakhir"
    assert INDONESIAN.reason("object_refs[0]: this contains x--1, which is withheld or not here") == (
        "object_refs[0]: ini memuat x--1, yang ditahan atau tidak ada di sini"
    )


# -- on pages ---------------------------------------------------------------------------------------------------------
def test_what_a_refusal_repeats_is_escaped() -> None:
    error = NotFound("There is no object '<script>alert(1)</script>'.", hint="comity <b>")
    page = error_page(None, INDONESIAN, 404, "x", error, "0" * 16).body.decode()
    assert "Tidak ada objek &#39;&lt;script&gt;alert(1)&lt;/script&gt;&#39;." in page
    assert "<b>" not in page


@pytest.mark.slow
def test_a_page_refuses_in_the_language_of_its_reader(desk: Desk) -> None:
    seen = Seen(desk.staff.get(search, "/search", language="id", q="seen:<b>"))
    assert "bukan umur" in seen.text
    assert "<b>" not in seen.source


@pytest.mark.slow
def test_each_title_is_told_in_the_language_of_the_reader(desk: Desk) -> None:
    english, other = (
        Seen(desk.staff.get(matrix, "/release/matrix", language=language)).text for language in ("en", "id")
    )
    told = {title for title in titles() if title in english}
    assert told
    for title in told:
        assert catalogue("id")[title] in other
        assert title not in other


@pytest.mark.slow
def test_the_starters_are_told_in_the_language_of_the_reader(desk: Desk) -> None:
    seen = Seen(desk.staff.get(policy, "/policy", language="id"))
    for text, _ in starter_texts().values():
        assert catalogue("id")[first_sentence(text)] in seen.text


def test_of_a_starter_its_first_sentence_is_told() -> None:
    for text, _ in starter_texts().values():
        assert first_sentence(text).endswith(".")
        assert first_sentence(text)[:40] in text
