"""A source that makes new classes too fast is paused, and hears nothing of it (R66)."""

from typing import Any

import orjson
import pytest
from tests.gate_world import PARTNER, Reader, look_at_all
from tests.world import MadeClock, bundle, indicator

from comity.errors import Conflict
from comity.node import pausing, receive
from comity.node.access import Credential
from comity.node.node import Node
from comity.node.pausing import HOUR_US
from comity.node.views import Subject
from comity.node.way import way_of
from comity.release.standing import classes_in
from comity.stix.extensions import LIMITS_EXTENSION
from comity.stix.parse import Limits
from comity.stix.tlp import TLP
from comity.store.nouns import State

ALL = '@id("all") @title("Everything") permit (principal, action, resource);'
MOST = 5


@pytest.fixture
def feed(node: Node, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(pausing, "NEW_CLASSES_MAX", MOST)
    node.add_source("feed", default_marking="green", publish="auto")
    return "feed"


def classed(number: int) -> dict[str, Any]:
    """An indicator whose class no other number has."""
    limits = {"extension_type": "property-extension", "sectors": [f"sector {number}"]}
    return indicator(name=f"it {number}", extensions={LIMITS_EXTENSION: limits})


def states(node: Node) -> dict[str, State]:
    """Of all that is stored, by name."""
    with node.store.read() as snapshot:
        found = (snapshot.copies(item.id)[0] for item in node.find())
        return {orjson.loads(copy.body or b"")["name"]: copy.state for copy in found}


def published(node: Node) -> list[str]:
    return sorted(name for name, state in states(node).items() if state is State.PUBLISHED)


def test_what_comes_beyond_the_most_is_stored_and_not_published(node: Node, feed: str) -> None:
    node.receive(bundle(*map(classed, range(MOST))), feed)
    assert len(published(node)) == MOST
    assert node.paused_sources() == {}
    report = node.receive(bundle(classed(MOST), classed(0) | {"id": indicator()["id"], "name": "too"}), feed)
    assert (report.stored, report.rejected) == (2, [])
    assert len(published(node)) == MOST
    assert list(node.paused_sources()) == [feed]
    assert "new classes" in node.source(feed).pace.words
    # What would make no new class waits as well: the source is paused, not the class.
    node.receive(bundle(classed(1) | {"id": indicator()["id"], "name": "again"}), feed)
    assert "again" not in published(node)


def test_a_source_that_is_resumed_publishes_what_comes_next_alone(node: Node, feed: str) -> None:
    node.receive(bundle(*map(classed, range(MOST + 1))), feed)
    assert published(node) == []
    view = node.pause_source(feed, paused=False)
    assert (view.pace.words, node.paused_sources()) == ("", {})
    node.receive(bundle(classed(20)), feed)
    assert published(node) == ["it 20"]
    with pytest.raises(Conflict):
        node.pause_source(feed, paused=False)


def test_an_hour_later_as_many_may_come_again(node: Node, feed: str, clock: MadeClock) -> None:
    for hour in range(3):
        node.receive(bundle(*(classed(hour * MOST + number) for number in range(MOST))), feed)
        clock.move(seconds=HOUR_US // 1_000_000)
    assert len(published(node)) == 3 * MOST
    assert node.paused_sources() == {}


def test_a_clock_that_goes_back_gives_no_other_hour(node: Node, feed: str, clock: MadeClock) -> None:
    node.receive(bundle(*map(classed, range(MOST))), feed)
    clock.move(days=-1)
    node.receive(bundle(classed(30)), feed)
    assert list(node.paused_sources()) == [feed]


def test_many_of_few_classes_pause_nobody(node: Node, feed: str) -> None:
    node.receive(bundle(*(indicator(name=f"it {number}") for number in range(10 * MOST))), feed)
    assert len(published(node)) == 10 * MOST
    assert node.paused_sources() == {}


def test_one_source_that_is_paused_pauses_no_other(node: Node, feed: str) -> None:
    node.receive(bundle(*map(classed, range(MOST + 1))), feed)
    node.add_source("other", publish="auto")
    node.receive(bundle(classed(0)), "other")
    assert published(node) == ["it 0"]


def test_the_poster_is_told_of_success_whatever_becomes_of_it(node: Node, feed: str) -> None:
    token = node.new_token("poster", write=["all"], read=["all"], source=feed)
    access = node.admit(Credential(token.user, token.secret))
    for first in (0, MOST, 2 * MOST):
        posted = node.post(
            access, "default", b'{"objects":%b}' % orjson.dumps([*map(classed, range(first, first + 4))])
        )
        status = orjson.loads(posted.body)
        assert (status["status"], status["success_count"], status["failure_count"]) == ("complete", 4, 0)
    assert len(published(node)) == 4


def test_nothing_of_a_paused_source_reaches_a_partner_before_it_is_published_by_hand(node: Node, feed: str) -> None:
    node.receive(bundle(*map(classed, range(MOST + 1))), feed)
    look_at_all(node)
    reader = Reader(node, ALL, Subject(PARTNER))
    assert reader.ids() == []
    node.publish(hold_seconds=0)
    assert len(reader.ids()) == MOST + 1


def test_a_class_that_nothing_was_published_in_is_new_when_it_comes_again(node: Node, feed: str) -> None:
    """A source that was paused for its classes has not made them: resumed, it is paused by the same ones again."""
    node.receive(bundle(*map(classed, range(MOST + 1))), feed)
    node.pause_source(feed, paused=False)
    node.receive(bundle(*map(classed, range(MOST + 1))), feed)
    assert list(node.paused_sources()) == [feed]
    assert published(node) == []


def test_what_labels_mean_when_it_is_stored_counts_and_not_when_it_was_judged(node: Node, feed: str) -> None:
    """A source is edited while objects of it are judged."""
    with node.store.read() as snapshot:
        collection, source = snapshot.collection("default").id, snapshot.source(feed)
    way = way_of(collection, source, ours=node.ours())
    node.edit_source(feed, labels_are_markings=True)
    raws = [orjson.dumps(indicator(name="marked by its label", labels=[label])) for label in ("tlp:clear", "tlp:red")]
    receive.store_all(node.store, node.clock, raws, way, node.schemas(), Limits(), receive.Report(feed))
    with node.store.read() as snapshot:
        found = snapshot.published(list(snapshot.publications().of("state", State.PUBLISHED)))
        levels = [classes_in(snapshot.classes()[one.class_key])[0].tlp for one in found]
    assert levels == [TLP.CLEAR, TLP.RED]
