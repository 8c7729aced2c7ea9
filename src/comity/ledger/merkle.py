"""The tree of a log: roots and proofs made and verified (RFC 9162 sections 2.1.1, 2.1.3 and 2.1.4).

What makes proofs asks for the hashes of *perfect* subtrees alone: `hash_of(level, index)` is the hash over the entries
`index * 2**level` to `(index + 1) * 2**level - 1`. Every other subtree is put together from these.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

from comity.errors import Unverified

HASH_BYTES = 32
EMPTY_ROOT = sha256().digest()
PROOF_HASHES_MAX = 64
"""More than any proof has over a tree of fewer than 2**63 entries."""

HashOf = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry in the tree (section 2.1.1)."""
    return sha256(b"\x00" + entry).digest()


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """Those of these entries, in their order."""
    return [sha256(b"\x00" + entry).digest() for entry in entries]


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees side by side (section 2.1.1)."""
    return sha256(b"\x01" + left + right).digest()


class Edge:
    """The right edge of a tree that grows: as much of it as makes its roots, one hash a level."""

    __slots__ = ("_hashes", "size")

    def __init__(self) -> None:
        self.size = 0
        self._hashes: list[bytes] = []

    def extend(self, leaves: Sequence[bytes]) -> list[list[bytes]]:
        """These leaf hashes follow. The hashes of the perfect subtrees that are whole by that, those of each height in
        their order: the leaves first, then what is of two of them, and so on."""
        made: list[list[bytes]] = []
        have, new = self.size, list(leaves)
        self.size += len(new)
        while new:
            height = len(made)
            made.append(new)
            if height == len(self._hashes):
                self._hashes.append(b"")
            both = [self._hashes[height], *new] if have & 1 else new
            # What has no neighbour yet waits for it.
            self._hashes[height] = both[-1] if len(both) & 1 else b""
            new = [sha256(b"\x01" + left + right).digest() for left, right in zip(both[::2], both[1::2], strict=False)]
            have >>= 1
        return made

    def root(self) -> bytes:
        """The root over all that came."""
        made = b""
        for each in self._hashes:
            if each:
                made = node_hash(each, made) if made else each
        return made or EMPTY_ROOT


def subtree_hash(begin: int, end: int, hash_of: HashOf) -> bytes:
    """The hash over the entries `begin` to `end - 1`, of a subtree that a tree of RFC 9162 can have: `begin` is a
    multiple of the least power of two that is not below its width."""
    parts = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        parts.append(hash_of(level, begin >> level))
        begin += 1 << level
    made = parts.pop()
    for part in reversed(parts):
        made = node_hash(part, made)
    return made


def root(size: int, hash_of: HashOf) -> bytes:
    """The root of the tree over the first `size` entries."""
    return subtree_hash(0, size, hash_of) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, hash_of: HashOf) -> list[bytes]:
    """What proves to who has the root of `size` entries that the entry `index` is among them, its sibling first
    (section 2.1.3.1). ValueError where there is no such entry."""
    levels, beside = way_up(index, size)
    path = [hash_of(level, (index >> level) ^ 1) for level in range(levels)]
    return [*path, *(subtree_hash(begin, end, hash_of) for begin, end in beside)]


def way_up(index: int, size: int) -> tuple[int, list[tuple[int, int]]]:
    """The way from the entry `index` to the root over `size` entries: how many levels it goes up within a perfect
    subtree, and of which entries the subtrees are that it passes then. ValueError where there is no such entry."""
    if not 0 <= index < size:
        raise ValueError(f"there is no entry {index} among {size}")
    begin, end, beside = 0, size, []
    while (width := end - begin) & (width - 1):
        middle = begin + (1 << (width.bit_length() - 1))
        if index < middle:
            beside.append((middle, end))
            end = middle
        else:
            beside.append((begin, middle))
            begin = middle
    return width.bit_length() - 1, beside[::-1]


def consistency_proof(first: int, second: int, hash_of: HashOf) -> list[bytes]:
    """What proves to who has the roots of `first` and `second` entries that the one tree is the beginning of the other
    (section 2.1.4.1). Nothing where the first is empty, or both are one; ValueError where the first is longer."""
    if not 0 <= first <= second:
        raise ValueError(f"{first} entries are no beginning of {second}")
    if first in (0, second):
        return []
    begin, end, above, whole = 0, second, [], True
    while first != end:
        middle = begin + (1 << ((end - begin - 1).bit_length() - 1))
        if first <= middle:
            above.append(subtree_hash(middle, end, hash_of))
            end = middle
        else:
            above.append(subtree_hash(begin, middle, hash_of))
            begin, whole = middle, False
    path = [] if whole else [subtree_hash(begin, end, hash_of)]
    path.extend(reversed(above))
    return path


def verify_inclusion(leaf: bytes, index: int, size: int, root: bytes, path: Sequence[bytes]) -> None:
    """The entry with that leaf hash is entry `index` of the tree of that size and root (section 2.1.3.2). Unverified
    where the proof does not show it."""
    if not 0 <= index < size:
        raise _refused(f"there is no entry {index} among {size}")
    _check_hashes([leaf, root, *path])
    place, last, made = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise _refused("the proof has more hashes than the tree has levels")
        if place & 1 or place == last:
            made = node_hash(sibling, made)
            place, last = _up(place, last)
        else:
            made = node_hash(made, sibling)
        place, last = place >> 1, last >> 1
    if last or made != root:
        raise _refused("the proof leads to another root")


def verify_consistency(first: int, second: int, first_root: bytes, second_root: bytes, path: Sequence[bytes]) -> None:
    """The tree of `first` entries is the beginning of that of `second` entries (section 2.1.4.2). Unverified where the
    proof does not show it."""
    if not 0 <= first <= second:
        raise _refused(f"{first} entries are no beginning of {second}")
    _check_hashes([first_root, second_root, *path])
    if first in (0, second):
        if path or first_root != (second_root if first else EMPTY_ROOT):
            raise _refused("the two roots are not of one tree")
        return
    hashes = list(path) if first & (first - 1) else [first_root, *path]
    if not hashes:
        raise _refused("the proof is empty")
    place, last = first - 1, second - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise _refused("the proof has more hashes than the tree has levels")
        if place & 1 or place == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            place, last = _up(place, last)
        else:
            new = node_hash(new, sibling)
        place, last = place >> 1, last >> 1
    if last or old != first_root or new != second_root:
        raise _refused("the proof leads to other roots")


def _up(place: int, last: int) -> tuple[int, int]:
    """Past the levels on which the place stands alone at the right edge."""
    while place and not place & 1:
        place, last = place >> 1, last >> 1
    return place, last


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if len(hashes) > PROOF_HASHES_MAX + 2:
        raise _refused(f"the proof has more than {PROOF_HASHES_MAX} hashes")
    if any(len(each) != HASH_BYTES for each in hashes):
        raise _refused(f"a hash has other than {HASH_BYTES} bytes")


def _refused(why: str) -> Unverified:
    return Unverified(f"The proof does not hold: {why}.", rule="RFC 9162 section 2.1")
