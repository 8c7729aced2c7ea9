"""All that one recipient's view needs to know of a class: may it go, and what of its objects must be changed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from comity.release.classes import Action, Author, Recipient, ReleaseClass
from comity.release.decide import Decision, decide_all
from comity.release.policy import Policy, Rule
from comity.stix.tlp import TLP

RESTRICTING = frozenset({"victim", "contact"})
"""Kinds of personal data that are redacted where showing them is not allowed (R23)."""
CLOCK = Rule("gate.clock", "The clock is doubted, and at one of the two instants that it may be it stays")


@dataclass(frozen=True, slots=True)
class Disposition:
    """What is decided of a class for one recipient. `because` are the rules that decided about its release; `edits`
    says that its objects leave with changes: without their author, without personal data, or without what is marked at
    one of the levels of `cut`; `only_author` that nothing but the author goes. `approval` that each of them goes only
    after a second person let it go. `valid_until` as in a decision."""

    released: bool
    because: tuple[Rule, ...]
    name_author: bool = False
    show_personal: bool = False
    cut: frozenset[TLP] = frozenset()
    edits: bool = False
    only_author: bool = False
    valid_until: int | None = None
    approval: bool = False


def dispose_all(policy: Policy, classes: Sequence[ReleaseClass], recipient: Recipient, now: int) -> list[Disposition]:
    """The disposition of each class; `now` is microseconds since 1970."""
    releases = decide_all(policy, classes, recipient, Action.RELEASE, now)
    going = [one for one, decision in zip(classes, releases, strict=True) if decision.allowed]
    authored = [one for one in going if one.author is not Author.NONE]
    personal = [one for one in going if one.personal & RESTRICTING]
    levels = [(one, level) for one in going for level in sorted(one.granular)]
    parts = [replace(one, tlp=level, granular=frozenset()) for one, level in levels]
    named = _told(authored, decide_all(policy, authored, recipient, Action.NAME_AUTHOR, now, among=classes))
    shown = _told(personal, decide_all(policy, personal, recipient, Action.SHOW_PERSONAL_DATA, now, among=classes))
    partly: dict[ReleaseClass, dict[TLP, Decision]] = {}
    for (one, level), decision in zip(levels, decide_all(policy, parts, recipient, Action.RELEASE, now), strict=True):
        partly.setdefault(one, {})[level] = decision
    return [
        _disposition(decision, named.get(one), shown.get(one), partly.get(one, {}))
        for one, decision in zip(classes, releases, strict=True)
    ]


def at_both(one: Disposition, other: Disposition) -> Disposition:
    """What both let go, and as far as both do: the decision where it is not known which of two instants it is."""
    until = min((each.valid_until for each in (one, other) if each.valid_until is not None), default=None)
    if one.released != other.released:
        return Disposition(False, (CLOCK, *(other if one.released else one).because), valid_until=until)
    if not one.released:
        return Disposition(False, one.because, valid_until=until)
    return Disposition(
        True,
        one.because,
        one.name_author and other.name_author,
        one.show_personal and other.show_personal,
        one.cut | other.cut,
        edits=one.edits or other.edits,
        valid_until=until,
        approval=one.approval or other.approval,
    )


def _told(classes: Sequence[ReleaseClass], decisions: Sequence[Decision]) -> dict[ReleaseClass, Decision]:
    return dict(zip(classes, decisions, strict=True))


def _disposition(
    release: Decision, named: Decision | None, shown: Decision | None, partly: dict[TLP, Decision]
) -> Disposition:
    asked = [release, *(each for each in (named, shown) if each is not None), *partly.values()]
    until = min((each.valid_until for each in asked if each.valid_until is not None), default=None)
    if not release.allowed:
        return Disposition(False, release.because, valid_until=until)
    name_author = named is not None and named.allowed
    show_personal = shown is not None and shown.allowed
    # What is marked more strictly goes after approval alone where all of the object does.
    cut = frozenset(level for level, each in partly.items() if not each.allowed or (each.waits and not release.waits))
    other = bool((shown is not None and not show_personal) or cut)
    hidden = named is not None and not name_author
    return Disposition(
        True,
        release.because,
        name_author,
        show_personal,
        cut,
        edits=hidden or other,
        only_author=hidden and not other,
        valid_until=until,
        approval=release.waits,
    )
