"""What stands around an object: what it is tied to, what happened to it, its versions, and who receives it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from comity.interfaces import instant_of
from comity.node.browsing import Hit
from comity.node.explaining import Told as Decided
from comity.node.people import READING
from comity.web.api.operation import Ask, Operation, Purposed, Told
from comity.web.ui.describing import changed, compared
from comity.web.ui.objects import COPIES_COMPARED, newest_of, what_if_of, who_of


# -- around it ---------------------------------------------------------------------------------------------------------
class Link(Told, frozen=True, kw_only=True):
    """A tie to another object: `way` is `out` where the first says it. `by` is the relationship that does, if any."""

    way: str
    why: str
    id: str
    type: str | None
    name: str | None
    by: str | None
    source: str | None


class Links(Told, frozen=True, kw_only=True):
    """What an object is tied to; `more` says that there are others."""

    items: list[Link]
    more: bool


def relations(ask: Ask) -> Links:
    """What it refers to, and what refers to it."""
    about = ask.node.about(ask.path["object"])

    def of(hit: Hit | None, name: str) -> str | None:
        return None if hit is None else str(getattr(hit, name))

    items = [
        Link(
            way=one.way,
            why=one.why,
            id=one.id,
            type=of(one.other, "type"),
            name=of(one.other, "name"),
            by=of(one.by, "id"),
            source=of(one.by, "source"),
        )
        for one in about.links.items
    ]
    return Links(items=items, more=about.links.more)


class Event(Told, frozen=True, kw_only=True):
    """Something that happened: `who` is the source, the partner or the person, `entry` that of the ledger, or 0."""

    at: datetime
    what: str
    who: str
    version: str
    entry: int
    by: str


class Events(Told, frozen=True, kw_only=True):
    """What happened, the newest first."""

    items: list[Event]


def timeline(ask: Ask) -> Events:
    """What happened to the copies that the caller may read."""
    found = ask.node.timeline(ask.path["object"])
    return Events(
        items=[
            Event(at=instant_of(one.at), what=one.what, who=one.who, version=one.version, entry=one.entry, by=one.by)
            for one in found
        ]
    )


class Version(Told, frozen=True, kw_only=True):
    """One version from one source, and the properties that differ from its last one; None where there is none here."""

    version: str
    source: str
    collection: str
    state: str
    added: datetime
    changed: list[str] | None


class Versions(Told, frozen=True, kw_only=True):
    """Every version, the newest first."""

    items: list[Version]


def history(ask: Ask) -> Versions:
    """Every version of it from each source, and what changed."""
    about = ask.node.about(ask.path["object"], links=1)
    rows = []
    for place, copy in enumerate(about.copies):
        older = next((one for one in about.copies[place + 1 :] if one.source == copy.source and one.raw), None)
        rows.append(
            Version(
                version=copy.version,
                source=copy.source,
                collection=copy.collection,
                state=copy.state,
                added=copy.added,
                changed=changed(copy, older) if older is not None and copy.raw else None,
            )
        )
    return Versions(items=rows)


class Property(Told, frozen=True, kw_only=True):
    """One property in each of the copies, in their order; empty where it is not there."""

    name: str
    values: list[str]
    differs: bool


class Beside(Told, frozen=True, kw_only=True):
    """The newest copies from each source side by side: where each is from, and each property; `more` are left out."""

    sources: list[str]
    properties: list[Property]
    more: int


def copies(ask: Ask) -> Beside:
    """The newest copy from each source."""
    newest = newest_of(ask.node.about(ask.path["object"], links=1))
    some = newest[:COPIES_COMPARED]
    rows = [Property(name=one.name, values=list(one.values), differs=one.differs) for one in compared(some)]
    return Beside(sources=[one.source for one in some], properties=rows, more=len(newest) - len(some))


# -- who receives it ---------------------------------------------------------------------------------------------------
class WhatIf(Purposed, frozen=True, kw_only=True):
    """A partner, and a marking that the object is supposed to have, for both of which it is told what would be."""

    partner: str = ""
    tlp: str = ""


class RuleOf(Told, frozen=True, kw_only=True):
    """A rule that decided."""

    id: str
    title: str


class Receives(Told, frozen=True, kw_only=True):
    """What becomes of a copy for a partner, by which rules, and whether it was ever opened to them."""

    partner: str
    relation: str
    decision: Literal["release", "redact", "withhold"]
    rules: list[RuleOf]
    changes: list[str]
    opened: bool


class CopyWho(Told, frozen=True, kw_only=True):
    """A copy, and who receives it; nobody where it is not published."""

    version: str
    source: str
    collection: str
    state: str
    who: list[Receives]


class Supposed(Told, frozen=True, kw_only=True):
    """What becomes of a copy for the partner that was named, now, and as it would be; None where that is not told."""

    id: str
    version: str
    now: str
    then: str | None
    rules: list[RuleOf]


class Who(Told, frozen=True, kw_only=True):
    """Who may see an object."""

    copies: list[CopyWho]
    supposed: list[Supposed] | None = None


def rules_of(rules: Sequence[Any]) -> list[RuleOf]:
    """The rules as they are told."""
    return [RuleOf(id=one.id, title=one.title) for one in rules]


def who(ask: Ask) -> Who:
    """Who receives each copy and by which rule, and what would be if it were marked otherwise."""
    given: WhatIf = ask.query
    about = ask.node.about(ask.path["object"], links=1)
    supposed = None
    if given.partner or given.tlp:
        told: Sequence[tuple[Decided, Decided | None]] = what_if_of(ask.node, about.id, given.partner, given.tlp).told
        supposed = [
            Supposed(
                id=now.id,
                version=now.version,
                now=now.verdict.value,
                then=None if then is None else then.verdict.value,
                rules=rules_of((then or now).rules),
            )
            for now, then in told
        ]
    return Who(copies=[_copy_who(one) for one in who_of(ask.node, about.id)], supposed=supposed)


def _copy_who(one: Any) -> CopyWho:
    receives = [
        Receives(
            partner=each.partner,
            relation=each.relation,
            decision=each.verdict.value,
            rules=rules_of(each.rules),
            changes=[str(cut) for cut in each.cuts],
            opened=each.opened,
        )
        for each in one.who
    ]
    return CopyWho(version=one.version, source=one.source, collection=one.collection, state=one.state, who=receives)


_WHO = frozenset(READING)
_ONE = "/objects/{object}"
OPERATIONS = (
    Operation("GET", f"{_ONE}/relations", relations, _WHO, "What it is tied to", Links, Purposed),
    Operation("GET", f"{_ONE}/timeline", timeline, _WHO, "What happened to it", Events, Purposed),
    Operation("GET", f"{_ONE}/history", history, _WHO, "Its versions and what changed", Versions, Purposed),
    Operation("GET", f"{_ONE}/copies", copies, _WHO, "Its copies side by side", Beside, Purposed),
    Operation("GET", f"{_ONE}/who", who, _WHO, "Who may see it, and what if", Who, WhatIf),
)
