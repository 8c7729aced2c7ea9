"""Stores of every kind, for the suites that each of them must pass."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.store_world import furnish, open_kind

from comity.store.base import TableStore
from comity.store.interface import Store


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs a server is slow, since each test has a database of its own."""
    for item in items:
        kind = getattr(item, "callspec", None)
        if kind is not None and kind.params.get("store_kind") == "postgres":
            item.add_marker(pytest.mark.slow)


@pytest.fixture(params=["sqlite", "postgres"])
def store_kind(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The name of an implementation."""
    yield request.param
    if request.param == "postgres":
        from tests.postgres import drop_databases

        drop_databases(tmp_path)


@pytest.fixture
def store_kinds(tmp_path: Path) -> Iterator[None]:
    """Stores of all kinds can be opened; the databases of the test are gone when it is over."""
    from tests.postgres import drop_databases

    yield
    drop_databases(tmp_path)


@pytest.fixture
def both_stores(store_kinds: None, tmp_path: Path) -> Iterator[list[TableStore]]:
    """A SQLite store and one in PostgreSQL, both new."""
    opened = [open_kind(kind, tmp_path) for kind in ("sqlite", "postgres")]
    yield opened
    for each in opened:
        each.close()


@pytest.fixture
def store_unchecked(store_kind: str, tmp_path: Path) -> Iterator[Store]:
    """A store with two collections and three sources, which a test may damage."""
    opened = furnish(open_kind(store_kind, tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def store(store_kind: str, tmp_path: Path) -> Iterator[Store]:
    """A store with two collections and three sources; it must hold its own laws when the test is over."""
    opened = furnish(open_kind(store_kind, tmp_path))
    yield opened
    assert opened.check() == []
    opened.close()
