"""For as long as it is served, a node holds no more than when it was warm."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.faults import soaking
from tests.faults.homes import planted
from tests.faults.watching import Sample, risen

MINUTES = float(os.environ.get("COMITY_TEST_SOAK_MINUTES") or 30)


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(10, marks=pytest.mark.slow),
        pytest.param(MINUTES * 60, marks=[pytest.mark.deep, pytest.mark.timeout(int(MINUTES * 60) + 300)]),
    ],
    ids=["short", "long"],
)
def test_memory_handles_and_the_log_of_writes_stay_flat_under_mixed_load(
    tmp_path: Path, kind: str, seed: int, seconds: float, figure: Callable[[object], None]
) -> None:
    figure(soaking.run(kind, tmp_path, seconds, seed))


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "words"), [("leak-memory", "memory grows"), ("leak-handles", "handles grow")])
def test_a_node_that_leaks_is_found(tmp_path: Path, fault: str, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        soaking.run("sqlite", tmp_path, 6, 1, program=planted(fault))


def test_a_rise_is_told_from_a_warm_up() -> None:
    def samples(*memory: int) -> list[Sample]:
        return [Sample(float(second), one, 0, 0) for second, one in enumerate(memory)]

    warm = samples(0, 5, 9, 10, 10, 11, 10, 10, 11, 10, 10, 10, 10, 11, 10, 10)
    assert risen(warm, lambda sample: sample.memory) == 0
    assert risen(samples(*range(16)), lambda sample: sample.memory) == 8
