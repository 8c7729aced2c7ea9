"""`comity rm`, `mark`, `undo` and `batches` by the real command: what goes, what comes back, what is said of it."""

from pathlib import Path
from typing import Any

import pytest
from tests.commands import bundle, indicator, inside

pytestmark = pytest.mark.slow
GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
IDS = [str(indicator(number)["id"]) for number in (1, 2, 3)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a node with three objects; what a test does, it undoes."""
    folder = tmp_path_factory.mktemp("bulk") / "node"
    assert inside("init", "--name", "CERT-A", "--json", home=folder).code == 0
    objects = [indicator(1, object_marking_refs=[GREEN]), indicator(2), indicator(3)]
    assert inside("import", "-", home=folder, given=bundle(*objects)).code == 0
    return folder


def answer(*arguments: str, home: Path, code: int = 0) -> dict[str, Any]:
    """What the command answers with as JSON."""
    ended = inside(*arguments, "--json", home=home)
    assert ended.code == code, ended.err
    found = ended.json
    assert isinstance(found, dict)
    return found


def found(home: Path) -> int:
    """How many objects a search finds."""
    return len(answer("search", home=home)["items"])


def test_what_is_named_goes_and_comes_back(made: Path) -> None:
    trial = answer("rm", *IDS[:2], "--dry-run", home=made)
    assert (trial["copies"], trial["by_type"]) == (2, {"indicator": 2})
    assert trial["by_tlp"] == {"TLP:AMBER+STRICT": 1, "TLP:GREEN": 1}
    assert trial["becomes"] == [{"state": "done", "reason": "", "count": 2}]
    assert sorted(trial["sample"]) == sorted(IDS[:2])
    assert found(made) == 3
    refused = inside("rm", IDS[0], home=made)
    assert (refused.code, "--yes" in refused.err) == (4, True)
    told = answer("rm", *IDS[:2], "indicator--00000000-0000-4000-8000-00000000dead", "--yes", home=made)
    assert (told["done"], told["left"], len(told["missing"])) == (2, 0, 1)
    assert found(made) == 1
    listed = answer("batches", home=made)["items"]
    assert listed[0]["batch"] == told["batch"]
    assert answer("undo", home=made)["undone"] == 2
    assert found(made) == 3
    assert answer("undo", told["batch"], home=made, code=6)["error"]["code"] == "conflict"


def test_a_query_is_marked_and_what_the_object_says_itself_holds(made: Path) -> None:
    told = answer("mark", "type:indicator", "--tlp", "clear", "--reason", "out by now", home=made, code=6)
    (failed,) = [one for one in told["results"] if one["state"] == "failed"]
    assert (failed["reason"], failed["samples"]) == ("says-more", [IDS[0]])
    answer("undo", told["batch"], home=made)
    marked = answer("mark", "type:indicator", "--tlp", "red", "--reason", "names a victim", home=made)
    assert (marked["done"], marked["tlp"], marked["asked"]) == (3, "TLP:RED", "type:indicator")
    rows = answer("search", "tlp:red", home=made)["items"]
    assert {(row["tlp"], row["tlp_from"]) for row in rows} == {("TLP:RED", "mark")}
    assert len(rows) == 3
    shown = inside("show", IDS[0], home=made)
    assert "TLP:RED" in shown.out
    text = inside("undo", home=made)
    assert (text.code, "undone" in text.out) == (0, True)
    assert answer("search", "tlp:red", home=made)["items"] == []


def test_what_cannot_be_meant_is_a_fault_of_use(made: Path) -> None:
    for arguments in (["rm"], ["rm", "x", "--all"], ["rm", IDS[0], "kancil"], ["mark", "--all", "--tlp", "red"]):
        assert inside(*arguments, home=made).code == 2
    assert inside("batches", "--retry", "gone", home=made).code == 2
    assert inside("rm", "no-such-word-anywhere", "--yes", home=made).code == 3
    assert inside("batches", "nothing", home=made).code == 3
    assert inside("mark", "--all", "--tlp", "purple", "--reason", "x", home=made).code == 5
