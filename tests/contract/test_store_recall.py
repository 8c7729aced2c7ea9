"""What a store keeps of what left and was taken back: bars, what numbers stood for, and objects that are taken in along
with another act."""

import itertools

import pytest
from pyroaring import BitMap
from tests.contract.test_store_publications import A, B, keys
from tests.store_world import NOW, ONE, identifier, indicators, made, put

from comity.release.recall import EVERY, Bar
from comity.store.interface import Store
from comity.store.nouns import Outcome, State
from comity.store.releases import Former

ID, OTHER = (identifier("indicator", number) for number in range(2))
VERSIONS = ("2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00Z")
INSTANTS = ("2026-01-01T00:00:00", "2026-02-01T00:00:00")


def test_a_bar_holds_for_what_it_says_and_for_nothing_else(store: Store) -> None:
    """Every bar there can be of one object, against every copy: a slow twin of the question that the store asks."""
    copies = {}
    for source, version in itertools.product(("local", "feed-a"), VERSIONS):
        (verdict,) = put(store, [made(ID, version, x=source)], source=source)
        copies[verdict.key] = (source == "local", INSTANTS[VERSIONS.index(version)])
    (another,) = put(store, [made(OTHER, VERSIONS[0])])
    bars = [Bar(ID, instant, ours) for instant in (EVERY, *INSTANTS) for ours in (False, True)]
    with store.read() as snapshot:
        assert snapshot.barred([*copies]) == set()
    held: list[Bar] = []
    for bar in bars:
        held.append(bar)
        with store.write() as tx:
            tx.put_bars([bar, bar], "r")
            due = {
                key
                for key, (ours, instant) in copies.items()
                if any(each.instant in (EVERY, instant) and (each.ours or not ours) for each in held)
            }
            assert tx.barred([*copies, another.key, 99]) == due
            assert tx.bars([ID, OTHER, "none"]) == sorted(held)
    with store.read() as snapshot:
        assert snapshot.barred([another.key]) == set()
        assert snapshot.barred([]) == set()


def test_what_numbers_stand_for_is_known_before_and_after(store: Store) -> None:
    put(store, indicators(2))
    with store.write() as tx:
        numbers = tx.publish([(keys(store, id)[0], *A) for id in (ID, OTHER)], NOW, None)
        tx.reclass({numbers[1]: B})
    with store.read() as snapshot:
        before = snapshot.stood_for([*numbers, 99])
        assert [(one.number, one.id, one.version) for one in before] == [
            (number, id, VERSIONS[0]) for number, id in zip(numbers, (ID, OTHER), strict=True)
        ]
        assert [snapshot.classes()[one.class_key] for one in before] == [A[1], B[1]]
        assert snapshot.former(numbers) == []
    with store.write() as tx:
        tx.unpublish([keys(store, OTHER)[0]])
    with store.read() as snapshot:
        assert snapshot.stood_for(numbers) == before
        assert snapshot.former(numbers) == [before[1]]
        assert snapshot.stood_for([]) == []
        (copy,) = snapshot.copies(OTHER)
        assert isinstance(before[1], Former)
        assert before[1].digest == copy.digest


def test_releases_are_found_by_entry_and_several_at_once(store: Store) -> None:
    at = 2**52
    clock = [at]
    store.now = lambda: clock[0]
    with store.write() as tx:
        first = tx.enter_release("b", "objects", bytes(32), 3, {"x": BitMap([1, 2]), "y": BitMap([3])})
        other = tx.enter("nothing")
    clock[0] += 5
    with store.write() as tx:
        second = tx.enter_release("b", "manifest", bytes(32), 3, {"x": BitMap([1])})
    with store.read() as snapshot:
        found = snapshot.release_at(first)
        assert found is not None
        assert (found.recipient, found.form, found.at, found.policy) == ("b", "objects", at, 3)
        assert snapshot.release_at(other) is snapshot.release_at(2**62) is None
        parts = snapshot.release_parts_of([first, other, second])
        assert parts == {each: snapshot.release_parts(each) for each in (first, second)}
        assert parts[first] == {"x": BitMap([1, 2]), "y": BitMap([3])}
        assert (snapshot.last_left("b"), snapshot.last_left("c")) == (at + 5, 0)
    with store.write() as tx:
        tx.add_again({first: (2, at + 9)})
    with store.read() as snapshot:
        assert snapshot.last_left("b") == at + 9


def test_objects_are_taken_in_along_with_another_act_or_not_at_all(store: Store) -> None:
    put(store, indicators(1), source="local")
    newer = made(ID, VERSIONS[1])
    with store.write() as tx:
        before = tx.last_entry
        (verdict,) = tx.take([newer], collection=ONE, source="local", default_tlp=2, now=NOW)
        assert verdict.outcome is Outcome.STORED
        tx.publish([(verdict.key, *A)], NOW, None)
        assert [copy.state for copy in tx.copies(ID)] == [State.PUBLISHED, State.RECEIVED]
    with store.read() as snapshot:
        copy, older = snapshot.copies(ID)
        assert (copy.body, copy.default_tlp, copy.shown, older.shown) == (newer.raw, 2, True, True)
        kinds = [entry.record for entry in snapshot.ledger_entries(before, 9)]
        assert [b'"receipt"' in (record or b"") for record in kinds] == [True, False]
    try:
        with store.write() as tx:
            tx.take([made(OTHER, VERSIONS[0])], collection=ONE, source="local", default_tlp=2, now=NOW)
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    with store.read() as snapshot:
        assert snapshot.copies(OTHER) == []


@pytest.mark.parametrize(
    ("bar", "count"), [(Bar(ID, EVERY, True), 2), (Bar(ID, EVERY, False), 1), (Bar(ID, "1", True), 0)]
)
def test_the_check_finds_what_is_published_and_barred(store_unchecked: Store, bar: Bar, count: int) -> None:
    store = store_unchecked
    some = [put(store, indicators(2), source=source)[0] for source in ("local", "feed-a")]
    with store.write() as tx:
        tx.publish([(verdict.key, *A) for verdict in some], NOW, None)
        tx.put_bars([bar], "r")
    assert store.check() == [f"{count} copies are published that were taken back"] * bool(count)


def test_what_was_decided_last_is_known_for_each_recipient(store: Store) -> None:
    with store.write() as tx:
        assert tx.decided("b") == (0, b"")
        tx.put_decided("b", 7, bytes(32))
        tx.put_decided("c", 8, b"\1" * 32)
        assert tx.decided("b") == (7, bytes(32))
        tx.put_decided("b", 9, b"\2" * 32)
    with store.read() as snapshot:
        assert [snapshot.decided(one) for one in "abc"] == [(0, b""), (9, b"\2" * 32), (8, b"\1" * 32)]
