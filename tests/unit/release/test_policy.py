"""A policy is made only where its cases come out, and each of its rules decides one."""

import pytest
from tests.release_world import floor_of

from comity.errors import InvalidPolicy
from comity.node.policies import starter_texts
from comity.release.policy import CASES_BYTES_MAX, CASES_MAX, check_policy, compile_policy, read_cases, run_cases

FLOOR = floor_of()
TEXT = '@id("a.rule")\n@title("A rule")\npermit (principal, action, resource)\nwhen { resource.ours };\n'
CASE = '[[case]]\nname = "Ours goes"\nobject = { tlp = "clear" }\nexpect = "allow"\nrule = "a.rule"\n'

WRONG: tuple[tuple[str, int, str], ...] = (
    (CASE.replace("allow", "deny"), 2, "expects deny, and it is allowed"),
    (CASE.replace('"a.rule"', '"b.rule"'), 2, "should be decided by b.rule"),
    (CASE.replace("clear", "cleer"), 2, "'cleer' is not a TLP level"),
    (CASE.replace("tlp", "tpl"), 2, "no facet 'tpl'"),
    (CASE.replace("expect", "expects"), 2, "no 'expects'"),
    (CASE.replace('expect = "allow"', ""), 2, "expects nothing"),
    (CASE.replace('"Ours goes"', '""'), 1, "no name"),
    (CASE.replace('{ tlp = "clear" }', "5"), 2, "no object"),
    (CASE.replace('tlp = "clear"', 'type = "report"'), 2, "no `tlp`"),
    (CASE + 'action = "relase"\n', 2, "no action"),
    (CASE + "now = 5\n", 2, "no instant"),
    (CASE + 'recipient = { state = "asleep" }\n', 2, "no State"),
    (CASE + 'recipient = { relation = "friend" }\n', 2, "no Relation"),
    (CASE + 'recipient = { groups = "A" }\n', 2, "no list of texts"),
    (CASE + "recipient = { encrypted = 1 }\n", 2, "no value of that facet"),
    (CASE + "recipient = { country = 1 }\n", 2, "no value of that facet"),
    (CASE + "recipient = { agreement_until = 1 }\n", 2, "no instant"),
    (CASE + 'recipient = { agreement_until = "soon" }\n', 2, "no instant"),
    (CASE.replace("}", ", iep = 5 }"), 2, "no list of tables"),
    (CASE.replace("}", ', iep = [{ attribution = "loud" }] }'), 2, "no IepAttribution"),
    (CASE.replace("}", ', personal = ["shoe size"] }'), 2, "no PersonalData"),
    (CASE + CASE, 2, "Another case"),
    ("[[case]\n", 1, "neither TOML nor JSON"),
    ("{", 1, "neither TOML nor JSON"),
    ("cases = 5\n", 1, "no list of tables"),
    ("case = 5\n", 1, "no list of tables"),
    (" " * (CASES_BYTES_MAX + 1), 1, "longer than"),
    ("[[case]]\n" * (CASES_MAX + 1), 1, "more than"),
)


@pytest.mark.parametrize(("cases", "line", "words"), WRONG, ids=[w for _, _, w in WRONG])
def test_a_case_that_is_wrong_is_told_with_its_line(cases: str, line: int, words: str) -> None:
    policy, problems = check_policy(FLOOR, TEXT, cases)
    assert policy is None
    assert any(words in problem.message and problem.line == line for problem in problems), problems
    assert all(problem.document in ("policy", "cases") for problem in problems)


def test_a_rule_that_decides_no_case_is_named() -> None:
    never = (
        '@id("b.rule")\n@title("Never")\npermit (principal, action, resource) when { resource.ours && !resource.ours };'
    )
    policy, problems = check_policy(FLOOR, TEXT + never, CASE)
    assert policy is None
    assert [(p.rule, p.line, p.message) for p in problems] == [("b.rule", 5, "The rule b.rule decides no case.")]


def test_a_policy_whose_cases_come_out_is_made() -> None:
    policy = compile_policy(FLOOR, TEXT, CASE)
    assert [rule.id for rule in policy.own] == ["a.rule"]
    (outcome,) = run_cases(policy)
    assert (outcome.allowed, outcome.because, outcome.problems) == (True, ("a.rule",), ())
    with pytest.raises(InvalidPolicy, match="There are 1 more"):
        compile_policy(
            FLOOR,
            TEXT,
            CASE.replace("allow", "deny").replace("a.rule", "floor.red")
            + CASE.replace("Ours", "It").replace("allow", "deny"),
        )


def test_cases_may_be_json() -> None:
    cases = (
        '{"case": [{"name": "Until then", "object": {"tlp": "clear", "iep": [{"ends_at": "2026-03-01T00:00:00Z"}]},'
        ' "now": "2026-03-01T00:00:00Z", "expect": "deny", "rule": "floor.iep-dates"},'
        ' {"name": "Before", "object": {"tlp": "clear", "granular": ["red"], "author": "other"}, "expect": "allow"}]}'
    )
    assert read_cases(cases)[1] == []
    assert compile_policy(FLOOR, TEXT, cases).cases[1].object.author == "other"


def test_the_digest_is_of_what_is_said_not_of_how_it_is_written() -> None:
    plain = compile_policy(FLOOR, TEXT, CASE).digest
    assert plain.startswith("sha256:")
    assert compile_policy(FLOOR, "// a comment\n" + TEXT.replace("\n", "  \n"), CASE).digest == plain
    assert compile_policy(FLOOR, TEXT.replace("A rule", "Another"), CASE).digest != plain
    assert compile_policy(FLOOR, TEXT, CASE.replace("Ours", "It")).digest != plain


@pytest.mark.parametrize("name", starter_texts())
def test_every_starter_is_sound(name: str) -> None:
    text, cases = starter_texts()[name]
    policy, problems = check_policy(FLOOR, text, cases)
    assert problems == []
    assert policy is not None
    assert policy.cases
