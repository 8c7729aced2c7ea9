"""What every test of faults is given."""

import os
from collections.abc import Callable

import pytest
from tests.faults.failing import Way
from tests.faults.homes import KINDS

OF_MANY_STATEMENTS = ("put_source that changes what is shown", "withdraw", "purge")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A database takes long to go back to what it was, so all but the plainest way to fail are for the long run, and so
    are the verbs of most statements."""
    for item in items:
        given = item.callspec.params if hasattr(item, "callspec") else {}
        long = given.get("way", Way.BEFORE) is not Way.BEFORE or given.get("name") in OF_MANY_STATEMENTS
        if given.get("kind") == "postgres" and long:
            item.add_marker(pytest.mark.deep)


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
