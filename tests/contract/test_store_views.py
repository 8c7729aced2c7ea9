"""Bitmaps that are caught up hold what bitmaps built anew hold, whoever wrote in between."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyroaring import BitMap
from tests.store_world import NOW, ONE, TWO, furnish, identifier, indicators, made, open_kind, put

from comity.errors import TooLarge
from comity.interfaces import Query
from comity.store import views
from comity.store.base import TableStore
from comity.store.nouns import Source, TextQuery
from comity.store.snapshot import TableSnapshot
from comity.store.views import Views, check_room


@pytest.fixture
def stores(store_kind: str, tmp_path: Path) -> Iterator[tuple[TableStore, TableStore]]:
    """Two that know nothing of each other but where the store is."""
    first = open_kind(store_kind, tmp_path)
    furnish(first)
    second = open_kind(store_kind, tmp_path)
    yield first, second
    first.close()
    second.close()


def _maps(made: Views) -> dict[tuple[str, int], BitMap]:
    return {place: bitmap for place, bitmap in made._maps.items() if bitmap}


def _anew(snapshot: TableSnapshot) -> dict[tuple[str, int], BitMap]:
    return _maps(Views.at(snapshot.db, snapshot.last_key, snapshot.last_change, None))


@pytest.mark.parametrize(("kept", "chunk"), [(100_000, 65_536), (1, 65_536), (100_000, 7)])
def test_bitmaps_caught_up_are_those_built_anew(
    stores: tuple[TableStore, TableStore], kept: int, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("comity.store.transaction.CHANGES_KEPT", kept)
    monkeypatch.setattr(views, "CHANGES_KEPT", kept)
    monkeypatch.setattr(views, "CHUNK_ROWS", chunk)
    writer, reader = stores
    id = identifier("malware", 1)
    versions = [made(id, f"202{year}-01-01T00:00:00Z", tlp=year) for year in range(5)]
    addresses = [made(identifier("ipv4-addr", 1), value=f"192.0.2.{number}") for number in range(3)]

    def steps() -> Iterator[None]:
        put(writer, indicators(30, text="x" * 20_000))
        yield
        put(writer, versions)
        yield
        put(writer, versions, source="local", default_tlp=3)
        put(writer, versions, collection=TWO)
        yield
        for address in addresses:
            put(writer, [address])
        yield
        with writer.write() as tx:
            tx.withdraw(ONE, id, ["2024-01-01T00:00:00"], NOW)
            yield
            tx.withdraw(ONE, addresses[0].id, None, NOW)
        yield
        with writer.write() as tx:
            tx.put_source(Source("feed-a", kind="own"))
            tx.put_source(Source("local", kind="feed"))
        yield

    with reader.read() as first:
        assert _maps(first.views()) == _anew(first) == {}
    for _ in steps():
        with reader.read() as snapshot:
            assert _maps(snapshot.views()) == _anew(snapshot)


def test_a_snapshot_that_is_older_than_the_bitmaps_makes_its_own(stores: tuple[TableStore, TableStore]) -> None:
    writer, reader = stores
    put(writer, indicators(5))
    with reader.read() as early:
        put(writer, indicators(5, 5))
        with reader.read() as late:
            assert len(late.entries(Query(ONE)).items) == 10
        assert _maps(early.views()) == _anew(early)
        assert len(early.entries(Query(ONE)).items) == 5
    with reader.read() as snapshot:
        assert snapshot.views() is late.views()


def test_bitmaps_that_are_ahead_of_every_snapshot_are_never_used(stores: tuple[TableStore, TableStore]) -> None:
    # As after an older copy of the file was put in place of the store.
    writer, reader = stores
    put(writer, indicators(5))
    reader._views = Views(10**6, 10**6)
    with reader.read() as snapshot:
        assert len(snapshot.entries(Query(ONE)).items) == 5
    put(reader, indicators(5, 5))
    with reader.write() as tx:
        assert len(tx.entries(Query(ONE)).items) == 10


def test_many_questions_do_not_fill_the_memory(stores: tuple[TableStore, TableStore]) -> None:
    writer, _ = stores
    put(writer, indicators(2))
    with writer.read() as snapshot:
        for number in range(300):
            assert snapshot.page(Query(ONE, types=("indicator", f"x-{number}"))).count == 2
        assert len(snapshot.views()._cache) <= views._CACHED_MOST


def test_numbers_that_do_not_fit_into_a_facet_are_refused(stores: tuple[TableStore, TableStore]) -> None:
    check_room("types", views.TYPES_MOST, views.TYPES_MOST)
    with pytest.raises(TooLarge):
        check_room("types", views.TYPES_MOST + 1, views.TYPES_MOST)
    writer, _ = stores
    with writer.write() as tx:
        tx.db.execute("UPDATE source SET key = ? WHERE name = 'feed-b'", (views.SOURCES_MOST,))
        tx.db.execute("UPDATE collection SET key = ? WHERE id = ?", (views.COLLECTIONS_MOST, TWO))
        tx.db.execute("INSERT INTO type VALUES (?, 'tool')", (views.TYPES_MOST,))
        tx.admin_version += 1
    put(writer, [made(identifier("tool", 1), "2026-01-01T00:00:00Z", tlp=4)], source="feed-b", collection=TWO)
    with writer.read() as snapshot:
        assert snapshot.page(Query(TWO, types=("tool",), sources=("feed-b",))).count == 1
        assert len(snapshot.search(TextQuery(tlp_least=4, collection=TWO)).items) == 1
    with writer.write() as tx, pytest.raises(TooLarge):
        tx.put_source(Source("one more"))


def test_an_index_made_by_other_functions_is_made_anew(
    stores: tuple[TableStore, TableStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, _ = stores
    put(writer, indicators(3))
    while writer.index_text(10):
        pass
    monkeypatch.setattr("comity.store.text.TEXT_VERSION", 7)
    with writer.write() as tx:
        tx.withdraw(ONE, indicators(1)[0].id, None, NOW)
        tx.purge(NOW + 1)
    assert writer.index_text(2) > 0
    while writer.index_text(10):
        pass
    with writer.read() as snapshot:
        assert len(snapshot.search(TextQuery(("indicator",))).items) == 2


def test_an_index_filled_by_two_processes_holds_each_text_once(stores: tuple[TableStore, TableStore]) -> None:
    from comity.store import text

    writer, other = stores
    put(writer, indicators(6))
    with writer.read() as snapshot:
        slow = text.pending(snapshot.db, 4)
    other.index_text(3)
    with writer.write() as tx:
        text.put(tx.db, *slow)
    with writer.write() as tx:
        tx.withdraw(ONE, indicators(6)[5].id, None, NOW)
    with writer.read() as snapshot:
        slow = text.pending(snapshot.db, 4)
    with other.write() as tx:
        tx.withdraw(ONE, indicators(6)[4].id, None, NOW)
    with writer.write() as tx:
        text.put(tx.db, *slow)
    with writer.read() as snapshot:
        assert set(snapshot.db.text.matches("indicator", 1, 100)) == {1, 2, 3, 4}
        assert len(snapshot.search(TextQuery(("indicator",))).items) == 4
