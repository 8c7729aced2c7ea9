"""What `doctor` says of proposals, sources and classes, and the rule that a doubted clock has of its own."""

from collections.abc import Callable

import pytest
from tests.gate_world import marked, partnered, take
from tests.world import MadeClock, bundle, indicator

from comity.interfaces import microseconds
from comity.node import pausing
from comity.node.doctor import Finding, Level, _classes, _sources, _waiting
from comity.node.node import Node
from comity.stix.markings import TLP

pytestmark = pytest.mark.slow
DEFINITION = "marking-definition--11111111-1111-4111-8111-111111111111"
MEANS = {
    "type": "marking-definition",
    "spec_version": "2.1",
    "id": DEFINITION,
    "created": "2024-01-01T00:00:00.000Z",
    "definition_type": "tlp",
    "definition": {"tlp": "green"},
}


def said(look: Callable[[Node], list[Finding]], node: Node) -> tuple[Level, str, str]:
    """The one thing that is found."""
    (found,) = look(node)
    return found.level, found.what, found.hint


def test_a_proposal_is_told_with_no_id_of_an_object(node: Node, clock: MadeClock) -> None:
    partnered(node)
    node.add_partner("CERT-C", groups=("GROUP",), history_from=0)
    one = marked(TLP.GREEN)
    take(node, one)
    assert said(_waiting, node)[0] is Level.OK
    secret = node.add_user("anna", ["admin"]).secret
    with node.acting("anna", secret):
        node.add_user("bert", ["approver"])
        waits = node.move_partner("CERT-C", "activate", checked_by="a call").waits
    assert waits
    level, what, hint = said(_waiting, node)
    assert level is Level.WARN
    assert what.startswith("To activate CERT-C, asked for by anna, waits until 20")
    assert waits in hint
    assert one["id"] not in repr(node.waiting())
    clock.move(hours=24)
    assert said(_waiting, node)[0] is Level.OK


def test_a_paused_source_is_told(node: Node) -> None:
    node.add_source("feed", publish="auto")
    assert said(_sources, node)[0] is Level.OK
    with node.store.write() as tx:
        pausing.note_new(tx, "feed", pausing.NEW_CLASSES_MAX + 1, microseconds(node.clock.now()))
    level, what, hint = said(_sources, node)
    assert (level, hint) == (Level.WARN, "Look at what it sends, then: comity source resume 'feed'")
    assert what.startswith("feed is paused: it made 201 new classes")


def test_what_stands_between_two_classes_is_told(node: Node) -> None:
    node.add_source("feed")
    take(node, indicator(object_marking_refs=[DEFINITION]), source="feed")
    assert node.unsettled() == (0, 0)
    assert said(_classes, node)[0] is Level.OK
    node.receive(bundle(MEANS), "feed")
    assert (node.unsettled(), len(node.class_changes())) == ((0, 0), 1), "before it, its marking was unknown"
    node.reclassify()
    assert node.unsettled() == (0, 1)
    assert said(_classes, node) == (
        Level.WARN,
        "1 copies stand between two classes, since what they count as by now may be looser.",
        "comity reclassify --dry-run lists them.",
    )
    node.reclassify(None, node.class_changes())
    assert node.unsettled() == (0, 0)


def told(node: Node) -> list[str]:
    """The rules that are told of the one object."""
    (found,) = node.tell("CERT-B", passing=False)
    return [rule.id for rule in found.rules]


@pytest.mark.parametrize("days", [20, -20])
def test_what_only_a_doubted_clock_withholds_has_a_rule_of_its_own(node: Node, clock: MadeClock, days: int) -> None:
    now, day = microseconds(clock.now()), 86_400_000_000
    partnered(node, agreement_from=now - day, agreement_until=now + day)
    take(node, marked(TLP.GREEN))
    assert "gate.clock" not in told(node)
    clock.jump(days=days)
    first, *others = told(node)
    assert first == "gate.clock"
    assert others, "and what would withhold it if that was the time"
    node.confirm_clock()
    assert "gate.clock" not in told(node), "then it is over, or has not begun"


def test_what_stays_whichever_instant_it_is_stays_by_its_own_rule(node: Node, clock: MadeClock) -> None:
    partnered(node)
    take(node, marked(TLP.RED))
    before = told(node)
    clock.jump(days=1)
    assert told(node) == before


def test_a_hold_that_is_over_by_the_doubted_clock_alone_is_told_so(node: Node, clock: MadeClock) -> None:
    partnered(node)
    take(node, marked(TLP.GREEN), hold=3600)
    assert told(node) == ["gate.hold"]
    clock.jump(days=1)
    assert told(node) == ["gate.clock", "gate.hold"]
