"""There is no act without its entry, and no entry without its act: in every store, whatever fails between."""

import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from pyroaring import BitMap
from tests.store_world import NOW, ONE, identifier, indicators, made, put

from comity.errors import StoreUnavailable
from comity.ledger.merkle import leaf_hash
from comity.ledger.records import Opening, read_record
from comity.store.base import TableStore
from comity.store.entries import Checkpoint, LedgerKey
from comity.store.interface import Store, Transaction
from comity.store.nouns import Collection, Source, Token
from comity.store.postgres.database import PostgresDatabase
from comity.store.publications import PRIVATE
from comity.store.records import Record
from comity.store.sqlite.database import SqliteDatabase

FORM = (b"d" * 32, b"form")
DIGEST = b"r" * 32
LATER = 4 * 10**15
"""Later than the clock of whoever runs the test."""
Act = Callable[[Transaction], object]


class UndoneError(Exception):
    """What ends a transaction."""


def withdraw_and_purge(tx: Transaction) -> None:
    tx.withdraw(ONE, identifier("indicator", 0), None, NOW)
    tx.purge(NOW + 1, 10)


ACTS: dict[str, tuple[Act, list[str]]] = {
    "a collection": (
        lambda tx: tx.put_collection(Collection("8f5a1c1e-0000-4000-8000-000000000009", "X")),
        ["collection"],
    ),
    "a source": (lambda tx: tx.put_source(Source("feed-z", kind="feed")), ["source"]),
    "a token": (
        lambda tx: tx.put_token(Token("t", "t", b"d", "local", frozenset(), frozenset(), NOW, NOW + 9)),
        ["token"],
    ),
    "a record": (lambda tx: tx.put_record(Record("policy", "p", "p", b"body", changed_at=NOW)), ["record"]),
    "a publication": (lambda tx: tx.publish([(4, *FORM)], NOW, None), ["publication"]),
    "no publication": (lambda tx: tx.publish([(4, *PRIVATE)], NOW, None), []),
    "an unpublication": (lambda tx: tx.unpublish([3]), ["unpublication"]),
    "a withdrawal and a purge": (withdraw_and_purge, ["withdrawal", "purge"]),
    "another default": (lambda tx: tx.remark("feed-b", 2, 3), ["remarking"]),
    "a page that leaves": (
        lambda tx: tx.enter_release("cert-b", "objects", DIGEST, 1, {"ours": BitMap([1])}, items=1),
        ["release"],
    ),
    "the same act twice": (lambda tx: [tx.enter("padding"), tx.enter("padding")], ["padding", "padding"]),
    "what is no act": (lambda tx: tx.put_setting("x", b"y"), []),
}
"""What is done in a transaction, and the kinds of the entries that it makes."""


def prepare(store: Store) -> None:
    """Three copies of our own of which one is published, and another of a feed."""
    put(store, indicators(3))
    put(store, [made(identifier("malware", 1), "2026-01-01T00:00:00.000Z", name="x")], source="feed-b", default_tlp=2)
    with store.write() as tx:
        tx.publish([(3, *FORM)], NOW, None)


def state(store: Any) -> dict[str, list[Any]]:
    """Every row of every table."""
    with store.read() as snapshot:
        tables = snapshot.db.tables()
        return {
            name: sorted(map(repr, snapshot.db.execute(f"SELECT * FROM {name}").fetchall())) for name in sorted(tables)
        }


def entries(store: Store) -> list[Any]:
    with store.read() as snapshot:
        return snapshot.ledger_entries(0, 1000)


@pytest.mark.parametrize("name", ACTS)
def test_every_act_has_its_entry_in_the_same_transaction(store: Store, name: str) -> None:
    act, kinds = ACTS[name]
    prepare(store)
    before = entries(store)
    with store.write() as tx:
        tx.actor = "anna"
        act(tx)
    found = entries(store)
    assert found[: len(before)] == before
    assert [one.key for one in found] == list(range(1, len(found) + 1))
    records = [read_record(one.record) for one in found[len(before) :]]
    assert [record.kind for record in records] == kinds
    assert {record.facts["by"] for record in records} <= {"anna"}
    for one in found:
        assert one.commitment == hmac.digest(one.nonce, one.record, "sha256")
        Opening(one.record, one.nonce).read(one.commitment)
    times = [json.loads(one.record)["at"] for one in found]
    assert times == sorted(times)
    assert len({one.nonce for one in found}) == len(found)


