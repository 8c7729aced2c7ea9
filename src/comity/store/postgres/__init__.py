"""The store in a database server, for several processes."""

from comity.store.postgres.schema import migrate, schema_version
from comity.store.postgres.store import PostgresStore, open_store

__all__ = ["PostgresStore", "migrate", "open_store", "schema_version"]
