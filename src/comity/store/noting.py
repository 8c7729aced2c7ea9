"""Writing the audit log. Whatever a person does, and is entered into the ledger, is
noted with it, so that no act of our own people can be forgotten."""

from collections.abc import Mapping, Sequence
from typing import Any

from comity.store import audit
from comity.store.audit import OPERATOR, AuditRow, Noted
from comity.store.entering import EnteringTables
from comity.store.entries import Fact

ALWAYS = frozenset({"collection", "source", "token"})
"""Nobody but our own people makes these."""
PERSONS = "user"
"""The kind of the records of accounts, which nobody but our own people makes either."""
WITHOUT = frozenset({"receipt", "release", "audit"})
LISTED_MOST = 20
"""So many of a list are noted."""


class NotingTables(EnteringTables):
    """See `comity.store.interface.Transaction`."""

    _notes: tuple[Noted, ...] = ()
    _noted_before: int | None = None
    _settings: tuple[str, ...] = ()
    _again: Mapping[int, tuple[int, int]] = {}
    noted: Sequence[AuditRow] = ()
    """The rows that were written, once `seal` was called."""

    def enter(self, kind: str, **facts: Fact) -> int:
        """See the interface."""
        known = dict(facts)
        if kind not in WITHOUT and (self.staff or kind in ALWAYS or facts.get("of") == PERSONS):
            self.note(Noted(self.staff or OPERATOR, kind, bounded(known)))
        return super().enter(kind, **facts)

    def note(self, *notes: Noted) -> int:
        """See the interface."""
        if self._noted_before is None:
            self._noted_before, _ = audit.end(self.db)
        first = self._noted_before + len(self._notes) + 1
        self._notes += notes
        return first

    def add_read_again(self, counts: Mapping[int, tuple[int, int]]) -> None:
        """See the interface."""
        self._again = counts

    def put_uses(self, uses: Mapping[str, int]) -> None:
        audit.put_uses(self.db, uses)

    def _write_notes(self) -> None:
        """What is to be noted is; to be called once, at the end."""
        if self._settings and self.staff and all(note.account != self.staff for note in self._notes):
            self.note(Noted(self.staff, "setting", {"names": sorted(set(self._settings))}))
        if self._notes:
            self.noted = audit.append(self.db, self._notes, self._shared.now())
            self._notes = ()
        # After the rows, since some of these may be among them.
        if self._again:
            audit.add_again(self.db, self._again)


def bounded(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts, of long lists the first items and how many there were."""
    found: dict[str, Any] = {}
    for name, value in facts.items():
        if isinstance(value, list | tuple) and len(value) > LISTED_MOST:
            found |= {name: list(value[:LISTED_MOST]), f"{name}_in_all": len(value)}
        elif value is not None:
            found[name] = value
    return found
