"""What partners receive, told to own staff: in advance, with what would be otherwise, and as a table. It is told of the
same views that are served, and nothing of it is recorded."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from pyroaring import BitMap

from comity.errors import Invalid, NotFound
from comity.interfaces import PAGE_ITEMS_MAX, Query
from comity.node import outbound, publishing, showing
from comity.node.access import OPERATOR
from comity.node.explaining import Cut, Teller, Told, shown
from comity.node.gate import Gate
from comity.node.guard import Moment
from comity.node.parts import Part, part_of
from comity.node.publishing import EVERYTHING, Selection
from comity.node.recipients import Partner, partner_named, partners
from comity.node.showing import CopyView
from comity.node.supposing import (
    NOTHING,
    READINGS,
    Difference,
    SinceReading,
    Supposed,
    SupposedDecisions,
    difference,
    opened,
    since_reading,
)
from comity.node.tabling import Tabling
from comity.node.viewing import Viewer
from comity.node.views import View, leave, look, sent_by
from comity.release import redact
from comity.release.classes import Recipient
from comity.release.closure import Verdict
from comity.release.policy import Policy, Rule, compile_policy
from comity.store.interface import Snapshot
from comity.store.nouns import State
from comity.store.text import label_of

AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Receives:
    """What becomes of one copy for a partner or client, by which rules, and whether it was opened to them before: since
    then they may have it."""

    partner: str
    relation: str
    verdict: Verdict
    rules: tuple[Rule, ...]
    cuts: tuple[Cut, ...]
    opened: bool


@dataclass(frozen=True, slots=True)
class CopyWho:
    """One copy of an object, and who receives it. Nobody is asked about where it is not published, but for who sent
    it."""

    version: str
    source: str
    collection: str
    state: str
    who: tuple[Receives, ...]


class Telling(Tabling):
    """The verbs that say what partners receive."""

    def tell(
        self,
        name: str,
        ids: Sequence[str] | None = None,
        *,
        selection: Selection = EVERYTHING,
        supposing: Supposed = NOTHING,
        passing: bool = True,
        limit: int | None = None,
    ) -> Iterator[Told]:
        """What becomes of each published copy for the partner of that name, and of each that it sent itself, and why:
        of those of the selection, or with these ids; with `passing` also what would have to be otherwise. NotFound
        where there is no such partner. Whoever acts is told of what it may read, here and in the other verbs (R64).
        With a `limit` of the first so many, for which no more is looked at than they rest on."""
        selection = self._known(selection if ids is None else replace(selection, ids=tuple(ids)))
        with self._snapshot() as snapshot:
            viewer = self._reader(snapshot, "explain", to=name, ids=list(selection.ids or ()), supposed=bool(supposing))
            moment = self.guard.moment(snapshot)
            partner = partner_named(snapshot, name)
            sent = sent_by(snapshot, self._subject_of(snapshot, partner, moment)[0])
            chosen, part = _chosen(snapshot, sent, selection), None
            if limit is None:
                numbers = viewer.readable(snapshot, chosen, self.ours())
            else:
                numbers = self._first_readable(snapshot, viewer, chosen, limit)
                part = part_of(snapshot, numbers)
            view, policy = self._view_of(snapshot, partner, moment, supposing, part)
            teller = Teller(snapshot, view, policy, moment.now, self.is_sound, passing=passing)
            yield from teller.tell(numbers)

    def _first_readable(self, snapshot: Snapshot, viewer: Viewer, numbers: BitMap, limit: int) -> BitMap:
        found = BitMap()
        for start in range(0, len(numbers), AT_ONCE):
            found |= viewer.readable(snapshot, numbers[start : start + AT_ONCE], self.ours())
            if len(found) >= limit:
                return BitMap(found[:limit])
        return found

    def not_shown(
        self, name: str | None = None, ids: Sequence[str] | None = None, *, selection: Selection = EVERYTHING
    ) -> int | None:
        """Of so many copies that `tell` would tell of, or `matrix` where there is no name, whoever acts is not told,
        since it may not read them. None where that is not told either: the host's operator reads everything, and others
        want the role for it."""
        selection = self._known(selection if ids is None else replace(selection, ids=tuple(ids)))
        with self._snapshot() as snapshot:
            viewer = self._reader(snapshot)
            if not viewer.counts:
                return None
            numbers = snapshot.publications().of("state", State.PUBLISHED)
            if name is not None:
                moment = self.guard.moment(snapshot)
                subject, _ = self._subject_of(snapshot, partner_named(snapshot, name), moment)
                numbers = _chosen(snapshot, sent_by(snapshot, subject), selection)
            return len(numbers) - len(viewer.readable(snapshot, numbers, self.ours()))

    def since_reading(self, name: str, selection: Selection = EVERYTHING) -> SinceReading:
        """What the partner of that name can read now and could not when it read last, and the reverse."""
        selection = self._known(selection)
        with self._snapshot() as snapshot:
            viewer, moment = self._reader(snapshot, "since-reading", to=name), self.guard.moment(snapshot)
            partner, among, part = partner_named(snapshot, name), None, None
            if selection != EVERYTHING or not viewer.everything:
                sent = sent_by(snapshot, self._subject_of(snapshot, partner, moment)[0])
                among = viewer.readable(snapshot, _chosen(snapshot, sent, selection), self.ours())
                part = part_of(snapshot, among)
            view, _ = self._view_of(snapshot, partner, moment, part=part)
            return since_reading(snapshot, view, moment.best, among)

    def difference(self, name: str, supposing: Supposed, selection: Selection = EVERYTHING) -> Difference:
        """What the partner of that name would receive besides, no more, or otherwise, if all that is supposed held."""
        selection = self._known(selection)
        with self._snapshot() as snapshot:
            viewer = self._reader(snapshot, "difference", to=name)
            moment, partner = self.guard.moment(snapshot), partner_named(snapshot, name)
            before, _ = self._view_of(snapshot, partner, moment)
            after, _ = self._view_of(snapshot, partner, moment, supposing)
            among = viewer.readable(snapshot, _chosen(snapshot, before.sent, selection), self.ours())
            return difference(snapshot, before, after, among)

    def would_read(self, name: str, ids: Sequence[str]) -> list[bytes]:
        """What the partner of that name would read of the objects with these ids over TAXII, in all collections, byte
        for byte; no more is looked at than these rest on."""
        with self._snapshot() as snapshot:
            viewer = self._reader(snapshot, "preview", to=name, ids=list(ids))
            moment, partner = self.guard.moment(snapshot), partner_named(snapshot, name)
            numbers = BitMap(snapshot.published_of([id for id in ids if id.isprintable()]))
            numbers = viewer.readable(snapshot, numbers, self.ours(), whole=True)
            view, _ = self._view_of(snapshot, partner, moment, part=part_of(snapshot, numbers))
            return [one.raw for _, one in leave(snapshot, view, shown(snapshot, view) & numbers)]

    def write_reading(
        self,
        write: Callable[[bytes], object],
        name: str,
        *,
        collection: str | None = None,
        ids: Sequence[str] = (),
        types: Sequence[str] = (),
        supposing: Supposed = NOTHING,
    ) -> int:
        """What the partner of that name would read over TAXII in the collection, all pages, was written as a bundle:
        the same objects, byte for byte, in the same order; how many. Another policy may be supposed, but no facets.
        Invalid where no collection is named and there are several."""
        if supposing.facets:
            raise Invalid("What is only supposed of objects cannot be read.", where="what-if")
        bundle_id = f"bundle--{self.entropy.uuid4()}"
        with self._snapshot() as snapshot:
            viewer = self._reader(snapshot, "preview", to=name, collection=collection, ids=list(ids), types=list(types))
            moment, partner = self.guard.moment(snapshot), partner_named(snapshot, name)
            there = snapshot.collections()
            if collection is None and len(there) != 1:
                raise Invalid("A reading is of one collection.", where="collection", hint="comity collection list")
            found = there[0] if collection is None else snapshot.collection(collection)
            gate, policy = self.gate, self._policy_at(snapshot)
            if supposing.policy is not None:
                gate, policy = Gate(self.is_sound), compile_policy(self._floor_once(), *supposing.policy)
            query = Query(collection=found.id, ids=tuple(ids), types=tuple(types), limit=PAGE_ITEMS_MAX)
            subject, earlier = self._subject_of(snapshot, partner, moment)
            asked = gate.ask(snapshot, policy, subject, found, query, moment.now, earlier)
            among = None
            if not viewer.everything:
                among = viewer.readable(snapshot, asked.view.alive, self.ours(), whole=True)

            def objects() -> Iterator[redact.Released]:
                after, more = 0, True
                while more:
                    page = gate.page(snapshot, asked, replace(query, after=after), among=among)
                    yield from page.objects
                    after, more = page.position, page.more

            return outbound.write_released(write, objects(), id=bundle_id)

    def who(self, id: str, *, first: int = 0, most: int | None = None) -> list[CopyWho]:
        """Of each copy of the object, in the order of `show`, who receives it: of all partners and clients by name, or
        of `most` of them from the one in that place on."""
        with self._snapshot() as snapshot:
            copies = self._reader(snapshot, "who", id=id).copies(snapshot, id, self.ours())
            moment, policy = self.guard.moment(snapshot), self._policy_at(snapshot)
            numbers = snapshot.published_of([id])
            keys = {one.number: one.object for one in snapshot.published(numbers)}
            found: dict[int, list[Receives]] = {key: [] for key in keys.values()}
            part, published = part_of(snapshot, numbers), snapshot.publications().of("state", State.PUBLISHED)
            asked = partners(snapshot)[first : None if most is None else first + most] if numbers else []
            for partner in asked:
                view, _ = self._view_of(snapshot, partner, moment, part=part)
                had = _ever_opened(snapshot, partner.id)
                here = (published | view.sent) & BitMap(numbers)
                for told in Teller(snapshot, view, policy, moment.now, self.is_sound, passing=False).tell(here):
                    receives = Receives(
                        partner.name, partner.relation, told.verdict, told.rules, told.cuts, told.number in had
                    )
                    found[keys[told.number]].append(receives)
            titles = {collection.id: collection.title for collection in snapshot.collections()}
            return [
                CopyWho(
                    copy.version,
                    copy.source,
                    titles[copy.collection],
                    copy.state.name.lower(),
                    tuple(found.get(copy.key, ())),
                )
                for copy in copies
            ]

    def seen(self, id: str) -> list[CopyView]:
        """What `show` has of the copies of which `who` tells: those that whoever acts may read. NotFound without any,
        in the same words as where there is no such object."""
        with self._snapshot() as snapshot:
            copies = self._reader(snapshot, "seen", id=id).copies(snapshot, id, self.ours())
            views = showing.views(snapshot, OPERATOR, id, self.schemas(), copies)
        if not views:
            raise NotFound(f"There is no object {id!r}.", where="id")
        return views

    def titles(self, ids: Sequence[str]) -> dict[str, str]:
        """What each of the objects with these ids is called, where it is called anything: by id, of those that whoever
        acts may read whole. A published copy says it before any other."""
        with self._snapshot() as snapshot:
            viewer = self._reader(snapshot, "seen", ids=list(ids))
            published = BitMap(snapshot.published_of([id for id in ids if id.isprintable()]))
            numbers = sorted(viewer.readable(snapshot, published, self.ours(), whole=True))
            facts = snapshot.published(numbers)
            bodies = snapshot.published_bodies([one.number for one in facts])
            found = {one.id: label_of(body) for one, body in zip(facts, bodies, strict=True)}
            for id in ids:
                if id not in found and id.isprintable():
                    copies = viewer.copies(snapshot, id, self.ours())
                    found[id] = next((label_of(one.body) for one in copies if one.body is not None), "")
        return {id: label for id, label in found.items() if label}

    def _view_of(
        self,
        snapshot: Snapshot,
        partner: Partner,
        moment: Moment,
        supposing: Supposed = NOTHING,
        part: Part | None = None,
    ) -> tuple[View, Policy]:
        """The view of the partner and the policy it was made by, or that part of it. One that is supposed is made
        aside: the gate, which keeps views to serve them, never sees it."""
        policy = self._policy_at(snapshot)
        subject, earlier = self._subject_of(snapshot, partner, moment)
        if not supposing:
            return self.gate.view(snapshot, policy, subject, moment.now, earlier, part), policy
        if supposing.policy is not None:
            policy = compile_policy(self._floor_once(), *supposing.policy)

        def decisions(recipient: Recipient) -> SupposedDecisions:
            return SupposedDecisions(policy, recipient, supposing.facets)

        used = self.deliveries.used_at(snapshot, partner, moment.now)
        subject = supposing.subject(partner, moment.now, used)
        both = None
        if earlier is not None:
            then = supposing.subject(partner, earlier.instant, used).recipient
            both = (decisions(then), earlier.instant)
        return look(snapshot, subject, decisions(subject.recipient), moment.now, self.is_sound, both, part), policy


def _chosen(snapshot: Snapshot, sent: BitMap, selection: Selection) -> BitMap:
    """What is published, or was sent by the recipient itself, of the selection."""
    among = snapshot.publications().of("state", State.PUBLISHED) | sent
    return BitMap(publishing.chosen(snapshot, selection, among))


def _ever_opened(snapshot: Snapshot, partner: str) -> BitMap:
    """All that was opened to the partner in any reading, and what went again."""
    stretches = [
        stretch.opened
        for collection in snapshot.collections()
        for word in READINGS
        for stretch in opened(snapshot, partner, word, collection.id).stretches
    ]
    return BitMap.union(BitMap(), *stretches)
