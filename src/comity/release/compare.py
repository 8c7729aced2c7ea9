"""The difference of two policies: what one decides otherwise than the other, over a bounded sample of the facets.

The sample is the whole product of the facets that the two texts can tell apart most often, with the groups, recipients
and types that they name, and with every object and recipient of their cases. It finds what widens; that it finds
nothing is no proof, for the facets that it keeps plain may matter.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from comity.release.classes import Action, Author, Recipient, Relation, ReleaseClass
from comity.release.decide import decide_all
from comity.release.facets import tlp_word
from comity.release.policy import CASE_NOW, Case, Policy
from comity.stix.tlp import TLP

CLASSES_MAX, RECIPIENTS_MAX = 100, 80
NAMES_MAX = 3

PLAIN_CLASS = ReleaseClass(TLP.CLEAR, "object", "indicator")
_PLAIN_RECIPIENT = Recipient("someone", Relation.PARTNER, "active")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the table in which the policies differ; `widened` where the new one allows what the old did not."""

    widened: bool
    action: Action
    object: ReleaseClass
    recipient: Recipient
    rules: tuple[str, ...]

    def explain(self) -> str:
        """The cell in a line: what is done with what, for whom, and the rules by which it is now so."""
        return (
            f"{self.action}: {told(self.object, PLAIN_CLASS, ('tlp', 'type'))} to "
            f"{told(self.recipient, _PLAIN_RECIPIENT, ('relation',))}: {', '.join(self.rules)}"
        )


def told(value: Any, plain: Any, always: tuple[str, ...]) -> str:
    """The facets of a class or recipient that are not plain, as `name=value`."""
    parts = []
    for field in fields(value):
        given = getattr(value, field.name)
        if field.name in always or given != getattr(plain, field.name):
            words = tlp_word(given) if isinstance(given, TLP) else given
            words = ",".join(sorted(map(str, words))) if isinstance(words, frozenset) else words
            parts.append(f"{field.name}={words}")
    return " ".join(parts)


def _first(found: Iterable[Any], most: int) -> list[Any]:
    return list(dict.fromkeys(found))[:most]


def sample(policies: Sequence[Policy], cases: Sequence[Case]) -> tuple[list[ReleaseClass], list[Recipient]]:
    """The classes and recipients that the policies are compared over; those of cases come first."""
    groups = _first(sorted(frozenset[str]().union(*(policy.groups for policy in policies))), NAMES_MAX)
    named = _first(sorted(frozenset[str]().union(*(policy.recipients for policy in policies))), NAMES_MAX)
    words = frozenset[str]().union(*(policy.words for policy in policies))
    types = ["indicator", *sorted(word for word in words if len(word) > 2 and word != "indicator")][:NAMES_MAX]
    classes = [
        ReleaseClass(level, "object", kind, origin=origin, author=author)
        for level, kind, origin, author in itertools.product(TLP, types, ("", "another"), (Author.OURS, Author.OTHER))
    ]
    members = [frozenset[str](), *(frozenset({group}) for group in groups)]
    recipients = [Recipient("anyone", Relation.PUBLIC, "active")]
    recipients += [
        Recipient(name, relation, "active", groups=group, cybersecurity=flagged, need_to_know="stated")
        for name, relation, group, flagged in itertools.product(
            ["someone", *named], (Relation.PARTNER, Relation.CLIENT), members, (False, True)
        )
    ]
    return (
        _first([*(case.object for case in cases), *classes], CLASSES_MAX),
        _first([*(case.recipient for case in cases), *recipients], RECIPIENTS_MAX),
    )


def difference(old: Policy, new: Policy, more: Sequence[Case] = (), at: Sequence[int] = ()) -> list[Cell]:
    """Every cell of the sample in which the two decide otherwise, at the instant of the cases or at another of `at`,
    the widened ones first."""
    classes, recipients = sample((old, new), [*old.cases, *new.cases, *more])
    found: dict[tuple[bool, Action, ReleaseClass, Recipient], Cell] = {}
    for instant, recipient, action in itertools.product((CASE_NOW, *at), recipients, Action):
        before = decide_all(old, classes, recipient, action, instant)
        after = decide_all(new, classes, recipient, action, instant)
        for one, was, now in zip(classes, before, after, strict=True):
            # What waits for a second person is less than what goes, and more than nothing.
            if (was.allowed, was.allowed and not was.waits) != (now.allowed, now.allowed and not now.waits):
                rules = tuple(rule.id for rule in now.because)
                widened = now.allowed and (not was.allowed or was.waits)
                found.setdefault((widened, action, one, recipient), Cell(widened, action, one, recipient, rules))
    return sorted(found.values(), key=lambda cell: not cell.widened)
