"""Which objects many things are to be done to at once: named by their ids, or found as a search finds them, and what
that would do."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from comity.store.browse_interface import Facets as Facets
from comity.store.nouns import Hit

MOST = 100_000
"""So many copies are done in one batch."""
SAMPLE = 20
IDS_TOLD = 3


@dataclass(frozen=True, slots=True)
class Choice:
    """The objects with these `ids`, or else those that a search for `text` finds within the filters (as `browse` has
    them); all there are with `everything`. Of their copies those in the collection and from the sources, if they are
    named: all versions, of every source, since else another would come up."""

    ids: tuple[str, ...] = ()
    text: str = ""
    types: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    collection: str = ""
    tlp: str = ""
    seen: str = ""
    everything: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether it names nothing at all."""
        filters = (self.types, self.sources, self.collection, self.tlp, self.seen)
        return not (self.ids or self.text.strip() or any(filters) or self.everything)

    @property
    def words(self) -> str:
        """As it is kept and told."""
        if self.ids:
            more = f" and {len(self.ids) - IDS_TOLD:,} more" if len(self.ids) > IDS_TOLD else ""
            return " ".join(self.ids[:IDS_TOLD]) + more
        filters = [*(f"type:{one}" for one in self.types), *(f"from:{one}" for one in self.sources)]
        named = (("in", self.collection), ("tlp", self.tlp), ("seen", self.seen))
        filters += [f"{name}:{value}" for name, value in named if value]
        return " ".join([self.text.strip(), *filters]).strip() or "everything"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was chosen, as of one moment: how many `copies` of how many `objects`, what they are, some of them, and what
    would become of them: how many of each state and reason (see `comity.node.batch_steps`). `partners` says to how many
    of them each partner is offered now, None where there are too many to ask; `missing` are ids of which there is
    nothing that whoever acts may read; `behind` copies cannot be found by words yet. `seal` is another text whenever
    what was chosen is another."""

    copies: int
    objects: int
    published: int
    facets: Facets
    sample: Sequence[Hit]
    becomes: Mapping[tuple[str, str], int]
    partners: Mapping[str, int] | None
    missing: Sequence[str]
    behind: int
    seal: str


def tallied(becomes: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """How many of each."""
    return dict(sorted(Counter(becomes).items()))
