"""What was read is noted behind (R44): it is buffered for at most a second, and written in one transaction. The pages
that one account read within it are one row.

A process that is killed loses what it noted within that second. The same again by the same account within an hour is
counted beside its row. Where the log cannot be written, so much is buffered and no more: then reading is refused.
"""

import hashlib
import json
import logging
import threading
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyroaring import BitMap

from comity.errors import ComityError, StoreUnavailable
from comity.interfaces import Clock, microseconds
from comity.node.restricted import Restricted
from comity.store.audit import AuditRow, Noted
from comity.store.interface import Store
from comity.store.views import Keys

FLUSH_SECONDS = 1.0
COUNTS_SECONDS = 60.0
"""Rows are written within the first, what is only counted within the second."""
AGAIN_US = 3600 * 1_000_000
HOUR_US = 3600 * 1_000_000
VISITS_US = 60 * 1_000_000
WAITING_MOST = 10_000
KNOWN_MOST = 8_192
NETWORKS_MOST = 50
FAILED = "failed-sign-ins"

_log = logging.getLogger("comity.audit")

Whose = tuple[str, str, str, str]
"""Account, act, address and purpose."""
Place = tuple[Whose, Hashable]
"""Whose, and what tells what was read from all else."""


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
    """SHA-256 over the keys of these copies, as a Roaring bitmap in the portable format with runs."""
    packed = keys.copy()
    packed.run_optimize()
    return hashlib.sha256(packed.serialize()).digest()


@dataclass(slots=True)
class _Seen:
    """When it was noted first, and by which row; 0 while that is not written."""

    at: int
    row: int = 0


@dataclass(slots=True)
class _Pages:
    """Pages that are not written yet: when the first of them was read, and which copies are on them."""

    at: int
    places: list[Place] = field(default_factory=list)
    keys: list[Keys] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Full:
    """What was noted since it was last written."""

    notes: list[tuple[Place, Noted]] = field(default_factory=list)
    pages: dict[Whose, _Pages] = field(default_factory=dict)
    again: dict[Place, tuple[int, int]] = field(default_factory=dict)
    failed: Counter[str] = field(default_factory=Counter)
    uses: dict[str, int] = field(default_factory=dict)
    visits: dict[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.notes or self.pages or self.again or self.failed or self.uses or self.visits)

    def take_back(self, more: "_Full") -> None:
        """What could not be written waits with the rest."""
        self.notes[:0] = more.notes
        for whose, pages in more.pages.items():
            mine = self.pages.setdefault(whose, _Pages(pages.at))
            mine.at = min(mine.at, pages.at)
            mine.places += pages.places
            mine.keys += pages.keys
        for place, (times, at) in more.again.items():
            mine_times, later = self.again.get(place, (0, at))
            self.again[place] = (mine_times + times, later)
        self.failed.update(more.failed)
        self.uses.update({**more.uses, **self.uses})
        self.visits.update({**more.visits, **self.visits})


