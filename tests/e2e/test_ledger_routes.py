"""What is read of the ledger over HTTP: hashes and commitments, no more than the checkpoint covers (R26)."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.asgi import Asker, asking
from tests.gate_world import marked, partnered, take
from tests.ledger_world import commitments, open_node, plain_root

from comity.ledger.checkpoint import open_checkpoint
from comity.ledger.merkle import leaf_hash, root
from comity.ledger.note import read_verifier
from comity.ledger.tiles import TileHashes, bundle_path, read_bundle, tile_path
from comity.node.access import NewToken
from comity.node.node import Node
from comity.stix.markings import TLP

pytestmark = pytest.mark.slow


class World:
    """A node with a partner and a client of no node, who ask it."""

    def __init__(self, node: Node, asker: Asker) -> None:
        self.node = node
        self.asker = asker
        partnered(node)
        self.theirs = node.new_token("theirs", read=["default"], partner="CERT-B")
        self.ours = node.new_token("ours", read=["all"])
        self.one = node.new_token("one", read=["default"])

    def get(self, path: str, token: NewToken | None = None) -> tuple[int, bytes]:
        reply = self.asker.ask("GET", f"/ledger/{path}", token or self.theirs, headers={"accept": "*/*"})
        return reply.status, reply.body if reply.status == 200 else b""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_node(f"sqlite:///{tmp_path}/a.db") as node, asking(node) as asker:
        yield World(node, asker)


def test_a_partner_reads_hashes_of_whole_tiles_and_nothing_else(world: World) -> None:
    node = world.node
    take(node, marked(TLP.RED, name="zqsecret"), marked(TLP.GREEN))
    assert world.get("checkpoint")[0] == 404
    node.beat()
    take(node, marked(TLP.RED))
    node.head()
    status, note = world.get("checkpoint")
    keys = [read_verifier(key) for key in node.head().keys]
    seen = open_checkpoint(note, keys, origin="CERT-A/release").checkpoint
    assert (status, seen.size) == (200, 256)
    status, entries = world.get(bundle_path(0))
    assert (status, read_bundle(entries)) == (200, commitments(node)[:256])
    assert seen.root == plain_root(read_bundle(entries))
    status, tile = world.get(tile_path(0, 0))
    assert (status, tile) == (200, b"".join(leaf_hash(entry) for entry in read_bundle(entries)))
    hashes = TileHashes(256, lambda level, place: world.get(tile_path(level, place, 1 if level else 256))[1])
    assert root(256, hashes.hash_of) == seen.root
    for path in (bundle_path(1, 1), tile_path(0, 1, 1), tile_path(1, 0, 2), tile_path(2, 0, 1), tile_path(0, 1)):
        assert world.get(path)[0] == 404


def test_what_is_behind_the_last_beat_makes_no_difference_to_a_partner(world: World) -> None:
    world.node.beat()
    paths = ["checkpoint", tile_path(0, 0), tile_path(1, 0, 1), bundle_path(0), bundle_path(1, 1), tile_path(1, 0, 2)]
    before = [world.get(path) for path in paths]
    take(world.node, marked(TLP.RED), marked(TLP.GREEN))
    world.node.head()
    assert [world.get(path) for path in paths] == before
    world.node.beat()
    assert [world.get(path) for path in paths] != before


def test_the_size_tells_of_the_number_of_acts_in_steps_of_256_alone(tmp_path: Path) -> None:
    """Two nodes that differ in what is withheld differ in commitments, which are random, and in nothing else."""
    sizes = []
    for number in (1, 30):
        with open_node(f"sqlite:///{tmp_path}/{number}.db") as node, asking(node) as asker:
            world = World(node, asker)
            for _ in range(number):
                take(node, marked(TLP.RED))
            node.beat()
            sizes.append(world.get("checkpoint")[1].split(b"\n")[1])
            assert len(set(commitments(node))) == 256
    assert sizes == [b"256", b"256"]


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/000.p/256",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/x",
        "tile/0/000.p",
        "tile/data/000",
        "tile/entries/٠٠٠".encode().decode("latin-1"),
        "tile/0/x999/x999/999",
        "tile/0/" + "9" * 400,
        "tile/0/000/..",
        "tile/0/000%00",
    ],
)
def test_a_path_has_one_spelling(world: World, path: str) -> None:
    world.node.beat()
    assert world.get(quote(path, safe="/%"))[0] == 404


def test_who_may_read_it(world: World) -> None:
    world.node.beat()
    assert world.asker.ask("GET", "/ledger/checkpoint").status == 401
    assert world.get("checkpoint", world.ours)[0] == 200
    for path in ("checkpoint", tile_path(0, 0), bundle_path(0)):
        assert world.get(path, world.one)[0] == 403
        assert world.get(path)[0] == 200
    world.node.step_partner("CERT-B", "pause")
    for path in ("checkpoint", tile_path(0, 0), bundle_path(0)):
        assert world.get(path)[0] == 403
