"""Undo after do is nothing, for every reader, on every kind of store: own staff by a token, an account, and two
partners."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.gate_world import admitted, look_at_all, marked
from tests.postgres import store_address
from tests.telling_world import put_in_force
from tests.world import MadeClock, MadeEntropy, address, bundle, indicator

from comity.interfaces import Query
from comity.node.access import OPERATOR, Access
from comity.node.choosing import Choice
from comity.node.node import Node
from comity.node.publishing import Selection
from comity.stix.tlp import TLP
from comity.store import publications

pytestmark = pytest.mark.slow
RULES = '@id("all") @title("All of it") permit (principal, action, resource);'
CASES = '[[case]]\nname = "All"\nobject = { tlp = "clear" }\nrecipient = {}\nexpect = "allow"\n'
COUNT = 14


class World:
    """A node with objects of two sources, of which some are published, refer to one another and have versions; two
    partners, and an account that reads."""

    def __init__(self, node: Node, chance: random.Random) -> None:
        self.node, self.chance = node, chance
        node.add_source("feed", default_marking="green")
        for name, level in (("CERT-B", "green"), ("CERT-C", "amber+strict")):
            node.add_partner(name, max_tlp=level, history_from=0, cybersecurity=True)
            node.step_partner(name, "activate", checked_by="a call")
        put_in_force(node, RULES, CASES)
        self.readers = {name: admitted(node, read=["default"], partner=name) for name in ("CERT-B", "CERT-C")}
        self.ids = []
        for number in range(COUNT):
            one = self.made(number)
            self.ids.append(str(one["id"]))
            source = chance.choice(("local", "feed"))
            for year in range(chance.randrange(1, 3)):
                if "modified" in one:
                    one |= {"modified": f"202{year + 4}-01-02T03:04:05.678Z"}
                elif year:
                    one |= {"value": f"198.51.100.{number}"}
                node.receive(bundle(one), source)
        node.receive(bundle(indicator(name="from C")), node.source_of_partner("CERT-C"))
        node.publish(Selection(ids=tuple(chance.sample(self.ids, COUNT // 2))), hold_seconds=0)
        look_at_all(node)
        self.account = node.add_user("rina", ["admin", "releaser"]).secret

    def made(self, number: int) -> dict[str, Any]:
        """An object, which may refer to one that was there before."""
        kind = self.chance.randrange(4)
        if kind == 0:
            return address(f"192.0.2.{number}")
        if kind == 1 and self.ids:
            ends = {"source_ref": self.chance.choice(self.ids), "target_ref": self.chance.choice(self.ids)}
            made = indicator(type="relationship", relationship_type="related-to", **ends)
            made["id"] = made["id"].replace("indicator", "relationship")
            for name in ("pattern", "pattern_type", "valid_from", "indicator_types", "name"):
                del made[name]
            return made
        return marked(self.chance.choice(list(TLP)), name=str(number)) if kind == 2 else indicator(name=str(number))

    def views(self) -> dict[str, Any]:
        """What each reader has, in no order: what comes back is the newest."""
        node = self.node

        def bodies(access: Access, **asked: Any) -> list[str]:
            found = node.find(Query(collection="default", **asked), access)
            return sorted(json.dumps(json.loads(item.raw), sort_keys=True) for item in found)

        told: dict[str, Any] = {
            f"staff {word}": bodies(OPERATOR, versions=(word,)) for word in ("first", "last", "all")
        }
        told |= {
            f"{name} {word}": bodies(one, versions=(word,))
            for name, one in self.readers.items()
            for word in ("last", "all")
        }
        told["copies"] = sorted(
            (copy.id, copy.version, copy.source, copy.state, copy.tlp, copy.tlp_from, copy.shown, copy.digest)
            for id in self.ids
            for copy in node.show(id)
        )
        with node.acting("rina", self.account):
            told["account"] = sorted((hit.id, hit.level) for hit in node.browse(limit=100).hits)
            told["who"] = [[(one.state, one.who) for one in sorted(node.who(id), key=repr)] for id in self.ids]
        return told


@pytest.fixture
def node(store_kind: str, tmp_path: Path) -> Iterator[Node]:
    """A node that rests on that kind of store."""
    where = store_address(tmp_path, store_kind)
    with Node.open(where, name="CERT-A", clock=MadeClock(), entropy=MadeEntropy()) as opened:
        yield opened


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.deep)])
def test_undo_after_do_is_nothing_for_every_reader(node: Node, seed: int) -> None:
    chance = random.Random(seed)
    world = World(node, chance)
    assert world.views()["CERT-C last"]
    for act in ("withdraw", "mark", "withdraw"):
        before = world.views()
        choice = Choice(ids=tuple(chance.sample(world.ids, chance.randrange(3, COUNT))))
        with node.acting("rina", world.account):
            if act == "withdraw":
                node.withdraw(choice)
            else:
                node.mark(choice, chance.choice(("amber", "red")), "why")
            assert world.views() != before
            node.undo_batch()
        look_at_all(node)
        after = world.views()
        assert {name for name in before if before[name] != after[name]} == set()
    assert node.check() == []


@pytest.mark.deep
def test_an_undo_that_forgets_publications_would_be_seen(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publications, "restore", lambda *_: None)
    with pytest.raises(AssertionError):
        test_undo_after_do_is_nothing_for_every_reader(node, 0)
