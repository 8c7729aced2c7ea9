"""What a recall does to the copies of an object, by a table as a person would write it; and another version of it."""

import itertools
import json
from collections.abc import Iterator, Sequence

import orjson
import pytest

from comity.errors import Invalid, TooLarge
from comity.release.recall import (
    IDS_MOST,
    NOTE_CHARACTERS_MOST,
    Answer,
    Bar,
    Given,
    Kind,
    Order,
    Reason,
    Way,
    check_ids,
    is_versioned,
    moment_after,
    plan,
    revision,
)
from comity.stix.markings import MARKING_IDS, TLP
from comity.stix.timestamp import instant_key

ID = "indicator--1"
LATER = "2030-01-01T00:00:00"
HERE, THERE, FEED = ("c", "local"), ("c", "branch"), ("c", "feed")


def order(kind: Kind) -> Order:
    return Order(
        kind,
        Reason.MISTAKE,
        tlp=TLP.AMBER if kind is Kind.NARROW else None,
        by="x--2" if kind is Kind.SUPERSEDE else "",
    )


def copies(most: int = 3) -> Iterator[list[Given]]:
    """Every set of so many copies of one object, each of its own version and place."""
    places = [(HERE, True), (THERE, True), (FEED, False)]
    kinds = [
        (place, ours, versioned, revoked, tlp)
        for (place, ours), (versioned, revoked), tlp in itertools.product(
            places, ((True, False), (True, True), (False, False)), (TLP.GREEN, TLP.AMBER)
        )
    ]
    for count in range(most + 1):
        for chosen in itertools.product(kinds, repeat=count):
            yield [
                Given(number, ID, f"2026-01-0{1 + number}T00:00:00", *each[:1], each[1], each[2], each[3], each[4])
                for number, each in enumerate(chosen, 1)
            ]


def twin(kind: Kind, one: Given, every: Sequence[Given]) -> str:
    """What becomes of one copy: it `stays`, is `gone`, or is `followed` by a version of ours and stays, or `replaced`
    by one."""
    mine = [each for each in every if each.ours and each.versioned]
    last = one in mine and not any(each.place == one.place and each.instant > one.instant for each in mine)
    if kind is Kind.NARROW:
        if one.tlp >= TLP.AMBER:
            return "stays"
        return "replaced" if last else "gone"
    if kind is Kind.RETRACT and mine:
        if one not in mine:
            return "gone"
        return "followed" if last and not one.revoked else "stays"
    return "gone"


def is_barred(bars: frozenset[Bar], instant: str, *, ours: bool) -> bool:
    """What a bar says, as the table of the store has it."""
    return any(bar.instant in ("", instant) and (bar.ours or not ours) for bar in bars)


