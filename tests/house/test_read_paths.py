"""The registry of paths by which objects are read is that of the code (R70): a path without a proof fails the build."""

import ast
from collections.abc import Iterable, Iterator
from typing import TypeVar

import click
import pytest
from tests import read_paths
from tests.house.tree import ROOT
from tests.read_paths import Apart, Entry, Proven

from comity.cli.main import root
from comity.node.node import Node
from comity.web.routes import ROUTES

Name = TypeVar("Name")


def routes() -> set[tuple[str, str]]:
    """Every method of every route but HEAD, which is the GET of it."""
    return {(method, route.template) for route in ROUTES for method in route.methods if method != "HEAD"}


def commands(group: click.Group = root, path: str = "comity") -> Iterator[str]:
    """Every command that does something."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}"


def verbs() -> set[str]:
    """Every public verb of a node."""
    return {name for name in dir(Node) if not name.startswith("_") and callable(getattr(Node, name))}


def disagreements(there: Iterable[Name], registry: dict[Name, Entry]) -> list[str]:
    """What the code has and the registry has not, and the other way round."""
    found = set(there)
    return [f"{each} has no entry" for each in found - registry.keys()] + [
        f"{each} is not there any more" for each in registry.keys() - found
    ]


def missing(entries: Iterable[Entry]) -> list[str]:
    """The proofs that name no test, and the reasons that say nothing."""
    wrong = []
    for entry in entries:
        if isinstance(entry, Apart):
            if len(entry.why.split()) < 5:
                wrong.append(f"{entry.why!r} is no reason")
            continue
        file, _, name = entry.test.partition("::")
        path = ROOT / file
        tree = ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else ast.Module([], [])
        if name not in {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}:
            wrong.append(f"{entry.test} is not there")
    return wrong


def test_every_route_every_command_and_every_verb_has_an_entry() -> None:
    assert disagreements(routes(), read_paths.ROUTES) == []
    assert disagreements(commands(), read_paths.COMMANDS) == []
    assert disagreements(verbs(), read_paths.VERBS) == []


def test_every_entry_names_a_test_that_exists_or_says_why_there_is_none() -> None:
    entries = [*read_paths.ROUTES.values(), *read_paths.COMMANDS.values(), *read_paths.VERBS.values(), read_paths.HEAD]
    assert missing(entries) == []
    assert sum(isinstance(entry, Proven) for entry in entries) >= 20


def test_every_route_is_proven() -> None:
    assert [each for each, entry in read_paths.ROUTES.items() if not isinstance(entry, Proven)] == []


def test_a_verb_that_takes_an_access_is_proven() -> None:
    """Whatever can be asked in the name of somebody can be asked in the name of a partner."""
    taking = {name for name in verbs() if "access" in getattr(Node, name).__code__.co_varnames[: _arguments(name)]}
    assert {"page", "manifest", "show", "search", "export"} <= taking
    assert [name for name in sorted(taking) if not isinstance(read_paths.VERBS[name], Proven)] == []


def _arguments(name: str) -> int:
    code = getattr(Node, name).__code__
    return int(code.co_argcount + code.co_kwonlyargcount)


@pytest.mark.parametrize("fault", ["new", "old", "test", "reason"])
def test_the_check_finds_what_is_wrong(fault: str) -> None:
    registry = dict(read_paths.ROUTES)
    if fault == "new":
        del registry["GET", "/taxii2/"]
        assert disagreements(routes(), registry) == ["('GET', '/taxii2/') has no entry"]
    elif fault == "old":
        registry["GET", "/gone/"] = Apart("It was there once and is no more.")
        assert disagreements(routes(), registry) == ["('GET', '/gone/') is not there any more"]
    elif fault == "test":
        assert missing([Proven("tests/e2e/test_read_paths.py::test_nothing"), Proven("tests/none.py::test_a")])
    else:
        assert missing([Apart("Because.")])
