"""Taking back what left (R18): at once, since it only narrows, and with everybody who had it on record."""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import orjson
from pyroaring import BitMap

from comity.errors import AlreadyDone, Invalid, NotFound
from comity.interfaces import microseconds
from comity.ledger.records import digest_text
from comity.node.classing import OPERATOR_WORDS
from comity.node.forming import Classes
from comity.node.holding import Holding, numbers_of, own_source
from comity.node.people import RELEASER
from comity.node.permits import KIND as PERMITS
from comity.node.permits import approved_for, permit
from comity.node.publishing import BATCH_OBJECTS, take_back, unbarred
from comity.node.recalls import (
    Had,
    Recall,
    RecallView,
    had_by,
    recall_of,
    recalls,
    recipients_of,
    record_of,
)
from comity.node.recording import OBJECTS
from comity.node.viewing import Viewer
from comity.release.forms import class_of
from comity.release.recall import (
    EVERY,
    Answer,
    Given,
    Kind,
    Order,
    Plan,
    Way,
    check_ids,
    is_versioned,
    moment_after,
    plan,
    revision,
)
from comity.release.standing import digest_of, parts
from comity.stix.object import Rejected, StixObject, error_of
from comity.stix.parse import judge
from comity.stix.timestamp import instant_key
from comity.store.interface import Snapshot, Transaction
from comity.store.nouns import Copy, State

ENTRY = "entry:"


@dataclass(frozen=True, slots=True)
class Recalled:
    """What was taken back: the id of the recall, how many objects, of how many there is another version, and who had
    any, by name: those who can answer, and those who cannot."""

    id: str
    objects: int
    revised: int
    told: tuple[str, ...]
    cannot_confirm: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Base:
    """A published copy with the form of its class or standing."""

    copy: Copy
    given: Given
    form: bytes


