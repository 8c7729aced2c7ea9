"""What was decided of all classes for a recipient is entered into the ledger, once for each change of it: together with
the next release to the recipient, or behind, where nothing leaves. It counts what is withheld, so it is for no partner.
"""

from dataclasses import dataclass

from comity.ledger.records import digest_text
from comity.node.views import View
from comity.release.policy import Policy
from comity.release.standing import digest_of
from comity.release.tallies import Tally, line_of, tally_of
from comity.store.interface import Snapshot, Transaction

KIND = "decisions"


@dataclass(frozen=True, slots=True)
class Decided:
    """What is decided for a recipient, under which version and digest of the policy, and by which entry something else
    was entered last (0: none)."""

    recipient: str
    tally: Tally
    policy: int
    under: str
    last: int


def under(policy: Policy) -> str:
    """The first eight bytes of the policy's digest, as records say them."""
    return digest_text(bytes.fromhex(policy.digest.removeprefix("sha256:"))[:8])


def lines_of(snapshot: Snapshot, view: View) -> list[str]:
    """A line for each class that there is, in their order."""
    found, made = [], view.lines
    for key, form in snapshot.classes().items():
        one = view.decided.get(key) if form else None
        if one is None:
            continue
        kept = made.get(key)
        if kept is None or kept[0] is not one:
            kept = made[key] = (one, line_of(digest_of(form), view.classes[key], one))
        found.append(kept[1])
    return sorted(found)


def tally(snapshot: Snapshot, view: View) -> Tally:
    """The tally of the view, which is made once; `snapshot` is of a state for which the view holds."""
    found = view.tally
    if found is None:
        found = view.tally = tally_of(lines_of(snapshot, view))
    return found


def enter(tx: Transaction, decided: Decided) -> None:
    """It is entered; whoever calls has made sure that something else was entered last for the recipient."""
    entry = tx.enter(
        KIND,
        to=decided.recipient,
        policy=decided.policy,
        under=decided.under,
        released=decided.tally.released,
        redacted=decided.tally.redacted,
        withheld=decided.tally.withheld,
        digest=digest_text(decided.tally.digest),
    )
    tx.put_decided(decided.recipient, entry, decided.tally.digest)
