"""Looking around in one state of a store."""

from collections.abc import Sequence
from typing import TypeVar

from pyroaring import BitMap

from comity.release.spread import HOPS
from comity.store.admin import Admin
from comity.store.browse_interface import Facets
from comity.store.database import Database
from comity.store.nouns import State
from comity.store.views import Keys, Views

T = TypeVar("T")

_CLASSES = "SELECT object, class FROM publication WHERE object IN ?integers"
_BODIES = (
    "SELECT o.key, o.source, o.default_tlp, o.mark, b.body FROM object o JOIN body b ON b.key = o.key"
    " WHERE o.key IN ?integers ORDER BY o.key"
)
_OF_IDS = "SELECT key FROM object WHERE id IN ?texts AND gone = 0"
_REFERRING = (
    "SELECT r.object FROM relation r WHERE r.target = (SELECT key FROM target WHERE id = ?) AND r.need = ?"
    " ORDER BY r.object DESC LIMIT ?"
)
_PUBLISHED = (
    "SELECT p.object AS key, p.at FROM publication p JOIN object o ON o.key = p.object"
    " WHERE p.object IN ?integers AND o.state = ?"
)
_ADDED = "SELECT key, added FROM object WHERE key IN ?integers"
_WITHDRAWN = "SELECT key, withdrawn_at FROM object WHERE key IN ?integers AND withdrawn_at IS NOT NULL"


class BrowseReading:
    """See `comity.store.browse_interface.BrowseSnapshot`."""

    @property
    def db(self) -> Database:
        """The connection of the snapshot."""
        raise NotImplementedError

    def views(self) -> Views:
        """The bitmaps of this state."""
        raise NotImplementedError

    def admin(self) -> Admin:
        """Collections, sources and tokens of this state."""
        raise NotImplementedError

    def newest(self, ids: Sequence[str]) -> list[int]:
        known = [id for id in ids if id.isprintable()]
        (found,) = self.db.columns("key", _OF_IDS, (known,))
        return sorted(self.views().select(None, ("last",)) & BitMap(found))

    def facets(self, keys: Keys) -> Facets:
        views, admin = self.views(), self.admin()

        def counted(name: str, number: int) -> int:
            return int(keys.intersection_cardinality(views.of(name, number)))

        levels = {level if level >= 0 else None: counted("tlp", level) for level in views.every("tlp")}
        return Facets(
            _most_first({word: counted("type", key) for word, key in views.type_keys.items()}),
            _most_first({name: counted("source", source.key) for name, source in admin.sources.items()}),
            _most_first({one.id: counted("collection", one.key) for one in admin.collections.values()}),
            _most_first(levels),
        )

    def classes_of(self, keys: Sequence[int]) -> dict[int, int]:
        return dict(zip(*self.db.columns("object class", _CLASSES, (list(keys),)), strict=True))

    def keys_of(self, *, types: Sequence[str] = (), sources: Sequence[str] = ()) -> Keys:
        views, admin = self.views(), self.admin()
        some = [views.of("type", views.type_keys[name]) for name in types if name in views.type_keys]
        some += [views.of("source", admin.sources[name].key) for name in sources if name in admin.sources]
        return BitMap.union(BitMap(), *some)

    def for_class(self, keys: Sequence[int]) -> list[tuple[int, str, int | None, int | None, bytes]]:
        names = self.admin().source_names
        rows = self.db.execute(_BODIES, (list(keys),)).fetchall()
        return [(key, names[source], default_tlp, mark, bytes(body)) for key, source, default_tlp, mark, body in rows]

    def referring(self, id: str, most: int) -> list[int]:
        if not id.isprintable():
            return []
        found: set[int] = set()
        for need in HOPS:
            found.update(self.db.columns("object", _REFERRING, (id.lower(), need, most))[0])
        return sorted(found)

    def published_when(self, keys: Sequence[int]) -> dict[int, int]:
        return dict(zip(*self.db.columns("key at", _PUBLISHED, (list(keys), int(State.PUBLISHED))), strict=True))

    def withdrawn_when(self, keys: Sequence[int]) -> dict[int, int]:
        return dict(zip(*self.db.columns("key withdrawn_at", _WITHDRAWN, (list(keys),)), strict=True))

    def added_when(self, keys: Sequence[int]) -> dict[int, int]:
        return dict(zip(*self.db.columns("key added", _ADDED, (list(keys),)), strict=True))

    def text_behind(self) -> int:
        return int(self.db.execute("SELECT last_key - text_cursor FROM state").fetchone()[0])


def _most_first(counts: dict[T, int]) -> dict[T, int]:
    return {word: count for word, count in sorted(counts.items(), key=lambda item: (-item[1], str(item[0]))) if count}
