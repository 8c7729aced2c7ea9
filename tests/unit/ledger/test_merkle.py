"""Roots and proofs at their edges; the laws are in tests/property/test_ledger_laws.py."""

import pytest
from tests.unit.ledger.logs import hashes_over

from comity.errors import Unverified
from comity.ledger import merkle

ENTRIES = [b"%d" % number for number in range(13)]
HASH_OF = hashes_over(ENTRIES)
ROOTS = [merkle.root(size, HASH_OF) for size in range(14)]
LEAF = merkle.leaf_hash(ENTRIES[5])
PATH = merkle.inclusion_proof(5, 13, HASH_OF)


def test_a_leaf_and_a_node_never_hash_alike() -> None:
    left, right = merkle.leaf_hash(b"a"), merkle.leaf_hash(b"b")
    assert merkle.node_hash(left, right) != merkle.leaf_hash(left + right)
    assert merkle.node_hash(left, right) != merkle.node_hash(right, left)


def test_the_least_trees() -> None:
    assert merkle.root(0, HASH_OF) == merkle.EMPTY_ROOT
    assert merkle.root(1, HASH_OF) == merkle.leaf_hash(ENTRIES[0])
    assert merkle.inclusion_proof(0, 1, HASH_OF) == []
    merkle.verify_inclusion(ROOTS[1], 0, 1, ROOTS[1], [])
    assert merkle.consistency_proof(0, 5, HASH_OF) == merkle.consistency_proof(5, 5, HASH_OF) == []
    merkle.verify_consistency(0, 5, merkle.EMPTY_ROOT, ROOTS[5], [])
    merkle.verify_consistency(0, 0, merkle.EMPTY_ROOT, merkle.EMPTY_ROOT, [])
    merkle.verify_consistency(5, 5, ROOTS[5], ROOTS[5], [])


@pytest.mark.parametrize("steps", [[13], [0, 13, 0], [1] * 13, [3, 5, 4, 1], [4, 4, 4], [7, 6], [8, 5], [12, 1]])
def test_an_edge_has_every_root_on_its_way_and_tells_each_hash_once(steps: list[int]) -> None:
    edge, told = merkle.Edge(), list[tuple[int, int, bytes]]()
    assert (edge.size, edge.root()) == (0, merkle.EMPTY_ROOT)
    for step in steps:
        before = edge.size
        made = edge.extend(merkle.leaf_hashes(ENTRIES[before : before + step]))
        told += [
            (height, (before >> height) + at, one) for height, some in enumerate(made) for at, one in enumerate(some)
        ]
        assert (edge.size, edge.root()) == (before + step, ROOTS[before + step])
    spans = [(height, at) for height in range(4) for at in range(edge.size >> height)]
    assert sorted(told) == [(height, at, HASH_OF(height, at)) for height, at in spans]


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (6, 5), (-1, 5)])
def test_there_is_no_proof_of_what_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="there is no entry"):
        merkle.inclusion_proof(index, size, HASH_OF)
    with pytest.raises(Unverified):
        merkle.verify_inclusion(LEAF, index, size, ROOTS[5], [])


@pytest.mark.parametrize(("first", "second"), [(6, 5), (-1, 5)])
def test_a_longer_log_is_no_beginning(first: int, second: int) -> None:
    with pytest.raises(ValueError, match="no beginning"):
        merkle.consistency_proof(first, second, HASH_OF)
    with pytest.raises(Unverified):
        merkle.verify_consistency(first, second, ROOTS[5], ROOTS[5], [])


@pytest.mark.parametrize(
    "wrong",
    [
        (0, 5, ROOTS[0], ROOTS[5], [ROOTS[1]]),
        (0, 5, ROOTS[1], ROOTS[5], []),
        (5, 5, ROOTS[5], ROOTS[5], [ROOTS[1]]),
        (5, 5, ROOTS[5], ROOTS[6], []),
        (5, 13, ROOTS[5], ROOTS[13], []),
        (4, 13, ROOTS[4], ROOTS[13], []),
        (5, 13, b"", ROOTS[13], merkle.consistency_proof(5, 13, HASH_OF)),
        (5, 13, ROOTS[5], ROOTS[13], [b"", *merkle.consistency_proof(5, 13, HASH_OF)]),
        (5, 13, ROOTS[5], ROOTS[13], [*merkle.consistency_proof(5, 13, HASH_OF), ROOTS[13]]),
    ],
)
def test_a_consistency_proof_of_the_wrong_shape_is_refused(wrong: tuple[int, int, bytes, bytes, list[bytes]]) -> None:
    with pytest.raises(Unverified):
        merkle.verify_consistency(*wrong)


@pytest.mark.parametrize(
    ("leaf", "path"),
    [
        (LEAF, []),
        (LEAF, PATH[:-1]),
        (LEAF, PATH[1:]),
        (LEAF, [*PATH, ROOTS[13]]),
        (LEAF, [*PATH, PATH[0][:31]]),
        (LEAF[:31], PATH),
        (LEAF, PATH * 20),
        (ENTRIES[5], PATH),
    ],
)
def test_an_inclusion_proof_of_the_wrong_shape_is_refused(leaf: bytes, path: list[bytes]) -> None:
    merkle.verify_inclusion(LEAF, 5, 13, ROOTS[13], PATH)
    with pytest.raises(Unverified) as caught:
        merkle.verify_inclusion(leaf, 5, 13, ROOTS[13], path)
    assert "RFC 9162" in caught.value.rule


def test_a_proof_of_another_size_is_refused_though_it_leads_to_the_root() -> None:
    """A log of two entries whose root is said to be one over a single entry, and the like for consistency."""
    root = merkle.node_hash(PATH[0], LEAF)
    merkle.verify_inclusion(LEAF, 1, 2, root, [PATH[0]])
    with pytest.raises(Unverified, match="more hashes than the tree has levels"):
        merkle.verify_inclusion(LEAF, 0, 1, root, [PATH[0]])
    old, new = merkle.node_hash(PATH[1], ROOTS[1]), merkle.node_hash(PATH[1], merkle.node_hash(ROOTS[1], PATH[0]))
    with pytest.raises(Unverified):
        merkle.verify_consistency(1, 2, old, new, [PATH[0], PATH[1]])
    with pytest.raises(Unverified, match="more hashes than the tree has levels"):
        merkle.verify_consistency(3, 4, old, new, [ROOTS[1], PATH[0], PATH[1], PATH[1]])


def test_a_proof_longer_than_any_is_refused_before_it_is_hashed() -> None:
    with pytest.raises(Unverified, match="more than 64 hashes"):
        merkle.verify_inclusion(LEAF, 5, 13, ROOTS[13], [LEAF] * 10**5)
    with pytest.raises(Unverified, match="more than 64 hashes"):
        merkle.verify_consistency(5, 13, ROOTS[5], ROOTS[13], [LEAF] * 65)


def test_a_subtree_is_asked_for_by_perfect_ones_alone() -> None:
    asked = []

    def hash_of(level: int, index: int) -> bytes:
        asked.append((level, index))
        return HASH_OF(level, index)

    assert merkle.subtree_hash(8, 13, hash_of) == merkle.root(5, hashes_over(ENTRIES[8:]))
    assert asked == [(2, 2), (0, 12)]
