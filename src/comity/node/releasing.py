"""What leaves for partners and clients: publishing, and reading through the gate."""

from collections.abc import Callable, Sequence

from comity.errors import Invalid
from comity.node import publishing
from comity.node.publishing import PublishReport, Selection
from comity.node.sources import Sources


class Releasing(Sources):
    """The verbs of publishing; `comity.node.node.Node` has those of reading."""

    def publish(
        self,
        ids: Sequence[str] | None = None,
        *,
        types: Sequence[str] = (),
        sources: Sequence[str] = (),
        collection: str | None = None,
        hold_seconds: int | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> PublishReport:
        """Received copies are published: those with these ids, or all; of them those of these types and sources, in
        that collection. Policy decides about them once the hold is over: 10 s, and 5 minutes for many at once, unless
        `hold_seconds` says otherwise. What they refer to and name is known when this returns: until then nobody is
        served them either."""
        if hold_seconds is not None and not 0 <= hold_seconds <= publishing.HOLD_SECONDS_MOST:
            raise Invalid(f"A hold is 0 to {publishing.HOLD_SECONDS_MOST:,} seconds.", where="hold")
        selection = self._selection(ids, types, sources, collection)
        report = publishing.publish(
            self.store, self.clock, selection, ours=self.ours(), hold_seconds=hold_seconds, progress=progress
        )
        while report.published and self.store.index_relations(publishing.BATCH_OBJECTS):
            pass
        return report

    def unpublish(
        self,
        ids: Sequence[str] | None = None,
        *,
        types: Sequence[str] = (),
        sources: Sequence[str] = (),
        collection: str | None = None,
    ) -> int:
        """Copies are published no more: nobody outside is served them from now on. What has left stays where it is.
        How many there were."""
        return publishing.unpublish(self.store, self._selection(ids, types, sources, collection))

    def count_unpublished(
        self,
        ids: Sequence[str] | None = None,
        *,
        types: Sequence[str] = (),
        sources: Sequence[str] = (),
        collection: str | None = None,
    ) -> int:
        """How many copies `publish` would publish."""
        return publishing.count(self.store, self._selection(ids, types, sources, collection))

    def _selection(
        self, ids: Sequence[str] | None, types: Sequence[str], sources: Sequence[str], collection: str | None
    ) -> Selection:
        with self._snapshot() as snapshot:
            place = None if collection is None else snapshot.collection(collection).id
            for name in sources:
                snapshot.source(name)
        return Selection(None if ids is None else tuple(ids), tuple(types), tuple(sources), place)
