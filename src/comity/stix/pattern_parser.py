"""From tokens to the tree: the STIX 2.1 pattern grammar, by hand, with what the standard demands beyond it.

AND binds closer than OR, OR closer than FOLLOWEDBY, a qualifier closest of all. Brackets recurse, chains do not.
"""

import re
from base64 import b64decode

from comity.errors import InvalidPattern
from comity.stix.pattern_lexer import KEYWORDS, Token, fault, short, tokens_of, words_of
from comity.stix.pattern_tree import (
    ANY_INDEX,
    Comparison,
    ComparisonExpression,
    Constant,
    ConstantKind,
    JoinedComparisons,
    JoinedObservations,
    Junction,
    ObjectPath,
    Observation,
    ObservationExpression,
    Operator,
    Pattern,
    Qualified,
    Qualifier,
    Repeats,
    StartStop,
    Step,
    Within,
)

PATTERN_CHARS_MAX = 262_144
DEPTH_MAX = 40

_HEX_DIGITS = {
    "MD5": 32,
    "RIPEMD160": 40,
    "SHA1": 40,
    "SHA224": 56,
    "SHA256": 64,
    "SHA384": 96,
    "SHA512": 128,
    "SHA3224": 56,
    "SHA3256": 64,
    "SHA3384": 96,
    "SHA3512": 128,
    "WHIRLPOOL": 128,
}
_HEX = re.compile(r"[0-9A-Fa-f]*+")

_EQUALITY = frozenset({"=", "!="})
_ORDER = frozenset({"<", "<=", ">", ">="})
_TEXT_TESTS = frozenset({"LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET"})
_ORDERABLE = frozenset({"integer", "float", "string", "timestamp", "hex", "binary"})
_PRIMITIVE = _ORDERABLE | {"true", "false"}
_QUALIFIERS = frozenset({"WITHIN", "REPEATS", "START"})
_ESCAPE = re.compile(r"\\(.)")


def is_hash(algorithm: str, text: str) -> bool:
    """Whether `text` can be a value of that algorithm, as far as its length is known."""
    return len(text) == _HEX_DIGITS[algorithm] and _HEX.fullmatch(text) is not None


