"""The extension definitions of the project: valid STIX, accepted with their example, and documented as they are."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from tests.oracle import oracle
from tests.schemas import schemas

from comity.stix.extensions import (
    LIMITS_EXTENSION,
    LIMITS_LOCAL,
    LIMITS_SCHEMA,
    WORDS_MAX,
    limits_definition,
)
from comity.stix.object import StixObject
from comity.stix.parse import judge

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "extensions.md"


def example() -> dict[str, Any]:
    block = re.search(r"^```json\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert block is not None
    value: dict[str, Any] = json.loads(block[1])
    return value


@pytest.mark.parametrize("value", [limits_definition(), example()], ids=["definition", "example"])
def test_the_definition_and_its_example_pass_the_strict_judge(value: dict[str, Any]) -> None:
    judged = judge(json.dumps(value).encode(), 0, schemas(), strict=True)
    assert isinstance(judged, StixObject)
    assert judged.findings == ()


@pytest.mark.slow
@pytest.mark.parametrize("value", [limits_definition(), example()], ids=["definition", "example"])
def test_the_definition_and_its_example_pass_the_validator_of_oasis(value: dict[str, Any]) -> None:
    stix2validator = oracle()
    options = stix2validator.ValidationOptions(version="2.1", disabled="all", silent=True)
    result = stix2validator.validate_instance(copy.deepcopy(value), options)
    assert result.errors == []
    assert result.is_valid


def test_the_example_follows_the_schema_and_shows_every_member() -> None:
    content = example()["extensions"][LIMITS_EXTENSION]
    assert jsonschema_rs.is_valid(LIMITS_SCHEMA, content)
    assert content.keys() == LIMITS_SCHEMA["properties"].keys()
    assert not jsonschema_rs.is_valid(LIMITS_SCHEMA, {**content, "other": 1})


def test_the_page_names_every_member_and_the_bounds() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|", text, re.M)
    assert {"extension_type", *rows} == LIMITS_SCHEMA["properties"].keys()
    assert f"1 to {WORDS_MAX} " in text
    assert set(LIMITS_LOCAL) <= set(rows)
    assert LIMITS_EXTENSION in text
