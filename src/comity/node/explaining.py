"""Why something leaves or stays, in the words of the rules that decided; it is told of the same view that is served."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pyroaring import BitMap

from comity.node.views import Sound, View, changes, reasons
from comity.release.classes import Action, ReleaseClass
from comity.release.closure import Candidate, Verdict
from comity.release.cuts import Edits, inside, local_limits
from comity.release.dispositions import CLOCK
from comity.release.passing import Change, would_pass_if
from comity.release.policy import Policy, Rule
from comity.release.standing import classes_in
from comity.stix.graph import Place
from comity.stix.words import path_of
from comity.store.interface import Snapshot
from comity.store.publications import Published

HELD = Rule("gate.hold", "It was published a moment ago, and its hold is not over")
HISTORY = Rule("gate.history", "It was published before the history that the recipient is offered")
SENT = Rule("gate.sent", "The recipient sent it itself", permits=True)
UNPUBLISHED = Rule("gate.unpublished", "It is not published")
APPROVAL = Rule("gate.approval", "Policy lets it go only after a second person approved it")
COPY = Rule("gate.copy", "Another copy of this version is shown to the recipient")
BATCH = 1000
PLACES_TOLD = 20
CUTS = {
    "author": "its author is not named",
    "reference": "what it refers to is left out",
    "personal-data": "personal data is taken out",
    "property": "what is marked more strictly is left out",
    "limits": "limits that mean something here alone are left out",
}
"""What can be changed in an object that leaves, and the words for it."""


@dataclass(frozen=True, slots=True)
class Cut:
    """One way in which an object leaves changed (a key of `CUTS`), how often, and where in the object: the first
    PLACES_TOLD places."""

    what: str
    count: int
    where: tuple[str, ...]

    def __str__(self) -> str:
        more = f" and {self.count - len(self.where):,} more" if self.count > len(self.where) else ""
        return f"{CUTS[self.what]}: {', '.join(self.where)}{more}"


@dataclass(frozen=True, slots=True)
class Told:
    """What becomes of one published copy for the recipient, and why. `would_pass_if` are single facets that would turn
    a decision of policy; `cuts` say what is changed in what leaves with changes. `tlp` is empty where the copy is not
    published, and only its sender is served it."""

    id: str
    version: str
    number: int
    verdict: Verdict
    rules: tuple[Rule, ...]
    would_pass_if: tuple[Change, ...] = ()
    cuts: tuple[Cut, ...] = ()
    tlp: str = ""

    @property
    def type(self) -> str:
        """The STIX type, out of the id."""
        return self.id.partition("--")[0]

    def to_json(self) -> dict[str, Any]:
        """The line of `release preview --json`."""
        return {
            "id": self.id,
            "version": self.version,
            "decision": self.verdict.value,
            "rules": [{"id": rule.id, "title": rule.title} for rule in self.rules],
            "would_pass_if": [{"of": each.of, "facet": each.facet, "value": each.value} for each in self.would_pass_if],
            "tlp": self.tlp,
            "changes": cuts_json(self.cuts),
        }


class Teller:
    """Tells of one view. Answers on what would pass are kept by class, since many objects share one; each asks policy
    some hundred questions, and without `passing` none is."""

    def __init__(
        self, snapshot: Snapshot, view: View, policy: Policy, now: int, sound: Sound, *, passing: bool = True
    ) -> None:
        self._snapshot = snapshot
        self._sound = sound
        self._view = view
        self._policy = policy
        self._now = now
        self._held, _ = snapshot.held(now)
        self._held_then = self._held if view.trusted is None else snapshot.held(view.trusted[0])[0]
        history = view.subject.history_from
        self._before = snapshot.last_published_before(history) if history else 0
        self._asks = passing
        self._passing: dict[ReleaseClass, tuple[Change, ...]] = {}
        self._forms = snapshot.classes()
        self._levels: dict[int, str] = {}

    def tell(self, numbers: Iterable[int]) -> Iterator[Told]:
        """Of each of these publications that is still there, by number."""
        wanted = sorted(numbers)
        visible = shown(self._snapshot, self._view)
        for start in range(0, len(wanted), BATCH):
            some = wanted[start : start + BATCH]
            edits = changes(self._snapshot, self._view, visible & BitMap(some))
            facts = self._snapshot.published(some)
            self._ask(facts)
            for one in facts:
                verdict, rules, passing = self._why(one, one.number in visible)
                cuts = cuts_of(*edits[one.number]) if one.number in edits else ()
                yield Told(one.id, one.version, one.number, verdict, rules, passing, cuts, self._level(one.class_key))

    def _level(self, key: int) -> str:
        """The TLP of the class as it is, whatever is supposed."""
        if key not in self._levels:
            form = self._forms.get(key, b"")
            self._levels[key] = classes_in(form)[-1].tlp.word if form else ""
        return self._levels[key]

    def _why(self, one: Published, visible: bool) -> tuple[Verdict, tuple[Rule, ...], tuple[Change, ...]]:
        view, number = self._view, one.number
        if number in view.alive and not visible:
            return Verdict.WITHHOLD, (COPY,), ()
        if number in view.sent:
            return Verdict.RELEASE, (SENT,), ()
        decided = view.decided.get(one.class_key)
        if decided is None:
            return Verdict.WITHHOLD, (UNPUBLISHED,), ()
        if number in view.alive:
            return (Verdict.REDACT if number in view.edited else Verdict.RELEASE), decided.because, ()
        if not decided.released:
            return Verdict.WITHHOLD, decided.because, self._changes(view.classes[one.class_key])
        if decided.approval and number not in view.approved:
            return Verdict.WITHHOLD, (APPROVAL, *decided.because), ()
        if (number in self._held) != (number in self._held_then):
            return Verdict.WITHHOLD, (CLOCK, HELD), ()
        if number in self._held:
            return Verdict.WITHHOLD, (HELD,), ()
        if number <= self._before:
            return Verdict.WITHHOLD, (HISTORY,), ()
        found = reasons(self._snapshot, view, one, self._sound)
        return Verdict.WITHHOLD, tuple(Rule(each.rule, _words(each.where, each.words)) for each in found), ()

    def _ask(self, facts: Iterable[Published]) -> None:
        """What would let the classes of these pass is known, of those that policy withholds."""
        view = self._view
        keys = {one.class_key for one in facts} if self._asks else set()
        new = [view.classes[key] for key in sorted(keys) if key in view.decided and not view.decided[key].released]
        new = [of for of in dict.fromkeys(new) if of not in self._passing]
        if not new:
            return
        found = would_pass_if(self._policy, new, view.subject.recipient, Action.RELEASE, self._now)
        self._passing.update(zip(new, map(tuple, found), strict=True))

    def _changes(self, of: ReleaseClass) -> tuple[Change, ...]:
        return self._passing.get(of, ())


def shown(snapshot: Snapshot, view: View) -> BitMap:
    """The publications that the recipient of the view can read, over all collections."""
    readings = [view.reading(snapshot, collection.key, "all") for collection in snapshot.collections()]
    return BitMap.union(BitMap(), *readings)


def cuts_of(candidate: Candidate, edits: Edits) -> tuple[Cut, ...]:
    """What the edits take from the object, in the order of `CUTS`. Selectors of markings that follow are not told."""
    found: dict[str, list[str]] = {}
    limits = local_limits(candidate.value)
    for place in sorted({*edits.removed, *edits.replaced}, key=path_of):
        if place[0] != "granular_markings":
            found.setdefault(_kind(place, candidate, edits, limits), []).append(path_of(place))
    return tuple(Cut(what, len(found[what]), tuple(found[what][:PLACES_TOLD])) for what in CUTS if what in found)


def _kind(place: Place, candidate: Candidate, edits: Edits, limits: tuple[Place, ...]) -> str:
    if place == ("created_by_ref",):
        return "author"
    if place in edits.replaced:
        return "personal-data"
    # What went may be the list or object that was left empty.
    if inside(place, candidate.cuts) or any(inside(each, {place}) for each in candidate.cuts):
        return "property"
    if any(inside(each, {place}) for each in limits):
        return "limits"
    return "reference"


def cuts_json(cuts: Iterable[Cut]) -> list[dict[str, Any]]:
    """The `changes` of a line of JSON."""
    return [{"what": cut.what, "count": cut.count, "where": list(cut.where)} for cut in cuts]


def _words(where: str, words: str) -> str:
    return f"{where}: {words}" if where else words
