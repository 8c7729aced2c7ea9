"""Why something leaves or stays, in the words of the rules that decided; it is told of the same view that is served."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pyroaring import BitMap

from comity.node.views import Sound, View, reasons
from comity.release.classes import Action, ReleaseClass
from comity.release.closure import Verdict
from comity.release.passing import Change, would_pass_if
from comity.release.policy import Policy, Rule
from comity.store.interface import Snapshot
from comity.store.publications import Published

HELD = Rule("gate.hold", "It was published a moment ago, and its hold is not over")
HISTORY = Rule("gate.history", "It was published before the history that the recipient is offered")
SENT = Rule("gate.sent", "The recipient sent it itself", permits=True)
UNPUBLISHED = Rule("gate.unpublished", "It is not published")
APPROVAL = Rule("gate.approval", "Policy lets it go only after a second person approved it")
COPY = Rule("gate.copy", "Another copy of this version is shown to the recipient")
BATCH = 1000


@dataclass(frozen=True, slots=True)
class Told:
    """What becomes of one published copy for the recipient, and why. `would_pass_if` are single facets that would turn
    a decision of policy."""

    id: str
    version: str
    number: int
    verdict: Verdict
    rules: tuple[Rule, ...]
    would_pass_if: tuple[Change, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The line of `release preview --json`."""
        return {
            "id": self.id,
            "version": self.version,
            "decision": self.verdict.value,
            "rules": [{"id": rule.id, "title": rule.title} for rule in self.rules],
            "would_pass_if": [{"of": each.of, "facet": each.facet, "value": each.value} for each in self.would_pass_if],
        }


class Teller:
    """Tells of one view. Answers on what would pass are kept by class: many objects share one."""

    def __init__(self, snapshot: Snapshot, view: View, policy: Policy, now: int, sound: Sound) -> None:
        self._snapshot = snapshot
        self._sound = sound
        self._view = view
        self._policy = policy
        self._now = now
        self._held, _ = snapshot.held(now)
        history = view.subject.history_from
        self._before = snapshot.last_published_before(history) if history else 0
        self._passing: dict[ReleaseClass, tuple[Change, ...]] = {}

    def tell(self, numbers: Iterable[int]) -> Iterator[Told]:
        """Of each of these publications that is still there, by number."""
        wanted = sorted(numbers)
        collections = self._snapshot.collections()
        shown = [self._view.reading(self._snapshot, collection.key, "all") for collection in collections]
        visible = BitMap.union(BitMap(), *shown)
        for start in range(0, len(wanted), BATCH):
            for one in self._snapshot.published(wanted[start : start + BATCH]):
                verdict, rules, changes = self._why(one, one.number in visible)
                yield Told(one.id, one.version, one.number, verdict, rules, changes)

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
        if number in self._held:
            return Verdict.WITHHOLD, (HELD,), ()
        if number <= self._before:
            return Verdict.WITHHOLD, (HISTORY,), ()
        found = reasons(self._snapshot, view, one, self._sound)
        return Verdict.WITHHOLD, tuple(Rule(each.rule, _words(each.where, each.words)) for each in found), ()

    def _changes(self, of: ReleaseClass) -> tuple[Change, ...]:
        if of not in self._passing:
            recipient = self._view.subject.recipient
            (found,) = would_pass_if(self._policy, [of], recipient, Action.RELEASE, self._now)
            self._passing[of] = tuple(found)
        return self._passing[of]


def _words(where: str, words: str) -> str:
    return f"{where}: {words}" if where else words
