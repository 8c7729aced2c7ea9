"""What is wrong with the text of a policy is told with its line, its column, the rule and what to do."""

import pytest
from tests.release_world import floor_of, policy_of

from comity.errors import InvalidPolicy
from comity.node.policies import policy_texts
from comity.release.policy import compile_policy, load_floor
from comity.release.problems import read_text
from comity.release.text import NESTING_MAX, RULES_MAX, TEXT_MAX, statements_of

FLOOR = floor_of()
HEAD = '@id("a.rule")\n@title("A rule")\n'
WHEN = HEAD + "permit (principal, action, resource)\nwhen {{\n  {0}\n}};\n"
RULE = HEAD + "{0};\n"

MISTAKES: tuple[tuple[str, int, int, str], ...] = (
    (WHEN.format('resource.tpl == Tlp::"clear"'), 5, 12, "`tpl`"),
    (WHEN.format('resource.tlp == Tlp::"grren"'), 5, 24, "grren"),
    (WHEN.format('resource.ours == "yes"'), 5, 3, "Bool and String"),
    (WHEN.format('resource.verified && resource.ours == "yes"'), 5, 24, "Bool and String"),
    (WHEN.format("resource.ours &&"), 6, 1, "`}`"),
    (WHEN.format("resource.type"), 5, 3, "expected Bool"),
    (WHEN.format("principal.nope"), 5, 13, "`nope`"),
    (WHEN.format('Foo::"a" == principal'), 5, 3, "`Foo`"),
    (WHEN.format("resource.ours && principal is Foo"), 5, 33, "`Foo`"),
    (WHEN.format('resource.type.contains("a")'), 5, 3, "expected Set"),
    (WHEN.format("[].contains(1)"), 5, 3, "Empty set"),
    (WHEN.format("resource.sectors.contains(1)"), 5, 3, "Long and String"),
    (WHEN.format("context.later < context.now"), 5, 11, "`later`"),
    (WHEN.format("resource.ours < 1"), 5, 3, "expected Long"),
    (WHEN.format('resource.ours && datetime("soon") < context.now'), 5, 29, "soon"),
    (WHEN.format("resource.type like 5"), 5, 22, "pattern literal"),
    (WHEN.format('1 + "a" == 2'), 5, 3, "expected Long"),
    (WHEN.format("nothing(1)"), 5, 3, "`nothing`"),
    (WHEN.format('resource.ours && unknown("x") == 1'), 5, 20, "unknown()"),
    (WHEN.format("if resource.ours then 1 else 2"), 5, 3, "expected Bool"),
    (WHEN.format('resource.type == "a'), 5, 20, "Invalid token"),
    (WHEN.format("resource.type == 'a'"), 5, 20, "Invalid token"),
    (WHEN.format("resource.ours = true"), 5, 17, "=' is not a valid"),
    (WHEN.format("resource.ours and resource.verified"), 5, 17, "`and`"),
    (WHEN.format("resource..ours"), 5, 12, "`.`"),
    (WHEN.format("(resource.ours"), 6, 1, "`}`"),
    (WHEN.format("resource.ours)"), 5, 16, "`)`"),
    (WHEN.format('context.now.durationSince(datetime("2026-01-01")) > duration("7d")'), 5, 15, "durationSince"),
    (WHEN.format('context.now < datetime("2026-01-01").offset(duration("7d"))'), 5, 40, "offset"),
    (WHEN.format('context.now.toDate() == datetime("2026-01-01")'), 5, 15, "toDate"),
    (WHEN.format('resource == ReleaseClass::"3"'), 5, 29, "single classes"),
    (RULE.format('permit (principal, action == Action::"relase", resource)'), 3, 38, "relase"),
    (RULE.format("permit (principal action, resource)"), 3, 19, "`action`"),
    (RULE.format("allow (principal, action, resource)"), 3, 1, "Invalid policy effect"),
    (RULE.format("permit (principal == ?principal, action, resource)"), 3, 22, "template"),
    (RULE.format('permit (principal == Tlp::"red", action, resource)'), 3, 1, "fits no action"),
    (RULE.format("permit (principal, resource)"), 3, 20, "`resource`"),
    (HEAD + "permit (principal, action, resource)\n", 3, 36, "not ended"),
    (HEAD + "permit (principal, action, resource);;\n", 3, 38, "`;`"),
    (HEAD + '@id("b")\npermit (principal, action, resource);', 3, 2, "Duplicate annotation"),
    ('@title("No name")\npermit (principal, action, resource);', 1, 1, "no @id"),
    ('@id("a.rule")\npermit (principal, action, resource);', 1, 1, "no @title"),
    ('@id("A rule") @title("x")\npermit (principal, action, resource);', 1, 1, "is no @id"),
    ('@id("floor.mine") @title("x")\npermit (principal, action, resource);', 1, 1, "product's own"),
    ('@id("gate.mine") @title("x")\npermit (principal, action, resource);', 1, 1, "product's own"),
    (RULE.format("permit (principal, action, resource)") * 2, 4, 1, "Another rule"),
    (WHEN.format("(" * 40 + "true" + ")" * 40), 5, 34, "nested too deep"),
    (WHEN.format("if true then " * 40 + "true" + " else true" * 40), 5, 406, "nested too deep"),
    (WHEN.format("true && " * 1100 + "true"), 5, 7923, "too deep or too long"),
    (
        RULE.format('permit (principal, action, resource)\nwhen { context.now < datetime("0000-01-01") }'),
        4,
        31,
        "no date",
    ),
)


