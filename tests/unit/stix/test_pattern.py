"""The pattern grammar by named cases: trees, precedence, and errors that a person can act on."""

import pickle
import re

import pytest

from comity.errors import InvalidPattern
from comity.stix.pattern import PATTERN_CHARS_MAX, SHAPE_CHARS_MAX, ShapeCache, check, parse
from comity.stix.pattern_lexer import KEYWORDS, NUMBER_CHARS_MAX
from comity.stix.pattern_parser import DEPTH_MAX
from comity.stix.pattern_tree import (
    ANY_INDEX,
    Comparison,
    Constant,
    ConstantKind,
    JoinedComparisons,
    JoinedObservations,
    Junction,
    ObjectPath,
    Observation,
    ObservationExpression,
    Operator,
    Qualified,
    Repeats,
    StartStop,
    Within,
)

MD5 = "0a" * 16


def tree(text: str) -> ObservationExpression:
    return parse(text).expression


def comparison(text: str) -> Comparison:
    expression = tree(f"[{text}]")
    assert isinstance(expression, Observation)
    assert isinstance(expression.comparison, Comparison)
    return expression.comparison


def constant(text: str) -> Constant:
    return comparison(f"a:b = {text}").constants[0]


def fault(text: str) -> InvalidPattern:
    with pytest.raises(InvalidPattern) as raised:
        parse(text)
    return raised.value


def test_a_simple_pattern_is_a_small_tree() -> None:
    pattern = parse("[ipv4-addr:value = '198.51.100.1']")
    path = ObjectPath("ipv4-addr", ("value",))
    string = Constant(ConstantKind.STRING, "198.51.100.1")
    assert pattern.text == "[ipv4-addr:value = '198.51.100.1']"
    assert pattern.expression == Observation(Comparison(path, Operator.EQUAL, (string,)))


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("true", ConstantKind.BOOLEAN, True),
        ("false", ConstantKind.BOOLEAN, False),
        ("0", ConstantKind.INTEGER, 0),
        ("+7", ConstantKind.INTEGER, 7),
        ("-3", ConstantKind.INTEGER, -3),
        ("18446744073709551617", ConstantKind.INTEGER, 18446744073709551617),
        (".5", ConstantKind.FLOAT, 0.5),
        ("-00.25", ConstantKind.FLOAT, -0.25),
        ("''", ConstantKind.STRING, ""),
        (r"'it\'s C:\\ \\\''", ConstantKind.STRING, r"it's C:\ \'"),
        ("'two\nlines 漢'", ConstantKind.STRING, "two\nlines 漢"),
        ("'// no comment /*'", ConstantKind.STRING, "// no comment /*"),
        ("t'2016-12-31T23:59:60.1230Z'", ConstantKind.TIMESTAMP, "2016-12-31T23:59:60.1230Z"),
        ("t'2000-02-29T00:00:00Z'", ConstantKind.TIMESTAMP, "2000-02-29T00:00:00Z"),
        ("h'ffD8'", ConstantKind.HEX, b"\xff\xd8"),
        ("h''", ConstantKind.HEX, b""),
        ("b'AQIDBA=='", ConstantKind.BINARY, b"\x01\x02\x03\x04"),
        ("b'YWI='", ConstantKind.BINARY, b"ab"),
        ("b'YWJj'", ConstantKind.BINARY, b"abc"),
    ],
)
def test_a_constant_has_the_kind_and_the_value_of_its_text(text: str, kind: ConstantKind, value: object) -> None:
    assert constant(text) == Constant(kind, value)  # type: ignore[arg-type]
    assert type(constant(text).value) is type(value)


