"""A statement that takes too long is stopped where a reader says so, and the connection is good for the next one."""

import threading
import time
from typing import cast

import pytest
from tests.slow_statement import FOREVER, slow

from comity.errors import StoreUnavailable, TookTooLong
from comity.store.base import TableStore
from comity.store.interface import Store

LIMIT_MS = 50
WAITED_SECONDS_MOST = 10.0
SHORT = 400_000
"""More than the limit, and soon over."""

pytestmark = pytest.mark.slow


@pytest.fixture
def tables(store: Store) -> TableStore:
    return cast(TableStore, store)


def counted(store: TableStore, count: int, statement_ms: int) -> int:
    """What a slow statement says, in a read with that limit."""
    with store.read(statement_ms=statement_ms) as snapshot:
        return int(snapshot.db.execute(slow(count)).fetchone()[0])


def test_a_slow_statement_is_stopped_and_the_connection_goes_on(tables: TableStore) -> None:
    with tables.read() as snapshot:
        held = snapshot.db
    began = time.monotonic()
    with pytest.raises(TookTooLong) as stopped:
        counted(tables, FOREVER, LIMIT_MS)
    assert time.monotonic() - began < WAITED_SECONDS_MOST
    assert isinstance(stopped.value, StoreUnavailable)
    with tables.read() as snapshot:
        assert snapshot.db is held
        assert snapshot.collections()


def test_nothing_is_stopped_without_a_limit(tables: TableStore) -> None:
    with pytest.raises(TookTooLong):
        counted(tables, SHORT * 100, LIMIT_MS)
    # The same connection, whose limit has to be gone.
    assert counted(tables, SHORT, 0) == SHORT


def test_many_quick_statements_take_as_long_as_they_like(tables: TableStore) -> None:
    with tables.read(statement_ms=200) as snapshot:
        began = time.thread_time()
        while time.thread_time() - began < 0.4:
            assert snapshot.db.execute("SELECT 1").fetchone()[0] == 1


def test_what_is_made_for_all_is_not_hurried_and_the_rest_is_again(tables: TableStore) -> None:
    found: list[int] = []

    def made_for_all() -> None:
        with tables.read(statement_ms=LIMIT_MS) as snapshot:
            with snapshot.db.unhurried():
                found.append(snapshot.db.execute(slow(SHORT)).fetchone()[0])
            snapshot.db.execute(slow()).fetchone()

    with pytest.raises(TookTooLong):
        made_for_all()
    assert found == [SHORT]


def test_one_reader_is_stopped_and_another_is_not(tables: TableStore) -> None:
    found: list[int] = []
    other = threading.Thread(target=lambda: found.append(counted(tables, SHORT, 0)))
    other.start()
    with pytest.raises(TookTooLong):
        counted(tables, FOREVER, LIMIT_MS)
    other.join()
    assert found == [SHORT]
