"""A node with something of everything that pages show: objects of every level from several sources, ties among them,
partners, what was published, what left, and what nobody but its sender may read."""

import random
from typing import Any

from tests.gate_world import admitted, look_at_all
from tests.telling_world import put_in_force
from tests.world import bundle

from comity.interfaces import Query
from comity.node.node import Node
from comity.node.publishing import Selection
from comity.stix.markings import MARKING_IDS, TLP

RULES = """
@id("ours") @title("Ours up to GREEN goes to everybody") permit (principal, action == Action::"release", resource)
when { resource.ours && [Tlp::"clear", Tlp::"green"].contains(resource.tlp) };
"""
CASES = '[[case]]\nname = "Ours"\nobject = { tlp = "clear" }\nrecipient = {}\nexpect = "allow"\n'
MOMENT, LATER = "2026-01-02T03:04:05.678Z", "2026-02-03T04:05:06.789Z"
RED_OF_THEIRS = f"marking-definition--{'7' * 8}-0000-4000-8000-{'7' * 12}"
"""A definition of the feed's own that says TLP:RED."""
SECRET = "zqhidden"
"""A word of every text in what is TLP:RED of others, and of nothing else."""
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    '=HYPERLINK("http://evil.example","x")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "safe\u202egnp.exe",
    "a\u0000b\u001b[31mred",
    "x" * 5000,
    "word " * 800,
    "{{ 7*7 }}{% raw %}",
    "%(x)s %s",
    "</title></textarea>",
    "\u2066\u2069\u200f\u061c",
    "e" + "\u0301" * 60,
    "\U0001f600" * 30,
    "a\u2028b\u2029c",
    "|cmd' /C calc'!A0",
)
"""Names that others could choose."""


def id_of(type: str, number: int) -> str:
    """The id of the object of that type and number."""
    return f"{type}--{number:08d}-0000-4000-8000-{'b' * 12}"


def thing(type: str, number: int, level: TLP | None, name: str, **more: Any) -> dict[str, Any]:
    """An object of the world."""
    value: dict[str, Any] = {"type": type, "spec_version": "2.1", "id": id_of(type, number)}
    value |= {"created": MOMENT, "modified": MOMENT, "name": name}
    if level is not None:
        value["object_marking_refs"] = [MARKING_IDS[level]]
    if type == "indicator":
        value |= {"pattern": f"[ipv4-addr:value = '198.51.100.{number % 250}']", "pattern_type": "stix"}
        value |= {"valid_from": MOMENT, "indicator_types": ["malicious-activity"]}
    if type == "malware":
        value |= {"is_family": True}
    if type == "report":
        value |= {"published": MOMENT, "report_types": ["threat-report"]}
    return value | more


def tie(number: int, source: str, why: str, target: str, level: TLP | None = TLP.GREEN) -> dict[str, Any]:
    """A relationship."""
    value = thing("relationship", number, level, "", source_ref=source, target_ref=target, relationship_type=why)
    del value["name"]
    return value


def definition() -> dict[str, Any]:
    """The feed's own TLP:RED."""
    value: dict[str, Any] = {"type": "marking-definition", "spec_version": "2.1", "id": RED_OF_THEIRS}
    return value | {"created": MOMENT, "definition_type": "tlp", "definition": {"tlp": "red"}}


def fill(node: Node, seed: int = 1, count: int = 60) -> None:
    """The node has all of it; there is no account yet."""
    chance = random.Random(seed)
    node.add_source("feed")
    node.add_source("secret feed", default_marking="tlp:red")
    node.add_partner("CERT-B", max_tlp="green", history_from=0, cybersecurity=True)
    node.add_partner("CERT-C", max_tlp="amber", history_from=0, cybersecurity=True)
    for name in ("CERT-B", "CERT-C"):
        node.step_partner(name, "activate", checked_by="a call")
    put_in_force(node, RULES, CASES)
    levels = (TLP.CLEAR, TLP.GREEN, TLP.AMBER, TLP.AMBER_STRICT)
    ours = [
        thing(
            chance.choice(("indicator", "malware", "campaign")),
            n,
            chance.choice((*levels, TLP.RED, None)),
            f"Kancil {n}",
        )
        for n in range(count)
    ]
    node.receive(bundle(*ours))
    hub = thing("malware", 1000, TLP.GREEN, "Kancil", description="What the campaign drops.")
    ties = [tie(2000 + n, id_of("indicator", 3000 + n), "indicates", hub["id"]) for n in range(5)]
    reported = thing("report", 1001, TLP.GREEN, "Kancil at work", object_refs=[hub["id"], id_of("indicator", 3000)])
    node.receive(bundle(hub, reported, *ties, *(thing("indicator", 3000 + n, TLP.GREEN, f"C2 {n}") for n in range(5))))
    node.publish(hold_seconds=0)
    feed = [thing("indicator", 4000 + n, chance.choice(levels), f"Feed kancil {n}") for n in range(count)]
    red = [thing("indicator", 5000 + n, TLP.RED, f"{SECRET} {n}") for n in range(9)]
    red += [thing("indicator", 5100, None, f"{SECRET} by definition", object_marking_refs=[RED_OF_THEIRS])]
    granular = [{"selectors": ["name"], "marking_ref": MARKING_IDS[TLP.RED]}]
    red += [thing("indicator", 5101, TLP.GREEN, f"{SECRET} in part", granular_markings=granular)]
    red += [tie(5102, id_of("indicator", 5000), SECRET, hub["id"], TLP.RED)]
    node.receive(bundle(definition(), *feed, *red, tie(4900, id_of("indicator", 4000), "indicates", hub["id"])), "feed")
    node.receive(bundle(*(thing("tool", 6000 + n, None, f"{SECRET} {n}") for n in range(5))), "secret feed")
    copy = thing("malware", 1000, TLP.GREEN, "Kancil as the feed knows it", modified=LATER)
    node.receive(bundle(copy), "feed")
    theirs = [thing("indicator", 7000 + n, chance.choice(levels), f"From B {n}") for n in range(9)]
    theirs += [thing("indicator", 7100, TLP.RED, f"{SECRET} from B")]
    node.receive(bundle(*theirs), node.source_of_partner("CERT-B"))
    node.publish(Selection(ids=(*(one["id"] for one in theirs[::2]), id_of("indicator", 7100))), hold_seconds=0)
    names = [thing("indicator", 8000 + n, TLP.GREEN, name) for n, name in enumerate(HOSTILE)]
    node.receive(bundle(*names), "feed")
    look_at_all(node)
    while node.store.index_text(1000):
        pass


def let_leave(node: Node, name: str = "CERT-B") -> None:
    """The partner has read everything that it may, once."""
    access = admitted(node, partner=name, read=["default"])
    node.page(access, Query(collection="default", limit=1000))
    node.deliveries.flush()
