"""The file under a SQLite store: its rights, its schema, and what happens when the disk does not play along."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.store_world import NOW, ONE, furnish, identifier, indicators, made, put

from comity.errors import AlreadyDone, Conflict, NotFound, OldSchema, StoreUnavailable
from comity.interfaces import Query
from comity.store import base
from comity.store.nouns import Job, Outcome
from comity.store.sqlite import SqliteStore, connection, migrate, open_store, schema, schema_version
from comity.store.steps import Step, packaged


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store is."""
    return tmp_path / "a store?.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    """A furnished store."""
    opened = open_store(path)
    furnish(opened)
    yield opened
    opened.close()


def _execute(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(sql)


def _execute_unchecked(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.execute(sql)


def test_a_new_store_and_all_its_files_are_its_owners_alone(store: SqliteStore, path: Path) -> None:
    put(store, indicators(3))
    modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in path.parent.iterdir()}
    assert modes == dict.fromkeys([path.name, f"{path.name}-wal", f"{path.name}-shm"], 0o600)
    path.chmod(0o644)
    assert store.check() == ["the file can be read by others (mode 0644)"]


def test_a_store_that_is_absent_is_made_only_when_asked(path: Path) -> None:
    with pytest.raises(NotFound) as refused:
        open_store(path, create=False)
    assert refused.value.hint == "comity init"
    with pytest.raises(NotFound):
        schema_version(path)
    path.touch()
    with pytest.raises(NotFound):
        open_store(path, create=False)
    open_store(path).close()
    assert schema_version(path) == packaged("sqlite")[-1].number
    with pytest.raises(NotFound):
        open_store(path.parent / "no" / "such" / "folder.db")


def test_too_old_a_sqlite_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "SQLITE_LEAST", (99, 1, 0))
    with pytest.raises(StoreUnavailable, match=r"99\.1\.0 is needed"):
        open_store(path)
    assert not path.exists()


@pytest.mark.parametrize(("version", "hint"), [(1, "comity migrate"), (99, "install the newer Comity")])
def test_another_schema_is_refused_and_left_alone(
    store: SqliteStore, path: Path, version: int, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.close()
    _execute(path, f"PRAGMA user_version = {version}")
    later = [*packaged("sqlite"), Step(50, "0050_later", "CREATE TABLE later (x);")]
    monkeypatch.setattr(schema, "packaged", lambda _: later)
    with pytest.raises(OldSchema) as refused:
        open_store(path)
    assert refused.value.hint == hint
    assert schema_version(path) == version


def test_migrating_takes_a_backup_first_and_then_each_step_once(store: SqliteStore, path: Path, tmp_path: Path) -> None:
    put(store, indicators(3))
    store.close()
    backup = tmp_path / "before.db"
    assert migrate(path, backup) == []
    assert not backup.exists()
    steps = [
        *packaged("sqlite"),
        Step(50, "0050_later", "-- Words; more words.\nCREATE TABLE later (\n  x\n);\nINSERT INTO later VALUES (1);"),
    ]
    assert migrate(path, backup, steps=steps) == ["0050_later"]
    assert schema_version(path) == 50
    assert schema_version(backup) == packaged("sqlite")[-1].number
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    with pytest.raises(AlreadyDone):
        migrate(path, backup, steps=[*steps, Step(51, "0051_again", "CREATE TABLE again (x);")])
    with pytest.raises(OldSchema):
        migrate(path, tmp_path / "other.db")
    kept = open_store(backup)
    with kept.read() as snapshot:
        assert len(snapshot.entries(Query(ONE)).items) == 3
    kept.close()


def test_a_migration_that_fails_changes_nothing(store: SqliteStore, path: Path, tmp_path: Path) -> None:
    store.close()
    broken = [*packaged("sqlite"), Step(50, "0050", "CREATE TABLE later (x);\nINSERT INTO nowhere VALUES (1);")]
    with pytest.raises(sqlite3.OperationalError):
        migrate(path, tmp_path / "before.db", steps=broken)
    assert schema_version(path) == packaged("sqlite")[-1].number
    open_store(path).close()


def test_what_is_no_store_is_refused_in_words(path: Path) -> None:
    _execute(path, "CREATE TABLE other (x)")
    with pytest.raises(Conflict):
        open_store(path)
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreUnavailable, match="no SQLite"):
        open_store(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(StoreUnavailable):
        open_store(path)


def test_a_backup_that_fails_leaves_no_file(store: SqliteStore, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    with closing(sqlite3.connect(":memory:")) as db:
        db.close()
        with pytest.raises(sqlite3.ProgrammingError):
            schema.copy_into(db, target)
    assert not target.exists()


@pytest.mark.slow
def test_a_full_disk_is_said_and_the_store_is_usable_afterwards(store: SqliteStore, path: Path) -> None:
    put(store, indicators(3))
    pages = path.stat().st_size // schema.PAGE_BYTES
    store._writers[0].execute(f"PRAGMA max_page_count = {pages + 5}")
    with pytest.raises(StoreUnavailable, match="full"):
        put(store, indicators(3000, 3))
    assert store.check(deep=True) == []
    assert len(put(store, indicators(3000, 3))) == 3000
    with store.read() as snapshot:
        assert len(list(snapshot.stream())) == 3003


def test_a_lock_that_is_held_elsewhere_is_waited_for_and_then_said(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BUSY_TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(base, "TURN_SECONDS", 0.05)
    store.close()
    impatient = open_store(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            put(impatient, indicators(1))
        other.execute("ROLLBACK")
    with impatient.write(), pytest.raises(StoreUnavailable, match="another writer"):
        put(impatient, indicators(1))
    assert [verdict.outcome for verdict in put(impatient, indicators(1))] == [Outcome.STORED]
    impatient.close()


def test_a_closed_store_says_so(store: SqliteStore, tmp_path: Path) -> None:
    store.close()
    for use in (
        lambda: store.read().__enter__(),
        lambda: store.write().__enter__(),
        lambda: store.backup(tmp_path / "copy.db"),
        store.check,
        lambda: put(store, indicators(1)),
        lambda: store.index_text(1),
    ):
        with pytest.raises(StoreUnavailable, match="closed"):
            use()


def test_a_store_closed_while_it_is_read_closes_the_readers_connection_too(store: SqliteStore, path: Path) -> None:
    with store.read():
        store.close()
    with pytest.raises(StoreUnavailable), store.read():
        pass
    assert not Path(f"{path}-wal").exists()


def test_a_damaged_file_is_said(store: SqliteStore, path: Path) -> None:
    put(store, indicators(2000))
    store.close()
    with path.open("r+b") as file:
        file.seek(schema.PAGE_BYTES)
        file.write(os.urandom(path.stat().st_size - 2 * schema.PAGE_BYTES))
    with pytest.raises(StoreUnavailable, match="damaged"):  # noqa: PT012
        damaged = open_store(path)
        try:
            with damaged.read() as snapshot:
                snapshot.page(Query())
        finally:
            damaged.close()


def test_errors_of_ours_are_not_blamed_on_the_disk(store: SqliteStore) -> None:
    with pytest.raises(sqlite3.OperationalError), store.read() as snapshot:
        snapshot.db.execute("SELECT * FROM nowhere")
    with pytest.raises(sqlite3.IntegrityError), store.write() as tx:
        tx.db.execute("INSERT INTO state SELECT * FROM state")
    with pytest.raises(StoreUnavailable, match="cannot be written"), store.read() as snapshot:
        snapshot.db.execute("DELETE FROM object")
    assert connection.trouble(KeyError()) is None


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


@pytest.mark.parametrize(
    "damage",
    ["lease = 'x'", "leased_until = 9", "again = 1", "again = 2", "lease = 'x', leased_until = 9, attempts = 0"],
)
def test_a_job_that_is_half_held_cannot_be_written(store: SqliteStore, path: Path, damage: str) -> None:
    with store.write() as tx:
        tx.enqueue(Job("poll", "a"))
    with pytest.raises(sqlite3.IntegrityError):
        _execute(path, f"UPDATE job SET {damage}")
    _execute_unchecked(path, f"UPDATE job SET {damage}")
    assert any("CHECK constraint failed" in line for line in store.check())
