"""What a store does for the audit log: a part of `comity.store.interface.Snapshot` and `Transaction`."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from comity.store.audit import AuditQuery, AuditRow, Noted
from comity.store.views import Keys


class AuditSnapshot(Protocol):
    """What is in the log, and what is asked to know what belongs into it."""

    staff: str
    """Who of our own people acts: what a transaction enters into the ledger from then on is noted for that account."""

    @property
    def last_key(self) -> int:
        """The key of the last copy that was stored; 0 where there never was one."""
        ...

    @property
    def last_change(self) -> int:
        """The number of the last change of a copy that was there before."""
        ...

    def audit_rows(self, query: AuditQuery) -> list[AuditRow]:
        """The next rows that the query asks for, by number; from the end where it wants the newest."""
        ...

    def audit_end(self) -> tuple[int, bytes]:
        """The number and the hash of the last row."""
        ...

    def first_bad_audit_row(self) -> int | None:
        """The number of the first row that is missing, changed, moved or too many; None where the chain holds."""
        ...

    def uses(self) -> dict[str, int]:
        """When each account or token was last used, to the hour."""
        ...

    def of_level(self, level: int) -> Keys:
        """The copies whose own marking, or else that of their source, is of that level (see `comity.stix.tlp.TLP`; -1:
        neither is there); they must not be changed."""
        ...

    def keys_of_classes(self, classes: Sequence[int]) -> Keys:
        """The copies that are published with these classes."""
        ...

    def keys_in(self, collection: str | None) -> Keys:
        """The copies that an export of the collection, or of all, has in it; they must not be changed."""
        ...


class AuditTransaction(AuditSnapshot, Protocol):
    """What is noted."""

    def note(self, *notes: Noted) -> int:
        """There is a row for each, if this is committed; the number of the first."""
        ...

    def add_read_again(self, counts: Mapping[int, tuple[int, int]]) -> None:
        """What these rows say was read so many times more, and the last time then."""
        ...

    def put_uses(self, uses: Mapping[str, int]) -> None:
        """These accounts and tokens were used then, or later where that is known."""
        ...