@pytest.mark.parametrize(
    ("text", "operator", "count", "negated"),
    [
        ("a:b = 1", Operator.EQUAL, 1, False),
        ("a:b == 1", Operator.EQUAL, 1, False),
        ("a:b != 1", Operator.NOT_EQUAL, 1, False),
        ("a:b <> 1", Operator.NOT_EQUAL, 1, False),
        ("a:b NOT = 1", Operator.EQUAL, 1, True),
        ("a:b < 1", Operator.LESS, 1, False),
        ("a:b <= 1", Operator.LESS_OR_EQUAL, 1, False),
        ("a:b NOT > 1", Operator.GREATER, 1, True),
        ("a:b >= t'2020-01-01T00:00:00Z'", Operator.GREATER_OR_EQUAL, 1, False),
        ("a:b IN ()", Operator.IN, 0, False),
        ("a:b NOT IN (1, 'x', true)", Operator.IN, 3, True),
        ("a:b LIKE 'a%'", Operator.LIKE, 1, False),
        ("a:b NOT MATCHES'^a$'", Operator.MATCHES, 1, True),
        ("a:b ISSUBSET '198.51.100.0/24'", Operator.ISSUBSET, 1, False),
        ("a:b ISSUPERSET '198.51.100.0/24'", Operator.ISSUPERSET, 1, False),
        ("EXISTS a:b", Operator.EXISTS, 0, False),
        ("NOT EXISTS a:b", Operator.EXISTS, 0, True),
    ],
)
def test_every_operator_is_read(text: str, operator: Operator, count: int, negated: bool) -> None:
    read = comparison(text)
    assert (read.path, read.operator, len(read.constants), read.negated) == (
        ObjectPath("a", ("b",)),
        operator,
        count,
        negated,
    )


def test_a_path_has_names_keys_indices_and_any_item() -> None:
    path = comparison(r"file:extensions.'a-b'.sections[*][12]['k'.c = 1".replace("['k'", r".'it\'s'")).path
    assert path == ObjectPath("file", ("extensions", "a-b", "sections", ANY_INDEX, 12, "it's", "c"))
    assert comparison("a:'first key' . c = 1").path.steps == ("first key", "c")


def test_chains_are_flat_and_and_binds_closer_than_or_closer_than_followedby() -> None:
    a, b, c, d = (tree(f"[{letter}:x = 1]") for letter in "abcd")
    text = "[a:x = 1] AND [b:x = 1] OR [c:x = 1] FOLLOWEDBY [d:x = 1] AND [a:x = 1]"
    both = JoinedObservations(Junction.AND, (a, b))
    either = JoinedObservations(Junction.OR, (both, c))
    assert tree(text) == JoinedObservations(Junction.FOLLOWEDBY, (either, JoinedObservations(Junction.AND, (d, a))))
    assert tree("[a:x = 1] FOLLOWEDBY [b:x = 1] FOLLOWEDBY [c:x = 1]") == JoinedObservations(
        Junction.FOLLOWEDBY, (a, b, c)
    )


def test_brackets_change_what_binds() -> None:
    flat = tree("[a:x = 1 OR b:x = 1 AND c:x = 1]")
    grouped = tree("[(a:x = 1 OR b:x = 1) AND c:x = 1]")
    assert isinstance(flat, Observation)
    assert isinstance(grouped, Observation)
    assert isinstance(flat.comparison, JoinedComparisons)
    assert isinstance(grouped.comparison, JoinedComparisons)
    assert flat.comparison.junction is Junction.OR
    assert grouped.comparison.junction is Junction.AND
    assert flat == tree("[(a:x = 1) OR (b:x = 1 AND c:x = 1)]")


def test_a_qualifier_binds_to_the_nearest_expression() -> None:
    a, b = tree("[a:x = 1]"), tree("[b:x = 1]")
    qualified = Qualified(b, (Within(300),))
    assert tree("[a:x = 1] AND [b:x = 1] WITHIN 300 SECONDS") == JoinedObservations(Junction.AND, (a, qualified))
    both = JoinedObservations(Junction.AND, (a, b))
    assert tree("([a:x = 1] AND [b:x = 1]) WITHIN 0.5 SECONDS") == Qualified(both, (Within(0.5),))


def test_several_qualifiers_stand_in_the_order_of_the_text() -> None:
    text = "[a:x = 1] REPEATS 5 TIMES WITHIN 1800 SECONDS START t'2020-01-01T00:00:00Z' STOP t'2021-01-01T00:00:00.5Z'"
    times = StartStop("2020-01-01T00:00:00Z", "2021-01-01T00:00:00.5Z")
    assert tree(text) == Qualified(tree("[a:x = 1]"), (Repeats(5), Within(1800), times))
    assert tree("([a:x = 1]) WITHIN 5 SECONDS WITHIN 6 SECONDS") == Qualified(tree("[a:x = 1]"), (Within(5), Within(6)))


