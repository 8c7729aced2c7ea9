"""Erasing what is stored of a person (R42): two persons decide, nothing is left but rows of numbers, whoever had it is
told as by a recall, and a certificate says what remains."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from pyroaring import BitMap

from comity.errors import Conflict, Invalid, NotFound
from comity.interfaces import instant_of, microseconds
from comity.node.access import check_name
from comity.node.changes import Difference
from comity.node.hashes import hashes_in
from comity.node.holding import numbers_of
from comity.node.jobs import Handler, run_one
from comity.node.people import ADMIN, APPROVER, accounts, seconds
from comity.node.proposals import Change, Erasure, Proposal, proposals
from comity.node.recalling import Recalling
from comity.node.recalls import Recall, had_by
from comity.node.subjects import check_subject
from comity.release.recall import Kind, Order, Reason
from comity.store.erasure_interface import Erased
from comity.store.finding import Found, folded
from comity.store.interface import Snapshot, Transaction
from comity.store.nouns import Job
from comity.store.records import Record

KIND = "certificate"
SCRUB = "scrub"
OBJECTS_MOST = 10_000
GONE = ("draft.body", "body.body", "object.id", "former.id", "status.body", "entry.record", "text_index", "target.id")
"""The places out of which an erasure takes what it finds."""


class Sent(msgspec.Struct, frozen=True):
    """A recipient to whom something of what was erased had left, and in how many releases."""

    name: str
    releases: int


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """What an erasure removed, and what remains, in sentences; nothing of its content. `at` is in microseconds since
    1970. `entry` is the key of its entry in the ledger, `recall` the id of the recall by which those are told who had
    objects of it: those who can answer, and those who cannot confirm. Empty where nobody had."""

    id: str
    node: str
    basis: str
    at: int
    asked_by: str
    approved_by: str
    entry: int
    objects: int
    copies: int
    bodies: int
    statuses: int
    entries: int
    renamed: int
    drafts: int = 0
    recipients: tuple[Sent, ...] = ()
    recall: str = ""
    told: tuple[str, ...] = ()
    cannot_confirm: tuple[str, ...] = ()
    remains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ErasureDone:
    """What became of an erasure: its certificate, or the id under which it waits, or neither of a trial. `alone` says
    that nobody else looked at it; `objects` counts what it takes; `clean` is False while files still hold it."""

    objects: int
    certificate: Certificate | None = None
    waits: str = ""
    alone: bool = False
    clean: bool = True


class Erasing(Recalling):
    """The verbs that erase."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.handlers[SCRUB] = self._scrub_handler()

    def erase(self, ids: Sequence[str] = (), *, text: str = "", basis: str, dry_run: bool = False) -> ErasureDone:
        """All copies of these objects, or of those in which the text occurs, are erased, or wait for a second person; a
        trial changes nothing. NotFound where there is nothing, Conflict where something is on legal hold."""
        _check_basis(basis, text)
        with self._snapshot() as snapshot:
            actor = self._actor(snapshot, ADMIN)
            found = snapshot.find_everywhere(text) if text else []
            wanted = _wanted(snapshot, ids, found)
            self._refuse_held(snapshot, wanted)
            alone = not seconds(snapshot, actor)
        if dry_run:
            return ErasureDone(len(wanted), alone=alone)
        with self.store.write() as tx:
            actor = self._actor(tx, ADMIN)
            change = self._erasure(tx, wanted, found, basis)
            if seconds(tx, actor):
                return ErasureDone(len(wanted), waits=self._propose(tx, change, Difference(), actor).id)
            certificate = self._erase(tx, change, str(self.entropy.uuid4()), actor.name, "")
        return ErasureDone(len(wanted), certificate, alone=True, clean=self._scrubbed())

    def erasures(self) -> list[Certificate]:
        """The certificates of all erasures, the newest first."""
        with self._snapshot() as snapshot:
            self._actor(snapshot, ADMIN, APPROVER)
            found = [msgspec.json.decode(record.body, type=Certificate) for record in snapshot.records(KIND)]
        return sorted(found, key=lambda one: (-one.at, one.id))

    def is_clean(self) -> bool:
        """Whether the files of the store were written anew since the last erasure."""
        return all(job.kind != SCRUB for job in self.jobs())

    def approve(self, id: str) -> Proposal:
        """See `comity.node.changing.Changing.approve`. What was erased is out of the files too, as far as others let
        go of them."""
        decided = super().approve(id)
        if isinstance(decided.change, Erasure):
            self._scrubbed()
        return decided

    # -- what an approval rests on

    def _put_change(self, tx: Transaction, change: Change, proposal: str = "") -> None:
        super()._put_change(tx, change, proposal)
        if not isinstance(change, Erasure):
            return
        asked = next(one for one in proposals(tx) if one.id == proposal)
        approver = next(one.name for one in accounts(tx) if one.id == tx.actor)
        self._erase(tx, change, proposal, asked.asked_name, approver)

    # -- one erasure

    def _erasure(self, tx: Transaction, ids: Sequence[str], found: Sequence[Found], basis: str) -> Erasure:
        """The change, in which nothing is named."""
        hashes = hashes_in(tx, self.entropy)
        keys = {place: [key for one in found if one.place == place for key in one.keys] for place in GONE}
        return Erasure(
            tuple(sorted(map(hashes.object, ids))),
            tuple(keys["status.body"]),
            tuple(int(key) for key in keys["entry.record"]),
            basis,
            tuple(f"{one.count:,} {one.words} ({one.place})" for one in found if one.place not in GONE),
            tuple(keys["draft.body"]),
        )

    def _erase(self, tx: Transaction, change: Erasure, id: str, asked_by: str, approved_by: str) -> Certificate:
        """It is done, and certified. Conflict where something of it is on legal hold by now."""
        hashes, now = hashes_in(tx, self.entropy), microseconds(self.clock.now())
        wanted = frozenset(change.objects)
        keys = {key: each for key, _, each, _, _ in tx.every_copy() if hashes.object(each) in wanted}
        ids = sorted(set(keys.values()))
        self._refuse_held(tx, ids)
        left = tx.sent_to(ids)
        sent, had = self._sent(tx, left), had_by(tx, numbers_of(tx, ids), left)
        bodies = [hashes.body(digest.hex()) for digest in tx.digests_of(sorted(keys))]
        tx.bar([bytes.fromhex(each) for each in (*change.objects, *bodies)])
        done = tx.erase(
            ids,
            statuses=change.statuses,
            entries=change.entries,
            drafts=change.drafts,
            renamed=self._other_id,
            now=now,
        )
        entry = tx.enter("erasure", objects=done.objects, copies=done.copies, entries=done.entries, basis=change.basis)
        tx.enqueue(Job(SCRUB, "store", due_at=now))
        recall = self._recalled(tx, had, asked_by, now)
        told, cannot_confirm = ((), ()) if recall is None else self._told_of(tx, recall.answers)
        name = "" if recall is None else recall.id
        made = Certificate(
            id=id,
            node=self.name,
            basis=change.basis,
            at=now,
            asked_by=asked_by,
            approved_by=approved_by,
            entry=entry,
            objects=done.objects,
            copies=done.copies,
            bodies=done.bodies,
            statuses=done.statuses,
            entries=done.entries,
            renamed=done.renamed,
            drafts=done.drafts,
            recipients=sent,
            recall=name,
            told=told,
            cannot_confirm=cannot_confirm,
            remains=(*self._remains(tx, change, done, ids, now), *_with_others(sent, told + cannot_confirm, name)),
        )
        tx.put_record(Record(KIND, id, f"erasure {id}", msgspec.json.encode(made), changed_at=now))
        return made

    def _other_id(self, id: str) -> str:
        return f"{id.partition('--')[0]}--{self.entropy.uuid4()}"

    def _recalled(self, tx: Transaction, had: Mapping[str, BitMap], actor: str, now: int) -> Recall | None:
        """Whoever had objects of it is told, as by a withdrawal; None where nobody had. What was made of content is
        called by its new id there too, so this comes after everything else."""
        every = BitMap.union(BitMap(), *had.values())
        if not every:
            return None
        order, ids = Order(Kind.WITHDRAW, Reason.ERASURE), sorted({one.id for one in tx.stood_for(list(every))})
        return self._record_recall(tx, self._new_recall(), order, actor, ids, had, now)

    def _sent(self, snapshot: Snapshot, sent: Mapping[str, int]) -> tuple[Sent, ...]:
        names = {one.id: one.name for one in self._in_force_at(snapshot).partners.values()}
        return tuple(Sent(names.get(id, id), count) for id, count in sent.items())

    def _remains(self, tx: Transaction, change: Erasure, done: Erased, ids: Sequence[str], now: int) -> tuple[str, ...]:
        day = f"{instant_of(now):%Y-%m-%d}"
        found = [
            f"{done.copies:,} rows of numbers and dates stay, without content, so that none is used again.",
            "Keyed hashes of ids and bodies stay, so that nothing of it is taken in again.",
            f"Backups made before {day} hold it until they are destroyed; restored with side.log, it is erased anew.",
            "What a file system keeps of blocks that were freed, and its snapshots, is not in the hands of the node.",
        ]
        if done.entries:
            found.append(
                f"Of {done.entries:,} entries of the ledger the commitment stays; what it committed to is gone."
            )
        referring = len(tx.targets([id.lower() for id in ids]))
        if referring:
            found.append(f"Other objects refer to {referring:,} of them by id.")
        if done.renamed:
            found.append("The audit log, approvals and earlier recalls keep ids that they name, of observables too.")
        if change.remains:
            found.append(f"The text still stands in {', '.join(change.remains)}: change these by their own commands.")
        if self.settings.store.startswith("postgres"):
            found.append(
                "The write-ahead log of the database server, and its archives, hold it until they are recycled."
            )
        return tuple(found)

    def _refuse_held(self, snapshot: Snapshot, ids: Sequence[str]) -> None:
        held = snapshot.on_hold(ids, microseconds(self.clock.now()))
        if held:
            raise Conflict(
                f"{len(held):,} of {len(ids):,} objects are on legal hold, which wins over erasure.",
                where="id",
                hint="comity hold list",
            )

    # -- the files

    def _scrub_handler(self) -> Handler:
        return lambda _job, _stopped: self.store.scrub()

    def _scrubbed(self) -> bool:
        """The files of the store were written anew; where others keep them busy, that is tried again behind."""
        handlers = {SCRUB: self.handlers[SCRUB]}
        run_one(self.store, self.clock, self.entropy, handlers, lambda: False)
        return self.is_clean()


