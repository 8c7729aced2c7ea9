"""Failed sign-ins, counted by all processes of a node together."""

import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store_world import NOW

from comity.store.interface import Store

WINDOW = 60_000_000


def _add(store: Store, now: int, **counts: int) -> dict[str, tuple[int, int]]:
    with store.write() as tx:
        return tx.add_failures(counts, now, WINDOW)


def test_failures_add_up_within_a_window_and_are_forgotten_after_it(store: Store) -> None:
    assert _add(store, NOW, a=3, b=1) == {"a": (NOW, 3), "b": (NOW, 1)}
    assert _add(store, NOW + WINDOW - 1, a=2) == {"a": (NOW, 5)}
    assert _add(store, NOW + WINDOW, a=1, c=1) == {"a": (NOW + WINDOW, 1), "c": (NOW + WINDOW, 1)}


def test_what_two_add_at_once_is_counted_in_full(store: Store) -> None:
    def add() -> None:
        for _ in range(20):
            _add(store, NOW, a=1)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _add(store, NOW, a=1) == {"a": (NOW, 81)}


def test_the_table_is_bounded_and_the_oldest_windows_make_room(store: Store) -> None:
    for place in range(12):
        with store.write() as tx:
            tx.add_failures({f"{place}-{number}": 1 for number in range(1000)}, NOW + place, WINDOW)
    assert _add(store, NOW + 20, **{"11-0": 1, "0-0": 1}) == {"11-0": (NOW + 11, 2), "0-0": (NOW + 20, 1)}


STEPS = st.lists(
    st.tuples(st.integers(0, WINDOW // 2), st.dictionaries(st.sampled_from("abc"), st.integers(1, 5))), max_size=8
)


@pytest.mark.slow
@given(steps=STEPS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
def test_the_counts_are_those_of_a_list_of_all(store: Store, steps: list[tuple[int, dict[str, int]]]) -> None:
    with store.write() as tx:
        tx.add_failures({}, NOW * 2, WINDOW)
    now, windows = NOW, dict[str, list[int]]()
    for wait, counts in steps:
        now += wait
        for place, count in counts.items():
            kept = windows.get(place, [])
            windows[place] = (kept if kept and now - kept[0] < WINDOW else []) + [now] * count
        assert _add(store, now, **counts) == {place: (windows[place][0], len(windows[place])) for place in counts}
