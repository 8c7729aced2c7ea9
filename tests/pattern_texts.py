"""Pattern texts made by chance: by the grammar of STIX 2.1 section 9, and spoilt; and a tree written back as text."""

from base64 import b64encode
from random import Random

from comity.stix.pattern_tree import (
    ANY_INDEX,
    Comparison,
    ComparisonExpression,
    Constant,
    ConstantKind,
    JoinedComparisons,
    JoinedObservations,
    ObjectPath,
    Observation,
    ObservationExpression,
    Operator,
    Qualified,
    Qualifier,
    Repeats,
    StartStop,
)

TYPES = ("file", "ipv4-addr", "x-usb-device", "_t", "domain-name", "A1", "network-traffic")
NAMES = ("name", "value", "size", "b", "h", "t", "hashes", "MD5", "x_y", "SHA256")
KEYS = ("'SHA-256'", "'MD5'", r"'it\'s'", r"'a\\b'", "''", "'windows-pebinary-ext'", "'a//b'", "'a 5 b'")
STRINGS = (
    "",
    "a",
    "x y",
    r"C:\\Windows",
    r"it\'s",
    "é 漢",
    "/*",
    "// no comment",
    "5",
    "] AND [",
    "a\nb",
    "\x01",
    "''",
)
HEX = "0123456789abcdefABCDEF"
SPACES = ("", " ", "  ", "\n", "\t", "\u3000", "/* c */", "/* ' */", "// it's\n")
NUMBERS = ("0", "1", "5", "42", "+7", "-3", "1.5", ".5", "-0.25", "00.5", "1234567890123456789012")
TIMES = ("t'2014-01-13T07:03:17Z'", "t'2016-02-29T23:59:60.123456789Z'", "t'0001-01-01T00:00:00.0Z'")
INSERTS = (*"'\"\\[]()*.,:=<>!+-0175tbhax \n\x01é/", "''", "\\'", "\\\\", "/*", "*/", "//", " AND ", " OR ", " NOT ")
WORDS = (
    " IN ",
    " FOLLOWEDBY ",
    " WITHIN 5 SECONDS",
    " REPEATS 0 TIMES",
    "t'",
    "h'",
    "b'",
    ".'k'",
    "[0]",
    "true",
    " 1 ",
)


def text_of(rng: Random) -> str:
    """A text that keeps the grammar but for what is said of hashes and of zeros."""
    return _observations(rng, rng.randrange(4))


def spoilt(rng: Random, text: str) -> str:
    """The text with one to three small changes, mostly no pattern any more."""
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(text) + 1)
        change = rng.randrange(4)
        if change == 0:
            text = text[:at] + rng.choice(INSERTS + WORDS) + text[at:]
        elif change == 1:
            text = text[:at] + text[at + rng.randrange(1, 4) :]
        elif change == 2:
            text = text[:at] + rng.choice(INSERTS) + text[at + 1 :]
        else:
            other = rng.randrange(len(text) + 1)
            low, high = min(at, other), max(at, other)
            text = text[:low] + text[high:] if rng.random() < 0.5 else text[:high] + text[low:]
    return text


def _observations(rng: Random, depth: int) -> str:
    parts = [_observation(rng, depth)]
    while rng.random() < 0.35:
        parts += [rng.choice(("AND", "OR", "FOLLOWEDBY")), _observation(rng, depth)]
    return f"{_space(rng)} ".join(parts)


def _observation(rng: Random, depth: int) -> str:
    if depth and rng.random() < 0.3:
        text = "(" + _space(rng) + _observations(rng, depth - 1) + ")"
    else:
        text = "[" + _space(rng) + _comparisons(rng, depth) + _space(rng) + "]"
    for qualifier in rng.sample(("WITHIN", "REPEATS", "START"), rng.choice((0, 0, 0, 1, 2))):
        if qualifier == "WITHIN":
            text += f" WITHIN {rng.choice(('0', '5', '300', '0.5', '+1.25'))} SECONDS"
        elif qualifier == "REPEATS":
            text += f" REPEATS {rng.choice(('0', '1', '2', '+3'))} TIMES"
        else:
            text += f" START {rng.choice(TIMES)} STOP {rng.choice(TIMES)}"
    return text


def _comparisons(rng: Random, depth: int) -> str:
    parts = [_comparison(rng, depth)]
    while rng.random() < 0.35:
        parts += [rng.choice(("AND", "OR")), _comparison(rng, depth)]
    return f" {_space(rng)}".join(parts)


