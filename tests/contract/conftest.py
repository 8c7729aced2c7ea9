"""Stores of every kind, for the suites that each of them must pass."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.store_world import furnish, open_kind

from comity.store.interface import Store


@pytest.fixture(params=["sqlite", "postgres"])
def store_kind(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of an implementation."""
    yield request.param
    if request.param == "postgres":
        from tests.postgres import drop_databases

        drop_databases()


@pytest.fixture
def store(store_kind: str, tmp_path: Path) -> Iterator[Store]:
    """A store with two collections and three sources; it must hold its own laws when the test is over."""
    opened = furnish(open_kind(store_kind, tmp_path))
    yield opened
    assert opened.check() == []
    opened.close()