def test_space_and_comments_may_stand_between_any_two_tokens() -> None:
    text = "/* a */[\u3000a : b/* ' */. 'c'\n[ * ]// it's\n=\t1 ]\n// the end"
    assert tree(text) == tree("[a:b.'c'[*]=1]")


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("", "line 1, column 1", "expected an observation, which begins with '[', but found the end of the pattern"),
        ("file:size = 1280", "line 1, column 1", "found the name file"),
        ("[file:size = ]", "line 1, column 14", "expected a constant after = but found ']'"),
        ("[file.size = 1]", "line 1, column 6", "expected ':' and a property after the object type file"),
        ("[a:b = 1", "line 1, column 9", "AND, OR or the closing ']' but found the end of the pattern"),
        ("[a:b = 1]\n]", "line 2, column 1", "expected AND, OR, FOLLOWEDBY, a qualifier or the end"),
        ("[a:b = 1] and [a:b = 1]", "line 1, column 11", "found the name and"),
        ("([a:b = 1]", "line 1, column 11", "the closing ')'"),
        ("[(a:b = 1]", "line 1, column 10", "expected AND, OR or the closing ')'"),
        ("[a:b-c = 1]", "line 1, column 4", "expected the name of a property but found the name b-c"),
        ("[a:b[-1] = 1]", "line 1, column 6", "an index of 0 or more, or *, in the square brackets"),
        ("[a:b[0 = 1]", "line 1, column 8", "the closing ']' of the index"),
        ("[a:b ? 1]", "line 1, column 6", "the character '?' cannot stand here"),
        ("[a:b 1]", "line 1, column 6", "expected a comparison operator but found the number 1"),
        ("[a:b NOT EXISTS]", "line 1, column 10", "expected a comparison operator but found 'EXISTS'"),
        ("[NOT a:b = 1]", "line 1, column 6", "expected EXISTS"),
        ("[a:b < true]", "line 1, column 8", "a constant that has an order after <"),
        ("[a:b LIKE 5]", "line 1, column 11", "a string after LIKE"),
        ("[a:b IN 5]", "line 1, column 9", "a set in round brackets after IN"),
        ("[a:b IN (5 6)]", "line 1, column 12", "a comma or the closing ')' of the set"),
        ("[a:b IN (5,)]", "line 1, column 12", "a constant after the comma"),
        ("[a:b = 007]", "line 1, column 8", "the integer 007 has a leading zero"),
        ("[a:b = 'x]", "line 1, column 8", "this string has no closing quote"),
        (r"[a:b = 'x\n']", "line 1, column 10", r"only \\ and \' may follow a backslash"),
        ("[a:b = /* x", "line 1, column 8", "this comment has no end"),
        ('[a:b = "x"]', "line 1, column 8", "the character '\"' cannot stand here"),
        ("[a:b = t'2023-02-29T00:00:00Z']", "line 1, column 8", "names a day that does not exist"),
        ("[a:b = t'1900-02-29T00:00:00Z']", "line 1, column 8", "names a day that does not exist"),
        ("[a:b = t'2023-04-31T00:00:00Z']", "line 1, column 8", "names a day that does not exist"),
        ("[a:b = t'2023-01-01 00:00:00Z']", "line 1, column 8", "is not a timestamp such as"),
        ("[a:b = h'abc']", "line 1, column 8", "is not pairs of hex digits"),
        ("[a:b = b'====']", "line 1, column 8", "is not base64"),
        ("[a:b = b'']", "line 1, column 8", "is not base64"),
        ("[a:b = 1] WITHIN 0 SECONDS", "line 1, column 18", "a number greater than 0 after WITHIN"),
        ("[a:b = 1] WITHIN -5 SECONDS", "line 1, column 18", "a number greater than 0 after WITHIN"),
        ("[a:b = 1] WITHIN 5 HOURS", "line 1, column 20", "expected SECONDS but found the name HOURS"),
        ("[a:b = 1] REPEATS 0 TIMES", "line 1, column 19", "a whole number of 1 or more after REPEATS"),
        ("[a:b = 1] REPEATS 1.5 TIMES", "line 1, column 19", "a whole number of 1 or more after REPEATS"),
        ("[a:b = 1] START '2020-01-01T00:00:00Z'", "line 1, column 17", "a timestamp after START"),
        ("[a:b = 1] WITHIN 5 SECONDS WITHIN 6 SECONDS", "line 1, column 28", "a second WITHIN stands on one"),
        ("[file:hashes.MD5 = 'f00']", "line 1, column 20", "'f00' is no MD5 hash, which has 32 hex digits"),
        ("[file:hashes.'SHA-256' IN ('f00')]", "line 1, column 28", "is no SHA256 hash, which has 64"),
        (f"[file:hashes.MD5 = '{'x' * 32}']", "line 1, column 20", "is no MD5 hash"),
        ("[file:hashes.MD5 = 5]", "line 1, column 20", "5 is no MD5 hash"),
    ],
)
def test_a_fault_names_the_place_and_what_was_expected(text: str, where: str, message: str) -> None:
    error = fault(text)
    assert error.where == where
    assert message in error.message
    assert error.message.startswith("The pattern is not valid: ")
    assert re.match(r"STIX 2\.1 §\d", error.rule)
    assert "\n" not in error.message


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[a:b = 1] and [a:b = 1]", "capitals: AND"),
        ("[a:b in (1)]", "capitals: IN"),
        ("[a:b = 1] within 5 SECONDS", "capitals: WITHIN"),
        ("[a:b = abc]", "between single quotes"),
        ("[file:hashes.SHA-256 = 'x']", "file:hashes.'SHA-256'"),
        ("[a:START = 1]", "needs quotes"),
        ('[a:b = "x"]', "single straight quotes"),
        ("[file.size = 1]", "file:size"),
        ("[a:b = 1] START '2020-01-01T00:00:00Z'", "t'2014-01-13T07:03:17Z'"),
    ],
)
def test_what_is_often_meant_is_hinted_at(text: str, hint: str) -> None:
    assert hint in fault(text).hint


