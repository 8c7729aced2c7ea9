"""Group commit: those who wait for the writer's turn at once share one, and one commit (R31)."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from comity.errors import ComityError, StoreUnavailable
from comity.store.interface import Store, Transaction

SHARED_MOST = 64
"""So many share one transaction at most."""
T = TypeVar("T")


@dataclass(slots=True)
class _Waiting:
    """One who waits: `leads` once it is its turn to write for all."""

    job: Callable[[Transaction], Any]
    ready: threading.Event = field(default_factory=threading.Event)
    leads: bool = False
    value: Any = None
    error: BaseException | None = None


class Turns:
    """Safe to use from threads. A queue that is idle waits for nothing: whoever comes alone writes at once, and those
    who come meanwhile go together behind."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._waiting: list[_Waiting] = []
        self._busy = False

    def take(self, job: Callable[[Transaction], T]) -> T:
        """What the job answers, once all that it did is committed. It reads and refuses before it writes: when it
        raises, others go on; trouble of the store is everybody's."""
        mine = _Waiting(job)
        with self._lock:
            self._waiting.append(mine)
            if not self._busy:
                self._busy = mine.leads = True
        if not mine.leads:
            mine.ready.wait()
        if mine.leads:
            self._lead()
        if mine.error is not None:
            raise mine.error
        found: T = mine.value
        return found

    def _lead(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting[:SHARED_MOST], self._waiting[SHARED_MOST:]
        try:
            self._write(batch)
        finally:
            with self._lock:
                self._busy = bool(self._waiting)
                if self._waiting:
                    self._waiting[0].leads = True
                    self._waiting[0].ready.set()
            for one in batch:
                one.ready.set()

    def _write(self, batch: list[_Waiting]) -> None:
        try:
            with self._store.write() as tx:
                for one in batch:
                    tx.actor = ""
                    try:
                        one.value = one.job(tx)
                    except StoreUnavailable:
                        raise
                    except ComityError as error:
                        one.error = error
        except BaseException as error:
            for one in batch:
                one.error = one.error or error
