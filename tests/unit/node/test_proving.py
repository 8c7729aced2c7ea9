"""The ledger is signed, proved and served: by a node, compared with the definitions."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import pytest
from tests.gate_world import admitted, partnered, take
from tests.ledger_world import commitments, damage, files, fill, flipped, open_node, plain_root, rows
from tests.world import MadeClock, indicator

from comity.errors import NotAuthorized, NotFound, Unverified
from comity.ledger.audit import audit
from comity.ledger.checkpoint import open_checkpoint
from comity.ledger.note import read_verifier
from comity.ledger.proof import read_proof
from comity.ledger.records import Opening
from comity.ledger.tiles import read_bundle
from comity.node.home import backup, init_home, open_home, restore
from comity.node.node import Node


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with open_node(f"sqlite:///{tmp_path}/a.db") as opened:
        yield opened


def test_a_head_is_over_all_entries_and_signed_by_an_entered_key(node: Node) -> None:
    take(node, indicator())
    head = node.head()
    seen = open_checkpoint(head.note, [read_verifier(head.keys[-1])], origin="CERT-A/release")
    assert (seen.checkpoint.size, seen.checkpoint.root) == (head.size, plain_root(commitments(node)))
    assert [one.record["verifier"] for one in node.ledger_log(kind="key") if one.record] == list(head.keys)
    assert node.verify_ledger().ok
    assert node.check() == []


def test_the_same_head_is_signed_anew_once_a_day(node: Node) -> None:
    first = node.head()
    assert node.head() == first
    cast("MadeClock", node.clock).move(days=1)
    again = node.head()
    assert (again.note, again.size) == (first.note, first.size)
    assert len(rows(node, "SELECT at FROM checkpoint")) == 2


def test_a_beat_where_nothing_is_new_writes_nothing(node: Node) -> None:
    assert node.beat()
    before = rows(node, "SELECT size, at FROM checkpoint")
    assert not node.beat()
    assert rows(node, "SELECT size, at FROM checkpoint") == before
    assert len(commitments(node)) == before[-1][0]


def test_without_a_partner_nothing_is_padded_and_with_one_to_whole_tiles(node: Node) -> None:
    node.beat()
    assert not list(node.ledger_log(kind="padding"))
    node.add_partner("CERT-B")
    node.head()
    assert not list(node.ledger_log(kind="padding"))
    for number in (1, 2):
        assert node.beat()
        assert not node.beat()
        assert len(commitments(node)) == number * 256
        take(node, indicator())
    assert all(one.record is not None and set(one.record) == {"at", "kind"} for one in node.ledger_log(kind="padding"))
    assert node.verify_ledger().ok


@pytest.mark.slow
def test_processes_that_beat_at_once_pad_once(node: Node, tmp_path: Path) -> None:
    node.add_partner("CERT-B")
    with ExitStack() as opened:
        nodes = [opened.enter_context(open_node(f"sqlite:///{tmp_path}/a.db")) for _ in range(3)]
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(Node.beat, nodes))
    assert len(commitments(node)) == 256
    assert node.verify_ledger().ok


def test_work_signs_on_the_beat_of_the_settings(node: Node) -> None:
    clock = cast("MadeClock", node.clock)
    node.work()
    signed = len(rows(node, "SELECT at FROM checkpoint"))
    assert signed == 1
    take(node, indicator())
    clock.move(seconds=node.settings.ledger_beat_seconds - 1)
    node.work()
    assert len(rows(node, "SELECT at FROM checkpoint")) == signed
    clock.move(seconds=1)
    node.work()
    assert len(rows(node, "SELECT at FROM checkpoint")) == signed + 1


@pytest.mark.slow
def test_every_entry_is_proved_and_opened(node: Node) -> None:
    fill(node)
    keys = [read_verifier(key) for key in node.head().keys]
    entries = commitments(node)
    for seq in {0, 1, 2, 254, 255, 256, len(entries) - 1}:
        found = node.prove(seq)
        assert found.commitment == entries[seq]
        assert found.record is not None
        assert found.nonce is not None
        Opening(found.record, found.nonce).read(entries[seq])
        read_proof(found.proof).verify(entries[seq], keys, origin="CERT-A/release")
    with pytest.raises(NotFound):
        node.prove(len(entries))


def test_an_entry_behind_the_last_checkpoint_is_proved_by_a_new_one(node: Node) -> None:
    node.head()
    take(node, indicator())
    last = len(commitments(node)) - 1
    assert read_proof(node.prove(last).proof).index == last
    assert node.head().size == last + 1


def test_no_proof_is_given_that_does_not_hold(node: Node) -> None:
    node.head()
    damage(node, lambda db: flipped(db, "entry", "commitment", "key = 1"))
    with pytest.raises(Unverified):
        node.prove(0)


def test_a_new_key_signs_and_the_old_one_is_destroyed(node: Node, tmp_path: Path) -> None:
    take(node, indicator())
    old = node.head()
    ((seed,),) = rows(node, "SELECT secret FROM ledger_key")
    assert any(bytes(seed) in raw for raw in files(tmp_path).values())
    take(node, indicator())
    verifier = node.rotate_key()
    assert rows(node, "SELECT count(*) FROM ledger_key WHERE secret IS NOT NULL") == [(1,)]
    new = node.head()
    assert new.keys == (*old.keys, verifier)
    open_checkpoint(new.note, [read_verifier(verifier)])
    with pytest.raises(Unverified):
        open_checkpoint(new.note, [read_verifier(old.keys[0])])
    assert node.verify_ledger([old.note, new.note]).held == 2
    node.close()
    assert not any(bytes(seed) in raw for raw in files(tmp_path).values())


@pytest.mark.slow
def test_tiles_are_made_anew_the_same(node: Node) -> None:
    fill(node)
    before = rows(node, "SELECT level, place, hashes FROM tile ORDER BY level, place")
    damage(node, lambda db: flipped(db, "tile", "hashes", "level = 0 AND place = 0"))
    assert node.check() != []
    node.rebuild_tiles()
    node.head()
    assert node.check() == []
    made = rows(node, "SELECT level, place, hashes FROM tile ORDER BY level, place")
    assert [bytes(row[2])[: len(old[2])] for row, old in zip(made, before, strict=True)] == [
        bytes(row[2]) for row in before
    ]


@pytest.mark.slow
def test_an_exported_ledger_holds_and_opens_to_a_partner_what_concerns_it(node: Node) -> None:
    fill(node)
    node.rotate_key()
    lines: list[bytes] = []
    count = node.export_ledger(lines.append)
    report = audit(lines, node.head().keys, [node.head().note])
    assert (report.problems, report.size, report.closed) == ((), count, 0)
    theirs: list[bytes] = []
    node.export_ledger(theirs.append, to="CERT-B")
    report = audit(theirs, node.head().keys)
    assert report.problems == ()
    opened = [line for line in theirs if b'"record":"' in line]
    kinds = {
        kind for kind in ("release", "token", "record", "receipt") for line in opened if f'"{kind}\\"'.encode() in line
    }
    assert report.opened == len(opened) == len(list(node.ledger_log(kind="release"))) + 2 + 2
    assert kinds == {"release", "token", "record"}
    with pytest.raises(NotFound):
        node.export_ledger(len, to="nobody")


@pytest.mark.slow
def test_the_log_is_read_by_kind_time_and_number(node: Node) -> None:
    fill(node)
    everything = list(node.ledger_log())
    assert [one.seq for one in everything] == list(range(len(commitments(node))))
    assert list(node.ledger_log(limit=3)) == everything[-3:]
    releases = [one for one in everything if one.record and one.record["kind"] == "release"]
    assert list(node.ledger_log(kind="release")) == releases
    assert list(node.ledger_log(kind="release", limit=1)) == releases[-1:]
    assert releases[-1].record is not None
    since = releases[-1].record["at"]
    assert list(node.ledger_log(since=since)) == [one for one in everything if one.record and one.record["at"] >= since]


@pytest.mark.slow
def test_a_partner_is_served_whole_tiles_and_an_own_token_all(node: Node) -> None:
    access, ours = partnered(node), admitted(node, read=["all"])
    with pytest.raises(NotFound):
        node.ledger_checkpoint(access)
    node.beat()
    take(node, indicator())
    head = node.head()
    note, keys = node.ledger_checkpoint(access), [read_verifier(key) for key in head.keys]
    assert open_checkpoint(note, keys).checkpoint.size == 256
    assert node.ledger_checkpoint(ours).decode() == head.note
    assert read_bundle(node.ledger_bundle(access, 0, 256)) == commitments(node)[:256]
    tile = node.ledger_tile(access, 0, 0, 256)
    assert node.ledger_tile(access, 1, 0, 1) == plain_root(commitments(node)[:256])
    assert node.ledger_tile(access, 0, 0, 7) == tile[: 7 * 32]
    for level, place, width in ((0, 1, 1), (1, 0, 2), (2, 0, 1), (0, 0, 0), (0, 0, 257)):
        with pytest.raises(NotFound):
            node.ledger_tile(access, level, place, width)
    with pytest.raises(NotFound):
        node.ledger_bundle(access, 1, 1)
    assert node.ledger_bundle(ours, 1, head.size - 256)


@pytest.mark.slow
def test_who_is_no_active_partner_or_may_not_read_all_is_served_nothing(node: Node) -> None:
    access, one = partnered(node), admitted(node, read=["default"])
    node.beat()
    assert node.ledger_checkpoint(access)
    with pytest.raises(NotAuthorized):
        node.ledger_checkpoint(one)
    node.step_partner("CERT-B", "pause")
    with pytest.raises(NotAuthorized):
        node.ledger_checkpoint(access)
    with pytest.raises(NotAuthorized):
        node.ledger_tile(access, 0, 0, 256)


@pytest.mark.slow
def test_no_backup_holds_the_private_half(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with init_home(home, name="CERT-A") as node:
        old = node.head()
        ((seed,),) = rows(node, "SELECT secret FROM ledger_key")
        copy = tmp_path / "copy.db"
        node.store.backup(copy)
    assert bytes(seed) not in copy.read_bytes()
    backup(home, tmp_path / "b.tar.zst", plain=True, verify=True)
    restore(tmp_path / "b.tar.zst", tmp_path / "again")
    assert not any(bytes(seed) in raw for raw in files(tmp_path / "again").values())
    with open_home(tmp_path / "again") as node:
        # It begins an epoch, with a key of its own; the old one is kept for proof.
        (key,) = node.head().keys
        assert key not in old.keys
        with node.store.read() as snapshot:
            assert {*old.keys, key} <= {one.verifier for one in snapshot.ledger_keys()}
        assert node.verify_ledger().ok
