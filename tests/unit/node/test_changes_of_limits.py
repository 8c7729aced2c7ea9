"""Changes of those who are given nothing for now, under a doubted clock, and of caps: what they open all the same."""

from typing import Any

import pytest
from tests.gate_world import marked, take
from tests.offices import Office, in_force
from tests.release_world import policy_of
from tests.world import MadeClock

from comity.interfaces import microseconds
from comity.node import changes, releasing
from comity.node.changes import Difference
from comity.node.guard import Moment
from comity.node.node import Node
from comity.node.recipients import CAPS
from comity.stix.tlp import TLP

pytestmark = pytest.mark.slow
UP_TO_AMBER = """
@id("amber") @title("Ours up to AMBER")
permit (principal, action == Action::"release", resource)
when { resource.ours && [Tlp::"clear", Tlp::"green", Tlp::"amber"].contains(resource.tlp) };
"""
DAY_US = 86_400_000_000


@pytest.fixture(autouse=True)
def without_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Policies of a rule or two need no cases here."""
    monkeypatch.setattr(releasing, "compile_policy", lambda _floor, text, _cases: policy_of(text))


@pytest.fixture
def reading(node: Node) -> Node:
    """CERT-B reads GREEN; an AMBER object is published too."""
    take(node, marked(TLP.GREEN), marked(TLP.AMBER))
    in_force(node, UP_TO_AMBER)
    node.add_partner("CERT-B", history_from=0, cybersecurity=True)
    node.step_partner("CERT-B", "activate", checked_by="a call")
    node.new_token("siem", read=["all"], partner="CERT-B", days=180)
    return node


def trial(node: Node, **facets: Any) -> Difference:
    """The difference that these facets of CERT-B would make."""
    return node.change_partner("CERT-B", facets, dry_run=True).difference


def test_who_is_suspended_for_reading_nothing_is_compared_as_if_it_came_back(reading: Node, clock: MadeClock) -> None:
    before = trial(reading, max_tlp="amber")
    assert before.cells
    clock.move(days=91)
    assert reading.standing("CERT-B").reason == "unused"
    after = trial(reading, max_tlp="amber")
    assert after.widens
    assert (after.cells, after.seen) == (before.cells, before.seen)


def test_to_resume_who_read_nothing_waits_for_a_second_person(reading: Node, clock: MadeClock) -> None:
    clock.move(days=91)
    office = Office(reading)
    with office.acts("anna"):
        done = reading.move_partner("CERT-B", "resume")
    assert done.waits
    assert done.difference.seen is not None
    assert sum(done.difference.seen.appear.values()) == 1
    assert reading.standing("CERT-B").state == "suspended"
    office.approve(done.waits)
    assert reading.standing("CERT-B").state == "active"


def test_what_only_a_doubted_clock_says_is_over_is_opened_all_the_same(
    reading: Node, clock: MadeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = microseconds(clock.now())
    reading.edit_partner("CERT-B", agreement_until=now + 10 * DAY_US)
    before = trial(reading, max_tlp="amber")
    clock.jump(days=20)
    after = trial(reading, max_tlp="amber")
    assert after.widens
    assert (after.cells, after.seen) == (before.cells, before.seen)
    monkeypatch.setattr(type(reading.guard), "moment", lambda *_: Moment(microseconds(clock.now())))
    assert not trial(reading, max_tlp="amber").cells, "by that clock alone it would seem to open nothing"


def test_a_clock_that_was_set_back_hides_nothing_either(reading: Node, clock: MadeClock) -> None:
    now = microseconds(clock.now())
    reading.edit_partner("CERT-B", agreement_from=now - DAY_US)
    before = trial(reading, max_tlp="amber")
    clock.jump(days=-20)
    assert trial(reading, max_tlp="amber").cells == before.cells


@pytest.mark.parametrize("cap", CAPS)
def test_a_cap_that_is_raised_or_removed_widens_and_one_that_is_set_or_lowered_does_not(
    reading: Node, cap: str
) -> None:
    assert not trial(reading, **{cap: 100}).widens
    reading.edit_partner("CERT-B", **{cap: 100})
    id = reading.partner("CERT-B").id
    for to, grows in ((101, True), (None, True), (99, False), (100, False)):
        found = trial(reading, **{cap: to})
        assert found.widens is grows, to
        assert found.caps == ((id,) if grows else ())
        assert found.to_json({id: "CERT-B"})["caps"] == (["CERT-B"] if grows else [])
    reading.step_partner("CERT-B", "pause")
    assert not trial(reading, **{cap: None}).widens, "nothing leaves before it is resumed, which is looked at"


def test_a_cap_that_is_raised_waits_and_is_bound(reading: Node) -> None:
    reading.edit_partner("CERT-B", cap_objects_day=100)
    office = Office(reading)
    with office.acts("anna"):
        reading.change_partner("CERT-B", {"cap_objects_day": 50})
        waits = reading.change_partner("CERT-B", {"cap_objects_day": 80}).waits
    assert waits
    assert reading.partner("CERT-B").cap_objects_day == 50
    ((kept, _),) = office.proposals()
    assert kept.told["caps"] == ["CERT-B"]
    office.approve(waits)
    assert reading.partner("CERT-B").cap_objects_day == 80


def test_a_comparison_that_does_not_look_at_caps_would_be_seen(reading: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "_caps_grow", lambda *_: False)
    with pytest.raises(AssertionError):
        test_a_cap_that_is_raised_waits_and_is_bound(reading)
