"""Files stay short enough to be held in the head; the longer ones are listed, each with a reason, and may not grow."""

from tests.house.tree import ROOT

LINES_MAX = 400
RECORD = ROOT / "tests" / "long_files.txt"


def recorded() -> dict[str, tuple[int, str]]:
    """The long files: how many lines each may have, and why."""
    rows = (line.split(maxsplit=2) for line in RECORD.read_text(encoding="utf-8").splitlines() if line[:1] != "#")
    return {name: (int(lines), reason) for lines, name, reason in rows}


def long_files() -> dict[str, int]:
    """The source files above the limit, with their lines."""
    counted = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in (ROOT / "src").rglob("*.py")
    }
    return {name: lines for name, lines in counted.items() if lines > LINES_MAX}


def test_a_long_file_is_listed_and_has_not_grown() -> None:
    allowed = recorded()
    grown = {name: lines for name, lines in long_files().items() if lines > allowed.get(name, (LINES_MAX, ""))[0]}
    assert grown == {}, f"cut it in two, or list it in {RECORD.name} with a reason"


def test_a_file_that_became_short_leaves_the_list() -> None:
    assert set(recorded()) == set(long_files())
