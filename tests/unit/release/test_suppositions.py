"""Suppositions: what can be supposed, in which words, and that a class in words is that class and no other."""

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.errors import ComityError
from comity.release.classes import Author, Iep, Recipient, Relation, ReleaseClass
from comity.release.suppositions import (
    HISTORY,
    class_words,
    read_supposition,
    supposed_class,
    supposed_recipient,
)
from comity.stix.tlp import TLP

NAMES = st.sampled_from(("a", "b", "a b", "a,b", "none", "ours", "x=y", '"', ""))
SETS = st.frozensets(NAMES, max_size=3)
INSTANTS = st.none() | st.sampled_from((0, 1, 1_767_225_600_000_000, 10**18))
CLASSES = st.builds(
    ReleaseClass,
    tlp=st.sampled_from(TLP),
    tlp_from=st.sampled_from(("object", "source")),
    type=st.sampled_from(("indicator", "malware")),
    origin=NAMES,
    verified=st.booleans(),
    author=st.sampled_from(Author),
    community=st.none() | NAMES,
    groups=SETS,
    sectors=SETS,
    residency=st.none() | SETS,
    embargo_until=INSTANTS,
    iep=st.lists(st.builds(Iep, starts_at=INSTANTS, attribution=st.sampled_from(("may", "must"))), max_size=2).map(
        tuple
    ),
    pap=st.none() | st.sampled_from(("red", "amber")),
    granular=st.frozensets(st.sampled_from(TLP)),
)
PLAIN = ReleaseClass(TLP.AMBER, "object", "indicator")
PARTNER = Recipient("b", Relation.PARTNER, "active")


@pytest.mark.parametrize(
    ("text", "of", "facet", "value"),
    [
        ("tlp=green", "object", "tlp", TLP.GREEN),
        ("object.tlp=amber+strict", "object", "tlp", TLP.AMBER_STRICT),
        ("object.tlp=TLP:CLEAR", "object", "tlp", TLP.CLEAR),
        ("author=none", "object", "author", Author.NONE),
        ("tlp_from=none", "object", "tlp_from", "none"),
        ("origin=ours", "object", "origin", ""),
        ("origin=feed", "object", "origin", "feed"),
        ("community=none", "object", "community", None),
        ("community=eu", "object", "community", "eu"),
        ("group=a", "object", "groups", frozenset({"a"})),
        ("groups=a, b", "object", "groups", frozenset({"a", "b"})),
        ("groups=none", "object", "groups", frozenset()),
        ("residency=none", "object", "residency", None),
        ("residency=EE,FI", "object", "residency", frozenset({"EE", "FI"})),
        ("unsound=no", "object", "unsound", False),
        ("embargo-until=none", "object", "embargo_until", None),
        ("embargo_until=1970-01-02", "object", "embargo_until", 86_400_000_000),
        ("pap=unmarked", "object", "pap", None),
        ("pap=red", "object", "pap", "red"),
        ("iep=none", "object", "iep", ()),
        ("to.state=active", "recipient", "state", "active"),
        ("recipient.max_tlp=amber", "recipient", "max_tlp", TLP.AMBER),
        ("to.circle=eu", "recipient", "groups", frozenset({"eu"})),
        ("to.relation=client", "recipient", "relation", Relation.CLIENT),
        ("to.country=none", "recipient", "country", ""),
        ("to.cybersecurity=yes", "recipient", "cybersecurity", True),
        ("to.agreement_until=2026-01-01T00:00:00Z", "recipient", "agreement_until", 1_767_225_600_000_000),
        ("to.history_from=all", "recipient", HISTORY, 0),
    ],
)
def test_each_is_read_and_put(text: str, of: str, facet: str, value: Any) -> None:
    made = read_supposition(text)
    assert (made.of, made.facet, made.value) == (of, facet, value)
    assert read_supposition(str(made)) == made
    one, other = supposed_class(PLAIN, [made]), supposed_recipient(PARTNER, [made])
    if of == "object":
        assert one == replace(PLAIN, **{facet: value})
        assert other == PARTNER
    else:
        assert one == PLAIN
        assert facet == HISTORY or other == replace(PARTNER, **{facet: value})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tlp",
        "tlp=",
        "tlp=none",
        "tlp=pink",
        "colour=red",
        "granular=red",
        "from.tlp=red",
        "author=me",
        "verified=perhaps",
        "embargo_until=soon",
        "iep=strict",
        "pap=purple",
        "tlp_from=heaven",
        "personal=everything",
        "to.id=x",
        "to.tlp=red",
        "to.state=asleep",
        "to.relation=friend",
        "to.transport=pigeon",
        "to.max_tlp=none",
        "community=\ud800",
    ],
)
def test_what_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(ComityError):
        read_supposition(text)


@given(st.data())
def test_different_classes_have_different_words(data: st.DataObject) -> None:
    one = data.draw(CLASSES)
    name = data.draw(st.sampled_from([field.name for field in fields(ReleaseClass)]))
    other = replace(one, **{name: getattr(data.draw(CLASSES), name)})
    assert (class_words(one) == class_words(other)) == (one == other)


@given(st.data())
def test_words_of_sets_are_not_taken_for_others(data: st.DataObject) -> None:
    sets = st.frozensets(st.text("ab, =\";'none", max_size=4), max_size=3)
    one, other = (replace(PLAIN, groups=data.draw(sets), sectors=data.draw(sets)) for _ in range(2))
    assert (class_words(one) == class_words(other)) == (one == other)


def test_the_words_name_what_is_not_as_usual() -> None:
    assert class_words(PLAIN) == "tlp=amber type=indicator origin=ours"
    made = replace(PLAIN, origin="feed", community="eu csirts", unsound=True, embargo_until=0)
    assert class_words(made) == (
        'tlp=amber type=indicator origin=feed community="eu csirts" embargo_until=1970-01-01T00:00:00.000Z unsound=yes'
    )
    assert len(fields(ReleaseClass)) == 19