def _comparison(rng: Random, depth: int) -> str:
    if depth and rng.random() < 0.2:
        return f"({_comparisons(rng, depth - 1)})"
    path = _path(rng)
    negation = rng.choice(("", "", " NOT"))
    operator = rng.randrange(10)
    if operator == 0:
        return f"{negation} EXISTS {path}"
    if operator == 1:
        constants = ",".join(_constant(rng, path) for _ in range(rng.randrange(4)))
        return f"{path}{negation} IN ({constants})"
    if operator == 2:
        test = rng.choice(("LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET"))
        return f"{path}{negation} {test}{_space(rng)}'{rng.choice(STRINGS)}'"
    if operator == 3:
        constant = _constant(rng, path)
        return f"{path}{negation}{_space(rng)}{rng.choice(('<', '<=', '>', '>='))}{constant}"
    return f"{path}{negation}{_space(rng)}{rng.choice(('=', '=', '=', '==', '!=', '<>'))} {_constant(rng, path)}"


def _path(rng: Random) -> str:
    if rng.random() < 0.25:
        return f"file:hashes.{rng.choice(('MD5', 'md5', chr(39) + 'SHA-256' + chr(39), 'SSDEEP', 'OTHER'))}"
    text = f"{rng.choice(TYPES)}:{rng.choice(NAMES + KEYS)}"
    while rng.random() < 0.3:
        text += rng.choice((f".{rng.choice(NAMES + KEYS)}", "[*]", "[0]", "[17]", f".{_space(rng)}{rng.choice(KEYS)}"))
    return text


def _constant(rng: Random, path: str) -> str:
    if "hashes." in path and rng.random() < 0.8:
        return "'" + "".join(rng.choices(HEX, k=rng.choice((32, 32, 64, 64, 31)))) + "'"
    kind = rng.randrange(8)
    if kind < 3:
        return f"'{rng.choice(STRINGS)}'"
    if kind < 5:
        return rng.choice(NUMBERS)
    return rng.choice((rng.choice(TIMES), "h'00fF'", "h''", "b'AQ=='", "b'YWI='", "b'YWJj'", "true", "false"))


def _space(rng: Random) -> str:
    return rng.choice(SPACES) if rng.random() < 0.1 else ""


# A tree as text


def written(expression: ObservationExpression) -> str:
    """A text whose tree is `expression`; every group is in brackets."""
    if isinstance(expression, Observation):
        return f"[{_written_comparison(expression.comparison)}]"
    if isinstance(expression, JoinedObservations):
        return "(" + f" {expression.junction} ".join(written(operand) for operand in expression.operands) + ")"
    assert isinstance(expression, Qualified)
    return " ".join([f"({written(expression.expression)})", *map(_written_qualifier, expression.qualifiers)])


def _written_qualifier(qualifier: Qualifier) -> str:
    if isinstance(qualifier, Repeats):
        return f"REPEATS {qualifier.times} TIMES"
    if isinstance(qualifier, StartStop):
        return f"START t'{qualifier.start}' STOP t'{qualifier.stop}'"
    return f"WITHIN {qualifier.seconds} SECONDS"


def _written_comparison(expression: ComparisonExpression) -> str:
    if isinstance(expression, JoinedComparisons):
        return "(" + f" {expression.junction} ".join(map(_written_comparison, expression.operands)) + ")"
    assert isinstance(expression, Comparison)
    path = _written_path(expression.path)
    negation = "NOT " if expression.negated else ""
    constants = ", ".join(map(_written_constant, expression.constants))
    if expression.operator is Operator.EXISTS:
        return f"{negation}EXISTS {path}"
    if expression.operator is Operator.IN:
        return f"{path} {negation}IN ({constants})"
    return f"{path} {negation}{expression.operator} {constants}"


def _written_path(path: ObjectPath) -> str:
    steps = ""
    for step in path.steps:
        if isinstance(step, str):
            steps += f".{_quoted(step)}"
        else:
            steps += "[*]" if step is ANY_INDEX else f"[{step}]"
    return f"{path.type}:{steps[1:]}"


def _written_constant(constant: Constant) -> str:
    value = constant.value
    if isinstance(value, bytes):
        if constant.kind is ConstantKind.HEX:
            return f"h'{value.hex()}'"
        return f"b'{b64encode(value).decode()}'"
    if constant.kind is ConstantKind.TIMESTAMP:
        return f"t'{value}'"
    return _quoted(value) if isinstance(value, str) else str(value).lower()


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", r"\\").replace("'", r"\'") + "'"
