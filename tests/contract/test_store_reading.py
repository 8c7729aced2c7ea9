"""What every store answers to readers."""

import threading
import tracemalloc
from collections.abc import Sequence

import pytest
from tests.store_world import NOW, ONE, TWO, identifier, indicators, made, put

from comity.errors import NotFound
from comity.interfaces import Query
from comity.store.interface import Store
from comity.store.nouns import Copy, Entry, State


def _entries(store: Store, query: Query) -> Sequence[Entry]:
    with store.read() as snapshot:
        return snapshot.entries(query).items


def _all_pages(store: Store, query: Query) -> list[bytes]:
    """The bodies of all pages, got by `after`."""
    after, pages = 0, []
    while True:
        with store.read() as snapshot:
            page = snapshot.page(
                Query(query.collection, types=query.types, versions=query.versions, after=after, limit=query.limit)
            )
        if page.count:
            pages.append(page.body)
        if not page.more:
            return pages
        after = page.last_key


@pytest.mark.parametrize("limit", [1, 7, 100, 1000])
def test_pages_are_the_bodies_as_sent_in_order_of_adding_whatever_their_size(store: Store, limit: int) -> None:
    # Other types in between make the keys of a page lie apart; umlauts and escapes must pass through the join unharmed.
    sent = [
        made(identifier("tool" if number % 3 else "malware", number), "2026-01-01T00:00:00Z", name=f"ü \\ {number}")
        for number in range(150)
    ]
    put(store, sent)
    assert b",".join(_all_pages(store, Query(ONE, limit=limit))) == b",".join(each.raw for each in sent)
    tools = b",".join(each.raw for each in sent if each.type == "tool")
    assert b",".join(_all_pages(store, Query(ONE, types=("tool",), limit=limit))) == tools


def test_added_after_is_strictly_greater_at_microseconds(store: Store) -> None:
    put(store, indicators(3), now=NOW)
    put(store, indicators(2, 3), now=NOW + 100)
    dates = [NOW, NOW + 1, NOW + 2, NOW + 100, NOW + 101]
    for asked in (0, *(date + step for date in dates for step in (-1, 0, 1)), NOW + 10**9):
        found = [entry.added for entry in _entries(store, Query(ONE, added_after=asked))]
        assert found == [date for date in dates if date > asked]
        with store.read() as snapshot:
            page = snapshot.page(Query(ONE, added_after=asked, limit=1))
        assert page.first_added == (found[0] if found else None)
        assert page.more == (len(found) > 1)


def test_dates_rise_strictly_within_a_collection_even_when_the_clock_goes_back(store: Store) -> None:
    put(store, indicators(3), now=NOW)
    put(store, indicators(2, 3), now=NOW - 10**9)
    put(store, indicators(1, 5), collection=TWO, now=NOW - 10**9)
    assert [entry.added - NOW for entry in _entries(store, Query(ONE))] == [0, 1, 2, 3, 4]
    assert [entry.added - NOW for entry in _entries(store, Query(TWO))] == [-(10**9)]


def test_a_page_is_bounded_in_bytes_and_holds_one_object_at_least(store: Store) -> None:
    large = [made(identifier("malware", number), "2026-01-01T00:00:00Z", text="x" * 100_000) for number in range(4)]
    small = indicators(3)
    put(store, [*large, *small])
    with store.read() as snapshot:
        one = snapshot.page(Query(ONE), bytes_max=1)
        two = snapshot.page(Query(ONE), bytes_max=250_000)
        rest = snapshot.page(Query(ONE, after=two.last_key), bytes_max=250_000)
        whole = snapshot.page(Query(ONE))
        unknown = snapshot.page(Query(ONE, limit=3, after=large_key(snapshot.copies(large[3].id))))
    assert (one.count, one.more) == (1, True)
    assert (two.count, two.more) == (2, True)
    assert two.body == large[0].raw + b"," + large[1].raw
    assert (rest.count, rest.more) == (5, False)
    assert (whole.count, whole.more) == (7, False)
    assert (unknown.count, unknown.more) == (3, False)


def large_key(copies: list[Copy]) -> int:
    """The key of the only copy."""
    return copies[0].key


def test_first_and_last_go_by_instant_and_not_by_text_or_arrival(store: Store) -> None:
    id = identifier("malware", 1)
    for text in ("2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00.25Z", "2026-01-01T00:00:00Z"):
        put(store, [made(id, text)])
    assert [entry.version for entry in _entries(store, Query(ONE))] == ["2026-01-01T00:00:00.5Z"]
    assert [entry.version for entry in _entries(store, Query(ONE, versions=("first",)))] == ["2026-01-01T00:00:00Z"]
    assert len(_entries(store, Query(ONE, versions=("all",)))) == 3
    wanted = ("2026-01-01T00:00:00.25", "first")
    assert [entry.version for entry in _entries(store, Query(ONE, versions=wanted))] == [
        "2026-01-01T00:00:00.25Z",
        "2026-01-01T00:00:00Z",
    ]
    assert [e.version for e in _entries(store, Query(ONE, ids=(id,), versions=("2026-01-01T00:00:00.5",)))] == [
        "2026-01-01T00:00:00.5Z"
    ]


def test_a_reader_gets_our_own_copy_else_the_earliest_and_each_version_once(store: Store) -> None:
    id = identifier("malware", 1)
    mine, theirs, others = (made(id, "2026-01-01T00:00:00Z", name=name) for name in ("mine", "theirs", "others"))
    put(store, [theirs], source="feed-a")
    put(store, [others], source="feed-b")
    with store.read() as snapshot:
        assert snapshot.page(Query(ONE, versions=("all",))).body == theirs.raw
        assert snapshot.page(Query(ONE, sources=("feed-b",))).body == b""
    put(store, [mine], source="local")
    with store.read() as snapshot:
        assert snapshot.page(Query(ONE, versions=("all",))).body == mine.raw
        assert [(copy.source, copy.shown) for copy in snapshot.copies(id)] == [
            ("feed-a", False),
            ("feed-b", False),
            ("local", True),
        ]


