"""What was read is noted behind (R44): it is buffered for at most a second, and written in one transaction.

A process that is killed loses what it noted within that second. The same again by the same account within an hour is
counted beside its row. Where the log cannot be written, so much is buffered and no more: then reading is refused.
"""

import hashlib
import json
import logging
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from comity.errors import ComityError, StoreUnavailable
from comity.interfaces import Clock, microseconds
from comity.store.audit import AuditRow, Noted
from comity.store.interface import Store
from comity.store.views import Keys

FLUSH_SECONDS = 1.0
COUNTS_SECONDS = 60.0
"""Rows are written within the first, what is only counted within the second."""
AGAIN_US = 3600 * 1_000_000
HOUR_US = 3600 * 1_000_000
WAITING_MOST = 10_000
KNOWN_MOST = 4_096
NETWORKS_MOST = 50
FAILED = "failed-sign-ins"

_log = logging.getLogger("comity.audit")

Place = tuple[str, str, str, str, bytes]
"""Account, act, address, purpose, and the digest of what was read."""


def forward(rows: Sequence[AuditRow]) -> None:
    """Each row is a line of JSON on the logger `comity.audit`."""
    if not _log.isEnabledFor(logging.INFO):
        return
    for row in rows:
        values = {
            "number": row.number,
            "at": row.at,
            "account": row.account,
            "address": row.address,
            "act": row.act,
            "what": json.loads(row.what),
            "purpose": row.purpose,
            "hash": row.hash.hex(),
        }
        _log.info("%s", _Line(values), extra={"values": {**values, "event": "audit"}})


class _Line:
    """The values as a line of JSON, made where somebody wants it as text."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def __str__(self) -> str:
        return json.dumps(self._values)


def digest_of_keys(keys: Keys) -> bytes:
    """SHA-256 over the keys of these copies, as a Roaring bitmap in the portable format with runs. Lists of numbers
    would cost ten times as much, for every page."""
    packed = keys.copy()
    packed.run_optimize()
    return hashlib.sha256(packed.serialize()).digest()


@dataclass(slots=True)
class _Seen:
    """When it was noted first, and by which row; 0 while that is not written."""

    at: int
    row: int = 0


class Looks:
    """The buffer of one process. Safe to use from threads."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._waiting: list[tuple[Place, Noted]] = []
        self._seen: dict[Place, _Seen] = {}
        self._again: dict[Place, tuple[int, int]] = {}
        self._failed: Counter[str] = Counter()
        self._used: dict[str, int] = {}
        self._uses: dict[str, int] = {}
        self._timer: threading.Timer | None = None
        self._soon = False
        self._closed = False

    def is_again(self, place: Place) -> bool:
        """The same account did the same within an hour, and that is counted."""
        now = microseconds(self._clock.now())
        with self._lock:
            seen = self._seen.get(place)
            if seen is None or not seen.at <= now < seen.at + AGAIN_US:
                return False
            times, _ = self._again.get(place, (0, 0))
            self._again[place] = (times + 1, now)
            self._start(COUNTS_SECONDS)
        return True

    def note(self, place: Place, what: Mapping[str, Any]) -> None:
        """It is noted. StoreUnavailable where so much waits already, and cannot be written."""
        if len(self._waiting) >= WAITING_MOST:
            self.flush()
        now = microseconds(self._clock.now())
        account, act, address, purpose, _ = place
        with self._lock:
            self._seen.pop(place, None)
            self._make_room()
            self._seen[place] = _Seen(now)
            self._waiting.append((place, Noted(account, act, what, address, purpose, now)))
            self._start(FLUSH_SECONDS)

    def _make_room(self) -> None:
        while len(self._seen) >= KNOWN_MOST:
            oldest = next(iter(self._seen))
            if not self._seen[oldest].row or oldest in self._again:
                return
            del self._seen[oldest]

    def failed(self, counts: Mapping[str, int]) -> None:
        """So many sign-ins failed from these networks, or for these accounts."""
        with self._lock:
            self._failed.update(counts)
            self._start(FLUSH_SECONDS)

    def used(self, account: str) -> None:
        """The account or token was used now."""
        now = microseconds(self._clock.now())
        if now - self._used.get(account, -HOUR_US) < HOUR_US:
            return
        with self._lock:
            self._used[account] = self._uses[account] = now
            self._start(COUNTS_SECONDS)

    def flush(self) -> None:
        """All that was noted is in the store."""
        with self._flushing:
            with self._lock:
                waiting, again, failed, uses = self._waiting, self._again, self._failed, self._uses
                self._waiting, self._again, self._failed, self._uses = [], {}, Counter(), {}
                known = {place: self._seen[place].row for place in again}
            if not waiting and not again and not failed and not uses:
                return
            try:
                self._write(waiting, {place: (known[place], *again[place]) for place in again}, failed, uses)
            except BaseException:
                self._take_back(waiting, again, failed, uses)
                raise

    def _write(
        self,
        waiting: list[tuple[Place, Noted]],
        again: dict[Place, tuple[int, int, int]],
        failed: Counter[str],
        uses: dict[str, int],
    ) -> None:
        notes = [note for _, note in waiting]
        if failed:
            what = {"networks": dict(failed.most_common(NETWORKS_MOST)), "in_all": failed.total()}
            notes.append(Noted("", FAILED, what))
        with self._store.write() as tx:
            first = tx.note(*notes)
            rows = {place: first + number for number, (place, _) in enumerate(waiting)}
            tx.add_read_again({rows.get(place, row): (times, at) for place, (row, times, at) in again.items()})
            tx.put_uses(uses)
        with self._lock:
            for place, row in rows.items():
                if place in self._seen:
                    self._seen[place].row = row

    def _take_back(
        self,
        waiting: list[tuple[Place, Noted]],
        again: dict[Place, tuple[int, int]],
        failed: Counter[str],
        uses: dict[str, int],
    ) -> None:
        with self._lock:
            self._waiting = waiting + self._waiting
            for place, (times, at) in again.items():
                more, later = self._again.get(place, (0, at))
                self._again[place] = (times + more, later)
            self._failed.update(failed)
            self._uses = {**uses, **self._uses}

    def close(self) -> None:
        """All that was noted is in the store, if it can be written; nothing is written behind any more."""
        with self._lock:
            self._closed = True
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        try:
            self.flush()
        except StoreUnavailable as error:
            _log.warning("rows of the audit log are lost: %s", error.message)

    def _start(self, seconds: float) -> None:
        soon = seconds == FLUSH_SECONDS
        if self._closed or (self._timer is not None and (self._soon or not soon)):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._soon = soon
        self._timer = threading.Timer(seconds, self._behind)
        self._timer.daemon = True
        self._timer.start()

    def _behind(self) -> None:
        with self._lock:
            self._timer = None
        try:
            self.flush()
        except ComityError as error:
            _log.warning("the audit log waits: %s", error.message)
            with self._lock:
                self._start(FLUSH_SECONDS)
