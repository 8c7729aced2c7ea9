"""Taking back what left (R18): the kinds of a recall, what each does to the copies of an object, and what recipients
can answer."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import orjson

from comity.errors import Invalid, TooLarge
from comity.interfaces import instant_of
from comity.stix.markings import MARKING_IDS, TLP, WELL_KNOWN
from comity.stix.object import JsonObject
from comity.stix.spans import Place, rewrite
from comity.stix.timestamp import instant_key

IDS_MOST = 1_000
NOTE_CHARACTERS_MOST = 500
EVERY = ""
"""In a bar, the instant of whatever version."""
LAST_INSTANT = "9999"
"""Versions of this year have none after them."""


class Kind(StrEnum):
    """Why something is taken back. *withdraw*: it should not have been sent. *retract*: its content is wrong.
    *narrow*: it has stricter limits from now on. *supersede*: another object is in its place."""

    WITHDRAW = "withdraw"
    RETRACT = "retract"
    NARROW = "narrow"
    SUPERSEDE = "supersede"


class Reason(StrEnum):
    """What is told of the reason, and nothing else. *erasure*: nothing of it is left here (R42); no person gives that
    one."""

    MISTAKE = "mistake"
    WRONG_MARKING = "wrong-marking"
    FALSE_POSITIVE = "false-positive"
    OUTDATED = "outdated"
    SOURCE_REQUEST = "source-request"
    LEGAL = "legal"
    ERASURE = "erasure"


class Way(StrEnum):
    """How a recipient is told. Over TAXII it is told by what it can read, and has no way to answer."""

    TAXII = "taxii"

    @property
    def first_answer(self) -> "Answer":
        """What its answer is, before it gave one."""
        return Answer.CANNOT_CONFIRM if self is Way.TAXII else Answer.NONE


class Answer(StrEnum):
    """What a recipient has answered. Whoever is reached over TAXII alone cannot."""

    NONE = "none"
    CANNOT_CONFIRM = "cannot-confirm"
    REMOVED = "removed"
    KEPT = "kept"
    PARTLY = "partly"
    NEVER_HAD = "never-had"


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: the kind and the reason, the stricter level of a `narrow`, and what takes the place in a
    `supersede`."""

    kind: Kind
    reason: Reason
    note: str = ""
    tlp: TLP | None = None
    by: str = ""

    def check(self) -> None:
        """Invalid where something is missing, or too much."""
        for kind, given, option in ((Kind.NARROW, self.tlp is not None, "tlp"), (Kind.SUPERSEDE, bool(self.by), "by")):
            if (self.kind is kind) != given:
                words = "needs" if self.kind is kind else "has no"
                raise Invalid(f"{self.kind} {words} --{option}.", where=option, rule="R18")
        if self.reason is Reason.ERASURE:
            raise Invalid("An erasure tells by itself who had it.", where="reason", rule="R42", hint="comity erase ID")
        if len(self.note) > NOTE_CHARACTERS_MOST or not self.note.isprintable():
            raise Invalid(f"A note is at most {NOTE_CHARACTERS_MOST} printable characters.", where="note")


@dataclass(frozen=True, slots=True)
class Given:
    """One published copy of an object that is taken back. Copies of one `place` (collection and source) are versions of
    one another. `ours` says that its source is our own, `versioned` that a newer version of it can be made."""

    number: int
    id: str
    instant: str
    place: tuple[str, str]
    ours: bool
    versioned: bool
    revoked: bool
    tlp: TLP