class Recalling(Holding):
    """The verbs on recalls of ours."""

    def recall(self, what: Sequence[str], order: Order, *, dry_run: bool = False) -> Recalled:
        """The objects with these ids, or that left by these entries of the ledger (`entry:123`), are taken back in
        every version, as the order says (see `comity.release.recall.plan`), and who had them is on record. Partners are
        told by what they can read, and nobody else is told. A trial tells the same and changes nothing. NotFound where
        nothing of one ever left, AlreadyDone where there is nothing to take back any more."""
        order.check()
        with self._snapshot() as snapshot:
            self._actor(snapshot, RELEASER)
            ids = check_ids(id for word in what for id in self._meant(snapshot, word))
            self._check_successor(snapshot, order, ids)
            numbers, after = numbers_of(snapshot, list(ids)), snapshot.last_entry
            had = had_by(snapshot, numbers, snapshot.release_recipients())
            if dry_run:
                ids = _left_to_do(snapshot, ids, had)
                made, bases = self._planned(snapshot, ids, order)
                revised = {base.copy.id for base in bases if base.given.number in made.revised}
                numbers = numbers_of(snapshot, list(ids))
                answers = {id: Way.TAXII.first_answer for id, theirs in had.items() if theirs & numbers}
                return Recalled("", len(ids), len(revised), *self._told_of(snapshot, answers))
        with self.store.write() as tx:
            actor = self._actor(tx, RELEASER)
            self._check_successor(tx, order, ids)
            now_known = numbers_of(tx, list(ids))
            # What left meanwhile is asked for here, where nothing more can leave; it is little.
            since = had_by(tx, now_known, tx.release_recipients(), after if now_known == numbers else 0)
            for recipient, more in since.items():
                had[recipient] = had.get(recipient, BitMap()) | more
            ids = _left_to_do(tx, ids, had)
            recall = self._take_back(tx, ids, order, had, actor.name if actor.id else OPERATOR_WORDS)
        while recall.revised and self.store.index_relations(BATCH_OBJECTS):
            pass
        with self._snapshot() as snapshot:
            told, cannot_confirm = self._told_of(snapshot, recall.answers)
        return Recalled(recall.id, len(recall.objects), len(recall.revised), told, cannot_confirm)

    def recalls(self, id: str | None = None) -> list[RecallView]:
        """Every recall, the newest first, with who had what was taken back; or the one of that id, with each version
        that they had. Whoever acts is told of what it may read (R64). NotFound where there is no such recall."""
        self.deliveries.flush()
        with self._snapshot() as snapshot:
            viewer = self._reader(snapshot, "recalls", id=id)
            some = recalls(snapshot) if id is None else [recall_of(snapshot, id)]
            return [self._view_recall(snapshot, viewer, one, listed=id is not None) for one in some]

    def _told_of(self, snapshot: Snapshot, answers: Mapping[str, Answer]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The names of those who are told and can answer, and of those who cannot."""
        names = {id: one.name for id, one in self._in_force_at(snapshot).partners.items()}
        told = sorted((names.get(recipient, recipient), answer) for recipient, answer in answers.items())
        return (
            tuple(name for name, answer in told if answer is not Answer.CANNOT_CONFIRM),
            tuple(name for name, answer in told if answer is Answer.CANNOT_CONFIRM),
        )

    def _view_recall(self, snapshot: Snapshot, viewer: Viewer, recall: Recall, *, listed: bool) -> RecallView:
        numbers = recall.numbers
        readable = self._readable(snapshot, viewer, numbers)
        seen = {one.id for one in snapshot.stood_for(list(readable))}
        shown = tuple(id for id in recall.objects if id in seen)
        known = self._in_force_at(snapshot).partners
        offered = {}
        if recall.replaced_by:
            new, moment = numbers_of(snapshot, [recall.replaced_by]), self.guard.moment(snapshot)
            for recipient in recall.had.keys() & known.keys():
                view, _ = self._view_of(snapshot, known[recipient], moment)
                offered[recipient] = bool(view.told & new)
        return RecallView(
            id=recall.id,
            kind=recall.kind,
            reason=recall.reason,
            note=recall.note if viewer.reads else "",
            tlp=recall.tlp,
            replaced_by=recall.replaced_by
            if not recall.replaced_by or self._may_read(viewer, snapshot, recall)
            else "",
            at=recall.at,
            actor=recall.actor,
            entry=recall.entry,
            count=len(recall.objects) if viewer.everything or viewer.counts else len(shown),
            objects=shown if listed else (),
            recipients=recipients_of(snapshot, recall, known, readable, offered, listed=listed),
        )

    def _may_read(self, viewer: Viewer, snapshot: Snapshot, recall: Recall) -> bool:
        return bool(self._readable(snapshot, viewer, numbers_of(snapshot, [recall.replaced_by])))

    # -- what is meant

    def _meant(self, snapshot: Snapshot, word: str) -> list[str]:
        """The ids that the word means: itself, or those of ours that left by the entry of that number."""
        number = word.removeprefix(ENTRY)
        if not (number.isascii() and number.isdigit() and len(number) < 19):
            return [word]
        release = snapshot.release_at(int(number))
        if release is None or release.form != OBJECTS:
            raise NotFound(f"No objects left by {word!r}.", where="id", hint="comity release record --to PARTNER")
        numbers = BitMap.union(BitMap(), *snapshot.release_parts(release.entry).values())
        own = own_source(snapshot, release.recipient)
        return [one.id for one in snapshot.stood_for(list(numbers)) if one.source != own]

    def _check_successor(self, snapshot: Snapshot, order: Order, ids: Sequence[str]) -> None:
        """What is to take the place is published, and is not taken back itself."""
        if not order.by:
            return
        if order.by in ids:
            raise Invalid("Nothing takes its own place.", where="by", rule="R18")
        published = snapshot.publications().of("state", State.PUBLISHED)
        if not numbers_of(snapshot, [order.by]) & published:
            raise NotFound(f"{order.by!r} is not published.", where="by", hint="comity publish ID")

    # -- what is done

    def _planned(self, snapshot: Snapshot, ids: Sequence[str], order: Order) -> tuple[Plan, list[_Base]]:
        """What happens, and the copies that it happens to. AlreadyDone where nothing
        happens."""
        bases = self._bases(snapshot, ids, order)
        made = plan(order, ids, [base.given for base in bases])
        if not made:
            raise AlreadyDone(
                "There is nothing to take back any more.", where="id", hint="comity release recall-status"
            )
        return made, bases

    def _take_back(
        self, tx: Transaction, ids: Sequence[str], order: Order, had: dict[str, BitMap], actor: str
    ) -> Recall:
        id, now = self._new_recall(), microseconds(self.clock.now())
        made, bases = self._planned(tx, ids, order)
        tx.put_bars(made.bars, id)
        revised = [base for base in bases if base.given.number in made.revised]
        self._revise(tx, revised, order, id, now)
        if order.kind is Kind.RETRACT:
            # A store that is put back does not have the revoked version, and must not offer those before it.
            kept = [each.given for each in bases if each.given.number not in made.gone and not each.given.revoked]
            tx.keep_aside("recall", bars=[f"- {one.instant} {one.id}" for one in kept])
        take_back(tx, sorted(made.gone))
        numbers = numbers_of(tx, list(ids))
        had = {recipient: those for recipient, theirs in had.items() if (those := theirs & numbers)}
        revised_ids = tuple(dict.fromkeys(base.copy.id for base in revised))
        return self._record_recall(tx, id, order, actor, ids, had, now, revised_ids)

    def _new_recall(self) -> str:
        return base64.b32encode(self.entropy.token_bytes(5)).decode().lower()

    def _record_recall(
        self,
        tx: Transaction,
        id: str,
        order: Order,
        actor: str,
        ids: Sequence[str],
        had: Mapping[str, BitMap],
        now: int,
        revised: tuple[str, ...] = (),
    ) -> Recall:
        """The recall of these ids is entered, and on record with who had which publications of them."""
        entry = tx.enter(
            "recall",
            recall=id,
            of=order.kind.value,
            reason=order.reason.value,
            objects=len(ids),
            digest=digest_text(hashlib.sha256("".join(f"{each}\n" for each in ids).encode()).digest()),
            to=sorted(had),
        )
        recall = Recall(
            id=id,
            kind=order.kind,
            reason=order.reason,
            note=order.note,
            tlp="" if order.tlp is None else order.tlp.word,
            replaced_by=order.by,
            at=now,
            actor=actor,
            entry=entry,
            objects=tuple(ids),
            revised=revised,
            had={
                recipient: Had(theirs.serialize(), Way.TAXII, Way.TAXII.first_answer)
                for recipient, theirs in had.items()
            },
        )
        tx.put_record(record_of(recall))
        return recall

    def _bases(self, tx: Snapshot, ids: Sequence[str], order: Order) -> list[_Base]:
        """What is published of these objects."""
        facts = {one.object: one for one in tx.published(tx.published_of(list(ids)))}
        forms, own = tx.classes(), {source.name for source in tx.sources() if source.kind == "own"}
        found = []
        for id in ids:
            for copy in tx.copies(id):
                if copy.state is not State.PUBLISHED or copy.body is None:
                    continue
                one = facts[copy.key]
                form, value = forms[one.class_key], orjson.loads(copy.body)
                classes = {class_of(part).tlp for part in parts(form) if part}
                # What stands between two classes would leave one of them behind with another marking.
                settled = order.kind is not Kind.NARROW or len(set(parts(form))) == 1
                given = Given(
                    number=one.number,
                    id=id,
                    instant=one.instant,
                    place=(copy.collection, copy.source),
                    ours=copy.source in own,
                    versioned=settled and is_versioned(value, one.instant),
                    revoked=value.get("revoked") is True,
                    tlp=min(classes),
                )
                found.append(_Base(copy, given, form))
        return found

    def _revise(self, tx: Transaction, bases: Iterable[_Base], order: Order, recall: str, now: int) -> None:
        """Of each of these there is another version, which is published in its place: a revoked one for exactly whom
        it was for, or one with the stricter marking."""
        own = {source.name for source in tx.sources() if source.kind == "own"}
        for base in bases:
            copy = base.copy
            # Versions that others sent under the id are no versions of ours.
            newest = max(instant_key(each.version) or "" for each in tx.copies(copy.id) if each.source in own)
            one = self._revised(tx, copy, moment_after(now, newest), order)
            (verdict,) = tx.take(
                [one], collection=copy.collection, source=copy.source, default_tlp=copy.default_tlp, now=now
            )
            row = (verdict.key, digest_of(base.form), base.form)
            if order.tlp is not None:
                classes = Classes(tx, self.ours())
                row = (verdict.key, *classes.form(copy.source, copy.default_tlp, copy.mark, orjson.loads(one.raw)))
            (number,) = tx.publish(unbarred(tx, [row]), now, None)
            if order.tlp is None:
                _let_go_again(tx, base.given.number, number, recall, now)

    def _revised(self, tx: Transaction, copy: Copy, modified: str, order: Order) -> StixObject:
        assert copy.body is not None
        raw = revision(copy.body, orjson.loads(copy.body), modified, order.tlp)
        limits = replace(self._limits(), object_bytes_max=len(raw))
        labels = tx.source(copy.source).labels_are_markings
        judged = judge(raw, 0, self.schemas(), strict=False, limits=limits, labels=labels)
        if isinstance(judged, Rejected):
            raise error_of(judged)
        return judged


def _left_to_do(tx: Snapshot, ids: Sequence[str], had: dict[str, BitMap]) -> tuple[str, ...]:
    """Those of the ids that were not taken back whole before. NotFound where nothing of one ever left, AlreadyDone
    where none is left to take back."""
    every = BitMap.union(BitMap(), *had.values())
    gave = {one.id for one in tx.stood_for(list(every))}
    for id in ids:
        if id not in gave:
            raise NotFound(f"Nothing of {id!r} ever left.", where="id", hint="What nobody read: comity unpublish ID")
    done = {bar.id for bar in tx.bars(list(ids)) if bar.instant == EVERY and bar.ours}
    if done.issuperset(ids):
        raise AlreadyDone("All of that was taken back before.", where="id", hint="comity release recall-status")
    return tuple(id for id in ids if id not in done)


def _let_go_again(tx: Transaction, old: int, new: int, recall: str, now: int) -> None:
    """Who was let have the one publication by a second person is let have the other, which says only that it is
    revoked."""
    for record in tx.records(PERMITS):
        if old in approved_for(tx, record.id):
            permit(tx, record.id, BitMap([new]), f"recall {recall}", now)
