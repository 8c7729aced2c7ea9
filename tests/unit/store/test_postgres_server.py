"""The server under a PostgreSQL store: what happens when it is not there, goes away, is slow or is set up badly."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.postgres import Server, binaries, empty_database
from tests.store_world import ONE, furnish, indicators, open_kind, put

from comity.errors import AlreadyDone, Conflict, Invalid, NotFound, OldSchema, StoreUnavailable
from comity.interfaces import Query
from comity.store import base
from comity.store.nouns import Outcome, State, TextQuery
from comity.store.postgres import PostgresStore, connection, migrate, open_store, schema, schema_version
from comity.store.steps import Step, packaged
from comity.store.transaction import TableTransaction

pytestmark = pytest.mark.slow

NEWEST = packaged("postgres")[-1].number


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that tests may stop."""
    bin = binaries()
    if bin is None:
        pytest.skip("PostgreSQL's server is not installed")
    server = Server(bin)
    yield server
    server.stop()


@pytest.fixture
def url(server: Server, request: pytest.FixtureRequest) -> str:
    """The address of an empty database."""
    name = f"d{abs(hash(request.node.name))}"
    _execute(server.url("postgres"), f"CREATE DATABASE {name}")
    return server.url(name)


@pytest.fixture
def store(url: str) -> Iterator[PostgresStore]:
    """A furnished store."""
    opened = furnish(open_store(url))
    yield opened
    opened.close()


def _execute(url: str, *statements: str) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as db:
        for statement in statements:
            answer = db.execute(statement)
        return answer.fetchall() if answer.description else []


def test_a_store_is_made_only_when_asked(url: str) -> None:
    with pytest.raises(NotFound) as refused:
        open_store(url, create=False)
    assert "comity init" in refused.value.hint
    assert schema_version(url) == 0
    with pytest.raises(NotFound):
        migrate(url, Path("never"))
    open_store(url).close()
    assert schema_version(url) == NEWEST


def test_a_database_of_another_program_is_refused(url: str) -> None:
    _execute(url, "CREATE TABLE other (x integer)")
    with pytest.raises(Conflict, match="another program"):
        open_store(url)
    assert _execute(url, "SELECT count(*) FROM pg_class WHERE relname = 'object'") == [(0,)]


def test_a_database_in_another_encoding_is_refused(server: Server) -> None:
    _execute(server.url("postgres"), "CREATE DATABASE ascii ENCODING SQL_ASCII TEMPLATE template0")
    with pytest.raises(Conflict, match="UTF8"):
        open_store(server.url("ascii"))


def test_too_old_a_server_is_said(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "SERVER_LEAST", 990000)
    with pytest.raises(StoreUnavailable, match="99 or later"):
        open_store(url)


def test_two_that_make_the_store_at_once_both_have_it(url: str) -> None:
    failures: list[BaseException] = []

    def make() -> None:
        try:
            open_store(url).close()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert schema_version(url) == NEWEST


