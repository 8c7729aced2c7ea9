"""A node with a clock and a chance of the test's making."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.world import MadeClock, MadeEntropy

from comity.node.node import Node


@pytest.fixture
def clock() -> MadeClock:
    return MadeClock()


@pytest.fixture
def node(tmp_path: Path, clock: MadeClock) -> Iterator[Node]:
    with Node.open(f"sqlite:///{tmp_path}/a.db", name="CERT-A", clock=clock, entropy=MadeEntropy()) as opened:
        yield opened
