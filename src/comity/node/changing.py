"""The verbs that change what is released: each tells the difference first, and what widens waits for a second person
where there is one (R14)."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from msgspec import structs
from pyroaring import BitMap

from comity.errors import Conflict, NotAuthorized
from comity.interfaces import microseconds
from comity.node import reclassifying
from comity.node.changes import Difference, Rights, count_seen, differ
from comity.node.deliveries import used_at
from comity.node.loosening import difference_of
from comity.node.partners import edited, stepped
from comity.node.people import ADMIN, APPROVER, RELEASER, ROLES, Actor, accounts, same_person, seconds
from comity.node.permits import permit
from comity.node.proposals import (
    APPROVED,
    HOURS,
    REJECTED,
    WAITING,
    WAITING_MOST,
    Change,
    Erasure,
    PartnerChange,
    PolicyChange,
    PolicyTexts,
    Proposal,
    Reclassification,
    ReleaseRequest,
    digest_of,
    proposals,
    record_of,
    waiting,
)
from comity.node.recipients import KIND as PARTNER_KIND
from comity.node.recipients import Partner, partner_named
from comity.node.releasing import POLICY, Releasing
from comity.node.views import waiting_for_approval
from comity.release.policy import Policy, compile_policy
from comity.store.interface import Snapshot, Transaction
from comity.store.records import Record

OBJECTS_MORE = 1_000
"""With so many more objects that become visible than were shown, an approval is asked for anew (R13)."""
TRIES = 5
"""A difference that was overtaken by another change of the records is computed again so often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What became of a change: its difference, and the id under which it waits; empty where it is in force. `alone`
    says that it widens and nobody else looked at it."""

    difference: Difference
    waits: str = ""
    alone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied(Changed):
    """The policy that was put in force, or waits: the version in force, the digest and the number of cases of this one,
    and in how many cells it allows more, or less, than the one before."""

    version: int
    digest: str
    cases: int

    @property
    def widens(self) -> int:
        """In how many cells it allows more."""
        return sum(each.widened for each in (*self.difference.cells, *self.difference.sampled))

    @property
    def narrows(self) -> int:
        """In how many cells it allows less."""
        return sum(not each.widened for each in (*self.difference.cells, *self.difference.sampled))


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerChanged(Changed):
    """The partner as it is from now on, or as it stays where the change waits; of a trial as it would be."""

    partner: Partner


class Changing(Releasing):
    """The verbs that change what is released."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._last_compiled: tuple[str, str, Policy] | None = None

    def apply_policy(self, text: str, cases: str, of: str = "", *, dry_run: bool = False) -> Applied:
        """The policy of these texts is in force, or waits for a second person; one that is in force already gets no new
        version, and a trial changes nothing. InvalidPolicy where it is not sound, or a case does not come out."""
        made = self._compiled(text, cases)
        with self._snapshot() as snapshot:
            self._actor(snapshot, ADMIN)
            version, before = _policy_version(snapshot), self._policy_at(snapshot)
        done = Changed(difference=Difference())
        if not version or made.digest != before.digest:
            done = self._settle(PolicyChange(PolicyTexts(text, cases, made.digest, of), version), dry_run=dry_run)
        with self._snapshot() as snapshot:
            return Applied(
                difference=done.difference,
                waits=done.waits,
                alone=done.alone,
                version=_policy_version(snapshot),
                digest=made.digest,
                cases=len(made.cases),
            )

    def change_partner(self, name: str, facets: Mapping[str, Any], *, dry_run: bool = False) -> PartnerChanged:
        """These facets of it, its name among them, are others from now on, or wait for a second person; a trial changes
        nothing. Conflict where it has ended."""
        with self._snapshot() as snapshot:
            self._actor(snapshot, ADMIN)
            partner, version = _partner_version(snapshot, name)
            changed = edited(partner, facets)
            self._refuse_alike(snapshot, changed)
        return self._changed(PartnerChange(changed, version), dry_run=dry_run)

    def move_partner(self, name: str, step: str, *, checked_by: str = "", dry_run: bool = False) -> PartnerChanged:
        """The step `activate`, `pause`, `resume` or `end` was taken, or waits for a second person; a trial changes
        nothing. Conflict in a state in which it cannot be."""
        with self._snapshot() as snapshot:
            self._actor(snapshot, ADMIN)
            partner, version = _partner_version(snapshot, name)
            moment = self.guard.moment(snapshot)
            holds = partner.state_at(moment.now, used_at(snapshot, partner))
            changed = stepped(partner, step, moment.now, checked_by, holds=holds)
        return self._changed(PartnerChange(changed, version, step), dry_run=dry_run)

    def edit_partner(self, name: str, /, **facets: Any) -> Partner:
        """The same as `change_partner`; the partner as it is then."""
        return self.change_partner(name, facets).partner

    def step_partner(self, name: str, step: str, *, checked_by: str = "") -> Partner:
        """The same as `move_partner`; the partner as it is then."""
        return self.move_partner(name, step, checked_by=checked_by).partner

    # -- what waits

    def proposals(self) -> list[tuple[Proposal, str]]:
        """All that was ever proposed, the newest first, each with the state that holds now, as whoever acts may see
        it."""
        now = microseconds(self.clock.now())
        with self._snapshot() as snapshot:
            self._viewer(snapshot)
            return [(self._shown_proposal(snapshot, one), one.state_at(now)) for one in proposals(snapshot)]

    def waiting(self) -> list[Proposal]:
        """What waits for a second person, with no id of an object: `proposals` tells the rest to whom it may."""
        now = microseconds(self.clock.now())
        with self._snapshot() as snapshot:
            return [structs.replace(one, told={}) for one in proposals(snapshot) if one.state_at(now) == WAITING]

    def approve(self, id: str) -> Proposal:
        """What waits under that id is in force. NotAuthorized for whoever asked, and for another account of the same
        person; Conflict where it waits no more, or the difference is not the one that was shown."""
        for _ in range(TRIES):
            with self._snapshot() as snapshot:
                proposal, actor = self._deciding(snapshot, id)
                _refuse_requester(snapshot, proposal, actor)
                self._refuse_another_difference(snapshot, proposal)
                seen = _state_of(snapshot)
            with self.store.write() as tx:
                if _state_of(tx) != seen:
                    continue
                proposal, actor = self._deciding(tx, id)
                _refuse_requester(tx, proposal, actor)
                self._put_change(tx, proposal.change, proposal.id)
                decided = self._decide(tx, proposal, APPROVED, actor)
            if isinstance(proposal.change, Reclassification):
                # In transactions of its own, since it may be much; what one that ends early leaves, waits on.
                self._confirm(proposal.change)
            return decided
        raise _overtaken()

    def reject(self, id: str) -> Proposal:
        """What waits under that id never takes effect. Who asked may take it back."""
        with self.store.write() as tx:
            actor = self._actor(tx, *ROLES)
            if all((one.id, one.asked_by) != (id, actor.id) for one in proposals(tx)):
                actor = self._actor(tx, ADMIN, APPROVER)
            proposal = waiting(tx, id, microseconds(self.clock.now()))
            return self._decide(tx, proposal, REJECTED, actor)

    def _deciding(self, snapshot: Snapshot, id: str) -> tuple[Proposal, Actor]:
        actor = self._actor(snapshot, ADMIN, APPROVER)
        return waiting(snapshot, id, microseconds(self.clock.now())), actor

    def _refuse_another_difference(self, snapshot: Snapshot, proposal: Proposal) -> None:
        found = self._difference(snapshot, proposal.change)
        shown, now = proposal.told["objects"], found.seen and sum(found.seen.appear.values())
        grown = shown is not None and (now is None or now > shown["appear"] + OBJECTS_MORE)
        if grown or digest_of(proposal.change, found) != proposal.digest:
            raise Conflict(
                "What it would change is not what was shown when it was asked for.",
                where="id",
                hint=f"Look again: comity reject {proposal.id}, and ask anew.",
            )

    def _decide(self, tx: Transaction, proposal: Proposal, state: str, actor: Actor) -> Proposal:
        now = microseconds(self.clock.now())
        decided = structs.replace(
            proposal,
            state=state,
            decided_by=actor.id,
            decided_name=actor.name,
            decided_person=actor.person,
            decided_at=now,
            caution=_caution(tx, proposal, actor) if state == APPROVED else "",
        )
        tx.put_record(record_of(decided, now))
        return self._shown_proposal(tx, decided)

    # -- one change

    def _changed(self, change: PartnerChange, *, dry_run: bool) -> PartnerChanged:
        done = self._settle(change, dry_run=dry_run)
        partner = self.partner(change.partner.id) if done.waits else change.partner
        return PartnerChanged(difference=done.difference, waits=done.waits, alone=done.alone, partner=partner)

    def _settle(self, change: Change, *, dry_run: bool) -> Changed:
        """The change is in force, or waits. The difference is computed outside the transaction, and holds only for the
        state in which it was."""
        for _ in range(TRIES):
            with self._snapshot() as snapshot:
                found = self._difference(snapshot, change)
                seen = _state_of(snapshot)
                actor = self._actor(snapshot, ADMIN)
                alone = found.widens and not seconds(snapshot, actor)
                shown = self._shown_difference(snapshot, found)
            if dry_run:
                return Changed(difference=shown, alone=alone)
            with self.store.write() as tx:
                if _state_of(tx) != seen:
                    continue
                actor = self._actor(tx, ADMIN)
                if found.widens and seconds(tx, actor):
                    return Changed(difference=shown, waits=self._propose(tx, change, found, actor).id)
                self._put_change(tx, change)
                return Changed(difference=shown, alone=found.widens)
        raise _overtaken()

    def _difference(self, snapshot: Snapshot, change: Change) -> Difference:
        """What the change would make different. Conflict where what it changes was changed meanwhile."""
        self._refuse_changed(snapshot, change)
        if isinstance(change, Erasure) or (isinstance(change, PartnerChange) and change.step in ("pause", "end")):
            return Difference()
        held, moment = self._in_force_at(snapshot), self.guard.moment(snapshot)
        if isinstance(change, ReleaseRequest):
            return self._requested(snapshot, change)
        if isinstance(change, Reclassification):
            found = reclassifying.changes(self.store, self.ours(), change.source)
            return difference_of(change, found, held.policy, held.partners, moment.best)
        before = Rights(held.policy, held.partners)
        if isinstance(change, PartnerChange):
            if change.step == "resume":
                # Who is suspended for being unused is given nothing either, whatever its record says.
                paused = structs.replace(held.partners[change.partner.id], state="suspended")
                before = replace(before, partners={**held.partners, paused.id: paused})
            after = replace(before, partners={**held.partners, change.partner.id: change.partner})
        else:
            after = replace(before, policy=self._compiled(change.texts.text, change.texts.cases))
        # From the earlier of both instants on, nothing is over that is not over in truth.
        return differ(snapshot, before, after, min(moment.now, moment.best), self.is_sound, moment.best)

    def _confirm(self, change: Reclassification) -> reclassifying.Done:
        """What was listed counts as what it is; what changed in another way meanwhile stands between two classes."""
        order, confirmed = reclassifying.Order(change.why, change.by), {(had, has) for had, has, _ in change.pairs}
        ours = self.ours()
        return reclassifying.apply(self.store, self.clock, ours, change.source, order, frozenset(confirmed))

    def _requested(self, snapshot: Snapshot, request: ReleaseRequest) -> Difference:
        """What would be let go. Conflict where not all of it waits for a second person any more."""
        numbers = BitMap(request.numbers)
        if not numbers or numbers - self._waiting_releases(snapshot, request.partner):
            raise Conflict("Not all of it waits for a second person any more.", hint="Ask for it anew.", where="id")
        policy = self._policy_at(snapshot).digest
        return Difference(seen=count_seen(snapshot, numbers), policies=(policy, policy))

    def _waiting_releases(self, snapshot: Snapshot, partner: str) -> BitMap:
        """The publications that policy lets go to the partner after approval, and that nobody approved."""
        moment = self.guard.moment(snapshot)
        subject, earlier = self._subject_of(snapshot, partner_named(snapshot, partner), moment)
        view = self.gate.view(snapshot, self._policy_at(snapshot), subject, moment.now, earlier)
        return waiting_for_approval(snapshot, view.decided) - view.approved

    def _compiled(self, text: str, cases: str) -> Policy:
        """The policy of these texts, which was tried with its cases. The last one is kept."""
        with self._policy_lock:
            if self._last_compiled is None or self._last_compiled[:2] != (text, cases):
                self._last_compiled = (text, cases, compile_policy(self._floor_once(), text, cases))
            return self._last_compiled[2]

    def _refuse_changed(self, snapshot: Snapshot, change: Change) -> None:
        if isinstance(change, PolicyChange):
            if _policy_version(snapshot) != change.version:
                raise Conflict(
                    "Another policy was put in force meanwhile.", hint="Look at comity policy log, and repeat."
                )
        elif isinstance(change, PartnerChange) and _partner_version(snapshot, change.partner.id)[1] != change.version:
            raise Conflict(
                f"{change.partner.name} was changed meanwhile.", hint="Look at comity partner show, and repeat."
            )

    def _put_change(self, tx: Transaction, change: Change, proposal: str = "") -> None:
        self._refuse_changed(tx, change)
        now = microseconds(self.clock.now())
        if isinstance(change, Reclassification | Erasure):
            return
        if isinstance(change, PolicyChange):
            body = msgspec.json.encode(change.texts)
            tx.put_record(Record(POLICY, POLICY, change.texts.of or POLICY, body, changed_at=now))
            return
        if isinstance(change, ReleaseRequest):
            permit(tx, change.partner, BitMap(change.numbers), proposal, now)
            return
        partner = change.partner
        if change.step == "activate":
            partner = structs.replace(partner, activated_at=now)
        if change.step == "resume":
            # To resume is a use, or who was suspended for being unused would be again at once.
            tx.put_usage(partner.id, replace(tx.usage(partner.id), read_at=now))
        if change.step == "end":
            self._revoke_tokens(tx, partner)
        self._refuse_alike(tx, partner)
        self._put(tx, partner)

    def _propose(self, tx: Transaction, change: Change, found: Difference, actor: Actor) -> Proposal:
        """The change waits; where the same person asked for the same a moment ago, it is that which waits."""
        now, digest = microseconds(self.clock.now()), digest_of(change, found)
        waits = [one for one in proposals(tx) if one.state_at(now) == WAITING]
        for one in waits:
            if (one.digest, one.asked_by) == (digest, actor.id):
                return one
        if len(waits) >= WAITING_MOST:
            raise Conflict(f"{WAITING_MOST} changes wait already.", hint="comity approvals")
        names = {one.id: one.name for one in self._in_force_at(tx).partners.values()}
        proposal = Proposal(
            id=base64.b32encode(self.entropy.token_bytes(5)).decode().lower(),
            change=change,
            digest=digest,
            told=found.to_json(names),
            asked_by=actor.id,
            asked_name=actor.name,
            asked_person=actor.person,
            asked_at=now,
            expires_at=now + HOURS * 3600 * 1_000_000,
        )
        tx.put_record(record_of(proposal, now))
        return proposal


