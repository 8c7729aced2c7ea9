"""The desk at which is decided what leaves: one that is only looked at, and a copy of it for each test that acts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.desk_world import Desk


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Looked at, and never changed."""
    made = Desk(tmp_path_factory.mktemp("desk") / "a.db")
    yield made
    made.node.close()


@pytest.fixture
def acting_desk(desk: Desk, tmp_path: Path) -> Iterator[Desk]:
    """A desk of its own."""
    made = desk.again(tmp_path / "a.db")
    yield made
    made.node.close()
