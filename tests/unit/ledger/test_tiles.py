"""Tiles and bundles: where they are, what is read of them, and how fast proofs come from them."""

import random
import time

import pytest
from tests.unit.ledger.logs import TileStore, hashes_over

from comity.errors import Invalid, Unverified
from comity.ledger import merkle, tiles

LEAVES = [merkle.leaf_hash(b"%d" % number) for number in range(700)]


@pytest.mark.parametrize(
    ("index", "path"),
    [
        (0, "000"),
        (7, "007"),
        (999, "999"),
        (1000, "x001/000"),
        (123456, "x123/456"),
        (1234067, "x001/x234/067"),
        (2**55, "x036/x028/x797/x018/x963/968"),
    ],
)
def test_the_path_of_a_tile(index: int, path: str) -> None:
    assert tiles.tile_path(2, index) == f"tile/2/{path}"
    assert tiles.tile_path(0, index, 1) == f"tile/0/{path}.p/1"
    assert tiles.bundle_path(index, 255) == f"tile/entries/{path}.p/255"


@pytest.mark.parametrize(("index", "width"), [(-1, 256), (2**55 + 1, 256), (0, 0), (0, 257)])
def test_there_is_no_path_of_what_is_no_tile(index: int, width: int) -> None:
    with pytest.raises(ValueError, match="tile"):
        tiles.tile_path(0, index, width)


def test_a_bundle_comes_back() -> None:
    entries = [b"", b"a", bytes(300), bytes(65535)]
    raw = tiles.bundle(entries)
    assert raw.startswith(b"\x00\x00\x00\x01a\x01\x2c")
    assert tiles.read_bundle(raw, 4) == entries
    assert tiles.read_bundle(tiles.bundle([bytes(32)] * 256)) == [bytes(32)] * 256


@pytest.mark.parametrize(
    ("raw", "width"),
    [(b"", 1), (b"\x00", 1), (b"\x00\x02a", 1), (b"\x00\x01a", 2), (b"\x00\x01a\x00", 1), (b"\x00\x00" * 3, 2)],
)
def test_a_bundle_that_is_cut_or_has_another_number_is_refused(raw: bytes, width: int) -> None:
    with pytest.raises(Invalid):
        tiles.read_bundle(raw, width)


@pytest.mark.parametrize("entries", [[bytes(65536)], [b""] * 257])
def test_a_bundle_has_bounds(entries: list[bytes]) -> None:
    with pytest.raises(ValueError, match="bundle"):
        tiles.bundle(entries)


