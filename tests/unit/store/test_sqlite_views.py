"""Bitmaps that are caught up hold what bitmaps built anew hold, whoever wrote in between."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyroaring import BitMap
from tests.store_world import NOW, ONE, TWO, furnish, identifier, indicators, made, put

from comity.errors import TooLarge
from comity.interfaces import Query
from comity.store import views
from comity.store.interface import Source, TextQuery
from comity.store.snapshot import TableSnapshot
from comity.store.sqlite import SqliteStore, open_store
from comity.store.text import label_of, texts_of
from comity.store.views import Views, check_room


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[SqliteStore, SqliteStore]]:
    """Two that know nothing of each other but the file."""
    first = open_store(tmp_path / "store.db")
    furnish(first)
    second = open_store(tmp_path / "store.db")
    yield first, second
    first.close()
    second.close()


def _maps(made: Views) -> dict[tuple[str, int], BitMap]:
    return {place: bitmap for place, bitmap in made._maps.items() if bitmap}


def _anew(snapshot: TableSnapshot) -> dict[tuple[str, int], BitMap]:
    return _maps(Views.at(snapshot.db, snapshot.last_key, snapshot.last_change, None))


@pytest.mark.parametrize(("kept", "chunk"), [(100_000, 65_536), (1, 65_536), (100_000, 7)])
def test_bitmaps_caught_up_are_those_built_anew(
    stores: tuple[SqliteStore, SqliteStore], kept: int, chunk: int, monkeypatch: pytest.MonkeyPatch
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


def test_a_snapshot_that_is_older_than_the_bitmaps_makes_its_own(stores: tuple[SqliteStore, SqliteStore]) -> None:
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


def test_bitmaps_that_are_ahead_of_every_snapshot_are_never_used(stores: tuple[SqliteStore, SqliteStore]) -> None:
    # As after an older copy of the file was put in place of the store.
    writer, reader = stores
    put(writer, indicators(5))
    reader._views = Views(10**6, 10**6)
    with reader.read() as snapshot:
        assert len(snapshot.entries(Query(ONE)).items) == 5
    put(reader, indicators(5, 5))
    with reader.write() as tx:
        assert len(tx.entries(Query(ONE)).items) == 10


def test_many_questions_do_not_fill_the_memory(stores: tuple[SqliteStore, SqliteStore]) -> None:
    writer, _ = stores
    put(writer, indicators(2))
    with writer.read() as snapshot:
        for number in range(300):
            assert snapshot.page(Query(ONE, types=("indicator", f"x-{number}"))).count == 2
        assert len(snapshot.views()._cache) <= views._CACHED_MOST


def test_numbers_that_do_not_fit_into_a_facet_are_refused(stores: tuple[SqliteStore, SqliteStore]) -> None:
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


def test_texts_are_made_of_whatever_is_there() -> None:
    assert texts_of(b"no json") == texts_of(b"[1]") == texts_of(b"{}") == ("", "")
    assert label_of(b"no json") == label_of(b'{"name": 5}') == ""
    odd = b'{"id": 1, "name": ["a", 2], "hashes": {"MD5": 3}, "external_references": [1, {"external_id": 0}]}'
    assert texts_of(odd) == ("a", "a")
    assert texts_of(b'{"hashes": [], "external_references": {}}') == ("", "")
    assert len(texts_of(b'{"description": "%s"}' % (b"x" * 300_000))[1]) == 100_000
    assert label_of(b'{"value": "192.0.2.1"}') == "192.0.2.1"


def test_an_index_made_by_other_functions_is_made_anew(
    stores: tuple[SqliteStore, SqliteStore], monkeypatch: pytest.MonkeyPatch
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


def test_an_index_filled_by_two_processes_holds_each_text_once(stores: tuple[SqliteStore, SqliteStore]) -> None:
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
        assert snapshot.db.execute("SELECT json_group_array(id) FROM text_names_docsize").fetchone()[0] == "[1,2,3,4]"
        assert len(snapshot.search(TextQuery(("indicator",))).items) == 4


def test_purged_text_is_nowhere_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = open_store(path)
    furnish(store)
    secret = made(
        identifier("tool", 1), "2026-01-01T00:00:00Z", name="Kanarienvogelgesang", description="Geheimniskrämer"
    )
    put(store, [*indicators(50), secret, *indicators(50, 50)])
    while store.index_text(20):
        pass
    with store.write() as tx:
        tx.withdraw(ONE, secret.id, None, NOW)
    with store.write() as tx:
        assert tx.purge(NOW + 1) == 1
    assert store.index_text(10) == 1
    while store.index_text(10):
        pass
    assert store.check() == []
    store.close()
    raw = path.read_bytes().lower()
    assert b"kanarienvogelgesang" not in raw
    assert b"geheimniskr" not in raw
