"""What every test of faults is given."""

import os
from collections.abc import Callable

import pytest
from tests.faults.homes import KINDS


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """A kind of store."""
    return str(request.param)


@pytest.fixture
def seed() -> int:
    """Another one each time, printed; a run is repeated, as far as threads let it, by naming its own."""
    chosen = int(os.environ.get("COMITY_TEST_SEED") or int.from_bytes(os.urandom(3), "big"))
    print(f"COMITY_TEST_SEED={chosen}")
    return chosen


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[object], None]:
    """Says at the end of the run what was measured, since a test that passes says nothing."""
    return lambda text: record_property("figure", str(text))
