"""What a person at a terminal is told of partners: tables that fit, counts, and nothing that a terminal would obey."""

import re
from pathlib import Path

import pytest
from tests.commands import bundle, indicator
from tests.telling_world import put_in_force

from comity.cli.main import run
from comity.cli.previewing import PARTNERS_BESIDE
from comity.node.home import open_home
from comity.node.policies import starter_texts
from comity.node.publishing import Selection
from comity.stix.markings import MARKING_IDS, TLP

GROUP = "eu csirts"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node with eight partners, of whom the first is active, and three objects, of which two are published."""
    folder = tmp_path_factory.mktemp("telling") / "node"
    assert run(["init", "--home", str(folder), "--name", "CERT-A", "-q"]) == 0
    objects = [
        indicator(number, object_marking_refs=[MARKING_IDS[level]], name=f"Ding {number}")
        for number, level in enumerate((TLP.GREEN, TLP.AMBER, TLP.CLEAR))
    ]
    with open_home(folder) as node:
        node.receive(bundle(*objects))
        for number in range(PARTNERS_BESIDE + 2):
            node.add_partner(f"CERT-{chr(65 + number)}\u0421", groups=(GROUP,), history_from=0)
        node.step_partner("CERT-A\u0421", "activate", checked_by="a call")
        put_in_force(node, *(text.replace("GROUP", GROUP) for text in starter_texts()["green-community"]))
        node.publish(Selection(ids=tuple(str(one["id"]) for one in objects[:2])), hold_seconds=0)
    return folder


def said(home: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, str]:
    """What the command tells a person whose screen is wide: the results, and what is said beside them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout.isatty", lambda: True)
        patch.setenv("NO_COLOR", "1")
        patch.setenv("COLUMNS", "200")
        assert run([*arguments, "--home", str(home)]) == 0
    told = capsys.readouterr()
    return told.out, told.err


@pytest.mark.slow
def test_the_table_stands_in_parts_beside_each_other(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told, beside = said(home, capsys, "release", "matrix")
    first, second = [part.splitlines() for part in told.strip().split("\n\n")]
    assert first[0].split() == ["objects", *(f"CERT-{letter}\u0421" for letter in "ABCDEF"), "class"]
    assert second[0].split() == ["objects", "CERT-G\u0421", "CERT-H\u0421", "class"]
    assert [line.split()[1] for line in first[1:]] == ["allow", "withhold"]
    assert first[1].endswith("tlp=green type=indicator origin=ours")
    assert "release: 2 classes of 2 objects for 8 partners." in beside


@pytest.mark.slow
def test_a_preview_ends_with_its_counts(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told, beside = said(home, capsys, "release", "preview", "--to", "CERT-A\u0421")
    assert re.search(r"^TLP:GREEN +1 +0 +0$", told, re.M)
    assert re.search(r"^TLP:AMBER +0 +0 +1$", told, re.M)
    assert re.search(r"^indicator +1 +0 +1$", told, re.M)
    assert "1 object released, 0 of them with changes; 1 withheld." in beside
    assert "They have read nothing yet: 1 object would be new to them." in beside


@pytest.mark.slow
def test_who_receives_it_has_a_mark_and_a_word(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told, _ = said(home, capsys, "show", str(indicator(0)["id"]), "--who")
    assert re.search(r"^✓ yes +CERT-A\u0421 \(partner\): Members of the community receive", told, re.M)
    assert len(re.findall(r"^✗ no +CERT-", told, re.M)) == PARTNERS_BESIDE + 1
    told, beside = said(home, capsys, "show", str(indicator(2)["id"]), "--who")
    assert "It is received and not published" in told
    assert "No partner or client is served it." in beside
