"""Figures: what failed is not told, a ratio is that of its two numbers, and what loses stays in the table."""

import re
from pathlib import Path

import pytest
from bench.figures import Figure, Row, Run, UnmeasuredError, interleaved, rates, ratio, ratios, rounded, table
from bench.report import Report
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.floats(0.01, 1e9)


def number(text: str) -> float:
    """The number that was printed."""
    return float(text.replace(",", ""))


def test_a_run_with_a_failed_request_has_no_rate() -> None:
    with pytest.raises(UnmeasuredError, match="1 failed, the first so: 500 of it"):
        Run(999, 1.0, failures=["500 of it"])


@pytest.mark.parametrize(("done", "seconds"), [(0, 1.0), (1, 0.0), (-1, 1.0)])
def test_a_run_in_which_nothing_was_done_has_no_rate(done: int, seconds: float) -> None:
    with pytest.raises(UnmeasuredError):
        Run(done, seconds)


@pytest.mark.parametrize("values", [(), (float("nan"),), (1.0, float("inf")), (-1.0,)])
def test_no_figure_is_made_of_nothing(values: tuple[float, ...]) -> None:
    with pytest.raises(UnmeasuredError):
        Figure(values)


@given(st.lists(VALUES, min_size=1, max_size=7), st.lists(VALUES, min_size=1, max_size=7))
def test_a_ratio_is_that_of_the_two_numbers_behind_it(over: list[float], under: list[float]) -> None:
    text = ratio(Figure(tuple(over)), Figure(tuple(under)))
    match = re.fullmatch(r"\*\*(.+)\*\* \((.+) / (.+)\)", text)
    assert match
    told, top, bottom = map(number, match.groups())
    assert told == pytest.approx(rounded(top / bottom), rel=1e-9, abs=1e-6)


@pytest.mark.slow
@given(st.lists(VALUES, min_size=2, max_size=9))
def test_what_is_printed_is_the_median_within_its_spread(values: list[float]) -> None:
    figure = Figure(tuple(values))
    least, most = map(number, figure.spread.split(" to "))
    assert least <= number(figure.text) <= most
    assert number(figure.text) == pytest.approx(figure.median, abs=1e-6)


def test_nothing_is_compared_with_zero() -> None:
    with pytest.raises(UnmeasuredError):
        ratio(Figure((1.0,)), Figure((0.0,)))


def test_one_run_claims_no_spread() -> None:
    assert Figure((5.0,)).spread == "one run"


def test_a_row_that_lost_and_a_row_that_could_not_be_measured_stay_in_the_table() -> None:
    rows = [
        Row("ours", [Run(10, 1.0, 0.0, 1.0)]),
        Row("faster", [Run(1000, 1.0, 0.0, 50.0)]),
        Row("broken", [], "it did not start"),
    ]
    lines = rates("POST", "objects", rows).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| ours", "| faster", "| broken"]
    assert "not measured: it did not start" in lines[-1]
    assert ratios([(rows[0], rows[1]), (rows[0], rows[2])]).splitlines()[2:] == [
        "| ours / faster | **0.01** (10 / 1,000) |  | **0.5** (50,000 / 100,000) |",
        "| ours / broken | not measured |  |  |",
    ]


def test_a_run_whose_time_was_up_says_so() -> None:
    row = Row("slow", [Run(2000, 120.0, cut=True), Run(1000, 120.0)])
    assert "| 2,000, cut: true in 1 of 2 |" in rates("POST", "objects", [row])


def test_a_table_refuses_a_row_with_a_missing_cell() -> None:
    with pytest.raises(ValueError, match="other columns"):
        table(["a", "b"], [["1"]])


def test_a_bar_in_a_cell_makes_no_column() -> None:
    assert table(["a"], [["x|y"]]).splitlines()[-1] == "| x\\|y |"


def test_subjects_take_turns_and_each_round_begins_with_another() -> None:
    order: list[str] = []

    def subject(name: str) -> Run:
        order.append(name)
        return Run(1, 1.0)

    interleaved(2, [(name, lambda name=name: subject(name)) for name in "abc"])  # type: ignore[misc]
    assert "".join(order) == "abcbca"


def test_a_subject_that_fails_in_one_round_keeps_none_of_its_runs() -> None:
    answers = iter([Run(1, 1.0)])

    def sometimes() -> Run:
        found = next(answers, None)
        if found is None:
            raise UnmeasuredError("the second time")
        return found

    failing, sound = interleaved(3, [("failing", sometimes), ("sound", lambda: Run(1, 1.0))])
    assert (failing.runs, failing.missing) == ([], "the second time")
    assert len(sound.runs) == 3


def test_ratios_run_by_run_need_the_same_rounds() -> None:
    two, three = Row("two", [Run(2, 1.0)] * 2), Row("three", [Run(1, 1.0)] * 3)
    assert ratios([(two, three)]).splitlines()[-1].endswith("|  | too little to tell |")
    assert ratios([(two, two)]).splitlines()[-1].endswith("| 1 to 1 | too little to tell |")


def test_a_block_takes_the_place_of_the_last_one_of_its_name(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- bench post -->\nold\n<!-- end post -->\nafter\n", encoding="utf-8")
    for words in ("new", "newer"):
        Report("post", [words]).put_into(page)
    assert page.read_text(encoding="utf-8") == "before\n<!-- bench post -->\n\nnewer\n\n<!-- end post -->\nafter\n"


@pytest.mark.parametrize("text", ["", "<!-- bench post -->\n<!-- end post -->\n" * 2])
def test_a_page_without_a_single_place_is_left_alone(tmp_path: Path, text: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="no single place for post"):
        Report("post", ["new"]).put_into(page)
    assert page.read_text(encoding="utf-8") == text
