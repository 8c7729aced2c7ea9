"""What one recipient may see at one moment: the decisions on classes, and the closure over what they let through."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import orjson
from pyroaring import BitMap

from comity.node.parts import Part
from comity.node.permits import approved_for
from comity.node.showing import resolve
from comity.release.classes import Recipient, ReleaseClass
from comity.release.closure import TEXT_NAMES, Candidate, Outcome, Reason, Verdict, close
from comity.release.cuts import Edits, local_limits, place_of, settle
from comity.release.dispositions import RESTRICTING, Disposition, at_both, dispose_all
from comity.release.forms import class_of
from comity.release.personal import findings, redacted_texts
from comity.release.policy import Policy
from comity.release.redact import Released, redact_all
from comity.release.spread import Relations, lives, spread
from comity.release.standing import both, merged, parts, waits
from comity.release.tallies import Tally
from comity.stix.graph import Place, references
from comity.stix.markings import effective_at
from comity.stix.object import JsonObject
from comity.stix.tables import OBSERVABLES
from comity.store.interface import Snapshot
from comity.store.publications import Published

BATCH_OBJECTS = 1000
FRAGILE_TYPES = (*sorted(OBSERVABLES), "malware-analysis")
"""Types of which a reference that can be cut may be what makes an object valid: `network-traffic` needs one end."""
SENT = "sent"
"""In the place of a rule: the recipient reads back what it sent itself."""
Sound = Callable[[JsonObject, JsonObject], bool]
"""Whether the second, which is what is left of the first, breaks no rule that the first kept."""
_FAR = 2**62


@dataclass(frozen=True, slots=True)
class Subject:
    """Who asks: the facets that policy looks at, the sources whose copies are its own, and the instant before which
    what was published is not offered (microseconds since 1970; R13)."""

    recipient: Recipient
    sources: frozenset[str] = frozenset()
    history_from: int = 0


@dataclass(frozen=True, slots=True)
class Earlier:
    """Who asks, and when, if a clock that is doubted is not believed: what is in view has to be so then as well."""

    recipient: Recipient
    instant: int


Decided = dict[int, Disposition]
"""Dispositions by the store's number of the class."""


class Decisions:
    """The dispositions of every class for one recipient under one policy, made as classes are met, and kept until a
    date changes one, or the clock goes back."""

    def __init__(self, policy: Policy, recipient: Recipient) -> None:
        self.policy = policy
        self.recipient = recipient
        self.classes: dict[int, ReleaseClass] = {}
        self.lines: dict[int, tuple[Disposition, str]] = {}
        self._made: Decided = {}
        self._from, self._until = 0, _FAR

    def read(self, form: bytes) -> ReleaseClass:
        """The class that is decided about, of this canonical form."""
        return class_of(form)

    def at(self, forms: dict[int, bytes], now: int) -> tuple[Decided, int]:
        """Those of these classes, and the first instant at which one may change."""
        if not self._from <= now < self._until:
            self._made, self._from, self._until = {}, now, _FAR
        new = [key for key, form in forms.items() if key not in self._made and form]
        pairs = {key: parts(forms[key]) for key in new}
        facets = {form: self.read(form) for pair in pairs.values() for form in pair if form}
        each = dict(zip(facets, dispose_all(self.policy, list(facets.values()), self.recipient, now), strict=True))
        made = []
        for key, (had, has) in pairs.items():
            self.classes[key] = merged(facets[had], facets[has or had])
            made.append(each[had] if had == has else both(each[had], each[has]) if has else waits(each[had]))
        self._made.update(zip(new, made, strict=True))
        self._from = max(self._from, now)
        self._until = min([self._until, *(one.valid_until for one in made if one.valid_until is not None)])
        return self._made, self._until


