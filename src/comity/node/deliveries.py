"""How much leaves for each partner and client, the caps of their agreements, and who reads nothing any more (R63).

With a cap set, what leaves is counted in the store, and compared with the cap, before the page is told: so the cap
holds whatever other processes do. Without one it is counted in memory and written behind, each minute or so and at the
end.
"""

import logging
import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from comity.errors import ComityError, OverCap, StoreUnavailable
from comity.interfaces import Clock, instant_of, microseconds
from comity.node import deciding
from comity.node.deciding import Decided
from comity.node.recipients import UNUSED_US, Partner, partners
from comity.store.deliveries import HOUR_US, LEARNED_HOURS, Delivered, Usage
from comity.store.interface import Snapshot, Store, Transaction

DAY_HOURS = 24
FLUSH_SECONDS = 60.0
USUAL_TIMES = 2
"""Over so many times the usual a person is told."""
WITHOUT_BOUND = 2**62
PAUSED = "Delivery to this credential is paused: it has had as much as the agreement lets it have."

_log = logging.getLogger("comity.release")


@dataclass(frozen=True, slots=True)
class Amount:
    """So many objects, and the bytes of their bodies."""

    objects: int = 0
    bytes: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.objects + other.objects, self.bytes + other.bytes)

    def fits(self, other: "Amount") -> bool:
        """It is not more than the other, in objects or in bytes."""
        return self.objects <= other.objects and self.bytes <= other.bytes


@dataclass(frozen=True, slots=True)
class Usual:
    """The most that left in an hour and in a day of the first 14 days of activity."""

    hour: Amount
    day: Amount


def hour_of(now: int) -> int:
    """The hour since 1970 (UTC) of the instant."""
    return now // HOUR_US


def sum_of(rows: Sequence[Delivered], first: int, last: int) -> Amount:
    """What left in these hours, both included."""
    some = [row for row in rows if first <= row.hour <= last]
    return Amount(sum(row.objects for row in some), sum(row.bytes for row in some))


