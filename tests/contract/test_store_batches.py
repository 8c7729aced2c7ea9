"""Many copies that are withdrawn or marked at once, and given back: what readers had before, they have again."""

import json
import random
from collections.abc import Sequence
from typing import Any

import pytest
from pyroaring import BitMap
from tests.contract.test_store_publications import A, B
from tests.store_world import NOW, ONE, TWO, identifier, made, put

from comity.interfaces import Query
from comity.release.recall import EVERY, Bar
from comity.store.batches import DONE, WAITING, Batch, Item, Tally, Was
from comity.store.interface import Snapshot, Store
from comity.store.nouns import State, TextQuery, level_of
from comity.store.publications import PRIVATE

ID = identifier("indicator", 1)
BATCH = Batch("b", "mark", 4, "anna", "Anna", NOW, "why", "query")


def live_in(snapshot: Snapshot) -> list[int]:
    """The keys of all live copies."""
    return [key for key, _, _, _, lives in list(snapshot.every_copy()) if lives]


def live(store: Store) -> list[int]:
    """The same of the store as it is now."""
    with store.read() as snapshot:
        return live_in(snapshot)


def readings(snapshot: Snapshot) -> Any:
    """What every reader has: for each collection and reading the bodies, in no order, since what comes back is the
    newest; the levels of what lives; and what is published under which number, as of when and of which class."""
    pages = {
        (collection, versions): sorted(
            map(str, json.loads(b"[%b]" % snapshot.page(Query(collection, versions=(versions,))).body))
        )
        for collection in (None, ONE, TWO)
        for versions in ("first", "last", "all")
    }
    facts = snapshot.facts_of(live_in(snapshot))
    levels = sorted(repr((one.id, one.source, one.collection, one.state, one.tlp, one.mark)) for one in facts)
    published = snapshot.publications()
    numbers = {key: list(published.of("class", key)) for key in snapshot.classes()}
    rows = [(one.number, one.id, one.version, one.source, one.class_key) for one in snapshot.published(range(1, 99))]
    held = snapshot.held(NOW)
    return pages, levels, numbers, rows, list(held[0]), sorted(snapshot.published_when(range(1, 9999)).values())


