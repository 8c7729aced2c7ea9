"""A node whose ledger has something of everything, and what it would be like if somebody had changed a row of it."""

import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from tests.gate_world import marked, partnered, take
from tests.world import MadeClock, MadeEntropy

from comity.interfaces import Query
from comity.node.node import Node
from comity.stix.markings import TLP
from comity.store.base import TableStore
from comity.store.database import Database

NONCE = b"\x07" * 16


def open_node(url: str) -> Node:
    """A new node on that store."""
    return Node.open(url, name="CERT-A", clock=MadeClock(), entropy=MadeEntropy())


def fill(node: Node) -> None:
    """A partner has read three pages, with checkpoints before, between and after, and some entries behind the last."""
    access = partnered(node)
    for number in range(3):
        take(node, marked(TLP.GREEN))
        node.page(access, Query(collection="default", limit=number + 1))
        cast("MadeClock", node.clock).move(seconds=60)
        if number == 1:
            node.beat()
    node.head()
    node.revoke_token(node.tokens()[0].id)


def seq_of(node: Node, kind: str, nth: int = 0) -> int:
    """The sequence number of the n-th entry of that kind."""
    return [one.seq for one in node.ledger_log(kind=kind)][nth]


def damage(node: Node, change: Callable[[Database], object]) -> None:
    """The rows of the store were changed behind the back of the node."""
    with cast("TableStore", node.store).writing() as db:
        change(db)


def forge(db: Database, key: int, record: bytes) -> None:
    """The entry says something else, and its commitment agrees with it."""
    made = hmac.digest(NONCE, record, "sha256")
    db.execute("UPDATE entry SET commitment = ?, nonce = ?, record = ? WHERE key = ?", (made, NONCE, record, key))


def swap(db: Database, one: int, other: int) -> None:
    """Two entries stand in each other's place."""
    for key, new in ((one, -1), (other, one), (-1, other)):
        db.execute("UPDATE entry SET key = ? WHERE key = ?", (new, key))


def flip(raw: bytes, place: int = 0) -> bytes:
    """The same bytes, one of them another."""
    return raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]


def flipped(db: Database, table: str, column: str, where: str) -> None:
    """The first byte of the value is another one."""
    (raw,) = db.execute(f"SELECT {column} FROM {table} WHERE {where}").fetchone()
    db.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (flip(bytes(raw)),))


def cut_end(db: Database, count: int) -> None:
    """The last entries are gone, and all that told of them, as thoroughly as whoever has the file can do it."""
    last, epoch_tiles = db.execute("SELECT last_entry FROM state").fetchone()[0] - count, "DELETE FROM tile"
    db.execute("DELETE FROM entry WHERE key > ?", (last,))
    db.execute("DELETE FROM release_part WHERE entry > ?", (last,))
    db.execute("DELETE FROM release WHERE entry > ?", (last,))
    db.execute("DELETE FROM checkpoint WHERE size > ?", (last,))
    db.execute(epoch_tiles)
    (record,) = db.execute("SELECT record FROM entry WHERE key = ?", (last,)).fetchone()
    at = int(bytes(record).split(b'"at":')[1].split(b",")[0].rstrip(b"}"))
    db.execute("UPDATE state SET last_entry = ?, last_entry_at = ?", (last, at))


def plain_root(leaves: list[bytes]) -> bytes:
    """The root over these entries, straight from the definition (RFC 9162 section 2.1.1)."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    both = plain_root(leaves[:half]) + plain_root(leaves[half:])
    return hashlib.sha256(b"\1" + both).digest()


def commitments(node: Node) -> list[bytes]:
    """Every entry of the present log, as the store has it."""
    with node.store.read() as snapshot:
        return snapshot.commitments(snapshot.epochs()[-1].before, 10**6)


def files(folder: Path) -> dict[str, bytes]:
    """Every file under the folder, raw."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rows(node: Node, sql: str) -> list[Any]:
    """What the store answers."""
    with cast("TableStore", node.store).read() as snapshot:
        return snapshot.db.execute(sql).fetchall()
