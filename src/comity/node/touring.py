"""The way through the five tasks on a node that leads through them, and which are done, by what the node holds."""

from dataclasses import dataclass

import msgspec
import orjson

from comity.errors import Invalid
from comity.node.auditing import Auditing
from comity.node.people import ROLES
from comity.node.recalls import recalls
from comity.store.audit import AuditQuery
from comity.store.interface import Snapshot, Transaction

IMPORT, FIND, PUBLISH, RECALL, VERIFY = "import", "find", "publish", "recall", "verify"
STEPS = (IMPORT, FIND, PUBLISH, RECALL, VERIFY)
LOOKED = frozenset({FIND, VERIFY})
"""These leave nothing behind in what the node holds, so that they are noted in the audit log."""
_ACT = "toured"
_BEGUN = "tour"


class _Begun(msgspec.Struct, frozen=True):
    """How the node was when the way began."""

    at: int
    key: int
    publication: int
    recalls: int


@dataclass(frozen=True, slots=True)
class Tour:
    """A task for each of STEPS, and whether it is done."""

    done: frozenset[str]

    @property
    def next(self) -> str:
        """The first that is not done; empty where all are."""
        return next((step for step in STEPS if step not in self.done), "")


def begin_tour(tx: Transaction, now: int) -> None:
    """The node leads through the tasks from now on; what was done before counts for none of them."""
    begun = _Begun(now, tx.last_key, tx.last_publication, len(recalls(tx)))
    tx.put_setting(_BEGUN, msgspec.json.encode(begun))


class Touring(Auditing):
    """The verbs by which pages lead through the tasks."""

    def tour(self) -> Tour | None:
        """How far the tasks are done; None on every node that does not lead through them."""
        with self._snapshot() as snapshot:
            begun = _begun(snapshot)
            if begun is None:
                return None
            self._actor(snapshot, *ROLES)
            rows = snapshot.audit_rows(AuditQuery(since=begun.at, acts=(_ACT,), newest=True))
            done = {str(orjson.loads(row.what)["step"]) for row in rows}
            done |= {IMPORT} if snapshot.last_key > begun.key else set()
            done |= {PUBLISH} if snapshot.last_publication > begun.publication else set()
            done |= {RECALL} if len(recalls(snapshot)) > begun.recalls else set()
            return Tour(frozenset(done))

    def toured(self, step: str) -> None:
        """It is noted, behind, that whoever acts did that task; nothing on a node that leads through none."""
        if step not in LOOKED:
            raise Invalid(f"A step is one of {', '.join(sorted(LOOKED))}.", where="step")
        with self._snapshot() as snapshot:
            if _begun(snapshot) is None:
                return
            self._actor(snapshot, *ROLES)
        self._note_told(_ACT, {"step": step})


def _begun(snapshot: Snapshot) -> _Begun | None:
    found = snapshot.setting(_BEGUN)
    return None if found is None else msgspec.json.decode(found, type=_Begun)
