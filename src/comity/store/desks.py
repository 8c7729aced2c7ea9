"""What a store keeps for persons at their desks, over its tables: sessions, searches, drafts, and batches."""

from comity.store.batches import BatchReading
from comity.store.drafts import DraftReading, DraftWriting
from comity.store.saved import SearchReading, SearchWriting
from comity.store.sessions import SessionReading, SessionWriting


class DeskReading(SessionReading, SearchReading, DraftReading, BatchReading):
    """See `comity.store.interface.Snapshot`."""


class DeskWriting(SessionWriting, SearchWriting, DraftWriting):
    """See `comity.store.interface.Transaction`."""