def recent(snapshot: Snapshot, recipient: str, now: int) -> tuple[Amount, Amount]:
    """What left for the recipient in this hour, and on this day (UTC)."""
    return recent_of(snapshot.delivered(recipient, hour_of(now) // DAY_HOURS * DAY_HOURS), now)


def recent_of(rows: Sequence[Delivered], now: int) -> tuple[Amount, Amount]:
    """The same out of these hours."""
    hour = hour_of(now)
    first = hour - hour % DAY_HOURS
    return sum_of(rows, hour, hour), sum_of(rows, first, first + DAY_HOURS - 1)


def usual_of(rows: Sequence[Delivered], now: int) -> Usual | None:
    """What is usual, learned from the first 14 days; None while these are not over. `rows` are all hours."""
    if not rows or hour_of(now) < rows[0].hour + LEARNED_HOURS:
        return None
    learned = [row for row in rows if row.hour < rows[0].hour + LEARNED_HOURS]
    days: defaultdict[int, Amount] = defaultdict(Amount)
    for row in learned:
        days[row.hour // DAY_HOURS] += Amount(row.objects, row.bytes)
    hour = Amount(max(row.objects for row in learned), max(row.bytes for row in learned))
    return Usual(hour, Amount(max(each.objects for each in days.values()), max(each.bytes for each in days.values())))


def is_unusual(usual: Usual | None, hour: Amount, day: Amount) -> bool:
    """More leaves than twice the usual."""
    if usual is None:
        return False
    pairs = ((hour, usual.hour), (day, usual.day))
    return not all(now.fits(Amount(USUAL_TIMES * of.objects, USUAL_TIMES * of.bytes)) for now, of in pairs)


def used_at(snapshot: Snapshot, partner: Partner) -> int | None:
    """When the partner was activated or resumed, was last answered, or last got a token, whichever was last. None where
    it has no token, and so nothing to read with, or never was active."""
    tokens = [token.created_at for token in snapshot.tokens() if token.recipient == partner.id]
    if not tokens or partner.activated_at is None:
        return None
    return max(partner.activated_at, snapshot.usage(partner.id).read_at, *tokens)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a partner stands. `reason` says why it is in a state that nobody put it into. From `unused_from` on it is
    suspended, if it reads nothing before; until `paused_until` a cap pauses it (microseconds since 1970)."""

    state: str
    reason: str = ""
    used_at: int | None = None
    unused_from: int | None = None
    paused_until: int | None = None
    hour: Amount = Amount()
    day: Amount = Amount()
    usual: Usual | None = None
    unusual: bool = False


def standing_of(snapshot: Snapshot, partner: Partner, now: int) -> Standing:
    """How the partner stands at that instant, as far as the store knows."""
    used, usage = used_at(snapshot, partner), snapshot.usage(partner.id)
    state = partner.state_at(now, used)
    rows = snapshot.delivered(partner.id)
    (hour, day), usual = recent_of(rows, now), usual_of(rows, now)
    return Standing(
        state,
        _reason(partner, state, now),
        usage.read_at or None,
        used + UNUSED_US if used is not None and partner.state == "active" else None,
        usage.paused_until if is_paused(usage, partner, now) else None,
        hour,
        day,
        usual,
        is_unusual(usual, hour, day),
    )


def is_paused(usage: Usage, partner: Partner, now: int) -> bool:
    """A cap has paused delivery to the partner, as far as the store knows."""
    return usage.paused_until > now and partner.has_caps


def _reason(partner: Partner, state: str, now: int) -> str:
    if state == partner.state:
        return ""
    if state == "suspended":
        return "unused"
    over = partner.agreement_until is not None and partner.agreement_until <= now
    return "agreement" if over else "service"


class Deliveries:
    """The counts of this process, and what it asks of those in the store. Safe to use from threads."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._counts: dict[tuple[str, int], Amount] = {}
        self._read: dict[str, int] = {}
        self._again: dict[int, tuple[int, int]] = {}
        self._decided: dict[str, Decided] = {}
        self._known: dict[str, int] = {}
        self._paused: dict[str, int] = {}
        self._judged: dict[str, int] = {}
        self._seen: dict[str, int] = {}
        self._timer: threading.Timer | None = None
        self._closed = False

    # -- caps ---------------------------------------------------------------------------------------------------------
    def left(self, snapshot: Snapshot, partner: Partner, now: int) -> Amount:
        """How much may still leave now. OverCap where nothing may."""
        if not partner.has_caps:
            return Amount(WITHOUT_BOUND, WITHOUT_BOUND)
        rooms = _rooms(partner, *recent(snapshot, partner.id, now))
        least = Amount(min(room.objects for room in rooms), min(room.bytes for room in rooms))
        if least.objects <= 0 or least.bytes <= 0:
            raise self.over(snapshot, partner, now, Amount(1, 1))
        return least

    def over(self, snapshot: Snapshot, partner: Partner, now: int, wanted: Amount) -> OverCap:
        """The error for who wants so much more than fits; it says when to come again, and nothing of what there is."""
        _, today = _rooms(partner, *recent(snapshot, partner.id, now))
        length = 1 if wanted.fits(today) else DAY_HOURS
        until = (hour_of(now) // length + 1) * length * HOUR_US
        seconds = -((now - until) // 1_000_000)
        return OverCap(PAUSED, retry_after_seconds=seconds, hint=f"Ask again in {seconds} seconds.")

    def count(self, tx: Transaction, partner: Partner, amount: Amount, now: int) -> bool:
        """So much leaves, and is counted with the transaction. False, and nothing counted, where it fits no more."""
        if not all(amount.fits(room) for room in _rooms(partner, *recent(tx, partner.id, now))):
            return False
        tx.add_delivered(partner.id, Delivered(hour_of(now), amount.objects, amount.bytes))
        kept = tx.usage(partner.id)
        self._put(tx, partner.id, replace(kept, read_at=_coarse(kept.read_at, now), paused_until=0), kept)
        with self._lock:
            self._paused.pop(partner.id, None)
            judges = now - self._judged.get(partner.id, 0) >= FLUSH_SECONDS * 1_000_000
            self._judged[partner.id] = now if judges else self._judged[partner.id]
        if judges:
            self._judge(tx, partner.id, partner.name, now)
        return True

    def pause(self, partner: Partner, error: OverCap, now: int) -> None:
        """It is known to all, and logged once, that delivery to the partner is paused by a cap."""
        until = now + error.retry_after_seconds * 1_000_000
        with self._lock:
            # The seconds of `retry_after_seconds` are rounded up.
            if self._paused.get(partner.id, 0) >= until - 1_000_000:
                return
            self._paused[partner.id] = until
        _log.warning("delivery to %s is paused by a cap until %s", partner.name, instant_of(until).isoformat())
        with self._store.write() as tx:
            kept = tx.usage(partner.id)
            self._put(tx, partner.id, replace(kept, paused_until=max(kept.paused_until, until)), kept)

    # -- use ----------------------------------------------------------------------------------------------------------
    def used_at(self, snapshot: Snapshot, partner: Partner, now: int) -> int | None:
        """When the partner was last used, or a little earlier; None where it cannot read. The store is asked only where
        what this process knows would suspend it."""
        seen = self._seen.get(partner.id)
        if seen is not None and seen + UNUSED_US > now:
            return seen
        used = used_at(snapshot, partner)
        if used is not None:
            self._seen[partner.id] = used
        return used

    # -- counting behind ----------------------------------------------------------------------------------------------
    def note(self, recipient: str, amount: Amount, now: int) -> None:
        """The recipient was answered, and so much left for it; it is written behind."""
        self._seen[recipient] = now
        with self._lock:
            due = bool(amount.objects) or now - self._known.get(recipient, 0) >= HOUR_US
            if amount.objects:
                place = (recipient, hour_of(now))
                self._counts[place] = self._counts.get(place, Amount()) + amount
            if due:
                self._read[recipient] = now
                self._start()

    def note_again(self, entry: int, now: int) -> None:
        """What left by that entry left once more; it is written behind."""
        with self._lock:
            times, _ = self._again.get(entry, (0, 0))
            self._again[entry] = (times + 1, now)
            self._start()

    def note_decided(self, decided: Decided) -> None:
        """That is decided for a recipient for whom nothing leaves now; it is entered behind, unless something else was
        entered for it before."""
        with self._lock:
            self._decided[decided.recipient] = decided
            self._start()

    def _start(self) -> None:
        if self._timer is None and not self._closed:
            self._timer = threading.Timer(FLUSH_SECONDS, self._behind)
            self._timer.daemon = True
            self._timer.start()

    def _behind(self) -> None:
        with self._lock:
            self._timer = None
        try:
            self.flush()
        except ComityError as error:
            _log.warning("counts of what left wait: %s", error.message)
            with self._lock:
                self._start()

    def settle(self, recipient: str) -> None:
        """Nothing that left for the recipient is counted in this memory alone."""
        if any(each == recipient for each, _ in list(self._counts)):
            self.flush()

    def flush(self) -> None:
        """All that was counted in memory is in the store."""
        with self._flushing:
            with self._lock:
                counts, read, again, decided = self._counts, self._read, self._again, self._decided
                self._counts, self._read, self._again, self._decided = {}, {}, {}, {}
            if not counts and not read and not again and not decided:
                return
            try:
                now = microseconds(self._clock.now())
                with self._store.write() as tx:
                    names = {one.id: one.name for one in partners(tx)}
                    tx.add_again(again)
                    for one in decided.values():
                        if tx.decided(one.recipient)[0] == one.last:
                            deciding.enter(tx, one)
                    for (recipient, hour), amount in counts.items():
                        tx.add_delivered(recipient, Delivered(hour, amount.objects, amount.bytes))
                    for recipient, at in read.items():
                        kept = tx.usage(recipient)
                        self._put(tx, recipient, replace(kept, read_at=_coarse(kept.read_at, at)), kept)
                    for recipient in {recipient for recipient, _ in counts}:
                        self._judge(tx, recipient, names.get(recipient, recipient), now)
            except BaseException:
                self._take_back(counts, read, again, decided)
                raise

    def _take_back(
        self,
        counts: dict[tuple[str, int], Amount],
        read: dict[str, int],
        again: dict[int, tuple[int, int]],
        decided: dict[str, Decided],
    ) -> None:
        with self._lock:
            for entry, (times, at) in again.items():
                more, later = self._again.get(entry, (0, at))
                self._again[entry] = (times + more, later)
            for place, amount in counts.items():
                self._counts[place] = self._counts.get(place, Amount()) + amount
            self._read = {**read, **self._read}
            self._decided = {**decided, **self._decided}

    def close(self) -> None:
        """All that was counted is in the store, if it can be written; nothing is written behind any more."""
        with self._lock:
            self._closed = True
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        try:
            self.flush()
        except StoreUnavailable as error:
            _log.warning("counts of what left are lost: %s", error.message)

    def _put(self, tx: Transaction, recipient: str, usage: Usage, kept: Usage) -> None:
        if usage != kept:
            tx.put_usage(recipient, usage)
        with self._lock:
            self._known[recipient] = usage.read_at

    def _judge(self, tx: Transaction, recipient: str, name: str, now: int) -> None:
        """Who takes more than twice the usual is told of, once a day."""
        kept, today = tx.usage(recipient), hour_of(now) // DAY_HOURS
        if kept.told_day >= today:
            return
        rows = tx.delivered(recipient)
        if is_unusual(usual_of(rows, now), *recent_of(rows, now)):
            tx.put_usage(recipient, replace(kept, told_day=today))
            _log.warning("%s takes more than %d times what is usual for it", name, USUAL_TIMES)


def _coarse(kept: int, now: int) -> int:
    """When the recipient was last answered, to the hour, so that not every answer is a write."""
    return now if now - kept >= HOUR_US else kept


def _rooms(partner: Partner, hour: Amount, day: Amount) -> tuple[Amount, Amount]:
    """How much still fits into this hour and this day."""
    return (
        Amount(_room(partner.cap_objects_hour, hour.objects), _room(partner.cap_bytes_hour, hour.bytes)),
        Amount(_room(partner.cap_objects_day, day.objects), _room(partner.cap_bytes_day, day.bytes)),
    )


def _room(cap: int | None, used: int) -> int:
    return WITHOUT_BOUND if cap is None else max(0, cap - used)
