"""Room for the counts of several processes: all of it before the first begins, or a clear refusal."""

import resource
from pathlib import Path

import pytest
from prometheus_client import values

from comity.errors import Unavailable
from comity.web import metrics


@pytest.fixture(autouse=True)
def counts_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test shares is not what this process counts by afterwards."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)


def test_every_place_has_its_room_before_a_process_begins(tmp_path: Path) -> None:
    metrics.share_counts(tmp_path, 3)
    room = {each.name: each.stat().st_blocks * 512 for each in tmp_path.iterdir()}
    assert room == {
        f"{kind}_{place}.db": metrics.SHARED_BYTES for kind in ("counter", "histogram") for place in range(3)
    }


def test_too_little_room_is_said_with_the_folder_and_what_to_do(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(Unavailable) as refused:
            metrics.share_counts(tmp_path, 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert str(tmp_path) in str(refused.value)
    assert "TMPDIR" in str(refused.value.hint)
