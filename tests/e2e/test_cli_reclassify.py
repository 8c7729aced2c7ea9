"""`comity reclassify`, `comity source edit`, and clients, as a person types them."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.commands import inside
from tests.world import bundle, indicator

pytestmark = pytest.mark.slow

DEFINITION = "marking-definition--11111111-1111-4111-8111-111111111111"
MEANS = {
    "type": "marking-definition",
    "spec_version": "2.1",
    "id": DEFINITION,
    "created": "2024-01-01T00:00:00.000Z",
    "definition_type": "tlp",
    "definition": {"tlp": "green"},
}


def answer(*args: str | Path, home: Path) -> Any:
    ended = inside(*args, "--json", home=home)
    assert ended.code == 0, ended.err
    return ended.json


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    answer("init", "--name", "CERT-A", home=folder)
    return folder


def test_what_a_late_definition_opens_is_listed_and_waits_for_a_person(home: Path, tmp_path: Path) -> None:
    answer("policy", "apply", "--starter", "green-community", "--community", "eu", home=home)
    answer("partner", "add", "CERT-B", "--group", "eu", "--history-from", "all", home=home)
    answer("partner", "activate", "CERT-B", "--checked-by", "me", home=home)
    file = tmp_path / "one.json"
    file.write_bytes(bundle(indicator(name="it", object_marking_refs=[DEFINITION])))
    answer("import", file, home=home)
    answer("publish", "--all", "--yes", "--no-hold", home=home)
    assert answer("reclassify", home=home) == {"changes": [], "done": None}
    file.write_bytes(bundle(MEANS))
    answer("import", file, "--marking", "green", home=home)
    answer("publish", "--all", "--yes", "--no-hold", home=home)
    (told,) = answer("reclassify", "--dry-run", "--source", "local", home=home)["changes"]
    assert (told["count"], told["type"], told["loosens"], told["opens_to"]) == (1, "indicator", True, ["CERT-B"])
    assert {one["facet"]: (one["had"], one["has"]) for one in told["differs"]} == {
        "tlp": ("TLP:RED", "TLP:GREEN"),
        "unsound": ("yes", "no"),
    }
    assert inside("reclassify", home=home).code != 0
    assert inside("reclassify", "--source", "nobody", home=home).code == 3
    said = inside("reclassify", "--yes", home=home)
    assert said.code == 0
    # A locale of plain ASCII spells the arrow in its own way.
    assert "TLP:RED → TLP:GREEN" in said.out.replace("\\u2192", "→")
    assert "CERT-B" in said.out
    assert "1 object" in said.out
    assert "counts as what it is" in inside("reclassify", home=home).out
    lines = inside("release", "preview", "--to", "CERT-B", "--json", home=home).out.splitlines()
    assert "release" in {json.loads(line).get("decision") for line in lines}


def test_a_source_is_edited(home: Path) -> None:
    answer("source", "add", "feed", "feed", home=home)
    told = answer("source", "edit", "feed", "--marking", "green", "--labels", home=home)
    assert (told["default_marking"], told["labels_are_markings"]) == ("green", True)
    assert "labels are no markings" in inside("source", "edit", "feed", "--no-labels", home=home).out
    told = answer("source", "edit", "feed", "--marking", "amber", "--stored", home=home)
    assert told["default_marking"] == "amber"
    assert inside("source", "edit", "feed", "--stored", home=home).code == 5
    assert inside("source", "edit", "feed", home=home).code == 5
    assert inside("source", "edit", "feed", "--marking", "purple", home=home).code == 5
    assert inside("source", "edit", "nobody", "--labels", home=home).code == 3
    (local, feed) = answer("source", "list", home=home)["sources"]
    assert (local["paused_for"], feed["paused_for"], feed["labels_are_markings"]) == (None, None, False)


def test_a_client_has_a_service_and_a_partner_a_boundary(home: Path) -> None:
    answer("partner", "add", "City", "--client", home=home)
    assert inside("partner", "activate", "City", "--checked-by", "me", home=home).code == 5
    dates = ("--service-from", "2020-01-01", "--service-until", "2020-12-31")
    told = answer("partner", "edit", "City", "--service", "SOC-17", "--contact", "duty desk", *dates, home=home)
    assert (told["service"], told["contact"], told["organisation_boundary"]) == ("SOC-17", "duty desk", None)
    assert told["service_until"] == "2021-01-01T00:00:00.000000Z"
    assert answer("partner", "activate", "City", "--checked-by", "me", home=home)["state"] == "expired"
    assert answer("partner", "edit", "City", "--service-until", "", home=home)["state"] == "active"
    told = answer("partner", "add", "ISAC", "--organisation-boundary", "members", "--jurisdiction", "EE", home=home)
    assert (told["organisation_boundary"], told["declared_by"]) == ("members", "us")
    shown = inside("partner", "show", "ISAC", home=home)
    assert "EE (our statement)" in shown.out
    assert "AMBER+STRICT may reach all of them" in shown.err
    assert "members" in inside("partner", "list", home=home).out
    assert answer("partner", "edit", "ISAC", "--declared-by", "partner", home=home)["declared_by"] == "partner"
    assert inside("partner", "add", "X", "--service", "SOC-17", home=home).code == 5
    assert inside("partner", "add", "X", "--jurisdiction", "UK", home=home).code == 5
    assert inside("partner", "add", "X", "--declared-by", "them", home=home).code == 2
