"""The laws of a log, on random ones: each prefix is consistent with each longer one, each entry is included, and any
change of a proof or of a file is found; by three readings that share no code."""

import contextlib
import io
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import ledger_reader
from tests.unit.ledger.logs import (
    LOG,
    TileStore,
    entries_of,
    file_of,
    hashes_over,
    head_of,
    parts_of,
)

from comity.canonical import canonical_bytes
from comity.errors import ComityError, Invalid, Unverified
from comity.ledger import merkle, tiles
from comity.ledger.audit import audit
from comity.ledger.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from comity.ledger.export import Entry, read_export, write_export
from comity.ledger.merkle import leaf_hash
from comity.ledger.proof import Proof, read_proof
from comity.ledger.records import Opening, commitment, make_record, read_record

SIZES = st.integers(1, 70)
ENTRIES = st.lists(st.binary(max_size=40), min_size=1, max_size=70)
PLAIN = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(codec="utf-8"))
NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8)
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3))
FACTS = st.dictionaries(NAMES.filter(lambda name: name not in ("at", "kind")), VALUES, max_size=4)
REFUSED = (ValueError, KeyError, TypeError)
"""What the reader of the tests says no with."""


def changed(raw: bytes, at: int, by: int) -> bytes:
    """The bytes, one of them another."""
    place = at % len(raw)
    return raw[:place] + bytes([raw[place] ^ by]) + raw[place + 1 :]


@given(ENTRIES)
def test_every_root_and_proof_is_that_of_the_definitions(entries: list[bytes]) -> None:
    hash_of = hashes_over(entries)
    for size in range(len(entries) + 1):
        assert merkle.root(size, hash_of) == ledger_reader.mth(entries[:size])
    size = len(entries)
    for index in range(size):
        assert merkle.inclusion_proof(index, size, hash_of) == ledger_reader.path(index, entries)
        if index:
            assert merkle.consistency_proof(index, size, hash_of) == ledger_reader.proof(index, entries)


@given(ENTRIES)
def test_each_entry_is_included_and_each_prefix_is_consistent_with_each_longer_one(entries: list[bytes]) -> None:
    hash_of = hashes_over(entries)
    roots = [merkle.root(size, hash_of) for size in range(len(entries) + 1)]
    for second in range(len(entries) + 1):
        for first in range(second + 1):
            path = merkle.consistency_proof(first, second, hash_of)
            merkle.verify_consistency(first, second, roots[first], roots[second], path)
    size = len(entries)
    for index, entry in enumerate(entries):
        path = merkle.inclusion_proof(index, size, hash_of)
        merkle.verify_inclusion(leaf_hash(entry), index, size, roots[size], path)


@given(st.lists(st.binary(max_size=8), min_size=2, max_size=40, unique=True), st.data())
def test_any_change_of_a_proof_is_refused(entries: list[bytes], data: st.DataObject) -> None:
    hash_of, size = hashes_over(entries), len(entries)
    index = data.draw(st.integers(0, size - 1))
    root, path = merkle.root(size, hash_of), merkle.inclusion_proof(index, size, hash_of)
    leaf = leaf_hash(entries[index])
    place, by = data.draw(st.integers(0, 10**6)), data.draw(st.integers(1, 255))
    level = place % len(path)
    bent = [*path[:level], changed(path[level], place, by), *path[level + 1 :]]
    other = data.draw(st.integers(0, size - 1).filter(lambda one: one != index))
    for wrong in (
        (changed(leaf, place, by), index, size, root, path),
        (leaf, other, size, root, path),
        (leaf, index, size, changed(root, place, by), path),
        (leaf, index, size, root, bent),
        (leaf, index, size, root, path[:-1]),
        (leaf, index, size, root, [*path, root]),
        (leaf, index, size, root, path[::-1] if path[::-1] != path else path[1:]),
    ):
        with pytest.raises(Unverified):
            merkle.verify_inclusion(*wrong)


@given(st.lists(st.binary(max_size=8), min_size=2, max_size=40, unique=True), st.data())
def test_any_change_of_a_consistency_proof_is_refused(entries: list[bytes], data: st.DataObject) -> None:
    hash_of, second = hashes_over(entries), len(entries)
    first = data.draw(st.integers(1, second - 1))
    old, new = merkle.root(first, hash_of), merkle.root(second, hash_of)
    path = merkle.consistency_proof(first, second, hash_of)
    place, by = data.draw(st.integers(0, 10**6)), data.draw(st.integers(1, 255))
    level = place % len(path)
    bent = [*path[:level], changed(path[level], place, by), *path[level + 1 :]]
    for wrong in (
        (first, second, changed(old, place, by), new, path),
        (first, second, old, changed(new, place, by), path),
        (first, second, new, old, path),
        (first, second, old, new, bent),
        (first, second, old, new, path[:-1]),
        (first, second, old, new, [*path, new]),
        (second, first, old, new, path),
        (second, second, old, new, path),
    ):
        with pytest.raises(Unverified):
            merkle.verify_consistency(*wrong)


