"""Publications get another class: numbers, dates and holds stay, and every way of catching up hears of it."""

from dataclasses import replace

import pytest
from tests.contract.test_store_publications import A, B, classes, keys
from tests.store_world import NOW, identifier, indicators, put

from comity.errors import NotFound
from comity.interfaces import Query
from comity.store.base import TableStore
from comity.store.interface import Store
from comity.store.nouns import State, TextQuery
from comity.store.publications import PRIVATE, Publications


def test_a_class_is_another_and_nothing_else_is(store: Store) -> None:
    put(store, indicators(3))
    ids = [identifier("indicator", number) for number in range(3)]
    with store.write() as tx:
        numbers = tx.publish([(keys(store, id)[0], *A) for id in ids], NOW, NOW + 5)
    with store.read() as snapshot:
        before = snapshot.published(numbers)
    with store.write() as tx:
        assert tx.reclass({numbers[1]: B, 99: B}) == 1
        assert {form: set(tx.publications().of("class", key)) for key, form in tx.classes().items()} == {
            A[1]: {numbers[0], numbers[2]},
            B[1]: {numbers[1]},
        }
        assert tx.reclass({}) == 0
    assert classes(store) == {A[1]: {numbers[0], numbers[2]}, B[1]: {numbers[1]}}
    with store.read() as snapshot:
        after = snapshot.published(numbers)
        assert [(one.number, one.object, one.id) for one in after] == [(o.number, o.object, o.id) for o in before]
        assert snapshot.held(NOW)[0] == snapshot.publications().of("state", State.PUBLISHED)
        assert snapshot.last_published_before(NOW + 1) == numbers[-1]
        assert {one.default_tlp for one in after} == {before[0].default_tlp}
    assert store.check() == []


def test_what_only_its_sender_is_served_gets_no_class(store: Store) -> None:
    put(store, indicators(1))
    with store.write() as tx:
        (number,) = tx.publish([(keys(store, identifier("indicator", 0))[0], *PRIVATE)], NOW, None)
        assert tx.reclass({number: A}) == 0
    assert classes(store)[PRIVATE[1]] == {number}


def test_a_class_that_is_taken_back_is_as_it_was(store: Store) -> None:
    put(store, indicators(1))
    with store.write() as tx:
        (number,) = tx.publish([(keys(store, identifier("indicator", 0))[0], *A)], NOW, None)
    try:
        with store.write() as tx:
            tx.reclass({number: B})
            raise KeyError
    except KeyError:
        pass
    assert classes(store) == {A[1]: {number}}


def test_bitmaps_that_were_caught_up_are_those_that_are_made_anew(store: TableStore) -> None:
    put(store, indicators(20))
    with store.write() as tx:
        rows = [(keys(store, identifier("indicator", number))[0], *A) for number in range(20)]
        numbers = tx.publish(rows, NOW, None)
    with store.read() as snapshot:
        snapshot.publications()
    with store.write() as tx:
        tx.reclass(dict.fromkeys(numbers[::3], B))
    with store.read() as snapshot:
        found = snapshot.publications()
        fresh = Publications.at(snapshot.db, found.last_number, found.last_change, None)
        for name in ("class", "state", "source", "collection", "type"):
            assert set(found.every(name)) == set(fresh.every(name))
            for number in found.every(name):
                assert found.of(name, number) == fresh.of(name, number)


def test_what_a_source_marked_in_one_way_is_marked_in_another(store: Store) -> None:
    put(store, indicators(3), default_tlp=1)
    with store.read() as snapshot:
        before = [snapshot.copies(identifier("indicator", number))[0] for number in range(3)]
        last = snapshot.page(Query()).keys
        assert len(snapshot.search(TextQuery(tlp_least=1, tlp_most=1)).items) == 3
    old, new = 1, 2
    with store.write() as tx:
        assert tx.remark(before[0].source, new, old) == 0
        assert tx.remark(before[0].source, old, new) == 3
        with pytest.raises(NotFound):
            tx.remark("nobody", old, new)
    with store.read() as snapshot:
        after = [snapshot.copies(identifier("indicator", number))[0] for number in range(3)]
        assert after == [replace(copy, default_tlp=new) for copy in before]
        assert snapshot.page(Query()).keys == last
        assert len(snapshot.search(TextQuery(tlp_least=new, tlp_most=new)).items) == 3
        assert len(snapshot.search(TextQuery(tlp_least=old, tlp_most=old)).items) == 0
    assert store.check() == []
