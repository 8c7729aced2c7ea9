"""Writing: changes of a store that happen together or not at all.

What changes of an object's flags mean to clients that poll with `added_after` (rule 29): for each of the readings
first, last and all of a collection, such a client must end with every copy that a fresh reader sees. A copy enters a
reading either because it was stored, or because another copy went: the newest version was withdrawn, or a source became
`own`. Then it is moved to a fresh key and a fresh date, as if it had come now; the old key is never used again, and
readings in which it was already give it once more, which is harmless. Copies that merely leave a reading keep key and
date. Readings over all collections together give no such promise, since dates rise within a collection only.

A newer body of an object without versions takes the place of the one it supersedes: where another source's copy came
between them, readers still get this source's, now the newest.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import msgspec
import zstandard

from comity.errors import AlreadyDone
from comity.ledger.records import digest_text
from comity.store import admin as admins
from comity.store import holds, marks, publications, records, related, relations, text
from comity.store.flags import IN_COLLECTION, Live, judge
from comity.store.nouns import Collection, Source, State, Status, Token, storable
from comity.store.publications import Publications
from comity.store.publishing import PublishingTables
from comity.store.records import Record
from comity.store.sessions import SessionWriting
from comity.store.views import CHANGES_KEPT, COLLECTIONS_MOST, KEY_MOST, SOURCES_MOST, TYPES_MOST, Views, check_room

FAILURES_KEPT = 10_000
"""Networks whose failed sign-ins are counted at once; the oldest window makes room."""
VISIBLE = (State.RECEIVED, State.PUBLISHED)
_LIVE = (
    "SELECT id, key, collection, source, instant, state, flags, coalesce(rank, key) AS place, hex(digest) AS digest"
    " FROM object WHERE id IN ?texts AND gone = 0"
)


def _names(values: Iterable[str]) -> str:
    return msgspec.json.encode(sorted(values)).decode()


class TableTransaction(PublishingTables, SessionWriting):
    """See `comity.store.interface.Transaction`."""

    _types: dict[str, int] | None = None

    # -- state --------------------------------------------------------------------------------------------------------
    def _views_now(self) -> Views:
        self._base = Views.at(self.db, self.last_key, self.last_change, self._views or self._base)
        return self._base

    @property
    def publications_made(self) -> Publications | None:
        """The bitmaps of what is published that were last asked for here."""
        return self._publications

    def _publications_now(self) -> Publications:
        base = self._publications or self._shared.publications_last()
        if base is not None and base.is_ahead(self.last_publication, self.last_republication):
            base = None
        return Publications.at(self.db, self.last_publication, self.last_republication, base)

    def _related_now(self) -> related.Related:
        return related.at(self.db, self.last_publication, self._shared.related_last())

    def _admin_now(self) -> admins.Admin:
        return admins.load(self.db, self.admin_version)

    def seal(self) -> None:
        """The ledger, the audit log and the state row say what this transaction did; to be called last, before the
        commit."""
        self._write_entries()
        self._write_notes()
        self.db.execute(
            "UPDATE state SET last_key = ?, last_change = ?, admin_version = ?, last_publication = ?,"
            " last_republication = ?, last_entry = ?, last_entry_at = ?",
            (
                self.last_key,
                self.last_change,
                self.admin_version,
                self.last_publication,
                self.last_republication,
                self.last_entry,
                self.last_entry_at,
            ),
        )

    def take_keys(self, count: int) -> int:
        """That many fresh keys are this transaction's own; the first of them."""
        self.last_key += count
        return self.last_key - count + 1

    def take_dates(self, collection: int, count: int, now: int) -> int:
        """That many dates of the collection, each one microsecond after the other, are given; the first of them."""
        last = self.db.execute("SELECT last_added FROM collection WHERE key = ?", (collection,)).fetchone()[0]
        first = max(now, last + 1)
        self.db.execute("UPDATE collection SET last_added = ? WHERE key = ?", (first + count - 1, collection))
        return int(first)

    def log_changes(self, keys: Iterable[int]) -> None:
        """Other processes will hear that the rows with these keys changed, moved or went."""
        changed = sorted(keys)
        self.db.execute(
            "INSERT INTO change SELECT ? + row_number() OVER (ORDER BY value), value FROM ?integers",
            (self.last_change, changed),
        )
        self.last_change += len(changed)
        self.db.execute("DELETE FROM change WHERE change <= ?", (self.last_change - CHANGES_KEPT,))

    def type_keys(self, names: Iterable[str]) -> dict[str, int]:
        """The numbers of all types, these included."""
        if self._types is None:
            self._types = dict(self.db.execute("SELECT name, key FROM type").fetchall())
        for name in names:
            if name not in self._types:
                number = len(self._types) + 1
                check_room("types", number, TYPES_MOST)
                self.db.execute("INSERT INTO type VALUES (?, ?)", (number, name))
                self._types[name] = number
        return self._types

    # -- flags --------------------------------------------------------------------------------------------------------
    def live(self, ids: Iterable[str]) -> dict[str, list[Live]]:
        """The live copies of these ids, in all collections, in one step."""
        own = {each.key for each in self.admin().sources.values() if each.kind == "own"}
        found: defaultdict[str, list[Live]] = defaultdict(list)
        columns = self.db.columns("id key collection source instant state flags place digest", _LIVE, (list(ids),))
        for id, key, collection, source, instant, state, flags, rank, digest in zip(*columns, strict=True):
            found[id].append(
                Live(key, collection, source, source in own, instant, state, flags, rank, bytes.fromhex(digest))
            )
        return found

    def ids(self, keys: Iterable[int]) -> list[str]:
        """The ids of the copies with these keys, each once."""
        rows = self.db.execute("SELECT DISTINCT id FROM object WHERE key IN ?integers", (list(keys),))
        return [id for (id,) in rows.fetchall()]

    def settle(self, groups: Iterable[list[Live]], *, unstored: int = KEY_MOST) -> list[Live]:
        """The flags of all copies of these ids are right, but for those that came up in a reading, which are returned
        for `rise`. Copies with keys from `unstored` on are not written yet, and only told their flags."""
        changed: defaultdict[int, list[int]] = defaultdict(list)
        risen: list[Live] = []
        for copies in groups:
            visible = [copy for copy in copies if copy.state in VISIBLE]
            judge(visible)
            for copy in visible:
                if copy.key >= unstored:
                    copy.flags = copy.due
                elif copy.due & ~copy.flags & IN_COLLECTION:
                    risen.append(copy)
                elif copy.due != copy.flags:
                    changed[copy.due].append(copy.key)
        for flags, keys in changed.items():
            self.db.execute("UPDATE object SET flags = ? WHERE key IN ?integers", (flags, keys))
        if changed:
            self.log_changes(key for keys in changed.values() for key in keys)
        return risen

    def rise(self, copies: Iterable[Live], now: int) -> None:
        """These copies, which came up in a reading, were moved and re-dated, in order of their keys."""
        for copy in sorted(copies, key=lambda copy: copy.key):
            self._move(copy, now)

    def _move(self, copy: Live, now: int) -> None:
        text.forget(self.db, [copy.key])
        key, added = self.take_keys(1), self.take_dates(copy.collection, 1, now)
        relations.move(self.db, copy.key, key)
        self.db.execute(
            "UPDATE object SET key = ?, added = ?, flags = ?, rank = ? WHERE key = ?",
            (key, added, copy.due, copy.rank, copy.key),
        )
        self.db.execute("UPDATE body SET key = ? WHERE key = ?", (key, copy.key))
        self.db.execute("UPDATE publication SET object = ? WHERE object = ?", (key, copy.key))
        self.log_changes([copy.key])
        copy.key, copy.flags = key, copy.due

    def supersede(self, keys: list[int]) -> None:
        """These copies are history, since newer bodies of theirs are about to be written."""
        self.db.execute(
            "UPDATE object SET state = ?, flags = 0, gone = key WHERE key IN ?integers",
            (State.SUPERSEDED, keys),
        )
        self.log_changes(keys)
        self._unpublish(keys)
        relations.forget(self.db, keys)

    def body(self, key: int) -> bytes:
        """The bytes of a live copy."""
        return bytes(self.db.execute("SELECT body FROM body WHERE key = ?", (key,)).fetchone()[0])

    # -- verbs --------------------------------------------------------------------------------------------------------
    def withdraw(
        self, collection: str, id: str, instants: Sequence[str] | None, now: int, source: str | None = None
    ) -> int:
        """See the interface. Earlier bodies of a withdrawn object without versions go with it, uncounted."""
        number = self.admin().collection(collection).key
        sources = {each.key for each in self.admin().sources.values() if source in (None, each.name)}
        copies = self.live([id]).get(id, []) if storable(id) else []
        going = [
            copy
            for copy in copies
            if (copy.collection == number and copy.source in sources)
            and copy.state in VISIBLE
            and (instants is None or copy.instant in instants)
        ]
        if not going:
            return 0
        keys = [copy.key for copy in going]
        self.db.execute(
            "UPDATE object SET state = ?, flags = 0, gone = key, withdrawn_at = ? WHERE key IN ?integers",
            (State.WITHDRAWN, now, keys),
        )
        self.db.execute(
            "UPDATE object SET state = ?, withdrawn_at = ? WHERE id = ? AND collection = ? AND state = ?"
            " AND instant IN ?texts AND source IN ?integers",
            (State.WITHDRAWN, now, id, number, State.SUPERSEDED, [copy.instant for copy in going], sorted(sources)),
        )
        self.log_changes(copy.key for copy in going)
        self._unpublish(keys)
        relations.forget(self.db, keys)
        self.rise(self.settle([[copy for copy in copies if copy not in going]]), now)
        digests = [copy.digest for copy in going]
        self.enter("withdrawal", collection=collection, id=id, digests=[digest_text(each) for each in digests])
        self.keep_aside("withdrawal", collection=collection, id=id, digests=[each.hex() for each in digests])
        return len(going)

    def purge(self, before: int, limit: int | None = None) -> int:
        (keys,) = self.db.columns(
            "key",
            holds.PURGEABLE,
            (before, self._shared.now(), KEY_MOST if limit is None else limit),
        )
        if not keys:
            return 0
        with self.db.erasing():
            text.forget(self.db, keys)
            self.db.execute("DELETE FROM body WHERE key IN ?integers", (keys,))
        self.db.execute("UPDATE object SET size = 0 WHERE key IN ?integers", (keys,))
        self.db.execute("UPDATE state SET text_dirty = 1")
        self.enter("purge", objects=len(keys), digest=publications.digest_of(self.db, keys))
        return len(keys)

    def put_collection(self, collection: Collection) -> Collection:
        known = self.admin().collections
        for other in known.values():
            if other.id != collection.id and collection.alias is not None and other.alias == collection.alias:
                raise AlreadyDone(f"A collection has the alias {collection.alias!r} already.", hint="Choose another.")
        if collection.id in known:
            stored = replace(collection, key=known[collection.id].key)
            self.db.execute(
                "UPDATE collection SET title = ?, alias = ?, description = ? WHERE key = ?",
                (stored.title, stored.alias, stored.description, stored.key),
            )
        else:
            stored = replace(collection, key=max((each.key for each in known.values()), default=0) + 1)
            check_room("collections", stored.key, COLLECTIONS_MOST)
            self.db.execute(
                "INSERT INTO collection (key, id, title, alias, description) VALUES (?, ?, ?, ?, ?)",
                (stored.key, stored.id, stored.title, stored.alias, stored.description),
            )
        self.admin_version += 1
        self.enter("collection", id=stored.id, title=stored.title, alias=stored.alias)
        return stored

    def put_source(self, source: Source) -> Source:
        """Made, or changed where the name exists. Where its kind changes, readers get other copies from now on."""
        known = self.admin().sources
        old = known.get(source.name)
        number = old.key if old else max((each.key for each in known.values()), default=0) + 1
        check_room("sources", number, SOURCES_MOST)
        stored = replace(source, key=number)
        self._put_row(
            "source",
            key=stored.key,
            name=stored.name,
            kind=stored.kind,
            strict=int(stored.strict),
            default_marking=stored.default_marking,
            publish=stored.publish,
            labels_are_markings=int(stored.labels_are_markings),
            created_at=stored.created_at,
        )
        self.admin_version += 1
        self.enter(
            "source",
            name=stored.name,
            of=stored.kind,
            marking=stored.default_marking,
            publish=stored.publish,
            strict=stored.strict,
            labels=stored.labels_are_markings,
        )
        if old is not None and (old.kind == "own") != (stored.kind == "own"):
            self._rejudge(stored.key)
        return stored

    def _rejudge(self, source: int) -> None:
        shared = self.db.execute(
            "SELECT DISTINCT id FROM object a WHERE source = ? AND gone = 0"
            " AND EXISTS (SELECT 1 FROM object b WHERE b.id = a.id AND b.source <> a.source AND b.gone = 0)"
            " ORDER BY id",
            (source,),
        ).fetchall()
        self.rise(self.settle(self.live(id for (id,) in shared).values()), 0)

    def _put_row(self, table: str, **values: object) -> None:
        """The table has this row, in place of one with the same first column."""
        key, *others = values
        changed = ", ".join(f"{name} = excluded.{name}" for name in others)
        self.db.execute(
            f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})"  # noqa: S608
            f" ON CONFLICT ({key}) DO UPDATE SET {changed}",
            tuple(values.values()),
        )

    def put_token(self, token: Token) -> None:
        """Made, or changed where the id exists. NotFound where its source is not known."""
        self.admin().source(token.source)
        self._put_row(
            "token",
            id=token.id,
            name=token.name,
            digest=token.digest,
            source=token.source,
            readable=_names(token.read),
            writable=_names(token.write),
            created_at=token.created_at,
            expires_at=token.expires_at,
            revoked_at=token.revoked_at,
            recipient=token.recipient,
        )
        self.admin_version += 1
        self.enter(
            "token",
            id=token.id,
            source=token.source,
            to=token.recipient,
            read=sorted(token.read),
            write=sorted(token.write),
            until=token.expires_at,
            revoked=token.revoked_at,
        )
        if token.revoked_at is not None:
            self.keep_aside("revocation", token=token.id)

    def put_status(self, status: Status) -> None:
        packed = zstandard.ZstdCompressor(level=1).compress(status.body)
        self.db.execute("INSERT INTO status VALUES (?, ?, ?, ?)", (status.id, status.token, status.created_at, packed))

    def remark(self, source: str, old: int, new: int) -> int:
        """See the interface."""
        keys = marks.replace(self.db, self.admin().source(source).key, old, new)
        self.log_changes(keys)
        if keys:
            self.enter("remarking", source=source, objects=len(keys), old=old, new=new)
        return len(keys)

    def put_record(self, record: Record) -> Record:
        """See the interface. Whatever rests on records is judged anew from here on."""
        self.admin_version += 1
        stored = records.put(self.db, record)
        digest = digest_text(hashlib.sha256(record.body).digest())
        self.enter("record", of=record.kind, id=record.id, version=stored.version, digest=digest)
        self.keep_aside("record", of=record.kind, id=record.id, body=record.body)
        return stored

    def put_setting(self, name: str, value: bytes) -> None:
        """See the interface. It is no entry of the ledger, and so noted here where a person did it."""
        self._put_row("setting", name=name, value=value)
        self._settings += (name,)

    def add_failures(self, counts: Mapping[str, int], now: int, window: int) -> dict[str, tuple[int, int]]:
        self.db.execute("DELETE FROM failure WHERE since <= ?", (now - window,))
        self.db.execute(
            "DELETE FROM failure WHERE network IN (SELECT network FROM failure ORDER BY since DESC LIMIT ? OFFSET ?)",
            (KEY_MOST, max(0, FAILURES_KEPT - len(counts))),
        )
        self.db.execute_many(
            "INSERT INTO failure VALUES (?, ?, ?)"
            " ON CONFLICT (network) DO UPDATE SET count = failure.count + excluded.count",
            [(network, now, count) for network, count in counts.items()],
        )
        rows = self.db.execute("SELECT network, since, count FROM failure WHERE network IN ?texts", (list(counts),))
        return {network: (since, count) for network, since, count in rows.fetchall()}

    def forget_statuses(self, before: int) -> int:
        return self.db.execute("DELETE FROM status WHERE created_at < ?", (before,)).rowcount
