"""What tests of pages share: a node with something of everything, and a person for each role."""

from collections.abc import Iterator

import pytest
from tests.pages_world import fill, let_leave
from tests.visiting import Staff
from tests.world import MadeClock, MadeEntropy

from comity.node.node import Node


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staff]:
    """The staff of a node that has all of `tests.pages_world`."""
    path = tmp_path_factory.mktemp("full") / "a.db"
    with Node.open(f"sqlite:///{path}", name="CERT-A", clock=MadeClock(), entropy=MadeEntropy()) as node:
        fill(node)
        let_leave(node)
        yield Staff(node)


@pytest.fixture
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staff]:
    """The staff of a node that has nothing."""
    path = tmp_path_factory.mktemp("empty") / "a.db"
    with Node.open(f"sqlite:///{path}", name="CERT-A", clock=MadeClock(), entropy=MadeEntropy()) as node:
        yield Staff(node)
