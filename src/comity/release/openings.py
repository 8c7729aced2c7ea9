"""What was opened to a recipient, in which order, and since when (R27 to R29).

Publications have rising numbers; a recipient sees some of them. Those that become visible together are one *opening*:
the first has the date of the opening, each further one a microsecond more, so that neither order nor dates tell of
anything that is withheld. A number that was withdrawn from view and comes back is opened anew. So a client that polls
with the greatest date it has seen ends with exactly what is visible, whatever happened in between.

Openings are kept in *stretches*, in each of which numbers rise.
"""

import struct
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from pyroaring import BitMap

RUNS_MOST = 256
"""Openings in one stretch; a longer one costs more to write again each time."""
STRETCH_BYTES_MOST = 16 * 1024
NUMBER_MOST = 2**32 - 1

_HEAD = struct.Struct("<BIII")
_RUN = struct.Struct("<IQI")
_FORM = 1


@dataclass(frozen=True, slots=True)
class Run:
    """One opening within a stretch: its first number, its date, and how many numbers of the stretch stand before."""

    first: int
    at: int
    before: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Openings whose numbers rise from one to the next. `gone` are the numbers that are visible no more; the dates of
    the others do not move when one goes."""

    opened: BitMap
    gone: BitMap
    runs: tuple[Run, ...]

    @property
    def left(self) -> BitMap:
        """The numbers that are visible."""
        return self.opened - self.gone if self.gone else self.opened

    def date(self, number: int) -> int:
        """When the number was opened; it must have been."""
        run = self.runs[bisect_right(self.runs, number, key=lambda each: each.first) - 1]
        return run.at + self.opened.rank(number) - 1 - run.before

    @property
    def last_date(self) -> int:
        """The date of the last number."""
        return self.date(self.opened.max())

    def last_at(self, date: int) -> int:
        """The last number that was opened at that date or before; 0 where none was."""
        place = bisect_right(self.runs, date, key=lambda each: each.at) - 1
        if place < 0:
            return 0
        run = self.runs[place]
        end = self.runs[place + 1].before if place + 1 < len(self.runs) else len(self.opened)
        return int(self.opened[min(run.before + date - run.at, end - 1)])

    def with_opening(self, numbers: BitMap, at: int) -> "Stretch | None":
        """The same with one more opening; None where it would not rise, or the stretch would grow too long."""
        if numbers.min() <= self.opened.max() or len(self.runs) == RUNS_MOST or len(self.pack()) > STRETCH_BYTES_MOST:
            return None
        run = Run(numbers.min(), at, len(self.opened))
        return Stretch(self.opened | numbers, self.gone, (*self.runs, run))

    def pack(self) -> bytes:
        """The bytes that `unpack` reads."""
        opened, gone = self.opened.serialize(), self.gone.serialize()
        runs = b"".join(_RUN.pack(run.first, run.at, run.before) for run in self.runs)
        return _HEAD.pack(_FORM, len(self.runs), len(opened), len(gone)) + runs + opened + gone

    @classmethod
    def unpack(cls, raw: bytes) -> "Stretch":
        """The stretch that was packed."""
        form, runs, opened, gone = _HEAD.unpack_from(raw)
        if form != _FORM:
            raise ValueError(f"a stretch of form {form} was written by another version")
        start = _HEAD.size + runs * _RUN.size
        return cls(
            BitMap.deserialize(raw[start : start + opened]),
            BitMap.deserialize(raw[start + opened : start + opened + gone]),
            tuple(Run(*each) for each in _RUN.iter_unpack(raw[_HEAD.size : start])),
        )


@dataclass(frozen=True, slots=True)
class Page:
    """Numbers in the order in which they were opened, the position of each, and whether more follow."""

    numbers: list[int]
    positions: list[int]
    more: bool


class Openings:
    """All that was opened to one recipient in one reading. A *position* is a number that says where to go on, 0 for the
    beginning; it stays good whatever is opened or goes later."""

    def __init__(self, stretches: Iterable[Stretch] = ()) -> None:
        self.stretches = tuple(stretches)
        self._left = [stretch.left for stretch in self.stretches]

    @classmethod
    def read(cls, bodies: Iterable[bytes]) -> "Openings":
        """From the packed stretches, in order."""
        return cls(map(Stretch.unpack, bodies))

    @property
    def visible(self) -> BitMap:
        """The numbers that are visible."""
        return BitMap.union(BitMap(), *self._left)

    def caught_up(self, visible: BitMap, now: int) -> "tuple[Openings, dict[int, bytes]]":
        """Exactly these numbers are visible, those that were not before since `now` or, where that is not later than
        all dates given before, since the microsecond after; and the stretches that changed, packed, by place."""
        before = self.visible
        new, gone = visible - before, before - visible
        if not new and not gone:
            return self, {}
        stretches = list(self.stretches)
        changed = set()
        for place, stretch in enumerate(stretches):
            if gone and self._left[place].intersect(gone):
                stretches[place] = Stretch(stretch.opened, stretch.gone | (gone & stretch.opened), stretch.runs)
                changed.add(place)
        if new:
            last = stretches[-1] if stretches else None
            at = now if last is None else max(now, last.last_date + 1)
            longer = None if last is None else last.with_opening(new, at)
            if longer is not None:
                stretches[-1] = longer
            else:
                stretches.append(Stretch(_optimised(new), BitMap(), (Run(new.min(), at, 0),)))
            changed.add(len(stretches) - 1)
        return Openings(stretches), {place: stretches[place].pack() for place in sorted(changed)}

    def after_date(self, date: int) -> int:
        """The position behind everything that was opened at that date or before."""
        place = bisect_right(self.stretches, date, key=lambda each: each.runs[0].at) - 1
        return _position(place, self.stretches[place].last_at(date)) if place >= 0 else 0

    def page(self, after: int, limit: int, within: BitMap | None = None) -> Page:
        """The next visible numbers behind the position, at most so many, of those `within` where that is given."""
        place, number = divmod(after, NUMBER_MOST + 1)
        found: list[int] = []
        positions: list[int] = []
        for here in range(place, len(self.stretches)):
            keys = self._left[here] if within is None else self._left[here] & within
            start = number + 1 if here == place else 0
            wanted = limit + 1 - len(found)
            some = list(islice(keys.iter_equal_or_larger(start), wanted)) if start <= NUMBER_MOST else []
            found += some
            begins = _position(here, 0)
            positions += [begins + each for each in some]
            if len(found) > limit:
                return Page(found[:limit], positions[:limit], True)
        return Page(found, positions, False)

    def date(self, position: int) -> int:
        """When the number at a position that `page` gave was opened."""
        place, number = divmod(position, NUMBER_MOST + 1)
        return self.stretches[place].date(number)

    def dates(self, numbers: Iterable[int]) -> dict[int, int]:
        """When each of these visible numbers was opened."""
        wanted = BitMap(numbers)
        return {
            number: stretch.date(number)
            for stretch, left in zip(self.stretches, self._left, strict=True)
            for number in left & wanted
        }


def _position(place: int, number: int) -> int:
    return place * (NUMBER_MOST + 1) + number


def _optimised(numbers: BitMap) -> BitMap:
    made = BitMap(numbers)
    made.run_optimize()
    return made
