"""Which recipients a policy decides alike: those of whom nothing differs that a rule or a class could name."""

from collections.abc import Sequence
from dataclasses import replace

from comity.release.classes import Recipient, ReleaseClass
from comity.release.policy import Policy


class Alike:
    """Tells which recipients a policy cannot tell apart over these classes: an id that no rule names is as good as any
    other, and so are the members of sets of groups and words that neither a rule nor a class names. Cedar has no order
    of words, and looks into the members of no set."""

    def __init__(self, policy: Policy, classes: Sequence[ReleaseClass]) -> None:
        self._ids = policy.recipients
        self._groups = policy.groups.union(*(of.groups | {of.community or ""} for of in classes))
        self._words = policy.words.union(*(of.sectors | (of.residency or set()) | {of.origin} for of in classes))

    def key(self, one: Recipient) -> Recipient:
        """The same for all that are decided alike."""
        sets = (one.origins, one.sectors, one.jurisdictions or frozenset())
        # One word may stand in two sets, and in both it gets the same name.
        words = frozenset[str]().union(*sets) - self._words - {one.country}
        order = sorted(words, key=lambda word: ([word in each for each in sets], word))
        names = {word: f"\0{number}" for number, word in enumerate(order)}
        origins, sectors, jurisdictions = (frozenset(names.get(word, word) for word in each) for each in sets)
        groups = one.groups & self._groups
        others = {f"\0{number}" for number in range(len(one.groups) - len(groups))}
        return replace(
            one,
            id=one.id if one.id in self._ids else "",
            groups=groups | others,
            origins=origins,
            sectors=sectors,
            jurisdictions=None if one.jurisdictions is None else jurisdictions,
        )
