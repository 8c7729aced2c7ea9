"""Homes for the tests of faults, on a store of each kind that there is."""

import sys
import uuid
from pathlib import Path

from tests.data import ROOT
from tests.postgres import empty_database

from comity.node.access import NewToken
from comity.node.home import init_home

KINDS = ("sqlite", "postgres")
"""Every test of faults runs once for each of these."""
COLLECTIONS = ("default", "second")


def make_home(kind: str, home: Path) -> NewToken:
    """A new home in that folder on a store of that kind, with two collections; a token that may do everything."""
    store = empty_database(f"home_{uuid.uuid4().hex}") if kind == "postgres" else None
    with init_home(home, name="Test node", store=store) as node:
        node.add_collection("Second", alias=COLLECTIONS[1])
        return node.new_token("everything", read=["all"], write=["all"])


def planted(fault: str) -> tuple[str, ...]:
    """The program `comity` with that fault of tests/faults/planted.py in it."""
    return (sys.executable, str(ROOT / "tests" / "faults" / "planted.py"), fault)
