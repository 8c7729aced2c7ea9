"""Reading: one consistent state of a store."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import zstandard
from pyroaring import BitMap

from comity.interfaces import Query
from comity.release.spread import Relations
from comity.store import deliveries, jobs, openings, publications, records, search
from comity.store.admin import Admin
from comity.store.asides import KeepAside
from comity.store.audit_reading import AuditReading
from comity.store.browse_reading import BrowseReading
from comity.store.database import Database
from comity.store.deliveries import Delivered, Usage
from comity.store.flags import ALL_SHIFT, LAST, SHOWN
from comity.store.ledger_reading import LedgerReading
from comity.store.nouns import (
    Bodies,
    Collection,
    Copy,
    Counts,
    Entries,
    Entry,
    Hit,
    Hits,
    Job,
    Source,
    State,
    Status,
    TextQuery,
    Token,
    storable,
)
from comity.store.publications import Publications, Published, Unpublished
from comity.store.reading_erasure import ErasureReading
from comity.store.records import Record
from comity.store.related import At, Related, needs_of, state_of
from comity.store.sessions import SessionReading
from comity.store.views import LARGE_BYTES, Keys, Views, first_keys

STATE = (
    "SELECT last_key, last_change, admin_version, last_publication, last_republication, last_entry, last_entry_at"
    " FROM state"
)
STREAM_ROWS = 128
STREAM_BYTES = 4 * 2**20
SPEC_VERSION = "2.1"

_ENTRIES = "SELECT key, id, version, added FROM object WHERE key IN ?integers ORDER BY key"
_ADDED = "SELECT (SELECT added FROM object WHERE key = ?), (SELECT added FROM object WHERE key = ?)"
_SIZES = "SELECT size FROM object WHERE key IN ?integers ORDER BY key"
_OF_IDS = "SELECT key FROM object WHERE id IN ?texts AND gone = 0"
_OF_INSTANTS = "SELECT key FROM object WHERE instant IN ?texts AND gone = 0"
_OF_BOTH = "SELECT key FROM object WHERE id IN ?texts AND gone = 0 AND instant IN ?texts"
_COPIES = (
    "SELECT o.key, o.collection, o.source, t.name, o.version, o.state, o.added, o.digest, o.tlp, o.default_tlp,"
    " o.flags, b.body FROM object o JOIN type t ON t.key = o.type LEFT JOIN body b ON b.key = o.key"
    " WHERE o.id = ? ORDER BY o.instant DESC, o.key"
)
VERSION_WORDS = frozenset(("first", "last", "all"))


class Shared(Protocol):
    """What all snapshots of a store share: the newest views and admin tables that a committed state has shown."""

    def views_at(self, db: Database, last_key: int, last_change: int, base: Views | None) -> Views: ...
    def admin_at(self, db: Database, version: int) -> Admin: ...
    def publications_at(self, db: Database, last_number: int, last_change: int) -> Publications: ...
    def publications_last(self) -> Publications | None: ...
    def related_at(self, db: Database, last_number: int) -> Related: ...
    def related_last(self) -> Related | None: ...
    @property
    def now(self) -> Callable[[], int]: ...
    @property
    def nonce(self) -> Callable[[], bytes]: ...
    @property
    def aside(self) -> KeepAside: ...


class TableSnapshot(LedgerReading, ErasureReading, AuditReading, BrowseReading, SessionReading):
    """See `comity.store.interface.Snapshot`. Good until the block that opened it ends."""

    def __init__(self, db: Database, shared: Shared, state: Sequence[int], base: Views | None) -> None:
        self._open: Database | None = db
        self._shared = shared
        self.last_key, self.last_change, self.admin_version, self.last_publication, self.last_republication = state[:5]
        self.last_entry, self.last_entry_at = state[5:]
        self.actor = ""
        self._base = base
        self._views: Views | None = None
        self._admin: Admin | None = None
        self._publications: Publications | None = None

    @property
    def db(self) -> Database:
        """The connection; an error where the block is over, since it is someone else's by then."""
        if self._open is None:
            raise RuntimeError("the snapshot was used after its block ended")
        return self._open

    def release(self) -> None:
        """Nothing can be asked any more."""
        self._open = None

    # -- what this snapshot rests on ----------------------------------------------------------------------------------
    def views(self) -> Views:
        """The bitmaps of exactly this state."""
        views = self._views
        if views is None or views.last_key != self.last_key or views.last_change != self.last_change:
            views = self._views = self._views_now()
        return views

    def _views_now(self) -> Views:
        return self._shared.views_at(self.db, self.last_key, self.last_change, self._base)

    def admin(self) -> Admin:
        """Collections, sources and tokens of exactly this state."""
        if self._admin is None or self._admin.version != self.admin_version:
            self._admin = self._admin_now()
        return self._admin

    def _admin_now(self) -> Admin:
        return self._shared.admin_at(self.db, self.admin_version)

    def publications(self) -> Publications:
        """The bitmaps of what is published in exactly this state."""
        held = self._publications
        if held is None or (held.last_number, held.last_change) != (self.last_publication, self.last_republication):
            held = self._publications = self._publications_now()
        return held

    def _publications_now(self) -> Publications:
        return self._shared.publications_at(self.db, self.last_publication, self.last_republication)

    def relations(self) -> Relations:
        """See the interface."""
        return self._related_now().relations

    def needs_of(self, numbers: Sequence[int]) -> list[tuple[int, int, int]]:
        """See the interface."""
        return needs_of(self.db, numbers)

    def relations_at(self) -> At:
        """See the interface."""
        return state_of(self.db, self.last_publication)

    def _related_now(self) -> Related:
        return self._shared.related_at(self.db, self.last_publication)

    # -- pages --------------------------------------------------------------------------------------------------------
    def view(self, query: Query) -> tuple[Keys, int]:
        """The keys that the query asks for, and the key after which it starts."""
        views, admin = self.views(), self.admin()
        if query.spec_versions and SPEC_VERSION not in query.spec_versions:
            return BitMap(), 0
        collection = None if query.collection is None else admin.collection(query.collection).key
        sources = [admin.sources[name].key for name in query.sources if name in admin.sources]
        if query.sources and not sources:
            return BitMap(), 0
        keys = views.select(collection, query.versions, query.types, sources)
        instants = [word for word in query.versions if word not in VERSION_WORDS and storable(word)]
        ids = [id for id in query.ids if storable(id)]
        if query.ids:
            keys = keys & BitMap(self._integers(_OF_IDS, ids))
        if instants:
            if query.ids:
                at = BitMap(self._integers(_OF_BOTH, ids, instants))
            else:
                asked = ("instants", *sorted(instants))
                at = views.remembered(asked, lambda: BitMap(self._integers(_OF_INSTANTS, instants)))
            keys = keys | (at & views.select(collection, ("all",), query.types, sources))
        after = query.after
        if query.added_after is not None:
            if collection is not None:
                after = max(after, views.after(self.db, collection, query.added_after))
            else:
                keys = self.added_after(keys, query.added_after)
        return keys, after

    def added_after(self, keys: Keys, added: int) -> Keys:
        """Those of the keys whose copies were added after the instant, in whatever collection."""
        views = self.views()
        late = BitMap()
        for collection in views.every("collection"):
            start = views.after(self.db, collection, added)
            members = views.of("collection", collection)
            if members and members.max() > start:
                late |= members & BitMap(range(start + 1, members.max() + 1))
        return keys & late

    def _integers(self, sql: str, *arguments: object) -> list[int]:
        return self.db.columns(sql.split(maxsplit=2)[1], sql, arguments)[0]

    def page(self, query: Query, *, bytes_max: int = 16 * 2**20) -> Bodies:
        view, after = self.view(query)
        keys = first_keys(view, after, query.limit + 1)
        more = len(keys) > query.limit
        del keys[query.limit :]
        fitting = self._fitting(keys, bytes_max)
        if fitting < len(keys):
            more = True
            del keys[fitting:]
        if not keys:
            return Bodies(b"", 0, more, ())
        first, last = self.db.execute(_ADDED, (keys[0], keys[-1])).fetchone()
        return Bodies(self.db.joined(keys), len(keys), more, keys, first, last, view)

    def _fitting(self, keys: list[int], bytes_max: int) -> int:
        """How many of the keys' bodies are within the bytes, one at least. Sizes are read only where it may matter."""
        if len(keys) * LARGE_BYTES <= bytes_max and not self.views().of("large", 0).intersect(BitMap(keys)):
            return len(keys)
        total = 0
        for place, size in enumerate(self._integers(_SIZES, keys)):
            total += size
            if total > bytes_max and place:
                return place
        return len(keys)

    def entries(self, query: Query) -> Entries:
        view, after = self.view(query)
        keys = first_keys(view, after, query.limit + 1)
        more = len(keys) > query.limit
        del keys[query.limit :]
        if not keys:
            return Entries((), more)
        columns = self.db.columns("key id version added", _ENTRIES, (keys,))
        return Entries([Entry(*row) for row in zip(*columns, strict=True)], more)

    def stream(self, collection: str | None = None) -> Iterator[bytes]:
        number = None if collection is None else self.admin().collection(collection).key
        keys = self.views().select(number, ("all",))
        after = 0
        while some := first_keys(keys, after, STREAM_ROWS):
            del some[self._fitting(some, STREAM_BYTES) :]
            after = some[-1]
            rows = self.db.execute("SELECT body FROM body WHERE key IN ?integers ORDER BY key", (some,)).fetchall()
            for (body,) in rows:
                yield body

    # -- single things ------------------------------------------------------------------------------------------------
    def search(self, query: TextQuery) -> Hits:
        return search.search(self, query)

    def hit_runs(self, query: TextQuery) -> Iterator[tuple[list[int], int]]:
        return search.runs(self, query)

    def hits(self, keys: Sequence[int]) -> list[Hit]:
        return search.hits(self, keys)

    def copies(self, id: str, collection: str | None = None) -> list[Copy]:
        admin = self.admin()
        number = None if collection is None else admin.collection(collection).key
        rows = self.db.execute(_COPIES, (id,)).fetchall() if storable(id) else []
        return [
            Copy(
                key=key,
                collection=admin.collection_ids[place],
                source=admin.source_names[source],
                id=id,
                type=type,
                version=version,
                state=State(state),
                added=added,
                digest=digest,
                tlp=tlp,
                default_tlp=default_tlp,
                shown=bool(flags & SHOWN),
                body=body,
            )
            for key, place, source, type, version, state, added, digest, tlp, default_tlp, flags, body in rows
            if number in (None, place)
        ]

    def counts(self) -> Counts:
        views, admin = self.views(), self.admin()
        last = views.of("flag", LAST << ALL_SHIFT)
        shown = views.of("flag", SHOWN)
        behind, unrelated, last_added = self.db.execute(
            "SELECT last_key - text_cursor, last_key - relation_cursor,"
            " (SELECT max(last_added) FROM collection) FROM state"
        ).fetchone()
        types = {name: last.intersection_cardinality(views.of("type", key)) for name, key in views.type_keys.items()}
        return Counts(
            objects=len(last),
            copies=self.db.execute("SELECT count(*) FROM object WHERE gone = 0").fetchone()[0],
            types={name: count for name, count in sorted(types.items()) if count},
            collections={
                each.id: shown.intersection_cardinality(views.of("collection", each.key))
                for each in admin.collections.values()
            },
            last_added=last_added or None,
            text_behind=behind,
            relations_behind=unrelated,
            bytes_on_disk=self.db.bytes_on_disk(),
        )

    def collections(self) -> list[Collection]:
        return list(self.admin().collections.values())

    def collection(self, name: str) -> Collection:
        return self.admin().collection_named(name)

    def sources(self) -> list[Source]:
        return list(self.admin().sources.values())

    def source(self, name: str) -> Source:
        return self.admin().source(name)

    def tokens(self) -> list[Token]:
        return list(self.admin().tokens.values())

    def token(self, id: str) -> Token | None:
        return self.admin().tokens.get(id)

    def status(self, id: str) -> Status | None:
        if not storable(id):
            return None
        row = self.db.execute("SELECT id, token, created_at, body FROM status WHERE id = ?", (id,)).fetchone()
        if row is None:
            return None
        return Status(row[0], row[1], row[2], zstandard.ZstdDecompressor().decompress(row[3]))

    def setting(self, name: str) -> bytes | None:
        row = self.db.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    # -- what the release gate asks -----------------------------------------------------------------------------------
    def targets(self, ids: Sequence[str]) -> dict[str, int]:
        wanted = [id for id in ids if storable(id)]
        return dict(
            zip(*self.db.columns("id key", "SELECT id, key FROM target WHERE id IN ?texts", (wanted,)), strict=True)
        )

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
            Unpublished(key, id, type, admin.source_names[source], admin.collection_ids[place], default_tlp, body)
            for key, id, type, source, place, default_tlp, body in publications.unpublished(self.db, after, limit)
        ]

    def received(self, keys: Sequence[int]) -> set[int]:
        return publications.received(self.db, keys)

    def published_bodies(self, numbers: Sequence[int]) -> list[bytes]:
        return publications.bodies(self.db, numbers)

    def held(self, now: int) -> tuple[Keys, int | None]:
        return publications.held(self.db, now)

    def last_published_before(self, at: int) -> int:
        return publications.last_before(self.db, at)

    def openings(self, recipient: str, collection: str) -> list[bytes]:
        key = self.admin().collection(collection).key
        return openings.of(self.db, recipient, key)

    def openings_version(self, recipient: str, collection: str) -> str:
        return openings.version(self.db, recipient, self.admin().collection(collection).key)

    def delivered(self, recipient: str, since: int = 0) -> list[Delivered]:
        return deliveries.delivered(self.db, recipient, since)

    def usage(self, recipient: str) -> Usage:
        return deliveries.usage(self.db, recipient)

    def decided(self, recipient: str) -> tuple[int, bytes]:
        return deliveries.decided(self.db, recipient)

    def records(self, kind: str) -> list[Record]:
        return records.current(self.db, kind)

    def record_history(self, kind: str, id: str) -> list[Record]:
        return records.history(self.db, kind, id) if storable(id) else []

    def jobs(self) -> list[Job]:
        return jobs.every(self.db)

    def next_job_at(self, kinds: Sequence[str]) -> int | None:
        return jobs.next_at(self.db, kinds)