def test_growing_reads_partial_tiles_alone() -> None:
    store = TileStore()
    assert store.append([]) == {}
    assert set(store.append(LEAVES[:256])) == {(0, 0), (1, 0)}
    assert store.reads == 0
    assert set(store.append(LEAVES[256:300])) == {(0, 1)}
    assert store.reads == 0
    assert set(store.append(LEAVES[300:600])) == {(0, 1), (0, 2), (1, 0)}
    assert store.reads == 2
    assert [len(store.tiles[0, index]) // 32 for index in range(3)] == [256, 256, 88]
    assert len(store.tiles[1, 0]) == 64


def test_a_whole_tile_of_tiles_makes_the_next_level() -> None:
    leaves = [bytes([number % 251]) * 32 for number in range(65_536)]
    store = TileStore()
    store.append(leaves[:65_535])
    assert (2, 0) not in store.tiles
    assert set(store.append(leaves[65_535:])) == {(0, 255), (1, 0), (2, 0)}
    assert store.tiles[2, 0] == merkle.root(65_536, store.hash_of())
    store.append(leaves[:130])
    made = tiles.TileHashes(65_666, store.read)
    root = merkle.root(65_666, made.hash_of)
    for index in (0, 255, 256, 32_767, 65_535, 65_536, 65_665):
        leaf = tiles.cut(store.tiles[0, index // 256])[index % 256]
        merkle.verify_inclusion(leaf, index, 65_666, root, made.inclusion_proof(index))


def test_proofs_from_tiles_are_those_of_the_whole_tree() -> None:
    store = TileStore()
    store.append(LEAVES)
    plain = hashes_over([b"%d" % number for number in range(700)])
    for index in (0, 1, 2, 3, 255, 256, 511, 512, 600, 698, 699):
        assert merkle.inclusion_proof(index, 700, store.hash_of()) == merkle.inclusion_proof(index, 700, plain)
        assert merkle.consistency_proof(index, 700, store.hash_of()) == merkle.consistency_proof(index, 700, plain)


@pytest.mark.parametrize("raw", [b"", bytes(31), bytes(32 * 187), bytes(32 * 188 + 1), bytes(32 * 257)])
def test_a_tile_that_is_cut_or_too_wide_is_refused(raw: bytes) -> None:
    made = tiles.TileHashes(700, lambda _level, _index: raw)
    with pytest.raises(Unverified, match="bytes"):
        made.hash_of(0, 699)
    if len(raw) != 32 * 188 + 1:
        with pytest.raises(Unverified, match="bytes"):
            tiles.grow(700, lambda _level, _index: raw, [bytes(32)])


def test_leaf_hashes_at_hand_make_the_same_proofs_and_fewer_reads() -> None:
    store = TileStore()
    store.append(LEAVES)
    plain, made = store.hash_of(), tiles.TileHashes(699, store.read, store.leaves)
    for index in range(699):
        proof = merkle.inclusion_proof(index, 699, plain)
        assert merkle.inclusion_proof(index, 699, made.hash_of) == made.inclusion_proof(index) == proof
        assert tiles.TileHashes(699, store.read).inclusion_proof(index) == proof
    with pytest.raises(ValueError, match="no entry 699"):
        made.inclusion_proof(699)
    assert merkle.root(699, made.hash_of) == merkle.root(699, plain)
    store.reads = 0
    fresh = tiles.TileHashes(700, store.read, store.leaves)
    assert [fresh.hash_of(0, 13), fresh.hash_of(0, 699)] == [LEAVES[13], LEAVES[699]]
    assert fresh.hash_of(2, 1) == merkle.root(4, hashes_over([b"%d" % number for number in range(4, 8)]))
    assert store.reads == 0


@pytest.mark.parametrize("count", [0, 3, 5])
def test_fewer_or_more_leaf_hashes_than_there_must_be_are_refused(count: int) -> None:
    made = tiles.TileHashes(700, TileStore().read, lambda _first, _count: LEAVES[:count])
    with pytest.raises(Unverified, match="entries from 696 on where 4 are wanted"):
        made.hash_of(0, 699)


def test_beyond_the_log_there_is_no_hash() -> None:
    store = TileStore()
    store.append(LEAVES)
    with pytest.raises(Unverified):
        tiles.TileHashes(512, store.read).hash_of(0, 600)


def test_what_is_kept_is_bounded() -> None:
    store = TileStore()
    store.append(LEAVES)
    made = tiles.TileHashes(700, store.read)
    for _ in range(50):
        merkle.inclusion_proof(5, 700, made.hash_of)
    assert store.reads <= 4
    assert made._tile.cache_info().maxsize == tiles.RAW_TILES_KEPT
    assert made._group.cache_info().maxsize == tiles.GROUPS_KEPT
    assert made._crown.cache_info().maxsize == tiles.CROWNS_KEPT
    assert made._span.cache_info().maxsize == 64, "as many as a proof has hashes"


@pytest.mark.slow
@pytest.mark.deep
def test_proofs_of_a_million_entries_come_by_thousands_a_second() -> None:
    """A floor far below what is promised, for a machine that does other things as well; `make bench` has the figure."""
    store = TileStore()
    for begin in range(0, 10**6, 100_000):
        store.append([number.to_bytes(32) for number in range(begin, begin + 100_000)])
    made, chance = tiles.TileHashes(store.size, store.read), random.Random(1)
    began = time.process_time()
    for _ in range(30_000):
        made.inclusion_proof(chance.randrange(10**6))
    assert 30_000 / (time.process_time() - began) > 5_000
