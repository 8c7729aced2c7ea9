"""What is imported, and when: nothing heavy at the start, nothing that is not declared, no oracle in the product."""

import ast
import importlib.metadata
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.house.tree import SOURCE, project, run

NEVER = ("duckdb", "numba", "stix2", "stix2matcher", "stix2patterns", "stix2validator", "antlr4")
"""Slow to import, or oracles of the tests: not one module of the product may bring them."""

WITHOUT_AN_IMPORT = {
    "httptools": "uvicorn takes it as its HTTP parser",
    "tzdata": "zoneinfo reads it where the host has no time zones",
    "uvloop": "uvicorn takes it as its event loop",
}
"""Declared requirements that no line of the source imports, each with who uses it."""


def modules_after(code: str) -> set[str]:
    """The modules that are loaded once that code has run in a fresh interpreter."""
    done = run(sys.executable, "-c", f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))")
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def third_party(modules: set[str]) -> set[str]:
    """The top-level packages among them that belong neither to Python nor to this project."""
    return {name.split(".")[0] for name in modules} & importlib.metadata.packages_distributions().keys() - {"comity"}


def test_importing_comity_imports_nothing_else_of_it_and_of_others() -> None:
    added = modules_after("import comity") - modules_after("pass")
    assert {name for name in added if name.startswith("comity")} == {"comity"}
    assert not third_party(added) - third_party(modules_after("pass"))
    assert not added & {"asyncio", "sqlite3", "ssl", "socket", "http", "email", "logging", "subprocess"}


@pytest.mark.parametrize("name", ["Node", "StixObject", "TLP", "Query", "ComityError"])
def test_every_name_of_the_public_api_can_be_had(name: str) -> None:
    assert modules_after(f"from comity import {name}")


@pytest.mark.parametrize("room", ["comity.node.node", "comity.web.app", "comity.cli.main", "comity.store.sqlite"])
def test_no_room_brings_what_is_slow_or_an_oracle(room: str) -> None:
    assert not {name.split(".")[0] for name in modules_after(f"import {room}")} & set(NEVER)


def imports() -> Iterator[tuple[Path, str]]:
    """Every top-level name that the source imports, wherever in a file it does."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name.split(".")[0]) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                yield path, node.module.split(".")[0]


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    table = project()["project"]
    extras = [lines for name, lines in table["optional-dependencies"].items() if name != "test"]
    lines = [*table["dependencies"], *(line for extra in extras for line in extra)]
    declared = {re.split(r"[^A-Za-z0-9-]", line)[0].lower() for line in lines}
    owners = importlib.metadata.packages_distributions()
    imported = {top for _, top in imports()} - set(sys.stdlib_module_names) - {"comity"}
    used = {re.sub(r"[-_.]+", "-", owner).lower() for top in imported for owner in owners[top]}
    assert used <= declared
    assert declared - used == set(WITHOUT_AN_IMPORT)


def test_no_line_imports_what_is_never_to_be_imported() -> None:
    assert not [(path, top) for path, top in imports() if top in NEVER]
