"""Whose an object is: what this node knows of that by itself, and what the object merely claims (R6, R68).

A source of our own is ours; what a feed or a partner gave is theirs by the credential or address by which it came. Whom
`created_by_ref` names is a claim that anybody can make.
"""

from dataclasses import dataclass

from comity.node.browsing import About
from comity.node.showing import CopyView
from comity.web.ui.describing import value_of
from comity.web.ui.visit import Visit

OURS, GIVEN, CLAIMED, FALSE = "ours", "given", "claimed", "false"


@dataclass(frozen=True, slots=True)
class Rival:
    """The newest live copy of the object from another source; `newer` and `other` say whether it is of a newer version
    than the one that is shown, and whether it has another content."""

    source: str
    version: str
    newer: bool
    other: bool


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose the copy is. `kind` is `ours`, `given` (by its source, which names nobody else), `claimed` (its source gave
    it, and says that `author` made it) or `false` (another's source says that we made it). `name` is what the author is
    called, where that may be read; `rivals` are copies from other sources (R7)."""

    kind: str
    author: str
    name: str
    rivals: tuple[Rival, ...]


def origin_of(visit: Visit, about: About, copy: CopyView) -> Origin:
    """Whose that copy of the object is."""
    author = str(value_of(copy).get("created_by_ref") or "")
    own = own_sources(visit)
    kind = CLAIMED if author else GIVEN
    if author in visit.node.ours():
        kind = FALSE
    if copy.source in own:
        kind = OURS
    named = (link.other.name for link in about.links.items if link.id == author and link.other is not None)
    return Origin(kind, author, next(named, ""), tuple(_rivals(about, copy)))


def own_sources(visit: Visit) -> frozenset[str]:
    """The names of the sources that are this organisation."""
    return frozenset(one.name for one in visit.node.sources() if one.kind == "own")


def _rivals(about: About, shown: CopyView) -> list[Rival]:
    newest: dict[str, CopyView] = {}
    for copy in about.copies:
        if copy.state in ("received", "published") and copy.source != shown.source:
            newest.setdefault(copy.source, copy)
    return [
        Rival(one.source, one.version, one.version > shown.version, one.digest != shown.digest)
        for one in newest.values()
    ]
