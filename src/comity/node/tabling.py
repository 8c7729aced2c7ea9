"""The table of decisions: what policy says of each class of published objects, for each partner and client."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from comity.node.classing import Classing
from comity.node.recipients import Partner, partner_named, partners
from comity.release.alike import Alike
from comity.release.classes import Action, Recipient, ReleaseClass
from comity.release.decide import Decision, decide_all
from comity.release.forms import class_of
from comity.release.standing import AWAITS, parts
from comity.release.suppositions import class_words
from comity.store.interface import Snapshot
from comity.store.nouns import State

CLASSES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the table of decisions: what policy says of the objects of a class, of which so many are published,
    for a partner or client and an action. `words` say the class; where its objects await another one, or stand between
    two, these too."""

    of: ReleaseClass
    words: str
    objects: int
    partner: Partner
    action: Action
    decision: Decision


@dataclass(frozen=True, slots=True)
class Standing:
    """What so many published objects count as: a class; or, where `has` is another or None, as `standing` has it."""

    had: ReleaseClass
    has: ReleaseClass | None
    count: int
    words: str

    @classmethod
    def read(cls, form: bytes, count: int) -> "Standing":
        had, has = (class_of(each) if each else None for each in parts(form))
        assert had is not None
        words = class_words(had)
        if has is None:
            words += " awaits=another"
        elif has != had:
            words += f" or {class_words(has)}"
        return cls(had, has, count, words)

    def decided(self, told: Mapping[ReleaseClass, Decision]) -> Decision:
        """No more than policy lets go of both; nothing of what awaits its class."""
        first = told[self.had]
        if self.has is None:
            return Decision(False, (AWAITS,), (), first.valid_until)
        other = told[self.has]
        untils = [one.valid_until for one in (first, other) if one.valid_until is not None]
        lower = first if not first.allowed else other
        because = lower.because if not lower.allowed else tuple(dict.fromkeys((*first.because, *other.because)))
        return replace(lower, because=because, valid_until=min(untils, default=None))


class Tabling(Classing):
    """The verbs on the table of decisions."""

    def classes_published(self) -> list[tuple[str, int]]:
        """In words each class that has published objects, as `matrix` has it, and how many these are; the greatest
        first."""
        with self._snapshot() as snapshot:
            viewer, found = self._reader(snapshot, "matrix", to=[]), Counter[str]()
            for form, count in _published_classes(snapshot):
                if viewer.may_read(form):
                    found[_standing(form).words] += count
        return sorted(found.items(), key=lambda one: (-one[1], one[0]))

    def matrix(
        self,
        names: Sequence[str] = (),
        actions: Sequence[Action] = tuple(Action),
        *,
        classes: Collection[str] | None = None,
    ) -> Iterator[Cell]:
        """What policy says of each class that has published objects (or those in these words), for each partner and
        client (or those of these names), and each of these actions. References and names, which are no facets, are not
        looked at."""
        with self._snapshot() as snapshot:
            viewer = self._reader(snapshot, "matrix", to=list(names))
            moment, policy = self.guard.moment(snapshot), self._policy_at(snapshot)
            there = partners(snapshot)
            if names:
                known = {word: one for one in there for word in (one.id, one.name)}
                there = [known[name] if name in known else partner_named(snapshot, name) for name in names]
            forms = [each for each in _published_classes(snapshot) if viewer.may_read(each[0])]
            standings = [replace(_standing(form), count=count) for form, count in forms]
            if classes is not None:
                standings = [each for each in standings if each.words in classes]
            recipients = {one.id: self._subject_of(snapshot, one, moment)[0].recipient for one in there}
        apart = Alike(policy, self._floor_once(), [of for each in standings for of in (each.had, each.has) if of])
        alike: dict[Recipient, list[tuple[Partner, Recipient]]] = {}
        for partner in there:
            recipient = recipients[partner.id]
            alike.setdefault(apart.key(recipient), []).append((partner, recipient))
        for start in range(0, len(standings), CLASSES_AT_ONCE):
            some = standings[start : start + CLASSES_AT_ONCE]
            parted = list(dict.fromkeys(of for each in some for of in (each.had, each.has) if of))
            for same in alike.values():
                for action in actions:
                    # One of them stands for all that are decided alike.
                    made = decide_all(policy, parted, same[0][1], action, moment.now)
                    told = dict(zip(parted, made, strict=True))
                    decisions = [each.decided(told) for each in some]
                    for partner, _ in same:
                        for each, decision in zip(some, decisions, strict=True):
                            yield Cell(each.has or each.had, each.words, each.count, partner, action, decision)


@lru_cache(maxsize=4096)
def _standing(form: bytes) -> Standing:
    return Standing.read(form, 0)


def _published_classes(snapshot: Snapshot) -> Iterator[tuple[bytes, int]]:
    published = snapshot.publications()
    there = published.of("state", State.PUBLISHED)
    for key, form in snapshot.classes().items():
        count = len(published.of("class", key) & there)
        if form and count:
            yield form, count
