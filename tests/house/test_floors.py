"""The floors: each room is on one, the linter holds, and the linter would find what breaks each contract."""

from pathlib import Path
from typing import Any

import pytest
from tests.house.tree import SOURCE, copy_of_source, project, run, tool

HANDS = frozenset({"cli", "web", "node", "store", "sweep"})
"""The rooms that may touch the world; every other room is pure."""


def contract(id: str) -> dict[str, Any]:
    """The contract of that id."""
    contracts: list[dict[str, Any]] = project()["tool"]["importlinter"]["contracts"]
    return next(one for one in contracts if one["id"] == id)


def rooms() -> set[str]:
    """The folders and modules of the package, apart from the entry."""
    names = {path.stem for path in SOURCE.glob("*.py")} | {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    return names - {"__init__", "__main__"}


def test_every_room_is_pure_or_one_of_the_hands() -> None:
    pure = {name.removeprefix("comity.") for name in contract("pure")["source_modules"]}
    assert rooms() - HANDS == pure
    assert not pure & HANDS


def test_a_room_that_exists_stands_without_brackets() -> None:
    named = [name.strip() for layer in contract("floors")["layers"] for name in layer.split("|")]
    bracketed = {name.strip("()") for name in named if name.startswith("(")}
    assert not bracketed & rooms()
    assert {name for name in named if not name.startswith("(")} == rooms()


def test_every_folder_of_the_package_is_a_room() -> None:
    folders = {path.name for path in SOURCE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders <= rooms()


@pytest.mark.slow
def test_the_floors_hold() -> None:
    found = run(tool("lint-imports"), "--no-cache")
    assert found.returncode == 0, found.stdout


FAULTS = {
    "errors.py": "import comity.canonical",
    "canonical.py": "import comity.stix.object",
    "stix/object.py": "import comity.store.interface",
    "taxii/resources.py": "import comity.store.interface",
    "node/access.py": "import comity.web.auth",
    "web/answer.py": "import comity.cli.console",
    "interfaces.py": "import os",
    "stix/timestamp.py": "import random",
    "taxii/media.py": "import socket",
    "node/showing.py": "import secrets",
    "node/asking.py": "import time",
    "node/doctor.py": "import httpcore2",
    "web/call.py": "import comity.store.sqlite",
    "cli/options.py": "from comity.store import interface",
    "store/flags.py": "def late() -> None:\n    import stix2",
}
"""A file, and an import that it must not have: every contract is broken by some of them."""


@pytest.mark.slow
def test_the_linter_finds_what_breaks_each_contract(tmp_path: Path) -> None:
    package = copy_of_source(tmp_path)
    for name, fault in FAULTS.items():
        path = package / name
        path.write_text(path.read_text(encoding="utf-8") + "\n" + fault + "\n", encoding="utf-8")
    found = run(tool("lint-imports"), "--no-cache", cwd=tmp_path)
    assert found.returncode == 1, found.stdout
    contracts = project()["tool"]["importlinter"]["contracts"]
    for one in contracts:
        assert f"{one['name']} BROKEN" in found.stdout, one["id"]
    for name, fault in FAULTS.items():
        module = "comity." + name.removesuffix(".py").replace("/", ".")
        wanted = fault.split("import ")[-1] if "from" not in fault else "comity.store"
        assert any(f"{module} -> {wanted}" in line for line in found.stdout.splitlines()), (module, wanted)


@pytest.mark.slow
def test_the_linter_stops_on_a_room_without_a_floor(tmp_path: Path) -> None:
    package = copy_of_source(tmp_path)
    (package / "cellar").mkdir()
    (package / "cellar" / "__init__.py").write_text('"""A room that nobody gave a floor."""\n', encoding="utf-8")
    found = run(tool("lint-imports"), "--no-cache", cwd=tmp_path)
    assert found.returncode == 1
    assert "cellar" in found.stdout