@dataclass(slots=True)
class View:
    """What the recipient may see of one state of the store: publications by number over all collections. `edited` are
    those that leave with changes, `authorless` those of them without their author, and `plain` those that lose nothing
    but that and what is local; `sent` those that it sent itself and reads as they are. `until` is the first instant at
    which a date may change any of it."""

    subject: Subject
    alive: BitMap
    edited: BitMap
    sent: BitMap
    decided: Decided
    classes: dict[int, ReleaseClass]
    until: int
    relations: Relations
    since: int = 0
    trusted: tuple[int, int] | None = None
    """Between which instants it holds, where the clock is doubted, as far as the earlier one goes."""
    told: BitMap = field(default_factory=BitMap)
    """What is in view and may be referred to: not what the recipient sent, where there is another copy of that id."""
    authorless: BitMap = field(default_factory=BitMap)
    plain: BitMap = field(default_factory=BitMap)
    readings: dict[tuple[int, str], BitMap] = field(default_factory=dict)
    kept: dict[tuple[str, str], str] = field(default_factory=dict)
    """By reading and collection the version of the openings that are exactly what is in view."""
    rules: dict[str, BitMap] | None = None
    """The publications of the classes that each set of rules lets go, once asked for."""
    approved: BitMap = field(default_factory=BitMap)
    """The publications that a second person let go."""
    lines: dict[int, tuple[Disposition, str]] = field(default_factory=dict)
    """By class the line of the tally, and of which disposition it was made."""
    tally: Tally | None = None
    entered: bool = False
    """Whether the tally is the one that was entered last for the recipient."""
    noted: bool = False
    """Whether it is being entered behind."""

    def holds_at(self, now: int, trusted: int | None) -> bool:
        """No date has changed it by then, whichever instant it is."""
        if (self.trusted is None) != (trusted is None):
            return False
        earlier = self.trusted is None or trusted is None or self.trusted[0] <= trusted < self.trusted[1]
        return self.since <= now < self.until and earlier

    def reading(self, snapshot: Snapshot, collection: int, word: str) -> BitMap:
        """The publications in the collection (its number) that a reader of `all`, `first` or `last` versions gets: one
        copy a version (R7)."""
        if (collection, word) not in self.readings:
            self._read(snapshot, collection)
        return self.readings[collection, word]

    def by_rule(self, snapshot: Snapshot, numbers: Iterable[int]) -> dict[str, BitMap]:
        """These publications by the rules that let them go; those that the recipient only gets back by `sent`."""
        rules = self.rules
        if rules is None:
            published, rules = snapshot.publications(), {}
            for key, each in self.decided.items():
                if each.released:
                    word = " ".join(sorted(rule.id for rule in each.because))
                    rules[word] = rules.get(word, BitMap()) | published.of("class", key)
            # Others read this view at the same time, and must not find a part of them.
            self.rules = rules
        left, found = BitMap(numbers), {}
        for word, those in rules.items():
            if some := left & those & self.told:
                found[word] = some
        if back := left - self.told:
            found[SENT] = back
        return found

    def _read(self, snapshot: Snapshot, collection: int) -> None:
        published = snapshot.publications()
        here = self.alive & published.of("collection", collection)
        ours = {source.key for source in snapshot.sources() if source.kind == "own"}
        shared = here & published.of("shared", 1)
        best: dict[str, dict[str, Published]] = {}
        for one in snapshot.published(list(shared)):
            versions = best.setdefault(one.id, {})
            rival = versions.get(one.instant)
            if rival is None or self._order(one, ours) < self._order(rival, ours):
                versions[one.instant] = one
        alone = here - shared
        chosen = list(best.values())
        self.readings[collection, "all"] = alone | BitMap(one.number for each in chosen for one in each.values())
        self.readings[collection, "first"] = alone | BitMap(each[min(each)].number for each in chosen)
        self.readings[collection, "last"] = alone | BitMap(each[max(each)].number for each in chosen)

    def _order(self, one: Published, ours: set[int]) -> tuple[bool, bool, int]:
        return (one.number not in self.sent, one.source not in ours, one.place)


def sent_by(snapshot: Snapshot, subject: Subject) -> BitMap:
    """The publications that the subject sent itself."""
    published = snapshot.publications()
    some = [published.of("source", one.key) for one in snapshot.sources() if one.name in subject.sources]
    return BitMap.union(BitMap(), *some)


def waiting_for_approval(snapshot: Snapshot, decided: Decided) -> BitMap:
    """The publications that go only after a second person let each of them go."""
    published = snapshot.publications()
    return BitMap.union(BitMap(), *(published.of("class", key) for key, each in decided.items() if each.approval))


