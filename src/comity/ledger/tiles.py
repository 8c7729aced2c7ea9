"""The hashes of a log as tiles of 256, and its entries as bundles (C2SP tlog-tiles).

The tile `index` at `level` holds the hashes of subtrees of height `8 * level`, from `256 * index` on; the last one of a
level is *partial*. Hashes between these heights are not kept: they are made again from the tile.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

from comity.errors import Invalid, Unverified
from comity.ledger.merkle import HASH_BYTES, node_hash

HEIGHT = 8
WIDTH = 1 << HEIGHT
ENTRY_BYTES_MAX = 2**16 - 1
INDEX_MAX = 2**55
RAW_TILES_KEPT = 64
CROWNS_KEPT = 8192
_LOW = 3
"""Subtrees lower than this are made from the tile each time; the hashes of higher ones, its *crown*, take 2 kB."""

ReadTile = Callable[[int, int], bytes]


def tile_path(level: int, index: int, width: int = WIDTH) -> str:
    """Where the tile is served, below the prefix of the log; `width` is the number of its hashes."""
    return f"tile/{level}/{_number(index)}{_partial(width)}"


def bundle_path(index: int, width: int = WIDTH) -> str:
    """Where the bundle of entries is served, below the prefix of the log; `width` is their number."""
    return f"tile/entries/{_number(index)}{_partial(width)}"


def tile_width(size: int, level: int, index: int) -> int:
    """How many hashes that tile has in a log of `size` entries: 256, fewer for the last of its level, 0 beyond."""
    return max(0, min(WIDTH, (size >> (HEIGHT * level)) - index * WIDTH))


def bundle(entries: Sequence[bytes]) -> bytes:
    """The entries as they are served, each after its length. ValueError for one of more than 65,535 bytes."""
    if len(entries) > WIDTH or any(len(entry) > ENTRY_BYTES_MAX for entry in entries):
        raise ValueError("a bundle has at most 256 entries of at most 65535 bytes")
    return b"".join(len(entry).to_bytes(2) + entry for entry in entries)


def read_bundle(raw: bytes, width: int = WIDTH) -> list[bytes]:
    """The entries of a bundle that has so many of them. Invalid where it has not."""
    entries: list[bytes] = []
    place = 0
    while place < len(raw) and len(entries) < width:
        end = place + 2 + int.from_bytes(raw[place : place + 2])
        entries.append(raw[place + 2 : end])
        place = end
    if place != len(raw) or len(entries) != width:
        raise Invalid(f"The bundle has not {width} entries.", where="bundle", rule="C2SP tlog-tiles, Log entries")
    return entries


def grow(size: int, read_tile: ReadTile, leaf_hashes: Sequence[bytes]) -> dict[tuple[int, int], bytes]:
    """The tiles, by level and index, that are new or longer once these entries follow the first `size`. `read_tile` is
    asked for the partial tiles of the log as it is, and for nothing else."""
    changed: dict[tuple[int, int], bytes] = {}
    level, new = 0, list(leaf_hashes)
    while new:
        have = size >> (HEIGHT * level)
        index, width = divmod(have, WIDTH)
        hashes = _hashes(read_tile(level, index), width) if width else []
        hashes += new
        tiles = [hashes[place : place + WIDTH] for place in range(0, len(hashes), WIDTH)]
        changed.update({(level, index + place): b"".join(tile) for place, tile in enumerate(tiles)})
        level, new = level + 1, [_perfect(tile) for tile in tiles if len(tile) == WIDTH]
    return changed


class TileHashes:
    """`hash_of` for proofs over the first `size` entries, from tiles. What was read is kept within bounds: 64 tiles as
    they are and the upper hashes of 8,192, together 17 MB at most. Safe to use from several threads."""

    def __init__(self, size: int, read_tile: ReadTile) -> None:
        self._size = size
        self._read = read_tile
        self._tile = lru_cache(RAW_TILES_KEPT)(self._read_tile)
        self._crown = lru_cache(CROWNS_KEPT)(self._make_crown)

    def hash_of(self, level: int, index: int) -> bytes:
        """The hash of a perfect subtree that lies within the log. Unverified where a tile is not what it must be."""
        tile_level, height = divmod(level, HEIGHT)
        tile, place = index >> (HEIGHT - height), index & ((WIDTH >> height) - 1)
        if height >= _LOW:
            return self._crown(tile_level, tile)[height - _LOW][place]
        hashes = self._tile(tile_level, tile)
        if height == 0:
            return hashes[HASH_BYTES * place : HASH_BYTES * (place + 1)]
        begin = (HASH_BYTES * place) << height
        return _perfect(_cut(hashes[begin : begin + (HASH_BYTES << height)]))

    def _read_tile(self, level: int, index: int) -> bytes:
        raw = self._read(level, index)
        wanted = HASH_BYTES * tile_width(self._size, level, index)
        # A tile that grew meanwhile is as good: its first hashes do not change.
        if not 0 < wanted <= len(raw) <= HASH_BYTES * WIDTH or len(raw) % HASH_BYTES:
            raise Unverified(
                f"{tile_path(level, index)} has {len(raw)} bytes where {wanted} are wanted.",
                where=tile_path(level, index),
                rule="C2SP tlog-tiles, Merkle Tree",
            )
        return raw[:wanted]

    def _make_crown(self, level: int, index: int) -> list[list[bytes]]:
        """The hashes of the perfect subtrees within the tile, from height 3 up."""
        hashes = _cut(self._tile(level, index))
        for _ in range(_LOW):
            hashes = _pairs(hashes)
        crown = [hashes]
        while len(hashes) > 1:
            hashes = _pairs(hashes)
            crown.append(hashes)
        return crown


def _hashes(raw: bytes, width: int) -> list[bytes]:
    if not width * HASH_BYTES <= len(raw) <= WIDTH * HASH_BYTES:
        raise Unverified(
            f"A tile has {len(raw)} bytes where {width * HASH_BYTES} are wanted.", rule="C2SP tlog-tiles, Merkle Tree"
        )
    return _cut(raw[: width * HASH_BYTES])


def _cut(raw: bytes) -> list[bytes]:
    return [raw[place : place + HASH_BYTES] for place in range(0, len(raw), HASH_BYTES)]


def _pairs(hashes: list[bytes]) -> list[bytes]:
    """The hashes one height up; an odd one at the end has none yet."""
    return [node_hash(hashes[place], hashes[place + 1]) for place in range(0, len(hashes) - 1, 2)]


def _perfect(hashes: list[bytes]) -> bytes:
    """The hash of a perfect subtree from those of its leaves."""
    while len(hashes) > 1:
        hashes = _pairs(hashes)
    return hashes[0]


def _number(index: int) -> str:
    if not 0 <= index <= INDEX_MAX:
        raise ValueError(f"there is no tile {index}")
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    parts = [digits[place : place + 3] for place in range(0, len(digits), 3)]
    return "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])


def _partial(width: int) -> str:
    if not 0 < width <= WIDTH:
        raise ValueError(f"no tile is {width} wide")
    return "" if width == WIDTH else f".p/{width}"