def _refuse_requester(snapshot: Snapshot, proposal: Proposal, actor: Actor) -> None:
    """Who asked, by whatever account, does not approve; and what somebody asked who may not ask any more is void."""
    if actor.id == proposal.asked_by or same_person(actor.person, proposal.asked_person):
        raise NotAuthorized("Who asked for it cannot approve it.", where="as", hint="Another person has to look at it.")
    asked = next((one for one in accounts(snapshot) if one.id == proposal.asked_by), None)
    if asked is None or not asked.may(_asking(proposal.change)):
        raise Conflict(f"{proposal.asked_name} may not ask for it any more.", where="id", hint="Ask for it anew.")


def _caution(snapshot: Snapshot, proposal: Proposal, actor: Actor) -> str:
    """Who asked has seen the secret of who approves, and its holder has not made a new one."""
    handed_by = next(one.handed_by for one in accounts(snapshot) if one.id == actor.id)
    if not same_person(handed_by, proposal.asked_person):
        return ""
    return f"{proposal.asked_person}, who asked, was shown the secret of {actor.name}, which was not renewed since."


def _asking(change: Change) -> frozenset[str]:
    """The roles that may ask for it."""
    return frozenset({RELEASER, ADMIN} if isinstance(change, ReleaseRequest) else {ADMIN})


def _policy_version(snapshot: Snapshot) -> int:
    return next((record.version for record in snapshot.records(POLICY)), 0)


def _partner_version(snapshot: Snapshot, name: str) -> tuple[Partner, int]:
    partner = partner_named(snapshot, name)
    return partner, next(record.version for record in snapshot.records(PARTNER_KIND) if record.id == partner.id)


def _state_of(snapshot: Snapshot) -> tuple[int, frozenset[int]]:
    """What a difference rests on: the records, and the classes that there are."""
    return snapshot.admin_version, frozenset(snapshot.classes())


def _overtaken() -> Conflict:
    return Conflict("The records changed again and again meanwhile.", hint="Repeat.")
