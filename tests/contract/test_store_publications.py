"""What is published: numbers that nothing of own staff's moves, bitmaps that every way of catching up makes alike."""

import hashlib
import json
import random

import pytest
from tests.store_world import NOW, ONE, TWO, identifier, indicators, made, put

from comity.ledger.records import digest_text
from comity.store.base import TableStore
from comity.store.deliveries import Delivered, Usage
from comity.store.interface import Store
from comity.store.nouns import State
from comity.store.publications import Publications
from comity.store.records import Record

SECOND = 1_000_000
A, B = (b"A" * 32, b'{"class":"a"}'), (b"B" * 32, b'{"class":"b"}')


def classes(store: Store) -> dict[bytes, set[int]]:
    """The numbers that are published in each class."""
    with store.read() as snapshot:
        published = snapshot.publications()
        return {form: set(published.of("class", key)) for key, form in snapshot.classes().items()}


def keys(store: Store, id: str) -> list[int]:
    """The keys of the live copies of the id, the earliest first."""
    with store.read() as snapshot:
        return sorted(copy.key for copy in snapshot.copies(id) if copy.state.live)


def test_what_is_published_has_a_number_a_class_and_a_body(store: Store) -> None:
    put(store, indicators(3))
    ids = [identifier("indicator", number) for number in range(3)]
    with store.write() as tx:
        numbers = tx.publish([(keys(store, id)[0], *A) for id in ids[:2]], NOW, None)
        numbers += tx.publish([(keys(store, ids[2])[0], *B)], NOW, None)
    assert numbers == [1, 2, 3]
    assert classes(store) == {A[1]: {1, 2}, B[1]: {3}}
    with store.read() as snapshot:
        assert [each.id for each in snapshot.published([1, 2, 3, 4])] == ids
        assert snapshot.published_of([ids[1], "indicator--none", "a\0b"]) == [2]
        assert snapshot.published_bodies([1, 3]) == [copy.raw for copy in indicators(3)][::2]
        assert {copy.state for id in ids for copy in snapshot.copies(id)} == {State.PUBLISHED}
    assert store.check() == []


@pytest.mark.parametrize("missing", [0, 1, 130, 299])
def test_many_are_published_at_once_whether_their_keys_are_a_range_or_not(store: Store, missing: int) -> None:
    many = indicators(300)
    put(store, many)
    with store.read() as snapshot:
        every = sorted(copy.key for one in many for copy in snapshot.copies(one.id))
        digests = {copy.key: copy.digest for one in many for copy in snapshot.copies(one.id)}
    some = [key for at, key in enumerate(every) if not missing or at != missing]
    with store.write() as tx:
        assert tx.received(every) == set(every)
        assert tx.publish([(key, *(A if key % 3 else B)) for key in some], NOW, NOW + SECOND) == [
            *range(1, len(some) + 1)
        ]
        assert tx.received(every) == set(every) - set(some)
    assert classes(store) == {
        form: {number for number, key in enumerate(some, 1) if bool(key % 3) == (form == A[1])} for form in (A[1], B[1])
    }
    with store.read() as snapshot:
        record = json.loads(snapshot.ledger_entries(snapshot.last_entry - 1, 1)[0].record or b"")
        assert [one.object for one in snapshot.published(range(1, 301))] == some
    assert (record["objects"], record["digest"]) == (
        len(some),
        digest_text(hashlib.sha256(b"".join(digests[key] for key in some)).digest()),
    )
    assert store.check() == []


def test_a_number_is_never_used_again(store: Store) -> None:
    put(store, indicators(2))
    first, second = (keys(store, identifier("indicator", number))[0] for number in range(2))
    with store.write() as tx:
        tx.publish([(first, *A)], NOW, None)
        assert tx.unpublish([first, second]) == 1
        assert tx.publish([(first, *A), (second, *A)], NOW, None) == [2, 3]
    with store.write() as tx:
        assert tx.unpublish([second]) == 1
    assert classes(store) == {A[1]: {2}}
    with store.read() as snapshot:
        assert {copy.state for copy in snapshot.copies(identifier("indicator", 1))} == {State.RECEIVED}
    assert store.check() == []


