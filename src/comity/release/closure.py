"""What may leave once references are looked at: closure to a fixed point (R9).

It begins with what policy allows of each object alone and only ever takes away, so that the result is the same in
whatever order it is found. Within a round everything is judged by what held at its start.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from comity.release.cuts import NO_EDITS, Edits, applied, at, inside, local_limits, settle
from comity.release.mentions import Mentions
from comity.stix.graph import Need, Place, Reference, References, references
from comity.stix.object import JsonObject
from comity.stix.tlp import WELL_KNOWN
from comity.stix.words import path_of

TEXT_NAMES = "text names something withheld"


class Verdict(StrEnum):
    """What becomes of an object: it goes as it came, or without some parts, or not at all."""

    RELEASE = "release"
    REDACT = "redact"
    WITHHOLD = "withhold"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An object, and what was decided of it alone: whether it may go, whether its author may be named, the places that
    go in any case (a granular marking there is stricter than the recipient may see), and the texts that stand at other
    places afterwards (personal data)."""

    value: JsonObject
    released: bool
    name_author: bool = False
    cuts: tuple[Place, ...] = ()
    texts: Mapping[Place, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an object is withheld: the rule, the place in it, and words."""

    rule: str
    where: str
    words: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a candidate, and by which edits it is redacted. Reasons are given where closure withholds, not
    where policy did."""

    verdict: Verdict
    edits: Edits = NO_EDITS
    reasons: tuple[Reason, ...] = ()


def _nowhere(ident: str) -> bool:
    return False


def _sound(value: JsonObject) -> bool:
    return True


def close(
    candidates: Sequence[Candidate],
    *,
    author: str | None = None,
    elsewhere: Callable[[str], bool] = _nowhere,
    sound: Callable[[JsonObject], bool] = _sound,
) -> list[Outcome]:
    """An outcome for each candidate, in their order.

    `author` is the identity of this node, which stands in the place of authors who may not be named; with None they are
    left out. `elsewhere` says of an id (in small letters) that is no candidate's whether its object is released to the
    same recipient or stands in a loaded public pack; any other id leads nowhere and counts as withheld. Whatever stands
    within two hops of a candidate must be a candidate too, else its names are not looked for. `sound` is asked of what
    is left of an object after cuts; cutting more never makes an unsound one sound again.
    """
    closing = _Closing(candidates, author, elsewhere, sound)
    closing.run()
    return [closing.outcome(number) for number in range(len(candidates))]


class _Closing:
    """One closure: who is withheld so far, and what each of the others loses.

    Each reference is looked at once, when what it leads to goes; what is then left of an object is looked at when
    nothing else moves. So a hub of many references costs no more than its references.
    """

    def __init__(
        self,
        candidates: Sequence[Candidate],
        author: str | None,
        elsewhere: Callable[[str], bool],
        sound: Callable[[JsonObject], bool],
    ) -> None:
        self.candidates = candidates
        self.author = author
        self.sound = sound
        self.ids = [str(one.value.get("id", "")).lower() for one in candidates]
        self.found: list[References] = [references(one.value) for one in candidates]
        self.first = [settle(one.value, (*one.cuts, *local_limits(one.value))).removed for one in candidates]
        self.alive = [one.released for one in candidates]
        self.cuts: list[set[Place]] = [set(first) for first in self.first]
        self.hidden = ["created_by_ref" in one.value and not one.name_author for one in candidates]
        self.reasons: list[tuple[Reason, ...]] = [()] * len(candidates)
        self.copies: dict[str, list[int]] = {}
        for number, ident in enumerate(self.ids):
            self.copies.setdefault(ident, []).append(number)
        self.users: dict[str, list[tuple[int, Reference]]] = {}
        self.left_in: dict[tuple[int, Place], int] = {}
        for number, found in enumerate(self.found):
            for reference in found.items:
                if inside(reference.cut, self.first[number]):
                    continue
                self.users.setdefault(reference.target, []).append((number, reference))
                if reference.need is Need.LISTED:
                    held = at(candidates[number].value, reference.cut[:-1])
                    gone = sum(1 for place in self.first[number] if place[:-1] == reference.cut[:-1])
                    self.left_in.setdefault((number, reference.cut[:-1]), len(held) - gone)
        self.unheld = {
            target
            for target in self.users
            if target not in self.copies and target not in WELL_KNOWN and not elsewhere(target)
        }
        self.mentions: Mentions | None = None

    def run(self) -> None:
        """Nothing changes any more."""
        unsettled = {number for number, one in enumerate(self.candidates) if self.first[number] or self.hidden[number]}
        beyond = {
            number: [Reason("R66", "", f"it has {one.beyond}")] for number, one in enumerate(self.found) if one.beyond
        }
        dead = [number for number, alive in enumerate(self.alive) if not alive] + self._withhold(beyond)
        gone = self.unheld | self._gone(dead)
        while dead or gone or unsettled:
            if dead or gone:
                fallen = self._without(gone, unsettled)
                for number in self._named_by(dead) if dead else ():
                    fallen.setdefault(number, []).append(Reason("R9", "", TEXT_NAMES))
            else:
                fallen = {
                    number: why for number in unsettled if self.alive[number] and (why := self._left_over(number))
                }
                unsettled.clear()
            dead = self._withhold(fallen)
            gone = self._gone(dead)

    def outcome(self, number: int) -> Outcome:
        """What has become of the candidate."""
        if not self.alive[number]:
            return Outcome(Verdict.WITHHOLD, reasons=self.reasons[number])
        edits = self._edits(number)
        return Outcome(Verdict.REDACT if edits else Verdict.RELEASE, edits)

    def _withhold(self, fallen: Mapping[int, Sequence[Reason]]) -> list[int]:
        """Those of them that were not withheld yet now are."""
        new = [number for number in fallen if self.alive[number]]
        for number in new:
            self.alive[number] = False
            self.reasons[number] = tuple(sorted(fallen[number], key=lambda reason: (reason.where, reason.words)))
        return new

    def _gone(self, dead: Iterable[int]) -> set[str]:
        """The ids of which no copy is left."""
        ids = {self.ids[number] for number in dead}
        return {ident for ident in ids if not any(self.alive[number] for number in self.copies[ident])}

    def _without(self, gone: Iterable[str], unsettled: set[int]) -> dict[int, list[Reason]]:
        """Every user of these ids loses its references; reasons for those that mean nothing without one."""
        fallen: dict[int, list[Reason]] = {}
        for target in gone:
            for number, reference in self.users.get(target, ()):
                if reference.need is Need.AUTHOR:
                    self.hidden[number] = True
                elif reference.need in (Need.OPTIONAL, Need.LISTED, Need.BY):
                    self.cuts[number].add(reference.cut)
                elif reference.need is not Need.FORMAT or target in self.copies:
                    fallen.setdefault(number, []).append(_reason(reference))
                if reference.need is Need.LISTED:
                    here = (number, reference.cut[:-1])
                    self.left_in[here] -= 1
                    if self.left_in[here] == 0:
                        words = "nothing would be left in this list"
                        fallen.setdefault(number, []).append(Reason("R9", path_of(here[1]), words))
                unsettled.add(number)
        return fallen

    def _edits(self, number: int) -> Edits:
        value = self.candidates[number].value
        cuts, texts = self.cuts[number], dict(self.candidates[number].texts)
        if self.hidden[number]:
            if self.author is None:
                cuts.add(("created_by_ref",))
            elif value["created_by_ref"] != self.author:
                texts["created_by_ref",] = self.author
        return settle(value, cuts, texts) if cuts or texts else NO_EDITS

    def _left_over(self, number: int) -> list[Reason]:
        """A reason where what is left is not sound."""
        edits = self._edits(number)
        if edits.removed and not self.sound(applied(self.candidates[number].value, edits)):
            return [Reason("R9", "", "what would be left is not valid STIX")]
        return []

    def _named_by(self, dead: Sequence[int]) -> set[int]:
        """The candidates whose text names one of those that are withheld since the last round."""
        if self.mentions is None:
            shown = [
                applied(one.value, Edits(first)) if first else one.value
                for one, first in zip(self.candidates, self.first, strict=True)
            ]
            edges = [
                {
                    reference.target
                    for reference in found.items
                    if reference.need not in (Need.AUTHOR, Need.BY, Need.MARKING, Need.FORMAT)
                }
                for found in self.found
            ]
            self.mentions = Mentions(self.ids, [one.value for one in self.candidates], shown, edges)
        return self.mentions.of_withheld(dead, self.alive)


def _reason(reference: Reference) -> Reason:
    target = reference.target
    kinds = {
        Need.REQUIRED: f"it means nothing without {target}, which is withheld or not here",
        Need.MARKING: f"its marking {target} is withheld or not here",
        Need.WITHIN: f"this contains {target}, which is withheld or not here",
        Need.FORMAT: f"the definition {target} of its extension is withheld",
    }
    return Reason("R9", path_of(reference.place), kinds[reference.need])
