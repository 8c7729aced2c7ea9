"""One browser and one served node a world for every test that looks at pages; what is absent is said, and skipped."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.chromium import axe_source, chromium
from tests.page_homes import Stood, stood


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium. It has a loop of its own, in which no other test of the same worker could run one."""
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def axe(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The text of axe-core."""
    return axe_source(tmp_path_factory.mktemp("axe"))


@pytest.fixture(scope="module")
def full(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stood]:
    """A node with something of everything."""
    with stood(tmp_path_factory.mktemp("home"), "full") as made:
        yield made


@pytest.fixture(scope="module")
def empty(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stood]:
    """A node with people and nothing else."""
    with stood(tmp_path_factory.mktemp("home"), "empty") as made:
        yield made
