"""`comity policy` on files, as a person and as a script use it."""

from pathlib import Path

import pytest
from tests.commands import inside

from comity.node.policies import starter_texts

pytestmark = pytest.mark.slow
TEXT = '@id("a.rule")\n@title("A rule")\npermit (principal, action, resource)\nwhen { resource.ours };\n'
CASES = '[[case]]\nname = "Ours goes"\nobject = { tlp = "clear" }\nexpect = "allow"\nrule = "a.rule"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A policy that holds, with its cases beside it."""
    (tmp_path / "p.cedar").write_text(TEXT, encoding="utf-8")
    (tmp_path / "p.toml").write_text(CASES, encoding="utf-8")
    return tmp_path / "p.cedar"


def test_a_policy_that_holds_is_told_with_its_digest(file: Path) -> None:
    told = inside("policy", "check", file, "--json")
    assert told.code == 0
    assert (told.json["rules"], told.json["cases"], told.json["problems"]) == (1, 1, [])
    assert told.json["digest"] in inside("policy", "check", file).out


def test_a_mistake_is_told_with_file_line_and_column(file: Path) -> None:
    file.write_text(TEXT.replace("ours", "ous"), encoding="utf-8")
    told = inside("policy", "check", file, "--json")
    assert told.code == 5
    (problem,) = told.json["problems"]
    assert (problem["line"], problem["column"], problem["hint"]) == (4, 17, "Did you mean ours?")
    assert inside("policy", "check", file).out.startswith(f"{file}:4:17: ")
    assert inside("policy", "test", file, "--json").code == 5
    assert inside("policy", "diff", file, file, "--json").json["error"]["code"] == "invalid-policy"


def test_cases_are_tried_one_by_one(file: Path) -> None:
    told = inside("policy", "test", file, "--json")
    assert told.json["cases"] == [{"name": "Ours goes", "passed": True, "decision": "allow", "rules": ["a.rule"]}]
    other = file.with_name("other.toml")
    other.write_text(CASES.replace("allow", "deny"), encoding="utf-8")
    told = inside("policy", "test", file, "--cases", other)
    assert told.code == 5
    assert told.out.startswith("failed\tOurs goes: allow by a.rule")


def test_the_difference_of_two_policies_is_listed(file: Path) -> None:
    new = file.with_name("new.cedar")
    new.write_text(TEXT.replace("resource.ours", 'resource.ours && resource.tlp == Tlp::"clear"'), encoding="utf-8")
    new.with_suffix(".json").write_text('{"case": []}', encoding="utf-8")
    told = inside("policy", "diff", file, new, "--json").json
    assert told["widened"] == 0
    assert told["narrowed"] == len(told["cells"]) > 0
    assert inside("policy", "diff", new, file, "--cases", file.with_suffix(".toml")).out.startswith("widened\t")


@pytest.mark.parametrize("name", starter_texts())
def test_every_starter_holds_as_it_is_written(tmp_path: Path, name: str) -> None:
    names = ("--community", "eu-csirts", "--partner", "cert-b", "--to", tmp_path / "s.cedar")
    assert inside("policy", "starters", name, *names).code == 0
    assert inside("policy", "check", tmp_path / "s.cedar").code == 0
    assert inside("policy", "starters", name, *names).code == 6
    assert inside("policy", "starters", name, "--json").json["policy"] == starter_texts()[name][0]
    assert name in inside("policy", "starters").out
    assert inside("policy", "starters", "another").code == 3


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.cedar").write_bytes(b"\xff")
    assert inside("policy", "check", tmp_path / "p.cedar", "--json").json["error"]["code"] == "invalid-policy"
    assert inside("policy", "check", tmp_path / "none.cedar").code == 3
