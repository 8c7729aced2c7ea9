"""Whatever a partner asks, no trace of what is withheld from it reaches it, and all that is permitted does."""

import base64
import gzip
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from tests.asgi import Asker, Reply, asking
from tests.canaries import DISGUISES, Recorder, readings, traces, withheld_traces
from tests.partner_asking import ABSENT, Question, deleting, posting, reading
from tests.partner_world import B, C, D, Json, World, value_of
from tests.plain_gate import permitted, version_of
from tests.serving import TAXII, serving
from tests.watching_traffic import Traffic
from tests.world import MadeClock, MadeEntropy

from comity.node.node import Node
from comity.stix.markings import MARKING_IDS, TLP

pytestmark = pytest.mark.slow
REQUESTS_LEAST, BYTES_LEAST, CANARIES_LEAST = 1_200, 600_000, 250


@contextmanager
def world_of(folder: Path, seed: int) -> Iterator[tuple[World, Asker]]:
    clock = MadeClock()
    with Node.open(f"sqlite:///{folder}/a.db", name="CERT-A", clock=clock, entropy=MadeEntropy(seed)) as node:
        world = World(node, clock, seed).fill()
        clock.move(seconds=5000 - clock.now().timestamp() % 1000)
        # What is served of the ledger is asked for too.
        node.beat()
        with asking(node) as asker:
            yield world, asker


def withheld(world: World, who: str) -> list[Json]:
    """Objects of which no version may reach the partner."""
    there = {id for plain in list(permitted(world, who).values())[:2] for id, _ in plain.all}
    return [value_of(copy) for copy in world.copies() if copy.body is not None and copy.id not in there]


def run(world: World, asker: Asker, who: str, recorder: Recorder, questions: Iterator[Question]) -> list[Reply]:
    """The questions were asked in the name of the partner, and the recorder heard the answers."""
    replies = []
    for question in questions:
        reply = asker.ask(question.method, question.target, world.tokens[who], question.body, question.headers)
        recorder.hear(f"{question.method} {question.target}", reply.bytes, question.bytes)
        assert reply.status < 500
        replies.append(reply)
    return replies