HASH = st.sampled_from([bytes([number]) * 32 for number in range(4)])


@given(st.integers(0, 20), st.integers(0, 20), HASH, HASH, st.lists(HASH, max_size=6))
def test_no_proof_is_taken_that_the_definitions_do_not_take(
    first: int, second: int, leaf: bytes, other: bytes, path: list[bytes]
) -> None:
    """Over few sizes and hashes, so that the shapes of proofs come up that are almost right. The roots asked for are
    those to which the proof leads, where it leads to any."""
    with contextlib.suppress(*REFUSED, RecursionError):
        if first < second:
            other = ledger_reader.root_by_path(first, second, leaf, path)
    sound = first < second and led(lambda: ledger_reader.root_by_path(first, second, leaf, path) == other)
    assert taken(lambda: merkle.verify_inclusion(leaf, first, second, other, path)) == sound
    if not 0 < first < second:
        return
    roots: tuple[bytes, bytes] = (leaf, other)
    if first & (first - 1) == 0:
        with contextlib.suppress(ValueError):
            roots = ledger_reader.roots_by_proof(first, second, path, leaf)
    else:
        with contextlib.suppress(ValueError):
            roots = ledger_reader.roots_by_proof(first, second, path, b"")
    sound = led(lambda: ledger_reader.roots_by_proof(first, second, path, roots[0]) == roots)
    assert taken(lambda: merkle.verify_consistency(first, second, *roots, path)) == sound


def led(question: object) -> bool:
    """What it answers; no where it leads to nothing."""
    assert callable(question)
    try:
        return bool(question())
    except ValueError:
        return False


def taken(verify: object) -> bool:
    """It was verified."""
    assert callable(verify)
    try:
        verify()
    except Unverified:
        return False
    return True


@given(st.lists(st.integers(0, 40), max_size=8))
def test_an_edge_that_grew_in_steps_has_every_root_and_tells_each_hash_once(steps: list[int]) -> None:
    entries = [b"%d" % number for number in range(sum(steps))]
    edge, told = merkle.Edge(), dict[tuple[int, int], bytes]()
    for step in steps:
        before = edge.size
        made = edge.extend([leaf_hash(entry) for entry in entries[before : before + step]])
        told |= {
            (height, (before >> height) + at): each for height, some in enumerate(made) for at, each in enumerate(some)
        }
        assert (edge.size, edge.root()) == (before + step, ledger_reader.mth(entries[: before + step]))
    spans = [(height, at) for height in range(9) for at in range(len(entries) >> height)]
    assert told == {(height, at): ledger_reader.mth(entries[at << height : (at + 1) << height]) for height, at in spans}


@pytest.mark.slow
@given(st.lists(st.integers(0, 700), min_size=1, max_size=5), st.data())
def test_tiles_that_grew_in_steps_are_those_of_the_definition(steps: list[int], data: st.DataObject) -> None:
    store = TileStore()
    leaves = [leaf_hash(b"%d" % number) for number in range(sum(steps))]
    for step in steps:
        before = dict(store.tiles)
        changed_tiles = store.append(leaves[store.size : store.size + step])
        assert all(store.tiles[place].startswith(old) for place, old in before.items())
        assert all(before.get(place) != tile for place, tile in changed_tiles.items())
    entries = [b"%d" % number for number in range(len(leaves))]
    places = [
        (level, index) for level in range(3) for index in range(15) if tiles.tile_width(len(leaves), level, index)
    ]
    assert store.tiles.keys() == set(places)
    for place in places:
        assert store.tiles[place] == ledger_reader.tile(*place, entries)
    if leaves:
        size = data.draw(st.integers(1, len(leaves)))
        # Over fewer entries than there are now, the tiles that grew since are as good.
        made, plain = tiles.TileHashes(size, store.read).hash_of, hashes_over(entries[:size])
        index = data.draw(st.integers(0, size - 1))
        assert merkle.inclusion_proof(index, size, made) == merkle.inclusion_proof(index, size, plain)
        assert merkle.root(size, made) == merkle.root(size, plain)


@pytest.mark.slow
@given(
    st.integers(0, 2**53 - 1),
    st.text(st.characters(codec="utf-8"), min_size=1),
    FACTS,
    st.binary(min_size=16, max_size=16),
)
def test_a_record_is_canonical_and_comes_back(at: int, kind: str, facts: dict[str, object], nonce: bytes) -> None:
    raw = make_record(at, kind, facts)
    assert raw == canonical_bytes({**facts, "at": at, "kind": kind})
    assert raw.decode() == ledger_reader.canonical({**facts, "at": at, "kind": kind})
    record = read_record(raw)
    assert (record.at, record.kind, record.facts) == (at, kind, facts)
    opening = Opening(raw, nonce)
    assert opening.read(commitment(nonce, raw)) == record


