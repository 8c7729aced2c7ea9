"""Objects that a person writes: drafts, which their editor alone sees, until they are saved by the one way in (R12).

What is saved is received, and no partner is asked about before a releaser publishes it. A new version is made only of
what is ours, and of the version that was looked at: whoever is later is told what came between (R18).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import orjson

from comity.errors import Conflict, Invalid, InvalidObject, NotAuthorized, NotFound, TooLarge
from comity.interfaces import microseconds
from comity.node import outbound, receive
from comity.node.access import OPERATOR
from comity.node.browsing import Browsing
from comity.node.countries import countries
from comity.node.foretelling import Unborn, WouldReceive, disposed, foretell
from comity.node.forming import AUTO, Classes
from comity.node.people import RELEASER
from comity.node.receive import Report
from comity.node.recipients import partners
from comity.node.showing import resolve
from comity.node.way import Way, way_of
from comity.release.classes import ReleaseClass
from comity.release.forms import class_of
from comity.stix.audience import DEFAULT_TLP
from comity.stix.composing import Composed, Fault, Maker, compose, field_of, fields_of, names_of
from comity.stix.markings import effective
from comity.stix.object import Finding, JsonObject, Rejected
from comity.stix.parse import judge
from comity.stix.tlp import TLP
from comity.store.audit import Noted
from comity.store.drafts import Draft
from comity.store.interface import Snapshot, Transaction
from comity.store.nouns import Copy, Outcome, Source, Verdict

WRITING = ("analyst", RELEASER)
"""Who has one of these writes objects of ours."""
DRAFTS_MOST = 200
"""So many drafts of one person are kept."""
CHARACTERS_MOST = 200_000
OURS = "Only its maker makes new versions of it, and it is not ours."


@dataclass(frozen=True, slots=True)
class DraftView:
    """A draft with what was typed into each field; `base` is the version that is edited, empty for a new object."""

    id: str
    type: str
    object: str
    base: str
    revision: int
    made: int
    changed: int
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Foretold:
    """What a draft would become: the object, what is wrong with it by field, findings that are no fault, its class.
    Once nothing is wrong, `who` says what each partner and client would receive. `newest` is the version that is here
    by now, where that is another than the one that is edited; `at_once` that its source has a rule by which it is
    published when it is saved."""

    draft: DraftView
    value: JsonObject
    faults: tuple[Fault, ...]
    findings: tuple[Finding, ...]
    of: ReleaseClass
    who: tuple[WouldReceive, ...]
    newest: str
    at_once: bool


@dataclass(frozen=True, slots=True)
class Saved:
    """What a draft became."""

    id: str
    version: str


@dataclass(frozen=True, slots=True)
class _Held:
    """An object of ours that is here: the copy, its value and its effective level."""

    copy: Copy
    source: Source
    value: JsonObject
    tlp: TLP


class Drafting(Browsing):
    """The verbs of writing. A draft of somebody else is not there, in the same words as one that never was."""

    def start_draft(self, type: str, fields: Mapping[str, str], *, object: str = "", version: str = "") -> DraftView:
        """There is a draft of whoever acts: of a new object, or of the next version of that one, as it was looked at in
        that version. NotAuthorized where it is not ours, Conflict where it is another version by now."""
        body = _encoded(type, fields)
        now = microseconds(self.clock.now())
        with self.store.write() as tx:
            actor = self._actor(tx, *WRITING)
            if len(tx.drafts(actor.id)) >= DRAFTS_MOST:
                raise Conflict(f"You have {DRAFTS_MOST} drafts.", where="draft", hint="Save or discard some first.")
            if object:
                self._check_newest(tx, object, version)
            id = object or f"{type}--{self.entropy.uuid4()}"
            if not id.startswith(f"{type}--"):
                raise Invalid(f"{id[:60]!r} is no {type}.", where="type")
            made = Draft(str(self.entropy.uuid4()), actor.id, id, type, version if object else "", 1, now, now, body)
            tx.put_draft(made)
        return _view(made)

    def drafts(self) -> list[DraftView]:
        """Those of whoever acts, what was changed last first."""
        with self._snapshot() as snapshot:
            actor = self._actor(snapshot, *WRITING)
            return [_view(each) for each in snapshot.drafts(actor.id)]

    def draft(self, id: str) -> DraftView:
        """The draft of whoever acts. NotFound for everybody else."""
        with self._snapshot() as snapshot:
            return _view(self._draft_of(snapshot, id))

    def change_draft(self, id: str, fields: Mapping[str, str], revision: int) -> DraftView:
        """The draft says this. Conflict, and nothing changed, where it is another revision by now."""
        with self.store.write() as tx:
            held = self._draft_of(tx, id, revision)
            changed = self._next(held, body=_encoded(held.type, fields))
            tx.put_draft(changed)
        return _view(changed)

    def rebase_draft(self, id: str, version: str, revision: int) -> DraftView:
        """The draft is of that version, which is the newest one and was looked at: what its editor did not touch says
        what that version says, and what was typed stays."""
        with self.store.write() as tx:
            held = self._draft_of(tx, id, revision)
            self._check_newest(tx, held.object, version)
            newest = self._ours(tx, held.object)
            old = self._ours(tx, held.object, held.base)
            was, now = fields_of(old.value, old.tlp), fields_of(newest.value, newest.tlp)
            typed = _fields(held)
            merged = {name: now[name] if typed[name] == was[name] else typed[name] for name in typed}
            changed = self._next(held, body=_encoded(held.type, merged), base=version)
            tx.put_draft(changed)
        return _view(changed)

    def discard_draft(self, id: str) -> None:
        """The draft is gone, and nothing is left of it."""
        with self.store.write() as tx:
            tx.drop_drafts([self._draft_of(tx, id).id])

    def foretell_draft(self, id: str, *, who: bool = True) -> Foretold:
        """What would become of the draft and, with `who`, who would receive it, if it were saved and published now."""
        with self._snapshot() as snapshot:
            held = self._draft_of(snapshot, id)
            made, way, findings = self._made(snapshot, held)
            classes = Classes(snapshot, self.ours())
            classes.know(way.source.name, made.definitions)
            _, form = classes.form(way.source.name, int(way.default_tlp), None, made.value)
            of = class_of(form)
            receivers: tuple[WouldReceive, ...] = ()
            if who and not made.faults:
                # Of the draft nothing is noted but its type: it is nobody else's.
                self._note_told("foretell", {"type": held.type})
                receivers = self._who(snapshot, Unborn(made.value, of, way.source.name))
            newest = self._newest_but(snapshot, held.object, "")
            return Foretold(
                _view(held),
                made.value,
                made.faults,
                findings,
                of,
                receivers,
                newest if held.base and newest != held.base else "",
                way.source.publish == AUTO,
            )

    def save_draft(self, id: str, revision: int) -> Saved:
        """The draft became an object of ours, or its next version, and is a draft no more. InvalidObject, with the
        field, where something is wrong with it; Conflict where the draft or the object was changed meanwhile."""
        with self._snapshot() as snapshot:
            held = self._draft_of(snapshot, id, revision)
            if self._newest_but(snapshot, held.object, "") != held.base:
                raise _changed_meanwhile()
            made, way, _ = self._made(snapshot, held)
        if made.faults:
            first = made.faults[0]
            raise InvalidObject(first.words, where=first.field, rule=first.rule)
        raws = [orjson.dumps(one) for one in (*made.definitions, made.value)]
        saved = Saved(held.object, str(made.value["modified"]))

        def record(tx: Transaction, verdicts: Sequence[Verdict]) -> None:
            self._draft_of(tx, id, revision)
            if len(verdicts) != len(raws):
                raise Conflict("It was erased here, and is not taken in again.", where="id", rule="R42")
            # Another version of the same instant is a conflict already.
            newest = self._newest_but(tx, held.object, saved.version)
            if verdicts[-1].outcome is not Outcome.STORED or newest != held.base:
                raise _changed_meanwhile()
            tx.drop_drafts([id])
            tx.note(Noted(tx.staff, "save", {"id": saved.id, "version": saved.version}))

        report = Report(way.source.name)
        receive.store_all(self.store, self.clock, raws, way, self.schemas(), self._limits(), report, record=record)
        return saved

    # -- drafts

    def _draft_of(self, snapshot: Snapshot, id: str, revision: int | None = None) -> Draft:
        """The draft of whoever acts. NotFound for another's, Conflict where it is not that revision any more."""
        actor = self._actor(snapshot, *WRITING)
        held = snapshot.draft(id, actor.id)
        if held is None:
            raise NotFound("There is no such draft.", where="draft")
        if revision is not None and held.revision != revision:
            raise Conflict("The draft was changed elsewhere meanwhile.", where="revision", hint="Both are shown.")
        return held

    def _next(self, held: Draft, **more: Any) -> Draft:
        return replace(held, revision=held.revision + 1, changed=microseconds(self.clock.now()), **more)

    # -- objects of ours

    def _ours(self, snapshot: Snapshot, id: str, version: str = "") -> _Held:
        """The newest version of the object that is ours, or that one. NotFound where there is none; NotAuthorized where
        what is here is not ours to change."""
        there = [copy for copy in snapshot.copies(id) if copy.state.live and copy.body is not None]
        if not there:
            raise NotFound(f"There is no object {id!r}.", where="id")
        own = {source.name: source for source in snapshot.sources() if source.kind == "own"}
        for copy in there:
            if copy.source in own and version in ("", copy.version):
                return self._read_own(snapshot, copy, own[copy.source])
        raise NotAuthorized(OURS, where="id", rule="R18", hint="Relate it to an object of ours instead.")

    def _read_own(self, snapshot: Snapshot, copy: Copy, source: Source) -> _Held:
        value = orjson.loads(copy.body or b"{}")
        check_ours(value, self.ours())
        default = None if copy.default_tlp is None else TLP(copy.default_tlp)
        found = effective(value, lambda ref: resolve(snapshot, copy.source, ref), default)
        return _Held(copy, source, value, found.tlp)

    def _check_newest(self, snapshot: Snapshot, id: str, version: str) -> None:
        if self._ours(snapshot, id).copy.version != version:
            raise _changed_meanwhile()

    def _newest_but(self, snapshot: Snapshot, id: str, version: str) -> str:
        """The newest version of the object from a source of ours, apart from that one; empty where there is none."""
        own = {source.name for source in snapshot.sources() if source.kind == "own"}
        return next(
            (
                copy.version
                for copy in snapshot.copies(id)
                if copy.state.live and copy.source in own and copy.version != version
            ),
            "",
        )

    # -- what a draft becomes

    def _made(self, snapshot: Snapshot, held: Draft) -> tuple[Composed, Way, tuple[Finding, ...]]:
        """The object as it stands, judged as it will be when it is saved, the way that it goes, and findings that are
        no fault."""
        author = next(iter(self.settings.identities.split()), "")
        maker = Maker(self.clock.now(), author, countries())
        if held.base:
            old = self._ours(snapshot, held.object, held.base)
            made = compose(held.type, held.object, _fields(held), maker, base=old.value, base_tlp=old.tlp)
            collection, source = old.copy.collection, old.source
        else:
            made = compose(held.type, held.object, _fields(held), maker)
            collection = outbound.permit(snapshot, OPERATOR, "default", write=True).id
            source = snapshot.source("local")
        way = way_of(collection, source, ours=self.ours(), known=self._known_classes, strict=True)
        if made.faults:
            return made, way, ()
        judged = judge(orjson.dumps(made.value), 0, self.schemas(), strict=True, labels=source.labels_are_markings)
        faults = judged.findings if isinstance(judged, Rejected) else ()
        told = tuple(Fault(field_of(one.where, held.type), one.problem, one.rule) for one in faults if one.must)
        return replace(made, faults=told), way, tuple(one for one in judged.findings if not one.must)

    def _who(self, snapshot: Snapshot, one: Unborn) -> tuple[WouldReceive, ...]:
        moment, found = self.guard.moment(snapshot), []
        for partner in partners(snapshot):
            view, policy = self._view_of(snapshot, partner, moment)
            subject, earlier = self._subject_of(snapshot, partner, moment)
            decided = disposed(policy, one.of, subject, earlier, moment.now)
            told = foretell(snapshot, view, one, decided, moment.now, self.is_sound)
            found.append(WouldReceive(partner.name, partner.relation, *told))
        return tuple(found)


