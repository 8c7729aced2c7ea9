"""The way in for many objects: one lookup a batch, decided in Python, written in bulk."""

import hashlib
from collections import Counter
from collections.abc import Sequence

from comity.ledger.records import digest_text
from comity.stix.object import VERSIONLESS, StixObject
from comity.store.database import NewCopy
from comity.store.flags import ALL_FLAGS, Live
from comity.store.nouns import Outcome, State, Verdict
from comity.store.transaction import VISIBLE, TableTransaction
from comity.store.views import KEY_MOST, check_room


class Ingest:
    """One ingest inside one transaction: `put` each batch, `close`, then read `verdicts`."""

    def __init__(
        self,
        transaction: TableTransaction,
        *,
        collection: str,
        source: str,
        default_tlp: int | None,
        state: State,
        now: int,
    ) -> None:
        self.verdicts: list[Verdict] = []
        self._transaction = transaction
        self._collection = transaction.admin().collection(collection).key
        found = transaction.admin().source(source)
        self._source, self._own = found.key, found.kind == "own"
        self._default_tlp = default_tlp
        self._state = int(state)
        self._flags = ALL_FLAGS if state in VISIBLE else 0
        self._now = now
        self._risen: set[int] = set()
        self._source_name, self._collection_id = source, collection
        self._stored, self._digest = 0, hashlib.sha256()

    def put(self, batch: Sequence[StixObject]) -> None:
        """The batch is stored; there is one verdict more an object."""
        transaction, verdicts = self._transaction, self.verdicts
        ids = [each.id for each in batch]
        groups = transaction.live(ids)
        once = Counter(ids) if len(set(ids)) < len(ids) else None
        first = transaction.last_key + 1
        check_room("copies", first + len(batch), KEY_MOST)
        rows: list[tuple[StixObject, Live | None]] = []
        superseded: list[int] = []
        for each in batch:
            if each.id not in groups and (once is None or once[each.id] == 1):
                # Most objects are the first with their id, and have no flags to settle with others.
                verdicts.append(Verdict(Outcome.STORED, first + len(rows), alone=True))
                rows.append((each, None))
                continue
            group = groups[each.id]
            rival = self._rival(each, group) if group else None
            key = rank = first + len(rows)
            outcome = Outcome.STORED
            if rival is not None:
                differs = self._differences(each, rival, rows, first)
                if not differs:
                    verdicts.append(Verdict(Outcome.DUPLICATE, rival.key))
                    continue
                if each.version != VERSIONLESS:
                    verdicts.append(Verdict(Outcome.CONFLICT, rival.key, differs))
                    continue
                outcome, rank = Outcome.SUPERSEDED, rival.rank
                group.remove(rival)
                rival.state, rival.flags = State.SUPERSEDED, 0
                if rival.key < first:
                    superseded.append(rival.key)
            live = Live(
                key,
                self._collection,
                self._source,
                self._own,
                each.instant,
                self._state,
                self._flags,
                rank,
                each.digest,
            )
            group.append(live)
            rows.append((each, live))
            verdicts.append(Verdict(outcome, key))
        if not rows:
            return
        transaction.take_keys(len(rows))
        added = transaction.take_dates(self._collection, len(rows), self._now)
        if superseded:
            transaction.supersede(superseded)
        risen = transaction.settle([group for group in groups.values() if len(group) > 1], unstored=first)
        self._risen.update(copy.key for copy in risen)
        self._write(rows, first, added)
        self._stored += len(rows)
        self._digest.update(b"".join(each.digest for each, _ in rows))

    def close(self) -> None:
        """What came up in a reading was moved and re-dated: once, behind all batches, so that the way in which the
        objects were cut into them makes no difference."""
        transaction = self._transaction
        if self._risen:
            groups = transaction.live(transaction.ids(self._risen)).values()
            transaction.rise(transaction.settle(groups), self._now)
        if self._stored:
            transaction.enter(
                "receipt",
                source=self._source_name,
                collection=self._collection_id,
                objects=self._stored,
                digest=digest_text(self._digest.digest()),
            )

    def _rival(self, each: StixObject, group: list[Live]) -> Live | None:
        """The live copy of the same version from the same source in the same collection."""
        for live in group:
            if live.instant == each.instant and live.source == self._source and live.collection == self._collection:
                return live
        return None

    def _differences(
        self, each: StixObject, rival: Live, rows: list[tuple[StixObject, Live | None]], first: int
    ) -> tuple[str, ...]:
        """The paths at which the object differs from the copy that is kept, none where both are the same JSON value."""
        if rival.digest == each.digest:
            return ()
        from comity.stix.compare import differing_paths

        kept = rows[rival.key - first][0].raw if rival.key >= first else self._transaction.body(rival.key)
        return tuple(differing_paths(kept, each.raw))

    def _write(self, rows: list[tuple[StixObject, Live | None]], first: int, added: int) -> None:
        types = self._transaction.type_keys(dict.fromkeys(each.type for each, _ in rows))
        copies: list[NewCopy] = []
        for number, (each, live) in enumerate(rows):
            key = first + number
            state, flags, gone, rank = self._state, self._flags, 0, None
            if live is not None:
                state, flags = live.state, live.flags
                gone = key if state == State.SUPERSEDED else 0
                rank = live.rank if live.rank != key else None
            copies.append((each, key, types[each.type], state, flags, added + number, gone, rank))
        self._transaction.db.insert(
            copies, collection=self._collection, source=self._source, default_tlp=self._default_tlp
        )


class IngestingTransaction(TableTransaction):
    """A transaction that takes objects in, too."""

    def take(
        self, objects: Sequence[StixObject], *, collection: str, source: str, default_tlp: int | None, now: int
    ) -> list[Verdict]:
        """See the interface."""
        ingest = Ingest(
            self, collection=collection, source=source, default_tlp=default_tlp, state=State.RECEIVED, now=now
        )
        ingest.put(objects)
        ingest.close()
        return ingest.verdicts
