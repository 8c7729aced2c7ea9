"""Clients that poll beside overlapping writers lose nothing and see nothing twice."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.faults import polling
from tests.faults.homes import planted
from tests.faults.polling import overlapped


@pytest.mark.parametrize(
    "objects",
    [
        pytest.param(2_000, marks=pytest.mark.slow),
        pytest.param(20_000, marks=[pytest.mark.deep, pytest.mark.timeout(600)]),
    ],
)
def test_four_polling_clients_get_each_addition_of_eight_writers_once(
    tmp_path: Path, kind: str, seed: int, objects: int, figure: Callable[[object], None]
) -> None:
    figure(polling.run(kind, tmp_path, objects, seed))


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["dates-before-the-lock", "keys-from-a-sequence"])
def test_a_node_whose_additions_come_out_of_order_is_found(tmp_path: Path, fault: str) -> None:
    with pytest.raises(AssertionError, match=r"lost to a polling client|seen twice|dates do not rise"):
        polling.run("sqlite", tmp_path, 2_000, 1, program=planted(fault), deleting=0)


@pytest.mark.slow
def test_writers_that_hardly_overlap_are_no_proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "WRITERS", 1)
    with pytest.raises(AssertionError, match="hardly anything overlapped"):
        polling.run("sqlite", tmp_path, 200, 1, deleting=0)


def test_spans_overlap_where_they_share_a_moment() -> None:
    assert overlapped([]) == overlapped([(0, 1), (1, 2), (3, 4)]) == 0
    assert overlapped([(0, 10), (1, 2), (3, 4), (11, 12)]) == 3
    assert overlapped([(3, 5), (0, 2), (4, 6), (1, 3)]) == 4
