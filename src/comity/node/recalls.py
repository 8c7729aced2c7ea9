"""Recalls as they are kept, and as they are told: what was taken back, who had it, and what is known of them since."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec
from pyroaring import BitMap

from comity.errors import NotFound
from comity.node.holding import first_and_last, numbers_left, own_source
from comity.node.recipients import Partner
from comity.release.recall import Answer, Kind, Reason, Way
from comity.store.interface import Snapshot
from comity.store.records import Record

KIND = "recall"
"""The kind of record."""
ABSENT, REVOKED, NARROWED = "absent", "revoked", "narrowed"


class Had(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one recipient had of what was taken back, as a bitmap of publications; how it is told, and its answer."""

    numbers: bytes
    way: Way
    answer: Answer


class Recall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A recall as it is kept. `entry` is that of the ledger; of the objects `revised` there is another version, and the
    others are gone; `had` is by the id of the recipient. `at` is in microseconds since 1970."""

    id: str
    kind: Kind
    reason: Reason
    note: str
    tlp: str
    replaced_by: str
    at: int
    actor: str
    entry: int
    objects: tuple[str, ...]
    revised: tuple[str, ...]
    had: dict[str, Had]

    @property
    def numbers(self) -> BitMap:
        """All publications that anybody had of it."""
        return BitMap.union(BitMap(), *(BitMap.deserialize(one.numbers) for one in self.had.values()))

    @property
    def answers(self) -> dict[str, Answer]:
        """What each recipient has answered."""
        return {recipient: one.answer for recipient, one in self.had.items()}


def record_of(recall: Recall) -> Record:
    """The recall as a record."""
    return Record(KIND, recall.id, recall.id, msgspec.json.encode(recall), changed_at=recall.at)


def recalls(snapshot: Snapshot) -> list[Recall]:
    """All of them, the newest first."""
    found = [msgspec.json.decode(record.body, type=Recall) for record in snapshot.records(KIND)]
    return sorted(found, key=lambda one: one.entry, reverse=True)


def recall_of(snapshot: Snapshot, id: str) -> Recall:
    """The recall with that id. NotFound where there is none."""
    for one in recalls(snapshot):
        if one.id == id:
            return one
    raise NotFound(f"There is no recall {id!r}.", where="recall", hint="comity release recall-status")


def had_by(snapshot: Snapshot, numbers: BitMap, recipients: Iterable[str], after: int = 0) -> dict[str, BitMap]:
    """Which of these publications left for each of the recipients, or left behind that entry, but for what it sent
    itself; who had none is not among them."""
    sources = {one.number: one.source for one in snapshot.stood_for(list(numbers))}
    found = {}
    for recipient in recipients:
        own = own_source(snapshot, recipient)
        theirs = numbers_left(snapshot, recipient, after) & numbers
        if had := BitMap(number for number in theirs if sources[number] != own):
            found[recipient] = had
    return found


# -- told --------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class HadView:
    """One version that a recipient had, since when (microseconds since 1970), and what it is told of it: that the
    object is `absent`, or by a `revoked` or `narrowed` version."""

    id: str
    version: str
    since: int
    told: str


@dataclass(frozen=True, slots=True)
class RecipientView:
    """A recipient, how many copies it had, and which; how it is told, what it answered, and whether it has read since.
    `may_have_new` says whether it is offered what takes the place; None where nothing does."""

    partner: str
    copies: int
    had: tuple[HadView, ...]
    way: Way
    answer: Answer
    read_since: bool
    may_have_new: bool | None


@dataclass(frozen=True, slots=True)
class RecallView:
    """A recall as it is told, with the objects and the copies of which whoever acts may read."""

    id: str
    kind: Kind
    reason: Reason
    note: str
    tlp: str
    replaced_by: str
    at: int
    actor: str
    entry: int
    count: int
    objects: tuple[str, ...]
    recipients: tuple[RecipientView, ...]


def told_of(recall: Recall, id: str) -> str:
    """How a recipient is told of the object."""
    if id not in recall.revised:
        return ABSENT
    return REVOKED if recall.kind is Kind.RETRACT else NARROWED


def recipients_of(
    snapshot: Snapshot,
    recall: Recall,
    known: Mapping[str, Partner],
    readable: BitMap,
    offered: Mapping[str, bool],
    *,
    listed: bool,
) -> tuple[RecipientView, ...]:
    """Each recipient of the recall, by name; what it had is `listed`, as far as it is readable."""
    found = []
    for recipient, had in recall.had.items():
        numbers = BitMap.deserialize(had.numbers) & readable
        read = max(snapshot.usage(recipient).read_at, snapshot.last_left(recipient)) > recall.at
        name = known[recipient].name if recipient in known else recipient
        views = _had(snapshot, recall, recipient, numbers) if listed else ()
        may = offered.get(recipient)
        found.append(RecipientView(name, len(numbers), views, had.way, had.answer, read, may))
    return tuple(sorted(found, key=lambda one: one.partner))


def _had(snapshot: Snapshot, recall: Recall, recipient: str, numbers: BitMap) -> tuple[HadView, ...]:
    ways = first_and_last(snapshot, recipient, numbers)
    since: dict[tuple[str, str], int] = {}
    for one in snapshot.stood_for(list(numbers)):
        first = ways[one.number][0].at
        since[one.id, one.version] = min(first, since.get((one.id, one.version), first))
    return tuple(HadView(id, version, at, told_of(recall, id)) for (id, version), at in sorted(since.items()))
