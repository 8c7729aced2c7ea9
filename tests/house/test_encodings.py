"""No file is read or written, and no program listened to, in whatever encoding the place has."""

import ast
from collections.abc import Iterator

import pytest
from tests.house.tree import ROOT, files

PROGRAMS = frozenset({"run", "Popen", "check_output"})


def left_to_the_place(source: str) -> Iterator[int]:
    """The lines of calls that take texts without an encoding."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        named = {keyword.arg for keyword in node.keywords}
        texts = "text" in named and node.func.attr in PROGRAMS
        reads = node.func.attr == "read_text" and not node.args
        writes = node.func.attr == "write_text" and len(node.args) == 1
        if (texts or reads or writes) and "encoding" not in named:
            yield node.lineno


@pytest.mark.slow
def test_every_text_has_its_encoding() -> None:
    paths = list(files(".py"))
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in paths
        for line in left_to_the_place(path.read_text(encoding="utf-8"))
    ]
    assert len(paths) > 500
    assert found == []


@pytest.mark.parametrize("call", ["p.write_text('é')", "p.read_text()", "subprocess.run(['a'], text=True)"])
def test_one_without_is_found(call: str) -> None:
    assert list(left_to_the_place(f"x = 1\n{call}\n")) == [2]
    assert not list(left_to_the_place(call[:-1] + (", " if call[-2] != "(" else "") + "encoding='utf-8')"))
