"""What holds in every end-to-end test."""

from collections.abc import Iterator

import pytest
from tests.watching_traffic import Traffic, watch


@pytest.fixture(autouse=True)
def traffic() -> Iterator[Traffic]:
    """What partners receive in the test is watched, and none of it was TLP:RED."""
    with pytest.MonkeyPatch.context() as patch:
        watched = watch(patch)
        yield watched
    assert watched.leaks() == []
