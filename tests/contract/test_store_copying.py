"""A store moves whole between kinds: every row of every table, and readers cannot tell the difference."""

import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyroaring import BitMap
from tests.store_world import NOW, ONE, TWO, furnish, identifier, indicators, made, open_kind, put

from comity.errors import AlreadyDone, OldSchema, Unverified
from comity.interfaces import Query
from comity.node.logbook import change_key, sign
from comity.release.recall import Bar
from comity.store import copying
from comity.store.audit import Noted
from comity.store.base import TableStore
from comity.store.batches import Batch
from comity.store.deliveries import Delivered, Usage
from comity.store.drafts import Draft
from comity.store.holds import LegalHold
from comity.store.nouns import EVERY, Job, Status, TextQuery, Token
from comity.store.records import Record
from comity.store.saved import SavedSearch
from comity.store.sessions import Answered, Link, Session
from comity.store.sqlite import SqliteStore
from comity.store.steps import packaged

pytestmark = pytest.mark.slow

ID = identifier("malware", 1)
ADDRESS = identifier("ipv4-addr", 1)
SEED = b"\7seed" * 6 + b"xy"


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[list[TableStore]]:
    """Stores that are closed after the test."""
    stores: list[TableStore] = []
    yield stores
    for store in stores:
        store.close()


def _empty(kind: str, folder: Path, opened: list[TableStore]) -> TableStore:
    folder.mkdir()
    opened.append(open_kind(kind, folder))
    return opened[-1]


def _lived_in(store: TableStore) -> TableStore:
    """A store with something in every table, with history and with gaps."""
    with store.write() as tx:
        tx.begin_epoch("CERT-A/release")
    furnish(store)
    versions = [made(ID, f"202{year}-01-01T00:00:00Z", tlp=year, name="ü\\u0000") for year in range(3)]
    put(store, indicators(40))
    put(store, versions, source="local")
    put(store, [made(identifier("relationship", 1), source_ref=ID, target_ref=ADDRESS)])
    put(store, versions, collection=TWO, default_tlp=3)
    for number in range(3):
        put(store, [made(ADDRESS, value=f"192.0.2.{number}")])
    with store.write() as tx:
        tx.withdraw(ONE, ID, ["2022-01-01T00:00:00"], NOW)
        tx.withdraw(ONE, indicators(1)[0].id, None, NOW + 5)
        tx.put_token(Token("t", "reader", b"\1\0" * 16, "local", frozenset({ONE}), frozenset({EVERY}), NOW, NOW + 1))
        tx.put_status(Status("s", "t", NOW, b"{}" * 50))
        tx.put_setting("key", b"\0\xff")
        tx.add_failures({"192.0.2.0": 3}, NOW, 1)
        tx.enqueue(Job("poll", "a", b"\0", NOW))
        tx.put_record(Record("partner", "1", "CERT-B", b"\0", changed_at=NOW))
        form = (b"\1\0" * 16, b"{}")
        keys = [copy.key for number in range(30, 33) for copy in tx.copies(identifier("indicator", number))]
        tx.publish([(key, *form) for key in keys], NOW, NOW + 1)
        tx.unpublish(keys[:1])
        tx.put_openings("cert-b", ONE, {0: b"\0"})
        tx.put_bars([Bar(identifier("indicator", 99), "", True)], "recall")
        tx.add_delivered("cert-b", Delivered(1, 2, 3))
        tx.put_usage("cert-b", Usage(read_at=NOW))
        tx.put_decided("cert-b", 1, b"\0" * 32)
        tx.put_source(replace(tx.source("feed-b"), kind="own"))
        tx.put_batch(Batch("b", "mark", 4, "a", "anna", NOW, "why", "query"))
        tx.put_batch_items("b", [1])
        tx.mark_copies({5: 4}, NOW)
        tx.bar([b"\0" * 32])
        tx.put_hold(LegalHold("h", identifier("indicator", 31), "a case", "", NOW, NOW + 1))
        tx.note(Noted("t", "read", {"objects": 1}))
        tx.put_uses({"t": NOW})
        tx.put_session(Session("s", b"\1" * 32, "a", b"\2" * 32, NOW, NOW, NOW + 1, "192.0.2.1", "ü", None))
        tx.put_search(SavedSearch("s", "a", "ü", "q=x", NOW, NOW))
        tx.put_link(Link(b"\3" * 32, "a", b"\2" * 32, "", NOW + 1))
        tx.put_answered(Answered("a", "k", b"\4" * 32, NOW, 201, "/", b"{}"))
        assert tx.use_counter("a", 7)
        tx.put_draft(Draft("d", "a", ID, "malware", "", 1, NOW, NOW, b"{}"))
    with store.write() as tx:
        assert tx.purge(NOW + 1) == 1
        tx.unpublish(keys[1:2])
        tx.enter_release("cert-b", "objects", b"\0" * 32, 1, {"ours": BitMap([2])})
        change_key(tx, SEED, NOW)
    with store.write() as tx:
        assert sign(tx, NOW) is not None
    while store.index_text(10) or store.index_relations(10):
        pass
    return store


