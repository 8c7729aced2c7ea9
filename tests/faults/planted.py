"""`comity` with one fault planted in it: each of them must be found by a driver, else the driver looks at nothing.

python tests/faults/planted.py FAULT serve --home HOME …
"""

import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from comity.store.sqlite import SqliteStore


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

    SqliteStore.ingest = early  # type: ignore[method-assign]


FAULTS: dict[str, Callable[[], None]] = {
    "acknowledge-before-commit": acknowledge_before_commit,
}


def main() -> None:
    """The rest of the command line was run with the fault in it."""
    FAULTS[sys.argv.pop(1)]()
    from comity.cli.main import main

    main()


if __name__ == "__main__":
    main()
