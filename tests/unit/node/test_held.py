"""The record of what left is what was really sent: compared with every page that left, remembered one by one."""

import json
import random
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from pyroaring import BitMap
from tests.gate_world import admitted, look_at_all, marked, partnered, take
from tests.telling_world import put_in_force
from tests.world import MadeClock, MadeEntropy, address, bundle, indicator

from comity.errors import NotFound
from comity.interfaces import Query, microseconds
from comity.node import holding
from comity.node.access import Access
from comity.node.holding import Held
from comity.node.node import Node
from comity.node.publishing import Selection
from comity.node.recording import OBJECTS
from comity.stix.markings import MARKING_IDS, TLP
from comity.stix.object import VERSIONLESS
from comity.store.base import TableStore

pytestmark = pytest.mark.slow
NAMES = ("CERT-B", "CERT-C")
MOMENTS = ("2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z")
RULES = """
@id("green") @title("Ours up to GREEN") permit (principal, action == Action::"release", resource)
when { resource.ours && [Tlp::"clear", Tlp::"green"].contains(resource.tlp) };
@id("open") @title("CLEAR of others") permit (principal, action == Action::"release", resource)
when { resource.tlp == Tlp::"clear" };
"""
CASES = """
[[case]]
name = "Ours"
object = { tlp = "green" }
expect = "allow"
[[case]]
name = "Theirs"
object = { tlp = "clear", origin = "feed" }
expect = "allow"
"""
Key = tuple[str, str, str, str]
"""The partner, and of the copy the id, the version and the source."""


@dataclass
class Twin:
    """Every object that was on a page for a partner, first and last, as the page itself tells it."""

    node: Node
    clock: MadeClock
    chance: random.Random
    access: dict[str, Access] = field(default_factory=dict)
    told: dict[Key, list[int]] = field(default_factory=dict)
    offered: set[Key] = field(default_factory=set)
    pages: int = 0

    def read(self, name: str, collection: str = "default", **asked: Any) -> None:
        """The partner read all pages, and each was remembered."""
        after, more, now = 0, True, microseconds(self.clock.now())
        while more:
            page = self.node.page(self.access[name], Query(collection=collection, limit=2, after=after, **asked))
            self.pages += bool(page.count)
            for value in json.loads(f"[{page.body.decode()}]"):
                if value["x_source"] != self.node.source_of_partner(name):
                    key = (name, value["id"], value.get("modified", VERSIONLESS), value["x_source"])
                    self.told.setdefault(key, [now, now])[1] = now
                    self.offered.add(key)
            after, more = page.last_key, page.more

    def object(self, source: str) -> dict[str, Any]:
        """One of few objects, which says where it came from."""
        number, level = self.chance.randrange(8), self.chance.choice((TLP.CLEAR, TLP.CLEAR, TLP.GREEN, TLP.AMBER))
        marks: dict[str, Any] = {"object_marking_refs": [MARKING_IDS[level]], "x_source": source}
        if number < 2:
            return address(f"192.0.2.{number}") | marks | {"id": f"ipv4-addr--{number:08d}-0000-4000-8000-{'a' * 12}"}
        id, moment = f"indicator--{number:08d}-0000-4000-8000-{'a' * 12}", self.chance.choice(MOMENTS)
        return indicator(id=id, modified=moment, **marks)

    def step(self) -> None:
        """Something came, was published or taken back, or was read."""
        node, chance = self.node, self.chance
        self.clock.move(seconds=chance.choice((5, 5, 90_000)))
        match chance.randrange(5):
            case 0 | 1:
                source = chance.choice(["local", "feed", node.source_of_partner("CERT-B")])
                node.receive(bundle(*(self.object(source) for _ in range(3))), source)
            case 2:
                node.publish(hold_seconds=0)
            case 3:
                node.unpublish(Selection(ids=(self.object("")["id"],)))
            case 4:
                versions = chance.choice((("last",), ("all",)))
                self.read(chance.choice(NAMES), versions=versions)
                node.manifest(self.access["CERT-C"], Query(collection="default"))
        look_at_all(node)


def partners_of(node: Node) -> dict[str, Access]:
    """Two active partners, and what their tokens may do."""
    node.add_source("feed")
    put_in_force(node, RULES, CASES)
    for name in NAMES:
        node.add_partner(name, max_tlp="amber", history_from=0, cybersecurity=True)
        node.step_partner(name, "activate", checked_by="a call")
    return {name: admitted(node, read=["default"], write=["default"], partner=name) for name in NAMES}


