"""One state of a store in which nothing is written: what is asked of it again and again is read once."""

from typing import Any

from comity.store.snapshot import TableSnapshot
from comity.store.views import Keys


class StillSnapshot(TableSnapshot):
    """See `comity.store.interface.Snapshot`; for readers, since a transaction changes what it reads."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._classes: dict[int, bytes] | None = None
        self._held: dict[int, tuple[Keys, int | None]] = {}

    def classes(self) -> dict[int, bytes]:
        """See the interface."""
        if self._classes is None:
            self._classes = super().classes()
        return self._classes

    def held(self, now: int) -> tuple[Keys, int | None]:
        """See the interface."""
        if now not in self._held:
            self._held[now] = super().held(now)
        return self._held[now]
