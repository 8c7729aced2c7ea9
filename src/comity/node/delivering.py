"""What a bound credential reads: pages through the gate, kept before they are told, and counted."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from comity.errors import NotAuthorized, OverCap, Unauthenticated
from comity.interfaces import Query
from comity.node import deciding, outbound
from comity.node.access import Access
from comity.node.deciding import Decided
from comity.node.deliveries import Amount, Standing, is_paused, standing_of, used_at
from comity.node.gate import Asked
from comity.node.guard import Moment, doubt_words
from comity.node.people import ADMIN
from comity.node.recipients import Partner, partner_named, partners
from comity.node.recording import Leaving, manifest_leaving, objects_leaving
from comity.node.telling import Telling
from comity.store.interface import Snapshot, Transaction
from comity.store.nouns import Entries

TRIES = 3
"""So often an answer is made outside of the writer's turn before it is made inside."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Question:
    """What a partner asked, and when."""

    partner: Partner
    now: int
    asked: Asked
    active: bool


class Delivering(Telling):
    """What partners and clients read, and how much it is."""

    def close(self) -> None:
        """What left is counted in the store, which is closed; the node answers nothing more."""
        self.deliveries.close()
        super().close()

    # -- how much it is

    def standing(self, name: str) -> Standing:
        """How a partner stands: its state and why, what left for it, and when it was last used. NotFound where there is
        none."""
        self.deliveries.flush()
        with self._snapshot() as snapshot:
            return self._standing(snapshot, partner_named(snapshot, name))

    def standings(self) -> list[tuple[Partner, Standing]]:
        """All partners and clients, by name, each with how it stands."""
        self.deliveries.flush()
        with self._snapshot() as snapshot:
            return [(one, self._standing(snapshot, one)) for one in partners(snapshot)]

    def halted(self) -> tuple[int, int]:
        """How many partners and clients a cap has paused, and how many are suspended since they read nothing."""
        with self._snapshot() as snapshot:
            now, known = self.guard.moment(snapshot).best, partners(snapshot)
            paused = sum(is_paused(snapshot.usage(one.id), one, now) for one in known)
            unused = sum(
                one.state == "active" and one.state_at(now, used_at(snapshot, one)) == "suspended" for one in known
            )
        return paused, unused

    def cautions(self) -> list[str]:
        """What wants a person though the node answers, in sentences."""
        moment = self.guard.look()
        return [] if moment.trusted is None else [doubt_words(moment)]

    def confirm_clock(self) -> Moment:
        """The clock is right as it is now; a person says so."""
        with self._snapshot() as snapshot:
            self._actor(snapshot, ADMIN)
        return self.guard.confirm()

    def relations_behind(self) -> int:
        """How many copies are not looked at yet for what they refer to; 0 on a node that never published, since nobody
        asks there."""
        with self._snapshot() as snapshot:
            return snapshot.counts().relations_behind if snapshot.last_publication else 0

    def _standing(self, snapshot: Snapshot, partner: Partner) -> Standing:
        return standing_of(snapshot, partner, self.guard.moment(snapshot).best)

    # -- reading through the gate

    def _released_page(self, access: Access, query: Query) -> outbound.Released:
        def answer(snapshot: Snapshot, given: _Question) -> tuple[outbound.Released, Amount, Leaving]:
            left = self.deliveries.left(snapshot, given.partner, given.now) if given.partner.has_caps else None
            shown = self.gate.page(snapshot, given.asked, query, left)
            if shown.beyond is not None:
                raise self.deliveries.over(snapshot, given.partner, given.now, shown.beyond)
            page = outbound.released(
                shown.objects,
                more=shown.more,
                position=shown.position,
                first_added=shown.first_added,
                last_added=shown.last_added,
            )
            leaving = objects_leaving(given.asked.view, snapshot, shown.numbers, shown.objects)
            # Between the bodies stand commas, which are nobody's.
            return page, Amount(page.count, len(page.body) - max(0, page.count - 1)), leaving

        try:
            return self._through_gate(access, query, answer)
        except OverCap as error:
            with self._snapshot() as snapshot:
                partner = self._partner_of(snapshot, access)
                now = self.guard.moment(snapshot).best
            self.deliveries.pause(partner, error, now)
            raise

    def _released_manifest(self, access: Access, query: Query) -> Entries:
        def answer(snapshot: Snapshot, given: _Question) -> tuple[Entries, Amount, Leaving]:
            found, numbers = self.gate.entries(snapshot, given.asked, query)
            return found, Amount(), manifest_leaving(given.asked.view, snapshot, numbers, found.items)

        return self._through_gate(access, query, answer)

    def _through_gate(
        self, access: Access, query: Query, answer: Callable[[Snapshot, _Question], tuple[T, Amount, Leaving]]
    ) -> T:
        """The answer for a bound credential. What is opened to it for the first time is kept, what its caps count is
        counted, and what leaves is in the ledger, before it is told.

        The answer is made from a snapshot, so that no writer waits for it, and made again where the store has gone on
        before that could be kept; after some tries in the writer's turn itself."""
        with self._snapshot() as snapshot:
            if self._partner_of(snapshot, access).has_caps:
                self.deliveries.settle(access.recipient)
        for attempt in range(TRIES):
            with self._snapshot() if attempt == 0 else self.store.read() as snapshot:
                given = self._ask(snapshot, access, query)
                told, amount, leaving = answer(snapshot, given)
                again = self._entered(snapshot, given, leaving)
                decided = self._newly_decided(snapshot, given)
            self.guard.settle()
            if not given.asked.news and not _is_capped(given, amount) and (again or not leaving.items):
                self._note_decided(given, decided)
                break
            entry = self.turns.take(partial(self._keep_if_holds, access, given, amount, leaving, again))
            if entry is not None:
                given.asked.view.entered = True
                self._remember(given, leaving, 0 if again else entry)
                break
        else:
            told, given, amount, leaving, entry = self.turns.take(partial(self._answer_in_turn, access, query, answer))
            given.asked.view.entered = True
            self._remember(given, leaving, entry)
        if given.active and not _is_capped(given, amount):
            self.deliveries.note(given.partner.id, amount, given.now)
        if again:
            self.deliveries.note_again(again, given.now)
        return told

    def _answer_in_turn(
        self,
        access: Access,
        query: Query,
        answer: Callable[[Snapshot, _Question], tuple[T, Amount, Leaving]],
        tx: Transaction,
    ) -> tuple[T, _Question, Amount, Leaving, int]:
        """The answer, made and kept in one writer's turn."""
        _refuse_revoked(tx, access)
        given = self._ask(tx, access, query)
        told, amount, leaving = answer(tx, given)
        entry = self._keep(tx, given, amount, leaving, 0)
        if entry is None:
            raise self.deliveries.over(tx, given.partner, given.now, amount)
        return told, given, amount, leaving, entry

    def _keep_if_holds(
        self, access: Access, given: _Question, amount: Amount, leaving: Leaving, again: int, tx: Transaction
    ) -> int | None:
        if not self._holds(tx, access, given):
            return None
        return self._keep(tx, given, amount, leaving, again)

    def _entered(self, snapshot: Snapshot, given: _Question, leaving: Leaving) -> int:
        """The entry by which just this left within the last day; 0 where there is none."""
        if not leaving.items:
            return 0
        return self.repeats.entry_of(snapshot, given.partner.id, leaving.digest, given.now) or 0

    def _remember(self, given: _Question, leaving: Leaving, entry: int) -> None:
        if entry:
            self.repeats.remember(given.partner.id, leaving.digest, entry, given.now)

    def _holds(self, tx: Transaction, access: Access, given: _Question) -> bool:
        """The answer that was made is the one that would be made now."""
        _refuse_revoked(tx, access)
        moment = self.guard.moment(tx)
        return self.gate.still_holds(tx, given.asked, moment.now, moment.trusted)

    def _newly_decided(self, snapshot: Snapshot, given: _Question) -> Decided | None:
        """What is decided for who asks, where something else was entered last, and it is not being entered behind."""
        view = given.asked.view
        if view.entered or view.noted:
            return None
        decided = self._decided(snapshot, given)
        view.entered = decided is None
        return decided

    def _decided(self, snapshot: Snapshot, given: _Question) -> Decided | None:
        made, (last, digest) = deciding.tally(snapshot, given.asked.view), snapshot.decided(given.partner.id)
        if digest == made.digest:
            return None
        under = deciding.under(self._policy_at(snapshot))
        return Decided(given.partner.id, made, self._policy_version(snapshot), under, last)

    def _note_decided(self, given: _Question, decided: Decided | None) -> None:
        """Nothing leaves, and no answer waits for what is decided: it is entered behind, once for the view."""
        if decided is not None:
            given.asked.view.noted = True
            self.deliveries.note_decided(decided)

    def _keep(self, tx: Transaction, given: _Question, amount: Amount, leaving: Leaving, again: int) -> int | None:
        """News are kept, what a cap counts is counted, what is decided is entered where it is new, and what leaves is,
        unless it was before; the key of its entry, 0 where nothing leaves. None, and nothing done, where it fits no
        more."""
        if _is_capped(given, amount) and not self.deliveries.count(tx, given.partner, amount, given.now):
            return None
        decided = None if given.asked.view.entered else self._decided(tx, given)
        if decided is not None:
            deciding.enter(tx, decided)
        if given.asked.news:
            self.gate.keep(tx, given.asked)
        if again or not leaving.items:
            return again
        return tx.enter_release(
            given.partner.id,
            leaving.form,
            leaving.digest,
            self._policy_version(tx),
            leaving.parts,
            items=leaving.items,
            under=deciding.under(self._policy_at(tx)),
        )

    def _ask(self, snapshot: Snapshot, access: Access, query: Query) -> _Question:
        if query.collection is None:
            raise NotAuthorized("Name a collection: this credential may not read all of them.", where="collection")
        collection = outbound.permit(snapshot, access, query.collection, gated=True)
        moment = self.guard.moment(snapshot)
        partner = self._partner_of(snapshot, access)
        subject, earlier = self._subject_of(snapshot, partner, moment)
        asked = self.gate.ask(snapshot, self._policy_at(snapshot), subject, collection, query, moment.now, earlier)
        states = {subject.recipient.state, subject.recipient.state if earlier is None else earlier.recipient.state}
        # Hours and days of caps are counted by the trusted instant, so that no jump begins a new one.
        return _Question(partner, moment.best, asked, states == {"active"})

    def _partner_of(self, snapshot: Snapshot, access: Access) -> Partner:
        found = self._in_force_at(snapshot).partners.get(access.recipient)
        if found is None:
            raise NotAuthorized("Nothing is released to this credential.")
        return found


def _is_capped(given: _Question, amount: Amount) -> bool:
    """So much is counted exactly, before it is told."""
    return given.partner.has_caps and amount != Amount()


def _refuse_revoked(snapshot: Snapshot, access: Access) -> None:
    token = snapshot.token(access.token or "")
    if token is None or token.revoked_at is not None:
        raise Unauthenticated("The credential is unknown, expired or revoked.")
