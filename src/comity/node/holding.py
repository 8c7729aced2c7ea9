"""The record of what left: what a recipient has of ours, and who has an object. It is read from the ledger's releases,
window by window, so that memory stays flat however much left."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from pyroaring import BitMap

from comity.errors import NotFound
from comity.node.delivering import Delivering
from comity.node.parts import part_of
from comity.node.recipients import partner_named, partners, source_of
from comity.node.reclassifying import batches
from comity.node.recording import OBJECTS
from comity.node.viewing import Viewer
from comity.stix.timestamp import instant_key
from comity.store.interface import Snapshot
from comity.store.nouns import State
from comity.store.releases import Former, Release
from comity.store.views import Keys

WINDOW_NUMBERS, WINDOW_OF_FEW = 20_000, 100
"""So many publications are looked at together: of everything, and where only the first are asked for."""
RELEASES_AT_ONCE = 500
OFFERED, WITHHELD, UNPUBLISHED = "offered", "withheld", "unpublished"


@dataclass(frozen=True, slots=True)
class Left:
    """When a copy left (microseconds since 1970), by which entry of the ledger, under which version of the policy, by
    which rules of it."""

    at: int
    entry: int
    policy: int
    rule: str


@dataclass(frozen=True, slots=True)
class Held:
    """One copy that a recipient has, as it left first and last. It is `offered` still, or `withheld` from it by now, or
    `unpublished`: then nobody is offered it."""

    id: str
    version: str
    source: str
    digest: str
    state: str
    first: Left
    last: Left


@dataclass(frozen=True, slots=True)
class Holder:
    """A recipient, by name, and what it has."""

    partner: str
    held: Held


# -- what left ---------------------------------------------------------------------------------------------------------
def left(snapshot: Snapshot, recipient: str, after: int = 0) -> Iterator[tuple[Release, Mapping[str, Keys]]]:
    """Each page of objects that left for the recipient behind that entry, with the publications of it by rule."""
    while some := snapshot.releases(recipient, after, RELEASES_AT_ONCE):
        after = some[-1].entry
        whole = [one for one in some if one.form == OBJECTS]
        parts = snapshot.release_parts_of([one.entry for one in whole])
        for one in whole:
            yield one, parts.get(one.entry, {})


def numbers_left(snapshot: Snapshot, recipient: str, after: int = 0) -> BitMap:
    """All publications that ever left for the recipient, or behind that entry."""
    found = BitMap()
    for _, parts in left(snapshot, recipient, after):
        found |= BitMap.union(BitMap(), *parts.values())
    return found


def first_and_last(snapshot: Snapshot, recipient: str, numbers: Keys) -> dict[int, tuple[Left, Left]]:
    """How each of these publications left for the recipient first, and how last."""
    found: dict[int, tuple[Left, Left]] = {}
    for release, parts in left(snapshot, recipient):
        for rule, those in parts.items():
            first = Left(release.at, release.entry, release.policy, rule)
            last = replace(first, at=max(release.at, release.again_at))
            for number in those & numbers:
                earlier = found.get(number)
                if earlier is None:
                    found[number] = (first, last)
                elif earlier[1].at <= last.at:
                    found[number] = (earlier[0], last)
    return found


def _of_types(snapshot: Snapshot, numbers: BitMap, types: Sequence[str]) -> BitMap:
    """Those of these publications, former ones included, of objects of these types; all of them without types."""
    if not types:
        return numbers
    former = numbers - snapshot.publications().of("state", State.PUBLISHED)
    found = (numbers - former) & snapshot.published_types(types)
    for some in batches(former):
        found |= BitMap(one.number for one in snapshot.former(some) if one.id.partition("--")[0] in types)
    return found


def numbers_of(snapshot: Snapshot, ids: list[str]) -> BitMap:
    """The publications that objects with these ids have, or had."""
    known = [id for id in ids if id.isprintable()]
    return BitMap(snapshot.published_of(known)) | BitMap(snapshot.former_of(known))


def own_source(snapshot: Snapshot, recipient: str) -> int:
    """The store's number of the source of what the recipient sent itself, which is not ours; 0 where there is none."""
    return next((source.key for source in snapshot.sources() if source.name == source_of(recipient)), 0)


