"""Texts that name something withheld within two hops (R9): found for all names at once, never pair by pair."""

from collections.abc import Iterable, Sequence

from comity.release.naming import names_of, words_in
from comity.release.words import Names
from comity.stix.object import JsonObject

Name = tuple[str, ...]


class Mentions:
    """Which objects mention which names, and how near they stand.

    Two objects are one hop apart where one refers to the other, in either direction; authors, others who did something
    with an object, and markings join nearly all objects and count for nothing here. Each text is read once. A name
    spreads only from an object that is withheld over its references, and each object that it meets is looked at once a
    name.
    """

    def __init__(
        self,
        ids: Sequence[str],
        whole: Sequence[JsonObject],
        shown: Sequence[JsonObject],
        edges: Sequence[Iterable[str]],
    ) -> None:
        """`whole` are the objects, which give the names; `shown` what a recipient would see of them, at most."""
        self._ids = ids
        self._names = [names_of(value) for value in whole]
        self._near: dict[str, set[str]] = {}
        for ident, targets in zip(ids, edges, strict=True):
            for target in targets:
                self._near.setdefault(ident, set()).add(target)
                self._near.setdefault(target, set()).add(ident)
        self._copies: dict[str, list[int]] = {}
        for number, ident in enumerate(ids):
            self._copies.setdefault(ident, []).append(number)
        self._mentioned: dict[Name, set[int]] = {}
        tree = Names({name for names in self._names for name in names})
        for number, value in enumerate(shown):
            for words in words_in(value):
                for name in tree.found_in(words):
                    self._mentioned.setdefault(name, set()).add(number)
        self._reached: dict[Name, set[str]] = {}

    def of_withheld(self, dead: Iterable[int], alive: Sequence[bool]) -> set[int]:
        """The objects whose text names one of `dead` within two hops. A name that a released copy of the same object
        has as well is no secret."""
        found: set[int] = set()
        for number in dead:
            ident = self._ids[number]
            told: set[Name] = set()
            for copy in self._copies[ident]:
                if alive[copy]:
                    told |= self._names[copy]
            for name in self._names[number] - told:
                if name in self._mentioned:
                    found |= self._spread(name, ident)
        return found

    def _spread(self, name: Name, ident: str) -> set[int]:
        reached = self._reached.setdefault(name, set())
        mentioned = self._mentioned[name]
        found: set[int] = set()
        for middle in {ident, *self._near.get(ident, ())} - reached:
            reached.add(middle)
            around = self._near.get(middle, set())
            if len(mentioned) < len(around):
                found |= {one for one in mentioned if self._ids[one] in around or self._ids[one] == middle}
            else:
                for other in (middle, *around):
                    found |= mentioned.intersection(self._copies.get(other, ()))
        return found