@pytest.fixture(scope="module", params=[1, *(pytest.param(seed, marks=pytest.mark.deep) for seed in range(50, 58))])
def lived(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    clock, path = MadeClock(), tmp_path_factory.mktemp("held") / "a.db"
    with Node.open(f"sqlite:///{path}", name="CERT-A", clock=clock, entropy=MadeEntropy()) as node:
        twin = Twin(node, clock, random.Random(request.param), partners_of(node))
        for _ in range(80):
            twin.step()
        yield twin


def key_of(name: str, held: Held) -> Key:
    return (name, held.id, held.version, held.source)


@pytest.mark.parametrize("window", [holding.WINDOW_NUMBERS, 3])
def test_what_is_held_is_what_was_really_sent(lived: Twin, window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "WINDOW_NUMBERS", window)
    node = lived.node
    found: dict[Key, list[int]] = {}
    for name in NAMES:
        for held in node.held(name):
            # A newer body of an object without versions is another copy.
            times = found.setdefault(key_of(name, held), [held.first.at, held.last.at])
            found[key_of(name, held)] = [min(times[0], held.first.at), max(times[1], held.last.at)]
    assert found == lived.told
    assert lived.pages >= 15
    assert len(found) >= 8


def test_what_is_held_of_a_type_is_what_of_all_is_of_it(lived: Twin) -> None:
    for name in NAMES:
        every = list(lived.node.held(name))
        assert list(lived.node.held(name, types=("indicator", "ipv4-addr", "tool"))) == every
        for type in ("indicator", "ipv4-addr", "tool"):
            some = [one for one in every if one.id.startswith(f"{type}--")]
            assert list(lived.node.held(name, types=(type,))) == some
            assert list(lived.node.held(name, types=(type,), limit=2)) == some[:2]
        assert {one.id.partition("--")[0] for one in every} == {"indicator", "ipv4-addr"}


def test_who_holds_an_object_is_the_same_by_object(lived: Twin) -> None:
    node = lived.node
    every = [(name, held) for name in NAMES for held in node.held(name)]
    for id in {held.id for _, held in every}:
        told = [(one.partner, one.held) for one in node.holders(id)]
        assert sorted(told, key=repr) == sorted(((name, held) for name, held in every if held.id == id), key=repr)
        for version in (*MOMENTS, VERSIONLESS):
            some = [(one.partner, one.held) for one in node.holders(id, version)]
            assert some == [each for each in told if each[1].version == version]


def test_each_copy_is_told_once_with_an_entry_of_the_ledger_that_says_so(lived: Twin) -> None:
    node = lived.node
    for name in NAMES:
        held = list(node.held(name))
        assert len({(one.id, one.version, one.source, one.digest) for one in held}) == len(held)
        for one in held:
            for way in (one.first, one.last):
                with node.store.read() as snapshot:
                    (entry,) = snapshot.ledger_entries(way.entry - 1, 1)
                assert entry.record is not None
                record = json.loads(entry.record)
                assert (record["kind"], record["to"]) == ("release", node.partner(name).id)
                assert record["at"] <= way.at
                assert way.rule in ("green", "open", "green open")
            assert one.first.at <= one.last.at
    assert lived.told


def test_what_is_offered_still_is_what_is_read_now(lived: Twin) -> None:
    node = lived.node
    for name in NAMES:
        lived.offered = set()
        lived.read(name, versions=("all",))
        offered = {key_of(name, held) for held in node.held(name) if held.state == "offered"}
        # Of copies of one version that stand side by side only one is read.
        assert lived.offered <= offered
        with node.store.read() as snapshot:
            for held in node.held(name):
                live = {
                    (copy.version, copy.source, copy.digest.hex()): copy.state.name for copy in snapshot.copies(held.id)
                }
                is_published = live.get((held.version, held.source, held.digest)) == "PUBLISHED"
                assert (held.state != "unpublished") == is_published


def test_the_same_copy_published_again_is_one_and_tells_both_times(node: Node, clock: MadeClock) -> None:
    access = partnered(node)
    (id,) = take(node, marked(TLP.GREEN))
    node.page(access, Query(collection="default"))
    begins = microseconds(clock.now())
    node.unpublish(Selection(ids=(id,)))
    (held,) = node.held("CERT-B")
    assert held.state == "unpublished"
    clock.move(days=2)
    node.publish(hold_seconds=0)
    look_at_all(node)
    node.page(access, Query(collection="default"))
    clock.move(seconds=9)
    node.page(access, Query(collection="default"))
    (held,) = node.held("CERT-B")
    assert (held.state, held.first.at, held.last.at) == ("offered", begins, microseconds(clock.now()))
    assert held.first.entry < held.last.entry
    assert list(node.held("CERT-B", limit=0)) == []


def test_a_manifest_gives_nothing_and_what_policy_lets_go_no_more_is_withheld(node: Node) -> None:
    access = partnered(node)
    (id,) = take(node, marked(TLP.GREEN))
    node.manifest(access, Query(collection="default"))
    assert list(node.held("CERT-B")) == []
    assert node.holders(id) == []
    node.page(access, Query(collection="default"))
    node.edit_partner("CERT-B", max_tlp="clear")
    assert [one.state for one in node.held("CERT-B")] == ["withheld"]


@pytest.mark.parametrize("id", ["indicator--11111111-1111-4111-8111-111111111111", "", "a\0b", "\ud800", "x" * 100_000])
def test_an_object_that_is_not_there_is_not_found(node: Node, id: str) -> None:
    with pytest.raises(NotFound):
        node.holders(id)
    with pytest.raises(NotFound):
        list(node.held(id))


@pytest.mark.deep
@pytest.mark.timeout(600)
def test_a_hundred_thousand_objects_in_a_thousand_pages_are_listed_in_seconds_with_flat_memory(node: Node) -> None:
    partnered(node)
    recipient, store = node.partner("CERT-B").id, cast("TableStore", node.store)
    rows = [
        (n, f"indicator--{n:08d}-0000-4000-8000-{'a' * 12}", VERSIONLESS, 1, bytes(32), 0) for n in range(1, 100_001)
    ]
    with store.write() as tx:
        tx.db.execute_many(
            "INSERT INTO former (number, id, version, source, digest, class) VALUES (?, ?, ?, ?, ?, ?)", rows
        )
    for page in range(1000):
        with store.write() as tx:
            numbers = BitMap(range(page * 100 + 1, page * 100 + 101))
            tx.enter_release(recipient, OBJECTS, page.to_bytes(32), 0, {"a": numbers})
    del rows
    began = time.process_time()
    assert sum(1 for _ in node.held("CERT-B")) == 100_000
    assert time.process_time() - began < 6
    tracemalloc.start()
    peaks = []
    for few in (40_000, 100_000):
        tracemalloc.reset_peak()
        assert sum(1 for _ in node.held("CERT-B", limit=few)) == few
        peaks.append(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0] < 80 * 2**20