class Parser:
    """One reading of one text, which is cut into `tokens`. After `pattern`, `hash_starts` gives the places of the
    strings that were compared with a hash, and the algorithm; `key_starts` the places of the strings that are keys."""

    def __init__(self, text: str) -> None:
        if len(text) > PATTERN_CHARS_MAX:
            problem = f"it has {len(text):,} characters, and {PATTERN_CHARS_MAX:,} are taken"
            raise fault(text, PATTERN_CHARS_MAX, problem, "§9 (a limit of this node)")
        self.hash_starts: dict[int, str] = {}
        self.key_starts: set[int] = set()
        self._text = text
        self._depth = 0
        self.tokens = tokens_of(text)
        self._next = 0
        self._token = self.tokens[0]

    def pattern(self) -> Pattern:
        """The tree of the whole text."""
        expression = self._observations()
        if self._token.kind != "end":
            raise self._expected("AND, OR, FOLLOWEDBY, a qualifier or the end of the pattern", "§9.3")
        return Pattern(self._text, expression)

    # Observation expressions

    def _observations(self) -> ObservationExpression:
        chain: list[ObservationExpression] = []
        either: list[ObservationExpression] = []
        both = [self._observation()]
        while (kind := self._token.kind) in ("AND", "OR", "FOLLOWEDBY"):
            self._advance()
            if kind != "AND":
                either.append(_observations(Junction.AND, both))
                both = []
                if kind == "FOLLOWEDBY":
                    chain.append(_observations(Junction.OR, either))
                    either = []
            both.append(self._observation())
        either.append(_observations(Junction.AND, both))
        chain.append(_observations(Junction.OR, either))
        return _observations(Junction.FOLLOWEDBY, chain)

    def _observation(self) -> ObservationExpression:
        opening = self._token
        expression: ObservationExpression
        if opening.kind == "[":
            self._advance()
            expression = Observation(self._comparisons())
            self._take("]", "AND, OR or the closing ']'", "§9.5")
        elif opening.kind == "(":
            self._open(opening)
            expression = self._observations()
            self._close("AND, OR, FOLLOWEDBY, a qualifier or the closing ')'")
        else:
            raise self._expected("an observation, which begins with '[',", "§9.3")
        seen: set[str] = set()
        qualifiers: list[Qualifier] = []
        while (kind := self._token.kind) in _QUALIFIERS:
            # Round brackets take a kind more than once, as OASIS's own grammar and validator do.
            if opening.kind == "[" and kind in seen:
                raise self._fault(self._token, f"a second {kind} stands on one observation expression", "§9.4")
            seen.add(kind)
            qualifiers.append(self._qualifier())
        return Qualified(expression, tuple(qualifiers)) if qualifiers else expression

    def _qualifier(self) -> Qualifier:
        kind = self._advance().kind
        if kind == "START":
            start = self._timestamp("START")
            self._take("STOP", "STOP", "§9.4")
            return StartStop(start, self._timestamp("STOP"))
        number = self._token
        if kind == "REPEATS":
            if number.kind != "integer" or int(number.text) < 1:
                raise self._expected("a whole number of 1 or more after REPEATS", "§9.4")
            self._advance()
            self._take("TIMES", "TIMES", "§9.4")
            return Repeats(int(number.text))
        if number.kind not in ("integer", "float") or float(number.text) <= 0:
            raise self._expected("a number greater than 0 after WITHIN", "§9.4")
        self._advance()
        self._take("SECONDS", "SECONDS", "§9.4")
        return Within(int(number.text) if number.kind == "integer" else float(number.text))

    def _timestamp(self, after: str) -> str:
        token = self._token
        if token.kind != "timestamp":
            hint = "In STIX 2.1 a t stands before the quote: t'2014-01-13T07:03:17Z'." if token.kind == "string" else ""
            raise self._expected(f"a timestamp after {after}", "§9.4", hint)
        self._advance()
        return token.text[2:-1]

    # Comparison expressions

    def _comparisons(self) -> ComparisonExpression:
        either: list[ComparisonExpression] = []
        both = [self._comparison()]
        while (kind := self._token.kind) in ("AND", "OR"):
            self._advance()
            if kind == "OR":
                either.append(_comparisons(Junction.AND, both))
                both = []
            both.append(self._comparison())
        either.append(_comparisons(Junction.AND, both))
        return _comparisons(Junction.OR, either)

    def _comparison(self) -> ComparisonExpression:
        token = self._token
        if token.kind == "(":
            self._open(token)
            expression = self._comparisons()
            self._close("AND, OR or the closing ')'")
            return expression
        if token.kind in ("NOT", "EXISTS"):
            self._advance()
            if token.kind == "NOT":
                self._take("EXISTS", "EXISTS (before another test, NOT stands after the path)", "§9.6.1")
            return Comparison(self._path(), Operator.EXISTS, (), token.kind == "NOT")
        path = self._path()
        negated = self._token.kind == "NOT"
        if negated:
            self._advance()
        test = self._token
        constants: tuple[Constant, ...]
        if test.kind in _EQUALITY:
            self._advance()
            constants = (self._constant(path, _PRIMITIVE, f"a constant after {test.text}"),)
        elif test.kind in _ORDER:
            self._advance()
            constants = (self._constant(path, _ORDERABLE, f"a constant that has an order after {test.text}"),)
        elif test.kind == "IN":
            self._advance()
            constants = self._set(path)
        elif test.kind in _TEXT_TESTS:
            self._advance()
            constants = (self._constant(None, frozenset({"string"}), f"a string after {test.kind}"),)
        else:
            raise self._expected("a comparison operator", "§9.6.1", _hint_for(test, "property"))
        return Comparison(path, Operator(test.kind), constants, negated)

    def _set(self, path: ObjectPath) -> tuple[Constant, ...]:
        self._take("(", "a set in round brackets after IN", "§9.6.1")
        constants: list[Constant] = []
        if self._token.kind != ")":
            constants.append(self._constant(path, _PRIMITIVE, "a constant or ')'"))
            while self._token.kind == ",":
                self._advance()
                constants.append(self._constant(path, _PRIMITIVE, "a constant after the comma"))
        self._take(")", "a comma or the closing ')' of the set", "§9.6.1")
        return tuple(constants)

    def _constant(self, path: ObjectPath | None, kinds: frozenset[str], expected: str) -> Constant:
        token = self._token
        if token.kind not in kinds:
            raise self._expected(expected, "§9.2", _hint_for(token, "constant"))
        constant = _read(token)
        algorithm = None if path is None else _algorithm_of(path)
        if algorithm is not None:
            if token.kind != "string" or not is_hash(algorithm, str(constant.value)):
                digits = _HEX_DIGITS[algorithm]
                problem = f"{short(token.text)} is no {algorithm} hash, which has {digits} hex digits"
                raise self._fault(token, problem, "§2.7")
            self.hash_starts[token.start] = algorithm
        self._advance()
        return constant

    # Object paths

    def _path(self) -> ObjectPath:
        first = self._token
        if first.kind not in ("name", "hyphened"):
            raise self._expected("an object path such as file:name", "§9.7", _hint_for(first, "type"))
        self._advance()
        hint = "A colon stands after the object type: file:size." if self._token.kind == "." else ""
        self._take(":", f"':' and a property after the object type {short(first.text)}", "§9.7", hint)
        steps: list[Step] = [self._key()]
        while (kind := self._token.kind) in (".", "["):
            self._advance()
            if kind == ".":
                steps.append(self._key())
                continue
            index = self._token
            if index.kind == "*":
                steps.append(ANY_INDEX)
            elif index.kind == "integer" and index.text[0] != "-":
                steps.append(int(index.text))
            else:
                raise self._expected("an index of 0 or more, or *, in the square brackets", "§9.7.2")
            self._advance()
            self._take("]", "the closing ']' of the index", "§9.7.2")
        return ObjectPath(first.text, tuple(steps))

    def _key(self) -> str:
        token = self._token
        if token.kind == "string":
            self.key_starts.add(token.start)
        elif token.kind != "name":
            raise self._expected("the name of a property", "§9.7", _hint_for(token, "property"))
        self._advance()
        return _unescaped(token.text) if token.kind == "string" else token.text

    # Moving on

    def _advance(self) -> Token:
        token = self._token
        self._next += 1
        self._token = self.tokens[self._next]
        return token

    def _take(self, kind: str, expected: str, section: str, hint: str = "") -> None:
        if self._token.kind != kind:
            raise self._expected(expected, section, hint)
        self._advance()

    def _open(self, opening: Token) -> None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise self._fault(opening, f"brackets are more than {DEPTH_MAX} deep", "§9 (a limit of this node)")
        self._advance()

    def _close(self, expected: str) -> None:
        self._take(")", expected, "§9.3")
        self._depth -= 1

    def _expected(self, expected: str, section: str, hint: str = "") -> InvalidPattern:
        token = self._token
        if not hint and token.text.upper() != token.text and token.text.upper() in _CAPITALS:
            hint = f"Keywords are written in capitals: {token.text.upper()}."
        return self._fault(token, f"expected {expected} but found {words_of(token)}", section, hint)

    def _fault(self, token: Token, problem: str, section: str, hint: str = "") -> InvalidPattern:
        return fault(self._text, token.start, problem, section, hint)


