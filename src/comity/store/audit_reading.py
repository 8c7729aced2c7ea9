"""Reading the audit log, and what is asked to know what belongs into it, from one state of a store."""

from collections.abc import Sequence

from pyroaring import BitMap

from comity.store import audit
from comity.store.admin import Admin
from comity.store.audit import AuditQuery, AuditRow
from comity.store.database import Database
from comity.store.views import Keys, Views


class AuditReading:
    """See `comity.store.audit_interface.AuditSnapshot`."""

    staff: str = ""

    @property
    def db(self) -> Database:
        """The connection of the snapshot."""
        raise NotImplementedError

    def views(self) -> Views:
        """The bitmaps of this state."""
        raise NotImplementedError

    def admin(self) -> Admin:
        """Collections, sources and tokens of this state."""
        raise NotImplementedError

    def audit_rows(self, query: AuditQuery) -> list[AuditRow]:
        return audit.read(self.db, query)

    def audit_end(self) -> tuple[int, bytes]:
        return audit.end(self.db)

    def first_bad_audit_row(self) -> int | None:
        return audit.first_bad(audit.every(self.db), *audit.end(self.db))

    def uses(self) -> dict[str, int]:
        return audit.uses(self.db)

    def of_level(self, level: int) -> Keys:
        return self.views().of("tlp", level)

    def keys_of_classes(self, classes: Sequence[int]) -> Keys:
        (found,) = self.db.columns(
            "object", "SELECT object FROM publication WHERE class IN ?integers", (list(classes),)
        )
        return BitMap(found)

    def keys_in(self, collection: str | None) -> Keys:
        number = None if collection is None else self.admin().collection(collection).key
        return self.views().select(number, ("all",))
