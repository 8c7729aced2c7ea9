"""What policy lets go only after a second person approved it: it is withheld on every way until then, and afterwards it
is that copy and no other."""

import json
from typing import Any

import pytest
from pyroaring import BitMap
from tests.gate_world import look_at_all, marked, take
from tests.offices import Office, in_force
from tests.release_world import policy_of
from tests.world import MadeClock

from comity.errors import ComityError, Conflict, NotAuthorized, NotFound, TooLarge
from comity.interfaces import Query
from comity.node import releasing, requesting
from comity.node.access import Access, Credential
from comity.node.node import Node
from comity.node.permits import KIND, approved_for
from comity.node.publishing import Selection
from comity.stix.tlp import TLP

POLICY = """
@id("clear") @title("CLEAR goes")
permit (principal, action == Action::"release", resource) when { resource.tlp == Tlp::"clear" };
@id("asked") @title("GREEN after approval") @approval("second-person")
permit (principal, action == Action::"release", resource) when { resource.tlp == Tlp::"green" };
"""


@pytest.fixture(autouse=True)
def without_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Policies of a rule or two need no cases here."""
    monkeypatch.setattr(releasing, "compile_policy", lambda _floor, text, _cases: policy_of(text))


class World(Office):
    """CERT-B is active and reads; a CLEAR relationship rests on a GREEN indicator."""

    def __init__(self, node: Node) -> None:
        in_force(node, POLICY)
        node.add_partner("CERT-B", history_from=0, cybersecurity=True)
        node.step_partner("CERT-B", "activate", checked_by="a call")
        self.clear = marked(TLP.CLEAR, name="plain", pattern="[ipv4-addr:value = '192.0.2.8']")
        self.green = marked(TLP.GREEN, name="beacon of kancil")
        self.other = marked(TLP.GREEN, name="another sign", pattern="[ipv4-addr:value = '192.0.2.9']")
        self.amber = marked(TLP.AMBER, name="a third", pattern="[ipv4-addr:value = '192.0.2.10']")
        self.between: dict[str, Any] = {
            "type": "relationship",
            "spec_version": "2.1",
            "id": "relationship--57b56a43-b8b0-4cba-9deb-34e3e1faed9e",
            "created": "2026-01-02T03:04:05.678Z",
            "modified": "2026-01-02T03:04:05.678Z",
            "relationship_type": "derived-from",
            "source_ref": self.clear["id"],
            "target_ref": self.green["id"],
            "object_marking_refs": self.clear["object_marking_refs"],
        }
        take(node, self.clear, self.green, self.other, self.amber, self.between)
        made = node.new_token("siem", read=["all"], partner="CERT-B")
        self.access: Access = node.admit(Credential(made.user, made.secret))
        super().__init__(node)

    def read(self) -> set[str]:
        """What the partner is served; the manifest and the preview say the same."""
        query = Query(collection="default")
        page = {one["id"] for one in json.loads(b"[" + self.node.page(self.access, query).body + b"]")}
        manifest = {one.id for one in self.node.manifest(self.access, query).items}
        preview = {one.id for one in self.tell("CERT-B") if one.verdict != "withhold"}
        assert page == manifest == preview
        return page

    def why(self, one: dict[str, Any]) -> str:
        """The first rule that is told of the object."""
        (told,) = self.tell("CERT-B", [one["id"]])
        return told.rules[0].id

    def request(self, *objects: dict[str, Any], name: str = "carl") -> str:
        with self.acts(name):
            return self.node.request_release("CERT-B", [one["id"] for one in objects] or None).waits


@pytest.fixture
def world(node: Node) -> World:
    return World(node)


def test_it_is_withheld_with_what_rests_on_it_until_a_second_person_let_it_go(world: World) -> None:
    free = {world.clear["id"]}
    assert world.read() == free
    assert [world.why(one) for one in (world.green, world.other)] == ["gate.approval"] * 2
    assert world.why(world.amber) == "floor.max-tlp"
    id = world.request(world.green, world.clear, world.amber)
    assert world.read() == free, "to ask is not to have"
    with pytest.raises(NotAuthorized):
        world.approve(id, "carl")
    world.approve(id)
    assert world.read() == free | {world.green["id"], world.between["id"]}
    assert world.why(world.green) == "asked"
    assert world.why(world.other) == "gate.approval"
    ((kept, _), *_) = world.proposals()
    assert (kept.asked_name, kept.decided_name, kept.state) == ("carl", "bert", "approved")
    with pytest.raises(NotFound):
        world.request(world.green, world.clear)


def test_it_is_let_go_to_that_partner_alone(world: World) -> None:
    with world.acts("anna"):
        world.node.add_partner("CERT-C", history_from=0, cybersecurity=True)
        waits = world.node.move_partner("CERT-C", "activate", checked_by="a call").waits
    world.approve(waits)
    world.approve(world.request())
    with world.node.store.read() as snapshot:
        (record,) = snapshot.records(KIND)
        assert record.id == world.node.partner("CERT-B").id
        assert approved_for(snapshot, world.node.partner("CERT-C").id) == BitMap()
    assert {one.rules[0].id for one in world.tell("CERT-C", [world.green["id"], world.other["id"]])} == {
        "gate.approval"
    }
    assert world.read() >= {world.green["id"], world.other["id"]}


def test_what_is_published_anew_is_asked_for_anew(world: World) -> None:
    id = world.request(world.green)
    both = world.request(world.green, world.other)
    world.approve(id)
    with pytest.raises(Conflict):
        world.approve(both)
    only = Selection(ids=(str(world.green["id"]),))
    with world.acts("anna"), pytest.raises(NotAuthorized):
        world.node.unpublish(only)
    with world.acts("carl"):
        world.node.unpublish(only)
        world.node.publish(only, hold_seconds=0)
    look_at_all(world.node)
    assert world.why(world.green) == "gate.approval"
    assert world.green["id"] not in world.read()
    newer = world.green | {"modified": "2026-02-01T00:00:00.000Z", "name": "more of kancil"}
    world.approve(world.request(world.green))
    take(world.node, newer)
    assert {one.rules[0].id for one in world.tell("CERT-B", [newer["id"]])} == {"asked", "gate.approval"}


def test_what_changed_meanwhile_or_took_too_long_is_not_let_go(world: World, clock: MadeClock) -> None:
    id = world.request(world.green)
    with world.acts("carl"):
        world.node.unpublish(Selection(ids=(str(world.green["id"]),)))
    with pytest.raises(Conflict):
        world.approve(id)
    id = world.request(world.other)
    in_force(world.node, POLICY.replace("CLEAR goes", "CLEAR goes out"))
    with pytest.raises(Conflict):
        world.approve(id)
    id = world.request(world.other)
    clock.move(hours=24)
    with pytest.raises(Conflict):
        world.approve(id)
    assert world.read() == {world.clear["id"]}


def test_without_a_second_person_nothing_of_it_can_be_let_go(node: Node) -> None:
    world = World.__new__(World)
    in_force(node, POLICY)
    node.add_partner("CERT-B", history_from=0, cybersecurity=True)
    node.step_partner("CERT-B", "activate", checked_by="a call")
    world.green = marked(TLP.GREEN)
    take(node, world.green)
    with pytest.raises(Conflict):
        node.request_release("CERT-B")
    with node.acting("anna", node.add_user("anna", ["admin", "releaser", "approver"]).secret):
        with pytest.raises(Conflict):
            node.request_release("CERT-B")
        with pytest.raises(NotFound):
            node.request_release("CERT-X")


def test_who_may_not_publish_may_not_ask_and_not_for_everything(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotAuthorized):
        world.request(name="bert")
    monkeypatch.setattr(requesting, "OBJECTS_MOST", 1)
    with pytest.raises(TooLarge):
        world.request()
    assert world.request(world.other)
    with world.acts("anna"):
        world.node.move_partner("CERT-B", "pause")
    with pytest.raises(ComityError):
        world.request(world.other)
