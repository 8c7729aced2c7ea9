"""Which of the copies that somebody reads are restricted (R44): TLP:RED, TLP:AMBER+STRICT, or with personal data.

The marking is the one that the copy has, or that its source gave it, which bitmaps know. Of what is published the class
knows more: a marking that a definition of the source gives, a part of an object that is marked stricter, and findings
of personal data (`victim`, `contact`; R23). What is not published has no class, and is judged by its marking alone.
"""

import threading
from dataclasses import dataclass

from pyroaring import BitMap

from comity.interfaces import Clock, microseconds
from comity.release.classes import ReleaseClass
from comity.release.standing import classes_in
from comity.stix.tlp import TLP
from comity.store.interface import Snapshot
from comity.store.views import Keys

RED, STRICT, PERSONAL = "red", "amber+strict", "personal"
LEVELS = {TLP.RED.word: RED, TLP.AMBER_STRICT.word: STRICT}
"""What the restricted levels are called in the log."""
OF_PERSONS = frozenset({"victim", "contact"})
UNMARKED = -1
"""Neither the copy nor its source says a marking: that counts as TLP:RED."""
FRESH_US = 1_000_000
"""What was published, or moved, within the last second may be judged by its marking alone."""


@dataclass(frozen=True, slots=True)
class _Known:
    """The copies of which their classes say more than their markings, as of one state of the store."""

    state: tuple[int, int, int] = (0, 0, 0)
    at: int = 0
    of: tuple[tuple[str, Keys], ...] = ()


@dataclass(frozen=True, slots=True)
class _All:
    """All restricted copies, as of one state of the store, and of what is known of classes."""

    state: tuple[int, int]
    classed: tuple[tuple[str, Keys], ...]
    keys: Keys


class Restricted:
    """It is asked for every page. Safe to use from threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known = _Known()
        self._all = _All((0, 0), (), _NONE)

    def is_among(self, snapshot: Snapshot, keys: Keys) -> bool:
        """Some of these copies are restricted. Of one state of the store this costs no more than a look."""
        classed = self._of_classes(snapshot) if snapshot.last_publication else ()
        state, found = (snapshot.last_key, snapshot.last_change), self._all
        if found.state != state or found.classed is not classed:
            levels = map(snapshot.of_level, (TLP.RED, UNMARKED, TLP.AMBER_STRICT))
            self._all = found = _All(state, classed, BitMap.union(_NONE, *levels, *(more for _, more in classed)))
        return bool(keys.intersect(found.keys))

    def among(self, snapshot: Snapshot, keys: Keys) -> dict[str, int]:
        """How many of these copies are restricted, by how; empty where none is. Each counts once as a level, and again
        where it has personal data."""
        red, unmarked, strict = map(snapshot.of_level, (TLP.RED, UNMARKED, TLP.AMBER_STRICT))
        classed = self._of_classes(snapshot) if snapshot.last_publication else ()
        if not any(keys.intersect(more) for _, more in classed):
            # No copy has two levels.
            counts = {RED: keys.intersection_cardinality(red) + keys.intersection_cardinality(unmarked)}
            counts[STRICT] = keys.intersection_cardinality(strict)
            return {word: count for word, count in counts.items() if count}
        found = {RED: keys & (red | unmarked), STRICT: keys & strict}
        for word, more in classed:
            found[word] = found.get(word, _NONE) | (more & keys)
        found[STRICT] = found[STRICT] - found[RED]
        return {word: len(some) for word, some in found.items() if some}

    def _of_classes(self, snapshot: Snapshot) -> tuple[tuple[str, Keys], ...]:
        known = self._known
        state = (snapshot.last_publication, snapshot.last_republication, snapshot.last_change)
        if known.state == state or microseconds(self._clock.now()) - known.at < FRESH_US:
            return known.of
        with self._lock:
            if self._known.state != state:
                self._known = _Known(state, microseconds(self._clock.now()), _look(snapshot))
            return self._known.of


def _look(snapshot: Snapshot) -> tuple[tuple[str, Keys], ...]:
    classes: dict[str, list[int]] = {}
    for key, form in snapshot.classes().items():
        for word in {word for each in classes_in(form) for word in _words(each)} if form else ():
            classes.setdefault(word, []).append(key)
    found = ((word, snapshot.keys_of_classes(some)) for word, some in sorted(classes.items()))
    return tuple((word, keys) for word, keys in found if keys)


def _words(one: ReleaseClass) -> set[str]:
    """What the class says that the marking of a copy may not."""
    found = {LEVELS[level.word] for level in one.granular if level.word in LEVELS}
    if one.tlp_from != "source" and one.tlp.word in LEVELS:
        found.add(LEVELS[one.tlp.word])
    if one.personal & OF_PERSONS or one.personal_fixed:
        found.add(PERSONAL)
    return found


_NONE: Keys = BitMap()
