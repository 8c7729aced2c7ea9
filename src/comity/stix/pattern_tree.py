"""The syntax tree of a STIX pattern (STIX 2.1 section 9). Plain values; nothing here knows how to match."""

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final, Literal, TypeAlias


class ConstantKind(StrEnum):
    """The type of a constant as it was written; `1` and `1.0`, `'61'` and `h'61'` are different constants."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    FLOAT = "float"
    STRING = "string"
    TIMESTAMP = "timestamp"
    HEX = "hex"
    BINARY = "binary"


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant; `value` is a bool, int or float, the unescaped text of a string, the text of a timestamp with every
    digit (`2014-01-13T07:03:17Z`), or the bytes that a hex or binary constant stands for."""

    kind: ConstantKind
    value: bool | int | float | str | bytes


class AnyIndex(Enum):
    """The step `[*]` of an object path: any item of the list."""

    ANY = "*"


ANY_INDEX: Final = AnyIndex.ANY

Step: TypeAlias = str | int | Literal[AnyIndex.ANY]
"""A property name or dictionary key, the index of a list item, or any item."""


@dataclass(frozen=True, slots=True)
class ObjectPath:
    """Where a comparison looks: `file:hashes.'SHA-256'` has the type `file` and the steps `("hashes", "SHA-256")`."""

    type: str
    steps: tuple[Step, ...]


class Operator(StrEnum):
    """What is compared; `==` is written as `=`, and `<>` as `!=`."""

    EQUAL = "="
    NOT_EQUAL = "!="
    LESS = "<"
    LESS_OR_EQUAL = "<="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="
    IN = "IN"
    LIKE = "LIKE"
    MATCHES = "MATCHES"
    ISSUBSET = "ISSUBSET"
    ISSUPERSET = "ISSUPERSET"
    EXISTS = "EXISTS"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One test of one path. `constants` is the one constant, the set of IN (it may be empty), or nothing for EXISTS."""

    path: ObjectPath
    operator: Operator
    constants: tuple[Constant, ...]
    negated: bool = False


class Junction(StrEnum):
    """How operands are joined: of comparisons AND and OR, of observations FOLLOWEDBY as well."""

    AND = "AND"
    OR = "OR"
    FOLLOWEDBY = "FOLLOWEDBY"


@dataclass(frozen=True, slots=True)
class JoinedComparisons:
    """Two or more comparison expressions joined by AND or OR, in the order of the text."""

    junction: Junction
    operands: "tuple[ComparisonExpression, ...]"


ComparisonExpression: TypeAlias = Comparison | JoinedComparisons


@dataclass(frozen=True, slots=True)
class Observation:
    """The square brackets: one observation for which the comparison expression holds."""

    comparison: ComparisonExpression


@dataclass(frozen=True, slots=True)
class JoinedObservations:
    """Two or more observation expressions joined alike, in the order of the text; `a AND b AND c` is one of three."""

    junction: Junction
    operands: "tuple[ObservationExpression, ...]"


@dataclass(frozen=True, slots=True)
class Within:
    """All that matches lies within that many seconds, the edge included."""

    seconds: int | float


@dataclass(frozen=True, slots=True)
class Repeats:
    """The expression matches that many times, each time by another observation."""

    times: int


@dataclass(frozen=True, slots=True)
class StartStop:
    """What matches was observed at `start` or later, and before `stop`; timestamps as text, in any order."""

    start: str
    stop: str


Qualifier: TypeAlias = Within | Repeats | StartStop


@dataclass(frozen=True, slots=True)
class Qualified:
    """An observation expression under one or more qualifiers; the first written applies first."""

    expression: "ObservationExpression"
    qualifiers: tuple[Qualifier, ...]


ObservationExpression: TypeAlias = Observation | JoinedObservations | Qualified


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that keeps the grammar. Brackets leave no trace but the shape of the tree, which is at most
    `pattern_parser.DEPTH_MAX` levels of brackets deep, however long a chain of AND, OR or FOLLOWEDBY is."""

    text: str
    expression: ObservationExpression
