"""What leaves for a partner is counted, its caps hold over all processes, and who reads nothing is suspended."""

import json
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gate_world import admitted, marked, partnered, take
from tests.world import MadeClock, MadeEntropy

from comity.errors import Conflict, Invalid, OverCap, StoreUnavailable
from comity.interfaces import Query
from comity.node import deliveries
from comity.node.access import Access
from comity.node.deliveries import Amount
from comity.node.node import Node
from comity.stix.markings import TLP

pytestmark = pytest.mark.slow

HOUR = 3600


@pytest.fixture
def other(node: Node, tmp_path: Path, clock: MadeClock) -> Iterator[Node]:
    """Another process on the same store."""
    with Node.open(f"sqlite:///{tmp_path}/a.db", clock=clock, entropy=MadeEntropy(2)) as opened:
        yield opened


def page(node: Node, access: Access, **asked: Any) -> tuple[list[str], int, bool]:
    told = node.page(access, Query(collection="default", **asked))
    return [each["id"] for each in json.loads(b"[" + told.body + b"]")], told.last_key, told.more


def bytes_of(node: Node, access: Access, **asked: Any) -> int:
    told = node.page(access, Query(collection="default", **asked))
    return len(told.body) - max(0, told.count - 1)


def polled(node: Node, access: Access, clock: MadeClock, limit: int = 1000) -> tuple[list[str], Counter[int]]:
    """All that a client ends with that comes again when it is told to, and how much it got in each hour."""
    found: list[str] = []
    hours: Counter[int] = Counter()
    after, more = 0, True
    while more:
        try:
            some, after, more = page(node, access, after=after, limit=limit)
        except OverCap as error:
            clock.move(seconds=error.retry_after_seconds)
            continue
        found += some
        hours[int(clock.now().timestamp()) // HOUR] += len(some)
    return found, hours


def amounts(node: Node) -> tuple[Amount, Amount]:
    standing = node.standing("CERT-B")
    return standing.hour, standing.day


# -- counting ---------------------------------------------------------------------------------------------------------
def test_pages_are_counted_behind_and_manifests_not_at_all(node: Node, other: Node, clock: MadeClock) -> None:
    access = partnered(node)
    take(node, *(marked(TLP.GREEN) for _ in range(3)), marked(TLP.RED))
    size = bytes_of(node, access)
    node.manifest(access, Query(collection="default"))
    assert other.standing("CERT-B").hour == Amount()
    node.deliveries.flush()
    assert other.standing("CERT-B").hour == other.standing("CERT-B").day == Amount(3, size)
    page(other, access, limit=2)
    clock.move(seconds=HOUR)
    page(node, access, limit=1)
    other.deliveries.flush()
    assert amounts(node)[0].objects == 1
    assert amounts(node)[1].objects == 6


def test_what_was_counted_is_kept_when_the_node_is_closed(tmp_path: Path, node: Node, clock: MadeClock) -> None:
    access = partnered(node)
    take(node, marked(TLP.GREEN))
    with Node.open(f"sqlite:///{tmp_path}/a.db", clock=clock, entropy=MadeEntropy(3)) as another:
        page(another, access)
    assert amounts(node)[0].objects == 1


def test_what_was_counted_is_written_a_while_later(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "FLUSH_SECONDS", 0.01)
    access = partnered(node)
    take(node, marked(TLP.GREEN))
    page(node, access)
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join(10)
    with node.store.read() as snapshot:
        assert snapshot.delivered(access.recipient)


def test_a_store_that_cannot_be_written_loses_no_count(node: Node) -> None:
    access = partnered(node)
    take(node, marked(TLP.GREEN))
    page(node, access)
    write = node.store.write

    def fail() -> Any:
        raise StoreUnavailable("the disk is full")

    node.store.write = fail  # type: ignore[method-assign]  # a store that fails, or comes back
    with pytest.raises(StoreUnavailable):
        node.deliveries.flush()
    node.store.write = write  # type: ignore[method-assign]  # a store that fails, or comes back
    assert amounts(node)[0].objects == 1


# -- caps -------------------------------------------------------------------------------------------------------------
def test_a_page_is_cut_to_what_is_left_and_polling_goes_on_without_loss(node: Node, clock: MadeClock) -> None:
    access = partnered(node)
    take(node, *(marked(TLP.GREEN) for _ in range(7)))
    everything, _, _ = page(node, access)
    clock.move(seconds=HOUR)
    node.edit_partner("CERT-B", cap_objects_hour=3)
    some, after, more = page(node, access)
    assert (some, more) == (everything[:3], True)
    for asked in ({"after": after}, {}, {"ids": (everything[0],)}, {"types": ("malware",)}):
        with pytest.raises(OverCap) as caught:
            page(node, access, **asked)
        assert caught.value.message == deliveries.PAUSED
        assert 0 < caught.value.retry_after_seconds <= HOUR
    assert len(node.manifest(access, Query(collection="default")).items) == 7
    assert amounts(node)[0].objects == 3
    clock.move(seconds=caught.value.retry_after_seconds)
    found, hours = polled(node, access, clock)
    assert found == everything
    assert max(hours.values()) == 3


def test_a_client_that_polls_by_dates_loses_nothing_at_a_cap(node: Node, clock: MadeClock) -> None:
    access = partnered(node, cap_objects_hour=2)
    made = take(node, *(marked(TLP.GREEN) for _ in range(5)))
    found: list[str] = []
    added: int | None = None
    while len(found) < 5:
        told = node.page(access, Query(collection="default", added_after=added))
        found += [each["id"] for each in json.loads(b"[" + told.body + b"]")]
        added = told.last_added
        clock.move(seconds=HOUR)
    assert sorted(found) == sorted(made)


def test_a_cap_of_a_day_holds_until_the_next(node: Node, clock: MadeClock) -> None:
    access = partnered(node, cap_objects_day=4, cap_objects_hour=3)
    take(node, *(marked(TLP.GREEN) for _ in range(6)))
    page(node, access, limit=3)
    clock.move(seconds=HOUR)
    assert len(page(node, access)[0]) == 1
    with pytest.raises(OverCap) as caught:
        page(node, access)
    clock.move(seconds=caught.value.retry_after_seconds)
    assert (clock.now().hour, clock.now().minute, clock.now().second) == (0, 0, 0)
    assert len(page(node, access)[0]) == 3


def test_a_cap_of_bytes_of_a_day_holds_over_its_hours(node: Node, clock: MadeClock) -> None:
    access = partnered(node)
    take(node, *(marked(TLP.GREEN) for _ in range(3)))
    one = bytes_of(node, access, limit=1)
    clock.move(days=1)
    node.edit_partner("CERT-B", cap_bytes_day=2 * one)
    assert [len(page(node, access, limit=1)[0]), len(page(node, access)[0])] == [1, 1]
    clock.move(seconds=HOUR)
    with pytest.raises(OverCap) as caught:
        page(node, access)
    assert caught.value.retry_after_seconds > HOUR


def test_bytes_are_capped_too_and_no_object_passes_that_is_larger(node: Node, clock: MadeClock) -> None:
    access = partnered(node)
    take(node, *(marked(TLP.GREEN) for _ in range(3)), marked(TLP.GREEN, description="x" * 2000))
    one = bytes_of(node, access, limit=1)
    node.edit_partner("CERT-B", cap_bytes_hour=4 * one)
    some, after, more = page(node, access)
    assert (len(some), more) == (3, True)
    with pytest.raises(OverCap):
        page(node, access, after=after)
    clock.move(days=1)
    with pytest.raises(OverCap):
        page(node, access, after=after)
    assert amounts(node)[0] == Amount()
    node.edit_partner("CERT-B", cap_bytes_hour=None)
    assert len(page(node, access, after=after)[0]) == 1


def test_the_words_are_the_same_whatever_is_withheld(node: Node) -> None:
    access = partnered(node, cap_objects_hour=1)
    take(node, marked(TLP.GREEN))
    page(node, access)
    told = []
    for _ in range(2):
        with pytest.raises(OverCap) as caught:
            page(node, access)
        told.append((caught.value.message, caught.value.hint, caught.value.retry_after_seconds))
        take(node, marked(TLP.RED), marked(TLP.GREEN))
    assert told[0] == told[1]


@settings(max_examples=8)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 4), st.booleans()), min_size=6, max_size=20))
def test_two_processes_together_never_pass_a_cap(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[bool, int, bool]]
) -> None:
    """Each step: who asks for how many, and whether the other asks between the making of that page and its count."""
    url, clock = f"sqlite:///{tmp_path_factory.mktemp('cap')}/a.db", MadeClock()
    with (
        Node.open(url, clock=clock, entropy=MadeEntropy(1)) as one,
        Node.open(url, clock=clock, entropy=MadeEntropy(2)) as two,
    ):
        access = partnered(one, cap_objects_hour=9)
        take(one, *(marked(TLP.GREEN) for _ in range(5)))
        got = 0

        def ask(node: Node, limit: int) -> None:
            nonlocal got
            try:
                some, _, _ = page(node, access, limit=limit)
                got += len(some)
            except OverCap:
                assert got == 9

        for first, limit, races in steps:
            node, rival = (one, two) if first else (two, one)
            with between(node, partial(ask, rival, 3) if races else list):
                ask(node, limit)
        assert got <= 9
        with one.store.read() as snapshot:
            assert sum(row.objects for row in snapshot.delivered(access.recipient)) == got


