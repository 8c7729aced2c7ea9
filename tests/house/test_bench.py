"""Every benchmark has its place on the page of figures, and figures stand only where a program put them."""

import re

from bench.__main__ import PROGRAMS
from tests.house.tree import ROOT

PAGE = ROOT / "docs" / "explanation" / "performance.md"
BLOCK = re.compile(r"<!-- bench (\w+) -->\n(.*?)<!-- end \1 -->", re.S)


def test_every_benchmark_has_a_block_of_the_page_and_is_a_program() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [match[1] for match in BLOCK.finditer(text)] == list(PROGRAMS)
    for name in PROGRAMS:
        assert (ROOT / "bench" / f"{name}.py").exists()


def test_every_block_was_filled_by_a_run_and_no_table_stands_outside() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for match in BLOCK.finditer(text):
        assert re.search(r"^Measured \d{4}-\d\d-\d\d on ", match[2], re.M), match[1]
        assert "| --- |" in match[2], match[1]
    assert "| --- |" not in BLOCK.sub("", text)
