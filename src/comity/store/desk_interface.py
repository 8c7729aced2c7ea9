"""What a store answers and keeps for persons at their desks: sessions, searches, drafts, and batches."""

from typing import Protocol

from comity.store.batch_interface import BatchSnapshot, BatchTransaction
from comity.store.draft_interface import DraftSnapshot, DraftTransaction
from comity.store.saved import SearchSnapshot, SearchTransaction
from comity.store.session_interface import SessionSnapshot, SessionTransaction


class DeskSnapshot(SessionSnapshot, SearchSnapshot, DraftSnapshot, BatchSnapshot, Protocol):
    """See `comity.store.interface.Snapshot`."""


class DeskTransaction(SessionTransaction, SearchTransaction, DraftTransaction, BatchTransaction, Protocol):
    """See `comity.store.interface.Transaction`."""
