"""The guard on the clock: while it may have been set wrongly, nothing leaves that only a date has opened."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gate_world import Reader, admitted, marked, partnered, take
from tests.world import MadeClock, MadeEntropy

from comity.errors import Unauthenticated
from comity.interfaces import Query, microseconds
from comity.node.access import Access, Credential
from comity.node.guard import Moment
from comity.node.node import Node
from comity.node.system import SystemClock
from comity.stix.markings import TLP

pytestmark = pytest.mark.slow

MINUTE_US = 60_000_000


@pytest.fixture
def other(node: Node, tmp_path: Path, clock: MadeClock) -> Iterator[Node]:
    """Another process on the same store."""
    with Node.open(f"sqlite:///{tmp_path}/a.db", clock=clock, entropy=MadeEntropy(2)) as opened:
        yield opened


def ids(node: Node, access: Access) -> list[str]:
    page = node.page(access, Query(collection="default"))
    return [each["id"] for each in json.loads(b"[" + page.body + b"]")]


def doubted(node: Node) -> bool:
    return node.guard.look().trusted is not None


# -- what is found ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("minutes", "found"), [(4, False), (6, True), (-4, False), (-6, True), (60 * 24 * 365, True)])
def test_a_jump_of_more_than_five_minutes_is_doubted_until_a_person_confirms(
    node: Node, clock: MadeClock, minutes: int, found: bool
) -> None:
    assert not doubted(node)
    clock.move(hours=10)
    assert not doubted(node)
    right = microseconds(clock.now())
    clock.jump(minutes=minutes)
    now = microseconds(clock.now())
    assert node.guard.look() == Moment(now, right if found else None)
    clock.move(minutes=2)
    moment = node.guard.look()
    assert moment == Moment(now + 2 * MINUTE_US, right + 2 * MINUTE_US if found else None)
    clock.jump(minutes=-minutes)
    assert doubted(node) is found
    node.guard.confirm()
    assert not doubted(node)
    clock.move(days=3)
    assert not doubted(node)
    clock.jump(minutes=6)
    assert doubted(node)


def test_small_jumps_within_an_hour_add_up_and_slow_drift_does_not(node: Node, clock: MadeClock) -> None:
    for _ in range(30):
        clock.move(minutes=61)
        clock.jump(minutes=2)
        assert not doubted(node)
    for _ in range(2):
        clock.jump(minutes=2)
        clock.move(minutes=5)
        assert not doubted(node)
    clock.jump(minutes=2)
    assert doubted(node)


def test_all_processes_and_those_that_start_later_know_it(
    node: Node, other: Node, tmp_path: Path, clock: MadeClock
) -> None:
    assert not doubted(node)
    assert not doubted(other)
    clock.jump(hours=1)
    assert doubted(node)
    assert doubted(other)
    with Node.open(f"sqlite:///{tmp_path}/a.db", clock=clock, entropy=MadeEntropy(3)) as later:
        assert doubted(later)
        later.guard.confirm()
    assert not doubted(node)
    assert not doubted(other)
    clock.jump(hours=-1)
    assert doubted(other)
    assert doubted(node)


def test_a_jump_between_two_runs_on_one_machine_is_found(node: Node, tmp_path: Path, clock: MadeClock) -> None:
    assert not doubted(node)
    clock.move(minutes=30)
    clock.jump(hours=1)
    with Node.open(f"sqlite:///{tmp_path}/a.db", clock=clock, entropy=MadeEntropy(3)) as later:
        assert doubted(later)


@pytest.mark.parametrize(("hours", "found"), [(12, False), (-1, True)])
def test_a_machine_that_was_off_is_believed_unless_time_runs_backwards(
    node: Node, tmp_path: Path, clock: MadeClock, hours: int, found: bool
) -> None:
    assert not doubted(node)
    clock.boot = "second"
    clock.jump(hours=hours)
    with Node.open(f"sqlite:///{tmp_path}/a.db", clock=clock, entropy=MadeEntropy(3)) as later:
        assert doubted(later) is found
        if found:
            clock.boot = "third"
            assert later.guard.look().trusted == microseconds(clock.now() + timedelta(hours=1))


def test_the_clock_of_the_machine_is_steady_enough_to_be_believed(tmp_path: Path) -> None:
    clock = SystemClock()
    (boot, one), (same, two) = clock.steady(), clock.steady()
    assert boot == same
    assert one <= two
    with Node.open(f"sqlite:///{tmp_path}/real.db") as real:
        assert real.guard.look().trusted is None
        assert real.guard.look().trusted is None


# -- what it does -----------------------------------------------------------------------------------------------------
def test_what_a_date_opens_stays_shut_while_the_clock_is_doubted(node: Node, clock: MadeClock) -> None:
    access = partnered(node)
    (held,) = take(node, marked(TLP.GREEN), hold=3600)
    (plain,) = take(node, marked(TLP.GREEN))
    assert ids(node, access) == [plain]
    clock.jump(hours=2)
    assert ids(node, access) == [plain]
    clock.move(minutes=59)
    assert ids(node, access) == [plain]
    clock.move(minutes=1)
    assert ids(node, access) == [plain, held]


def test_an_agreement_does_not_begin_by_a_jump_and_a_person_can_confirm_it(
    node: Node, other: Node, clock: MadeClock
) -> None:
    starts = microseconds(clock.now() + timedelta(days=1))
    access = partnered(node, agreement_from=starts)
    (one,) = take(node, marked(TLP.GREEN))
    assert ids(node, access) == []
    clock.jump(days=2)
    assert ids(node, access) == []
    assert ids(other, access) == []
    other.guard.confirm()
    assert ids(node, access) == [one]
    assert ids(other, access) == [one]


@pytest.mark.parametrize("days", [2, -2])
def test_what_a_date_closes_is_shut_whichever_way_the_clock_jumps(node: Node, clock: MadeClock, days: int) -> None:
    ends = microseconds(clock.now() + timedelta(days=1))
    access = partnered(node, agreement_until=ends)
    (one,) = take(node, marked(TLP.GREEN))
    assert ids(node, access) == [one]
    if days < 0:
        clock.move(days=2)
        assert ids(node, access) == []
    clock.jump(days=days)
    assert ids(node, access) == []


def test_a_token_does_not_come_back_to_life_when_the_clock_is_set_back(node: Node, clock: MadeClock) -> None:
    credential = Credential.of_token(node.new_token("made", read=["default"], days=1).token)
    assert credential is not None
    assert node.admit(credential)
    clock.move(days=2)
    with pytest.raises(Unauthenticated):
        node.admit(credential)
    clock.jump(days=-2)
    with pytest.raises(Unauthenticated):
        node.admit(credential)


def test_what_opens_meanwhile_has_the_date_of_the_trusted_instant(node: Node, clock: MadeClock) -> None:
    access = partnered(node)
    take(node, marked(TLP.GREEN))
    assert len(ids(node, access)) == 1
    clock.move(minutes=1)
    right = microseconds(clock.now())
    clock.jump(days=40)
    take(node, marked(TLP.GREEN))
    clock.jump(days=-40)
    clock.jump(days=30)
    told = node.page(access, Query(collection="default"))
    assert told.count == 2
    assert told.last_added == right


def test_a_jump_begins_no_new_hour_of_a_cap_and_destroys_nothing_early(node: Node, clock: MadeClock) -> None:
    access = partnered(node, cap_objects_hour=1)
    kept, gone = take(node, marked(TLP.GREEN), marked(TLP.GREEN))
    assert len(ids(node, access)) == 1
    everything = admitted(node, read=["all"], write=["all"])
    node.delete(everything, node.collections()[0].id, gone)
    clock.jump(days=40)
    assert node.standing("CERT-B").hour.objects == 1
    while node.work():
        pass
    with node.store.read() as snapshot:
        assert [copy.body is None for copy in snapshot.copies(gone)] == [False]
    assert kept


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("move"), st.integers(0, 40)),
        st.tuples(st.just("jump"), st.one_of(st.integers(6, 60), st.integers(-60, -6))),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=12)
@given(STEPS)
def test_what_leaves_is_never_more_than_what_the_right_time_lets_go(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    """The slow twin knows the right time: holds end and agreements begin and end by it."""
    clock = MadeClock()
    url = f"sqlite:///{tmp_path_factory.mktemp('guard')}/a.db"
    with Node.open(url, clock=clock, entropy=MadeEntropy()) as node:
        begin = right = clock.now()
        starts, ends = (microseconds(begin + timedelta(minutes=each)) for each in (20, 70))
        access = partnered(node, agreement_from=starts, agreement_until=ends)
        first, second = (take(node, marked(TLP.GREEN), hold=60 * hold)[0] for hold in (0, 30))
        assert ids(node, access) == []
        for verb, minutes in steps:
            if verb == "jump":
                clock.jump(minutes=minutes)
            else:
                clock.move(minutes=minutes)
                right += timedelta(minutes=minutes)
            here = (right - begin) / timedelta(minutes=1)
            allowed = [one for one, opens in ((first, 20), (second, 30)) if opens <= here < 70]
            told = ids(node, access)
            assert set(told) <= set(allowed)
            assert told == allowed or clock.now() != right


def test_the_view_is_that_of_both_instants(node: Node, clock: MadeClock) -> None:
    """The seeded fault: a gate that looks at one instant alone lets go what it must not."""
    (held,) = take(node, marked(TLP.GREEN), hold=3600)
    reader = Reader(node)
    clock.jump(hours=2)
    assert reader.ids() == [held]


def test_metrics_and_readiness_tell_of_it(node: Node, clock: MadeClock) -> None:
    assert node.cautions() == []
    clock.jump(hours=2)
    (words,) = node.cautions()
    assert "comity clock confirm" in words
    assert node.ready() == []


def test_who_confirms_waits_for_no_writer_that_waits_for_the_clock(node: Node) -> None:
    """Whoever has the writer's turn may ask for the moment while a person confirms the clock."""
    with ThreadPoolExecutor(1) as pool:
        with node.store.write() as tx:
            confirmed = pool.submit(node.confirm_clock)
            time.sleep(0.1)
            asked = threading.Thread(target=node.guard.moment, args=(tx,), daemon=True)
            asked.start()
            asked.join(5)
            assert not asked.is_alive()
        assert confirmed.result(5).trusted is None
