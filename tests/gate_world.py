"""A recipient who asks the gate of a real node, and what it is told."""

import json
from typing import Any

import msgspec
from tests.release_world import policy_of
from tests.world import bundle, indicator

from comity.interfaces import Query, microseconds
from comity.node.access import Access, Credential
from comity.node.explaining import Teller, Told
from comity.node.gate import Gate
from comity.node.node import Node
from comity.node.policies import starter_texts
from comity.node.proposals import PolicyTexts
from comity.node.publishing import Selection, publish
from comity.node.releasing import POLICY
from comity.node.views import Subject
from comity.release.classes import Recipient, Relation
from comity.stix.markings import MARKING_IDS, TLP
from comity.store.nouns import State
from comity.store.records import Record

GREEN_OURS = """
@id("ours") @title("Ours up to GREEN")
permit (principal, action == Action::"release", resource)
when { resource.ours && [Tlp::"clear", Tlp::"green"].contains(resource.tlp) };
"""
AND_AUTHORS = """
@id("authors") @title("Authors are named")
permit (principal, action == Action::"name-author", resource);
"""
PARTNER = Recipient("cert-b", Relation.PARTNER, "active", max_tlp=TLP.AMBER_STRICT, cybersecurity=True)


def marked(level: TLP, **members: Any) -> dict[str, Any]:
    """An indicator with that TLP."""
    return indicator(object_marking_refs=[MARKING_IDS[level]], **members)


class Reader:
    """One recipient with a policy, who asks the gate as a server process does."""

    def __init__(self, node: Node, policy: str = GREEN_OURS, subject: Subject | None = None) -> None:
        self.node = node
        self.policy = policy_of(policy)
        self.subject = subject or Subject(PARTNER)
        self.gate = Gate(self.sound)

    def sound(self, before: dict[str, Any], after: dict[str, Any]) -> bool:
        return self.node.is_sound(before, after)

    def page(self, **asked: Any) -> tuple[list[dict[str, Any]], int, bool, int | None]:
        query = Query(collection="default", **asked)
        now = microseconds(self.node.clock.now())
        with self.node.store.write() as tx:
            collection = tx.collection("default")
            answer = self.gate.ask(tx, self.policy, self.subject, collection, query, now)
            self.gate.keep(tx, answer)
            shown = self.gate.page(tx, answer, query)
            entries, _ = self.gate.entries(tx, answer, query)
        assert [entry.id for entry in entries.items] == [json.loads(each.raw)["id"] for each in shown.objects]
        assert entries.more == shown.more
        return [json.loads(each.raw) for each in shown.objects], shown.position, shown.more, shown.last_added

    def ids(self, **asked: Any) -> list[str]:
        return [each["id"] for each in self.page(**asked)[0]]


def admitted(node: Node, **rights: Any) -> Access:
    """What a new token with these rights may do."""
    credential = Credential.of_token(node.new_token("made", **rights).token)
    assert credential is not None
    return node.admit(credential)


def in_force(node: Node, starter: str) -> None:
    """The starter policy is in force; `apply_policy` would also say in how many cells it differs, which takes long."""
    text, cases = starter_texts()[starter]
    body = msgspec.json.encode(PolicyTexts(text, cases, digest=starter))
    with node.store.write() as tx:
        tx.put_record(Record(POLICY, POLICY, POLICY, body))


def partnered(node: Node, **facets: Any) -> Access:
    """What a token of CERT-B may do, an active partner that receives what is ours up to GREEN."""
    in_force(node, "green-community")
    node.add_partner("CERT-B", groups=("GROUP",), history_from=0, **facets)
    node.step_partner("CERT-B", "activate", checked_by="a call")
    return admitted(node, read=["default"], partner="CERT-B")


def take(node: Node, *objects: dict[str, Any], source: str = "local", hold: int = 0) -> list[str]:
    """The objects are stored and published; their ids."""
    node.receive(bundle(*objects), source)
    ids = tuple(str(each["id"]) for each in objects)
    publish(node.store, node.clock, Selection(ids=ids), hold_seconds=hold)
    look_at_all(node)
    return list(ids)


def look_at_all(node: Node) -> None:
    """What objects refer to and name is known."""
    while node.store.index_relations(100):
        pass


def told(reader: Reader) -> dict[str, Told]:
    """What is told of every publication, by name."""
    now = microseconds(reader.node.clock.now())
    with reader.node.store.read() as snapshot:
        view = reader.gate.view(snapshot, reader.policy, reader.subject, now)
        published = snapshot.publications()
        numbers = published.of("state", State.PUBLISHED)
        teller = Teller(snapshot, view, reader.policy, now, reader.sound)
        names = dict(zip(sorted(numbers), snapshot.published_bodies(sorted(numbers)), strict=True))
        return {json.loads(names[each.number])["name"]: each for each in teller.tell(numbers)}
