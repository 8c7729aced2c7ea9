"""Asking for a release where policy wants a second person for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyroaring import BitMap

from comity.errors import Conflict, NotFound, TooLarge
from comity.node.changing import Changing
from comity.node.people import ADMIN, RELEASER, seconds
from comity.node.proposals import ReleaseRequest
from comity.node.recipients import partner_named

OBJECTS_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Requested:
    """How many copies were asked for, and the id under which that waits."""

    objects: int
    waits: str


class Requesting(Changing):
    """The verb that asks for a release."""

    def request_release(self, partner: str, ids: Sequence[str] | None = None) -> Requested:
        """Of the published copies with these ids, or of all, those that policy lets go to the partner only after a
        second person approved them are asked for; it waits. NotFound where there is none, Conflict where nobody could
        be the second person."""
        with self._snapshot() as snapshot:
            self._actor(snapshot, RELEASER, ADMIN)
            who = partner_named(snapshot, partner)
            numbers = self._waiting_releases(snapshot, who.id)
            if ids is not None:
                numbers &= BitMap(snapshot.published_of(ids))
            if not numbers:
                raise NotFound("Nothing of that waits for a second person.", where="id", hint="comity release preview")
            if len(numbers) > OBJECTS_MOST:
                raise TooLarge(f"At most {OBJECTS_MOST:,} objects are asked for at once.", where="id")
            request = ReleaseRequest(who.id, who.name, tuple(numbers))
            found = self._difference(snapshot, request)
        with self.store.write() as tx:
            actor = self._actor(tx, RELEASER, ADMIN)
            if not seconds(tx, actor):
                raise Conflict(
                    "Policy wants a second person, and there is none.",
                    where="as",
                    hint="comity user add NAME --role approver",
                )
            return Requested(len(numbers), self._propose(tx, request, found, actor).id)
