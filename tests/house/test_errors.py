"""The error tree is drawn as it is, every code is its own, and each is described for operators."""

import importlib
import pkgutil
import re

from tests.house.tree import ROOT

import comity
from comity import errors
from comity.cli.main import EXIT_CODES
from comity.errors import ComityError
from comity.web.problems import status_of

REFERENCE = ROOT / "docs" / "reference" / "errors.md"


def drawn() -> dict[str, str]:
    """Each class of the drawing at the top of errors.py, with the class that it hangs from."""
    parents: dict[str, str] = {}
    path: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines()[2:]:
        match = re.match(r"([ │├└─]*)([A-Z]\w+)", line)
        if match is None:
            continue
        depth, name = len(match[1]), match[2]
        while path and path[-1][0] >= depth:
            path.pop()
        parents[name] = path[-1][1] if path else "Exception"
        path.append((depth, name))
    return parents


def all_errors() -> list[type[ComityError]]:
    """Every class of the tree, those that single rooms add below it included."""
    for module in pkgutil.walk_packages(comity.__path__, "comity."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found: list[type[ComityError]] = [ComityError]
    for kind in found:
        found.extend(kind.__subclasses__())
    return [kind for kind in found if kind.__module__.startswith("comity.")]


def test_the_drawing_shows_every_class_where_it_is() -> None:
    made = {kind.__name__: kind.__bases__[0].__name__ for kind in all_errors() if kind.__module__ == errors.__name__}
    assert drawn() == made


def test_every_code_is_used_once() -> None:
    codes = [kind.code for kind in all_errors()]
    assert len(codes) == len(set(codes)), sorted(codes)


def documented() -> dict[str, tuple[str, str]]:
    """Status and exit code by error code, as the reference page has them."""
    rows = re.findall(r"^\| `([a-z-]+)` \| `\w+` \| (\d+) \| (\d+) \|", REFERENCE.read_text(encoding="utf-8"), re.M)
    return {code: (status, exit_code) for code, status, exit_code in rows}


def test_the_reference_describes_every_error_with_its_status_and_exit_code() -> None:
    wanted = {}
    for kind in all_errors():
        exit_code = next((code for parent, code in EXIT_CODES if issubclass(kind, parent)), 1)
        wanted[kind.code] = (str(status_of(kind.__new__(kind))[0]), str(exit_code))
    assert documented() == wanted
