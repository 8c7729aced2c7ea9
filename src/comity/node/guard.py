"""The guard on the clock (R25): while it may have been set wrongly, nothing leaves that only a date has opened.

The wall clock is compared with one that nobody sets. Where the two drift apart by more than five minutes, or the wall
clock is behind what it said before, it is *doubted* until a person confirms it. Meanwhile views are decided for two
instants, what it says and what it should say, and only what both allow leaves: what a date opens stays shut, and what a
date closes is shut. That a machine was off cannot be told from a clock that was set forward meanwhile.
"""

import threading
from dataclasses import dataclass

import msgspec

from comity.interfaces import Clock, instant_of, microseconds
from comity.store.interface import Snapshot, Store
from comity.store.records import Record

KIND = "clock"
SEEN = "clock_seen"
"""The setting that holds what the clocks last said, so that a new process knows it."""
JUMP_US = 5 * 60 * 1_000_000
LOOK_US = 3600 * 1_000_000
"""So often what the clocks say is taken as the new beginning; several small jumps in between add up."""


class Reading(msgspec.Struct, frozen=True):
    """What the wall clock said, and the steady one, which began to run with that boot of the machine."""

    wall: int
    steady: int
    boot: str


class Doubt(msgspec.Struct, frozen=True):
    """The clocks said `at`, where the wall clock should have said `trusted`."""

    at: Reading
    trusted: int


class Verdict(msgspec.Struct, frozen=True):
    """What is known of the clock from then on: a doubt, or that a person confirmed it when it said this."""

    at: Reading
    doubt: Doubt | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """The instant that the clock says, and the one that it should say, where it is doubted."""

    now: int
    trusted: int | None = None

    @property
    def best(self) -> int:
        """The instant that is most likely right."""
        return self.now if self.trusted is None else self.trusted

    @property
    def latest(self) -> int:
        """The instant at which more is over."""
        return max(self.now, self.best)


def doubt_words(moment: Moment) -> str:
    """A sentence on a clock that is doubted."""
    says, should = (instant_of(each).strftime("%Y-%m-%dT%H:%M:%SZ") for each in (moment.now, moment.best))
    return (
        f"The clock says {says} and should say {should}: what only a date opens does not leave"
        " before it is set right, and confirmed by comity clock confirm."
    )


class Guard:
    """Watches the clock for this process, and shares with all processes of the node what it finds. Safe to use from
    threads."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._begin: Reading | None = None
        self._asked_at = -1
        self._version = 0
        self._doubt: Doubt | None = None
        self._unwritten: Verdict | None = None
        self._unseen: Reading | None = None

    def moment(self, snapshot: Snapshot) -> Moment:
        """What the clock says now, and what to think of it. What is found is written by `settle`."""
        with self._lock:
            reading = self._read()
            doubt = self._known(snapshot, reading)
            if doubt is None:
                doubt = self._look(reading)
            return Moment(reading.wall, None if doubt is None else _trusted(doubt, reading))

    def look(self) -> Moment:
        """The same, and what is found is known to all processes."""
        with self._store.read() as snapshot:
            moment = self.moment(snapshot)
        self.settle()
        return moment

    def settle(self) -> None:
        """What was found since is in the store."""
        with self._lock:
            verdict, self._unwritten = self._unwritten, None
            seen, self._unseen = self._unseen, None
        if verdict is None and seen is None:
            return
        try:
            with self._store.write() as tx:
                if verdict is not None and _verdict_in(tx)[1].doubt is None:
                    tx.put_record(Record(KIND, KIND, KIND, msgspec.json.encode(verdict), changed_at=verdict.at.wall))
                if seen is not None:
                    tx.put_setting(SEEN, msgspec.json.encode(seen))
        except BaseException:
            with self._lock:
                self._unwritten, self._unseen = self._unwritten or verdict, self._unseen or seen
            raise

    def confirm(self) -> Moment:
        """The clock is right as it is, a person says; nothing is doubted any more."""
        reading = self._read()
        body = msgspec.json.encode(Verdict(reading))
        # Whoever has the writer's turn may be asking for the moment, so that the lock is not held while waiting for it.
        with self._store.write() as tx:
            tx.put_record(Record(KIND, KIND, KIND, body, changed_at=reading.wall))
            tx.put_setting(SEEN, msgspec.json.encode(reading))
        with self._lock:
            self._begin, self._doubt, self._unwritten, self._unseen = reading, None, None, None
        return Moment(reading.wall)

    def _read(self) -> Reading:
        """What both clocks say at one time: who was stopped in between reads again."""
        while True:
            boot, before = self._clock.steady()
            wall = microseconds(self._clock.now())
            _, after = self._clock.steady()
            if after - before < JUMP_US // 100:
                return Reading(wall, before, boot)

    def _known(self, snapshot: Snapshot, reading: Reading) -> Doubt | None:
        """The doubt that holds in this state of the store, or that this process found. From the first look on, and
        after a person has confirmed the clock, it is known from where drift is counted."""
        if self._begin is None:
            kept = snapshot.setting(SEEN)
            self._begin = reading if kept is None else msgspec.json.decode(kept, type=Reading)
            self._unseen = reading if kept is None else None
        if snapshot.admin_version != self._asked_at:
            version, verdict = _verdict_in(snapshot)
            self._asked_at = snapshot.admin_version
            if version < self._version:
                # An older snapshot knows less; what it doubts is doubted all the same.
                return verdict.doubt or self._doubt
            if version > self._version:
                self._version, self._doubt = version, verdict.doubt
                if verdict.doubt is None:
                    self._begin, self._unwritten = verdict.at, None
        return self._doubt or (None if self._unwritten is None else self._unwritten.doubt)

    def _look(self, reading: Reading) -> Doubt | None:
        begin = self._begin
        assert begin is not None
        if begin.boot != reading.boot:
            # Nothing says how long the machine was off, only that time does not run backwards.
            if reading.wall < begin.wall - JUMP_US:
                return self._found(Doubt(reading, begin.wall))
            self._begin = self._unseen = reading
            return None
        expected = begin.wall + reading.steady - begin.steady
        if abs(reading.wall - expected) > JUMP_US:
            return self._found(Doubt(reading, expected))
        if reading.steady - begin.steady >= LOOK_US:
            self._begin = self._unseen = reading
        return None

    def _found(self, doubt: Doubt) -> Doubt:
        self._unwritten = Verdict(doubt.at, doubt)
        return doubt


def _verdict_in(snapshot: Snapshot) -> tuple[int, Verdict]:
    """The newest verdict in that state of the store, with its version."""
    record = next(iter(snapshot.records(KIND)), None)
    if record is None:
        return 0, Verdict(Reading(0, 0, ""))
    return record.version, msgspec.json.decode(record.body, type=Verdict)


def _trusted(doubt: Doubt, reading: Reading) -> int:
    """What the wall clock should say. After another boot nobody knows, and it stands still."""
    return doubt.trusted + (reading.steady - doubt.at.steady if doubt.at.boot == reading.boot else 0)
