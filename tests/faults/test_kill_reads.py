"""A node that is killed while partners read: what a partner got is in the ledger, whatever moment it was."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.faults.homes import planted
from tests.faults.reads import Reading


@pytest.mark.parametrize(
    "rounds",
    [
        pytest.param(3, marks=pytest.mark.slow),
        pytest.param(30, marks=[pytest.mark.deep, pytest.mark.timeout(900)]),
    ],
)
def test_every_page_that_a_partner_acknowledged_is_entered(
    tmp_path: Path, kind: str, seed: int, rounds: int, figure: Callable[[object], None]
) -> None:
    figure(Reading(kind, tmp_path, seed).run(rounds))


@pytest.mark.slow
def test_a_node_that_tells_before_it_enters_is_found(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="acknowledged, and not in the ledger"):
        Reading("sqlite", tmp_path, 1, program=planted("tell-before-commit")).run(5)