@pytest.mark.parametrize("name", ACTS)
def test_what_is_taken_back_leaves_no_entry(store: Store, name: str) -> None:
    prepare(store)
    before = state(store)

    def undone() -> None:
        with store.write() as tx:
            ACTS[name][0](tx)
            raise UndoneError

    with pytest.raises(UndoneError):
        undone()
    assert state(store) == before


@pytest.mark.parametrize("name", ACTS)
def test_a_failure_at_any_statement_leaves_neither(store: Store, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever statement fails, nothing was done and nothing entered; and what comes next is whole again."""
    prepare(store)
    before, left = state(store), -1
    for kind in (SqliteDatabase, PostgresDatabase):
        for verb in ("execute", "execute_many"):
            real = getattr(kind, verb)

            def counted(self: Any, *arguments: Any, real: Any = real) -> Any:
                nonlocal left
                left -= 1
                if left == 0:
                    raise StoreUnavailable("planted")
                return real(self, *arguments)

            monkeypatch.setattr(kind, verb, counted)
    nth, failed = 0, 0
    while True:
        nth += 1
        left = nth
        try:
            with store.write() as tx:
                ACTS[name][0](tx)
            break
        except StoreUnavailable:
            failed += 1
            left = -1
            assert state(store) == before
    left = -1
    assert failed >= 2
    assert len(entries(store)) == len(before["entry"]) + len(ACTS[name][1])


def test_times_do_not_fall_where_the_clock_does(store: Any) -> None:
    for now in (LATER + 10, LATER, LATER + 20):
        store.now = lambda now=now: now
        with store.write() as tx:
            tx.enter("test")
    assert [json.loads(one.record)["at"] for one in entries(store)][-3:] == [LATER + 10, LATER + 10, LATER + 20]


def test_tiles_checkpoints_and_keys_are_kept_and_found(store: Store) -> None:
    with store.write() as tx:
        tx.begin_epoch("x/release", 1)
        for _ in range(260):
            tx.enter("test")
    with store.write() as tx:
        leaves = [leaf_hash(entry) for entry in tx.commitments(tx.epochs()[0].before, 260)]
        tx.put_tiles(1, {(0, 0): b"".join(leaves[:256]), (0, 1): b"".join(leaves[256:259]), (1, 0): b"c" * 32})
        tx.put_tiles(1, {(0, 1): b"".join(leaves[256:])})
        for size, at in ((256, 5), (260, 3), (256, 9), (300, 4)):
            tx.put_checkpoint(Checkpoint(1, size, at, f"{size} {at}"))
        tx.put_ledger_key(LedgerKey("old", b"s" * 32, 1))
        tx.put_ledger_key(LedgerKey("new", b"t" * 32, 2))
        tx.put_ledger_key(LedgerKey("old", None, 1, 7))
    with store.read() as snapshot:
        assert [snapshot.tiles_cover(epoch) for epoch in (1, 2)] == [260, 0]
        assert [snapshot.tile(1, 0, place) for place in (0, 1)] == [b"".join(leaves[:256]), b"".join(leaves[256:])]
        assert snapshot.tile(1, 1, 0) == b"c" * 32
        assert snapshot.leaf_hashes(1, 250, 8) == leaves[250:258]
        assert snapshot.leaf_hashes(1, 258, 8) == leaves[258:]
        assert snapshot.tile(1, 2, 0) is None
        assert [(one.size, one.at) for one in snapshot.checkpoints(1)] == [(256, 5), (256, 9), (260, 3), (300, 4)]
        last = [snapshot.last_checkpoint(1), snapshot.last_checkpoint(1, 256), snapshot.last_checkpoint(1, 7)]
        assert [one.note if one else None for one in last] == ["300 4", "256 9", None]
        assert [(key.verifier, key.secret, key.retired_at) for key in snapshot.ledger_keys()] == [
            ("old", None, 7),
            ("new", b"t" * 32, None),
        ]
    with store.write() as tx:
        tx.drop_tiles()
        assert tx.tiles_cover(1) == 0


def test_the_check_of_a_store_reads_its_ledger(store_unchecked: Store) -> None:
    store = store_unchecked
    prepare(store)
    assert isinstance(store, TableStore)
    assert store.check(deep=True) == []
    with store.writing() as db:
        db.execute("UPDATE entry SET nonce = commitment WHERE key = 2")
    assert store.check() == []
    assert store.check(deep=True) == ["entry 1 of the ledger: record and nonce are not those that were entered"]