def test_dates_rise_with_numbers_though_a_clock_goes_back(store: Store) -> None:
    put(store, indicators(3))
    for number, now in enumerate((NOW, NOW - SECOND, NOW + SECOND)):
        with store.write() as tx:
            tx.publish([(keys(store, identifier("indicator", number))[0], *A)], now, None)
    with store.read() as snapshot:
        assert [snapshot.last_published_before(NOW + at * SECOND) for at in (-2, 0, 1, 2)] == [0, 0, 2, 3]
    assert store.check() == []


def test_a_hold_ends_by_itself(store: Store) -> None:
    put(store, indicators(2))
    with store.write() as tx:
        tx.publish([(keys(store, identifier("indicator", 0))[0], *A)], NOW, NOW + 10 * SECOND)
        tx.publish([(keys(store, identifier("indicator", 1))[0], *A)], NOW, None)
    with store.read() as snapshot:
        held = [snapshot.held(NOW + at) for at in (0, 10 * SECOND - 1, 10 * SECOND)]
        assert [(set(numbers), end) for numbers, end in held] == [
            ({1}, NOW + 10 * SECOND),
            ({1}, NOW + 10 * SECOND),
            (set(), None),
        ]


def test_a_copy_that_goes_takes_its_publication_along_and_one_that_moves_keeps_it(store: Store) -> None:
    id = identifier("indicator", 1)
    version = "2026-01-01T00:00:00.000Z"
    put(store, [made(id, version, name="one")], source="local")
    put(store, [made(id, version, name="two")], source="feed-b")
    ours, other = keys(store, id)
    with store.write() as tx:
        assert tx.publish([(ours, *A), (other, *B)], NOW, None) == [1, 2]
        tx.unpublish([ours])
    with store.write() as tx:
        tx.publish([(ours, *A)], NOW, None)
        tx.withdraw(ONE, id, None, NOW)
    assert classes(store) == {A[1]: set(), B[1]: set()}
    assert store.check() == []


def test_a_newer_body_of_an_object_without_versions_is_published_anew_or_not_at_all(store: Store) -> None:
    id = identifier("ipv4-addr", 1)
    put(store, [made(id, value="198.51.100.1")])
    with store.write() as tx:
        tx.publish([(keys(store, id)[0], *A)], NOW, None)
    put(store, [made(id, value="198.51.100.1", defanged=True)])
    assert classes(store) == {A[1]: set()}
    assert store.check() == []


def test_those_that_share_an_id_in_a_collection_are_known(store: Store) -> None:
    id = identifier("indicator", 1)
    put(store, [made(id, "2026-01-01T00:00:00.000Z")])
    put(store, [made(id, "2026-01-02T00:00:00.000Z")])
    put(store, [made(id, "2026-01-01T00:00:00.000Z")], collection=TWO)
    old, new, elsewhere = keys(store, id)
    for key in (elsewhere, old):
        with store.write() as tx:
            tx.publish([(key, *A)], NOW, None)
    with store.read() as snapshot:
        assert set(snapshot.publications().of("shared", 1)) == set()
    with store.write() as tx:
        tx.publish([(new, *A)], NOW, None)
    with store.read() as snapshot:
        assert set(snapshot.publications().of("shared", 1)) == {2, 3}
    assert store.check() == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_however_bitmaps_are_caught_up_they_are_those_of_a_fresh_reader(store: TableStore, seed: int) -> None:
    chance = random.Random(seed)
    put(store, indicators(60))
    ids = [identifier("indicator", number) for number in range(60)]
    seen = 0
    for _ in range(40):
        with store.write() as tx:
            for _ in range(chance.randint(1, 4)):
                if chance.random() < 0.3:
                    tx.publications()
                copies = [copy for copy in tx.copies(chance.choice(ids)) if copy.state.live]
                verb = chance.choice(("publish", "publish", "unpublish", "withdraw"))
                if verb == "publish" and copies and copies[0].state is State.RECEIVED:
                    tx.publish([(copies[0].key, *chance.choice((A, B)))], NOW, None)
                elif verb == "unpublish" and copies:
                    tx.unpublish([copies[0].key])
                elif verb == "withdraw" and copies and chance.random() < 0.2:
                    tx.withdraw(ONE, copies[0].id, None, NOW)
        with store.read() as snapshot:
            caught_up = snapshot.publications()
            fresh = Publications.at(snapshot.db, snapshot.last_publication, snapshot.last_republication, None)
            for name in ("class", "collection", "source", "type", "shared", "state", "large"):
                assert {n: set(caught_up.of(name, n)) for n in caught_up.every(name)} == {
                    n: set(fresh.of(name, n)) for n in fresh.every(name)
                }
            seen += len(fresh.of("collection", 1))
    assert seen > 100
    assert store.check() == []