@pytest.mark.parametrize(("version", "hint"), [(NEWEST, "comity migrate"), (99, "install the newer Comity")])
def test_another_schema_is_refused_and_left_alone(
    store: PostgresStore, url: str, version: int, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _execute(url, f"INSERT INTO comity_schema VALUES ({version})")
    later = [*packaged("postgres"), Step(50, "0050_later", "CREATE TABLE later (x integer)")]
    monkeypatch.setattr(schema, "packaged", lambda _: later)
    with pytest.raises(OldSchema) as refused:
        open_store(url)
    assert refused.value.hint == hint
    assert schema_version(url) == version


def test_migrating_takes_a_backup_first_and_then_each_step_once(store: PostgresStore, url: str, tmp_path: Path) -> None:
    put(store, indicators(3))
    backup = tmp_path / "store.db"
    assert migrate(url, backup) == []
    assert not backup.exists()
    steps = [
        *packaged("postgres"),
        Step(50, "0050_later", "CREATE TABLE later (x integer); INSERT INTO later VALUES (1);"),
    ]
    assert migrate(url, backup, steps=steps) == ["0050_later"]
    assert schema_version(url) == 50
    with pytest.raises(AlreadyDone):
        migrate(url, backup, steps=[*steps, Step(51, "0051_again", "CREATE TABLE again (x integer)")])
    with pytest.raises(OldSchema):
        migrate(url, tmp_path / "other.db")
    with closing(open_kind("sqlite", tmp_path)) as kept, kept.read() as snapshot:
        assert len(snapshot.entries(Query(ONE)).items) == 3


def test_a_migration_that_fails_changes_nothing(store: PostgresStore, url: str, tmp_path: Path) -> None:
    broken = [
        *packaged("postgres"),
        Step(50, "0050", "CREATE TABLE later (x integer); INSERT INTO nowhere VALUES (1)"),
    ]
    with pytest.raises(psycopg.errors.UndefinedTable):
        migrate(url, tmp_path / "before.db", steps=broken)
    assert schema_version(url) == NEWEST
    assert _execute(url, "SELECT to_regclass('later')::text") == [(None,)]


def test_without_the_extension_search_finds_the_same_and_migrating_lays_the_index_later(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(schema, "_TRIGRAMS", ("CREATE EXTENSION no_such_extension",))
        store = furnish(open_store(url))
    put(store, indicators(20))
    while store.index_text(100):
        pass

    def found() -> list[int]:
        with store.read() as snapshot:
            return [hit.key for hit in snapshot.search(TextQuery(("dicator 1",))).items]

    laid = "SELECT count(*) FROM pg_class WHERE relname = 'text_index_parts'"
    assert _execute(url, laid) == [(0,)]
    before = found()
    assert len(before) == 11
    assert migrate(url, tmp_path / "unused.db") == []
    assert _execute(url, laid) == [(1,)]
    assert found() == before
    store.close()


def test_a_server_that_is_not_there_is_said_without_the_password(tmp_path: Path) -> None:
    for address in (
        f"postgresql://role:s3cret@/x?host={tmp_path}",
        f"postgresql:///x?host={tmp_path}&user=role&password=s3cret",
        "postgresql://role:s3cret@127.0.0.1:1/x",
    ):
        with pytest.raises(StoreUnavailable) as refused:
            open_store(address)
        assert "cannot be reached" in refused.value.message
        assert "s3cret" not in refused.value.message + refused.value.hint


@pytest.mark.parametrize(
    "address",
    ["postgresql://role:s3cret%zz@h/x", "postgresql://role:s3cret@[h/x", "postgresql://h/x?nothing=s3cret"],
)
def test_an_address_that_cannot_be_read_is_not_repeated(address: str) -> None:
    with pytest.raises((Invalid, StoreUnavailable)) as refused:
        open_store(address)
    assert "s3cret" not in refused.value.message + refused.value.hint


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_after_the_server_was_gone_the_store_goes_on_by_itself(
    server: Server, store: PostgresStore, how: signal.Signals
) -> None:
    put(store, indicators(5))
    server.end(how)
    with pytest.raises(StoreUnavailable), store.read():
        pass
    with pytest.raises(StoreUnavailable):
        put(store, indicators(5, 5))
    server.start()
    with store.read() as snapshot:
        assert len(snapshot.entries(Query(ONE)).items) == 5
    assert [verdict.outcome for verdict in put(store, indicators(5, 5))] == [Outcome.STORED] * 5
    server.end(how)
    server.start()
    with store.read() as snapshot:
        assert len(snapshot.entries(Query(ONE)).items) == 10
    assert store.check(deep=True) == []


def test_a_server_that_goes_away_inside_a_transaction_leaves_nothing_half(server: Server, store: PostgresStore) -> None:
    def batches() -> Iterator[list[Any]]:
        yield indicators(100)
        server.end(signal.SIGQUIT)
        yield indicators(100, 100)

    with pytest.raises(StoreUnavailable):
        store.ingest(
            batches(),
            collection=ONE,
            source="local",
            default_tlp=None,
            state=State.RECEIVED,
            now=1,
            finish=lambda _, __: None,
        )
    server.start()
    with store.read() as snapshot:
        assert snapshot.counts().copies == 0
    assert len(put(store, indicators(100))) == 100


def test_a_lock_that_is_held_elsewhere_is_waited_for_and_then_said(
    store: PostgresStore, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.close()
    monkeypatch.setattr(connection, "LOCK_SECONDS", 1)
    impatient = open_store(url)
    with psycopg.connect(url) as other:
        other.execute("SELECT * FROM state FOR UPDATE")
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match="locked"):
            put(impatient, indicators(1))
        assert time.monotonic() - began < 5
        with impatient.read() as snapshot:
            assert snapshot.entries(Query(ONE)).items == ()
    assert [verdict.outcome for verdict in put(impatient, indicators(1))] == [Outcome.STORED]
    impatient.close()


def test_a_statement_that_takes_too_long_is_ended(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "STATEMENT_SECONDS", 1)
    with closing(open_store(url)) as store, pytest.raises(StoreUnavailable, match="too long"), store.read() as snapshot:
        snapshot.db.execute("SELECT pg_sleep(30)")


def test_writers_of_one_process_are_bounded_and_the_next_is_told(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "TURN_SECONDS", 0.05)
    for _ in range(store.writers_most):
        store._turns.acquire()
    with pytest.raises(StoreUnavailable, match="another writer"):
        put(store, indicators(1))
    store._turns.release(store.writers_most)
    assert len(put(store, indicators(1))) == 1


def test_commits_are_durable_whatever_the_database_says(store: PostgresStore, server: Server, url: str) -> None:
    database = _execute(url, "SELECT current_database()")[0][0]
    _execute(url, f"ALTER DATABASE {database} SET synchronous_commit = off")
    assert _execute(url, "SHOW synchronous_commit") == [("off",)]
    with closing(open_store(url)) as later, later.write() as tx:
        assert tx.db.execute("SHOW synchronous_commit").fetchone() == ("on",)
    assert store.cautions() == []


def test_a_server_that_does_not_sync_is_named() -> None:
    bin = binaries()
    if bin is None:
        pytest.skip("PostgreSQL's server is not installed")
    careless = Server(bin, "fsync=off")
    try:
        with closing(open_store(careless.url("postgres"))) as store:
            (caution,) = store.cautions()
            assert "fsync = off" in caution
    finally:
        careless.stop()


def test_errors_of_ours_are_not_blamed_on_the_server(store: PostgresStore) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable), store.read() as snapshot:
        snapshot.db.execute("SELECT * FROM nowhere")
    with pytest.raises(psycopg.errors.UniqueViolation), store.write() as tx:
        tx.db.execute("INSERT INTO state SELECT * FROM state")
    with pytest.raises(StoreUnavailable, match="cannot be written"), store.read() as snapshot:
        snapshot.db.execute("DELETE FROM object")
    assert connection.trouble(KeyError()) is None


def test_a_copy_that_is_there_already_is_never_dropped_in_silence(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, indicators(1))
    monkeypatch.setattr(TableTransaction, "live", lambda _, ids: {})
    with pytest.raises(psycopg.errors.UniqueViolation):
        put(store, indicators(1))
    monkeypatch.undo()
    assert store.check(deep=True) == []


def test_a_closed_store_says_so(store: PostgresStore, tmp_path: Path) -> None:
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


def test_no_connection_is_left_open(store: PostgresStore, url: str) -> None:
    put(store, indicators(1))
    with store.read(), store.read():
        pass
    store.close()
    left = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'comity' AND datname = current_database()"
    deadline = time.monotonic() + 5
    while _execute(url, left) != [(0,)]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_store_in_the_shared_server_can_be_made_from_nothing() -> None:
    with closing(furnish(open_store(empty_database("from_nothing")))) as store:
        assert len(put(store, indicators(70))) == 70
