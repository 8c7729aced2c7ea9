"""Erasing: what is destroyed for good, and the rows that stay so that numbers and dates stay used."""

import hashlib
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

from comity.ledger.records import digest_text
from comity.release.recall import Bar
from comity.stix.object import VERSIONLESS
from comity.store import bars, finding, holds, relations, text
from comity.store.erasure_interface import Erased
from comity.store.holds import LegalHold
from comity.store.ingest import IngestingTransaction
from comity.store.nouns import State
from comity.store.reading_erasure import NO_DIGEST

ENTRIES_AT_ONCE = 2000


class ErasingTransaction(IngestingTransaction):
    """See `comity.store.erasure_interface.ErasureTransaction`."""

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
        """See the interface."""
        by_id = self.keys_of_ids(ids)
        keys = sorted(key for some in by_id.values() for key in some)
        digests = self.digests_of(keys)
        with self.db.erasing():
            self._withdraw({key: id for id, some in by_id.items() for key in some}, now)
            bodies = self._destroy(keys, now)
            others = self._rename(by_id, renamed)
            unsaved = self.drop_drafts(drafts, of=ids)
            gone = self._forget_statuses([*statuses, *self._statuses_saying(by_id)])
            named = self._entries_saying({*by_id, *digest_words(digests)}, frozenset(closed))
            emptied = self._close({*entries, *named})
            self.db.execute(
                "UPDATE release SET digest = ? WHERE entry IN ?integers", (NO_DIGEST, self._releases_of(digests))
            )
        self.db.execute("UPDATE state SET text_dirty = 1")
        hashed = [digest.hex() for digest in digests]
        closing = [each.hex() for each in emptied]
        self.keep_aside("erasure", ids=sorted(by_id), digests=hashed, closed=closing, drafts=sorted(drafts))
        return Erased(len(by_id), len(keys), bodies, gone, len(emptied), others, unsaved)

    def withdraw_digests(self, wanted: Mapping[int, str], now: int) -> int:
        """See the interface."""
        gone = self._withdraw(wanted, now)
        if gone:
            self.enter("withdrawal", objects=gone, restored=True)
        return gone

    def bar(self, hashes: Sequence[bytes]) -> None:
        """See the interface."""
        rows = [(each,) for each in dict.fromkeys(hashes)]
        self.db.execute_many("INSERT INTO erased (hash) VALUES (?) ON CONFLICT (hash) DO NOTHING", rows)

    def put_unnamed_bars(self, found: Iterable[Bar], recall: str) -> None:
        """See the interface."""
        bars.put_unnamed(self.db, found, recall)

    def name_bars(self, names: Mapping[str, str]) -> None:
        """See the interface."""
        bars.name(self.db, names)

    def put_hold(self, hold: LegalHold) -> None:
        """See the interface."""
        holds.put(self.db, hold)
        self.enter("legal-hold", id=hold.id, until=hold.until, ended=hold.ended_at)

    def _withdraw(self, wanted: Mapping[int, str], now: int) -> int:
        """Those of these copies that live are withdrawn; what thereby comes up is re-dated."""
        groups = self.live(sorted(set(wanted.values())))
        going = [copy for some in groups.values() for copy in some if copy.key in wanted]
        keys = [copy.key for copy in going]
        if not keys:
            return 0
        self.db.execute(
            "UPDATE object SET state = ?, flags = 0, gone = key, withdrawn_at = ? WHERE key IN ?integers",
            (State.WITHDRAWN, now, keys),
        )
        self.log_changes(keys)
        self._unpublish(keys)
        relations.forget(self.db, keys)
        self.rise(self.settle([[copy for copy in some if copy.key not in wanted] for some in groups.values()]), now)
        return len(keys)

    def _destroy(self, keys: list[int], now: int) -> int:
        """These copies, none of which lives, have neither body nor digest; how many bodies there were."""
        (there,) = self.db.columns("key", "SELECT key FROM body WHERE key IN ?integers ORDER BY key", (keys,))
        text.forget(self.db, there)
        self.db.execute("DELETE FROM body WHERE key IN ?integers", (there,))
        self.db.execute(
            "UPDATE object SET state = ?, size = 0, digest = ?, withdrawn_at = coalesce(withdrawn_at, ?)"
            " WHERE key IN ?integers",
            (State.WITHDRAWN, NO_DIGEST, now, keys),
        )
        return len(there)

    def _rename(self, by_id: Mapping[str, Sequence[int]], renamed: Callable[[str], str]) -> int:
        """Ids that are made of content are others, wherever nothing that stays refers to them; how many were."""
        ids = list(by_id)
        self.db.execute("UPDATE former SET digest = ? WHERE id IN ?texts", (NO_DIGEST, ids))
        rows = self.db.execute("SELECT DISTINCT id FROM object WHERE id IN ?texts AND version = ?", (ids, VERSIONLESS))
        made = {id: renamed(id) for (id,) in sorted(rows.fetchall())}
        for id, other in made.items():
            self.db.execute("UPDATE object SET id = ? WHERE id = ?", (other, id))
            self.db.execute("UPDATE former SET id = ? WHERE id = ?", (other, id))
            # Nothing of that id is taken in again, so that no bar has to name it.
            self.db.execute("DELETE FROM bar WHERE id = ?", (id,))
            self.db.execute("UPDATE legal_hold SET object = ? WHERE object = ?", (other, id))
            self.db.execute(
                "UPDATE target SET id = ? WHERE id = ? AND key NOT IN (SELECT target FROM relation)"
                " AND key NOT IN (SELECT target FROM telling)",
                (other, id.lower()),
            )
        return len(made)

    def _statuses_saying(self, ids: Iterable[str]) -> list[str]:
        wanted = [id.encode() for id in ids]
        if not wanted:
            return []
        found = []
        for id, body in self.db.execute("SELECT id, body FROM status").fetchall():
            told = finding.unpacked(bytes(body))
            if any(each in told for each in wanted):
                found.append(id)
        return found

    def _forget_statuses(self, ids: Sequence[str]) -> int:
        return self.db.execute("DELETE FROM status WHERE id IN ?texts", (sorted(set(ids)),)).rowcount

    def _entries_saying(self, wanted: Iterable[str], closed: Container[str]) -> Iterator[int]:
        """The entries that name one of these ids or digests, or have one of these commitments."""
        parts = [each.encode() for each in wanted]
        after = 0
        while rows := self.db.execute(
            "SELECT key, record, commitment FROM entry WHERE key > ? AND record IS NOT NULL ORDER BY key LIMIT ?",
            (after, ENTRIES_AT_ONCE),
        ).fetchall():
            for key, record, commitment in rows:
                if any(each in bytes(record) for each in parts) or bytes(commitment).hex() in closed:
                    yield key
            after = rows[-1][0]

    def _close(self, entries: Iterable[int]) -> list[bytes]:
        """Of these entries only the commitment is left; the commitments of those of which there was more."""
        rows = self.db.execute(
            "SELECT key, commitment FROM entry WHERE record IS NOT NULL AND key IN ?integers ORDER BY key",
            (sorted(set(entries)),),
        ).fetchall()
        keys = [key for key, _ in rows]
        self.db.execute("UPDATE entry SET nonce = NULL, record = NULL WHERE key IN ?integers", (keys,))
        return [bytes(commitment) for _, commitment in rows]

    def _releases_of(self, digests: Sequence[bytes]) -> list[int]:
        """The releases of pages on which one of these stood alone: their digest says what it was."""
        wanted = {hashlib.sha256(each).digest() for each in digests}
        rows = self.db.execute("SELECT entry, digest FROM release").fetchall()
        return [entry for entry, digest in rows if bytes(digest) in wanted]


def digest_words(digests: Iterable[bytes]) -> Iterator[str]:
    """How records say these digests: each, and the digest over it where it stands alone."""
    for each in digests:
        yield digest_text(each)
        yield digest_text(hashlib.sha256(each).digest())