@pytest.mark.parametrize("kind", Kind)
def test_a_plan_is_what_the_table_says_and_what_goes_does_not_come_back(kind: Kind) -> None:
    seen = set()
    for some in copies(2):
        made = plan(order(kind), [ID], some)
        for one in some:
            due = twin(kind, one, some)
            seen.add(due)
            assert (one.number in made.gone) == (due in ("gone", "replaced")), (one, some)
            assert (one.number in made.revised) == (due in ("followed", "replaced")), (one, some)
            if one.number in made.gone:
                assert is_barred(made.bars, one.instant, ours=one.ours)
            elif kind is not Kind.NARROW:
                assert not is_barred(made.bars, one.instant, ours=one.ours)
        if made.revised:
            assert not is_barred(made.bars, LATER, ours=True)
        if any(not one.ours and one.number in made.gone for one in some):
            assert is_barred(made.bars, LATER, ours=False)
        if kind in (Kind.WITHDRAW, Kind.SUPERSEDE):
            assert made.bars == {Bar(ID, "", True)}
    assert len(seen) == {Kind.NARROW: 3, Kind.RETRACT: 3}.get(kind, 1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", Kind)
def test_a_plan_is_what_the_table_says_of_three_copies(kind: Kind) -> None:
    for some in copies(3):
        made = plan(order(kind), [ID], some)
        due = {one.number: twin(kind, one, some) for one in some}
        assert made.gone == {number for number, each in due.items() if each in ("gone", "replaced")}
        assert made.revised == {number for number, each in due.items() if each in ("followed", "replaced")}


def test_objects_have_nothing_to_do_with_one_another() -> None:
    ours = Given(1, "a--1", "2026", HERE, True, True, False, TLP.GREEN)
    theirs = Given(2, "a--2", "2026", FEED, False, True, False, TLP.GREEN)
    made = plan(order(Kind.RETRACT), ["a--1", "a--2", "a--3"], [ours, theirs])
    assert (set(made.gone), set(made.revised)) == ({2}, {1})
    assert made.bars == {Bar("a--2", "", True), Bar("a--3", "", True)}
    assert not plan(order(Kind.NARROW), ["a--3"], [])


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        (Order(Kind.NARROW, Reason.LEGAL), "tlp"),
        (Order(Kind.WITHDRAW, Reason.LEGAL, tlp=TLP.RED), "tlp"),
        (Order(Kind.SUPERSEDE, Reason.LEGAL), "by"),
        (Order(Kind.RETRACT, Reason.LEGAL, by="a--1"), "by"),
        (Order(Kind.WITHDRAW, Reason.LEGAL, note="x" * (NOTE_CHARACTERS_MOST + 1)), "note"),
        (Order(Kind.WITHDRAW, Reason.LEGAL, note="a\nb"), "note"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(asked: Order, where: str) -> None:
    with pytest.raises(Invalid) as refused:
        asked.check()
    assert refused.value.where == where


def test_an_order_that_makes_sense_is_not() -> None:
    for kind in Kind:
        order(kind).check()
    Order(Kind.WITHDRAW, Reason.LEGAL, note="x" * NOTE_CHARACTERS_MOST).check()


def test_ids_are_bounded_and_each_counts_once() -> None:
    assert check_ids(["a", "b", "a"]) == ("a", "b")
    assert len(check_ids(map(str, range(IDS_MOST)))) == IDS_MOST
    with pytest.raises(TooLarge):
        check_ids(map(str, range(IDS_MOST + 1)))
    with pytest.raises(Invalid):
        check_ids([])


def test_who_reads_over_taxii_cannot_confirm() -> None:
    assert Way.TAXII.first_answer is Answer.CANNOT_CONFIRM


# -- another version --------------------------------------------------------------------------------------------------
RAW = (
    b'{ "type":"indicator", "id": "indicator--1",\n "created":"2026-01-01T00:00:00Z","modified" : '
    b'"2026-01-01T00:00:00.000Z", "x_size": 1.50, "name":"\\u00fc"%b }'
)
NEW = "2026-05-05T00:00:00.000Z"


@pytest.mark.parametrize("rest", [b"", b', "revoked": false', b', "revoked":true'])
def test_a_revoked_version_is_the_same_bytes_but_for_two_members(rest: bytes) -> None:
    raw = RAW % rest
    made = revision(raw, json.loads(raw), NEW)
    assert json.loads(made) == json.loads(raw) | {"modified": NEW, "revoked": True}
    assert b'"x_size": 1.50, "name":"\\u00fc"' in made
    if rest:
        plain = raw.replace(b'"2026-01-01T00:00:00.000Z"', f'"{NEW}"'.encode()).replace(b"false", b"true")
        assert made == plain


@pytest.mark.parametrize("refs", [None, [MARKING_IDS[TLP.GREEN]], ["marking-definition--1", MARKING_IDS[TLP.GREEN]]])
def test_a_narrowed_version_has_one_tlp_marking_and_every_other_one(refs: list[str] | None) -> None:
    raw = RAW % (b"" if refs is None else b',"object_marking_refs" : ' + orjson.dumps(refs))
    made = json.loads(revision(raw, json.loads(raw), NEW, TLP.AMBER))
    others = [] if refs is None else [ref for ref in refs if ref == "marking-definition--1"]
    assert made == json.loads(raw) | {"modified": NEW, "object_marking_refs": [*others, MARKING_IDS[TLP.AMBER]]}


@pytest.mark.parametrize(
    ("now", "instant", "due"),
    [
        (0, "1969-12-31T23:59:59.999", "1970-01-01T00:00:00.000Z"),
        (0, "1970-01-01T00:00:00", "1970-01-01T00:00:00.001Z"),
        (1_999, "1970-01-01T00:00:00.001", "1970-01-01T00:00:00.002Z"),
        (1_999, "1970-01-01T00:00:00.0005", "1970-01-01T00:00:00.001Z"),
        (0, "1970-01-01T00:00:00.5", "1970-01-01T00:00:00.501Z"),
        (0, "2998-12-31T23:59:59.999999999", "2999-01-01T00:00:00.000Z"),
        (1_772_600_767_123_456, "2026-01-01T00:00:00", "2026-03-04T05:06:07.123Z"),
    ],
)
def test_the_moment_of_a_version_is_now_and_never_that_of_the_one_before(now: int, instant: str, due: str) -> None:
    found = moment_after(now, instant)
    assert found == due
    assert (instant_key(found) or "") > instant


def test_only_what_has_versions_can_have_another() -> None:
    whole = {"created": NEW, "modified": NEW}
    assert is_versioned(whole, "2026-05-05T00:00:00")
    assert not is_versioned(whole, "9999-01-01T00:00:00")
    assert not is_versioned({"created": NEW}, "2026-05-05T00:00:00")
    assert not is_versioned({"modified": NEW}, "2026-05-05T00:00:00")
