"""Withdrawing and marking many copies at once, and giving back what was before."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from comity.store import batches, publications, relations
from comity.store.batches import Batch, Facts, Item, Was
from comity.store.erasing import ErasingTransaction
from comity.store.nouns import State

_HISTORY = (
    "SELECT old.key FROM object old JOIN object o ON o.id = old.id AND o.collection = old.collection"
    " AND o.source = old.source AND o.instant = old.instant WHERE o.key IN ?integers AND old.key <> o.key"
)
"""Earlier bodies of the copies with these keys, which have no versions."""
_TAKEN = (
    "SELECT DISTINCT o.key FROM object o JOIN object other ON other.id = o.id AND other.collection = o.collection"
    " AND other.source = o.source AND other.instant = o.instant AND other.gone = 0 WHERE o.key IN ?integers"
)
_DIGESTS = "SELECT key, hex(digest) AS digest FROM object WHERE key IN ?integers"


class BatchingTransaction(ErasingTransaction):
    """See `comity.store.batch_interface.BatchTransaction`."""

    def put_batch(self, batch: Batch) -> None:
        batches.put(self.db, batch)

    def put_batch_items(self, id: str, keys: Iterable[int]) -> None:
        batches.put_items(self.db, id, keys)

    def settle_batch_items(self, id: str, items: Iterable[Item]) -> None:
        batches.settle(self.db, id, items)

    def forget_batches(self, before: int) -> int:
        return batches.forget(self.db, before)

    def withdraw_copies(self, keys: Sequence[int], now: int) -> int:
        """See the interface."""
        wanted = {one.key: one for one in self.facts_of(keys) if one.state.live}
        if not wanted:
            return 0
        self.db.execute(
            "UPDATE object SET state = ?, withdrawn_at = ?"  # noqa: S608 - words of ours
            f" WHERE state = ? AND key IN ({_HISTORY} AND old.state = ?)",
            (State.WITHDRAWN, now, State.SUPERSEDED, list(wanted), State.SUPERSEDED),
        )
        count = self._withdraw({key: one.id for key, one in wanted.items()}, now)
        self._tell_of("withdrawal", list(wanted.values()))
        return count

    def restore_copies(self, before: Mapping[int, Was], now: int) -> dict[int, str]:
        """See the interface."""
        facts = {one.key: one for one in self.facts_of(list(before))}
        failed = {key: "changed" for key in before if key not in facts or facts[key].state is not State.WITHDRAWN}
        failed |= {key: "destroyed" for key, one in facts.items() if key not in failed and not one.size}
        failed |= dict.fromkeys(self._taken([key for key in facts if key not in failed]), "again")
        going = [facts[key] for key in sorted(facts) if key not in failed]
        if not going:
            return failed
        barred = {key for key in self.barred([one.key for one in going]) if before[key].state == State.PUBLISHED}
        self._revive([one.key for one in going], before, barred)
        self._raise({one.key for one in going}, (one.id for one in going), now)
        return failed | dict.fromkeys(barred, "recalled")

    def mark_copies(self, marks: Mapping[int, int | None], now: int) -> int:
        """See the interface."""
        by_level: defaultdict[int | None, list[int]] = defaultdict(list)
        for one in self.facts_of(list(marks)):
            if one.state.live:
                by_level[marks[one.key]].append(one.key)
        for level, keys in by_level.items():
            self.db.execute("UPDATE object SET mark = ? WHERE key IN ?integers", (level, keys))
            digest = publications.digest_of(self.db, keys)
            self.enter("marking", level=level, objects=len(keys), digest=digest)
            self.log_changes(keys)
        return sum(map(len, by_level.values()))

    def _write_entries(self) -> bytes:
        """The last moment before the commit: who keeps the file beside the store is told."""
        commitment = super()._write_entries()
        if self._asides:
            self._shared.aside(self, self._asides, commitment)
            self._asides = []
        return commitment

    # -- pieces -------------------------------------------------------------------------------------------------------
    def _taken(self, keys: Sequence[int]) -> list[int]:
        """Those of these copies in whose place another lives."""
        return list(self.db.columns("key", _TAKEN, (list(keys),))[0])

    def _revive(self, keys: Sequence[int], before: Mapping[int, Was], barred: set[int]) -> None:
        """The rows and publications of these are there again; flags and keys are settled after."""
        by_state: defaultdict[int, list[int]] = defaultdict(list)
        for key in keys:
            by_state[State.RECEIVED if key in barred else before[key].state].append(key)
        self.db.execute(
            "UPDATE object SET state = ?, withdrawn_at = NULL"  # noqa: S608 - words of ours
            f" WHERE state = ? AND size > 0 AND key IN ({_HISTORY} AND old.withdrawn_at = o.withdrawn_at)",
            (State.SUPERSEDED, State.WITHDRAWN, keys),
        )
        for state, some in by_state.items():
            self.db.execute(
                "UPDATE object SET state = ?, gone = 0, withdrawn_at = NULL WHERE key IN ?integers", (state, some)
            )
        rows = {key: before[key] for key in keys if before[key].number and key not in barred}
        publications.restore(self.db, rows)
        if rows:
            self._republished(one.number for one in rows.values())
            # What they refer to was forgotten with them, so that what is known by now does not hold.
            relations.tell(self.db)

    def _raise(self, revived: set[int], ids: Iterable[str], now: int) -> None:
        """Flags are right, and each of these copies came as if it came now: no key and no date is used again."""
        groups = list(self.live(sorted(set(ids))).values())
        rising = {copy.key: copy for copy in self.settle(groups)}
        back = [copy for some in groups for copy in some if copy.key in revived]
        self.rise({**rising, **{copy.key: copy for copy in back}}.values(), now)
        self._tell_of("restoration", self.facts_of([copy.key for copy in back]))

    def _tell_of(self, kind: str, copies: Sequence[Facts]) -> None:
        """The ledger and the file beside the store say what happened to these copies."""
        ids, keys = self.admin().collection_ids, [one.key for one in copies]
        self.enter(kind, objects=len(keys), digest=publications.digest_of(self.db, keys))
        digests = dict(zip(*self.db.columns("key digest", _DIGESTS, (keys,)), strict=True))
        self.keep_aside(kind, copies=[f"{ids[one.collection]} {digests[one.key].lower()} {one.id}" for one in copies])
