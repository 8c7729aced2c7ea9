"""Mutants of the pure rooms: each a small change that a person could make by mistake, and that some test should find.

This is a mutator of our own over `ast`, for three reasons. It runs from pytest like everything else, with the runner
that finds the faults of `tests/patches`; its sample is fixed by a seed, so that a run has an end and two runs say the
same; and it changes the bytes of one place of a file, so that a survivor is shown as the line that it is.

What is changed: comparisons, `and` and `or`, `not`, conditions, numbers, truth values and words that are compared,
operators of numbers and sets, the first two arguments of a call, filters of comprehensions, and statements that are
left out. What only people read (docstrings, messages), what only the type checker does (annotations), and decorators
stay as they are.
"""

import ast
import copy
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

RECORD = Path(__file__).with_suffix(".txt")
_COMPARE: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
_OPERATOR: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.BitXor: ast.BitOr,
}
_LEFT_OUT = (ast.Expr, ast.AugAssign, ast.Continue, ast.Break, ast.Raise)
_TOLD = frozenset({"Problem", "Rule", "Reason", "Invalid", "InvalidPolicy", "Inexpressible", "ValueError"})
"""Calls whose words are for people."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """The file with one change: at `line`, which reads `code`, `old` became `new`."""

    line: int
    code: str
    old: str
    new: str
    text: str

    @property
    def key(self) -> str:
        """What it is known by, wherever the line moves."""
        return f"{self.code} :: {self.old} -> {self.new}"


def mutants_of(source: str) -> list[Mutant]:
    """Every mutant of the module, in the order of its text; each can be compiled and none is the module itself."""
    raw = source.encode()
    starts = [0]
    for line in raw.split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    found: dict[tuple[int, int, str], Mutant] = {}
    for node, changed in _changes(ast.parse(source)):
        begin, end = starts[node.lineno - 1] + node.col_offset, starts[_end(node)[0] - 1] + _end(node)[1]
        new = changed if isinstance(changed, str) else f"({ast.unparse(changed)})"
        text = (raw[:begin] + new.encode() + raw[end:]).decode()
        code = raw[starts[node.lineno - 1] : starts[node.lineno] - 1].decode().strip()
        old = " ".join(raw[begin:end].decode().split())
        found[begin, end, new] = Mutant(node.lineno, code, old, new, text)
    return [found[key] for key in sorted(found)]


def sample_of(source: str, most: int, seed: str) -> list[Mutant]:
    """So many of them at most, the same for the same module and seed, in the order of its text. Fewer are a part of
    more."""
    every = mutants_of(source)
    order = list(range(len(every)))
    random.Random(seed).shuffle(order)
    return [every[number] for number in sorted(order[:most])]


def _end(node: ast.stmt | ast.expr) -> tuple[int, int]:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return node.end_lineno, node.end_col_offset


def _changes(tree: ast.Module) -> Iterator[tuple[ast.stmt | ast.expr, ast.expr | str]]:
    """What can be put where: an expression, or the text of a statement."""
    for node in _mutable(tree):
        if isinstance(node, ast.stmt):
            yield from _of_statement(node)
        elif isinstance(node, ast.expr):
            yield from ((node, changed) for changed in _of_expression(node))


def _mutable(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of the code that decide something."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_comment", "bases"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or _is_words(child):
                continue
            if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
                continue
            yield from _mutable(child)


def _is_words(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in _TOLD
    return isinstance(node, ast.JoinedStr | ast.Import | ast.ImportFrom)


def _of_statement(node: ast.stmt) -> Iterator[tuple[ast.stmt | ast.expr, ast.expr | str]]:
    if isinstance(node, _LEFT_OUT) or (
        isinstance(node, ast.Assign) and all(isinstance(one, ast.Attribute | ast.Subscript) for one in node.targets)
    ):
        yield node, "pass"
    if isinstance(node, ast.If | ast.While):
        yield node.test, ast.Constant(False)
        if isinstance(node, ast.If):
            yield node.test, ast.Constant(True)
    if isinstance(node, ast.AugAssign) and type(node.op) in _OPERATOR:
        changed = copy.copy(node)
        changed.op = _OPERATOR[type(node.op)]()
        yield node, ast.unparse(changed)


def _of_expression(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.Compare):
        for at, op in enumerate(node.ops):
            for other in _COMPARE[type(op)]:
                yield ast.Compare(node.left, [*node.ops[:at], other(), *node.ops[at + 1 :]], node.comparators)
        for at, one in enumerate(node.comparators):
            if isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value:
                rest = [*node.comparators[:at], ast.Constant("xx"), *node.comparators[at + 1 :]]
                yield ast.Compare(node.left, node.ops, rest)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        for at in range(len(node.values)):
            left = [*node.values[:at], *node.values[at + 1 :]]
            yield left[0] if len(left) == 1 else ast.BoolOp(node.op, left)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield ast.Constant(node.value + 1)
    elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATOR:
        yield ast.BinOp(node.left, _OPERATOR[type(node.op)](), node.right)
        yield node.left
    elif isinstance(node, ast.IfExp):
        yield node.body
        yield node.orelse
    elif isinstance(node, ast.Call):
        first = node.args[:2]
        alike = len({ast.dump(one) for one in first}) < 2
        if not alike and not any(isinstance(one, ast.Starred) for one in first):
            yield ast.Call(node.func, [first[1], first[0], *node.args[2:]], node.keywords)
        for at, keyword in enumerate(node.keywords):
            if keyword.arg is not None:
                yield ast.Call(node.func, node.args, [*node.keywords[:at], *node.keywords[at + 1 :]])
    elif isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        for at, generator in enumerate(node.generators):
            for number in range(len(generator.ifs)):
                changed = copy.copy(node)
                ifs = [*generator.ifs[:number], *generator.ifs[number + 1 :]]
                plain = ast.comprehension(generator.target, generator.iter, ifs, generator.is_async)
                changed.generators = [*node.generators[:at], plain, *node.generators[at + 1 :]]
                yield changed


def read_record(text: str) -> dict[str, tuple[int, dict[str, str]]]:
    """By module how many mutants may survive, and why each of those that nobody could find is none of them. A line is
    `MODULE NUMBER`; below it stand the others, each `= KEY`, and after it a line `  REASON`."""
    found: dict[str, tuple[int, dict[str, str]]] = {}
    alike: dict[str, str] = {}
    key = ""
    for line in text.splitlines():
        if line.startswith("= "):
            key = line.removeprefix("= ")
            alike[key] = ""
        elif line.startswith("  "):
            alike[key] = f"{alike[key]} {line.strip()}".strip()
        elif line and not line.startswith("#"):
            module, number = line.split()
            alike = {}
            found[module] = (int(number), alike)
    missing = [key for _, keys in found.values() for key, reason in keys.items() if not reason]
    assert not missing, f"no reason is given for {missing}"
    return found
