"""Batches: copies that somebody withdrew or marked at once, what became of each, and what it was before.

An item holds the key of its copy and follows it when that moves, so that what is undone is the copy that was changed,
and no other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec import Struct, msgpack

from comity.store.database import Database
from comity.store.nouns import State

WAITING, DONE, SAME, FAILED, UNDONE, KEPT = "waiting", "done", "same", "failed", "undone", "kept"
"""What becomes of an item: it waits for its turn; is changed; was so already; was passed over; is as it was before; or
is left as it is by the undoing, since it changed since."""
_COLUMNS = "id, act, level, account, name, at, reason, asked, undo_at"
_ITEMS = "place, object, state, why, before"
_FACTS = (
    "SELECT o.key, o.id, t.name, o.source, o.collection, o.state, o.tlp, o.default_tlp, o.mark, o.size,"
    " coalesce(p.number, 0) AS number FROM object o JOIN type t ON t.key = o.type"
    " LEFT JOIN publication p ON p.object = o.key WHERE o.key IN ?integers ORDER BY o.key"
)
_WAS = (
    "SELECT o.key, o.state, o.mark, coalesce(p.number, 0) AS number, coalesce(p.class, 0) AS class,"
    " coalesce(p.at, 0) AS at, coalesce(p.shared, 0) AS shared, coalesce(h.until, 0) AS until FROM object o"
    " LEFT JOIN publication p ON p.object = o.key LEFT JOIN hold h ON h.number = p.number WHERE o.key IN ?integers"
)


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch: `act` is `withdraw` or `mark`, with the `level` of the mark; who did it (the id of an account, empty
    for the host's operator, and the name), when, why, and how the copies were chosen. `undo_at` is when it was to be
    undone. Instants are microseconds since 1970."""

    id: str
    act: str
    level: int | None
    account: str
    name: str
    at: int
    reason: str
    asked: str
    undo_at: int | None = None


class Was(Struct, frozen=True, array_like=True):
    """What a copy was: its state and mark; and of its publication, where it had one, the number, the store's number of
    the class, when it was published, whether it shared its id, and until when it was held (0: not)."""

    state: int
    mark: int | None
    number: int = 0
    class_key: int = 0
    at: int = 0
    shared: int = 0
    until: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """A copy of a batch: its place, its key, what became of it and for which reason, and what it was before."""

    place: int
    object: int
    state: str = WAITING
    why: str = ""
    before: Was | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """So many copies are in that state for that reason."""

    state: str
    why: str
    count: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What a copy is; `source` and `collection` are the store's own numbers, `number` that of its publication, or 0.
    `size` is 0 once the body was destroyed."""

    key: int
    id: str
    type: str
    source: int
    collection: int
    state: State
    tlp: int | None
    default_tlp: int | None
    mark: int | None
    size: int
    number: int


class BatchReading:
    """See `comity.store.batch_interface.BatchSnapshot`."""

    @property
    def db(self) -> Database:
        """The connection of the snapshot."""
        raise NotImplementedError

    def batch(self, id: str) -> Batch | None:
        row = self.db.execute(f"SELECT {_COLUMNS} FROM batch WHERE id = ?", (id,)).fetchone()  # noqa: S608 - names of our schema
        return None if row is None else Batch(*row)

    def batches(self, limit: int, account: str | None = None) -> list[Batch]:
        where, values = ("", ()) if account is None else (" WHERE account = ?", (account,))
        sql = f"SELECT {_COLUMNS} FROM batch{where} ORDER BY at DESC, id LIMIT ?"  # noqa: S608 - names of our schema
        return [Batch(*row) for row in self.db.execute(sql, (*values, limit)).fetchall()]

    def batch_tally(self, id: str) -> list[Tally]:
        rows = self.db.execute(
            "SELECT state, why, count(*) FROM batch_item WHERE batch = ? GROUP BY state, why ORDER BY 1, 3 DESC, 2",
            (id,),
        )
        return [Tally(*row) for row in rows.fetchall()]

    def batch_items(self, id: str, states: Sequence[str], limit: int, why: str | None = None) -> list[Item]:
        narrowed = "" if why is None else " AND why = ?"
        sql = (
            f"SELECT {_ITEMS} FROM batch_item WHERE batch = ? AND state IN ?texts{narrowed}"  # noqa: S608 - names of our schema
            " ORDER BY place LIMIT ?"
        )
        values = (id, list(states), *(() if why is None else (why,)), limit)
        return [
            Item(place, object, state, why, msgpack.decode(before, type=Was) if before else None)
            for place, object, state, why, before in self.db.execute(sql, values).fetchall()
        ]

    def batch_keys(self, id: str) -> list[int]:
        return list(self.db.columns("object", "SELECT object FROM batch_item WHERE batch = ? ORDER BY place", (id,))[0])

    def live_keys(self, ids: Sequence[str]) -> list[int]:
        sql = "SELECT key FROM object WHERE id IN ?texts AND gone = 0 AND state IN ?integers ORDER BY key"
        known = [id for id in ids if id.isprintable()]
        return list(self.db.columns("key", sql, (known, [int(State.RECEIVED), int(State.PUBLISHED)]))[0])

    def facts_of(self, keys: Sequence[int]) -> list[Facts]:
        return [
            Facts(key, id, type, source, collection, State(state), *rest)
            for key, id, type, source, collection, state, *rest in self.db.execute(_FACTS, (list(keys),)).fetchall()
        ]

    def was(self, keys: Sequence[int]) -> dict[int, Was]:
        return {row[0]: Was(*row[1:]) for row in self.db.execute(_WAS, (list(keys),)).fetchall()}


# -- writing ----------------------------------------------------------------------------------------------------------
def put(db: Database, batch: Batch) -> None:
    """See `comity.store.batch_interface.BatchTransaction.put_batch`."""
    db.execute(
        f"INSERT INTO batch ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - names of our schema
        " ON CONFLICT (id) DO UPDATE SET undo_at = excluded.undo_at",
        (
            *(batch.id, batch.act, batch.level, batch.account, batch.name, batch.at, batch.reason, batch.asked),
            batch.undo_at,
        ),
    )


def put_items(db: Database, id: str, keys: Iterable[int]) -> None:
    """See `comity.store.batch_interface.BatchTransaction.put_batch_items`."""
    rows = [(id, place, key, WAITING, "", b"") for place, key in enumerate(keys)]
    db.execute_many("INSERT INTO batch_item (batch, place, object, state, why, before) VALUES (?, ?, ?, ?, ?, ?)", rows)


def settle(db: Database, id: str, items: Iterable[Item]) -> None:
    """See `comity.store.batch_interface.BatchTransaction.settle_batch_items`."""
    db.execute_many(
        "UPDATE batch_item SET state = ?, why = ?, before = ? WHERE batch = ? AND place = ?",
        [
            (one.state, one.why, b"" if one.before is None else msgpack.encode(one.before), id, one.place)
            for one in items
        ],
    )


def forget(db: Database, before: int) -> int:
    """See `comity.store.batch_interface.BatchTransaction.forget_batches`."""
    old = "SELECT id FROM batch WHERE at < ?"
    db.execute(f"DELETE FROM batch_item WHERE batch IN ({old})", (before,))  # noqa: S608 - names of our schema
    return db.execute("DELETE FROM batch WHERE at < ?", (before,)).rowcount


def follow(db: Database, old: int, new: int) -> None:
    """The copy has another key, and whatever batch is about it is about it still."""
    db.execute("UPDATE batch_item SET object = ? WHERE object = ?", (new, old))
