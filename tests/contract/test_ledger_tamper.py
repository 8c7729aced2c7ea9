"""Whatever is changed in the rows of a ledger behind the back of the node is found, with the first bad entry named."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.ledger_world import (
    commitments,
    cut_end,
    damage,
    fill,
    flip,
    flipped,
    forge,
    open_node,
    rows,
    seq_of,
    swap,
)

from comity.node.node import Node
from comity.store.database import Database
from comity.store.ledger_check import ROWS, LedgerReport

pytestmark = pytest.mark.slow
Change = Callable[[Database, int], object]


@pytest.fixture
def node(store_kind: str, tmp_path: Path) -> Iterator[Node]:
    if store_kind == "postgres":
        from tests.postgres import database_of

        url = database_of(tmp_path)
    else:
        url = f"sqlite:///{tmp_path}/a.db"
    with open_node(url) as opened:
        fill(opened)
        yield opened


def found(node: Node, change: Callable[[Database], object]) -> LedgerReport:
    """What the check finds once that was done to a ledger that held."""
    report = node.verify_ledger()
    assert (report.ok, report.opened, report.checkpoints >= 2) == (True, report.size, True)
    damage(node, change)
    report = node.verify_ledger()
    assert report.ok or any("ledger" in sentence for sentence in node.check())
    return report


def later(record: bytes, by: int) -> bytes:
    """The record, that many microseconds later."""
    before, _, rest = record.partition(b'"at":')
    digits = rest[:16]
    return before + b'"at":%d' % (int(digits) + by) + rest[16:]


def record_of(db: Database, key: int) -> bytes:
    return bytes(db.execute("SELECT record FROM entry WHERE key = ?", (key,)).fetchone()[0])


ENTRY: dict[str, Change] = {
    "another commitment": lambda db, key: flipped(db, "entry", "commitment", f"key = {key}"),
    "another nonce": lambda db, key: flipped(db, "entry", "nonce", f"key = {key}"),
    "another record": lambda db, key: flipped(db, "entry", "record", f"key = {key}"),
    "no nonce": lambda db, key: db.execute("UPDATE entry SET nonce = NULL WHERE key = ?", (key,)),
    "a later time that is committed to": lambda db, key: forge(db, key, later(record_of(db, key), 1)),
    "an earlier time that is committed to": lambda db, key: forge(db, key, later(record_of(db, key), -(10**9))),
    "no record of one": lambda db, key: forge(db, key, b"[]"),
    "dropped": lambda db, key: db.execute("DELETE FROM entry WHERE key = ?", (key,)),
    "dropped with the rest moved up": lambda db, key: moved_up(db, key),
    "swapped with the next": lambda db, key: swap(db, key, key + 1),
    "the next in its place": lambda db, key: repeat(db, key + 1, key),
}


def moved_up(db: Database, key: int) -> None:
    """The entry is gone and all others have a number less, as the counter says too."""
    db.execute("DELETE FROM entry WHERE key = ?", (key,))
    (last,) = db.execute("SELECT max(key) FROM entry").fetchone()
    for each in range(key + 1, last + 1):
        db.execute("UPDATE entry SET key = ? WHERE key = ?", (each - 1, each))
    db.execute("UPDATE release_part SET entry = entry - 1 WHERE entry > ?", (key,))
    db.execute("UPDATE release SET entry = entry - 1 WHERE entry > ?", (key,))
    db.execute("UPDATE state SET last_entry = last_entry - 1")


def repeat(db: Database, one: int, place: int) -> None:
    """One entry stands in the place of another too."""
    row = db.execute("SELECT commitment, nonce, record FROM entry WHERE key = ?", (one,)).fetchone()
    db.execute("UPDATE entry SET commitment = ?, nonce = ?, record = ? WHERE key = ?", (*row, place))


@pytest.mark.parametrize("seq", [0, 9, 255, 256, "last signed"])
@pytest.mark.parametrize("what", sorted(ENTRY))
def test_a_changed_entry_is_named(node: Node, what: str, seq: int | str) -> None:
    last = rows(node, "SELECT max(size) FROM checkpoint")[0][0] - 2
    place = int(last) if isinstance(seq, str) else seq
    report = found(node, lambda db: ENTRY[what](db, place + 1))
    assert report.faults[0].seq == place


@pytest.mark.parametrize("column", ["recipient", "form", "at", "digest", "no row", "no parts", "a row too many"])
def test_what_is_kept_of_what_left_is_what_was_entered(node: Node, column: str) -> None:
    seq = seq_of(node, "release", 1)
    changes: dict[str, Callable[[Database], object]] = {
        "digest": lambda db: flipped(db, "release", "digest", f"entry = {seq + 1}"),
        "no row": lambda db: db.execute("DELETE FROM release WHERE entry = ?", (seq + 1,)),
        "no parts": lambda db: db.execute("DELETE FROM release_part WHERE entry = ?", (seq + 1,)),
        "a row too many": lambda db: moved_release(db, seq + 1, seq),
        "at": lambda db: db.execute("UPDATE release SET at = at + 1 WHERE entry = ?", (seq + 1,)),
        "recipient": lambda db: db.execute("UPDATE release SET recipient = 'x' WHERE entry = ?", (seq + 1,)),
        "form": lambda db: db.execute("UPDATE release SET form = 'x' WHERE entry = ?", (seq + 1,)),
    }
    report = found(node, changes[column])
    assert report.faults[0].seq == (seq - 1 if column == "a row too many" else seq)


def moved_release(db: Database, entry: int, place: int) -> None:
    """What left is kept beside another entry."""
    db.execute("UPDATE release_part SET entry = ? WHERE entry = ?", (place, entry))
    db.execute("UPDATE release SET entry = ? WHERE entry = ?", (place, entry))


@pytest.mark.parametrize(
    ("where", "place", "seq"),
    [
        ("level = 0 AND place = 0", 0, 0),
        ("level = 0 AND place = 0", 4 * 17, 17),
        ("level = 0 AND place = 1", 4 * 2 + 3, 258),
        ("level = 1 AND place = 0", 3, 0),
    ],
)
def test_a_changed_tile_is_named_by_its_first_entry(node: Node, where: str, place: int, seq: int) -> None:
    ((raw,),) = rows(node, f"SELECT hashes FROM tile WHERE {where}")
    report = found(node, lambda db: db.execute(f"UPDATE tile SET hashes = ? WHERE {where}", (flip(bytes(raw), place),)))
    assert [(fault.seq, "tile" in fault.what) for fault in report.faults] == [(seq, True)]


@pytest.mark.parametrize(
    ("change", "seq"),
    [
        ("DELETE FROM tile WHERE level = 0 AND place = 0", 0),
        ("DELETE FROM tile WHERE level = 1", 0),
        ("DELETE FROM tile", 0),
        ("DELETE FROM tile WHERE level = 0 AND place = 1", 256),
        ("INSERT INTO tile SELECT epoch, 1, 7, hashes FROM tile WHERE level = 1", None),
        ("INSERT INTO tile SELECT epoch, 0, 2, hashes FROM tile WHERE level = 1", None),
    ],
)
def test_a_tile_that_is_missing_or_too_many_is_found(node: Node, change: str, seq: int | None) -> None:
    report = found(node, lambda db: db.execute(change))
    assert not report.ok
    assert report.faults[0].seq == (seq if seq is not None else report.faults[0].seq)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE checkpoint SET note = replace(note, 'CERT-A', 'CERT-B') WHERE size = {size}",
        "UPDATE checkpoint SET note = replace(note, '\n{size}\n', '\n1\n') WHERE size = {size}",
        "UPDATE checkpoint SET note = 'x' WHERE size = {size}",
        "UPDATE checkpoint SET size = size + 1 WHERE size = {size}",
        "DELETE FROM ledger_key",
        "DELETE FROM epoch",
        "UPDATE epoch SET before = 1",
        "UPDATE epoch SET origin = 'CERT-B/release'",
        "UPDATE epoch SET number = 2",
        "UPDATE ledger_key SET verifier = 'x'",
    ],
)
def test_a_changed_checkpoint_or_key_is_found(node: Node, change: str) -> None:
    size = rows(node, "SELECT min(size) FROM checkpoint")[0][0]
    report = found(node, lambda db: db.execute(change.format(size=size)))
    assert not report.ok


def test_a_key_that_nobody_entered_is_found_though_it_signed_everything(node: Node, tmp_path: Path) -> None:
    """Whoever has the host can sign anew with a key of its own; the entry of the old key tells of another."""
    with open_node(f"sqlite:///{tmp_path}/other.db") as other:
        other.entropy.token_bytes(7)
        other.head()
        ((verifier, secret),) = rows(other, "SELECT verifier, secret FROM ledger_key")

    def change(db: Database) -> None:
        db.execute("UPDATE ledger_key SET verifier = ?, secret = ?", (verifier, bytes(secret)))
        db.execute("DELETE FROM checkpoint")

    damage(node, change)
    node.head()
    report = node.verify_ledger()
    assert ["no entry tells of the key" in fault.what for fault in report.faults] == [True]


@pytest.mark.parametrize(
    ("change", "seq"), [("last_entry_at = last_entry_at + 1", -1), ("last_entry = last_entry + 1", 0)]
)
def test_a_counter_that_disagrees_is_found(node: Node, change: str, seq: int) -> None:
    size = len(commitments(node))
    report = found(node, lambda db: db.execute(f"UPDATE state SET {change}"))
    assert report.faults[0].seq == size + seq


def test_an_entry_above_the_counter_is_found(node: Node) -> None:
    size = len(commitments(node))
    report = found(
        node,
        lambda db: db.execute(
            "INSERT INTO entry SELECT key + 1, commitment, nonce, record FROM entry WHERE key = ?", (size,)
        ),
    )
    assert report.faults[0].seq == size


@pytest.mark.parametrize("count", [1, 40, 200])
def test_a_cut_off_end_is_found_against_a_checkpoint_held_elsewhere_and_only_so(node: Node, count: int) -> None:
    kept = node.head()
    damage(node, lambda db: cut_end(db, count))
    node.rebuild_tiles()
    assert node.verify_ledger().ok
    report = node.verify_ledger([kept.note])
    assert [(fault.seq, "cut off" in fault.what) for fault in report.faults] == [(kept.size - count, True)]


def test_a_history_that_was_written_anew_is_found_against_a_checkpoint_held_elsewhere(node: Node) -> None:
    kept = node.head()

    def change(db: Database) -> None:
        forge(db, 6, later(record_of(db, 6), 0))
        db.execute("DELETE FROM checkpoint")
        db.execute("DELETE FROM tile")

    damage(node, change)
    node.head()
    assert node.verify_ledger().ok
    report = node.verify_ledger([kept.note])
    assert [fault.seq for fault in report.faults] == [0]
    assert "held elsewhere" in report.faults[0].what


@pytest.mark.parametrize("note", [b"x", b"CERT-X/release\n4\nAAAA\n\n", b"\xff" * 100])
def test_what_is_no_checkpoint_of_this_log_is_no_evidence(node: Node, note: bytes) -> None:
    report = node.verify_ledger([note])
    assert (report.ok, report.held, report.faults[0].seq) == (False, 0, 0)


def test_an_erased_opening_is_closed_and_holds(node: Node) -> None:
    report = found(node, lambda db: db.execute("UPDATE entry SET nonce = NULL, record = NULL WHERE key = 6"))
    assert (report.ok, report.closed) == (True, 1)


def test_an_epoch_before_is_checked_too_and_named(node: Node) -> None:
    kept = node.head()
    with node.store.write() as tx:
        tx.begin_epoch("CERT-A/release/2")
        tx.enter("restored")
    assert node.head().size == 2
    assert node.verify_ledger([kept.note, node.head().note]).held == 2
    damage(node, lambda db: flipped(db, "entry", "nonce", "key = 10"))
    (fault, *_) = node.verify_ledger().faults
    assert (fault.seq, fault.what.startswith("in the log CERT-A/release: ")) == (9, True)


def test_what_is_longer_than_one_piece_is_put_together(node: Node) -> None:
    """The check reads entries in pieces; the borders of tiles and pieces make no difference."""
    with node.store.write() as tx:
        for number in range(ROWS):
            tx.enter("padding" if number % 2 else "test")
    node.head()
    assert node.verify_ledger().ok
    damage(node, lambda db: swap(db, ROWS, ROWS + 1))
    assert node.verify_ledger().faults[0].seq == ROWS - 1
