"""What the release gate asks of one state of a store."""

from collections.abc import Sequence

from comity.store import publications
from comity.store.admin import Admin
from comity.store.database import Database
from comity.store.nouns import storable
from comity.store.publications import Publications, Published, Unpublished
from comity.store.views import Keys


class PublishedReading:
    """See `comity.store.interface.Snapshot`."""

    @property
    def db(self) -> Database:
        """The connection of the snapshot."""
        raise NotImplementedError

    def admin(self) -> Admin:
        """Collections, sources and tokens of this state."""
        raise NotImplementedError

    def publications(self) -> Publications:
        """The bitmaps of what is published."""
        raise NotImplementedError

    def classes(self) -> dict[int, bytes]:
        return publications.classes(self.db)

    def published(self, numbers: Sequence[int]) -> list[Published]:
        return publications.rows(self.db, numbers)

    def published_of(self, ids: Sequence[str]) -> list[int]:
        return publications.of_ids(self.db, [id for id in ids if storable(id)])

    def published_at(self, instants: Sequence[str]) -> list[int]:
        return publications.of_instants(self.db, [each for each in instants if storable(each)])

    def published_types(self, names: Sequence[str]) -> Keys:
        return publications.of_types(self.db, self.publications(), [name for name in names if storable(name)])

    def unpublished(self, after: int, limit: int) -> list[Unpublished]:
        admin = self.admin()
        return [
            Unpublished(key, id, type, admin.source_names[source], admin.collection_ids[place], default_tlp, mark, body)
            for key, id, type, source, place, default_tlp, mark, body in publications.unpublished(self.db, after, limit)
        ]

    def received(self, keys: Sequence[int]) -> set[int]:
        return publications.received(self.db, keys)

    def published_bodies(self, numbers: Sequence[int]) -> list[bytes]:
        return publications.bodies(self.db, numbers)

    def held(self, now: int) -> tuple[Keys, int | None]:
        return publications.held(self.db, now)

    def last_published_before(self, at: int) -> int:
        return publications.last_before(self.db, at)