# -- what is held ------------------------------------------------------------------------------------------------------
class _Holdings:
    """What one recipient has, as somebody is told who may read the publications `among`."""

    def __init__(self, snapshot: Snapshot, recipient: str, among: BitMap, offered: Keys) -> None:
        self._snapshot = snapshot
        self._recipient = recipient
        self._among = among
        self._offered = offered
        self._published = snapshot.publications().of("state", State.PUBLISHED)
        self._sources = {source.key: source.name for source in snapshot.sources()}
        self._own = own_source(snapshot, recipient)

    def of(self, numbers: list[int]) -> Iterator[Held]:
        """Each copy that these publications were of, once: where its first one is among them."""
        facts = self._snapshot.stood_for(numbers)
        # The same copy that was published again has another number.
        others = numbers_of(self._snapshot, [one.id for one in facts]) - BitMap(numbers)
        facts += self._snapshot.stood_for(list(others))
        ways = first_and_last(self._snapshot, self._recipient, BitMap(one.number for one in facts) & self._among)
        copies: dict[tuple[str, str, int, bytes], list[Former]] = {}
        for one in sorted(facts, key=lambda one: one.number):
            copies.setdefault((one.id, one.version, one.source, one.digest), []).append(one)
        wanted = BitMap(numbers)
        for same in copies.values():
            first = next((one.number for one in same if one.number in ways), 0)
            if first in wanted and same[0].source != self._own:
                yield self._held(same, [ways[one.number] for one in same if one.number in ways])

    def _held(self, same: list[Former], ways: list[tuple[Left, Left]]) -> Held:
        one, numbers = same[0], BitMap(each.number for each in same)
        state = OFFERED if numbers & self._offered else WITHHELD if numbers & self._published else UNPUBLISHED
        first = min((each[0] for each in ways), key=lambda way: (way.at, way.entry))
        last = max((each[1] for each in ways), key=lambda way: (way.at, way.entry))
        return Held(one.id, one.version, self._sources[one.source], one.digest.hex(), state, first, last)


class _Left:
    """All publications that ever left for each recipient, read on from where the ledger was when it was asked last:
    what left once stays so. Safe to use from threads."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, BitMap]] = {}

    def of(self, snapshot: Snapshot, recipient: str) -> BitMap:
        """As `numbers_left`; it must not be changed."""
        entry, known = self._known.get(recipient, (0, BitMap()))
        if entry > snapshot.last_entry:
            return numbers_left(snapshot, recipient)
        if entry < snapshot.last_entry:
            known = known | numbers_left(snapshot, recipient, entry)
            self._known[recipient] = (snapshot.last_entry, known)
        return known


class Holding(Delivering):
    """The verbs on what recipients have."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._left = _Left()

    def held(self, name: str, *, types: Sequence[str] = (), limit: int | None = None) -> Iterator[Held]:
        """Everything of ours that the partner of that name was given, or what of it is of these types, in the order of
        publishing; at most so many. Of a manifest it knows ids, and has nothing. NotFound where there is no such
        partner. Whoever acts is told of what it may read (R64)."""
        self.deliveries.flush()
        with self._snapshot() as snapshot:
            yield from islice(self._held(snapshot, name, types, few=limit is not None), limit)

    def _held(self, snapshot: Snapshot, name: str, types: Sequence[str], *, few: bool) -> Iterator[Held]:
        viewer, partner = self._reader(snapshot, "held", to=name), partner_named(snapshot, name)
        moment = self.guard.moment(snapshot)
        among = _of_types(snapshot, self._left.of(snapshot, partner.id), types)
        among = self._readable(snapshot, viewer, among)
        every = iter(among)
        while some := list(islice(every, WINDOW_OF_FEW if few else WINDOW_NUMBERS)):
            part = part_of(snapshot, some) if few else None
            view, _ = self._view_of(snapshot, partner, moment, part=part)
            yield from _Holdings(snapshot, partner.id, among, view.told).of(some)

    def holders(self, id: str, version: str | None = None) -> list[Holder]:
        """Who was given the object, or that version of it, by name, each with what it has. NotFound, in the same words,
        where there is no such object, or none that whoever acts may read."""
        self.deliveries.flush()
        with self._snapshot() as snapshot:
            viewer, moment = self._reader(snapshot, "holders", id=id), self.guard.moment(snapshot)
            among = self._readable(snapshot, viewer, numbers_of(snapshot, [id]))
            if not among and not (id.isprintable() and viewer.copies(snapshot, id, self.ours())):
                raise NotFound(f"There is no object {id!r}.", where="id")
            if version is not None:
                instant = instant_key(version)
                facts = snapshot.stood_for(list(among))
                among = BitMap(one.number for one in facts if instant_key(one.version) == instant)
            found = []
            part = part_of(snapshot, among)
            for partner in partners(snapshot):
                if theirs := self._left.of(snapshot, partner.id) & among:
                    view, _ = self._view_of(snapshot, partner, moment, part=part)
                    holdings = _Holdings(snapshot, partner.id, theirs, view.told)
                    found += [Holder(partner.name, each) for each in holdings.of(list(theirs))]
            return found

    def _readable(self, snapshot: Snapshot, viewer: Viewer, numbers: BitMap) -> BitMap:
        """Those of these publications, former ones included, of which whoever acts is told."""
        if viewer.everything:
            return numbers
        former = numbers - snapshot.publications().of("state", State.PUBLISHED)
        found, forms = viewer.readable(snapshot, numbers - former, self.ours()), snapshot.classes()
        for some in batches(former):
            found |= BitMap(
                one.number
                for one in snapshot.former(some)
                if (form := forms.get(one.class_key)) and viewer.may_read(form)
            )
        return found