def look(
    snapshot: Snapshot,
    subject: Subject,
    decisions: Decisions,
    now: int,
    sound: Sound,
    earlier: tuple[Decisions, int] | None = None,
    part: Part | None = None,
) -> View:
    """The view of the subject in this state of the store. With `earlier` decisions and their instant nothing is in it,
    and nothing is shown of it, that is not so then as well. With a `part` no more is in it than that."""
    published = snapshot.publications()
    forms = snapshot.classes() if part is None else part.forms
    decided, until = decisions.at(forms, now)
    if part is not None:
        decided = {key: decided[key] for key in forms if key in decided}
    held, end = snapshot.held(now)
    trusted = None
    if earlier is not None:
        others, other_until = earlier[0].at(forms, earlier[1])
        decided = {key: at_both(one, others[key]) for key, one in decided.items() if key in others}
        also, other_end = snapshot.held(earlier[1])
        held = held | also
        trusted = (earlier[1], other_until if other_end is None else min(other_until, other_end))
    allowed = BitMap.union(BitMap(), *(published.of("class", key) for key, each in decided.items() if each.released))
    if part is not None:
        allowed &= part.numbers
    approved = approved_for(snapshot, subject.recipient.id)
    allowed -= waiting_for_approval(snapshot, decided) - approved
    if subject.history_from:
        last = snapshot.last_published_before(subject.history_from)
        allowed &= BitMap(range(last + 1, allowed.max() + 1)) if allowed and allowed.max() > last else BitMap()
    allowed -= held
    until = until if end is None else min(until, end)
    sent = sent_by(snapshot, subject)
    if part is not None:
        sent &= part.numbers
    relations = snapshot.relations() if part is None else part.relations
    view = View(subject, allowed | sent, BitMap(), sent, decided, decisions.classes, until, relations)
    view.approved, view.since, view.trusted, view.lines = approved, now, trusted, decisions.lines
    _close(snapshot, view, allowed, sound)
    return view


def _close(snapshot: Snapshot, view: View, allowed: BitMap, sound: Sound) -> None:
    """What cannot leave because of what it refers to, or names, is in view no more; what leaves without some references
    is edited. What the recipient sent itself stays as it is. Whether what is left of an object is sound is judged here
    and nowhere else, so that pages, manifests and explanations agree."""
    published = snapshot.publications()
    by_class = {key: published.of("class", key) for key, each in view.decided.items() if each.released and each.edits}
    changed = BitMap.union(BitMap(), *by_class.values())
    hidden = BitMap.union(BitMap(), *(by_class[key] for key in by_class if not view.decided[key].name_author))
    only_hidden = BitMap.union(BitMap(), *(by_class[key] for key in by_class if view.decided[key].only_author))
    parted = BitMap.union(BitMap(), *(numbers for key, numbers in by_class.items() if view.decided[key].cut))
    fragile = snapshot.published_types(FRAGILE_TYPES)
    while True:
        # Nothing rests on a copy because the recipient sent it: whoever guesses an id would learn what refers to it, or
        # that nobody else has it.
        found = spread(allowed, view.relations, known=view.sent)
        view.alive, view.told = found.alive | view.sent, found.alive
        view.edited = (found.edited | (changed & found.alive)) - view.sent
        view.authorless = (hidden | found.authorless) & view.edited
        view.plain = view.edited - found.parted - (changed - only_hidden)
        broken = _broken(snapshot, view, view.edited & (parted | fragile), sound)
        if not broken:
            return
        allowed -= broken


def _broken(snapshot: Snapshot, view: View, numbers: BitMap, sound: Sound) -> BitMap:
    """Those of which nothing sound would be left."""
    going: set[int] = set()
    for some in _batches(list(numbers)):
        going |= {number for number, _ in leave(snapshot, view, some, sound)}
    return numbers - BitMap(going)


def _batches(numbers: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(numbers), BATCH_OBJECTS):
        yield numbers[start : start + BATCH_OBJECTS]


def _candidate(snapshot: Snapshot, view: View, one: Published, value: JsonObject) -> Candidate:
    """The object, which policy releases, as the decision on its class lets it go."""
    decided, name = view.decided[one.class_key], ""
    if decided.cut:
        name = next(each.name for each in snapshot.sources() if each.key == one.source)
    return candidate_of(snapshot, value, view.classes[one.class_key], decided, name)


def candidate_of(
    snapshot: Snapshot, value: JsonObject, of: ReleaseClass, decided: Disposition, source: str
) -> Candidate:
    """The object of that class and source, which policy releases, as the decision lets it go."""
    personal = of.personal & RESTRICTING and not decided.show_personal
    texts = redacted_texts(value, findings(value)) if personal else {}
    cuts = _cuts(snapshot, value, of, decided, source) if decided.cut else ()
    return Candidate(value, True, decided.name_author, cuts, texts)


