"""What the commands that tell of partners show to whom (R64)."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.commands import bundle, indicator

from comity.cli.main import run
from comity.node.home import open_home
from comity.stix.markings import MARKING_IDS, TLP

pytestmark = pytest.mark.slow
GREEN, RED = (
    indicator(number, object_marking_refs=[MARKING_IDS[level]]) for number, level in enumerate((TLP.GREEN, TLP.RED))
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A node to which a source gave two objects, one of them TLP:RED, with an account for each of some roles."""
    folder = tmp_path / "node"
    assert run(["init", "--name", "CERT-A", "--admin", "first", "-q", "--home", str(folder)]) == 0
    with open_home(folder) as node:
        node.add_source("feed")
        node.receive(bundle(GREEN, RED), "feed")
        node.publish(hold_seconds=0)
        node.add_partner("CERT-B")
        secret = node.add_user("admin", ["admin"]).secret
        (tmp_path / "admin").write_text(secret, encoding="utf-8")
        with node.acting("admin", secret):
            for name, roles in {"reader": ["reader"], "auditor": ["reader", "release-audit"]}.items():
                (tmp_path / name).write_text(node.add_user(name, roles).secret, encoding="utf-8")
    return folder


class Told:
    """What a command says to somebody."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.home, self.capsys, self.patch = home, capsys, monkeypatch

    def __call__(self, *arguments: str, by: str = "", code: int = 0) -> str:
        self.capsys.readouterr()
        if by:
            self.patch.setenv("COMITY_SECRET_FILE", str(self.home.parent / by))
        given = ["--as", by] if by else []
        assert run([*arguments, *given, "--home", str(self.home)]) == code
        return self.capsys.readouterr().out

    def lines(self, *arguments: str, by: str) -> list[Any]:
        return [json.loads(line) for line in self(*arguments, "--json", by=by).splitlines()]


@pytest.fixture
def told(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Told:
    return Told(home, capsys, monkeypatch)


TELLING = [
    ("release", "explain", str(GREEN["id"]), "--to", "CERT-B"),
    ("release", "preview", "--to", "CERT-B"),
    ("release", "preview", "--to", "CERT-B", "--stix"),
    ("release", "matrix"),
    ("show", str(GREEN["id"]), "--who"),
]


@pytest.mark.parametrize("arguments", TELLING, ids=lambda given: " ".join(given[:2]))
def test_they_want_an_account_that_reads(told: Told, arguments: tuple[str, ...]) -> None:
    told(*arguments, code=4)
    told(*arguments, by="admin", code=4)
    assert told(*arguments, by="reader")


def test_a_preview_lists_and_counts_what_may_be_read(told: Told) -> None:
    *listed, last = told.lines("release", "preview", "--to", "CERT-B", by="reader")
    assert [one["id"] for one in listed] == [GREEN["id"]]
    assert (last["summary"]["withhold"], "not_shown" in last["summary"]) == (1, False)
    *listed, last = told.lines("release", "preview", "--to", "CERT-B", by="auditor")
    assert [one["id"] for one in listed] == [GREEN["id"]]
    assert (last["summary"]["withhold"], last["summary"]["not_shown"]) == (1, 1)


def test_a_matrix_has_the_classes_that_may_be_read(told: Told) -> None:
    cells = told.lines("release", "matrix", by="reader")
    assert {cell["class"].split()[0] for cell in cells} == {"tlp=green"}
    assert told.lines("release", "matrix", by="auditor") == [*cells, {"summary": {"not_shown": 1}}]


def test_what_may_not_be_read_is_as_if_it_were_not_there(told: Told) -> None:
    red, other = str(RED["id"]), str(indicator(7)["id"])
    for command in (("release", "explain", "--to", "CERT-B"), ("show", "--who")):
        for by in ("reader", "auditor"):
            if (command[0], by) == ("release", "auditor"):
                continue
            told(*command, red, by=by, code=3)
            told(*command, other, by=by, code=3)
    (answer,) = told.lines("release", "explain", red, "--to", "CERT-B", by="auditor")
    assert answer == {"items": [], "not_shown": 1}
    assert RED["name"] in told("show", red), "who has the host reads it"


def test_approvals_want_an_account_and_no_role(told: Told) -> None:
    told("approvals", code=4)
    for by in ("admin", "reader", "auditor"):
        assert told.lines("approvals", by=by) == [{"items": []}]
