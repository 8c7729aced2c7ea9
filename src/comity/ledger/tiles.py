"""The hashes of a log as tiles of 256, and its entries as bundles (C2SP tlog-tiles).

The tile `index` at `level` holds the hashes of subtrees of height `8 * level`, from `256 * index` on; the last one of a
level is *partial*. Hashes between these heights are not kept: they are made again from the tile.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import sha256

from comity.errors import Invalid, Unverified
from comity.ledger.merkle import HASH_BYTES, subtree_hash, way_up

HEIGHT = 8
WIDTH = 1 << HEIGHT
ENTRY_BYTES_MAX = 2**16 - 1
INDEX_MAX = 2**55
RAW_TILES_KEPT = 64
GROUPS_KEPT = 1024
CROWNS_KEPT = 8192
_LOW = 3
"""Subtrees lower than this are made of a *group* of eight hashes; the hashes of higher ones, the *crown*, take 2 kB."""
_GROUP = 1 << _LOW

ReadTile = Callable[[int, int], bytes]
ReadLeaves = Callable[[int, int], list[bytes]]


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


def cut(raw: bytes) -> list[bytes]:
    """The hashes of a tile."""
    return [raw[place : place + HASH_BYTES] for place in range(0, len(raw), HASH_BYTES)]


class TileHashes:
    """`hash_of` for proofs over the first `size` entries, from tiles. Who has leaf hashes at hand gives them as
    `read_leaves`, from an entry on and so many: then no tile of the lowest level is read for a few of its hashes. What
    was read is kept within bounds: 64 tiles as they are, 1,024 groups of eight hashes, and the upper hashes of 8,192
    tiles, together 21 MB at most. Safe to use from several threads."""

    def __init__(self, size: int, read_tile: ReadTile, read_leaves: ReadLeaves | None = None) -> None:
        self._size = size
        self._read = read_tile
        self._leaves = read_leaves
        self._tile = lru_cache(RAW_TILES_KEPT)(self._read_tile)
        self._group = lru_cache(GROUPS_KEPT)(self._make_group)
        self._crown = lru_cache(CROWNS_KEPT)(self._make_crown)
        self._span = lru_cache(HEIGHT * HEIGHT)(self._make_span)

    def hash_of(self, level: int, index: int) -> bytes:
        """The hash of a perfect subtree that lies within the log. Unverified where a tile is not what it must be."""
        tile_level, height = divmod(level, HEIGHT)
        if height < _LOW:
            group = self._group(tile_level, index >> (_LOW - height))
            return group[height][index & ((_GROUP >> height) - 1)]
        crown = self._crown(tile_level, index >> (HEIGHT - height))
        begin = HASH_BYTES * (index & ((WIDTH >> height) - 1))
        return crown[height - _LOW][begin : begin + HASH_BYTES]

    def inclusion_proof(self, index: int) -> list[bytes]:
        """That of the entry among all of these, as `comity.ledger.merkle.inclusion_proof` makes it."""
        levels, beside = way_up(index, self._size)
        path: list[bytes] = []
        for level in range(0, levels, HEIGHT):
            path += self._siblings(level // HEIGHT, index >> level, min(levels - level, HEIGHT))
        return [*path, *(self._span(begin, end) for begin, end in beside)]

    def _siblings(self, level: int, index: int, heights: int) -> list[bytes]:
        """What stands beside that hash of the level, and beside those above it in the same tile, so many."""
        group = self._group(level, index >> _LOW)
        found = [group[height][(index >> height ^ 1) & (_GROUP - 1 >> height)] for height in range(min(heights, _LOW))]
        if heights > _LOW:
            crown = self._crown(level, index >> HEIGHT)
            for height in range(_LOW, heights):
                begin = HASH_BYTES * ((index >> height ^ 1) & (WIDTH - 1 >> height))
                found.append(crown[height - _LOW][begin : begin + HASH_BYTES])
        return found

    def _make_span(self, begin: int, end: int) -> bytes:
        return subtree_hash(begin, end, self.hash_of)

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

    def _make_group(self, level: int, index: int) -> list[list[bytes]]:
        """Eight hashes of a tile that stand together, and those of the perfect subtrees over them that are lower than
        all eight."""
        tile, place = divmod(index, WIDTH >> _LOW)
        if level or self._leaves is None:
            begin = place * _GROUP * HASH_BYTES
            hashes = cut(self._tile(level, tile)[begin : begin + _GROUP * HASH_BYTES])
        else:
            wanted = min(_GROUP, self._size - index * _GROUP)
            hashes = self._leaves(index * _GROUP, wanted)
            if len(hashes) != wanted:
                words = f"There are {len(hashes)} entries from {index * _GROUP} on where {wanted} are wanted."
                raise Unverified(words, rule="C2SP tlog-tiles, Merkle Tree")
        return _heights(hashes, _LOW)

    def _make_crown(self, level: int, index: int) -> list[bytes]:
        """The hashes of the perfect subtrees within the tile, from height 3 up, those of a height side by side."""
        return [b"".join(hashes) for hashes in _heights(cut(self._tile(level, index)), HEIGHT)[_LOW:]]


def _hashes(raw: bytes, width: int) -> list[bytes]:
    if not width * HASH_BYTES <= len(raw) <= WIDTH * HASH_BYTES:
        raise Unverified(
            f"A tile has {len(raw)} bytes where {width * HASH_BYTES} are wanted.", rule="C2SP tlog-tiles, Merkle Tree"
        )
    return cut(raw[: width * HASH_BYTES])


def _pairs(hashes: list[bytes]) -> list[bytes]:
    """The hashes one height up; an odd one at the end has none yet."""
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(hashes[::2], hashes[1::2], strict=False)]


def _heights(hashes: list[bytes], count: int) -> list[list[bytes]]:
    """These hashes, and above them those of so many heights less one."""
    made = [hashes]
    while len(made) < count:
        made.append(_pairs(made[-1]))
    return made


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
