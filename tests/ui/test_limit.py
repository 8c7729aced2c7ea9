"""A page that asks too much of the store says so, and how less is asked; what is kept as a file may take its time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.browser import Stand, standing
from tests.slow_statement import slow

from comity.node.node import Node

pytestmark = pytest.mark.slow
LONGER = 1_500_000
"""Longer than a page waits."""


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with standing(tmp_path) as made:
        yield made


@pytest.fixture
def slowed(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> Stand:
    """Whoever looks around asks the store something slow first."""
    quick = Node.browse

    def browse(self: Node, *given: Any, **named: Any) -> Any:
        with self._snapshot() as snapshot:
            assert snapshot.db.execute(slow(LONGER)).fetchone()[0] == LONGER  # type: ignore[attr-defined]
        return quick(self, *given, **named)

    monkeypatch.setattr(Node, "browse", browse)
    return stand


def test_a_page_that_takes_too_long_says_so_and_the_next_is_as_ever(slowed: Stand) -> None:
    browser = slowed.person("rita", ["reader"])
    reply = browser.get("/search")
    assert reply.status == 503
    assert reply.header("retry-after") == "5"
    assert b"took longer than a page waits" in reply.body
    assert b"seen:24h" in reply.body
    assert browser.get("/partners").status == 200


def test_a_program_is_told_the_same(slowed: Stand) -> None:
    browser = slowed.person("rita", ["reader"])
    told = orjson.loads(browser.get("/search", accept="application/json").body)
    assert (told["status"], told["code"], told["where"]) == (503, "took-too-long", "/search")
    assert "seen:24h" in told["hint"]


def test_a_file_takes_its_time(slowed: Stand) -> None:
    assert slowed.person("rita", ["reader"]).get("/search.json").status == 200
