"""What tests of pages share: a node with something of everything and a person for each role, and a desk at which is
decided what leaves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.desk_world import Desk
from tests.pages_world import fill, let_leave
from tests.visiting import Staff
from tests.world import MadeClock, MadeEntropy

from comity.node.node import Node

CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-sync",
    "--no-first-run",
]


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


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright; each test opens contexts of its own. As long as it is there an event
    loop runs in this thread: whatever runs another one is asked for before."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()
