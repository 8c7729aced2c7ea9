"""What counts as something looser by now, as a change that waits for a second person (R14)."""

from collections.abc import Mapping

from comity.node.changes import IDS_TOLD, Difference, Seen
from comity.node.proposals import Reclassification
from comity.node.recipients import Partner, source_of
from comity.node.reclassifying import Change, Pair, differences
from comity.release.dispositions import dispose_all
from comity.release.policy import Policy
from comity.release.shifts import Shift
from comity.release.standing import digest_of


def loosening(found: Mapping[Pair, Change], source: str | None, why: str, by: str) -> Reclassification:
    """The change that those of these make that may loosen, whole; the rest waits for nobody."""
    pairs = sorted((*pair, one.count) for pair, one in found.items() if one.loosens)
    return Reclassification(tuple(pairs), source, why, by)


def opens_to(change: Change, policy: Policy, partners: Mapping[str, Partner], now: int) -> list[Partner]:
    """To whom policy lets the second class go and not the first."""
    found = []
    for one in partners.values():
        recipient = one.subject(source_of(one.id), now).recipient
        had, has = dispose_all(policy, [change.had, change.has], recipient, now)
        if has.released and not had.released:
            found.append(one)
    return found


def difference_of(
    asked: Reclassification,
    found: Mapping[Pair, Change],
    policy: Policy,
    partners: Mapping[str, Partner],
    now: int,
) -> Difference:
    """What is different if these pairs are confirmed, of which so many objects are found now: each pair with its
    digests and its number, and each partner to whom it opens. What closure withholds is not looked at."""
    cells, pairs, ids = [], [], list[str]()
    appear: dict[str, int] = {}
    for had, has, _ in asked.pairs:
        change = found.get((had, has))
        if change is None:
            continue
        words = "; ".join(f"{name}: {old} → {new}" for name, old, new in differences(change.had, change.has))
        words = f"{change.has.type} {words}"
        digest = f"{digest_of(had).hex()} {digest_of(has).hex()} {change.count}"
        pairs.append(Shift(True, "", f"{change.count:,} {words}", digest))
        there = opens_to(change, policy, partners, now)
        cells += [Shift(True, one.id, words, digest) for one in there]
        if there:
            appear[words] = appear.get(words, 0) + change.count * len(there)
        ids += change.samples
    return Difference(tuple(cells), tuple(pairs), seen=Seen(appear, ids=tuple(dict.fromkeys(ids))[:IDS_TOLD]))
