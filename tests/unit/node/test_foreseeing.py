"""What is told before something is published is what the gate does once it is, of what whoever asks may read (R64)."""

import pytest
from tests.gate_world import look_at_all, marked
from tests.telling_world import put_in_force
from tests.unit.node.test_drafts import node as bare
from tests.unit.node.test_foretelling import CASES, RULES
from tests.visiting import Staff
from tests.world import bundle

from comity.node import foreseeing
from comity.node.foreseeing import Foreseen
from comity.node.node import Node
from comity.node.publishing import Selection
from comity.node.viewing import Viewer, Viewing
from comity.release.closure import Verdict
from comity.stix.markings import TLP

__all__ = ["bare"]
LEVELS = (TLP.CLEAR, TLP.GREEN, TLP.AMBER, TLP.AMBER_STRICT, TLP.RED)


@pytest.fixture
def node(bare: Node) -> Node:
    for name, max_tlp in (("CERT-B", "amber"), ("CERT-C", "green"), ("CERT-D", "clear"), ("Waiting", "amber")):
        bare.add_partner(name, max_tlp=max_tlp, history_from=0)
        if name != "Waiting":
            bare.step_partner(name, "activate", checked_by="a call")
    put_in_force(bare, RULES, CASES)
    return bare


def ours(node: Node) -> list[str]:
    """Two objects of each level came in, and are not published."""
    made = [marked(level, name=f"{level.word} {number}") for level in LEVELS for number in (1, 2)]
    node.receive(bundle(*made))
    return [one["id"] for one in made]


def goes(found: Foreseen) -> dict[str, int]:
    assert found.partners is not None
    return {one.partner: one.goes for one in found.partners}


def received(node: Node, ids: list[str]) -> dict[str, int]:
    """The slow way: it was published, and each partner is asked about. What waits for a second person counts as let go
    by policy."""
    found: dict[str, int] = {}
    for id in ids:
        for one in node.who(id)[0].who:
            waits = any(rule.id == "gate.approval" for rule in one.rules)
            found[one.partner] = found.get(one.partner, 0) + (one.verdict is not Verdict.WITHHOLD or waits)
    return found


def test_who_would_get_it_is_who_receives_it_once_published(node: Node) -> None:
    ids = ours(node)
    for some in (ids, *([id] for id in ids)):
        found = node.foresee(Selection(ids=tuple(some)))
        assert (found.copies, found.more, [id for id, _ in found.named]) == (len(some), False, some)
    foretold = [goes(node.foresee(Selection(ids=(id,)))) for id in ids]
    at_once = goes(node.foresee(Selection(ids=tuple(ids))))
    assert node.publish(Selection(ids=tuple(ids)), hold_seconds=0).published == len(ids)
    look_at_all(node)
    active = set(at_once)
    assert active == {"CERT-B", "CERT-C", "CERT-D"}
    assert any(at_once.values())
    for id, told in zip(ids, foretold, strict=True):
        assert told == {name: count for name, count in received(node, [id]).items() if name in active}
    assert at_once == {name: sum(told[name] for told in foretold) for name in active}
    assert node.foresee(Selection(ids=tuple(ids))).copies == 0, "nothing of it is to be published any more"


def test_each_partner_has_the_rules_that_decided(node: Node) -> None:
    ids = ours(node)
    found = node.foresee(Selection(ids=tuple(ids)))
    for one in found.partners or ():
        assert sum(count for rule, count in one.rules if rule.permits) >= one.goes
        assert sum(count for _, count in one.rules) >= len(ids)
        assert [count for _, count in one.rules] == sorted((count for _, count in one.rules), reverse=True)


def test_who_may_not_read_something_is_told_nothing_of_it_and_not_that_it_is_there(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, open = marked(TLP.RED, name="Their secret"), marked(TLP.GREEN, name="Theirs")
    node.receive(bundle(secret, open), node.source_of_partner("CERT-C"))
    staff = Staff(node)
    with staff.acting("rolf"):
        found = node.foresee()
        assert ([id for id, _ in found.named], found.copies, found.more) == ([open["id"]], 1, False)
        monkeypatch.setattr(Viewing, "_viewer_with", lambda *_: Viewer(everything=True, reads=True, counts=False))
        assert secret["id"] in [id for id, _ in node.foresee().named], "as soon as the one mechanism lets it through"


def test_more_than_are_looked_at_are_said_to_be_more(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = ours(node)
    monkeypatch.setattr(foreseeing, "MOST", 4)
    found = node.foresee(Selection(ids=tuple(ids)))
    assert (found.copies, found.more) == (4, True)
    monkeypatch.setattr(foreseeing, "CELLS_MOST", 1)
    assert node.foresee(Selection(ids=tuple(ids))).partners is None
