"""The page on policies names every facet, word, action and rule that there is, and no other."""

import re

from tests.house.tree import ROOT

from comity.node.policies import policy_texts
from comity.release import cedar
from comity.release.classes import Action
from comity.release.decide import GATE_RULES
from comity.release.facets import class_attributes, read_class, read_recipient, recipient_attributes
from comity.release.problems import DATE_ARITHMETIC

PAGE = (ROOT / "docs" / "reference" / "policy.md").read_text(encoding="utf-8")
SCHEMA, FLOOR = policy_texts()


def rows(page: str, heading: str) -> dict[str, str]:
    """The table under a heading: the second column by the first."""
    section = re.search(rf"^## {heading}$(.*?)(?=^## |\Z)", page, re.M | re.S)
    assert section, heading
    return dict(re.findall(r"^\| `([^`]+)` \| (.+?) \|(?: .*\|)?$", section[1], re.M))


def attributes(entity: str) -> dict[str, str]:
    """The attributes of the schema with their types."""
    body = re.search(rf"entity {entity}[^{{;]*\{{(.*?)\}};", SCHEMA, re.S)
    assert body
    return {name: f"`{kind}`" for name, kind in re.findall(r"(\w+): ([\w<>]+)", body[1])}


def lies(page: str) -> list[str]:
    """The tables of the page that are not as the code has it."""
    enums = {
        m[1]: ", ".join(f"`{word}`" for word in re.findall(r'"([^"]+)"', m[2]))
        for m in re.finditer(r"entity (\w+) enum \[(.*?)\]", SCHEMA, re.S)
    }
    floor = {form["annotations"]["id"]: form["annotations"]["title"] for form in cedar.json_form(FLOOR)}
    tables = {
        "Facets of an object": attributes("ReleaseClass"),
        "Facets of a recipient": attributes("Recipient"),
        "Words": enums,
        "The floor": floor,
        "What the gate says by itself": {rule.id: rule.title for rule in GATE_RULES},
    }
    wrong = [heading for heading, wanted in tables.items() if rows(page, heading) != wanted]
    wrong += ["What is asked"] if rows(page, "What is asked").keys() != {action.value for action in Action} else []
    return wrong + [word for word in DATE_ARITHMETIC if f"`{word}`" not in page]


def test_the_page_has_every_facet_word_action_and_rule() -> None:
    assert lies(PAGE) == []


def test_a_page_that_lies_would_be_seen() -> None:
    for true, false in (
        ("| `embargo_until` |", "| `embargo` |"),
        ("| `need_to_know` | `Bool` |", "| `need_to_know` | `String` |"),
        ("`amber+strict`", "`amber-strict`"),
        ("| `floor.red` |", "| `floor.blue` |"),
        ("| `gate.failed` |", "| `gate.broke` |"),
        ("| `pass-on` |", "| `passed-on` |"),
        ("`durationSince`", "`duration-since`"),
    ):
        assert true in PAGE
        assert lies(PAGE.replace(true, false)), true


def test_every_attribute_of_the_schema_is_given_and_no_other() -> None:
    assert class_attributes(read_class({"tlp": "red"})).keys() == attributes("ReleaseClass").keys()
    assert recipient_attributes(read_recipient({})).keys() == attributes("Recipient").keys()
