"""Which recipients a policy decides alike: those of whom nothing differs that a rule or a class could name."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from comity.release import cedar
from comity.release.classes import Recipient, ReleaseClass
from comity.release.policy import Floor, Policy
from comity.release.problems import attributes_in

_PLAIN: Mapping[str, Any] = {"country": "", "sectors": frozenset()}


@lru_cache(maxsize=8)
def _asked(text: str) -> frozenset[str]:
    """The attributes that the rules look at."""
    return frozenset[str]().union(*map(attributes_in, cedar.json_form(text)))


class Alike:
    """Tells which recipients a policy cannot tell apart over these classes: an id that no rule names is as good as any
    other, and so are the members of sets of groups and words that neither a rule nor a class names. Cedar has no order
    of words, and looks into the members of no set. Country and sectors are nothing where no rule asks for them."""

    def __init__(self, policy: Policy, floor: Floor, classes: Sequence[ReleaseClass]) -> None:
        self._asked = _asked(floor.text) | _asked(policy.text)
        self._ids = policy.recipients
        self._groups = policy.groups.union(*(of.groups | {of.community or ""} for of in classes))
        self._words = policy.words.union(*(of.sectors | (of.residency or set()) | {of.origin} for of in classes))

    def key(self, one: Recipient) -> Recipient:
        """The same for all that are decided alike."""
        for facet, plain in _PLAIN.items():
            if facet not in self._asked:
                one = replace(one, **{facet: plain})
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
