"""Are the tiles those of the entries? They are made anew beside the ones that are kept, a bounded piece at a time."""

from collections.abc import Iterator
from typing import TypeAlias

from comity.ledger.merkle import HASH_BYTES
from comity.ledger.tiles import HEIGHT, WIDTH, grow, tile_width
from comity.store import entries
from comity.store.database import Database

_WHOLE = WIDTH * HASH_BYTES


Found: TypeAlias = tuple[int, int, str]
"""What does not hold of the hash over the entries from one on, over so many of them."""


class TileCheck:
    """The tiles of one epoch; of a tile that is not right, the first hash that is wrong is told."""

    def __init__(self, db: Database, epoch: int) -> None:
        self._db = db
        self._epoch = epoch
        self._cover = entries.tiles_cover(db, epoch)
        self._size = 0
        self._made = 0
        self._partial: dict[int, tuple[int, bytes]] = {}

    def grow(self, leaves: list[bytes]) -> Iterator[Found]:
        """These leaf hashes follow; what is wrong with the tiles that became whole by them."""
        changed = grow(self._size, lambda level, _: self._partial[level][1], leaves)
        self._size += len(leaves)
        for (level, place), hashes in sorted(changed.items()):
            if len(hashes) == _WHOLE:
                self._partial.pop(level, None)
                yield from self._compare(level, place, hashes)
        for (level, place), hashes in changed.items():
            if len(hashes) < _WHOLE:
                self._partial[level] = (place, hashes)

    def end(self, covered: int) -> Iterator[Found]:
        """What is wrong with the rest, once all entries were given; `covered` is what the last checkpoint covers, for
        which there must be tiles."""
        for level, (place, hashes) in sorted(self._partial.items()):
            yield from self._compare(level, place, hashes)
        if self._cover < min(covered, self._size):
            yield self._cover, 1, "a checkpoint covers the entry, and no tile does"
        if self._cover > self._size:
            yield self._size, 1, "a tile covers the entry, and there is none"
        (count,) = self._db.execute("SELECT count(*) FROM tile WHERE epoch = ?", (self._epoch,)).fetchone()
        if count > self._made and self._cover <= self._size:
            yield self._size, 1, "there are tiles that cover no entry"

    def _compare(self, level: int, place: int, hashes: bytes) -> Iterator[Found]:
        wanted = hashes[: HASH_BYTES * tile_width(self._cover, level, place)]
        kept = entries.tile(self._db, self._epoch, level, place)
        self._made += bool(wanted)
        if kept == (wanted or None):
            return
        seq = (place * WIDTH + _same(kept or b"", wanted)) << (HEIGHT * level)
        yield seq, 1 << (HEIGHT * level), f"the tile {place} of level {level} is not that of the entries"


def _same(one: bytes, other: bytes) -> int:
    """How many hashes both begin with."""
    count = 0
    while count < WIDTH and (here := one[HASH_BYTES * count : HASH_BYTES * (count + 1)]):
        if here != other[HASH_BYTES * count : HASH_BYTES * (count + 1)]:
            break
        count += 1
    return count