class Looks:
    """The buffer of one process. Safe to use from threads."""

    def __init__(self, store: Store, clock: Clock, restricted: Restricted) -> None:
        self._store = store
        self._restricted = restricted
        self._clock = clock
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._full = _Full()
        self._waiting = 0
        self._seen: dict[Place, _Seen] = {}
        self._used: dict[str, int] = {}
        self._timer: threading.Timer | None = None
        self._soon = False
        self._closed = False

    def read(self, whose: Whose, what: Hashable, keys: Keys) -> None:
        """A page with these copies was read, of which some are restricted. StoreUnavailable where so much waits
        already, and cannot be written."""
        now = microseconds(self._clock.now())
        place = (whose, what)
        with self._lock:
            if self._is_again(place, now):
                return
        self._make_room(place)
        with self._lock:
            self._seen[place] = _Seen(now)
            self._waiting += 1
            pages = self._full.pages.setdefault(whose, _Pages(now))
            pages.places.append(place)
            pages.keys.append(keys)
            self._start(FLUSH_SECONDS)

    def note(self, whose: Whose, what: Mapping[str, Any]) -> None:
        """It is noted, as a row of its own. StoreUnavailable as with `read`."""
        now = microseconds(self._clock.now())
        account, act, address, purpose = whose
        place = (whose, json.dumps(what, sort_keys=True))
        with self._lock:
            if self._is_again(place, now):
                return
        self._make_room(place)
        with self._lock:
            self._seen[place] = _Seen(now)
            self._waiting += 1
            self._full.notes.append((place, Noted(account, act, what, address, purpose, now)))
            self._start(FLUSH_SECONDS)

    def _is_again(self, place: Place, now: int) -> bool:
        """The same account did the same within an hour, and that is counted."""
        seen = self._seen.get(place)
        if seen is None or not seen.at <= now < seen.at + AGAIN_US:
            return False
        times, _ = self._full.again.get(place, (0, 0))
        self._full.again[place] = (times + 1, now)
        self._start(COUNTS_SECONDS)
        return True

    def _make_room(self, place: Place) -> None:
        if self._waiting >= WAITING_MOST:
            self.flush()
        with self._lock:
            self._seen.pop(place, None)
            while len(self._seen) >= KNOWN_MOST:
                oldest = next(iter(self._seen))
                if not self._seen[oldest].row or oldest in self._full.again:
                    return
                del self._seen[oldest]

    def failed(self, counts: Mapping[str, int]) -> None:
        """So many sign-ins failed from these networks, or for these accounts."""
        with self._lock:
            self._full.failed.update(counts)
            self._start(FLUSH_SECONDS)

    def used(self, account: str) -> None:
        """The account or token was used now."""
        now = microseconds(self._clock.now())
        if now - self._used.get(account, -HOUR_US) < HOUR_US:
            return
        with self._lock:
            self._used[account] = self._full.uses[account] = now
            self._start(COUNTS_SECONDS)

    def visited(self, session: str, seen: int) -> None:
        """Somebody came now with the session that was last seen then, as far as the store knows."""
        now = microseconds(self._clock.now())
        if now - seen < VISITS_US:
            return
        with self._lock:
            self._full.visits[session] = now
            self._start(COUNTS_SECONDS)

    def flush(self) -> None:
        """All that was noted is in the store."""
        with self._flushing:
            with self._lock:
                full, self._full = self._full, _Full()
                waiting, self._waiting = self._waiting, 0
                rows = {place: self._seen[place].row for place in full.again}
            if not full:
                return
            try:
                written = self._write(full, rows)
            except BaseException:
                with self._lock:
                    self._full.take_back(full)
                    self._waiting += waiting
                raise
            with self._lock:
                for place, row in written.items():
                    if place in self._seen:
                        self._seen[place].row = row

    def _write(self, full: _Full, rows: Mapping[Place, int]) -> dict[Place, int]:
        """It is in the store; the row of each place that is new there."""
        made = [([place], note) for place, note in full.notes] + list(self._pages(full.pages))
        if full.failed:
            what = {"networks": dict(full.failed.most_common(NETWORKS_MOST)), "in_all": full.failed.total()}
            made.append(([], Noted("", FAILED, what)))
        made.sort(key=lambda one: one[1].at or 2**62)
        with self._store.write() as tx:
            first = tx.note(*(note for _, note in made))
            written = {place: first + number for number, (places, _) in enumerate(made) for place in places}
            counts: dict[int, tuple[int, int]] = {}
            for place, (times, at) in full.again.items():
                row = written.get(place, rows[place])
                before, later = counts.get(row, (0, 0))
                counts[row] = (before + times, max(later, at))
            tx.add_read_again(counts)
            tx.put_uses(full.uses)
            tx.see_sessions(full.visits)
        return written

    def _pages(self, pages: Mapping[Whose, _Pages]) -> Iterator[tuple[list[Place], Noted]]:
        """The pages of each account as one note."""
        if not pages:
            return
        with self._store.read() as snapshot:
            for (account, act, address, purpose), some in pages.items():
                keys = BitMap.union(*some.keys)
                what = {
                    "pages": len(some.keys),
                    "objects": len(keys),
                    "restricted": self._restricted.among(snapshot, keys),
                    "digest": digest_of_keys(keys).hex(),
                }
                yield some.places, Noted(account, act, what, address, purpose, some.at)

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
