"""What a store keeps of drafts: a part of `comity.store.interface.Snapshot` and `Transaction`."""

from collections.abc import Sequence
from typing import Protocol

from comity.store.drafts import Draft


class DraftSnapshot(Protocol):
    """Drafts, each for its account alone."""

    def drafts(self, account: str) -> list[Draft]:
        """Those of the account, what was changed last first."""
        ...

    def draft(self, id: str, account: str) -> Draft | None:
        """The one with that id, if it is of the account."""
        ...

    def draft_objects(self) -> list[tuple[str, str]]:
        """The id of every draft of anybody, and that of its object; nothing of what is in it."""
        ...


class DraftTransaction(DraftSnapshot, Protocol):
    """What changes of them. Nothing of it is an act that the ledger or the audit log enters by itself."""

    def put_draft(self, draft: Draft) -> None:
        """It is kept. Of one that is there already, whose account, object, type and making never change, the rest is as
        it is given; where it is another account's, nothing is done."""
        ...

    def drop_drafts(self, ids: Sequence[str], *, of: Sequence[str] = ()) -> int:
        """Those with these ids, and all of these objects, are gone; how many there were."""
        ...
