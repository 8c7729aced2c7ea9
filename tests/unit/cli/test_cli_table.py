"""Tables for people: they fit the screen, and ids stay whole."""

import pytest

from comity.cli.table import lay_out

TITLES = ("type", "name", "empty", "id")
ID = "indicator--00000000-0000-4000-8000-000000000001"
ROWS = [("indicator", "A name that is rather long for a column", "", ID), ("tool", "日本語の名前", "", ID)]


def test_a_wide_screen_shows_everything_on_one_line_a_row() -> None:
    lines = list(lay_out(TITLES, ROWS, 200))
    assert len(lines) == 3
    assert lines[0].split() == ["type", "name", "id"]
    assert "A name that is rather long for a column" in lines[1]


@pytest.mark.parametrize("width", range(20, 120))
def test_ids_are_whole_on_every_screen(width: int) -> None:
    lines = list(lay_out(TITLES, ROWS, width))
    assert sum(ID in line for line in lines) == 2


@pytest.mark.parametrize("width", range(80, 120))
def test_the_lines_fit_the_screen(width: int) -> None:
    from rich.cells import cell_len

    assert all(cell_len(line) <= width for line in lay_out(TITLES, ROWS, width))


def test_what_is_cut_says_so() -> None:
    assert any("…" in line for line in lay_out(TITLES, ROWS, 80))