def test_over_all_collections_each_version_comes_once_and_the_newest_is_judged_over_all(store: Store) -> None:
    id = identifier("malware", 1)
    old, new = made(id, "2025-01-01T00:00:00Z"), made(id, "2026-01-01T00:00:00Z")
    put(store, [old], collection=ONE)
    put(store, [old, new], collection=TWO)
    with store.read() as snapshot:
        assert snapshot.page(Query()).body == new.raw
        assert snapshot.page(Query(versions=("all",))).body == old.raw + b"," + new.raw
        assert snapshot.page(Query(ONE)).body == old.raw
        assert list(snapshot.stream()) == [old.raw, new.raw]
        assert list(snapshot.stream(ONE)) == [old.raw]


def test_over_all_collections_added_after_counts_each_collections_own_dates(store: Store) -> None:
    put(store, indicators(2), collection=ONE, now=NOW + 50)
    put(store, indicators(2, 2), collection=TWO, now=NOW)
    assert [entry.added - NOW for entry in _entries(store, Query(added_after=NOW))] == [50, 51, 1]


def test_drafts_are_in_no_page_and_in_no_stream(store: Store) -> None:
    put(store, indicators(1), state=State.DRAFT)
    with store.read() as snapshot:
        assert snapshot.page(Query(ONE, versions=("all",))).count == 0
        assert list(snapshot.stream()) == []
        assert [copy.state for copy in snapshot.copies(indicators(1)[0].id)] == [State.DRAFT]


def test_an_unknown_collection_is_not_found_and_unknown_filters_find_nothing(store: Store) -> None:
    put(store, indicators(1))
    with store.read() as snapshot:
        with pytest.raises(NotFound):
            snapshot.page(Query("none"))
        with pytest.raises(NotFound):
            snapshot.copies("x--1", "none")
        assert snapshot.page(Query(ONE, types=("no-such-type",))).count == 0
        assert snapshot.page(Query(ONE, sources=("nobody",))).count == 0
        assert snapshot.page(Query(ONE, spec_versions=("2.0",))).count == 0
        assert snapshot.page(Query(ONE, ids=("x--1", "'; DROP TABLE object; --"))).count == 0
        assert snapshot.page(Query(ONE, after=2**40)).count == 0
        assert snapshot.page(Query(ONE, ids=("\ud800",), versions=("\ud800",))).count == 0
        assert snapshot.page(Query(ONE, versions=("\ud800",))).count == 0
        assert snapshot.copies("\ud800") == []
        assert snapshot.status("\ud800") is None


def test_a_snapshot_stays_as_it_was_while_others_write(store: Store) -> None:
    put(store, indicators(5))
    with store.read() as early:
        put(store, indicators(5, 5))
        with store.read() as late:
            assert len(late.entries(Query(ONE)).items) == 10
        assert len(early.entries(Query(ONE)).items) == 5
        assert len(list(early.stream())) == 5


def test_a_snapshot_cannot_be_used_after_its_block(store: Store) -> None:
    with store.read() as snapshot:
        stream = snapshot.stream()
    with pytest.raises(RuntimeError):
        snapshot.page(Query())
    with pytest.raises(RuntimeError):
        next(stream)


def test_a_reader_whose_block_fails_leaves_the_store_as_usable_as_before(store: Store) -> None:
    for _ in range(20):
        with pytest.raises(NotFound), store.read() as snapshot:
            snapshot.entries(Query("none"))
    put(store, indicators(1))
    assert len(_entries(store, Query(ONE))) == 1


@pytest.mark.slow
def test_many_threads_read_and_write_and_each_sees_whole_transactions(store: Store) -> None:
    failures: list[object] = []
    writing = threading.Event()
    writing.set()

    def read() -> None:
        try:
            while writing.is_set():
                with store.read() as snapshot:
                    entries = snapshot.entries(Query(ONE)).items
                    page = snapshot.page(Query(ONE))
                    if len(entries) % 10 or page.count != len(entries):
                        failures.append(len(entries))
        except Exception as error:
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for start in range(0, 300, 10):
        put(store, indicators(10, start), batch=3)
    writing.clear()
    for reader in readers:
        reader.join()
    assert failures == []
    assert len(_entries(store, Query(ONE))) == 300


@pytest.mark.slow
def test_the_stream_needs_no_more_memory_for_more_objects(store: Store) -> None:
    def peak() -> int:
        with store.read() as snapshot:
            snapshot.entries(Query(limit=1))
            tracemalloc.start()
            for _ in snapshot.stream():
                pass
            most = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return most

    put(store, indicators(1000, text="x" * 2000))
    few = peak()
    put(store, indicators(9000, 1000, text="x" * 2000))
    assert peak() < 1.5 * few


def test_counts_are_of_what_readers_get(store: Store) -> None:
    put(store, indicators(3))
    put(store, [made(identifier("malware", 1), f"202{year}-01-01T00:00:00Z") for year in range(3)], collection=TWO)
    put(store, indicators(1), source="feed-b")
    with store.read() as snapshot:
        counts = snapshot.counts()
    assert (counts.objects, counts.copies) == (4, 7)
    assert counts.types == {"indicator": 3, "malware": 1}
    assert counts.collections == {ONE: 3, TWO: 3}
    assert counts.last_added == NOW + 3
    assert counts.bytes_on_disk > 0