def _cuts(
    snapshot: Snapshot, value: JsonObject, of: ReleaseClass, decided: Disposition, source: str
) -> tuple[Place, ...]:
    """The places that are marked more strictly than the recipient may see."""
    kept = of.granular - decided.cut
    chosen = [selector for entry in value["granular_markings"] for selector in entry["selectors"]]
    return tuple(
        place_of(selector)
        for selector in dict.fromkeys(chosen)
        if of.tlp < effective_at(value, selector, lambda ref: resolve(snapshot, source, ref), of.tlp).tlp not in kept
    )


def leave(
    snapshot: Snapshot, view: View, numbers: Iterable[int], sound: Sound | None = None
) -> list[tuple[int, Released]]:
    """What leaves of these numbers of the view, by number. None that must not leave is among it;
    with `sound`, neither is any of which nothing sound would be left."""
    wanted = sorted(view.alive & BitMap(numbers))
    changed = sorted(view.edited & BitMap(wanted))
    places = {number: place for place, number in enumerate(wanted)} if changed else {}
    raws = snapshot.published_bodies(wanted)
    plain = view.plain & BitMap(changed) if sound is None else BitMap()
    outcomes = {places[number]: _plainly(raws[places[number]], number in view.authorless) for number in plain}
    facts = snapshot.published([number for number in changed if places[number] not in outcomes])
    values = [orjson.loads(raws[places[one.number]]) for one in facts]
    visible = _visible(snapshot, view, values)
    for one, value in zip(facts, values, strict=True):
        outcomes[places[one.number]] = _outcome(snapshot, view, one, value, visible, sound)
    released = redact_all(raws, outcomes)
    return [(number, one) for number, one in zip(wanted, released, strict=True) if one is not None]


def _plainly(raw: bytes, authorless: bool) -> Outcome:
    """The outcome for an object that loses what is local, and perhaps its author, and nothing else: that of `close`,
    without a look at its references."""
    value = orjson.loads(raw)
    author = (("created_by_ref",),) if authorless and "created_by_ref" in value else ()
    edits = settle(value, (*local_limits(value), *author))
    return Outcome(Verdict.REDACT, edits) if edits else Outcome(Verdict.RELEASE)


def changes(snapshot: Snapshot, view: View, numbers: Iterable[int]) -> dict[int, tuple[Candidate, Edits]]:
    """What is changed in those of these publications of the view that leave with changes, by the same steps as `leave`:
    what was decided of each, and the edits."""
    facts = snapshot.published(sorted(view.alive & view.edited & BitMap(numbers)))
    bodies = snapshot.published_bodies([one.number for one in facts])
    values = [orjson.loads(raw) for raw in bodies]
    visible = _visible(snapshot, view, values)
    found = {}
    for one, value in zip(facts, values, strict=True):
        candidate = _candidate(snapshot, view, one, value)
        (outcome,) = close([candidate], elsewhere=visible)
        found[one.number] = (candidate, outcome.edits)
    return found


def reasons(snapshot: Snapshot, view: View, one: Published, sound: Sound) -> tuple[Reason, ...]:
    """Why the publication is not in view, though policy releases it: over what it refers to, or names."""
    if one.number in view.relations.unread:
        return (Reason("R11", "", "what it refers to was not looked at yet"),)
    (raw,) = snapshot.published_bodies([one.number])
    value = orjson.loads(raw)
    outcome = _outcome(snapshot, view, one, value, _visible(snapshot, view, [value]), sound)
    return outcome.reasons or (Reason("R9", "", TEXT_NAMES),)


def _outcome(
    snapshot: Snapshot,
    view: View,
    one: Published,
    value: JsonObject,
    visible: Callable[[str], bool],
    sound: Sound | None,
) -> Outcome:
    candidate = _candidate(snapshot, view, one, value)
    (outcome,) = close([candidate], elsewhere=visible, sound=lambda left: sound is None or sound(value, left))
    return outcome


def _visible(snapshot: Snapshot, view: View, values: Iterable[JsonObject]) -> Callable[[str], bool]:
    """Whether anything with an id is in view, of the ids that these objects refer to."""
    ids = {reference.target for value in values for reference in references(value).items}
    there = {id for id, target in snapshot.targets(list(ids)).items() if lives(view.relations, target, view.told)}
    return there.__contains__
