"""`comity subject`, `erase`, `erasure` and `hold`, by the real command."""

from pathlib import Path

import pytest
from tests.commands import bundle, comity, indicator

pytestmark = pytest.mark.slow

SECRET = "anna.muster@victim.example"
BASIS = "GDPR art. 17"


def test_a_person_is_found_held_and_erased(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert comity("init", "--name", "A", home=home).code == 0
    one, other = indicator(1, name=f"Mail of {SECRET}"), indicator(2)
    assert comity("import", "-", home=home, given=bundle(one, other)).code == 0

    found = comity("subject", "find", SECRET.upper(), "--json", home=home).json
    (item,) = found["items"]
    assert (item["place"], item["count"], item["sample"], found["count"]) == ("body.body", 1, [one["id"]], 1)
    assert one["id"] in comity("subject", "find", SECRET, home=home).out

    (hold,) = comity("hold", "add", one["id"], "--reason", "a case", "--until", "2033-01-01", "--json", home=home).json[
        "items"
    ]
    assert (hold["object"], hold["until"], hold["ended_at"]) == (one["id"], "2033-01-01T00:00:00.000000Z", None)
    assert comity("erase", one["id"], "--basis", BASIS, home=home).code == 6
    assert hold["id"] in comity("hold", "list", home=home).out
    assert comity("hold", "end", hold["id"], home=home).code == 0
    assert comity("hold", "end", hold["id"], home=home).code == 6
    assert comity("hold", "list", "--json", home=home).json["items"] == []
    assert len(comity("hold", "list", "--all", "--json", home=home).json["items"]) == 1

    assert comity("erase", "--basis", BASIS, home=home).code == 2
    assert comity("erase", "indicator--x", "--basis", BASIS, home=home).code == 3
    trial = comity("erase", "--text", SECRET, "--basis", BASIS, "--dry-run", "--json", home=home).json
    assert (trial["objects"], trial["certificate"]) == (1, None)
    done = comity("erase", "--text", SECRET, "--basis", BASIS, home=home)
    assert done.code == 0
    assert "What remains:" in done.out
    assert "one administrator" in done.err
    (listed,) = comity("erasure", "list", "--json", home=home).json["items"]
    shown = comity("erasure", "show", listed["id"], "--json", home=home).json
    assert (shown["basis"], shown["objects"], shown["clean"]) == (BASIS, 1, True)
    assert SECRET not in comity("erasure", "show", listed["id"], home=home).out
    assert comity("erasure", "show", "x", home=home).code == 3
    assert "Nothing" in comity("subject", "find", SECRET, home=home).err
    again = comity("import", "-", "--json", home=home, given=bundle(one)).json
    assert again["rejected"][0]["rule"] == "erased (R42)"
