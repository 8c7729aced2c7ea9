"""Whatever comes, goes and is confirmed, in whatever order: nobody is served anything by what a marking meant before.

The slow twin knows of each source the definitions that live, newest last, and nothing of classes.
"""

import random
from pathlib import Path
from typing import Any

import pytest
from tests.gate_world import PARTNER, Reader
from tests.world import MadeClock, MadeEntropy, bundle, indicator

from comity.errors import NotFound
from comity.node import publishing, reclassifying
from comity.node.access import OPERATOR
from comity.node.node import Node
from comity.node.views import Subject
from comity.stix.iep import IEP2_EXTENSION

ALL = '@id("all") @title("Everything") permit (principal, action, resource);'
IDS = [f"marking-definition--11111111-1111-4111-8111-11111111111{number}" for number in range(2)]
LEVELS = ("clear", "green", "amber", "red", "open", "over")
"""What a definition means: a TLP, or an IEP policy that holds, or one that is over. Of the latter the definition itself
may go all the same, so that only the class keeps back what refers to it."""
GOES = ("clear", "green", "open")
"""What may go to a partner of the community, of what another gave."""
STEPS = 30


def _content(level: str) -> dict[str, Any]:
    if level not in ("open", "over"):
        return {"definition_type": "tlp", "definition": {"tlp": level}}
    policy = {
        "extension_type": "property-extension",
        "encrypt_in_transit": "may",
        "permitted_actions": "none",
        "affected_party_notifications": "may",
        "tlp": "white",
        "provider_attribution": "may",
        "unmodified_resale": "may",
        "iep_version": 2.0,
        "end_date": "2001-01-01T00:00:00Z" if level == "over" else "2999-01-01T00:00:00Z",
    }
    return {"extensions": {IEP2_EXTENSION: policy}}


class World:
    """A node with a feed whose markings change, and the twin."""

    def __init__(self, node: Node, seed: int) -> None:
        self.node = node
        self.chance = random.Random(seed)
        self.meant: dict[str, dict[int, str]] = {id: {} for id in IDS}
        self.marked: dict[str, str] = {}
        self.year = 2000
        self.reader = Reader(node, ALL, Subject(PARTNER))
        node.add_source("feed", default_marking="green")

    def step(self) -> str:
        kind = self.chance.choice(("define", "define", "withdraw", "publish", "look", "look", "job", "confirm"))
        getattr(self, kind)()
        return kind

    def define(self) -> None:
        """Mostly a later version of the definition, sometimes an earlier one, which means nothing."""
        id = self.chance.choice(IDS)
        known = self.meant[id]
        self.year += 1
        year = self.year if not known or self.chance.random() < 0.8 else 1000 + self.year
        level = self.chance.choice(LEVELS)
        known[year] = level
        value = {
            "type": "marking-definition",
            "spec_version": "2.1",
            "id": id,
            "created": f"{year:04d}-01-01T00:00:00.000Z",
        } | _content(level)
        report = self.node.receive(bundle(value), "feed")
        assert report.stored == 1, report

    def withdraw(self) -> None:
        id = self.chance.choice(IDS)
        known = self.meant[id]
        year = max(known, default=0)
        whole = self.chance.random() < 0.2
        instants = None if whole else [f"{year:04d}-01-01T00:00:00"]
        try:
            self.node.delete(OPERATOR, "default", id, instants)
        except NotFound:
            assert not known
            return
        if whole:
            known.clear()
        else:
            del known[year]

    def publish(self) -> None:
        made = [indicator(name="it", object_marking_refs=[self.chance.choice(IDS)]) for _ in range(4)]
        self.node.receive(bundle(*made), "feed")
        self.marked |= {each["id"]: each["object_marking_refs"][0] for each in made}
        publishing.publish(self.node.store, self.node.clock, publishing.EVERYTHING, hold_seconds=0)

    def look(self) -> None:
        self.node.store.index_relations(self.chance.choice((2, 1000, 1000)))

    def job(self) -> None:
        self.node.run_job(self.chance.choice((lambda: False, lambda: True)))

    def confirm(self) -> None:
        self.node.reclassify("feed", self.node.class_changes("feed"))

    def served(self) -> set[str]:
        return {id for id in self.reader.ids() if id in self.marked}

    def may_go(self) -> set[str]:
        """The twin: what refers to a definition of which the newest that lives lets it go."""
        newest = {id: known[max(known)] for id, known in self.meant.items() if known}
        return {id for id, marking in self.marked.items() if newest.get(marking) in GOES}

    def settle(self) -> None:
        """Everything was looked at and confirmed, and the definitions themselves are published."""
        publishing.publish(self.node.store, self.node.clock, publishing.EVERYTHING, hold_seconds=0)
        while self.node.store.index_relations(1000):
            pass
        while self.node.run_job() is not None:
            pass
        self.confirm()


def run(folder: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, list[str]]:
    """How much was served on the way, and what was served that must not be."""
    monkeypatch.setattr(reclassifying, "AT_ONCE", 5)
    monkeypatch.setattr(reclassifying, "BATCH_OBJECTS", 3)
    folder.mkdir()
    served, wrong = 0, []
    with Node.open(f"sqlite:///{folder}/a.db", clock=MadeClock(), entropy=MadeEntropy(seed)) as node:
        world = World(node, seed)
        for number in range(STEPS):
            kind = world.step()
            found = world.served()
            served += len(found)
            wrong += [f"{number} {kind}: {id}" for id in found - world.may_go()]
        world.settle()
        found = world.served()
        served += len(found)
        wrong += [f"at last: {id}" for id in found ^ world.may_go()]
        assert node.class_changes() == {}
    return served, wrong


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_served_by_what_a_marking_meant_before(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, wrong = run(tmp_path / "node", seed, monkeypatch)
    assert wrong == []


def _nothing(*_: Any, **__: Any) -> None:
    return None


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault", ["after_storing", *(pytest.param(each, marks=pytest.mark.deep) for each in ("after_withdrawing", "hide"))]
)
def test_a_fault_in_what_is_done_at_once_is_found(tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reclassifying, fault, _nothing)
    found = [run(tmp_path / f"node {seed}", seed, monkeypatch) for seed in range(6)]
    assert sum(served for served, _ in found) > 0
    assert any(wrong for _, wrong in found)