@pytest.mark.parametrize("word", sorted(KEYWORDS))
def test_a_keyword_is_no_name_without_quotes(word: str) -> None:
    fault(f"[{word}:b = 1]")
    fault(f"[a:{word} = 1]")
    assert comparison(f"a:'{word}' = 1").path.steps == (word,)


def test_a_hash_is_looked_at_only_where_its_length_is_known() -> None:
    for path in ("file:hashes.SSDEEP", "file:hashes[*]", "file:hashes[0]", "file:hashes", "file:name", "file:MD5"):
        assert check(f"[{path} = 'no hash']") is None
    for test in ("LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET"):
        assert check(f"[file:hashes.MD5 {test} 'f00']") is None
    assert check(f"[file:hashes.'md5' IN ('{MD5}', '{MD5.upper()}')]") is None


def test_brackets_are_taken_to_a_depth_and_no_further() -> None:
    def deep(count: int) -> str:
        return "(" * count + "[a:b = 1]" + ")" * count

    parse(deep(DEPTH_MAX))
    assert f"more than {DEPTH_MAX} deep" in fault(deep(DEPTH_MAX + 1)).message
    mixed = "(" * 30 + "[" + "(" * 30 + "a:b = 1" + ")" * 30 + "]" + ")" * 30
    assert f"more than {DEPTH_MAX} deep" in fault(mixed).message
    parse("([a:b = 1])" + " OR ([a:b = 1])" * 500)  # Brackets that are closed again do not add up.


def test_the_deepest_tree_can_be_compared_hashed_shown_and_pickled() -> None:
    text = "[a:b = 1]"
    for _ in range(DEPTH_MAX):
        text = f"({text}) WITHIN 5 SECONDS AND [a:b = 1] OR [a:b = 1] FOLLOWEDBY [a:b = 1]"
    pattern = parse(text)
    assert pattern == parse(text)
    assert hash(pattern) == hash(parse(text))
    assert pickle.loads(pickle.dumps(pattern)) == pattern  # noqa: S301
    assert len(repr(pattern)) > len(text)


@pytest.mark.slow
def test_a_long_chain_is_one_node() -> None:
    expression = tree(" OR ".join(["[a:b = 1]"] * 5000))
    assert isinstance(expression, JoinedObservations)
    assert len(expression.operands) == 5000


def test_a_text_is_taken_to_a_length_and_no_further() -> None:
    def long(count: int) -> str:
        return "[a:b = '" + "x" * (count - 10) + "']"

    parse(long(PATTERN_CHARS_MAX))
    assert check(long(PATTERN_CHARS_MAX)) is None
    assert f"{PATTERN_CHARS_MAX + 1:,} characters" in fault(long(PATTERN_CHARS_MAX + 1)).message
    assert check(long(PATTERN_CHARS_MAX + 1)) is not None


def test_a_number_is_taken_to_a_length_and_no_further() -> None:
    assert constant("9" * NUMBER_CHARS_MAX).value == 10**NUMBER_CHARS_MAX - 1
    assert constant("9" * (NUMBER_CHARS_MAX - 2) + ".5").value < float("inf")  # type: ignore[operator]
    assert "longer than" in fault(f"[a:b = {'9' * (NUMBER_CHARS_MAX + 1)}]").message


