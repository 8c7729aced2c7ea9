"""The verb that opens what the ledger says of decisions: the lines whose digest it is."""

from dataclasses import dataclass

from comity.ledger.records import digest_text
from comity.node import deciding
from comity.node.delivering import Delivering
from comity.node.people import ADMIN, AUDIT, RELEASER
from comity.node.recipients import partner_named


@dataclass(frozen=True, slots=True)
class DecisionsView:
    """What is decided of every class for a partner now, a line each (see `comity.release.tallies`), with the counts,
    the digest of the lines, and the version and digest of the policy. `entry` is the entry of the ledger that says the
    same; None where it was not entered yet."""

    partner: str
    policy: int
    under: str
    released: int
    redacted: int
    withheld: int
    digest: str
    lines: tuple[str, ...]
    entry: int | None


class Tallying(Delivering):
    """What is decided for recipients, as a whole."""

    def decisions_of(self, name: str) -> DecisionsView:
        """What is decided for the partner of that name. Classes stand in it by their digests, and no object is named.
        NotFound where there is no such partner."""
        self.deliveries.flush()
        with self._snapshot() as snapshot:
            self._actor(snapshot, RELEASER, ADMIN, AUDIT)
            self._note_told("decisions", {"to": name})
            partner = partner_named(snapshot, name)
            view, policy = self._view_of(snapshot, partner, self.guard.moment(snapshot))
            lines, made = deciding.lines_of(snapshot, view), deciding.tally(snapshot, view)
            entry, digest = snapshot.decided(partner.id)
            version = self._policy_version(snapshot)
        return DecisionsView(
            partner=partner.name,
            policy=version,
            under=deciding.under(policy),
            released=made.released,
            redacted=made.redacted,
            withheld=made.withheld,
            digest=digest_text(made.digest),
            lines=tuple(lines),
            entry=entry if digest == made.digest else None,
        )
