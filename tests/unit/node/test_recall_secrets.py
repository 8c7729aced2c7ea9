"""No byte of what was taken back reaches a partner, and who never had it cannot tell that anything was taken back."""

import json
import random
import threading
from pathlib import Path

import pytest
from tests.asgi import ROOT, asking
from tests.canaries import Recorder, of_object
from tests.gate_world import marked, take
from tests.partner_asking import ABSENT, deleting, reading
from tests.recall_world import RETRACT, WITHDRAW, World, by
from tests.world import MadeClock, MadeEntropy, indicator

from comity.interfaces import Query
from comity.node.node import Node
from comity.release.recall import Kind, Order, Reason
from comity.stix.markings import MARKING_IDS, TLP

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("order", [WITHDRAW, RETRACT], ids=["withdraw", "retract"])
def test_no_trace_of_it_is_read_on_any_route_afterwards(tmp_path: Path, clock: MadeClock, order: Order) -> None:
    value = indicator(
        name="zqwithdrawn beacon",
        pattern="[domain-name:value = 'zqwithdrawn.example']",
        x_note="zqnote of it",
        created="2026-02-03T04:05:05.123Z",
        modified="2026-02-03T04:05:06.789Z",
        valid_from="2026-02-03T04:05:04.321Z",
        object_marking_refs=[MARKING_IDS[TLP.GREEN]],
    )
    with Node.open(f"sqlite:///{tmp_path}/a.db", name="CERT-A", clock=clock, entropy=MadeEntropy()) as node:
        world = World(node, clock)
        take(node, marked(TLP.GREEN, name="what stays", created="2026-01-09T00:00:00.000Z"))
        world.from_feed(value)
        token = node.new_token("siem", read=["default"], write=["default"], partner="CERT-B")
        recorder = Recorder(of_object(value))
        collections = [node.collection("default").id]
        questions = list(reading(collections, [value["id"], ABSENT], [value["modified"]], ["indicator"]))
        questions += list(deleting(collections, [value["id"]], [value["modified"]]))
        with asking(node) as asker:
            path = f"{ROOT}collections/default/objects/"
            before = Recorder(recorder.canaries)
            before.hear(path, asker.ask("GET", path, token).bytes)
            assert len(before.found) >= 6
            world.recall(order, value["id"])
            for question in questions:
                reply = asker.ask(question.method, question.target, token, question.body, question.headers)
                assert reply.status < 500
                recorder.hear(f"{question.method} {question.target}", reply.bytes, question.bytes)
            gone = asker.ask("GET", f"{path}{value['id']}/", token)
            assert gone.status == 404
        assert recorder.requests > 200
        assert recorder.found == []


def life(folder: Path, seed: int, *, secret: bool) -> list[bytes]:
    """All that CERT-C was told by a node that, if it is `secret`, gave CERT-B objects meanwhile and took them back."""
    folder.mkdir()
    clock, chance = MadeClock(), random.Random(seed)
    told: list[bytes] = []
    with Node.open(f"sqlite:///{folder}/a.db", name="CERT-A", clock=clock, entropy=MadeEntropy()) as node:
        world = World(node, clock)
        node.entropy = MadeEntropy(seed)
        token = node.new_token("siem", read=["default"], write=["default"], partner="CERT-C")
        hidden = [marked(TLP.AMBER, id=f"indicator--{n:08d}-0000-4000-8000-{'b' * 12}") for n in range(6)]
        shown = [marked(TLP.GREEN, id=f"indicator--{n:08d}-0000-4000-8000-{'a' * 12}") for n in range(12)]
        orders = [WITHDRAW, RETRACT, Order(Kind.NARROW, Reason.LEGAL, tlp=TLP.AMBER_STRICT), by(shown[0]["id"])]
        with asking(node) as asker:

            def ask() -> None:
                node.entropy = MadeEntropy(len(told))
                ids = [hidden[0]["id"], hidden[1]["id"], shown[0]["id"], ABSENT]
                for question in list(reading([node.collection("default").id], ids, [], ["indicator"]))[::7]:
                    reply = asker.ask(question.method, question.target, token, question.body, question.headers)
                    told.append(reply.bytes)

            for step in range(4):
                take(node, *shown[3 * step : 3 * step + 3])
                before = clock.now()
                if secret:
                    take(node, *hidden)
                    world.read("CERT-B")
                    node.recall([hidden[step]["id"]], orders[step])
                    world.read("CERT-B")
                clock.move(seconds=1200 - (clock.now() - before).total_seconds())
                clock.move(seconds=chance.randrange(2000, 3000))
                ask()
            assert len(node.recalls()) == 4 * secret
    return told


def test_who_never_had_it_is_told_the_same_by_a_node_that_never_had_it(tmp_path: Path) -> None:
    with_it, without = (life(tmp_path / str(secret), 5, secret=secret) for secret in (True, False))
    assert with_it == without
    assert len(with_it) > 60
    assert any(b'"objects":[' in reply for reply in with_it)


def test_who_begins_to_read_after_it_was_taken_back_reads_nothing_of_it(node: Node, clock: MadeClock) -> None:
    """However many read at the same time, and however often the same page left before."""
    world = World(node, clock)
    ids = take(node, *(marked(TLP.GREEN) for _ in range(24)))
    assert len(world.ids("CERT-B")) == 24
    gone: set[str] = set()
    wrong: set[str] = set()
    stop, pages = threading.Event(), [0] * 3

    def read(reader: int) -> None:
        while not stop.is_set():
            before = set(gone)
            page = node.page(world.access["CERT-B"], Query(collection="default", limit=5 + 4 * reader))
            pages[reader] += 1
            wrong.update(before & {one["id"] for one in json.loads(f"[{page.body.decode()}]")})

    threads = [threading.Thread(target=read, args=(reader,)) for reader in range(3)]
    for thread in threads:
        thread.start()
    for id in ids[:12]:
        node.recall([id], WITHDRAW)
        gone.add(id)
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == set()
    assert min(pages) >= 3
    assert world.ids("CERT-B") == set(ids[12:])
