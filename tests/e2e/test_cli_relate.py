"""`comity relate` by the real command: a relationship as the form of the pages makes it, or nothing at all."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.commands import Ended, bundle, comity, indicator

pytestmark = pytest.mark.slow
SIGN = str(indicator(1)["id"])
MALWARE = "malware--00000000-0000-4000-8000-000000000002"
GONE = "malware--00000000-0000-4000-8000-00000000dead"
MOMENT = "2026-01-01T00:00:00.000Z"
KANCIL = {"type": "malware", "spec_version": "2.1", "id": MALWARE, "created": MOMENT, "modified": MOMENT}
SAID = (
    "--description", "what drops it", "--start", "2026-01-02", "--stop", "2026-02-03T10:00:00Z", "--confidence", "80",
    "--tlp", "green", "--pap", "amber", "--group", "eu", "--group", "nordic", "--residency", "EE", "--exercise",
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a node with an indicator and a malware."""
    folder = tmp_path_factory.mktemp("relate") / "node"
    assert comity("init", "--name", "CERT-A", "--json", home=folder).code == 0
    given = bundle(indicator(1), KANCIL | {"name": "Kancil", "is_family": True})
    assert comity("import", "-", home=folder, given=given).code == 0
    return folder


def ties(home: Path) -> list[str]:
    """The ids of all relationships there are."""
    return [row["id"] for row in comity("search", "type:relationship", "--json", home=home).json["items"]]


def related(home: Path, *more: str, code: int = 0) -> Ended:
    """What the command said."""
    ended = comity("relate", *more, home=home)
    assert ended.code == code, ended.err
    return ended


def body(home: Path, id: str) -> dict[str, Any]:
    """What is stored, as it is."""
    found = json.loads(comity("show", id, "--raw", home=home).out)
    assert isinstance(found, dict)
    return found


def test_what_is_said_is_what_is_stored_and_a_trial_stores_nothing(made: Path) -> None:
    before = ties(made)
    trial = related(made, SIGN, "indicates", MALWARE, *SAID, "--dry-run", "--json").json
    assert ties(made) == before
    told = related(made, SIGN, "indicates", MALWARE, *SAID, "--json").json
    assert ties(made) == [told["id"], *before]
    value = body(made, told["id"])
    changing = {"id", "created", "modified"}
    assert {name: value[name] for name in value if name not in changing} == {
        name: trial["object"][name] for name in trial["object"] if name not in changing
    }
    assert (value["source_ref"], value["relationship_type"], value["target_ref"]) == (SIGN, "indicates", MALWARE)
    assert (value["start_time"], value["stop_time"]) == ("2026-01-02T00:00:00.000Z", "2026-02-03T10:00:00Z")
    assert (value["description"], value["confidence"]) == ("what drops it", 80)
    (limits,) = value["extensions"].values()
    assert (limits["groups"], limits["residency"], limits["exercise"]) == (["eu", "nordic"], ["EE"], True)
    assert (told["tlp"], told["at_once"], told["missing"], told["findings"]) == ("TLP:GREEN", False, [], [])
    (copy,) = comity("show", told["id"], "--json", home=made).json["copies"]
    assert (copy["source"], copy["state"], copy["tlp"]) == ("local", "received", "TLP:GREEN")


def test_without_a_word_it_is_amber_strict_and_goes_to_nobody(made: Path) -> None:
    ended = related(made, SIGN, "indicates", MALWARE)
    assert "relation\tsign 1 indicates Kancil" in ended.out
    assert "marking\tTLP:AMBER+STRICT" in ended.out
    assert f"comity publish {ties(made)[0]}" in ended.err
    assert "the standard names" not in ended.err


def test_what_is_unusual_or_not_here_is_told_and_written(made: Path) -> None:
    ended = related(made, SIGN, "eats", GONE)
    assert "From indicator to malware the standard names indicates, related-to." in ended.err
    assert f"{GONE} is not here, or not for you." in ended.err
    assert related(made, SIGN, "indicates", GONE, "--json").json["missing"] == [GONE]


@pytest.mark.parametrize(
    ("more", "where", "words"),
    [
        ((SIGN, "", MALWARE), "relationship_type", "TYPE: This is needed."),
        ((SIGN, "Indicates it", MALWARE), "relationship_type", "TYPE: "),
        (("nonsense", "indicates", MALWARE), "source_ref", "SOURCE: "),
        ((SIGN, "indicates", MALWARE, "--confidence", "101"), "confidence", "--confidence: "),
        ((SIGN, "indicates", MALWARE, "--start", "soon"), "start_time", "--start: "),
        ((SIGN, "indicates", MALWARE, "--start", "2026-02-01", "--stop", "2026-01-01"), "stop_time", "--stop: "),
        ((SIGN, "indicates", MALWARE, "--tlp", "purple"), "tlp", "--tlp: "),
        ((SIGN, "indicates", MALWARE, "--residency", "XX"), "residency", "--residency: "),
        ((SIGN, "indicates", MALWARE, "--marking", MALWARE), "markings", "--marking: "),
    ],
)
def test_what_is_wrong_is_refused_by_its_rule_and_leaves_nothing(
    made: Path, more: tuple[str, ...], where: str, words: str
) -> None:
    before = ties(made)
    error = related(made, *more, "--json", code=5).json["error"]
    assert (error["code"], error["where"]) == ("invalid-object", where)
    assert error["message"].startswith(words)
    assert error["rule"]
    assert ties(made) == before
    from comity.node.home import open_home

    with open_home(made) as node:
        assert node.drafts() == []