@dataclass(frozen=True, slots=True, order=True)
class Bar:
    """What is not published again: the object of that id, in the version of that instant or in EVERY one; from others,
    and where `ours` says so from our own sources too."""

    id: str
    instant: str
    ours: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens: the copies with the numbers `gone` are published no more, of those `revised` there is another
    version, and these bars are put up."""

    gone: frozenset[int]
    revised: frozenset[int]
    bars: frozenset[Bar]

    def __bool__(self) -> bool:
        return bool(self.gone or self.revised or self.bars)


def check_ids(ids: Iterable[str]) -> tuple[str, ...]:
    """These ids, each once. Invalid without any, TooLarge where there are more than IDS_MOST."""
    found = tuple(dict.fromkeys(ids))
    if not found:
        raise Invalid("Name what is taken back.", where="id")
    if len(found) > IDS_MOST:
        raise TooLarge(f"At most {IDS_MOST:,} objects are taken back at once.", where="id")
    return found


def plan(order: Order, ids: Iterable[str], copies: Iterable[Given]) -> Plan:
    """What becomes of the copies of these objects that are published. Nothing reaches anybody whom it did not reach
    before.

    - withdraw, supersede: all go, and nothing of that id is published again.
    - retract: the newest of ours goes on as a revoked version, and earlier ones stay; what others made goes. Where none
      is ours, or none has versions, as withdraw.
    - narrow: what is less strict goes; in place of the newest of ours there is a version with the stricter marking.
    """
    by_id: dict[str, set[Given]] = {id: set() for id in ids}
    for copy in copies:
        by_id[copy.id].add(copy)
    gone: set[Given] = set()
    again: set[Given] = set()
    bars: set[Bar] = set()
    for id, some in by_id.items():
        ours = {copy for copy in some if copy.ours and copy.versioned}
        if order.kind in (Kind.WITHDRAW, Kind.SUPERSEDE) or (order.kind is Kind.RETRACT and not ours):
            gone |= some
            bars.add(Bar(id, EVERY, True))
            continue
        newest = set(_newest(ours))
        if order.kind is Kind.RETRACT:
            stays = ours
            again |= {copy for copy in newest if not copy.revoked}
        else:
            stays = {copy for copy in some if order.tlp is not None and copy.tlp >= order.tlp}
            again |= newest - stays
        gone |= some - stays
        bars |= {Bar(id, copy.instant, True) if copy.ours else Bar(id, EVERY, False) for copy in some - stays}
    return Plan(frozenset(one.number for one in gone), frozenset(one.number for one in again), frozenset(bars))


def _newest(copies: Iterable[Given]) -> Iterator[Given]:
    """The newest version of each place."""
    best: dict[tuple[str, str], Given] = {}
    for copy in copies:
        if copy.place not in best or best[copy.place].instant < copy.instant:
            best[copy.place] = copy
    yield from best.values()


# -- another version --------------------------------------------------------------------------------------------------
def is_versioned(value: JsonObject, instant: str) -> bool:
    """Whether whoever made the object can make a newer version of it (STIX 2.1 section 3.6)."""
    return "modified" in value and "created" in value and instant < LAST_INSTANT


def moment_after(now: int, instant: str) -> str:
    """The instant `now` (microseconds since 1970) as a STIX timestamp; the first millisecond after the other where that
    is not earlier (see `comity.stix.timestamp.instant_key`)."""
    text = instant_of(now).replace(tzinfo=None).isoformat(timespec="milliseconds")
    if (instant_key(f"{text}Z") or "") <= instant:
        before = datetime.fromisoformat(f"{instant[:19]}.{instant[20:23].ljust(3, '0')}")
        text = (before + timedelta(milliseconds=1)).isoformat(timespec="milliseconds")
    return f"{text}Z"


def revision(raw: bytes, value: JsonObject, modified: str, tlp: TLP | None = None) -> bytes:
    """The bytes of the object whose value that is, in a newer version: revoked, or with that TLP marking in place of
    its others. Every other byte is as it was."""
    changes: dict[str, str | bool | list[str]] = {"modified": modified}
    if tlp is None:
        changes["revoked"] = True
    else:
        others = [ref for ref in value.get("object_marking_refs", ()) if ref not in WELL_KNOWN]
        changes["object_marking_refs"] = [*others, MARKING_IDS[tlp]]
    # What was not there stands behind `modified`.
    new = b"".join(b',"%b":%b' % (name.encode(), orjson.dumps(changes[name])) for name in changes if name not in value)
    there: dict[Place, bytes | None] = {(name,): orjson.dumps(changes[name]) for name in changes if name in value}
    there["modified",] = orjson.dumps(modified) + new
    return rewrite(raw, there)
