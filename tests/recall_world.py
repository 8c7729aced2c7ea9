"""A node with two partners that read, of which one may have more, and what is taken back from them."""

import json
from typing import Any

from tests.gate_world import admitted, look_at_all
from tests.telling_world import put_in_force
from tests.world import MadeClock, bundle

from comity.interfaces import Query
from comity.node.access import Access
from comity.node.node import Node
from comity.release.recall import Kind, Order, Reason
from comity.stix.markings import TLP

RULES = """
@id("ours") @title("Ours up to AMBER, but no malware")
permit (principal == Recipient::"B", action == Action::"release", resource) when { resource.ours };
@id("open") @title("CLEAR and GREEN for everybody")
permit (principal, action == Action::"release", resource)
when { [Tlp::"clear", Tlp::"green"].contains(resource.tlp) };
"""
CASES = """
[[case]]
name = "Ours"
object = { tlp = "amber" }
recipient = { id = "B" }
expect = "allow"
[[case]]
name = "Open"
object = { tlp = "green" }
expect = "allow"
"""
WITHDRAW = Order(Kind.WITHDRAW, Reason.MISTAKE)
RETRACT = Order(Kind.RETRACT, Reason.FALSE_POSITIVE)
AMBER = Order(Kind.NARROW, Reason.WRONG_MARKING, tlp=TLP.AMBER)


def by(id: str) -> Order:
    return Order(Kind.SUPERSEDE, Reason.OUTDATED, by=id)


class World:
    """CERT-B may have ours up to AMBER, CERT-C what is CLEAR or GREEN; both read."""

    def __init__(self, node: Node, clock: MadeClock) -> None:
        self.node, self.clock = node, clock
        node.add_source("feed", publish="auto", default_marking="green")
        node.add_source("rss", publish="auto", default_marking="green")
        self.access: dict[str, Access] = {}
        for name in ("CERT-B", "CERT-C"):
            node.add_partner(name, max_tlp="amber", history_from=0, cybersecurity=True)
            node.step_partner(name, "activate", checked_by="a call")
            self.access[name] = admitted(node, read=["default"], write=["default"], partner=name)
        put_in_force(node, *(text.replace('"B"', f'"{node.partner("CERT-B").id}"') for text in (RULES, CASES)))

    def read(self, name: str, *versions: str) -> list[dict[str, Any]]:
        """Everything that the partner reads now, some time later."""
        self.clock.move(seconds=600)
        page = self.node.page(self.access[name], Query(collection="default", versions=versions or ("all",)))
        assert not page.more
        found: list[dict[str, Any]] = json.loads(f"[{page.body.decode()}]")
        entries = self.node.manifest(self.access[name], Query(collection="default", versions=versions or ("all",)))
        assert {one.id for one in entries.items} == {one["id"] for one in found}
        return found

    def ids(self, name: str) -> set[str]:
        return {one["id"] for one in self.read(name)}

    def recall(self, order: Order, *what: str) -> str:
        """The recall was made; its id."""
        self.clock.move(seconds=1)
        id = self.node.recall(what, order).id
        assert self.node.check() == []
        return id

    def from_feed(self, *objects: dict[str, Any], source: str = "feed") -> None:
        """They came from a source that publishes at once, and the hold is over."""
        self.node.receive(bundle(*objects), source)
        look_at_all(self.node)
        self.clock.move(seconds=400)


def later(value: dict[str, Any], **members: Any) -> dict[str, Any]:
    return value | {"modified": "2026-03-01T00:00:00.000Z"} | members