def test_what_was_opened_to_a_recipient_is_kept_by_place(store: Store) -> None:
    with store.write() as tx:
        tx.put_openings("cert-b", ONE, {0: b"zero", 1: b"one"})
        tx.put_openings("cert-b", ONE, {1: b"more"})
        tx.put_openings("cert-c", ONE, {0: b"other"})
    with store.read() as snapshot:
        assert snapshot.openings("cert-b", ONE) == [b"zero", b"more"]
        assert snapshot.openings("cert-b", TWO) == []


def test_openings_have_another_version_whenever_they_are_others(store: Store) -> None:
    def version() -> str:
        with store.read() as snapshot:
            assert snapshot.openings_version("cert-b", TWO) == ""
            return snapshot.openings_version("cert-b", ONE)

    assert version() == ""
    with store.write() as tx:
        one = tx.put_openings("cert-b", ONE, {0: b"zero"})
        assert tx.openings_version("cert-b", ONE) == one
        tx.put_openings("cert-c", ONE, {0: b"other"})
    assert version() == one
    tried = []

    def fail() -> None:
        with store.write() as tx:
            tried.append(tx.put_openings("cert-b", ONE, {1: b"one"}))
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    (two,) = tried
    assert two != one == version()
    with store.write() as tx:
        assert tx.put_openings("cert-b", ONE, {1: b"another"}) not in (one, two)
    with store.write() as tx:
        # The same bytes again are another state, since they may stand on others.
        tx.put_openings("cert-b", ONE, {1: b"one"})
    assert version() not in ("", one, two)


def test_what_left_adds_up_by_the_hour_and_use_is_what_was_put(store: Store) -> None:
    with store.write() as tx:
        for more in (Delivered(5, 1, 10), Delivered(7, 2, 20), Delivered(5, 3, 30)):
            tx.add_delivered("cert-b", more)
        tx.put_usage("cert-b", Usage(1, 2, 3))
        tx.put_usage("cert-b", Usage(4, 0, 3))
        assert tx.delivered("cert-b", 6) == [Delivered(7, 2, 20)]
    with store.read() as snapshot:
        assert snapshot.delivered("cert-b") == [Delivered(5, 4, 40), Delivered(7, 2, 20)]
        assert snapshot.delivered("cert-c") == []
        assert snapshot.usage("cert-b") == Usage(4, 0, 3)
        assert snapshot.usage("cert-c") == Usage()


def test_hours_are_kept_for_a_while_and_those_of_the_beginning_for_good(store: Store) -> None:
    for hour in (1000, 1001, 1335, 1336, 1400, 4000):
        with store.write() as tx:
            tx.add_delivered("b", Delivered(hour, 1, 2))
    with store.read() as snapshot:
        assert [row.hour for row in snapshot.delivered("b")] == [1000, 1001, 1335, 4000]
        assert snapshot.delivered("b", 4000) == [Delivered(4000, 1, 2)]


def test_relations_are_the_same_object_while_their_state_is_equal(store: Store) -> None:
    with store.read() as snapshot:
        before, relations = snapshot.relations_at(), snapshot.relations()
    with store.write() as tx:
        tx.put_setting("anything", b"else")
        assert tx.relations_at() == before
        assert tx.relations() is relations


def test_a_record_keeps_its_versions_and_the_newest_counts(store: Store) -> None:
    with store.write() as tx:
        assert tx.put_record(Record("partner", "1", "CERT-B", b"one", changed_at=NOW)).version == 1
        assert tx.put_record(Record("partner", "1", "CERT-B", b"two", changed_at=NOW)).version == 2
        tx.put_record(Record("partner", "0", "CERT-Z", b"zed", changed_at=NOW))
        tx.put_record(Record("group", "1", "eu", b"group", changed_at=NOW))
    with store.read() as snapshot:
        assert [(each.name, each.body) for each in snapshot.records("partner")] == [
            ("CERT-B", b"two"),
            ("CERT-Z", b"zed"),
        ]
        assert [each.body for each in snapshot.record_history("partner", "1")] == [b"two", b"one"]
        assert snapshot.record_history("partner", "9") == []
