"""Statements of SQLite that are stopped when they take too long.

SQLite asks back only between its own steps, and full text takes one step for a walk through a whole index. So a thread
beside looks at what runs, and interrupts it. It counts what the processor worked for the thread that asked, so that a
busy machine stops nothing that is quick; whoever waits for a disk is stopped at a multiple by the clock.
"""

import sqlite3
import threading
import time
from contextlib import suppress
from typing import Any

LOOK_SECONDS = 0.02
WAITED_TIMES = 10
"""So many times as long a statement may take by the clock."""


class LimitedConnection(sqlite3.Connection):
    """A connection that knows since when its last statement runs. Without a limit it is as any other."""

    limit_seconds = 0.0
    _cpu = 0
    _cpu_began = 0.0
    _began = 0.0

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """See `sqlite3.Connection.execute`."""
        if self.limit_seconds:
            with _WATCH.turn:
                self._cpu = time.pthread_getcpuclockid(threading.get_ident())
                self._cpu_began, self._began = time.clock_gettime(self._cpu), time.monotonic()
        return super().execute(sql, parameters)

    def limit(self, seconds: float) -> None:
        """From now on each statement ends with an error after so long; 0 for no limit."""
        with _WATCH.turn:
            self.limit_seconds = seconds
            self._began = 0.0
        _WATCH.look_at(self, limited=bool(seconds))

    def is_over(self) -> bool:
        """The last statement, if it still runs, has had its time."""
        if not self._began:
            return False
        worked = time.clock_gettime(self._cpu) - self._cpu_began
        return worked > self.limit_seconds or time.monotonic() - self._began > self.limit_seconds * WAITED_TIMES


class _Watch:
    """The thread that looks at what runs, as long as there is a limit."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        """Nothing begins between a look and what follows from it."""
        self._some = threading.Condition()
        self._looked_at: dict[int, LimitedConnection] = {}
        self._thread: threading.Thread | None = None

    def look_at(self, connection: LimitedConnection, *, limited: bool) -> None:
        """The connection is looked at, or no more."""
        with self._some:
            if not limited:
                self._looked_at.pop(id(connection), None)
                return
            self._looked_at[id(connection)] = connection
            # A process that was forked has the lists of its parent, and not its threads.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="statement-limit", daemon=True)
                self._thread.start()
            self._some.notify()

    def _run(self) -> None:
        while True:
            with self._some:
                self._some.wait_for(lambda: bool(self._looked_at))
                some = list(self._looked_at.values())
            with self.turn:
                for connection in some:
                    # It is closed, or the thread that asked is gone, and with it whatever it asked.
                    with suppress(sqlite3.Error, OSError):
                        if connection.limit_seconds and connection.is_over():
                            connection.interrupt()
            time.sleep(LOOK_SECONDS)


_WATCH = _Watch()
