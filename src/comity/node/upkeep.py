"""What runs behind: a bounded piece at a time, in the pauses of those who write."""

from comity.node import receive
from comity.node.bearing import ANSWER_HOURS
from comity.node.desk import Desk
from comity.node.proving import Proving

UNDO_SECONDS = 30 * 24 * 3600
PURGE_SECONDS_BETWEEN = 3600
PURGE_OBJECTS = 1000
SWEEP_SECONDS_BETWEEN = 60
TEXT_QUIET_US = 1_000_000
TEXT_PATIENCE_US = 10_000_000
TEXT_INDEX_OBJECTS = 500
RELATIONS_OBJECTS = 200


class Upkeep(Desk, Proving):
    """See `comity.node.node.Node`."""

    def work(self) -> bool:
        """One bounded piece of what runs behind: full text, relations, on its beat the ledger is signed, and once an
        hour the bodies go whose time for undo is over. True where more is waiting."""
        moment = self.guard.look()
        now = moment.now
        self._beat_if_due(now)
        if now - self._swept_at >= SWEEP_SECONDS_BETWEEN * 1_000_000:
            self.sweep_uploads()
            self._swept_at = now
        if now - self._purged_at >= PURGE_SECONDS_BETWEEN * 1_000_000:
            with self.store.write() as tx:
                # What a clock that was set forward says is over may not be.
                before = min(now, moment.best)
                purged = tx.purge(before - UNDO_SECONDS * 1_000_000, PURGE_OBJECTS)
                tx.forget_statuses(before - receive.STATUS_SECONDS_KEPT * 1_000_000)
                tx.forget_batches(before - UNDO_SECONDS * 1_000_000)
                tx.forget_sessions(before, self.settings.session_idle_minutes * 60_000_000)
                tx.forget_answers(before - ANSWER_HOURS * 3600 * 1_000_000)
            if purged == PURGE_OBJECTS:
                return True
            self._purged_at = now
        # Writers need the same core and the same lock, so text waits for a pause of theirs, yet not for ever.
        if now - self._stored_at < TEXT_QUIET_US and now - self._indexed_at < TEXT_PATIENCE_US:
            return False
        more = self.store.index_text(TEXT_INDEX_OBJECTS) > 0
        with self._snapshot() as snapshot:
            published = snapshot.last_publication > 0
        # What objects refer to is asked of what is published; a node that never published stays light.
        more = (published and self.store.index_relations(RELATIONS_OBJECTS) > 0) or more
        self._indexed_at = now
        return more
