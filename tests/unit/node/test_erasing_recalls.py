"""Whoever had what is erased is told, as by a withdrawal, and no record says what it was (R42)."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.commands import environment
from tests.gate_world import look_at_all, take
from tests.offices import Office
from tests.recall_world import WITHDRAW, World
from tests.world import MadeClock, address, envelope, indicator

from comity.errors import Invalid
from comity.node.home import init_home, open_home
from comity.node.node import Node
from comity.release.recall import Answer, Kind, Order, Reason
from comity.stix.markings import MARKING_IDS, TLP

pytestmark = pytest.mark.slow

GREEN, AMBER = ({"object_marking_refs": [MARKING_IDS[level]]} for level in (TLP.GREEN, TLP.AMBER))
BASIS = "GDPR art. 17"


@pytest.fixture
def world(node: Node, clock: MadeClock) -> World:
    return World(node, clock)


def kept_texts(node: Node) -> bytes:
    """All that records and the ledger say."""
    with node.store.read() as snapshot:
        records = [
            version.body
            for kind in ("recall", "certificate", "proposal")
            for one in snapshot.records(kind)
            for version in snapshot.record_history(kind, one.id)
        ]
        return b"".join([*records, *(one.record or b"" for one in snapshot.ledger_entries(0, 10_000))])


def test_those_who_had_it_are_told_as_by_a_withdrawal(world: World) -> None:
    """The twin: another object with the same readers, taken back by hand."""
    node = world.node
    green, amber, nobody = indicator(**GREEN), indicator(**AMBER), indicator(**AMBER)
    twin = indicator(**AMBER)
    take(node, green, amber, twin)
    assert len(world.read("CERT-B")) == 3
    assert world.ids("CERT-C") == {green["id"]}
    take(node, nobody)
    made = node.erase([green["id"], amber["id"], nobody["id"]], basis=BASIS).certificate
    by_hand = node.recall([twin["id"]], WITHDRAW)
    assert made is not None
    assert (made.told, made.cannot_confirm) == ((), ("CERT-B", "CERT-C"))
    one, other = node.recalls(made.recall)[0], node.recalls(by_hand.id)[0]
    assert (one.kind, one.reason, one.count) == (Kind.WITHDRAW, Reason.ERASURE, 2)
    assert set(one.objects) == {green["id"], amber["id"]}, "what nobody had is nobody's to know"
    told = {each.partner: each for each in one.recipients}
    assert {name: each.copies for name, each in told.items()} == {"CERT-B": 2, "CERT-C": 1}
    (here,), (there,) = ([each for each in view.recipients if each.partner == "CERT-B"] for view in (one, other))
    assert (here.way, here.answer, here.read_since) == (there.way, Answer.CANNOT_CONFIRM, False)
    assert {each.told for each in here.had} == {each.told for each in there.had} == {"absent"}
    world.clock.move(hours=1)
    assert world.read("CERT-B") == world.read("CERT-C") == []
    assert all(each.read_since for each in node.recalls(made.recall)[0].recipients)
    assert node.check() == []


def test_what_nobody_had_makes_no_recall(world: World) -> None:
    one = indicator(**GREEN)
    take(world.node, one)
    made = world.node.erase([one["id"]], basis=BASIS).certificate
    assert made is not None
    assert (made.recall, made.told, made.cannot_confirm, made.recipients) == ("", (), (), ())
    assert world.node.recalls() == []


def test_it_waits_with_the_erasure_and_is_told_with_it(world: World) -> None:
    node, one = world.node, address("203.0.113.9") | GREEN
    take(node, one)
    assert world.ids("CERT-C") == {one["id"]}
    office = Office(node)
    with office.acts("anna"):
        waits = node.erase([one["id"]], basis=BASIS).waits
    with office.acts("carl"):
        assert node.recalls() == []
    assert world.ids("CERT-C") == {one["id"]}
    office.approve(waits)
    with office.acts("carl"):
        (recall,) = node.recalls()
    with office.acts("anna"):
        (made,) = node.erasures()
    assert (made.recall, made.cannot_confirm, recall.actor) == (recall.id, ("CERT-C",), "anna")
    assert world.ids("CERT-C") == set()


def test_the_record_calls_what_was_made_of_content_by_a_name_that_says_nothing(world: World) -> None:
    node, one = world.node, address("203.0.113.9") | GREEN
    other = indicator(**GREEN)
    take(node, one, other)
    world.read("CERT-B")
    made = node.erase([one["id"], other["id"]], basis=BASIS).certificate
    assert made is not None
    (view,) = node.recalls(made.recall)
    assert other["id"] in view.objects
    assert len(view.objects) == 2
    assert one["id"] not in view.objects
    assert {each.id for each in view.recipients[0].had} == set(view.objects)
    said = kept_texts(node)
    assert b"203.0.113.9" not in said
    assert str(one["id"]).encode() not in said
    assert str(other["id"]).encode() in said, "without that nothing was looked at"


def test_who_only_sent_it_is_not_asked_for_it(world: World) -> None:
    node, one = world.node, indicator(**AMBER)
    node.post(world.access["CERT-C"], "default", envelope(one))
    look_at_all(node)
    assert world.ids("CERT-C") == {one["id"]}
    made = node.erase([one["id"]], basis=BASIS).certificate
    assert made is not None
    assert (made.recall, [each.name for each in made.recipients]) == ("", ["CERT-C"])
    assert any("CERT-C" in sentence for sentence in made.remains)


def test_no_person_gives_the_reason_of_an_erasure(world: World) -> None:
    with pytest.raises(Invalid, match="by itself"):
        world.node.recall(["indicator--x"], Order(Kind.WITHDRAW, Reason.ERASURE))


_DIE = """
import os, sys
from pathlib import Path
from comity.node.home import open_home
home, id, moment = sys.argv[1:]
node = open_home(Path(home))
keep = node.store.aside
def die(tx, asides, commitment):
    if moment == "before the line":
        os.kill(os.getpid(), 9)
    keep(tx, asides, commitment)
    if moment == "before the commit":
        os.kill(os.getpid(), 9)
node.store.aside = die
node.store.scrub = lambda: os.kill(os.getpid(), 9)
node.erase([id], basis="a request")
"""


@pytest.mark.parametrize("moment", ["before the line", "before the commit", "before the files"])
def test_no_moment_of_death_parts_the_erasure_from_what_is_told(tmp_path: Path, moment: str) -> None:
    home, one = tmp_path / "home", indicator(**GREEN)
    with init_home(home, name="CERT-A") as node:
        world = World(node, MadeClock())
        take(node, one)
        world.read("CERT-B")
    died = subprocess.run([sys.executable, "-c", _DIE, str(home), one["id"], moment], env=environment(), check=False)
    assert died.returncode == -9
    with open_home(home) as node:
        done = moment == "before the files"
        assert [each.recall for each in node.erasures()] == [each.id for each in node.recalls()]
        assert (len(node.recalls()), len(list(node.find()))) == ((1, 0) if done else (0, 1))
