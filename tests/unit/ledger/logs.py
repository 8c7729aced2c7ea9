"""Small logs to look at: entries with and without openings, their tiles, and their exported files."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from comity.ledger import merkle, tiles
from comity.ledger.checkpoint import Checkpoint, Cosigner, cosign, sign_checkpoint
from comity.ledger.export import Entry, Head, Part, write_export
from comity.ledger.merkle import HashOf, leaf_hash
from comity.ledger.note import Signer
from comity.ledger.records import PADDING, Opening, make_record

NODE = "cert-a.example"
ORIGIN = f"{NODE}/release"
LOG = Signer(ORIGIN, bytes(range(32)))
OTHER = Signer(ORIGIN, bytes(range(1, 33)))
"""A key of the same name that is not the log's."""
WITNESS = Cosigner("cert-b.example/witness", bytes(range(2, 34)))
BEGAN = 1_764_500_000_000_000


def opening_of(seq: int, at: int | None = None, say: str = "") -> Opening:
    """The opening of that entry; every fourth is padding."""
    at = BEGAN + seq if at is None else at
    facts = {"items": seq, "to": "cert-b", "say": f'"é\u001f\\/{say}'}
    record = make_record(at, PADDING) if seq % 4 == 3 else make_record(at, "release", facts)
    return Opening(record, hashlib.sha256(b"nonce %d" % seq).digest()[:16])


def entries_of(size: int, closed: Collection[int] = ()) -> list[Entry]:
    """So many entries, those closed without their opening."""
    openings = [opening_of(seq) for seq in range(size)]
    return [Entry(seq, one.commitment, None if seq in closed else one) for seq, one in enumerate(openings)]


def hashes_over(commitments: Sequence[bytes]) -> HashOf:
    """`hash_of` over a few entries, from levels that are all kept: plain, and no tile."""
    levels = [[leaf_hash(each) for each in commitments]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([merkle.node_hash(*below[at : at + 2]) for at in range(0, len(below) - 1, 2)])
    return lambda level, index: levels[level][index]


@dataclass
class TileStore:
    """Tiles in a dictionary, grown step by step; counts what is read."""

    size: int = 0
    reads: int = 0

    def __post_init__(self) -> None:
        self.tiles: dict[tuple[int, int], bytes] = {}

    def read(self, level: int, index: int) -> bytes:
        """The tile as it was written last."""
        self.reads += 1
        return self.tiles[level, index]

    def leaves(self, first: int, count: int) -> list[bytes]:
        """The leaf hashes of so many entries from that one on."""
        kept = b"".join(self.tiles[0, index] for index in range(-(-self.size // tiles.WIDTH)))
        return tiles.cut(kept)[first : first + count]

    def append(self, leaves: Sequence[bytes]) -> dict[tuple[int, int], bytes]:
        """These leaf hashes follow; the tiles that changed."""
        changed = tiles.grow(self.size, self.read, leaves)
        self.tiles |= changed
        self.size += len(leaves)
        return changed

    def hash_of(self) -> HashOf:
        """That of the log as it is."""
        return tiles.TileHashes(self.size, self.read).hash_of


def checkpoint_over(entries: Sequence[Entry], signer: Signer = LOG, *, witnessed: bool = False) -> str:
    """The signed checkpoint over exactly these entries."""
    commitments = [each.commitment for each in entries]
    checkpoint = Checkpoint(ORIGIN, len(entries), merkle.root(len(entries), hashes_over(commitments)))
    note = sign_checkpoint(checkpoint, [signer])
    return cosign(note, checkpoint, WITNESS, 1_764_500_000) if witnessed else note


def parts_of(
    entries: Sequence[Entry], every: int = 4, over: Callable[[Sequence[Entry]], str] = checkpoint_over
) -> Iterator[Part]:
    """Entries, with a checkpoint behind each so many, and at the end."""
    for count, entry in enumerate(entries, 1):
        yield entry
        if count % every == 0 and count < len(entries):
            yield over(entries[:count])
    yield over(entries)


def head_of(*signers: Signer) -> Head:
    """The first line, with these keys or those of log and witness."""
    return Head(NODE, ORIGIN, tuple(str(each.verifier) for each in signers or (LOG, WITNESS)))


def file_of(entries: Sequence[Entry], every: int = 4) -> list[bytes]:
    """The lines of the exported file."""
    return list(write_export(head_of(), parts_of(entries, every)))
