"""`comity` with one fault planted in it: each of them must be found by a driver, else the driver looks at nothing.

python tests/faults/planted.py FAULT serve --home HOME …
"""

import itertools
import multiprocessing
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from comity.errors import ComityError
from comity.node.turns import Turns
from comity.store.ingest import Ingest
from comity.store.sqlite import SqliteStore, connection, schema
from comity.store.steps import Step, packaged
from comity.store.transaction import TableTransaction
from comity.web import metrics
from comity.web.app import App
from comity.web.bodies import Room
from comity.web.protocol import BoundedProtocol


class _Undone(Exception):
    """Takes back what was only tried."""


def acknowledge_before_commit() -> None:
    """A POST is answered from a transaction that is taken back, and stored a little later."""
    ingest = SqliteStore.ingest

    def early(self: SqliteStore, batches: Any, *, finish: Any, **how: Any) -> Any:
        kept = [list(batch) for batch in batches]
        answers: list[Any] = []

        def tried(transaction: Any, verdicts: Any) -> None:
            answers.append(finish(transaction, verdicts))
            raise _Undone

        with suppress(_Undone):
            ingest(self, kept, finish=tried, **how)

        def late() -> None:
            time.sleep(0.05)
            ingest(self, kept, finish=finish, **how)

        threading.Thread(target=late, daemon=True).start()
        return answers[0]

    SqliteStore.ingest = early  # type: ignore[method-assign, assignment]


def tell_before_commit() -> None:
    """A page leaves for a partner from a transaction that is taken back, and is entered a little later."""
    take = Turns.take

    def early(self: Turns, job: Any) -> Any:
        answers: list[Any] = []
        with suppress(_Undone), self._store.write() as tx:
            answers.append(job(tx))
            raise _Undone

        def late() -> None:
            time.sleep(0.05)
            take(self, job)

        threading.Thread(target=late, daemon=True).start()
        return answers[0]

    Turns.take = early  # type: ignore[method-assign]


def disk_is_a_bug() -> None:
    """Trouble with the disk is not known as such."""

    def unknown(error: BaseException) -> ComityError | None:
        return None

    connection.trouble = unknown


def commit_what_failed() -> None:
    """An ingest that fails on its way keeps what it has stored until then."""
    put = Ingest.put

    def piecemeal(self: Ingest, batch: Any) -> None:
        for each in batch:
            put(self, [each])
            db = self._transaction.db
            self._transaction.seal()
            db.execute("COMMIT")
            db.execute("BEGIN IMMEDIATE")

    Ingest.put = piecemeal  # type: ignore[method-assign]


def dates_before_the_lock() -> None:
    """What is stored gets the date of its request, however long that waited for its turn."""

    def take_dates(self: TableTransaction, collection: int, count: int, now: int) -> int:
        self.db.execute(
            "UPDATE collection SET last_added = max(last_added, ?) WHERE key = ?", (now + count - 1, collection)
        )
        return now

    TableTransaction.take_dates = take_dates  # type: ignore[method-assign]


def keys_from_a_sequence() -> None:
    """Keys are handed out before the writer has its turn, as a sequence of a database does."""
    ingest, begin = SqliteStore.ingest, Ingest.__init__
    # Made before the server processes are forked, so they share it.
    given, here = multiprocessing.Value("Q", 0), threading.local()

    def sequenced(self: SqliteStore, batches: Any, **how: Any) -> Any:
        kept = [list(batch) for batch in batches]
        with given.get_lock():
            here.first = given.value
            given.value += sum(map(len, kept))
        time.sleep(random.uniform(0, 0.01))
        return ingest(self, kept, **how)

    def numbered(self: Ingest, transaction: TableTransaction, **how: Any) -> None:
        begin(self, transaction, **how)
        transaction.last_key = here.first

    def seal(self: TableTransaction) -> None:
        self.db.execute("UPDATE state SET last_key = max(last_key, ?)", (self.last_key,))

    SqliteStore.ingest = sequenced  # type: ignore[method-assign, assignment]
    Ingest.__init__ = numbered  # type: ignore[method-assign]
    TableTransaction.seal = seal  # type: ignore[method-assign]


def keep_others_out() -> None:
    """Whoever comes when there are too many connections is sent away, whoever holds them."""
    BoundedProtocol._make_room = BoundedProtocol._give_up  # type: ignore[method-assign]


def hold_any_number_of_answers() -> None:
    """There is always room for one answer more."""

    make = Room.__init__

    def roomy(self: Room, *_: int, **__: int) -> None:
        make(self, 1 << 60, of_one_max=1 << 60)

    Room.__init__ = roomy  # type: ignore[method-assign]


def leak_memory() -> None:
    """Something is kept of every request."""
    kept: list[bytes] = []
    _at_each_request(lambda: kept.append(b"x" * 100_000))


def leak_handles() -> None:
    """Every tenth request leaves a file open."""
    counted = itertools.count()
    _at_each_request(lambda: next(counted) % 10 or os.open("/dev/null", os.O_RDONLY))


def _at_each_request(act: Callable[[], object]) -> None:
    answer = App.__call__

    async def call(self: App, scope: Any, receive: Any, send: Any) -> None:
        act()
        await answer(self, scope, receive, send)

    App.__call__ = call  # type: ignore[method-assign]


def count_without_room() -> None:
    """The files that processes count in get their room on the disk when it is needed, or not."""
    metrics._take_room = lambda folder, number: None


LATER = Step(
    50,
    "0050_later",
    "UPDATE object SET class = 1;\nCREATE TABLE later AS WITH RECURSIVE number (one) AS"
    " (SELECT 1 UNION ALL SELECT one + 1 FROM number WHERE one < 200000) SELECT one FROM number;\n"
    "CREATE INDEX later_one ON later (one);",
)
"""A step forward that takes its time."""


def later_schema() -> None:
    """Not a fault, but a version to come, whose store has another schema."""
    steps = packaged("sqlite")
    schema.packaged = lambda kind: [*steps, LATER]  # type: ignore[attr-defined]


FAULTS: dict[str, Callable[[], None]] = {
    "acknowledge-before-commit": acknowledge_before_commit,
    "dates-before-the-lock": dates_before_the_lock,
    "keys-from-a-sequence": keys_from_a_sequence,
    "keep-others-out": keep_others_out,
    "hold-any-number-of-answers": hold_any_number_of_answers,
    "leak-memory": leak_memory,
    "leak-handles": leak_handles,
    "count-without-room": count_without_room,
    "later-schema": later_schema,
    "tell-before-commit": tell_before_commit,
    "disk-is-a-bug": disk_is_a_bug,
    "commit-what-failed": commit_what_failed,
}


def main() -> None:
    """The rest of the command line was run with the fault in it."""
    FAULTS[sys.argv.pop(1)]()
    from comity.cli.main import main

    main()


if __name__ == "__main__":
    main()
