"""STIX patterns (STIX 2.1 section 9): the text as a syntax tree, and the quick check at receipt.

Most patterns of a feed differ in their constants only, so `check` keeps the shapes that it has parsed. A shape is the
text with every string constant emptied and, at the second try, every plain integer above zero written as 1; all else
stays in it letter for letter: the keys of a path, timestamps, zeros. Two texts of one shape have the same tokens but
for those constants. What the grammar asks of the constants themselves is looked at each time: the escapes of strings,
and the length of hashes.
"""

import re

from comity.errors import InvalidPattern
from comity.stix.pattern_lexer import Token
from comity.stix.pattern_parser import PATTERN_CHARS_MAX, Parser, is_hash
from comity.stix.pattern_tree import Pattern

__all__ = ["PATTERN_CHARS_MAX", "Pattern", "ShapeCache", "check", "parse"]

SHAPES_MAX = 4096
SHAPE_CHARS_MAX = 1024

_MARK = "\x01"
"""Stands for an escape while a text is cut. No shape that is kept has one, so it may well come in a text."""

# After these a quote begins a key or a typed constant, whose text stays in the shape.
_KEEPING = frozenset("tbh.:")
_PLAIN_INTEGER = re.compile(r"(?<![A-Za-z0-9_.+\-'])[1-9][0-9]{0,17}(?![A-Za-z0-9_.'])")
_QUOTED = frozenset({"string", "timestamp", "hex", "binary"})

Plan = tuple[tuple[int, str], ...]
"""What is left to look at in a text of a known shape: which of its pieces must be a hash, and of which algorithm."""


class ShapeCache:
    """The plans of the shapes met last, at least `shapes_max` / 2 and at most `shapes_max` of them.

    Two generations instead of a list by age: what is used moves to the young one, and when that is full the old one is
    dropped. So no lock is needed: threads that meet lose at most a plan, which is made again.
    """

    def __init__(self, shapes_max: int = SHAPES_MAX) -> None:
        self._young: dict[str, Plan] = {}
        self._old: dict[str, Plan] = {}
        self._generation_max = max(1, shapes_max // 2)

    def __len__(self) -> int:
        return len(self._young.keys() | self._old.keys())

    def get(self, shape: str) -> Plan | None:
        """The plan of a shape, None where it is not known."""
        plan = self._young.get(shape)
        if plan is None:
            plan = self._old.get(shape)
            if plan is not None:
                self.put(shape, plan)
        return plan

    def put(self, shape: str, plan: Plan) -> None:
        """Keeps the plan of a shape."""
        if len(self._young) >= self._generation_max:
            self._old, self._young = self._young, {}
        self._young[shape] = plan


_SHAPES = ShapeCache()


def parse(text: str) -> Pattern:
    """The syntax tree of a pattern; raises InvalidPattern with the place and what was expected there."""
    return Parser(text).pattern()


def check(text: str, shapes: ShapeCache = _SHAPES) -> InvalidPattern | None:
    """The fault of a pattern, None where `parse` would take it; patterns of one shape are parsed once."""
    pieces = _pieces(text) if len(text) <= PATTERN_CHARS_MAX else None
    if pieces is None:
        return _parsed(text)[1]
    shape = _shape(pieces)
    plan = shapes.get(shape)
    if plan is None:
        shape = _shape(_without_integers(pieces))
        plan = shapes.get(shape)
    if plan is not None and all(is_hash(algorithm, pieces[number]) for number, algorithm in plan):
        return None
    parser, error = _parsed(text)
    if parser is not None and len(shape) <= SHAPE_CHARS_MAX:
        plan = _plan(pieces, shape, parser)
        if plan is not None:
            shapes.put(shape, plan)
    return error


def _parsed(text: str) -> tuple[Parser | None, InvalidPattern | None]:
    try:
        parser = Parser(text)
        parser.pattern()
    except InvalidPattern as error:
        return None, error.with_traceback(None)
    return parser, None


def _pieces(text: str) -> list[str] | None:
    """The text cut at its quotes: what stands outside them at 0, 2, 4 …, between them at 1, 3, 5 …; None where a
    backslash or a quote is left over, so that only `parse` can tell."""
    if "\\" in text:
        text = text.replace("\\\\", _MARK).replace("\\'", _MARK)
        if "\\" in text:
            return None
    pieces = text.split("'")
    return pieces if len(pieces) % 2 else None


def _shape(pieces: list[str]) -> str:
    shape = pieces.copy()
    for number in range(1, len(pieces), 2):
        if pieces[number - 1][-1:] not in _KEEPING:
            shape[number] = ""
    return "'".join(shape)


def _without_integers(pieces: list[str]) -> list[str]:
    """The pieces with every plain integer outside the quotes written as 1; one beside a quote stays."""
    changed = pieces.copy()
    changed[::2] = _PLAIN_INTEGER.sub("1", "'".join(pieces[::2])).split("'")
    return changed


def _plan(pieces: list[str], shape: str, parser: Parser) -> Plan | None:
    """What to look at in other texts of this shape; None where the shape does not tell enough."""
    if _MARK in shape or "/*" in shape or "//" in shape:
        return None  # An escape outside a constant, or a comment, in which a quote would begin no string.
    hashes = []
    quoted: list[Token] = [token for token in parser.tokens if token.kind in _QUOTED]
    for number, token in zip(range(1, len(pieces), 2), quoted, strict=True):
        if token.start in parser.key_starts and pieces[number - 1][-1:] not in _KEEPING:
            return None  # A key apart from its dot is not in the shape, and it may say that a hash follows.
        if token.start in parser.hash_starts:
            hashes.append((number, parser.hash_starts[token.start]))
    return tuple(hashes)
