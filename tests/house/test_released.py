"""Only `comity.release.redact` makes Released, and only `comity.node.outbound` makes pages of objects."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.house.tree import SOURCE

MAKER = SOURCE / "release" / "redact.py"
DOOR = "comity.release.redact"


def makers(text: str) -> Iterator[int]:
    """Lines that make, or could be used to make, a Released of the gate: its class or its private maker called, or the
    class handed to anything but an annotation or a check."""
    tree = ast.parse(text)
    names, modules = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == DOOR:
            names |= {alias.asname or alias.name for alias in node.names if alias.name == "Released"}
            yield from (node.lineno for alias in node.names if alias.name.startswith("_"))
        elif isinstance(node, ast.ImportFrom) and node.module == "comity.release":
            modules |= {alias.asname or alias.name for alias in node.names if alias.name == "redact"}
        elif isinstance(node, ast.Import):
            modules |= {alias.asname or DOOR for alias in node.names if alias.name == DOOR}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "_released":
            yield node.lineno
        if isinstance(node, ast.Call):
            used = [node.func, *node.args]
            if isinstance(node.func, ast.Name) and node.func.id in ("isinstance", "issubclass", "cast"):
                used = []
            for one in used:
                named = isinstance(one, ast.Name) and one.id in names
                if named or (
                    isinstance(one, ast.Attribute) and one.attr == "Released" and ast.unparse(one.value) in modules
                ):
                    yield node.lineno


def test_nothing_else_makes_released() -> None:
    files = [path for path in SOURCE.rglob("*.py") if path != MAKER]
    assert len(files) > 80
    assert {str(path): lines for path in files if (lines := list(makers(path.read_text(encoding="utf-8"))))} == {}


@pytest.mark.parametrize(
    "fault",
    [
        "from comity.release.redact import Released\nx = Released(b'')",
        "from comity.release.redact import Released as R\nx = object.__new__(R)",
        "from comity.release import redact\nx = redact.Released()",
        "import comity.release.redact\nx = object.__new__(comity.release.redact.Released)",
        "from comity.release.redact import _released",
        "from comity.release import redact\nx = redact._released(b'')",
    ],
)
def test_a_second_maker_would_be_found(fault: str, tmp_path: Path) -> None:
    assert list(makers(fault)) != []
    assert list(makers("from comity.release.redact import Released\ndef send(one: Released) -> bytes: ...")) == []


PAGES = SOURCE / "node" / "outbound.py"


def page_makers(text: str) -> Iterator[int]:
    """Lines that call the page of `comity.node.outbound` by whatever name it was imported."""
    tree = ast.parse(text)
    names, modules = set(), {"comity.node.outbound"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "comity.node.outbound":
            names |= {alias.asname or alias.name for alias in node.names if alias.name == "Released"}
        elif isinstance(node, ast.ImportFrom) and node.module == "comity.node":
            modules |= {alias.asname or alias.name for alias in node.names if alias.name == "outbound"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            made = node.func
            if (isinstance(made, ast.Name) and made.id in names) or (
                isinstance(made, ast.Attribute) and made.attr == "Released" and ast.unparse(made.value) in modules
            ):
                yield node.lineno


def test_nothing_else_makes_pages() -> None:
    files = [path for path in SOURCE.rglob("*.py") if path != PAGES]
    assert {str(path): lines for path in files if (lines := list(page_makers(path.read_text(encoding="utf-8"))))} == {}


@pytest.mark.parametrize(
    "fault",
    [
        "from comity.node.outbound import Released\nx = Released(b'', 0, False, 0, None, None)",
        "from comity.node.outbound import Released as R\nx = R(b'', 0, False, 0, None, None)",
        "from comity.node import outbound\nx = outbound.Released(b'', 0, False, 0, None, None)",
    ],
)
def test_a_second_maker_of_pages_would_be_found(fault: str) -> None:
    assert list(page_makers(fault)) != []
    assert list(page_makers("from comity.node.outbound import Released\ndef show(page: Released) -> int: ...")) == []
