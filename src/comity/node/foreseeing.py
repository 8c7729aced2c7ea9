"""What policy would let go of copies that are not published yet, told before they are: by their classes alone."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

from comity.node import publishing
from comity.node.browsing import Browsing
from comity.node.forming import Classes
from comity.node.publishing import EVERYTHING, Selection
from comity.node.recipients import partners
from comity.release.alike import Alike
from comity.release.classes import Action
from comity.release.decide import decide_all
from comity.release.forms import class_of
from comity.release.policy import Rule
from comity.store.interface import Snapshot
from comity.store.text import label_of

MOST = 1_000
"""So many copies are looked at."""
NAMED = 10
CELLS_MOST = 20_000
"""So many questions are asked of policy for one answer."""


@dataclass(frozen=True, slots=True)
class WouldGet:
    """How many of the copies policy would let go to that partner, and each rule that decided with how many it decided
    about, the one of most first. What they refer to is not looked at, so that it may be fewer."""

    partner: str
    goes: int
    rules: tuple[tuple[Rule, int], ...]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """Of `copies` that are not published yet it was asked what would become of them; `more` says that there are others,
    beyond the first MOST. `named` are the ids of some with what they are
    called. `partners` are the active ones by name; None where there are too many to ask."""

    copies: int
    more: bool
    named: tuple[tuple[str, str], ...]
    partners: tuple[WouldGet, ...] | None


class Foreseeing(Browsing):
    """The verb that looks ahead of `publish`."""

    def foresee(self, selection: Selection = EVERYTHING) -> Foreseen:
        """What the policy in force would let go to each active partner of the copies that `publish` would publish, as
        far as whoever acts may read them (R64)."""
        known = self._known(selection)
        found = list(islice(publishing.coming(self.store, known), MOST + 1))
        with self._snapshot() as snapshot:
            what = {"ids": list(known.ids or ()), "types": list(known.types), "sources": list(known.sources)}
            viewer = self._reader(snapshot, "foretell", **what)
            live = snapshot.received([one.key for one in found[:MOST]])
            keys = self._readable_copies.among(snapshot, viewer, sorted(live), self.ours())
            copies = [one for one in found if one.key in keys]
            classes, forms = Classes(snapshot, self.ours()), Counter[bytes]()
            for one in copies:
                forms[classes.form(one.source, one.default_tlp, one.mark, orjson.loads(one.body))[1]] += 1
            named = tuple((one.id, label_of(one.body)) for one in copies[:NAMED])
            return Foreseen(len(copies), len(found) > MOST, named, self._would_get(snapshot, forms))

    def _would_get(self, snapshot: Snapshot, forms: Mapping[bytes, int]) -> tuple[WouldGet, ...] | None:
        """What each active partner would get of so many copies of these classes; None where that is too much to ask."""
        moment, policy = self.guard.moment(snapshot), self._policy_at(snapshot)
        active = [one for one in partners(snapshot) if one.state == "active"]
        if len(forms) * len(active) > CELLS_MOST:
            return None
        classes, counts = [class_of(form) for form in forms], list(forms.values())
        apart, known, found = Alike(policy, self._floor_once(), classes), dict[Any, tuple[int, Any]](), []
        for one in active if classes else ():
            recipient = self._subject_of(snapshot, one, moment)[0].recipient
            key = apart.key(recipient)
            if key not in known:
                goes, rules = 0, Counter[Rule]()
                told = decide_all(policy, classes, recipient, Action.RELEASE, moment.now)
                for decision, count in zip(told, counts, strict=True):
                    goes += count if decision.allowed else 0
                    rules.update(dict.fromkeys(decision.because, count))
                known[key] = goes, tuple(sorted(rules.items(), key=lambda pair: (-pair[1], pair[0].id)))
            found.append(WouldGet(one.name, *known[key]))
        return tuple(found)
