"""Clock, chance and files are asked for, not taken: ruff says so where imports cannot show it."""

import pytest
from tests.house.tree import run, tool

CLOCK_AND_CHANCE = (
    "from datetime import UTC, datetime\n\nNOW = datetime.now(UTC)\n",
    "import datetime\n\nNOW = datetime.datetime.utcnow()\n",
    "from datetime import datetime\n\nNOW = datetime.today()\n",
    "from datetime import date\n\nNOW = date.today()\n",
    "from uuid import uuid4\n\nID = uuid4()\n",
    "import uuid\n\nID = uuid.uuid1()\n",
)
OPENING = 'with open("a", encoding="utf-8") as file:\n    TEXT = file.read()\n'


def codes(path: str, text: str) -> set[str]:
    """The codes of what ruff finds in that text, were it that file."""
    found = run(
        tool("ruff"), "check", "--no-cache", "--output-format=concise", "--stdin-filename", path, "-", input=text
    )
    return {word for line in found.stdout.splitlines() for word in line.split()[1:2]}


@pytest.mark.parametrize("room", ["stix", "taxii", "node", "web"])
def test_clock_and_chance_are_banned(room: str) -> None:
    for fault in CLOCK_AND_CHANCE:
        assert "TID251" in codes(f"src/comity/{room}/new.py", fault), fault


@pytest.mark.parametrize("room", ["stix", "taxii", "node", "web"])
def test_opening_a_file_is_banned(room: str) -> None:
    assert "PTH123" in codes(f"src/comity/{room}/new.py", OPENING)


def test_the_one_module_of_the_node_that_names_the_world_may() -> None:
    for fault in (*CLOCK_AND_CHANCE, OPENING):
        assert not codes("src/comity/node/system.py", fault) & {"TID251", "PTH123"}


@pytest.mark.parametrize("fault", ["import os  # noqa\n", "A: int = ''  # type: ignore\n"])
def test_silencing_every_check_of_a_line_is_banned(fault: str) -> None:
    assert codes("src/comity/stix/new.py", fault) & {"PGH003", "PGH004"}