@contextmanager
def between(node: Node, happens: Callable[[], object]) -> Iterator[None]:
    """Once, before the node takes its next turn as a writer, something else happens."""
    write = node.store.write

    def first() -> Any:
        node.store.write = write  # type: ignore[method-assign]  # a store that fails, or comes back
        happens()
        return write()

    node.store.write = first  # type: ignore[method-assign]  # a store that fails, or comes back
    yield
    node.store.write = write  # type: ignore[method-assign]  # a store that fails, or comes back


def test_what_left_before_there_was_a_cap_counts_under_it(node: Node) -> None:
    access = partnered(node)
    take(node, *(marked(TLP.GREEN) for _ in range(3)))
    page(node, access)
    node.edit_partner("CERT-B", cap_objects_hour=3)
    with pytest.raises(OverCap):
        page(node, access)


def test_a_person_hears_of_a_pause_once_and_the_store_knows_it(
    node: Node, clock: MadeClock, caplog: pytest.LogCaptureFixture
) -> None:
    access = partnered(node, cap_objects_hour=1)
    take(node, marked(TLP.GREEN))
    page(node, access)
    with caplog.at_level(logging.WARNING, "comity"):
        for _ in range(3):
            with pytest.raises(OverCap):
                page(node, access)
    (record,) = [each for each in caplog.records if "paused by a cap" in each.getMessage()]
    assert "CERT-B" in record.getMessage()
    assert node.standing("CERT-B").paused_until is not None
    clock.move(seconds=HOUR)
    assert node.standing("CERT-B").paused_until is None
    page(node, access)
    node.edit_partner("CERT-B", cap_objects_hour=None)
    assert page(node, access)[0]


