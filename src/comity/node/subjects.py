"""Where a person or value occurs on this node (R42)."""

from dataclasses import dataclass, replace

from comity.errors import Invalid
from comity.node.delivering import Delivering
from comity.node.people import ADMIN
from comity.store.finding import Found
from comity.store.interface import Snapshot

TEXT_CHARACTERS = (3, 1000)
OF_OBJECTS = ("body.body", "object.id", "former.id", "text_index", "object.version", "former.version", "target.id")
"""The places whose rows are called by ids of objects."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A place in which it occurs: the table and column, in words, how many rows say it, what some are called."""

    place: str
    words: str
    count: int
    sample: tuple[str, ...]


def check_subject(text: str) -> None:
    """The text can be looked for. Invalid otherwise."""
    least, most = TEXT_CHARACTERS
    if not least <= len(text.strip()) or len(text) > most or "\0" in text:
        raise Invalid(f"What is looked for has {least} to {most:,} characters.", where="text")


class Subjects(Delivering):
    """The verb that looks for a person or value everywhere."""

    def find_subject(self, text: str) -> list[Occurrence]:
        """Every place in which the text occurs, without regard to small and capital letters and to how characters are
        composed. It is entered that somebody looked, and not for what."""
        check_subject(text)
        with self.store.write() as tx:
            self._actor(tx, ADMIN)
            tx.enter("subject-search")
        with self._snapshot() as snapshot:
            self._actor(snapshot, ADMIN)
            return [self._occurrence(snapshot, one) for one in snapshot.find_everywhere(text)]

    def _occurrence(self, snapshot: Snapshot, one: Found) -> Occurrence:
        """What is told of it: no other ids of objects than whoever acts may read."""
        found = Occurrence(one.place, one.words, one.count, one.sample)
        if one.place not in OF_OBJECTS:
            return found
        return replace(found, sample=tuple(self._viewer(snapshot).ids(snapshot, one.sample, self.ours())))
