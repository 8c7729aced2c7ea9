"""What a store does for persons of whom something is erased, and for what must not be: a part of
`comity.store.interface.Snapshot` and `Transaction`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from comity.release.recall import Bar
from comity.store.finding import Found
from comity.store.holds import LegalHold


@dataclass(frozen=True, slots=True)
class Erased:
    """What one erasure destroyed: how many objects by id, their copies, bodies, rows of status resources and openings
    of entries of the ledger, how many ids of observables became random ones, and how many drafts."""

    objects: int
    copies: int
    bodies: int
    statuses: int
    entries: int
    renamed: int
    drafts: int = 0


class ErasureSnapshot(Protocol):
    """Where something is, what is on hold, and what is not taken in any more."""

    def find_everywhere(self, text: str) -> list[Found]:
        """Every place of the store in which the text occurs, in small or capital letters and however composed."""
        ...

    def ids_of(self, keys: Sequence[int]) -> list[str]:
        """The ids of the copies with these keys, each once, in order."""
        ...

    def keys_of_ids(self, ids: Sequence[str]) -> dict[str, list[int]]:
        """The keys of all copies of these ids, by id; those that are here."""
        ...

    def digests_of(self, keys: Sequence[int]) -> list[bytes]:
        """The SHA-256 of the bodies of these copies, each once; of those that were erased there is none."""
        ...

    def sent_to(self, ids: Sequence[str]) -> dict[str, int]:
        """To whom anything with these ids left, and in how many releases."""
        ...

    def legal_holds(self) -> list[LegalHold]:
        """All that there ever were, the oldest first."""
        ...

    def on_hold(self, ids: Sequence[str], now: int) -> list[str]:
        """Those of these ids that are on legal hold at that instant."""
        ...

    def erased(self) -> frozenset[bytes]:
        """The keyed hashes of all that was erased."""
        ...

    def unnamed_bars(self) -> frozenset[str]:
        """The keyed hashes, in hexadecimal, of ids that are barred and were never here since."""
        ...

    def every_copy(self) -> Iterator[tuple[int, str, str, bytes, bool]]:
        """Of each copy: key, id of its collection, id, digest, and whether it lives. Nothing else may be asked before
        the last one was told."""
        ...


class ErasureTransaction(ErasureSnapshot, Protocol):
    """What is destroyed, and what must not be."""

    def keep_aside(self, kind: str, **facts: str | int | bytes | Sequence[str]) -> None:
        """Whoever keeps the file beside the store is told of it before the commit."""
        ...

    def erase(
        self,
        ids: Sequence[str],
        *,
        statuses: Sequence[str] = (),
        entries: Sequence[int] = (),
        closed: Sequence[str] = (),
        drafts: Sequence[str] = (),
        renamed: Callable[[str], str],
        now: int,
    ) -> Erased:
        """Of every copy of these ids nothing is left but its row: no body, no digest, no line of an index. An id that
        is made of content (an object without versions) is the one that `renamed` gives. These status resources are
        gone, and the openings of these entries of the ledger, by key or by commitment in hexadecimal, and of those that
        name one of the ids or digests; so are these drafts, and those of these objects."""
        ...

    def bar(self, hashes: Sequence[bytes]) -> None:
        """What has one of these keyed hashes counts as erased from now on."""
        ...

    def put_unnamed_bars(self, found: Iterable[Bar], recall: str) -> None:
        """These are barred as by `put_bars`; in the place of each id is its keyed hash in hexadecimal."""
        ...

    def name_bars(self, names: Mapping[str, str]) -> None:
        """What is barred under each of these keyed hashes is barred under that id from now on."""
        ...

    def put_hold(self, hold: LegalHold) -> None: ...
    def withdraw_digests(self, wanted: Mapping[int, str], now: int) -> int:
        """These live copies (key and id of each) are withdrawn; how many."""
        ...
