"""Everything of one store into another, of whatever kind, with flat memory: how a store moves or is backed up."""

from comity.errors import AlreadyDone, OldSchema, Unverified
from comity.store import check
from comity.store.base import TableStore
from comity.store.database import SECRETS, Database


def copy_all(source: Database, target: Database, *, secrets: bool = True) -> None:
    """Every table of the target holds the rows that the source holds, keys, dates and history included, without what
    only the node itself may hold unless `secrets`; full text is to be filled anew. AlreadyDone where the target holds
    anything."""
    tables = source.tables()
    if tables != target.tables():
        raise OldSchema("the two stores have different tables", hint="comity migrate")
    _refuse_filled(target, list(tables))
    target.execute("DELETE FROM state")
    for table, columns in tables.items():
        names = ", ".join(columns)
        values = names
        if not secrets and table in SECRETS:
            values = ", ".join("NULL" if column == SECRETS[table] else column for column in columns)
        order = " ORDER BY key" if "key" in columns else ""
        target.load(table, names, source.scan(f"SELECT {values} FROM {table}{order}"))  # noqa: S608 - names of our schema
    for table in tables:
        count = f"SELECT count(*) FROM {table}"  # noqa: S608 - names of our schema
        if source.execute(count).fetchone() != target.execute(count).fetchone():
            raise Unverified(f"the copy of the table {table} has not as many rows")
    target.execute("UPDATE state SET text_cursor = 0, text_version = 0, text_dirty = 0")


def _refuse_filled(target: Database, tables: list[str]) -> None:
    for table in tables:
        if table != "state" and target.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is not None:  # noqa: S608 - names of our schema
            raise AlreadyDone("the other store is not empty", hint="name one that does not exist yet")


def move(source: TableStore, target: TableStore) -> None:
    """The empty store `target` holds what `source` held, which nobody could change meanwhile. Unverified, and `target`
    empty, where a law of the store or a digest does not hold in the copy."""
    with source.writing() as given, target.writing() as taken:
        given.lock()
        taken.lock()
        copy_all(given, taken)
        problems = check.problems(taken, deep=True)
        if problems:
            raise Unverified(f"the copy does not hold: {problems[0]}")