def world(store: Store, chance: random.Random) -> None:
    """Some copies of few objects, with versions and without, of several sources, some of them published."""
    for number in range(40):
        kind = chance.choice(("indicator", "ipv4-addr"))
        version = None if kind == "ipv4-addr" else f"202{chance.randrange(3)}-01-01T00:00:00Z"
        one = made(identifier(kind, chance.randrange(5)), version, value=str(number), tlp=chance.choice((None, 1, 3)))
        source = chance.choice(("local", "feed-a", "feed-b"))
        put(store, [one], collection=chance.choice((ONE, TWO)), source=source, now=NOW + number, default_tlp=2)
        if number % 7 == 6:
            with store.write() as tx:
                keys = [one.key for one in tx.facts_of(live_in(tx)) if not one.number]
                some = [(key, *chance.choice((A, B, PRIVATE))) for key in chance.sample(keys, len(keys) // 2)]
                tx.publish(some, NOW + number, chance.choice((None, NOW + 99)))


@pytest.mark.parametrize("seed", range(4))
def test_what_is_withdrawn_and_given_back_is_what_it_was(store: Store, seed: int) -> None:
    chance = random.Random(seed)
    world(store, chance)
    while store.index_text(7) or store.index_relations(9):
        pass
    keys = live(store)
    going = chance.sample(keys, chance.randrange(1, len(keys)))
    with store.read() as snapshot:
        before = readings(snapshot)
        was = snapshot.was(going)
        history = sorted(
            copy.state
            for one in ("indicator", "ipv4-addr")
            for n in range(5)
            for copy in snapshot.copies(identifier(one, n))
        )
    with store.write() as tx:
        assert tx.withdraw_copies(going, NOW + 100) == len(going)
        assert tx.withdraw_copies(going, NOW + 101) == 0
    with store.read() as snapshot:
        assert not BitMap(snapshot.live_keys(snapshot.ids_of(going))) & BitMap(going)
        assert readings(snapshot) != before
    assert store.check() == []
    back = chance.sample(going, len(going))
    with store.write() as tx:
        for start in range(0, len(back), 5):
            assert tx.restore_copies({key: was[key] for key in back[start : start + 5]}, NOW + 102) == {}
    with store.read() as snapshot:
        assert readings(snapshot) == before
        assert history == sorted(
            copy.state
            for one in ("indicator", "ipv4-addr")
            for n in range(5)
            for copy in snapshot.copies(identifier(one, n))
        )
        # No key is used again: what lives again is found as what came now.
        assert not BitMap(live(store)) & BitMap(going)
        assert snapshot.relations().unread >= BitMap([was[key].number for key in going if was[key].number])
    while store.index_text(7) or store.index_relations(9):
        pass
    with store.read() as snapshot:
        assert {hit.id for hit in snapshot.search(TextQuery(limit=99)).items} == set(snapshot.ids_of(live(store)))
    assert store.check() == []


def one_published(store: Store, *, until: int | None = None) -> tuple[int, Was]:
    """The key of a copy that is published, and what it is."""
    (verdict,) = put(store, [made(ID, "2026-01-01T00:00:00Z")])
    with store.write() as tx:
        tx.publish([(verdict.key, *A)], NOW, until)
        return verdict.key, tx.was([verdict.key])[verdict.key]


def withdrawn(store: Store) -> tuple[int, Was]:
    """The same of one that was withdrawn."""
    key, was = one_published(store)
    with store.write() as tx:
        tx.withdraw_copies([key], NOW + 1)
    return key, was


def restored(store: Store, key: int, was: Was) -> dict[int, str]:
    """Why it did not come back as it was."""
    with store.write() as tx:
        return tx.restore_copies({key: was}, NOW + 5)


def test_what_came_again_meanwhile_is_left_alone(store: Store) -> None:
    key, was = withdrawn(store)
    put(store, [made(ID, "2026-01-01T00:00:00Z", name="newer")], now=NOW + 2)
    keys = live(store)
    assert restored(store, key, was) == {key: "again"}
    assert live(store) == keys


def test_what_was_destroyed_or_lives_does_not_come_back(store: Store) -> None:
    key, was = withdrawn(store)
    with store.write() as tx:
        assert tx.purge(NOW + 2) == 1
    assert restored(store, key, was) == {key: "destroyed"}
    (other,) = put(store, [made(identifier("malware", 1), "2026-01-01T00:00:00Z")])
    assert restored(store, other.key, Was(State.RECEIVED, None)) == {other.key: "changed"}
    assert restored(store, 9999, was) == {9999: "changed"}


def test_what_was_taken_back_from_partners_meanwhile_is_not_published_again(store: Store) -> None:
    key, was = withdrawn(store)
    with store.write() as tx:
        tx.put_bars([Bar(ID, EVERY, True)], "r")
    assert restored(store, key, was) == {key: "recalled"}
    with store.read() as snapshot:
        assert [copy.state for copy in snapshot.copies(ID)] == [State.RECEIVED]
        assert snapshot.published_of([ID]) == []


def test_a_number_comes_back_to_the_same_copy_with_its_hold(store: Store) -> None:
    key, was = one_published(store, until=NOW + 50)
    with store.write() as tx:
        tx.withdraw_copies([key], NOW + 1)
        assert [one.number for one in tx.former([was.number])] == [was.number]
    assert restored(store, key, was) == {}
    with store.read() as snapshot:
        assert snapshot.published_of([ID]) == [was.number]
        assert snapshot.held(NOW + 2) == (BitMap([was.number]), NOW + 50)
        assert snapshot.former([was.number]) == []
        assert [one.id for one in snapshot.stood_for([was.number])] == [ID]


def test_dates_of_publications_rise_though_the_clock_went_back(store: Store) -> None:
    key, was = withdrawn(store)
    (other,) = put(store, [made(identifier("malware", 1), "2026-01-01T00:00:00Z")])
    with store.write() as tx:
        tx.publish([(other.key, *A)], NOW - 500, None)
    assert restored(store, key, was) == {}
    assert store.check() == []


def test_a_mark_is_kept_beside_the_copy_and_found_by_its_level(store: Store) -> None:
    own, bare = put(store, [made(ID, "2026-01-01T00:00:00Z", tlp=2), made(identifier("malware", 1))], default_tlp=1)
    for mark in (None, 0, 1, 2, 3, 4):
        with store.write() as tx:
            assert tx.mark_copies({own.key: mark, bare.key: mark, 999: mark}, NOW) == 2
        with store.read() as snapshot:
            for key, tlp, default in ((own.key, 2, None), (bare.key, None, 1)):
                level = level_of(tlp, default, mark)
                assert level == (max(tlp, -1 if mark is None else mark) if tlp else 1 if mark is None else mark)
                assert key in snapshot.of_level(level or 0)
                hits = {hit.key: hit for hit in snapshot.hits([key])}
                assert (hits[key].level, hits[key].mark) == (level, mark)
            (copy,) = snapshot.copies(ID)
            assert (copy.tlp, copy.default_tlp, copy.mark) == (2, None, mark)


def items(store: Store) -> Sequence[Item]:
    """All items of the batch."""
    with store.read() as snapshot:
        return snapshot.batch_items("b", (WAITING, DONE), 99)


def test_a_batch_follows_its_copies_and_is_forgotten_whole(store: Store) -> None:
    newest, older = put(store, [made(ID, f"202{year}-01-01T00:00:00Z") for year in (6, 5)])
    with store.write() as tx:
        tx.put_batch(BATCH)
        tx.put_batch_items("b", [older.key, newest.key])
        assert tx.batch_keys("b") == [older.key, newest.key]
        was = Was(1, None)
        tx.settle_batch_items("b", [Item(1, newest.key, DONE, "x", was)])
        # What comes up because another went has another key.
        tx.withdraw(ONE, ID, ["2026-01-01T00:00:00"], NOW + 1)
    (moved,) = live(store)
    assert moved != older.key
    assert items(store) == [Item(0, moved), Item(1, newest.key, DONE, "x", was)]
    with store.read() as snapshot:
        assert snapshot.batch("b") == BATCH
        assert snapshot.batches(9) == snapshot.batches(9, "anna") == [BATCH]
        assert snapshot.batches(9, "bert") == []
        assert snapshot.batch_tally("b") == [Tally(DONE, "x", 1), Tally(WAITING, "", 1)]
        assert snapshot.batch_items("b", (DONE,), 9, "y") == []
    with store.write() as tx:
        assert tx.forget_batches(NOW) == 0
        assert tx.forget_batches(NOW + 1) == 1
        assert tx.batch("b") is None
    assert items(store) == []
