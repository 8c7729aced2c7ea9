"""Which objects many things are to be done to at once: named by their ids, or found as a search finds them, and what
that would do."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from comity.errors import Invalid
from comity.stix.tlp import TLP
from comity.store.batches import Facts
from comity.store.browse_interface import Facets as Facets
from comity.store.nouns import Hit, level_of
from comity.store.views import Keys

MOST = 100_000
"""So many copies are done in one batch."""
SAMPLE = 20
IDS_TOLD = 3
PART_ROWS = 50
"""So many copies of a part stand on a page."""
UNMARKED = "none"
"""The value of a part by marking where neither the object nor its source says one."""


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
class Part:
    """Those of the chosen copies that one of the counts of `Chosen` is about: `copies` is all of them, `objects` the
    newest of each object; the others are those of that type, marking (`green`, or UNMARKED), source or outcome (state
    and reason with a colon between), and what that partner is offered."""

    by: str
    value: str = ""

    @classmethod
    def read(cls, text: str) -> "Part":
        """The part that the text names, as `str` writes it. Invalid where there is none of the kind."""
        by, _, value = text.partition(":")
        if by not in KINDS:
            raise Invalid(f"{by[:40]!r} is no part of what is chosen.", where="part", hint=", ".join(KINDS))
        return cls(by, value)

    def __str__(self) -> str:
        return f"{self.by}:{self.value}" if self.value else self.by

    def keys(self, rows: Sequence["Row"]) -> list[int]:
        """The keys of those copies that belong to it, the least first."""
        if self.by == "objects":
            return sorted({row.facts.id: row.facts.key for row in rows}.values())
        return [row.facts.key for row in rows if KINDS[self.by](row, self.value)]


@dataclass(frozen=True, slots=True)
class Row:
    """A chosen copy, the name of its source, what would become of it, and the publications that each partner is
    offered."""

    facts: Facts
    source: str
    becomes: tuple[str, str]
    offered: Mapping[str, Keys]

    @property
    def level(self) -> str:
        """The word of the level that counts."""
        level = level_of(self.facts.tlp, self.facts.default_tlp, self.facts.mark)
        return UNMARKED if level is None else level_word(level)


KINDS: Mapping[str, Callable[[Row, str], bool]] = {
    "copies": lambda row, value: True,
    "objects": lambda row, value: True,
    "type": lambda row, value: row.facts.type == value,
    "tlp": lambda row, value: row.level == value,
    "source": lambda row, value: row.source == value,
    "becomes": lambda row, value: ":".join(row.becomes) == value,
    "partner": lambda row, value: row.facts.number in row.offered.get(value, ()),
}
"""What a part may be of, and whether a copy belongs to it."""


def level_word(level: int) -> str:
    """The level as a part names it."""
    return TLP(level).word.removeprefix("TLP:").lower()


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was chosen, as of one moment: how many `copies` of how many `objects`, what they are, some of them, and what
    would become of them: how many of each state and reason (see `comity.node.batch_steps`). `partners` says to how many
    of them each partner is offered now, None where there are too many to ask; `missing` are ids of which there is
    nothing that whoever acts may read; `behind` copies cannot be found by words yet. `seal` is another text whenever
    what was chosen is another. Where a part was asked for, `counted` copies belong to it, `sample` is a page of
    them and `next` where the next one begins, 0 where there is none."""

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
    counted: int = 0
    next: int = 0


def tallied(becomes: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """How many of each."""
    return dict(sorted(Counter(becomes).items()))


def page_of(keys: Sequence[int], after: int) -> tuple[Sequence[int], int]:
    """The greatest of these keys, which are sorted, that are below `after` (0: of all), at most PART_ROWS; and where
    the next page begins, 0 where there is none."""
    end = bisect_left(keys, after) if after else len(keys)
    page = keys[max(0, end - PART_ROWS) : end]
    return page, page[0] if end > PART_ROWS else 0
