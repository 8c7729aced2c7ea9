"""What a change shifts: the classes of which a recipient is given more, or less, than before, now or at a later date.

The cells are asked at every instant at which a date may turn one of the two decisions, so that a rule that opens only
tomorrow is found today. The work is bounded; whoever is told that it did not suffice must take it as a widening.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from comity.release.classes import Recipient, ReleaseClass
from comity.release.classify import class_digest
from comity.release.dispositions import Disposition, dispose_all
from comity.release.policy import Policy
from comity.release.suppositions import class_words

QUESTIONS_MOST = 100_000
"""So many classes are disposed of for one change, counted again for each instant."""


@dataclass(frozen=True, slots=True)
class Side:
    """The policy, and the facets that the recipient has at an instant, before or after the change."""

    policy: Policy
    at: Callable[[int], Recipient]


@dataclass(frozen=True, slots=True, order=True)
class Shift:
    """A class of which the recipient with that id is given more, if `widened`, or else less; both may hold of one.
    `object` is the class in words, `digest` that of the class with what is given of it then."""

    widened: bool
    recipient: str
    object: str
    digest: str = ""


@dataclass(slots=True)
class Budget:
    """How many questions may still be asked; `spent` says that they did not suffice."""

    left: int = QUESTIONS_MOST
    spent: bool = False

    def take(self, count: int) -> bool:
        """Whether so many more may be asked; they are."""
        self.left -= count
        self.spent = self.spent or self.left < 0
        return not self.spent


def shifts(
    recipient: str, before: Side, after: Side, classes: Sequence[ReleaseClass], now: int, budget: Budget
) -> list[Shift]:
    """The shifts for one recipient, each once, from that instant on, as far as the budget reaches."""
    found: set[Shift] = set()
    due: dict[int, list[ReleaseClass]] = {now: list(classes)}
    while due:
        instant = min(due)
        asked = due.pop(instant)
        if not budget.take(2 * len(asked)):
            break
        was = dispose_all(before.policy, asked, before.at(instant), instant)
        becomes = dispose_all(after.policy, asked, after.at(instant), instant)
        for one, old, new in zip(asked, was, becomes, strict=True):
            for widened, more in ((True, gives_more(old, new)), (False, gives_more(new, old))):
                if more:
                    found.add(Shift(widened, recipient, class_words(one), f"{class_digest(one)} {_spelt(new)}"))
            later = [each.valid_until for each in (old, new) if each.valid_until is not None]
            if later:
                due.setdefault(min(later), []).append(one)
    return sorted(found, reverse=True)


def gives_more(old: Disposition, new: Disposition) -> bool:
    """Whether the new disposition lets anything go that the old one kept: the objects, their authors, personal data,
    what is marked more strictly, or all of it without a second person."""
    if not new.released:
        return False
    return (
        not old.released
        or (new.name_author and not old.name_author)
        or (new.show_personal and not old.show_personal)
        or not old.cut <= new.cut
        or (old.approval and not new.approval)
    )


def _spelt(given: Disposition) -> str:
    flags = (given.released, given.name_author, given.show_personal, given.approval)
    return "".join("ny"[flag] for flag in flags) + "".join(sorted(level.word for level in given.cut))


def by_words(classes: Iterable[ReleaseClass]) -> list[ReleaseClass]:
    """Each class once, in an order that does not depend on where they came from."""
    return sorted(set(classes), key=class_digest)