@given(st.binary(max_size=60), st.integers(0, 10**6), st.integers(1, 255))
def test_a_changed_byte_of_a_record_is_another_record_or_none(say: bytes, at: int, by: int) -> None:
    opening = Opening(make_record(5, "release", {"say": say.hex()}), bytes(16))
    entry = opening.commitment
    for wrong in (
        Opening(changed(opening.record, at, by), opening.nonce),
        Opening(opening.record, changed(bytes(16), at, by)),
    ):
        with pytest.raises(Unverified):
            wrong.read(entry)
    with pytest.raises(Unverified):
        opening.read(changed(entry, at, by))


@given(st.binary(max_size=80))
def test_what_is_no_record_is_refused_with_a_reason(raw: bytes) -> None:
    with contextlib.suppress(Invalid):
        assert make_record_again(raw) == raw


def make_record_again(raw: bytes) -> bytes:
    """The record, read and written."""
    record = read_record(raw)
    return make_record(record.at, record.kind, record.facts)


@pytest.mark.slow
@given(SIZES, st.integers(1, 9), st.sets(st.integers(0, 70)))
def test_three_readings_of_a_file_agree(size: int, every: int, closed: set[int]) -> None:
    entries = entries_of(size, closed)
    lines = list(write_export(head_of(), parts_of(entries, every)))
    report = audit(lines, [str(LOG.verifier)])
    root = merkle.root(size, hashes_over([each.commitment for each in entries]))
    assert report.problems == ()
    assert (report.size, report.root) == ledger_reader.read_ledger(b"".join(lines)) == (size, root)
    assert (report.opened, report.closed) == (size - len(closed & set(range(size))), len(closed & set(range(size))))
    assert report.checkpoints == -(-size // every)
    head, parts = read_export(lines)
    found = list(parts)
    assert head == head_of()
    assert [part for part in found if isinstance(part, Entry)] == entries
    assert list(write_export(head, found)) == lines


FILE = b"".join(file_of(entries_of(6, {1}), 3))


@given(st.integers(0, 10**9), st.integers(1, 255))
def test_two_readings_find_any_changed_byte(at: int, by: int) -> None:
    raw = changed(FILE, at, by)
    assert not audit(io.BytesIO(raw)).ok
    with pytest.raises(REFUSED):
        ledger_reader.read_ledger(raw)


@given(st.lists(st.sampled_from(FILE.splitlines(keepends=True)), max_size=9))
def test_the_two_readings_find_the_same_files_good(lines: list[bytes]) -> None:
    """Lines of a good file in whatever order and number, most of them no ledger."""
    good = True
    try:
        ledger_reader.read_ledger(b"".join(lines))
    except (*REFUSED, IndexError):
        good = False
    assert audit(lines).ok == good


@given(st.lists(st.binary(max_size=90) | st.sampled_from(FILE.splitlines(keepends=True)), max_size=8))
def test_hostile_lines_are_refused_and_nothing_else_happens(lines: list[bytes]) -> None:
    report = audit([FILE.splitlines(keepends=True)[0], *lines])
    assert report.ok <= any(b"checkpoint" in line for line in lines)
    with contextlib.suppress(Invalid):
        list(read_export(lines)[1])


@given(st.binary(max_size=200))
def test_hostile_notes_and_proofs_are_refused(raw: bytes) -> None:
    with pytest.raises(ComityError):
        open_checkpoint(raw, [LOG.verifier])
    with contextlib.suppress(Invalid):
        read_proof(raw)


def proofs() -> Iterator[tuple[bytes, Proof]]:
    """The proof of each entry of a small log."""
    entries = [each.commitment for each in entries_of(11)]
    hash_of = hashes_over(entries)
    note = sign_checkpoint(Checkpoint(LOG.name, 11, merkle.root(11, hash_of)), [LOG])
    for index, entry in enumerate(entries):
        yield entry, Proof(index, tuple(merkle.inclusion_proof(index, 11, hash_of)), note)


@given(st.sampled_from(list(proofs())), st.integers(0, 10**6), st.integers(1, 255))
def test_a_changed_byte_of_a_proof_is_found(case: tuple[bytes, Proof], at: int, by: int) -> None:
    entry, proof = case
    read_proof(proof.text()).verify(entry, [LOG.verifier])
    with pytest.raises(ComityError):
        read_proof(changed(proof.text().encode(), at, by)).verify(entry, [LOG.verifier])
    with pytest.raises(Unverified):
        proof.verify(changed(entry, at, by), [LOG.verifier])


def test_the_file_of_these_laws_has_all_that_a_file_can_have() -> None:
    lines = [json.loads(line) for line in FILE.splitlines()]
    assert sum("checkpoint" in line for line in lines) == 2
    assert {line["record"] is None for line in lines if "seq" in line} == {True, False}
    assert b"\\\\u001f" in FILE
