"""The files of a store while they are made, copied and migrated, and each statement fails once."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from tests.faults.failing import SqliteBench, Way, bench_of
from tests.store_world import furnish, indicators, open_kind, put

from comity.errors import ComityError
from comity.store.interface import Store
from comity.store.sqlite import SqliteStore, migrate, open_store
from comity.store.steps import Step, packaged

LATER = [
    *packaged("sqlite"),
    Step(50, "0050_later", "CREATE TABLE later (x);\nINSERT INTO later SELECT key FROM object;\nDROP TABLE status;"),
    Step(51, "0051_last", "ALTER TABLE later ADD COLUMN y;\nCREATE INDEX later_x ON later (x);"),
]

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("way", list(Way), ids=lambda way: way.value)]


def prepare(store: Store) -> None:
    """Something to lose."""
    furnish(store)
    put(store, indicators(30))


def _make(folder: Path) -> None:
    open_kind("sqlite", folder).close()


def _fails(work: Callable[[], object], way: Way) -> bool:
    try:
        work()
    except ComityError:
        return True
    except MemoryError:
        assert way is Way.FOREIGN
        return True
    return False


def test_a_migration_that_fails_at_any_statement_is_not_begun(
    tmp_path: Path, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bench_of("sqlite", tmp_path, prepare, monkeypatch) as bench:
        assert isinstance(bench, SqliteBench)
        bench.reset()
        before = bench.dump()
        migrate(bench.path, tmp_path / "before.db", steps=LATER)
        after = bench.dump()
        nth, reached = 0, True
        while reached:
            nth += 1
            bench.reset()
            copy = tmp_path / f"before-{nth}.db"
            with bench.failing(nth, way) as plan:
                failed = _fails(partial(migrate, bench.path, copy, steps=LATER), way)
            reached = plan.reached
            assert failed == reached
            found = bench.dump()
            assert found in (before, after), f"at statement {nth} the store is between"
            if found == before:
                assert migrate(bench.path, tmp_path / f"again-{nth}.db", steps=LATER) == ["0050_later", "0051_last"]
                assert bench.dump() == after
            assert failed or found == after
            if copy.exists():
                with closing(open_store(copy, create=False)) as kept:
                    assert kept.check(deep=True) == []
    assert nth > 20


def test_a_store_that_is_made_while_statements_fail_is_made_the_next_time(
    tmp_path: Path, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    nth, reached = 0, True
    with bench_of("sqlite", tmp_path, prepare, monkeypatch) as bench:
        while reached:
            nth += 1
            folder = tmp_path / str(nth)
            folder.mkdir()
            with bench.failing(nth, way) as plan:
                failed = _fails(partial(_make, folder), way)
            reached = plan.reached
            assert failed == reached
            with closing(furnish(open_kind("sqlite", folder))) as store:
                put(store, indicators(3))
                assert store.check(deep=True) == []
    assert nth > 20


def test_a_backup_that_fails_leaves_no_file(tmp_path: Path, way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    nth, reached = 0, True
    with bench_of("sqlite", tmp_path, prepare, monkeypatch) as bench:
        bench.reset()
        with closing(bench.open()) as store:
            while reached:
                nth += 1
                target = tmp_path / f"backup-{nth}.db"
                with bench.failing(nth, way) as plan:
                    failed = _fails(partial(store.backup, target), way)
                reached = plan.reached
                assert failed == reached
                assert target.exists() != failed
    assert nth > 3
    with closing(SqliteStore(target)) as kept:
        assert kept.check(deep=True) == []
    with closing(sqlite3.connect(target)) as db:
        assert db.execute("SELECT count(*) FROM object").fetchone() == (30,)
