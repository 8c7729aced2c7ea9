"""What tests of the API share: a desk at which is decided what leaves, and programs of its staff."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.api_world import Programs, furnish, programs, stages
from tests.desk_world import Desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Looked at, and never changed."""
    folder = tmp_path_factory.mktemp("desk")
    made = Desk(folder / "a.db")
    stages(made, folder)
    furnish(made)
    yield made
    made.node.close()


@pytest.fixture(scope="module")
def looking(desk: Desk) -> Iterator[Programs]:
    """The programs of that desk."""
    with programs(desk) as made:
        yield made


@pytest.fixture
def changing(desk: Desk, tmp_path: Path) -> Iterator[tuple[Desk, Programs]]:
    """A copy of the desk that may be changed, and its programs."""
    made = desk.again(tmp_path / "a.db")
    stages(made, tmp_path)
    with programs(made) as asked:
        yield made, asked
    made.node.close()
