"""What would have to be otherwise for a no to become a yes: one facet, of the object or of the recipient."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from comity.release.classes import Action, Author, Recipient, Relation, ReleaseClass
from comity.release.decide import decide_all
from comity.release.facets import PAP, TRANSPORTS, tlp_word
from comity.release.policy import Policy
from comity.stix.tlp import TLP


@dataclass(frozen=True, slots=True)
class Change:
    """One facet that would have to be another for the decision to be yes."""

    of: str
    facet: str
    value: str


def would_pass_if(
    policy: Policy, classes: Sequence[ReleaseClass], recipient: Recipient, action: Action, now: int
) -> list[list[Change]]:
    """For each class the single facets, with the values, that would turn a no into a yes; empty where one alone does
    not, or it is allowed already."""
    allowed = [decision.allowed for decision in decide_all(policy, classes, recipient, action, now)]
    denied = [place for place, yes in enumerate(allowed) if not yes]
    found: list[list[Change]] = [[] for _ in classes]
    asked = [(place, *other) for place in denied for other in _other_classes(classes[place], recipient, policy)]
    decisions = decide_all(policy, [one for _, _, one in asked], recipient, action, now)
    for (place, change, _), decision in zip(asked, decisions, strict=True):
        if decision.allowed:
            found[place].append(change)
    # Each other recipient is asked about once, with all classes for which it would be another.
    others: dict[Recipient, dict[int, Change]] = {}
    for place in denied:
        for change, other in _other_recipients(classes[place], recipient, policy):
            others.setdefault(other, {})[place] = change
    passed: dict[int, set[Recipient]] = {}
    for other, places in others.items():
        decisions = decide_all(policy, [classes[place] for place in places], other, action, now)
        for place, decision in zip(places, decisions, strict=True):
            if decision.allowed:
                passed.setdefault(place, set()).add(other)
    for place, recipients in passed.items():
        each = _other_recipients(classes[place], recipient, policy)
        found[place] += [change for change, other in each if other in recipients]
    return found


_CLEARED_CLASS: Mapping[str, Any] = {
    "groups": frozenset(),
    "residency": None,
    "named": frozenset(),
    "personal": frozenset(),
    "personal_fixed": False,
    "exercise": False,
    "unsound": False,
    "verified": True,
    "embargo_until": None,
    "iep": (),
}


def _other_classes(one: ReleaseClass, to: Recipient, policy: Policy) -> Iterator[tuple[Change, ReleaseClass]]:
    values: list[tuple[str, Any]] = [("tlp", level) for level in TLP]
    values += [("author", author) for author in Author]
    values += [("community", group) for group in sorted(to.groups)[:20]]
    values += [("type", word) for word in sorted(policy.words)[:50]]
    values += [("sectors", frozenset({sector})) for sector in sorted(to.sectors)[:20]]
    values += [("pap", None if word == "unmarked" else word) for word in PAP]
    values += [("origin", ""), *_CLEARED_CLASS.items()]
    for facet, value in values:
        if value != getattr(one, facet):
            yield Change("object", facet, _told(value)), replace(one, **{facet: value})


def _other_recipients(one: ReleaseClass, to: Recipient, policy: Policy) -> Iterator[tuple[Change, Recipient]]:
    groups = policy.groups | one.groups | ({one.community} if one.community else set())
    values: list[tuple[str, Any]] = [("state", "active")]
    values += [("relation", relation) for relation in Relation]
    values += [("max_tlp", level) for level in TLP]
    values += [("groups", to.groups | {group}) for group in sorted(groups)[:20]]
    values += [("sectors", to.sectors | {sector}) for sector in sorted(one.sectors)[:20]]
    values += [("country", word) for word in sorted(policy.words)[:50] if len(word) == 2]
    values += [("transport", word) for word in TRANSPORTS]
    values += [("jurisdictions", one.residency)] if one.residency else []
    values += [("origins", to.origins | {one.origin})] if one.origin else []
    values += [("cybersecurity", True), ("encrypted", True), ("commercial", False), ("need_to_know", "stated")]
    values += [("agreement_from", None), ("agreement_until", None)]
    for facet, value in values:
        if value != getattr(to, facet):
            yield Change("recipient", facet, _told(value)), replace(to, **{facet: value})


def _told(value: Any) -> str:
    if isinstance(value, TLP):
        return tlp_word(value)
    if isinstance(value, frozenset):
        return ", ".join(sorted(value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value in (None, "", ()) else str(value)
