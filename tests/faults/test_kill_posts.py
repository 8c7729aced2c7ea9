"""A node that is killed while it is written to: what was acknowledged is there, once, and it starts at once."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.faults.homes import planted
from tests.faults.kills import Killing


@pytest.mark.parametrize(
    "rounds",
    [
        pytest.param(5, marks=pytest.mark.slow),
        pytest.param(50, marks=[pytest.mark.deep, pytest.mark.timeout(900)]),
    ],
)
def test_nothing_acknowledged_is_lost_or_doubled_by_a_kill(
    tmp_path: Path, kind: str, seed: int, rounds: int, figure: Callable[[object], None]
) -> None:
    figure(Killing(kind, tmp_path, seed).run(rounds))


@pytest.mark.slow
def test_a_node_that_acknowledges_before_it_commits_is_found(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="acknowledged, and not so after the kill"):
        Killing("sqlite", tmp_path, 1, program=planted("acknowledge-before-commit"), deleting=0).run(5)


@pytest.mark.slow
def test_kills_that_hit_nothing_are_no_proof(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="too few kills hit anything"):
        Killing("sqlite", tmp_path, 1, pause_seconds=0.4).run(3)
