"""Openings against the plain list of what was opened, and the laws that a polling client lives by."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from comity.release import openings
from comity.release.openings import Openings

NUMBERS = st.sets(st.integers(1, 40))
STEPS = st.lists(st.tuples(NUMBERS, st.integers(-3, 50)), max_size=12)


@dataclass
class Plain:
    """The slow twin: one (number, date) an entry, in the order of opening."""

    entries: list[tuple[int, int]] = field(default_factory=list)
    last: int = -1

    def catch_up(self, visible: set[int], now: int) -> None:
        """Exactly these are visible."""
        self.entries = [entry for entry in self.entries if entry[0] in visible]
        new = sorted(visible - {number for number, _ in self.entries})
        at = max(now, self.last + 1)
        self.entries += [(number, at + rank) for rank, number in enumerate(new)]
        if new:
            self.last = at + len(new) - 1


def everything(made: Openings, limit: int = 3, within: BitMap | None = None, after: int = 0) -> list[tuple[int, int]]:
    """All that is visible, read page by page, with dates."""
    found: list[tuple[int, int]] = []
    while True:
        page = made.page(after, limit, within)
        dates = made.dates(page.numbers)
        assert len(page.numbers) <= limit
        assert not page.more or page.numbers
        if page.numbers:
            assert made.date(page.positions[-1]) == dates[page.numbers[-1]]
        found += [(number, dates[number]) for number in page.numbers]
        if not page.more:
            return found
        after = page.positions[-1]


def walk(steps: list[tuple[set[int], int]]) -> tuple[Openings, Plain]:
    """Both after these steps, the clever one through bytes each time."""
    made, plain, now = Openings(), Plain(), 1000
    rows: dict[int, bytes] = {}
    for visible, later in steps:
        now += later
        made, changed = made.caught_up(BitMap(visible), now)
        rows |= changed
        made = Openings.read(rows[place] for place in sorted(rows))
        plain.catch_up(visible, now)
    return made, plain


@pytest.fixture(autouse=True)
def short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stretches end early, so that a few steps fill several."""
    monkeypatch.setattr(openings, "RUNS_MOST", 3)


@given(STEPS, st.integers(1, 5), NUMBERS)
def test_openings_are_the_plain_list(steps: list[tuple[set[int], int]], limit: int, within: set[int]) -> None:
    made, plain = walk(steps)
    assert everything(made, limit) == plain.entries
    assert everything(made, limit, BitMap(within)) == [entry for entry in plain.entries if entry[0] in within]
    assert set(made.visible) == {number for number, _ in plain.entries}
    dates = [date for _, date in plain.entries]
    assert sorted(set(dates)) == dates
    for date in (*dates, *(date - 1 for date in dates), 0, 10**15):
        rest = everything(made, limit, after=made.after_date(date))
        assert rest == [entry for entry in plain.entries if entry[1] > date]


@given(STEPS, st.lists(st.booleans(), max_size=12))
def test_a_client_that_polls_ends_with_what_is_visible(steps: list[tuple[set[int], int]], polls: list[bool]) -> None:
    made, now, seen, last = Openings(), 1000, set[int](), 0
    visible: set[int] = set()
    for number, (visible, later) in enumerate(steps):
        now += later
        made, _ = made.caught_up(BitMap(visible), now)
        if polls[number : number + 1] != [False] or number == len(steps) - 1:
            news = everything(made, after=made.after_date(last))
            seen |= {one for one, _ in news}
            last = max([last, *(date for _, date in news)])
    assert seen >= visible


@given(STEPS, NUMBERS)
def test_what_is_never_visible_changes_nothing(steps: list[tuple[set[int], int]], hidden: set[int]) -> None:
    """Numbers that are withheld leave no gap: those that are visible could as well be numbered without them."""
    order = sorted({number for visible, _ in steps for number in visible - hidden})
    names = {number: name for name, number in enumerate(order, start=1)}
    made, _ = walk([(visible - hidden, later) for visible, later in steps])
    other, _ = walk([({names[number] for number in visible - hidden}, later) for visible, later in steps])
    assert [(names[number], date) for number, date in everything(made)] == everything(other)


@given(STEPS, st.integers(0, 11), st.integers(1, 4))
def test_a_position_stays_good_whatever_happens_later(steps: list[tuple[set[int], int]], turn: int, limit: int) -> None:
    made, now = Openings(), 1000
    begun: list[int] = []
    position = None
    for number, (visible, later) in enumerate(steps):
        now += later
        made, _ = made.caught_up(BitMap(visible), now)
        if number == turn:
            page = made.page(0, limit)
            begun, position = page.numbers, (page.positions or [0])[-1]
    if position is not None:
        before = [one for one, _ in everything(made) if one in begun]
        rest = [one for one, _ in everything(made, after=position)]
        kept = [one for one, _ in everything(made)]
        assert kept == [one for one in before if one not in rest] + rest


def test_nothing_new_writes_nothing() -> None:
    made, changed = Openings().caught_up(BitMap([1, 2]), 5)
    assert list(changed) == [0]
    assert made.caught_up(BitMap([1, 2]), 9) == (made, {})


@settings(max_examples=20)
@given(st.integers(1, 200_000), st.integers(1, 7))
def test_many_are_opened_at_once(count: int, step: int) -> None:
    numbers = BitMap(range(1, count * step + 1, step))
    made, _ = Openings().caught_up(numbers, 10)
    middle = numbers[len(numbers) // 2]
    assert made.dates([middle]) == {middle: 10 + len(numbers) // 2}
    assert made.page(made.after_date(10 + len(numbers) // 2), 1).numbers == list(numbers[len(numbers) // 2 + 1 :][:1])


def test_a_row_of_another_version_is_refused() -> None:
    _, changed = Openings().caught_up(BitMap([1]), 5)
    with pytest.raises(ValueError, match="another version"):
        Openings.read([b"\x02" + changed[0][1:]])
