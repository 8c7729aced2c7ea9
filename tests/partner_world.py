"""A node with partners and a client, and objects of every level, kind, source and state, made by chance from a seed.

Every text, id, hash, number and time of an object is its own, so that a trace of it anywhere is a trace of it alone.
"""

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from tests.world import MadeClock, bundle

from comity.interfaces import microseconds
from comity.node.access import NewToken
from comity.node.node import Node
from comity.node.policies import policy_texts
from comity.node.proposals import PolicyTexts
from comity.node.publishing import Selection
from comity.node.releasing import POLICY
from comity.release.policy import compile_policy, load_floor
from comity.stix.markings import MARKING_IDS, TLP
from comity.store.nouns import Copy, State
from comity.store.records import Record

Json = dict[str, Any]
OURS, BRANCH, FEED = "local", "branch-zqsource", "feed-zqsource"
B, C, D = "CERT-B", "CERT-C", "Client-D"
MORE, SECRET = "more", "zqsecret"
RULES = """
@id("zq.open") @title("Ours up to GREEN, but not on the record of another")
permit (principal, action == Action::"release", resource)
when { resource.ours && [Tlp::"clear", Tlp::"green"].contains(resource.tlp) };
@id("zq.amber") @title("Ours up to AMBER for the group")
permit (principal in Group::"eu", action == Action::"release", resource)
when { resource.ours && resource.tlp == Tlp::"amber" && resource.type != "malware" };
@id("zq.theirs") @title("CLEAR of others for the group")
permit (principal in Group::"eu", action == Action::"release", resource) when { resource.tlp == Tlp::"clear" };
@id("zq.author") @title("Authors are named to the group")
permit (principal in Group::"eu", action == Action::"name-author", resource);
@id("zq.never") @title("Campaigns stay")
forbid (principal, action, resource) when { resource.type == "campaign" };
"""
CASES = """
[[case]]
name = "Ours goes"
object = { tlp = "clear" }
expect = "allow"
rule = "zq.open"

[[case]]
name = "Ours that is AMBER goes to the group"
object = { tlp = "amber" }
recipient = { groups = ["eu"] }
expect = "allow"
rule = "zq.amber"

[[case]]
name = "CLEAR of another goes to the group"
object = { tlp = "clear", origin = "feed" }
recipient = { groups = ["eu"] }
expect = "allow"
rule = "zq.theirs"

[[case]]
name = "The group is told of authors"
object = { tlp = "clear", author = "other" }
recipient = { groups = ["eu"] }
action = "name-author"
expect = "allow"
rule = "zq.author"

[[case]]
name = "A campaign stays"
object = { tlp = "clear", type = "campaign" }
expect = "deny"
rule = "zq.never"
"""

_Key = tuple[str, str, str, bytes]


@dataclass(slots=True)
class Known:
    """What the world remembers of a copy: its place in the order of coming, and since when it is published."""

    place: int
    at: int | None = None
    until: int = 0


