"""What the store asks of a connection to a database. All that is decided is decided by code above this; a database only
keeps rows and answers questions in the SQL that all of them understand.

In that SQL `?` takes one argument, and `IN ?integers` or `IN ?texts` takes a list.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Protocol, TypeAlias

from comity.stix.object import StixObject

SECRETS = {"ledger_key": "secret"}
"""The columns, by table, that no backup holds: what a copy could sign with as if it were the node (R32)."""


class Rows(Protocol):
    """The answer to one statement."""

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""
        ...

    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...


NewCopy: TypeAlias = "tuple[StixObject, int, int, int, int, int, int, int | None]"
"""An object and what is decided of it before its row is written: key, type, state, flags, added, gone, rank. A plain
tuple, since there are a thousand in an envelope."""


class TextIndex(Protocol):
    """Full text: which keys have a word in the names or in the prose of their objects."""

    EARLY: ClassVar[str]
    """The question how many copies it knows above `text_cursor`."""

    def clear(self) -> None:
        """It knows nothing."""
        ...

    def add(self, rows: Sequence[tuple[int, str, str]]) -> None:
        """It knows these keys with their names and words (see `comity.store.text.texts_of`)."""
        ...

    def forget(self, keys: list[int]) -> None:
        """It knows none of these keys; their bodies must still be there."""
        ...

    def knows(self, keys: list[int]) -> list[int]:
        """Those of these keys that it knows."""
        ...

    def tidy(self) -> bool:
        """A bounded piece of what is left of forgotten text is destroyed. True where more may be left."""
        ...

    def matches(self, word: str, low: int, high: int) -> list[int]:
        """The keys in that range that have the word: as a part of a name, or as the beginning of a word of prose."""
        ...


class Database(Protocol):
    """One connection, inside a transaction."""

    @property
    def text(self) -> TextIndex: ...

    def execute(self, sql: str, arguments: Sequence[object] = ()) -> Rows: ...

    def execute_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """The statement was executed for each of them."""
        ...

    def columns(self, names: str, sql: str, arguments: Sequence[object] = ()) -> list[list[Any]]:
        """The same answer in bulk, as one list a column. `names` are those of the columns, none of them bytes."""
        ...

    def unhurried(self) -> AbstractContextManager[None]:
        """What is asked inside the block is not stopped, however long it takes: what is made once for all who come
        later would never be made otherwise."""
        ...

    def joined(self, keys: list[int]) -> bytes:
        """The bodies of these rising keys, joined by commas."""
        ...

    def insert(
        self,
        copies: Sequence[NewCopy],
        *,
        collection: int,
        source: int,
        default_tlp: int | None,
    ) -> None:
        """There is a row and a body for each of these; `default_tlp` marks those without a marking of their own."""
        ...

    def tables(self) -> dict[str, list[str]]:
        """The columns of each table that `copying` copies, by name: of all but those of full text."""
        ...

    def scan(self, sql: str) -> Iterator[Any]:
        """The rows one by one, with flat memory, while other questions wait until the last was read."""
        ...

    def load(self, table: str, names: str, rows: Iterable[Any]) -> None:
        """The table has these rows, with their values in the order of the names."""
        ...

    def erasing(self) -> AbstractContextManager[None]:
        """What is deleted inside the block is overwritten, where the database can do so."""
        ...

    def bytes_on_disk(self) -> int: ...

    def damage(self) -> list[str]:
        """What the database itself finds wrong with it, in sentences."""
        ...

    def cautions(self) -> list[str]:
        """Which settings of the database endanger what was committed, in sentences."""
        ...


class Connection(Database, Protocol):
    """The same, with the ends of its transactions. It may pass from thread to thread, one at a time."""

    def begin(self) -> None:
        """A transaction is open: for a reader one snapshot that cannot change anything."""
        ...

    def lock(self) -> None:
        """No other writer of any process changes the store before this transaction ends."""
        ...

    def commit(self) -> None:
        """What was done is on the disk."""
        ...

    def rollback(self) -> None:
        """Nothing was done. Never raises."""
        ...

    def limit(self, milliseconds: int) -> None:
        """Each statement of the open transaction that takes longer is stopped from now on, with an error that `trouble`
        tells as TookTooLong; 0 for no limit."""
        ...

    def is_sound_after(self, error: BaseException | None) -> bool:
        """The connection can be used again."""
        ...

    def close(self) -> None: ...
