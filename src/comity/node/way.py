"""The way that objects take into the node."""

from dataclasses import dataclass, field

from comity.stix.markings import TLP
from comity.store.nouns import Source


@dataclass(frozen=True, slots=True)
class Way:
    """How objects come in: into which collection, as which source, judged and marked how where they say nothing; `ours`
    are the ids of this node's own identities, and `known` the forms of classes that sources are known to have made."""

    collection: str
    source: Source
    strict: bool
    default_tlp: TLP
    marking_given: bool = False
    ours: frozenset[str] = frozenset()
    known: set[tuple[str, bytes]] = field(default_factory=set)


def way_of(
    collection: str,
    source: Source,
    *,
    ours: frozenset[str],
    known: set[tuple[str, bytes]] | None = None,
    strict: bool | None = None,
    marking: TLP | None = None,
) -> Way:
    """The way in for that source into the collection of that id; what is None is as the source says."""
    default = TLP.read(source.default_marking) if marking is None else marking
    judged = source.strict if strict is None else strict
    return Way(collection, source, judged, default, marking is not None, ours, set() if known is None else known)
