"""What the node says to whoever uses a page: the sentences of its refusals and its rules, found in the source."""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from tests.house.tree import SOURCE

from comity.node.policies import starter_texts
from comity.web.ui.policy import first_sentence

ELSEWHERE = (
    "cli",
    "taxii",
    "web/api",
    "web/app.py",
    "web/assets.py",
    "web/auth.py",
    "web/front.py",
    "web/ledger.py",
    "web/metrics.py",
    "web/ops.py",
    "web/serve.py",
    "web/server.py",
    "web/taxii.py",
    "ledger",
    "node/access.py",
    "node/addresses.py",
    "node/delivering.py",
    "node/deliveries.py",
    "node/fetch.py",
    "node/home.py",
    "node/outbound.py",
    "node/polling.py",
    "node/recovery.py",
    "node/side.py",
    "node/signing.py",
    "node/subjects.py",
    "node/system.py",
    "node/erasing.py",
    "node/legal_holds.py",
    "release/facets.py",
    "release/forms.py",
    "release/text.py",
    "stix/cut.py",
    "stix/ijson.py",
    "stix/object.py",
    "stix/pattern_lexer.py",
    "stix/spans.py",
    "stix/spine.py",
    "stix/split.py",
    "store/archive.py",
    "store/copying.py",
    "store/postgres",
    "store/scratch.py",
    "store/sealed.py",
    "store/sqlite",
    "store/steps.py",
)
"""What no page asks: commands, TAXII, the JSON API, the start of the node, backups, what another server answers; and
what is told of the bytes of others, which pages show as English (`lang="en"`)."""
_TITLE = re.compile(r'@title\("([^"]+)"\)')
_SAYING: Mapping[str, tuple[int, ...]] = {"Rule": (1,), "Reason": (2,), "Problem": (4, 5), "_add": (2, 3), "_bad": (1,)}
"""Calls that say something beside the errors, and which of their arguments do."""
_NAMED = ("message", "hint")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def errors() -> frozenset[str]:
    """The names of the error classes."""
    tree = ast.parse((SOURCE / "errors.py").read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.ClassDef))


def templates(node: ast.expr, names: Mapping[str, list[ast.expr]], depth: int = 3) -> Iterator[str]:
    """The sentences that the expression can be, with `{1}`, `{2}`… for what is put in; none where that is not told by
    the text of the program."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        if node.value:
            yield node.value
    elif isinstance(node, ast.JoinedStr):
        number = 0
        text = ""
        for part in node.values:
            if isinstance(part, ast.Constant):
                text += str(part.value)
            else:
                number += 1
                text += f"{{{number}}}"
        yield text
    elif isinstance(node, ast.IfExp):
        yield from templates(node.body, names, depth)
        yield from templates(node.orelse, names, depth)
    elif isinstance(node, ast.Dict):
        for each in node.values:
            yield from templates(each, names, depth)
    elif isinstance(node, ast.Subscript):
        yield from templates(node.value, names, depth)
    elif isinstance(node, ast.Name) and depth:
        for value in names.get(node.id, []):
            yield from templates(value, names, depth - 1)


def said_in(source: str, classes: frozenset[str]) -> Iterator[str]:
    """Every sentence that the module says. A name is what is assigned to it in the same function or in the module."""
    tree = ast.parse(source)
    everywhere = _assigned(tree.body)
    functions = [node for node in ast.walk(tree) if isinstance(node, FUNCTIONS)]
    inside = {id(call): one for one in functions for call in ast.walk(one) if isinstance(call, ast.Call)}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        called = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        if called not in classes and called not in _SAYING:
            continue
        function = inside.get(id(call))
        names = everywhere | (_assigned(list(ast.walk(function))) if function else {})
        for place in _SAYING.get(called, (0,)):
            if place < len(call.args):
                yield from templates(call.args[place], names)
        for keyword in call.keywords:
            if keyword.arg in _NAMED:
                yield from templates(keyword.value, names)


def sentences_of(source: str) -> Iterator[str]:
    """Every sentence that stands in the module, but for docstrings: the problems of a policy are said in tables."""
    tree = ast.parse(source)
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)} - {
        id(node) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)
    }
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in inner | told:
            yield from (text for text in templates(node, {}) if text.endswith((".", "?")) and " " in text)


def _assigned(nodes: list[ast.stmt] | list[ast.AST]) -> dict[str, list[ast.expr]]:
    found: dict[str, list[ast.expr]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node.value)
    return found


def modules() -> Iterator[Path]:
    """The modules that pages reach."""
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        if not any(name == one or name.startswith(f"{one}/") for one in ELSEWHERE):
            yield path


@lru_cache
def refusals() -> frozenset[str]:
    """Every sentence that a module says which pages reach."""
    classes = errors()
    found = {text for path in modules() for text in said_in(path.read_text("utf-8"), classes)}
    return frozenset(found | set(sentences_of((SOURCE / "release" / "problems.py").read_text("utf-8"))))


@lru_cache
def titles() -> frozenset[str]:
    """The titles of the rules and the names of the cases that come with Comity, and what is said of each starter."""
    release = SOURCE / "release"
    found = {title for path in release.rglob("*.cedar") for title in _TITLE.findall(path.read_text("utf-8"))}
    for text, cases in starter_texts().values():
        found |= {first_sentence(text)} | {str(case["name"]) for case in tomllib.loads(cases)["case"]}
    return frozenset(found)