def check_ours(value: JsonObject, ours: frozenset[str]) -> None:
    """A new version may be made here of that object, which is of a source of ours: Invalid where it is of no type that
    is written here, NotAuthorized where somebody else is its maker, Conflict where it was retracted."""
    names_of(str(value.get("type", "")))
    if value.get("created_by_ref", "") not in {"", *ours}:
        raise NotAuthorized(OURS, where="id", rule="R18", hint="Relate it to an object of ours instead.")
    if value.get("revoked") is True:
        raise Conflict("It was retracted, and nothing is made of it any more.", where="id", rule="R18")


def _changed_meanwhile() -> Conflict:
    return Conflict("The object was changed meanwhile.", where="base", rule="R18", hint="Both are shown.")


def _encoded(type: str, fields: Mapping[str, str]) -> bytes:
    """What was typed, of the fields of that type and no other."""
    known = names_of(type)
    for name in fields.keys() - set(known):
        raise Invalid(f"{name[:40]!r} is no field of {type}.", where="form")
    if sum(map(len, fields.values())) > CHARACTERS_MOST:
        raise TooLarge(f"A draft has at most {CHARACTERS_MOST:,} characters.", where="form")
    said = {name: fields.get(name, "") for name in known}
    # A form shows the first level where none was chosen, which is the loosest.
    said["tlp"] = said["tlp"] or DEFAULT_TLP.word.removeprefix("TLP:").lower()
    return msgspec.json.encode(said)


def _fields(held: Draft) -> dict[str, str]:
    """What was typed; a field that came to the type since is empty."""
    return dict.fromkeys(names_of(held.type), "") | msgspec.json.decode(held.body, type=dict[str, str])


def _view(held: Draft) -> DraftView:
    return DraftView(held.id, held.type, held.object, held.base, held.revision, held.made, held.changed, _fields(held))
