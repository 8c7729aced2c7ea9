"""What a store does for a person who looks around in it: a part of `comity.store.interface.Snapshot`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from comity.store.nouns import Hit, TextQuery
from comity.store.views import Keys


@dataclass(frozen=True, slots=True)
class Facets:
    """How many of some copies are of each type, from each source (by name), in each collection (by id), and of each TLP
    level that counts, None where neither object nor source says one; the most first."""

    types: Mapping[str, int]
    sources: Mapping[str, int]
    collections: Mapping[str, int]
    levels: Mapping[int | None, int]


class BrowseSnapshot(Protocol):
    """What is found, run by run, and what belongs to it."""

    def hit_runs(self, query: TextQuery) -> Iterator[tuple[list[int], int]]:
        """The keys of all that `search` would find, the newest first, in runs that are made when they are asked for,
        each with the least key that was looked at for it; of `query` the limit is not read. A run may be empty."""
        ...

    def hits(self, keys: Sequence[int]) -> list[Hit]:
        """A row of a list for each of these copies that is there with its body, the greatest key first."""
        ...

    def newest(self, ids: Sequence[str]) -> list[int]:
        """The copies of these ids that `search` would find, by key."""
        ...

    def facets(self, keys: Keys) -> Facets:
        """What these copies are."""
        ...

    def classes_of(self, keys: Sequence[int]) -> dict[int, int]:
        """The store's number of the class of each of these copies that is published, or that its sender is served."""
        ...

    def keys_of(self, *, types: Sequence[str] = (), sources: Sequence[str] = ()) -> Keys:
        """Every copy of one of these types, and every copy from one of these sources."""
        ...

    def for_class(self, keys: Sequence[int]) -> list[tuple[int, str, int | None, int | None, bytes]]:
        """Key, source, default TLP, mark and body of each of these copies that has a body, by key."""
        ...

    def referring(self, id: str, most: int) -> list[int]:
        """The newest copies that refer to the id elsewhere than as their author, a marking or the definition of an
        extension, as far as `index_relations` has come; at most so many of each way to refer, by key."""
        ...

    def published_when(self, keys: Sequence[int]) -> dict[int, int]:
        """When each of these copies was published (microseconds since 1970), of those that are."""
        ...

    def withdrawn_when(self, keys: Sequence[int]) -> dict[int, int]:
        """When each of these copies was withdrawn, of those that are."""
        ...

    def added_when(self, keys: Sequence[int]) -> dict[int, int]:
        """When each of these copies was added (microseconds since 1970)."""
        ...

    def text_behind(self) -> int:
        """The number of stored copies that full text does not know yet."""
        ...
