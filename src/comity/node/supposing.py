"""Suppositions: with which policy, or which facets of objects or of a recipient, a view is made that nobody is served.

Nothing of it is kept anywhere. Such a view is made by the code that makes the true one, from other decisions.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from msgspec import structs
from pyroaring import BitMap

from comity.node.explaining import BATCH, shown
from comity.node.recipients import Partner, source_of
from comity.node.views import Decisions, Subject, View, leave
from comity.release.classes import Recipient, ReleaseClass
from comity.release.forms import class_of
from comity.release.openings import Openings
from comity.release.policy import Policy
from comity.release.suppositions import HISTORY, RECIPIENT, Supposition, supposed_class, supposed_recipient
from comity.store.interface import Snapshot
from comity.store.nouns import EVERY
from comity.store.publications import Published

READINGS = ("last", "all", "first")
"""Which versions a partner may ask for; the first is what it gets where it does not say."""


@dataclass(frozen=True, slots=True)
class Supposed:
    """Another policy (its rules and its cases) than that in force, and facets that are others than they are."""

    policy: tuple[str, str] | None = None
    facets: tuple[Supposition, ...] = ()

    def __bool__(self) -> bool:
        return self.policy is not None or bool(self.facets)

    def subject(self, partner: Partner, now: int, used_at: int | None) -> Subject:
        """Who would ask."""
        given = {each.facet: each.value for each in self.facets if each.of == RECIPIENT}
        if "agreement_until" in given:
            # Whether an agreement is over is part of the state.
            partner = structs.replace(partner, agreement_until=given["agreement_until"])
        subject = partner.subject(source_of(partner.id), now, used_at)
        return replace(
            subject,
            recipient=supposed_recipient(subject.recipient, self.facets),
            history_from=given.get(HISTORY, subject.history_from),
        )


NOTHING = Supposed()


class SupposedDecisions(Decisions):
    """Decisions on classes of which some facets are supposed."""

    def __init__(self, policy: Policy, recipient: Recipient, facets: tuple[Supposition, ...]) -> None:
        super().__init__(policy, recipient)
        self._facets = facets

    def read(self, form: bytes) -> ReleaseClass:
        """The class as it would be."""
        return supposed_class(class_of(form), self._facets)


@dataclass(frozen=True, slots=True)
class Named:
    """An object in one version."""

    id: str
    version: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What the recipient would be released besides, what no more, and what with other changes than now."""

    released: list[Named]
    withheld: list[Named]
    changed: list[Named]


def difference(snapshot: Snapshot, now: View, then: View, among: BitMap) -> Difference:
    """The difference that it makes among these publications."""
    before, after = shown(snapshot, now) & among, shown(snapshot, then) & among
    both = before & after & (now.edited | then.edited)
    others: list[int] = []
    for start in range(0, len(both), BATCH):
        some = both[start : start + BATCH]
        old, new = (dict(leave(snapshot, view, some)) for view in (now, then))
        others += [one for one in new if old.get(one) != new[one]]
    more, less = (snapshot.published(list(each)) for each in (after - before, before - after))
    return Difference(_named(more), _named(less), _named(snapshot.published(others)))


def _named(found: Iterable[Published]) -> list[Named]:
    return [Named(one.id, one.version) for one in found]


@dataclass(frozen=True, slots=True)
class SinceReading:
    """The difference of what a recipient can read now and what was opened to it when it read last. `gone` are those of
    which the copy is still here; `gone_unknown` counts those that are not published any more. `read` is false where it
    never read anything."""

    read: bool
    new: list[Named]
    gone: list[Named]
    gone_unknown: int


def since_reading(snapshot: Snapshot, view: View, now: int, among: BitMap | None = None) -> SinceReading:
    """The difference for the recipient of the view; of these publications, or all. What it has no right to read is not
    new to it; who has no credential yet may get one for everything."""
    id = view.subject.recipient.id
    rights = [
        token.read
        for token in snapshot.tokens()
        if token.recipient == id and token.revoked_at is None and token.expires_at > now
    ]
    new, gone, there, read = BitMap(), BitMap(), BitMap(), False
    for collection in snapshot.collections():
        kept = {word: opened(snapshot, id, word, collection.id) for word in READINGS}
        words = [word for word in READINGS if kept[word].stretches]
        had = BitMap.union(BitMap(), *(each.visible for each in kept.values()))
        may = not rights or any(EVERY in right or collection.id in right for right in rights)
        readings = [view.reading(snapshot, collection.key, word) for word in words or READINGS[:1] if may]
        everything = view.reading(snapshot, collection.key, "all")
        read = read or bool(words)
        new |= BitMap.union(BitMap(), *readings) - had
        gone |= had - everything
        there |= everything
    if among is not None:
        new, gone = new & among, gone & among
    left = snapshot.published(list(gone))
    unknown = len(gone) - len(left) if among is None else 0
    # Where another copy of the same version stands in the place of what is gone, nothing is missed.
    rivals = snapshot.published(list(there & BitMap(snapshot.published_of([one.id for one in left])))) if left else []
    versions = {(one.id, one.instant) for one in rivals}
    return SinceReading(
        read,
        _named(snapshot.published(list(new))),
        _named(one for one in left if (one.id, one.instant) not in versions),
        unknown,
    )


def opened(snapshot: Snapshot, recipient: str, word: str, collection: str) -> Openings:
    """What was opened to the recipient in that reading of the collection, as it is kept."""
    return Openings.read(snapshot.openings(f"{recipient} {word}", collection))