@pytest.mark.parametrize("cap", [0, -1, 10**16])
def test_a_cap_is_at_least_one(node: Node, cap: int) -> None:
    with pytest.raises(Invalid):
        node.add_partner("CERT-B", cap_bytes_day=cap)


# -- what is usual ----------------------------------------------------------------------------------------------------
def test_who_takes_more_than_twice_the_usual_is_told_of_once_a_day(
    node: Node, clock: MadeClock, caplog: pytest.LogCaptureFixture
) -> None:
    access = partnered(node)
    take(node, *(marked(TLP.GREEN) for _ in range(10)))

    def told() -> int:
        node.deliveries.flush()
        found = sum("usual" in each.getMessage() for each in caplog.records)
        caplog.clear()
        return found

    caplog.set_level(logging.WARNING, "comity")
    page(node, access, limit=5)
    clock.move(days=13, hours=23)
    assert told() == 0
    assert node.standing("CERT-B").usual is None
    clock.move(hours=1)
    page(node, access, limit=10)
    assert told() == 0
    usual = node.standing("CERT-B").usual
    assert usual is not None
    assert (usual.hour.objects, usual.day.objects) == (5, 5)
    page(node, access, limit=1)
    assert told() == 1
    assert node.standing("CERT-B").unusual
    page(node, access, limit=1)
    clock.move(hours=1)
    assert told() == 0
    clock.move(days=1)
    page(node, access, limit=10)
    page(node, access, limit=10)
    assert told() == 1
    assert len(page(node, access)[0]) == 10


# -- unused -----------------------------------------------------------------------------------------------------------
def test_who_reads_nothing_for_ninety_days_is_suspended_and_can_be_resumed(node: Node, clock: MadeClock) -> None:
    access = partnered(node)
    take(node, marked(TLP.GREEN))
    clock.move(days=89)
    assert len(page(node, access)[0]) == 1
    clock.move(days=89, hours=23)
    assert node.standing("CERT-B").state == "active"
    clock.move(hours=1)
    standing = node.standing("CERT-B")
    assert (standing.state, standing.reason) == ("suspended", "unused")
    for _ in range(2):
        # Asking is no use while nothing may leave.
        assert page(node, access)[0] == []
        node.deliveries.flush()
    assert node.standing("CERT-B").state == "suspended"
    node.step_partner("CERT-B", "resume")
    assert node.standing("CERT-B").state == "active"
    assert len(page(node, access)[0]) == 1
    with pytest.raises(Conflict):
        node.step_partner("CERT-B", "resume")


def test_to_be_answered_with_nothing_is_a_use_and_to_have_no_token_is_none(node: Node, clock: MadeClock) -> None:
    access = partnered(node)
    node.add_partner("CERT-C", groups=("GROUP",))
    node.step_partner("CERT-C", "activate", checked_by="a call")
    for _ in range(4):
        clock.move(days=60)
        assert page(node, access)[0] == []
    assert node.standing("CERT-B").reason == ""
    assert node.standing("CERT-C").unused_from is None
    admitted(node, read=["default"], partner="CERT-C")
    clock.move(days=89)
    assert node.standing("CERT-C").state == "active"
    clock.move(days=1)
    assert node.standing("CERT-C").reason == "unused"


def test_another_process_knows_that_the_partner_was_used(node: Node, other: Node, clock: MadeClock) -> None:
    access = partnered(node)
    take(node, marked(TLP.GREEN))
    assert len(page(other, access)[0]) == 1
    for _ in range(3):
        clock.move(days=80)
        assert len(page(node, access)[0]) == 1
        node.deliveries.flush()
    assert len(page(other, access)[0]) == 1


def test_when_a_partner_was_last_used_is_written_at_most_once_an_hour(node: Node, clock: MadeClock) -> None:
    access = partnered(node)
    seen = set()
    for _ in range(12):
        clock.move(seconds=600)
        page(node, access)
        node.deliveries.flush()
        seen.add(node.standing("CERT-B").used_at)
    assert len(seen) == 2