def guesses(world: World, hidden: Sequence[Json], count: int = 4) -> tuple[list[str], list[str], list[str]]:
    """Ids, versions and types to ask for: of what is withheld, of what is not, and of what is nowhere."""
    some = hidden[:: max(1, len(hidden) // count)][:count]
    ids = list(dict.fromkeys([*(each["id"] for each in some), world.made[3]["id"], ABSENT]))
    versions = list(dict.fromkeys(version_of(each) for each in some))
    return ids, versions, ["indicator", "malware", "campaign", "file", "x-none"]


@pytest.mark.parametrize("who", [B, C, pytest.param(D, marks=pytest.mark.deep)])
@pytest.mark.parametrize("seed", [21, *(pytest.param(seed, marks=pytest.mark.deep) for seed in range(300, 312))])
def test_no_trace_of_what_is_withheld_leaves_and_all_that_is_permitted_does(
    tmp_path: Path, seed: int, who: str
) -> None:
    with world_of(tmp_path, seed) as (world, asker):
        hidden = withheld(world, who)
        recorder = Recorder(withheld_traces(world, who))
        assert len(recorder.canaries) >= CANARIES_LEAST
        named = [each for each in hidden if recorder.canaries >= set(traces(each["id"]))]
        assert len(named) >= 0.8 * len(hidden) >= 8
        ids, versions, types = guesses(world, hidden)
        arrived = run(world, asker, who, recorder, reading(world.collections, ids, versions, types))
        everything = b"".join(reply.body for reply in arrived)
        for collection, plain in list(permitted(world, who).items())[:2]:
            found = asker.get(world.tokens[who], f"collections/{collection}/objects/", match_version="all").body
            recorder.hear(f"all of {collection}", found)
            assert all(raw in found and raw in everything for raw in plain.all.values())
        run(world, asker, who, recorder, deleting(world.collections, [each["id"] for each in hidden], versions))
        assert recorder.requests >= REQUESTS_LEAST
        assert recorder.heard_bytes >= BYTES_LEAST
        assert recorder.found == []


def test_what_a_partner_sends_tells_it_nothing_of_what_is_withheld(tmp_path: Path) -> None:
    """It sends objects with the ids of what is withheld, and sees its own: never what they stand beside."""
    with world_of(tmp_path, 22) as (world, asker):
        hidden = withheld(world, B)
        recorder = Recorder(withheld_traces(world, B))
        squatting = [
            {"type": each["type"], "spec_version": "2.1", "id": each["id"], "name": "squatter", "value": "squatter"}
            | {name: each[name] for name in ("created", "modified") if name in each}
            | {"object_marking_refs": [MARKING_IDS[TLP.CLEAR]]}
            for each in hidden[:8]
        ]
        for question in posting("default", squatting):
            recorder.sent(question.body)
            run(world, asker, B, recorder, iter([question]))
        assert recorder.found == []
        while world.node.store.index_relations(100):
            pass
        world.note()
        later = Recorder(withheld_traces(world, B), own=set(recorder.own))
        ids, versions, types = guesses(world, hidden)
        run(world, asker, B, later, reading(world.collections, ids, versions, types))
        assert later.found == []


@pytest.mark.parametrize("how", DISGUISES)
def test_the_recorder_sees_through_every_disguise(how: str) -> None:
    secrets = [
        "zq021q0004",
        "2025-03-05T06:12:09.004Z",
        "7000004036",
        "indicator--a1b2c3d4-0000-4000-8000-1234567890ab",
    ]
    secrets += ["naïve “zq021q0004” ü"] if how not in ("capitals", "wide", "wide, the other way") else []
    for secret in secrets:
        for around in (b"%b", b"HTTP/1.1 200\r\nx-a: %b\r\n\r\n", b'{"name":"%b"}'):
            recorder = Recorder(frozenset(traces(secret)))
            recorder.hear("there", around % DISGUISES[how](secret.encode()))
            assert recorder.found, (how, secret, around)
            clean = Recorder(frozenset(traces(secret)))
            clean.hear("here", around % DISGUISES[how](secret[::-1].encode()))
            assert clean.found == []


def test_the_recorder_knows_a_hash_and_an_id_by_their_bytes() -> None:
    digest = "a3f5" * 16
    for secret, raw in ((digest, bytes.fromhex(digest)), (f"file--{digest[:8]}-0000-4000-8000-{digest[:12]}", None)):
        raw = raw or bytes.fromhex(secret.partition("--")[2].replace("-", ""))
        recorder = Recorder(frozenset(traces(secret)))
        recorder.hear("there", b"x" + base64.b64encode(raw) + b'","')
        assert recorder.found


def test_what_the_partner_said_itself_is_no_trace() -> None:
    recorder = Recorder(frozenset({b"zq021q0004"}))
    recorder.hear("echo", b"`limit`: zq021q0004", b"GET /?limit=zq021q0004")
    recorder.hear("echo of what was escaped", b"`limit`: zq021q0004", b"GET /?limit=%7aq021q0004")
    assert recorder.found == []
    recorder.hear("no echo", b"zq021q0004", b"GET /?limit=zq021q0005")
    assert [where for where, _ in recorder.found] == ["no echo"]


def test_disguises_lie_over_one_another() -> None:
    secret = b"zq021q0004"
    hidden = base64.b64encode(gzip.compress(b'{"a":"' + base64.b64encode(secret) + b'"}'))
    assert any(secret in view for view in readings(b'"' + hidden + b'"'))


LEAKS: dict[str, Callable[[Reply, bytes], Reply]] = {
    "a body": lambda reply, text: Reply(reply.status, reply.headers, reply.body + text),
    "a packed body": lambda reply, text: Reply(reply.status, reply.headers, gzip.compress(text)),
    "a header": lambda reply, text: Reply(
        reply.status, (*reply.headers, (b"etag", base64.b64encode(text))), reply.body
    ),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_one_leak_in_one_answer_is_found(tmp_path: Path, leak: str) -> None:
    with world_of(tmp_path, 23) as (world, asker):
        hidden = withheld(world, B)
        (copy,) = {str(each["id"]): each for each in hidden[:1]}.values()
        recorder = Recorder(withheld_traces(world, B))
        ids, versions, types = guesses(world, hidden)
        asked = list(reading(world.collections[:1], ids, versions, types))[:200]
        for number, question in enumerate(asked):
            reply = asker.ask(question.method, question.target, world.tokens[B], question.body, question.headers)
            if number == 150:
                reply = LEAKS[leak](reply, str(copy["id"]).partition("--")[2].encode())
            recorder.hear(str(number), reply.bytes, question.bytes)
        assert {where for where, _ in recorder.found} == {"150"}


@pytest.mark.parametrize("leaking", [False, True])
def test_the_traffic_of_every_test_is_watched(tmp_path: Path, traffic: Traffic, leaking: bool) -> None:
    """A partner that asks over HTTP is heard; an answer with something of TLP:RED in it is found."""
    clock = MadeClock()
    address = f"sqlite:///{tmp_path}/a.db"
    with Node.open(address, name="CERT-A", clock=clock, entropy=MadeEntropy()) as node:
        world = World(node, clock, 24)
        secret, shown = (world.object("indicator", level) for level in (TLP.RED, TLP.GREEN))
        world.take(secret, shown)
        world.look()
        token = world.tokens[B].token
        with serving(node) as url, requests.Session() as session:
            session.trust_env = False
            headers = {"Authorization": f"Bearer {token}", "Accept": TAXII}
            reply = session.get(f"{url}/taxii2/root/collections/default/objects/", headers=headers, timeout=30)
            assert [each["id"] for each in reply.json()["objects"]] == [shown["id"]]
            session.get(f"{url}/taxii2/root/collections/default/objects/{secret['id']}/", headers=headers, timeout=30)
    assert token in traffic.bound
    assert len(traffic.received) == 2
    assert [each["id"] for each in traffic.red] == [secret["id"]]
    assert traffic.leaks() == []
    if leaking:
        reply.headers["X-Note"] = secret["name"]
        traffic.heard(reply.request, reply)
        assert len(traffic.leaks()) == 1
        traffic.received.clear()
