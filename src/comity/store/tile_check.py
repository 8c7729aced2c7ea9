"""Are the tiles those of the entries? What is kept of them is compared with the tree, which is made anew."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from comity.ledger.tiles import HEIGHT, WIDTH, tile_width
from comity.store import entries
from comity.store.database import Database

Found: TypeAlias = tuple[int, int, str]
"""What does not hold of the hash over the entries from one on, over so many of them."""


class TileCheck:
    """The tiles of one epoch; of a tile that is not right, the first hash that is wrong is told."""

    def __init__(self, db: Database, epoch: int) -> None:
        self._db = db
        self._epoch = epoch
        self._cover = entries.tiles_cover(db, epoch)
        self._told: set[tuple[int, int]] = set()

    def grow(self, size: int, made: Sequence[list[bytes]]) -> Iterator[Found]:
        """What is wrong of the hashes that are whole since leaves followed the first `size`: those of each height in
        their order, the leaves first."""
        for level, hashes in enumerate(made[::HEIGHT]):
            first = size >> (HEIGHT * level)
            last = min(first + len(hashes), self._cover >> (HEIGHT * level))
            for begin in (first, *range(first - first % WIDTH + WIDTH, last, WIDTH)):
                end = min(last, begin - begin % WIDTH + WIDTH)
                if begin < end:
                    yield from self._compare(level, begin, hashes[begin - first : end - first])

    def end(self, size: int, covered: int) -> Iterator[Found]:
        """What is wrong with the rest, once all entries were given, so many; `covered` is what the last checkpoint
        covers, for which there must be tiles."""
        if self._cover < min(covered, size):
            yield self._cover, 1, "a checkpoint covers the entry, and no tile does"
        if self._cover > size:
            yield size, 1, "a tile covers the entry, and there is none"
            return
        for (level, place), length in sorted(entries.tile_lengths(self._db, self._epoch).items()):
            width = tile_width(self._cover, level, place)
            if not width:
                yield size, 1, "there are tiles that cover no entry"
            elif length != width * entries.kept_width(level):
                yield from self._wrong(level, place, place * WIDTH)

    def _compare(self, level: int, first: int, hashes: list[bytes]) -> Iterator[Found]:
        """The hashes from that one on, which are of one tile."""
        place, width = first // WIDTH, entries.kept_width(level)
        begin = (first - place * WIDTH) * width
        wanted = entries.kept_of(level, hashes)
        kept = (entries.kept_tile(self._db, self._epoch, level, place) or b"")[begin : begin + len(wanted)]
        if kept != wanted:
            same = next(at for at in range(len(wanted)) if kept[at : at + 1] != wanted[at : at + 1]) // width
            yield from self._wrong(level, place, first + same)

    def _wrong(self, level: int, place: int, hash: int) -> Iterator[Found]:
        if (level, place) not in self._told:
            self._told.add((level, place))
            what = f"the tile {place} of level {level} is not that of the entries"
            yield hash << (HEIGHT * level), 1 << (HEIGHT * level), what