class World:
    """The node, and what was done to it. `hidden` words are of the node's own keeping: no partner reads any of them."""

    def __init__(self, node: Node, clock: MadeClock, seed: int, *, rules: str = RULES, cases: str = CASES) -> None:
        self.telling = True
        self.left_out: frozenset[str] = frozenset()
        self.after_step: Callable[[], None] = _nothing
        self.node, self.clock, self.seed = node, clock, seed
        self.chance = random.Random(seed)
        self.known: dict[_Key, Known] = {}
        self.ids: list[str] = []
        self.made: list[Json] = []
        self.ways: dict[str, tuple[str, str]] = {}
        self.number = 0
        for source in (BRANCH, FEED):
            node.add_source(source, kind="own" if source == BRANCH else "feed", default_marking="green")
        self.collections = [node.collection("default").id]
        self.collections += [node.add_collection(title, alias=title).id for title in (MORE, SECRET)]
        node.add_partner(B, groups=("eu",), max_tlp="amber", history_from=0)
        node.add_partner(C, cybersecurity=True)
        node.add_partner(D, relation="client", groups=("eu",), max_tlp="amber+strict", service="SOC-7", history_from=0)
        for name in (B, D):
            node.step_partner(name, "activate", checked_by="zqchecked by a call")
        self.put_policy(rules, cases)
        read = ("default", MORE)
        self.tokens: dict[str, NewToken] = {
            name: node.new_token("siem", read=read, write=("default",), partner=name) for name in (B, C, D)
        }
        self.sources = {name: node.source_of_partner(name) for name in (B, C, D)}
        self.staff = node.new_token("zqstaff", read=["all"], write=["all"])
        self.hidden = [BRANCH, FEED, SECRET, self.collections[2], "zqchecked", "zqstaff", self.staff.user, C, D]
        self.hidden += [self.tokens[C].user, self.tokens[D].user, *(node.partner(name).id for name in (B, C, D))]
        self.hidden += [node.policy().digest, "zq.open", "zq.amber", "zq.never"]

    def put_policy(self, rules: str, cases: str = CASES) -> None:
        """The policy is in force. Nobody is told what it widens, since that takes seconds."""
        digest = compile_policy(load_floor(*policy_texts()), rules, cases).digest
        body = msgspec.json.encode(PolicyTexts(rules, cases, digest))
        with self.node.store.write() as tx:
            tx.put_record(Record(POLICY, POLICY, "zqpolicy", body, changed_at=microseconds(self.clock.now())))

    # -- objects

    def object(self, kind: str, level: TLP | None, **members: Any) -> Json:
        """An object of that type and level whose every word is its own."""
        self.number += 1
        n = self.number
        # Thousandths tell objects apart: no two have the same moment.
        moment = (
            f"2025-{1 + n % 12:02d}-{1 + n % 28:02d}T{n % 24:02d}:{n * 7 % 60:02d}:{n * 11 % 60:02d}.{n % 1000:03d}Z"
        )
        value: Json = {
            "type": kind,
            "spec_version": "2.1",
            "id": f"{kind}--{UUID(int=self.chance.getrandbits(128), version=4)}",
        }
        if kind not in ("file", "ipv4-addr", "network-traffic", "domain-name"):
            value |= {"created": moment, "modified": moment}
        word = self.word(n)
        if kind == "indicator":
            value |= {"name": word, "pattern": f"[domain-name:value = '{word}.example']", "pattern_type": "stix"}
            value |= {"valid_from": moment, "indicator_types": ["malicious-activity"]}
        elif kind == "file":
            value |= {"name": f"{word}.exe", "size": 7_000_000_000 + 1009 * n}
            value["hashes"] = {"SHA-256": hashlib.sha256(f"{self.seed} {word}".encode()).hexdigest()}
        elif kind == "malware":
            value |= {"name": word, "is_family": False, "first_seen": moment, "aliases": [f"{word}-alias"]}
        elif kind == "domain-name":
            value |= {"value": f"{word}.example"}
        elif kind == "ipv4-addr":
            value |= {
                "value": f"{100 + n % 90}.{self.chance.randrange(1, 255)}.{self.chance.randrange(1, 255)}.{n % 250}"
            }
        elif kind == "network-traffic":
            value |= {"protocols": ["tcp"], "src_port": 1 + n % 60000, "x_zqflow": f"{word}-flow"}
        elif kind == "identity":
            value |= {"name": word, "identity_class": "organization", "contact_information": f"{word} at the desk"}
        elif kind == "report":
            value |= {"name": word, "published": moment, "report_types": ["indicator"]}
        elif kind == "relationship":
            value |= {"relationship_type": "related-to"}
        elif kind == "campaign":
            value |= {"name": word, "objective": f"{word} wants it all"}
        if kind not in ("relationship", "network-traffic"):
            value["x_zq_note"] = {f"x_{word}_key": [f"{word} in a list", 9_000_000_000 + n, f"naïve “{word}” ü"]}
        if level is not None:
            value["object_marking_refs"] = [MARKING_IDS[level]]
        return value | members

    def word(self, number: int) -> str:
        """A word of the object with that number, and of no other."""
        return f"zq{self.seed % 997:03d}q{number:04d}"

    def level(self) -> TLP | None:
        """Some level; the ones that can leave more often."""
        return self.chance.choice(
            [TLP.CLEAR, TLP.GREEN, TLP.GREEN, TLP.AMBER, TLP.AMBER, TLP.AMBER_STRICT, TLP.RED, None]
        )

    def later(self, value: Json, **members: Any) -> Json:
        """A later version of the object, with a moment of its own."""
        self.number += 1
        n = self.number
        return (
            value
            | {"modified": f"2026-{1 + n % 2:02d}-{1 + n % 28:02d}T12:{n % 60:02d}:{n * 13 % 60:02d}.{n % 1000:03d}Z"}
            | members
        )

    # -- what is done

    def take(self, *objects: Json, source: str = OURS, collection: str = "default", hold: int | None = 0) -> None:
        """They came from that source into that collection and, with a hold, were published; but for what is left out
        of this world."""
        objects = tuple(each for each in objects if words_of(each, source, collection) not in self.left_out)
        if objects:
            self._take(objects, source, collection, hold)
        self.after_step()

    def _take(self, objects: tuple[Json, ...], source: str, collection: str, hold: int | None) -> None:
        self.node.receive(bundle(*objects), source, collection=collection)
        ids = tuple(dict.fromkeys(str(each["id"]) for each in objects))
        self.made += objects
        self.ids += [id for id in ids if id not in self.ids]
        self.note(ids=ids)
        if hold is not None:
            chosen = Selection(ids=ids, sources=(source,), collection=collection)
            self.node.publish(chosen, hold_seconds=hold)
            self.note(hold, ids)

    def note(self, hold: int = 0, ids: Sequence[str] | None = None) -> None:
        """What of these ids, or of all, is published now was published now, unless it was before."""
        now = microseconds(self.clock.now())
        for copy in self.copies(ids):
            known = self.known.setdefault(key_of(copy), Known(len(self.known)))
            if copy.state is not State.PUBLISHED:
                known.at = None
            elif known.at is None:
                known.at, known.until = now, now + hold * 1_000_000

    def copies(self, ids: Sequence[str] | None = None) -> list[Copy]:
        """Every copy of these objects, or of all."""
        with self.node.store.read() as snapshot:
            return [copy for id in (self.ids if ids is None else ids) for copy in snapshot.copies(id)]

    def fill(self, count: int = 14) -> "World":
        """Objects of every kind have come and most are published; time has passed between."""
        chance = self.chance
        authors = [self.object("identity", level) for level in (TLP.GREEN, TLP.RED)]
        self.take(*authors)
        plain: list[Json] = []
        for _ in range(count):
            kind = chance.choice(["indicator", "indicator", "malware", "file", "ipv4-addr", "domain-name", "campaign"])
            made = self.object(kind, self.level())
            if "created" in made and chance.random() < 0.4:
                made["created_by_ref"] = chance.choice(authors)["id"]
            if kind == "indicator" and chance.random() < 0.4:
                self._mark_parts(made)
            plain.append(made)
            self._some_way(made)
        for _ in range(count // 2):
            ends = [chance.choice(plain)["id"] for _ in range(2)]
            self._some_way(self.object("relationship", self.level(), source_ref=ends[0], target_ref=ends[1]))
        for _ in range(count // 3):
            members = [each["id"] for each in chance.sample(plain, 3)]
            self._some_way(self.object("report", self.level(), object_refs=members))
        if addresses := [each["id"] for each in plain if each["type"] == "ipv4-addr"]:
            self._some_way(self.object("network-traffic", TLP.GREEN, src_ref=chance.choice(addresses)))
        for made in chance.sample([each for each in plain if "modified" in each], 3):
            level = self.level()
            marks = [] if level is None else [MARKING_IDS[level]]
            self._some_way(
                self.later(
                    made,
                    x_zq_again=f"{self.word(self.number)}-again",
                    object_marking_refs=marks or [MARKING_IDS[TLP.GREEN]],
                )
            )
        teller, of = (
            chance.sample([each for each in plain if each["type"] == "indicator"] or plain, 1)[0],
            chance.choice(plain),
        )
        told = self.object("report", TLP.GREEN, object_refs=[teller["id"], of["id"]])
        if self.telling:
            told["description"] = f"It was {of.get('name', of.get('value', 'nobody'))} again"
        self.take(told)
        # The same version from several sources, one of them the partner itself.
        for made in chance.sample(plain, 3):
            self.number += 1
            again = made | {
                "x_zq_copy": f"{self.word(self.number)}-copy",
                "object_marking_refs": [MARKING_IDS[chance.choice(list(TLP))]],
            }
            self.take(again, source=chance.choice([BRANCH, FEED, self.sources[B], self.sources[C]]))
        self.take(self.object("indicator", TLP.RED), source=self.sources[B], hold=None)
        self.take(self.object("indicator", TLP.CLEAR), source=self.sources[C], hold=None)
        self._take_back(plain)
        self.look()
        return self

    def look(self) -> None:
        """What objects refer to and name is known."""
        while self.node.store.index_relations(100):
            pass

    def _mark_parts(self, made: Json) -> None:
        self.number += 1
        made["description"] = f"{self.word(self.number)} stands in a part"
        level = MARKING_IDS[self.chance.choice([TLP.AMBER, TLP.RED])]
        made["granular_markings"] = [{"marking_ref": level, "selectors": ["description"]}]

    def _some_way(self, made: Json) -> None:
        """A new object comes as chance will have it; a later version as the one before."""
        chance = self.chance
        self.clock.move(seconds=chance.randrange(0, 100))
        if chance.random() < 0.1 and self.node.partner(C).state == "pending":
            self.node.step_partner(C, "activate", checked_by="zqchecked by a call")
        source = chance.choice([OURS, OURS, OURS, BRANCH, FEED])
        collection = chance.choice(["default", "default", "default", MORE, SECRET])
        source, collection = self.ways.setdefault(made["id"], (source, collection))
        self.take(made, source=source, collection=collection, hold=chance.choice([0, 0, 0, 0, 0, 0, 0, 3600, None]))

    def _take_back(self, plain: list[Json]) -> None:
        one, other = self.chance.sample(plain, 2)
        self.node.unpublish(Selection(ids=(one["id"],)))
        with self.node.store.write() as tx:
            for collection in self.collections:
                tx.withdraw(collection, other["id"], None, microseconds(self.clock.now()))
        self.note()


def _nothing() -> None:
    """After a step nothing is done, unless a test says what."""


def words_of(value: Json, source: str, collection: str) -> str:
    """What tells an object that came one way from all others."""
    return json.dumps([value, source, collection])


def key_of(copy: Copy) -> _Key:
    """What a copy is known by, wherever the store has moved it."""
    return (copy.collection, copy.source, copy.id, copy.digest)


def value_of(copy: Copy) -> Json:
    """The object of the copy."""
    assert copy.body is not None
    value: Json = json.loads(copy.body)
    return value
