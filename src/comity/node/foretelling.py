"""Who would receive an object that is not here yet, were it published now: decided by the policy, the view and the
closure by which partners are served (R9, R12). What its text names is looked at once it is published, and not here."""

from dataclasses import dataclass

from pyroaring import BitMap

from comity.node.explaining import APPROVAL, HISTORY, Cut, cuts_of
from comity.node.views import Earlier, Sound, Subject, View, candidate_of
from comity.release.classes import ReleaseClass
from comity.release.closure import Verdict, close
from comity.release.dispositions import Disposition, at_both, dispose_all
from comity.release.policy import Policy, Rule
from comity.stix.graph import references
from comity.stix.object import JsonObject
from comity.store.interface import Snapshot


@dataclass(frozen=True, slots=True)
class WouldReceive:
    """What would become of it for a partner or client, by which rules, and how it would be changed."""

    partner: str
    relation: str
    verdict: Verdict
    rules: tuple[Rule, ...]
    cuts: tuple[Cut, ...] = ()


@dataclass(frozen=True, slots=True)
class Unborn:
    """An object that is not here: its value, its class, and the source that it would be of."""

    value: JsonObject
    of: ReleaseClass
    source: str


def disposed(policy: Policy, of: ReleaseClass, subject: Subject, earlier: Earlier | None, now: int) -> Disposition:
    """The disposition of the class for the subject, at both instants where the clock is doubted."""
    (found,) = dispose_all(policy, [of], subject.recipient, now)
    if earlier is None:
        return found
    (then,) = dispose_all(policy, [of], earlier.recipient, earlier.instant)
    return at_both(found, then)


def foretell(
    snapshot: Snapshot, view: View, one: Unborn, decided: Disposition, now: int, sound: Sound
) -> tuple[Verdict, tuple[Rule, ...], tuple[Cut, ...]]:
    """What would become of the object for the recipient of the view, if it were published at that instant and its hold
    were over."""
    if not decided.released:
        return Verdict.WITHHOLD, decided.because, ()
    if decided.approval:
        return Verdict.WITHHOLD, (APPROVAL, *decided.because), ()
    if view.subject.history_from > now:
        return Verdict.WITHHOLD, (HISTORY,), ()
    candidate = candidate_of(snapshot, one.value, one.of, decided, one.source)
    there = _in_view(snapshot, view, one.value)
    (outcome,) = close([candidate], elsewhere=there.__contains__, sound=lambda left: sound(one.value, left))
    if outcome.verdict is Verdict.WITHHOLD:
        told = (
            Rule(each.rule, f"{each.where}: {each.words}" if each.where else each.words) for each in outcome.reasons
        )
        return Verdict.WITHHOLD, tuple(told), ()
    cuts = cuts_of(candidate, outcome.edits) if outcome.edits else ()
    return outcome.verdict, decided.because, cuts


def _in_view(snapshot: Snapshot, view: View, value: JsonObject) -> frozenset[str]:
    """The ids that the object refers to and the recipient may be told of. Nothing that is kept of relations knows an id
    to which nobody refers yet, so that the publications are asked."""
    ids = [reference.target for reference in references(value).items]
    numbers = BitMap(snapshot.published_of(ids)) & view.told
    return frozenset(one.id.lower() for one in snapshot.published(list(numbers)))