_CAPITALS = frozenset(
    {"AND", "OR", "NOT", "FOLLOWEDBY", "IN", "EXISTS", "STOP", "SECONDS", "TIMES"} | _QUALIFIERS | _TEXT_TESTS
)


def _observations(junction: Junction, operands: list[ObservationExpression]) -> ObservationExpression:
    return operands[0] if len(operands) == 1 else JoinedObservations(junction, tuple(operands))


def _comparisons(junction: Junction, operands: list[ComparisonExpression]) -> ComparisonExpression:
    return operands[0] if len(operands) == 1 else JoinedComparisons(junction, tuple(operands))


def _algorithm_of(path: ObjectPath) -> str | None:
    """The hash algorithm whose values are under that path, where its length is known."""
    if "hashes" not in path.steps:
        return None
    last = path.steps[-1]
    name = last.upper().replace("-", "") if isinstance(last, str) else ""
    return name if name in _HEX_DIGITS else None


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(r"\1", text[1:-1])


def _read(token: Token) -> Constant:
    kind, text = token.kind, token.text
    if kind == "string":
        return Constant(ConstantKind.STRING, _unescaped(text))
    if kind == "integer":
        return Constant(ConstantKind.INTEGER, int(text))
    if kind == "float":
        return Constant(ConstantKind.FLOAT, float(text))
    if kind == "timestamp":
        return Constant(ConstantKind.TIMESTAMP, text[2:-1])
    if kind == "hex":
        return Constant(ConstantKind.HEX, bytes.fromhex(text[2:-1]))
    if kind == "binary":
        return Constant(ConstantKind.BINARY, b64decode(text[2:-1]))
    return Constant(ConstantKind.BOOLEAN, kind == "true")


def _hint_for(token: Token, wanted: str) -> str:
    """What people who write this usually meant."""
    if wanted == "constant" and token.kind in ("name", "hyphened"):
        return "A string stands between single quotes, booleans are true and false."
    if (wanted == "property" and token.kind in ("hyphened", "integer", "float")) or token.kind in KEYWORDS:
        return "A hyphen, a leading digit or the word of an operator in a key needs quotes: file:hashes.'SHA-256'."
    return ""
