"""Legal holds (R42): as long as one is in force, nothing of its object is destroyed, whoever asks for it."""

from collections.abc import Sequence
from typing import TypeAlias

from comity.errors import AlreadyDone, Invalid, NotFound
from comity.interfaces import microseconds
from comity.node.access import check_name
from comity.node.delivering import Delivering
from comity.node.people import ADMIN
from comity.store.holds import LegalHold

DAYS_MOST = 3660
Hold: TypeAlias = LegalHold


class LegalHolding(Delivering):
    """The verbs on legal holds."""

    def add_holds(self, ids: Sequence[str], reason: str, until: int) -> list[LegalHold]:
        """Until that instant (microseconds since 1970) no erasure, purge or retention destroys any copy of these
        objects. NotFound where one is not here; Invalid where the instant is past, or too far."""
        check_name(reason, "reason")
        with self.store.write() as tx:
            actor = self._actor(tx, ADMIN)
            now = microseconds(self.clock.now())
            if not now < until <= now + DAYS_MOST * 86_400_000_000:
                raise Invalid(f"A legal hold ends in the future, within {DAYS_MOST:,} days.", where="until")
            here = tx.keys_of_ids(ids)
            for id in ids:
                if id not in here:
                    raise NotFound(f"There is no object {id!r}.", where="id")
            made = [
                LegalHold(str(self.entropy.uuid4()), id, reason, actor.name, now, until) for id in dict.fromkeys(ids)
            ]
            for hold in made:
                tx.put_hold(hold)
            return made

    def legal_holds(self) -> list[LegalHold]:
        """All that there ever were, the oldest first. NotAuthorized for who may not make one."""
        with self._snapshot() as snapshot:
            self._actor(snapshot, ADMIN)
            return snapshot.legal_holds()

    def end_hold(self, id: str) -> LegalHold:
        """The hold is in force no more. NotFound where there is none, AlreadyDone where it has ended."""
        with self.store.write() as tx:
            self._actor(tx, ADMIN)
            now = microseconds(self.clock.now())
            hold = next((one for one in tx.legal_holds() if one.id == id), None)
            if hold is None:
                raise NotFound(f"There is no legal hold {id!r}.", where="id", hint="comity hold list")
            if not hold.holds_at(now):
                raise AlreadyDone(f"The legal hold {id} has ended.", where="id")
            ended = LegalHold(hold.id, hold.object, hold.reason, hold.made_by, hold.made_at, hold.until, now)
            tx.put_hold(ended)
            return ended
