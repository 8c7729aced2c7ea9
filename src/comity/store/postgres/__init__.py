"""The store in a database server, for several processes."""

from comity.store.postgres.store import PostgresStore, open_store

__all__ = ["PostgresStore", "open_store"]
