"""The store in a file."""

from comity.store.sqlite.schema import migrate, schema_version
from comity.store.sqlite.store import SqliteStore, open_store

__all__ = ["SqliteStore", "migrate", "open_store", "schema_version"]
