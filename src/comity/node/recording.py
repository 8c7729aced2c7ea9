"""What leaves is entered into the ledger before it is told: a page or message an entry, with the digest of its items.

The digest of a page of objects is SHA-256 over the SHA-256 of each object's bytes as they leave, in their order; that
of a manifest is SHA-256 over lines of id and version. An empty answer has no entry, and the same page again within a
day is counted (R31).
"""

import hashlib
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from comity.node.views import View
from comity.release.redact import Released
from comity.store.interface import Snapshot
from comity.store.nouns import Entry
from comity.store.views import Keys

AGAIN_US = 24 * 3600 * 1_000_000
KNOWN_MOST = 4096
OBJECTS, MANIFEST = "objects", "manifest"


@dataclass(frozen=True, slots=True)
class Leaving:
    """What is about to leave: in which form, how many items with which digest, and the publications by the rule that
    lets them go."""

    form: str
    items: int
    digest: bytes
    parts: Mapping[str, Keys]


def objects_leaving(view: View, snapshot: Snapshot, numbers: Sequence[int], objects: Sequence[Released]) -> Leaving:
    """A page of objects; `numbers` are their publications."""
    digest = hashlib.sha256(b"".join([hashlib.sha256(one.raw).digest() for one in objects])).digest()
    return Leaving(OBJECTS, len(objects), digest, view.by_rule(snapshot, numbers))


def manifest_leaving(view: View, snapshot: Snapshot, numbers: Sequence[int], items: Iterable[Entry]) -> Leaving:
    """A page of a manifest, or of versions."""
    lines = [f"{one.id} {one.version}\n" for one in items]
    digest = hashlib.sha256("".join(lines).encode()).digest()
    return Leaving(MANIFEST, len(lines), digest, view.by_rule(snapshot, numbers))


class Repeats:
    """Which pages left within a day, as far as this process knows. Safe to use from threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[str, bytes], tuple[int, int]] = {}

    def entry_of(self, snapshot: Snapshot, recipient: str, digest: bytes, now: int) -> int | None:
        """The entry by which just this left for the recipient within the last day."""
        held = self._known.get((recipient, digest))
        if held is None:
            found = snapshot.release_of_digest(recipient, digest)
            if found is None:
                return None
            held = (found.entry, found.at)
            self.remember(recipient, digest, *held)
        entry, at = held
        return entry if at <= now < at + AGAIN_US else None

    def remember(self, recipient: str, digest: bytes, entry: int, at: int) -> None:
        """It left by that committed entry, then."""
        with self._lock:
            self._known.pop((recipient, digest), None)
            while len(self._known) >= KNOWN_MOST:
                del self._known[next(iter(self._known))]
            self._known[recipient, digest] = (entry, at)
