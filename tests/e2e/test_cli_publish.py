"""`comity publish` and `unpublish` by the real command: what is published, what is asked, what is held."""

from pathlib import Path
from typing import Any

import pytest
from tests.commands import bundle, indicator, inside

from comity.node.home import open_home

pytestmark = pytest.mark.slow
GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "node"
    assert inside("init", "--name", "CERT-A", "--json", home=folder).code == 0
    objects = [
        indicator(1, object_marking_refs=[GREEN]),
        indicator(2),
        indicator(3, object_marking_refs=["marking-definition--00000000-0000-4000-8000-000000000000"]),
    ]
    assert inside("import", "-", home=folder, given=bundle(*objects)).code == 0
    return folder


def states(home: Path) -> list[str]:
    """What has become of each of the three."""
    with open_home(home) as node:
        return [node.show(str(indicator(number)["id"]))[0].state for number in (1, 2, 3)]


def answer(*arguments: str, home: Path) -> dict[str, Any]:
    ended = inside(*arguments, "--json", home=home)
    assert ended.code == 0, ended.err
    found = ended.json
    assert isinstance(found, dict)
    return found


def test_all_is_published_once_and_counted_by_what_policy_will_see(home: Path) -> None:
    told = answer("publish", "--all", "--yes", "--no-hold", home=home)
    assert told == {
        "published": 3,
        "by_tlp": {"TLP:GREEN": 1, "TLP:AMBER+STRICT": 1, "TLP:RED": 1},
        "by_type": {"indicator": 3},
        "unsound": 1,
        "recalled": 0,
        "held_until": None,
    }
    assert states(home) == ["published"] * 3
    assert answer("publish", "--all", "--yes", home=home)["published"] == 0


def test_those_that_are_named_are_published_and_taken_back(home: Path) -> None:
    first = str(indicator(1)["id"])
    told = answer("publish", first, first, "indicator--none", "--yes", home=home)
    assert told["published"] == 1
    assert told["held_until"].endswith("Z")
    assert states(home) == ["published", "received", "received"]
    assert answer("unpublish", first, home=home) == {"unpublished": 1}
    assert states(home) == ["received"] * 3


def test_filters_choose_among_all(home: Path) -> None:
    assert answer("publish", "--all", "--yes", "--type", "malware", home=home)["published"] == 0
    assert inside("publish", "--all", "--yes", "--source", "nobody", home=home).code == 3
    assert inside("publish", "--all", "--yes", "--collection", "nowhere", home=home).code == 3
    assert (
        answer("publish", "--all", "--yes", "--source", "local", "--collection", "default", home=home)["published"] == 3
    )
    assert answer("unpublish", "--all", "--yes", "--type", "indicator", home=home) == {"unpublished": 3}


def test_nothing_is_published_unasked(home: Path) -> None:
    assert inside("publish", "--all", home=home).code == 4
    assert inside("unpublish", "--all", home=home).code == 4
    assert inside("publish", home=home).code == 2
    assert inside("publish", "--all", "indicator--x", home=home).code == 2
    assert inside("publish", "--all", "--yes", "--hold", "5", "--no-hold", home=home).code == 2
    assert inside("publish", "--all", "--yes", "--hold", "-1", home=home).code == 5
    assert states(home) == ["received"] * 3


def test_a_person_is_told_what_it_means(home: Path) -> None:
    ended = inside("publish", "--all", "--yes", home=home)
    assert ended.code == 0
    assert "3 objects published." in ended.out
    assert "1 object will never leave" in ended.err
    assert "comity unpublish" in ended.err
    assert "3 objects unpublished." in inside("unpublish", "--all", "--yes", home=home).out
