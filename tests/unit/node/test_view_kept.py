"""How long a view may be kept, and that nothing leaves by it that is not in it."""

from collections.abc import Iterator

import pytest
from pyroaring import BitMap
from tests.gate_world import AND_AUTHORS, GREEN_OURS, PARTNER, Reader, marked, take
from tests.release_world import policy_of
from tests.world import MadeClock

from comity.interfaces import microseconds
from comity.node.gate import Gate
from comity.node.node import Node
from comity.node.views import Earlier, Subject, View, leave
from comity.stix.tlp import TLP
from comity.store.interface import Snapshot

AND_PERSONS = """
@id("persons") @title("Persons are shown")
permit (principal, action == Action::"show-personal-data", resource);
"""


@pytest.fixture
def snapshot(node: Node) -> Iterator[Snapshot]:
    take(node, marked(TLP.GREEN, name="it may go"), marked(TLP.RED, name="it may not"))
    with node.store.read() as snapshot:
        yield snapshot


def view_of(snapshot: Snapshot, since: int, until: int, trusted: tuple[int, int] | None) -> View:
    made = View(Subject(PARTNER), BitMap(), BitMap(), BitMap(), {}, {}, until, snapshot.relations())
    made.since, made.trusted = since, trusted
    return made


def test_a_view_holds_from_its_making_until_its_first_date_by_every_clock(snapshot: Snapshot) -> None:
    sure, doubted = view_of(snapshot, 100, 200, None), view_of(snapshot, 100, 200, (30, 60))
    for now in (99, 100, 199, 200):
        within = 100 <= now < 200
        assert sure.holds_at(now, None) is within
        # What was seen before the clock was doubted says nothing of what both instants let go, nor the other way round.
        assert not sure.holds_at(now, now)
        assert not doubted.holds_at(now, None)
        for trusted in (29, 30, 59, 60):
            assert doubted.holds_at(now, trusted) is (within and 30 <= trusted < 60)


def test_what_is_not_in_view_does_not_leave_whoever_asks_for_it(node: Node, snapshot: Snapshot) -> None:
    reader = Reader(node)
    view = reader.gate.view(snapshot, reader.policy, reader.subject, microseconds(node.clock.now()))
    every = range(1, snapshot.publications().last_number + 1)
    assert len(every) == 2
    assert len(view.alive) == 1
    for sound in (None, reader.sound):
        assert [number for number, _ in leave(snapshot, view, every, sound)] == list(view.alive)
        assert leave(snapshot, view, BitMap(every) - view.alive, sound) == []


def test_a_view_is_of_one_policy_and_one_subject_and_one_doubt(node: Node, snapshot: Snapshot) -> None:
    """Each of them that is another makes another view, and the same ones the same view."""
    now = microseconds(node.clock.now())
    gate = Gate(lambda before, after: True)
    strict, wide = policy_of(GREEN_OURS), policy_of(GREEN_OURS + AND_AUTHORS)
    earlier = Earlier(PARTNER, now - 10)
    asked = [
        (strict, Subject(PARTNER), None),
        (wide, Subject(PARTNER), None),
        (wide, Subject(PARTNER, history_from=now + 1), None),
        (wide, Subject(PARTNER, frozenset({"local"})), None),
        (wide, Subject(PARTNER), earlier),
        (strict, Subject(PARTNER), earlier),
    ]
    for policy, subject, doubt in asked:
        view = gate.view(snapshot, policy, subject, now, doubt)
        fresh = Gate(lambda before, after: True).view(snapshot, policy, subject, now, doubt)
        assert (view.alive, view.authorless, view.sent) == (fresh.alive, fresh.authorless, fresh.sent)
        assert view.trusted == fresh.trusted
        assert gate.view(snapshot, policy, subject, now, doubt) is view


def test_filters_hold_together_and_not_one_of_them(node: Node) -> None:
    first, second = (marked(TLP.GREEN, name=f"sign {n}", pattern=f"[ipv4-addr:value = '192.0.2.{n}']") for n in (1, 2))
    take(node, first, second)
    reader = Reader(node)
    assert reader.ids(ids=(first["id"],), types=("indicator",)) == [first["id"]]
    assert reader.ids(ids=(first["id"],), types=("campaign",)) == []
    assert reader.ids(ids=(first["id"],), types=("indicator",), versions=("2000-01-01T00:00:00",)) == []


@pytest.mark.parametrize("shown", [False, True])
def test_an_address_of_a_victim_leaves_only_where_it_may_be_shown(node: Node, shown: bool) -> None:
    victim = "someone@example.com"
    take(node, marked(TLP.GREEN, description=f"It was sent to {victim}."))
    reader = Reader(node, GREEN_OURS + (AND_PERSONS if shown else ""))
    (page,) = reader.page()[0]
    assert (victim in page["description"]) is shown
    assert page["description"].startswith("It was sent to ")


def test_what_another_process_opened_has_the_date_that_it_gave(node: Node, clock: MadeClock) -> None:
    one, other = Reader(node), Reader(node)
    take(node, marked(TLP.GREEN, name="first"))
    one.page()
    take(node, marked(TLP.GREEN, name="second"))
    told = other.page()
    clock.move(seconds=60)
    assert len(told[0]) == 2
    assert one.page() == told
    assert Reader(node).page() == told