def _with_others(sent: Sequence[Sent], told: Sequence[str], recall: str) -> Iterator[str]:
    """What had left, in sentences: with whom it is who was told, and who was not."""
    if told:
        names = ", ".join(told)
        words = f"What had left is with {names}, told by recall {recall}."
        yield f"{words} Whoever cannot confirm it over TAXII must be asked by other means."
    others = [one.name for one in sent if one.name not in told]
    if others:
        yield f"{', '.join(others)} saw no more than ids, or what they sent, and are not asked to delete it."


def _check_basis(basis: str, text: str) -> None:
    check_name(basis, "basis")
    if text:
        check_subject(text)
    if text and folded(text) in folded(basis):
        raise Invalid("The basis would keep what is to be erased.", where="basis")


def _wanted(snapshot: Snapshot, ids: Sequence[str], found: Sequence[Found]) -> list[str]:
    """The ids of all that is to be erased."""
    here = snapshot.keys_of_ids(ids)
    for id in ids:
        if id not in here:
            raise NotFound(f"There is no object {id!r}.", where="id")
    keys = [int(key) for one in found if one.place in ("body.body", "object.id") for key in one.keys]
    wanted = sorted({*here, *snapshot.ids_of(keys)})
    if not wanted and all(one.place != "draft.body" for one in found):
        raise NotFound("Nothing that is stored says that.", where="text", hint="comity subject find")
    if len(wanted) > OBJECTS_MOST:
        raise Conflict(
            f"{len(wanted):,} objects say that; {OBJECTS_MOST:,} are the most at once.",
            where="text",
            hint="Name a longer text, or ids.",
        )
    return wanted
