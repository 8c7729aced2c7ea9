"""A class is read back from its canonical form as it was, or not at all."""

from dataclasses import replace

import orjson
import pytest
from tests.release_world import DAY, NOW, PLAIN, product
from tests.release_world import class_of as class_of_words

from comity.errors import Invalid
from comity.release.classes import Author, Iep, ReleaseClass
from comity.release.classify import canonical_form
from comity.release.forms import class_of
from comity.release.words import name_of
from comity.stix.tlp import TLP

FULL = ReleaseClass(
    TLP.AMBER,
    "source",
    "report",
    origin="X",
    verified=True,
    author=Author.OTHER,
    community="A",
    groups=frozenset({"A", "B"}),
    sectors=frozenset({"energy"}),
    residency=frozenset({"EE", "FI"}),
    named=frozenset({"contact-1"}),
    personal=frozenset({"victim", "contact"}),
    personal_fixed=True,
    exercise=True,
    unsound=True,
    embargo_until=NOW + DAY,
    pap="amber",
    granular=frozenset({TLP.RED}),
    iep=(Iep(NOW, NOW + DAY, "must", "none", "must-not", "must", "must-not"), Iep()),
)
ONES = [
    FULL,
    replace(FULL, residency=frozenset(), community=None, pap=None, embargo_until=None),
    replace(FULL, residency=None),
    *(class_of_words(case) for case in product(("tlp", "residency", "iep_dates", "embargo"))),
    class_of_words(PLAIN),
]


def test_a_class_is_read_back_as_it_was() -> None:
    for one in ONES:
        assert class_of(canonical_form(one)) == one


@pytest.mark.parametrize("change", [{"colour": "red"}, {"tlp": "amber"}, {"iep": 5}, {"embargo_until": "soon"}])
def test_what_is_no_class_is_refused(change: dict[str, object]) -> None:
    value = orjson.loads(canonical_form(FULL)) | change
    with pytest.raises(Invalid, match="cannot be read"):
        class_of(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))


def test_names_are_looked_for_from_three_letters_on_and_from_two_where_each_is_a_word() -> None:
    assert [bool(name_of(text)) for text in ("it", "c2", "ip7", "abc", "東", "東京", "")] == [
        False, False, True, True, False, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize("name", ReleaseClass.__slots__)
def test_a_class_without_one_of_its_facets_is_refused(name: str) -> None:
    value = orjson.loads(canonical_form(FULL))
    del value[name]
    with pytest.raises(Invalid, match="cannot be read"):
        class_of(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))
