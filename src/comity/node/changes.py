"""The difference that a change of policy or of a partner would make, told before it is made (R13, R14)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyroaring import BitMap

from comity.node.recipients import CAPS, NEVER, Partner, source_of
from comity.node.views import Decisions, Sound, Subject, look
from comity.release.classes import ReleaseClass
from comity.release.compare import difference, sample
from comity.release.policy import Policy
from comity.release.shifts import Budget, Shift, Side, by_words, shifts
from comity.release.standing import classes_in
from comity.release.suppositions import class_words
from comity.store.interface import Snapshot

CELLS_TOLD, IDS_TOLD = 100, 5
INSTANTS_MOST = 8
"""A sample of policies is asked at so many dates of their texts; with more dates to come it is not whole."""
LOOKED_MOST = 5_000_000
"""Publications times recipients that are looked at to count what becomes visible; beyond that it is not counted."""


@dataclass(frozen=True, slots=True)
class Rights:
    """All that decides what leaves: the policy, and partners by id."""

    policy: Policy
    partners: Mapping[str, Partner]


@dataclass(frozen=True, slots=True)
class Seen:
    """How many objects become visible, and cease to be, for how many recipients each counted, by words of the class;
    with a few ids of those that become visible."""

    appear: Mapping[str, int] = field(default_factory=dict)
    cease: Mapping[str, int] = field(default_factory=dict)
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """What a change makes different. `cells` are over the classes that are stored and all partners, `sampled` over a
    sample of others; `history` names partners who are offered what is older, `caps` those of whose caps one is higher
    or gone. `whole` is False where there was more to look at than is looked at; `seen` is None where objects were too
    many to be counted."""

    cells: tuple[Shift, ...] = ()
    sampled: tuple[Shift, ...] = ()
    history: tuple[str, ...] = ()
    whole: bool = True
    seen: Seen | None = Seen()
    policies: tuple[str, ...] = ()
    caps: tuple[str, ...] = ()

    @property
    def widens(self) -> bool:
        """Whether anything is allowed, or visible, that was not, or that cannot be said."""
        shifted = any(each.widened for each in (*self.cells, *self.sampled))
        return shifted or bool(self.history or self.caps) or not self.whole or bool(self.seen and self.seen.appear)

    @property
    def facts(self) -> list[Any]:
        """What an approval binds: all but the objects, which come and go."""
        cells = [
            [[each.widened, each.recipient, each.object, each.digest] for each in some]
            for some in (self.cells, self.sampled)
        ]
        caps = [list(self.caps)] if self.caps else []
        return [*cells, list(self.history), self.whole, list(self.policies), *caps]

    def to_json(self, names: Mapping[str, str]) -> dict[str, Any]:
        """As the commands tell it; `names` are those of partners by id."""
        seen = None
        if self.seen is not None:
            seen = {
                "appear": sum(self.seen.appear.values()),
                "cease": sum(self.seen.cease.values()),
                "by_class": [
                    {"class": words, "appear": self.seen.appear.get(words, 0), "cease": self.seen.cease.get(words, 0)}
                    for words in sorted({*self.seen.appear, *self.seen.cease})[:CELLS_TOLD]
                ],
                "ids": list(self.seen.ids),
            }
        return {
            "widens": self.widens,
            "cells": _told(self.cells, names),
            "sample": _told(self.sampled, names),
            "history": [names.get(id, id) for id in self.history],
            "caps": [names.get(id, id) for id in self.caps],
            "objects": seen,
            "whole": self.whole,
        }


def _told(found: Sequence[Shift], names: Mapping[str, str]) -> dict[str, Any]:
    widened = sum(each.widened for each in found)
    return {
        "widened": widened,
        "narrowed": len(found) - widened,
        "first": [
            {
                "change": "widened" if each.widened else "narrowed",
                "partner": names.get(each.recipient, each.recipient),
                "class": each.object,
            }
            for each in found[:CELLS_TOLD]
        ],
    }


def differ(
    snapshot: Snapshot, before: Rights, after: Rights, now: int, sound: Sound, best: int | None = None
) -> Difference:
    """The difference between the two in that state of the store, from that instant on. Objects are counted at the
    `best` one, where the clock is doubted. Who is suspended for reading nothing counts as if it read again."""
    stored = {key: classes_in(form) for key, form in snapshot.classes().items() if form}
    classes, budget = by_words(one for pair in stored.values() for one in pair), Budget()
    same_policy = before.policy.digest == after.policy.digest
    changed = [
        id
        for id, one in sorted(after.partners.items())
        if (not same_policy or before.partners[id] != one) and "active" in (one.state, before.partners[id].state)
    ]
    cells: list[Shift] = []
    sampled: list[Shift] = []
    for id in changed:
        sides = _side(before, id), _side(after, id)
        cells += shifts(id, *sides, classes, now, budget)
        if same_policy:
            others, _ = sample((after.policy,), after.policy.cases)
            # What a partner sent itself is stored already, or never counts as from elsewhere.
            sampled += shifts(id, *sides, by_words(others), now, budget)
    whole = not budget.spent
    if not same_policy:
        found, complete = _sampled(before.policy, after.policy, now)
        sampled += found
        whole = whole and complete
    # Without a rule that permits, nothing can be allowed: taking all back never waits, however much there is.
    whole = whole or not any(rule.permits for rule in after.policy.own)
    history = tuple(id for id in changed if _begins(after, id, now) < _begins(before, id, now) != NEVER)
    policies = (before.policy.digest, after.policy.digest)
    looked = sorted({each.recipient for each in cells} | set(history))
    seen = None
    if len(looked) * max(1, snapshot.last_publication) <= LOOKED_MOST:
        last = {key: pair[-1] for key, pair in stored.items()}
        seen = _seen(snapshot, before, after, looked, last, now if best is None else best, sound)
    caps = tuple(id for id in changed if _caps_grow(before.partners[id], after.partners[id]))
    return Difference(tuple(cells), tuple(sampled), history, whole, seen, policies, caps)


def _caps_grow(before: Partner, after: Partner) -> bool:
    """More may leave for it than before in an hour or a day. Who was given nothing has no cap to compare with."""
    pairs = [(getattr(before, name), getattr(after, name)) for name in CAPS]
    grows = any(old is not None and (new is None or new > old) for old, new in pairs)
    return grows and before.state == after.state == "active"


def _subject(rights: Rights, id: str, at: int) -> Subject:
    return rights.partners[id].subject(source_of(id), at)


def _side(rights: Rights, id: str) -> Side:
    return Side(rights.policy, lambda at: _subject(rights, id, at).recipient)


def _begins(rights: Rights, id: str, now: int) -> int:
    """The instant from which on the partner is offered what is published; NEVER where it is given nothing before a step
    makes it active, which shows all."""
    return _subject(rights, id, now).history_from if rights.partners[id].state == "active" else NEVER


def _sampled(before: Policy, after: Policy, now: int) -> tuple[list[Shift], bool]:
    dates = before.instants | after.instants
    # Of the two turns of a date the later one stands for what comes after it.
    instants = sorted(each for each in dates if each > now and each + 1000 not in dates)
    at = [now, *instants[:INSTANTS_MOST]] if dates else []
    found = difference(before, after, at=at)
    told = {Shift(cell.widened, "", cell.explain().rpartition(": ")[0]) for cell in found}
    return sorted(told, reverse=True), len(instants) <= INSTANTS_MOST


def _seen(
    snapshot: Snapshot,
    before: Rights,
    after: Rights,
    looked: Iterable[str],
    classes: Mapping[int, ReleaseClass],
    now: int,
    sound: Sound,
) -> Seen:
    published = snapshot.publications()
    appear: dict[str, int] = {}
    cease: dict[str, int] = {}
    ids: list[str] = []
    for id in looked:
        was, becomes = (_alive(snapshot, rights, id, now, sound) for rights in (before, after))
        for counts, numbers in ((appear, becomes - was), (cease, was - becomes)):
            for key, one in classes.items() if numbers else ():
                if count := len(published.of("class", key) & numbers):
                    counts[class_words(one)] = counts.get(class_words(one), 0) + count
        if len(ids) < IDS_TOLD:
            some = list((becomes - was)[:IDS_TOLD])
            ids += [one.id for one in snapshot.published(some)]
    return Seen(appear, cease, tuple(dict.fromkeys(ids))[:IDS_TOLD])


def _alive(snapshot: Snapshot, rights: Rights, id: str, now: int, sound: Sound) -> BitMap:
    """What the partner would see; nothing of it is kept."""
    subject = _subject(rights, id, now)
    return look(snapshot, subject, Decisions(rights.policy, subject.recipient), now, sound).alive


def count_seen(snapshot: Snapshot, numbers: BitMap) -> Seen:
    """These publications, by words of the class, with a few ids."""
    published = snapshot.publications()
    counts: dict[str, int] = {}
    for key, form in snapshot.classes().items():
        if form and (count := len(published.of("class", key) & numbers)):
            words = class_words(classes_in(form)[-1])
            counts[words] = counts.get(words, 0) + count
    return Seen(counts, ids=tuple(dict.fromkeys(one.id for one in snapshot.published(list(numbers[:IDS_TOLD])))))
