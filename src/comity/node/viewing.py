"""Whom something is told (R64): an account is shown what it may read, the rest is counted for who has *release-audit*.

There are no contacts yet, so that TLP:RED of others, which is for the persons whom it names (R3), is for no account.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import orjson
from msgspec import structs
from pyroaring import BitMap

from comity.node.changes import Difference
from comity.node.forming import Classes
from comity.node.partners import Partners
from comity.node.people import AUDIT, READING, ROLES, accounts
from comity.node.proposals import Proposal
from comity.node.reclassifying import batches
from comity.release.classes import ReleaseClass
from comity.release.forms import class_of
from comity.release.standing import parts
from comity.stix.tlp import TLP
from comity.store.interface import Snapshot
from comity.store.nouns import Copy


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who is told something. Who may read `everything` is the host's operator, as long as there is no account;
    `counts` says that the number of what is not shown is told."""

    everything: bool
    reads: bool
    counts: bool

    def may_read(self, form: bytes, *, whole: bool = False) -> bool:
        """Whether objects of the class or standing of that form are shown: with `whole` with all that is in them."""
        if self.everything or not self.reads:
            return self.everything
        return _is_open(form, whole=whole)

    def readable(self, snapshot: Snapshot, numbers: BitMap, ours: frozenset[str], *, whole: bool = False) -> BitMap:
        """Those of these publications that are shown."""
        if self.everything or not self.reads:
            return numbers if self.everything else BitMap()
        published = snapshot.publications()
        shown: list[BitMap] = []
        closed: list[BitMap] = []
        for key, form in snapshot.classes().items():
            if form:
                some = published.of("class", key) & numbers
                (shown if self.may_read(form, whole=whole) else closed).append(some)
        # One union of many is quicker than many unions with what grows.
        found = BitMap.union(BitMap(), *shown)
        classed = BitMap.union(found, *closed)
        # What is not published has no class, yet who sent it reads it.
        names = {source.key: source.name for source in snapshot.sources()}
        classes = Classes(snapshot, ours)
        for batch in batches(numbers - classed):
            facts = snapshot.published(batch)
            bodies = snapshot.published_bodies([one.number for one in facts])
            for one, body in zip(facts, bodies, strict=True):
                _, form = classes.form(names[one.source], one.default_tlp, one.mark, orjson.loads(body))
                if self.may_read(form, whole=whole):
                    found.add(one.number)
        return found

    def copies(self, snapshot: Snapshot, id: str, ours: frozenset[str]) -> list[Copy]:
        """The copies of the object that are shown, with all that is in them."""
        there = snapshot.copies(id)
        if self.everything or not self.reads:
            return there if self.everything else []
        forms, classes = snapshot.classes(), Classes(snapshot, ours)
        kept = {one.object: forms[one.class_key] for one in snapshot.published(snapshot.published_of([id]))}
        found = []
        for copy in there:
            form = kept.get(copy.key, b"")
            if not form and copy.body is not None:
                _, form = classes.form(copy.source, copy.default_tlp, copy.mark, orjson.loads(copy.body))
            if form and self.may_read(form, whole=True):
                found.append(copy)
        return found

    def ids(self, snapshot: Snapshot, ids: Sequence[str], ours: frozenset[str]) -> list[str]:
        """Those of these ids of which every copy is shown."""
        if self.everything or not self.reads:
            return list(ids) if self.everything else []
        return [id for id in ids if 0 < len(self.copies(snapshot, id, ours)) == len(snapshot.copies(id))]


@lru_cache(maxsize=4096)
def _is_open(form: bytes, *, whole: bool) -> bool:
    """None of the classes is TLP:RED of others; what awaits its class may be that."""
    return all(part and not _is_red_of_others(class_of(part), whole=whole) for part in parts(form))


def _is_red_of_others(one: ReleaseClass, *, whole: bool) -> bool:
    return not one.ours and (one.tlp is TLP.RED or (whole and TLP.RED in one.granular))


class Viewing(Partners):
    """Who is told, and how samples of ids are told to them."""

    def _viewer(self, snapshot: Snapshot) -> Viewer:
        """Whoever acts. Unauthenticated where that is no account, and there is one."""
        return self._viewer_with(snapshot, ROLES)

    def _reader(self, snapshot: Snapshot, act: str = "", **what: Any) -> Viewer:
        """Whoever acts, and may read something, or count it; with an act it is noted that they are told. NotAuthorized
        for others."""
        found = self._viewer_with(snapshot, (*READING, AUDIT))
        if act:
            self._note_told(act, what)
        return found

    def _note_told(self, act: str, what: Mapping[str, Any]) -> None:
        """It is noted what whoever acts is told."""
        raise NotImplementedError

    def _viewer_with(self, snapshot: Snapshot, roles: Iterable[str]) -> Viewer:
        actor = self._actor(snapshot, *roles)
        if actor.is_operator:
            return Viewer(everything=True, reads=True, counts=False)
        has = next(set(one.roles) for one in accounts(snapshot) if one.id == actor.id)
        return Viewer(everything=False, reads=not has.isdisjoint(READING), counts=AUDIT in has)

    def _shown_difference(self, snapshot: Snapshot, found: Difference) -> Difference:
        """The same, with no other ids than whoever acts may read. What is counted stays, since it is what is decided
        about."""
        if found.seen is None or not found.seen.ids:
            return found
        ids = self._viewer(snapshot).ids(snapshot, found.seen.ids, self.ours())
        return replace(found, seen=replace(found.seen, ids=tuple(ids)))

    def _shown_proposal(self, snapshot: Snapshot, proposal: Proposal) -> Proposal:
        """The same, in the same way."""
        objects = proposal.told["objects"]
        if not objects or not objects["ids"]:
            return proposal
        ids = self._viewer(snapshot).ids(snapshot, objects["ids"], self.ours())
        return structs.replace(proposal, told=proposal.told | {"objects": objects | {"ids": ids}})