def test_a_message_stays_short_and_printable_whatever_is_sent() -> None:
    assert len(fault(f"[a:b = '{'x' * 100_000}' 1]").message) < 200
    assert len(fault(f"[a:b 'x\x00{'y' * 100_000}']").message) < 300
    assert fault("[a:b '\x1b[31m']").message.isprintable()


# The quick check


def test_patterns_of_one_shape_are_parsed_once() -> None:
    shapes = ShapeCache()
    texts = [
        "[ipv4-addr:value = '198.51.100.1']",
        "[ipv4-addr:value = '']",
        r"[ipv4-addr:value = 'it\'s \\']",
        "[ipv4-addr:value = '// [/* x']",
    ]
    assert [check(text, shapes) for text in texts] == [None] * 4
    assert len(shapes) == 1
    for port in (1, 443, 65535):
        assert check(f"[network-traffic:dst_port = {port}]", shapes) is None
    assert len(shapes) == 2


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("[a:b = 'x']", r"[a:b = 'x\n']"),
        ("[a:b = 'x']", r"[a\\:b = 'x']"),
        ("[a:b = 'x']", "[a\x01:b = 'x']"),
        ("[a:b = 'x']", "[a:b = 5 = 'x']"),
        ("[a:b = 5]", "[a:b = 05]"),
        ("[a:b LIKE 'x']", "[a:b LIKE 5]"),
        ("[a:b = 1] WITHIN 5 SECONDS", "[a:b = 1] WITHIN 0 SECONDS"),
        ("[a:b = 1] REPEATS 5 TIMES", "[a:b = 1] REPEATS 0 TIMES"),
        ("[a:b = 1] WITHIN 5 SECONDS", "[a:b = 1] WITHIN 'x' SECONDS"),
        (f"[file:hashes.MD5 = '{MD5}']", "[file:hashes.MD5 = 'x']"),
        (f"[file:hashes.MD5 = '{MD5}']", f"[file:hashes.MD5 = '{MD5}\\'']"),
        (f"[file:hashes.'MD5' = '{MD5}']", "[file:hashes.'MD5' = 'x']"),
        ("[file:hashes. 'SSDEEP' = 'x']", "[file:hashes. 'MD5' = 'x']"),
        ("[file: 'hashes'.MD6 = 'x']", "[file: 'hashes'.MD5 = 'x']"),
        (f"[a:b = 'x' AND file:hashes.MD5 IN ('{MD5}','{MD5}')]", f"[a:b = 'x' AND file:hashes.MD5 IN ('{MD5}','')]"),
        ("[a:b = t'2020-01-01T12:17:30Z']", "[a:b = t'2020-01-01T12:99:30Z']"),
        ("[a:b = h'ff']", "[a:b = h'fg']"),
        ("[a:b = b'YWI=']", "[a:b = b'YWI']"),
        ("/* ' */ [a:b = ' ' /* */]", "/* ' */ [a:b = 'x' /* */ y]"),
        ("[a:b = 1 // it's '\n]", "[a:b = 1 // it's \n ']"),
        ("[a:b = 'x' AND c:d = 'y']", "[a:b = 'x AND c:d = 'y']"),
    ],
)
def test_a_known_shape_hides_no_fault(good: str, bad: str) -> None:
    shapes = ShapeCache()
    assert check(good, shapes) is None
    for _ in range(2):
        error = check(bad, shapes)
        assert error is not None
        assert (error.where, error.message) == (fault(bad).where, fault(bad).message)


def test_the_cache_holds_no_more_than_it_may_and_keeps_what_is_used() -> None:
    shapes = ShapeCache(8)
    for number in range(100):
        assert check(f"[a:b{number}x = 1]", shapes) is None
        assert check("[a:b = 1]", shapes) is None
        assert len(shapes) <= 8
    assert shapes.get("[a:b = 1]") == ()
    assert shapes.get("[a:b0x = 1]") is None
    check(f"[a:{'b' * SHAPE_CHARS_MAX} = 1]", shapes)
    assert shapes.get(f"[a:{'b' * SHAPE_CHARS_MAX} = 1]") is None


def test_an_error_of_the_check_holds_no_frames() -> None:
    error = check("[")
    assert error is not None
    assert error.__traceback__ is None
