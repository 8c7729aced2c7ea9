"""A node with partners of several kinds and a world of objects by chance, some of it published, some of it read."""

import random
from typing import Any

import msgspec
from tests.gate_world import look_at_all
from tests.release_world import floor_of
from tests.world import bundle

from comity.interfaces import Query, microseconds
from comity.node.access import Access, Credential
from comity.node.node import Node
from comity.node.proposals import PolicyTexts
from comity.node.publishing import Selection
from comity.node.releasing import POLICY
from comity.release.policy import compile_policy
from comity.stix.markings import MARKING_IDS, TLP
from comity.store.records import Record

NAMES = ("CERT-B", "CERT-C", "CERT-D", "Client")
MOMENTS = ("2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z")
MAKER = f"identity--{'3' * 8}-0000-4000-8000-{'1' * 12}"
LEVELS = tuple(TLP)

RULES = """
@id("eu") @title("The community receives ours up to GREEN")
permit (principal in Group::"eu", action, resource)
when { resource.ours && [Tlp::"clear", Tlp::"green"].contains(resource.tlp) };
@id("pair") @title("CERT-C receives ours up to AMBER, and no author")
permit (principal == Recipient::"PAIR", action == Action::"release", resource)
when { resource.ours && [Tlp::"clear", Tlp::"green", Tlp::"amber"].contains(resource.tlp) };
@id("quiet") @title("No malware to clients")
forbid (principal, action, resource)
when { resource.type == "malware" && principal.relation == Relation::"client" };
@id("clients") @title("Clients receive everything that they may")
permit (principal, action == Action::"release", resource)
when { principal.relation == Relation::"client" };
"""
CASES = """
[[case]]
name = "The community has GREEN"
object = { tlp = "green" }
recipient = { groups = ["eu"] }
expect = "allow"
[[case]]
name = "The pair has AMBER"
object = { tlp = "amber" }
recipient = { id = "PAIR" }
expect = "allow"
[[case]]
name = "A client has no malware"
object = { tlp = "clear", type = "malware" }
recipient = { relation = "client" }
expect = "deny"
[[case]]
name = "A client has the rest"
object = { tlp = "clear" }
recipient = { relation = "client" }
expect = "allow"
"""


def id_of(kind: str, number: int) -> str:
    """The id of the object of that type and number."""
    return f"{kind}--{number:08d}-0000-4000-8000-{'a' * 12}"


def rules_of(node: Node) -> tuple[str, str]:
    """The texts of the policy that is put in force."""
    pair = node.partner("CERT-C").id
    return RULES.replace("PAIR", pair), CASES.replace("PAIR", pair)


def put_in_force(node: Node, text: str, cases: str) -> None:
    """The policy of these texts is in force. `apply_policy` also compares it with the one before, which takes long."""
    made = compile_policy(floor_of(), text, cases)
    body = msgspec.json.encode(PolicyTexts(text, cases, made.digest))
    with node.store.write() as tx:
        tx.put_record(Record(POLICY, POLICY, POLICY, body, changed_at=microseconds(node.clock.now())))


def object_of(chance: random.Random, kind: str, number: int) -> dict[str, Any]:
    """An object with that number, which may refer to others of lower numbers."""
    made: dict[str, Any] = {
        "type": kind,
        "spec_version": "2.1",
        "id": id_of(kind, number),
        "created": MOMENTS[0],
        "modified": chance.choice(MOMENTS),
        "name": f"thing {number} of many",
        "object_marking_refs": [MARKING_IDS[chance.choice(LEVELS[:4])]],
    }
    if kind == "indicator":
        made |= {
            "pattern": f"[domain-name:value = 'a{number}.example']",
            "pattern_type": "stix",
            "valid_from": MOMENTS[0],
        }
    if kind == "malware":
        made["is_family"] = False
    if kind == "report":
        count = chance.randint(1, 3)
        made |= {
            "published": MOMENTS[0],
            "object_refs": [id_of(*chance.choice(KINDS[:-1])) for _ in range(count)],
        }
    if chance.random() < 0.3:
        made["created_by_ref"] = MAKER
    if chance.random() < 0.3:
        made["description"] = chance.choice(("Call jane.doe@example.org at home", "Nothing to see", "thing 3 of many"))
        if chance.random() < 0.5:
            mark = MARKING_IDS[chance.choice(LEVELS)]
            made["granular_markings"] = [{"marking_ref": mark, "selectors": ["description"]}]
    return made


KINDS = [("indicator", 1), ("indicator", 2), ("malware", 3), ("malware", 4), ("indicator", 5), ("report", 6)]
KINDS_ALL = [*KINDS, ("report", 7), ("indicator", 8), ("malware", 9)]


class TellingWorld:
    """The node, a credential for each partner, and steps by chance."""

    def __init__(self, node: Node, seed: int) -> None:
        self.node = node
        self.chance = random.Random(seed)
        node.add_source("feed")
        node.add_collection("Second", alias="second")
        node.add_partner("CERT-B", groups=("eu",), max_tlp="amber", history_from=0)
        node.add_partner("CERT-C", max_tlp="amber+strict", cybersecurity=True)
        node.add_partner("CERT-D", groups=("eu",), history_from=0)
        node.add_partner(
            "Client", relation="client", max_tlp="amber", need_to_know="ours", service="S-1", history_from=0
        )
        for name in ("CERT-B", "CERT-C", "Client"):
            node.step_partner(name, "activate", checked_by="a call")
        put_in_force(node, *rules_of(node))
        self.access: dict[str, Access] = {}
        for name in NAMES:
            made = node.new_token("reader", read=["all"], write=["all"], partner=name)
            self.access[name] = node.admit(Credential(made.user, made.secret))

    def step(self) -> None:
        """Something changed: objects came, were published or taken back, or a partner read."""
        node, chance = self.node, self.chance
        match chance.randrange(5):
            case 0 | 1:
                kinds = chance.sample(KINDS_ALL, 4)
                sources = ["local", "local", "feed", node.source_of_partner("CERT-B")]
                objects = [object_of(chance, *kind) for kind in kinds]
                node.receive(bundle(*objects), chance.choice(sources), collection=chance.choice(("default", "second")))
            case 2:
                ids = tuple(id_of(*kind) for kind in chance.sample(KINDS_ALL, 6))
                node.publish(Selection(ids=ids), hold_seconds=chance.choice((0, 0, 0, 60)))
            case 3:
                node.unpublish(Selection(ids=tuple(id_of(*kind) for kind in chance.sample(KINDS_ALL, 2))))
            case 4:
                name = chance.choice(NAMES)
                versions = chance.choice((("last",), ("all",)))
                read_all(node, self.access[name], chance.choice(("default", "second")), versions=versions)
        look_at_all(node)


def read_all(node: Node, access: Access, collection: str, **asked: Any) -> bytes:
    """What the partner reads of the collection, all pages of two objects, joined by commas."""
    found, after, more = [], 0, True
    while more:
        page = node.page(access, Query(collection=collection, limit=2, after=after, **asked))
        found += [page.body] if page.count else []
        after, more = page.last_key, page.more
    return b",".join(found)