def _rows(store: TableStore) -> dict[str, list[Any]]:
    """Every row of every table, apart from how far full text is."""
    with store.read() as snapshot:
        found = {}
        for table, columns in snapshot.db.tables().items():
            kept = [name for name in columns if not name.startswith("text_")]
            rows = snapshot.db.execute(f"SELECT {', '.join(kept)} FROM {table}").fetchall()
            found[table] = sorted(map(tuple, rows), key=repr)
    return found


@pytest.mark.parametrize(("first", "second"), [("sqlite", "postgres"), ("postgres", "sqlite"), ("sqlite", "sqlite")])
def test_a_copy_has_every_row_of_every_table(
    store_kinds: None, tmp_path: Path, opened: list[TableStore], first: str, second: str
) -> None:
    source = _lived_in(_empty(first, tmp_path / "a", opened))
    target = _empty(second, tmp_path / "b", opened)
    copying.move(source, target)
    rows = _rows(source)
    assert all(rows.values()), "a table of which nothing was copied proves nothing"
    assert _rows(target) == rows
    assert target.check(deep=True) == []
    with target.read() as snapshot:
        assert snapshot.counts().text_behind > 0
    while target.index_text(100):
        pass
    with source.read() as one, target.read() as other:
        for query in (Query(), Query(ONE, versions=("all",)), Query(TWO, added_after=NOW), Query(ONE, ids=(ID,))):
            assert other.page(query) == one.page(query)
            assert other.entries(query) == one.entries(query)
        assert other.copies(ID) == one.copies(ID)
        assert other.search(TextQuery(("indicator",))) == one.search(TextQuery(("indicator",)))
    assert put(target, indicators(1, 100))[0].key == source_last_key(source) + 1


def source_last_key(store: TableStore) -> int:
    """The last key that was given."""
    with store.read() as snapshot:
        return snapshot.last_key


@pytest.mark.parametrize(("first", "second"), [("sqlite", "postgres"), ("postgres", "sqlite")])
def test_a_store_that_holds_anything_is_no_target(
    store_kinds: None, tmp_path: Path, opened: list[TableStore], first: str, second: str
) -> None:
    source = _lived_in(_empty(first, tmp_path / "a", opened))
    target = _empty(second, tmp_path / "b", opened)
    with target.write() as tx:
        tx.put_setting("x", b"")
    rows = _rows(target)
    with pytest.raises(AlreadyDone):
        copying.move(source, target)
    assert _rows(target) == rows


def test_a_copy_that_does_not_hold_leaves_the_target_empty(
    store_kinds: None, tmp_path: Path, opened: list[TableStore]
) -> None:
    source = _lived_in(_empty("sqlite", tmp_path / "a", opened))
    target = _empty("postgres", tmp_path / "b", opened)
    rows = _rows(target)
    with source.writing() as db:
        db.execute("UPDATE body SET body = ? WHERE key = 2", (indicators(2)[1].raw.replace(b"i", b"j"),))
    with pytest.raises(Unverified, match="1 bodies differ"):
        copying.move(source, target)
    assert _rows(target) == rows


def test_stores_with_different_tables_are_not_copied(
    store_kinds: None, tmp_path: Path, opened: list[TableStore]
) -> None:
    source = _lived_in(_empty("sqlite", tmp_path / "a", opened))
    target = _empty("postgres", tmp_path / "b", opened)
    with source.writing() as db:
        db.execute("ALTER TABLE status ADD COLUMN later INTEGER")
    with pytest.raises(OldSchema):
        copying.move(source, target)


@pytest.mark.parametrize(("first", "second"), [("sqlite", "postgres"), ("postgres", "sqlite")])
def test_copying_needs_no_more_memory_for_more_objects(
    store_kinds: None, tmp_path: Path, opened: list[TableStore], first: str, second: str
) -> None:
    def peak(count: int) -> int:
        source = furnish(_empty(first, tmp_path / f"a{count}", opened))
        put(source, indicators(count, text="x" * 4000))
        target = _empty(second, tmp_path / f"b{count}", opened)
        tracemalloc.start()
        with source.read() as snapshot, target.writing() as db:
            copying.copy_all(snapshot.db, db)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    few = peak(500)
    assert peak(5000) < 1.5 * few + 200_000


def test_both_kinds_have_the_same_steps() -> None:
    assert [step.name for step in packaged("sqlite")] == [step.name for step in packaged("postgres")]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_backup_has_every_row_and_no_private_half(
    store_kinds: None, tmp_path: Path, opened: list[TableStore], kind: str
) -> None:
    source = _lived_in(_empty(kind, tmp_path / "a", opened))
    source.backup(tmp_path / "copy.db")
    opened.append(SqliteStore(tmp_path / "copy.db"))
    kept, copied = _rows(source), _rows(opened[-1])
    (key,) = kept.pop("ledger_key")
    assert SEED in key
    assert copied.pop("ledger_key") == [tuple(None if each == SEED else each for each in key)]
    assert copied == kept
    opened[-1].close()
    assert all(SEED not in path.read_bytes() for path in tmp_path.glob("copy.db*"))