@pytest.mark.parametrize(("text", "line", "column", "words"), MISTAKES, ids=[w for _, _, _, w in MISTAKES])
def test_a_mistake_is_told_with_its_place(text: str, line: int, column: int, words: str) -> None:
    _, problems = read_text(text, FLOOR.schema, FLOOR.names)
    assert problems
    problem = problems[0]
    assert words in problem.message, problems
    assert (problem.line, problem.column) == (line, column), problem
    assert problem.message.endswith(".")


def test_every_mistake_but_few_has_a_hint() -> None:
    found = [read_text(text, FLOOR.schema, FLOOR.names)[1][0] for text, _, _, _ in MISTAKES]
    assert all(problem.hint for problem in found), [problem.message for problem in found if not problem.hint]


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    _, (problem,) = read_text(WHEN.format("resource.verifed"), FLOOR.schema, FLOOR.names)
    assert problem.hint == "Did you mean verified?"
    assert problem.rule == "a.rule"


def test_every_problem_is_told_not_only_the_first() -> None:
    text = WHEN.format("resource.nope") + WHEN.replace("a.rule", "b.rule").format("resource.ours &&")
    _, problems = read_text(text, FLOOR.schema, FLOOR.names)
    assert [(problem.rule, problem.line) for problem in problems] == [("a.rule", 5), ("b.rule", 12)]


def test_what_would_end_the_process_is_refused_before_it_is_read() -> None:
    for deep in ("(" * 5_000, "[" * 5_000, "if true then " * 5_000, "// \r" + "(" * 5_000):
        _, problems = read_text(WHEN.format(deep), FLOOR.schema, FLOOR.names)
        assert "nested too deep" in problems[0].message


def test_the_deepest_rule_that_is_taken_can_be_read() -> None:
    deep = NESTING_MAX - 1
    _, problems = read_text(WHEN.format("(" * deep + "true" + ")" * deep), FLOOR.schema, FLOOR.names)
    assert problems == []


def test_text_and_rules_are_bounded() -> None:
    _, (problem,) = read_text(" " * (TEXT_MAX + 1), FLOOR.schema, FLOOR.names)
    assert "longer than" in problem.message
    _, (problem,) = read_text(";" * (RULES_MAX + 1), FLOOR.schema, FLOOR.names)
    assert "more than 500 rules" in problem.message


def test_a_semicolon_in_a_text_or_a_comment_ends_no_rule() -> None:
    text = HEAD.replace("A rule", "A; rule") + "// a; comment\npermit (principal, action, resource);"
    (statement,) = statements_of(text)
    assert statement.annotation("title") == "A; rule"
    assert policy_of(text, FLOOR).own[0].title == "A; rule"


def test_a_text_that_is_wrong_makes_no_policy() -> None:
    with pytest.raises(InvalidPolicy, match="`tpl`") as caught:
        compile_policy(FLOOR, MISTAKES[0][0], "")
    assert caught.value.where == "policy:5:12"
    assert caught.value.rule == "a.rule"
    assert caught.value.hint


def test_a_floor_that_permits_is_no_floor() -> None:
    schema, floor = policy_texts()
    with pytest.raises(InvalidPolicy, match="permits"):
        load_floor(schema, floor.replace("forbid (", "permit (", 1))
    with pytest.raises(InvalidPolicy, match=r"not called floor\.…"):
        load_floor(schema, floor.replace("floor.red", "red"))
    with pytest.raises(InvalidPolicy, match="schema of policies"):
        load_floor("entity", floor)
    with pytest.raises(InvalidPolicy, match="no @title"):
        load_floor(schema, floor.replace("@title", "@tittle", 1))
