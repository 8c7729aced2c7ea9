"""Beside what leaves with TLP:AMBER it is said whom the partner may tell."""

from pathlib import Path

import pytest
from tests.commands import bundle, indicator
from tests.telling_world import put_in_force

from comity.cli.main import run
from comity.node.home import open_home
from comity.stix.markings import MARKING_IDS, TLP

pytestmark = pytest.mark.slow
ALL = '@id("all") @title("All of it") permit (principal, action, resource);'
CASE = '[[case]]\nname = "All"\nobject = { tlp = "clear" }\nrecipient = {}\nexpect = "allow"\n'


def test_whom_they_may_tell_is_said_of_the_levels_that_leave(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(tmp_path / "node")]
    assert run(["init", "--name", "CERT-A", "-q", *home]) == 0
    green, amber, strict = (
        indicator(number, object_marking_refs=[MARKING_IDS[level]])
        for number, level in enumerate((TLP.GREEN, TLP.AMBER, TLP.AMBER_STRICT))
    )
    with open_home(tmp_path / "node") as node:
        node.receive(bundle(green, amber, strict))
        node.add_partner("CERT-B", max_tlp="amber", cybersecurity=True, organisation_boundary="members", history_from=0)
        node.step_partner("CERT-B", "activate", checked_by="a call")
        put_in_force(node, ALL, CASE)
        node.publish(hold_seconds=0)
    capsys.readouterr()

    def said(*arguments: str) -> str:
        assert run(["release", *arguments, "--to", "CERT-B", *home]) == 0
        return capsys.readouterr().err

    beside = said("preview")
    assert "TLP:AMBER it may give to its members" in beside
    assert "AMBER+STRICT may reach" not in beside, "none of that leaves"
    assert "TLP:AMBER it may give" in said("explain", str(amber["id"]))
    for one in (green, strict):
        assert "it may give" not in said("explain", str(one["id"]))
    with open_home(tmp_path / "node") as node:
        node.edit_partner("CERT-B", max_tlp="amber+strict")
    assert "AMBER+STRICT may reach all of them" in said("preview")
