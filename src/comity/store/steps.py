"""Migrations: numbered files of SQL for each kind of store, forward only."""

from dataclasses import dataclass
from importlib.resources import files

from comity.errors import OldSchema


@dataclass(frozen=True, slots=True)
class Step:
    """One migration: its number is the schema version that it makes."""

    number: int
    name: str
    sql: str


def packaged(kind: str) -> list[Step]:
    """The steps for that kind of store (`sqlite`, `postgres`) that come with this version of Comity, in order."""
    folder = files(f"comity.store.{kind}") / "migrations"
    found = (entry for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return sorted(
        (Step(int(entry.name[:4]), entry.name[:-4], entry.read_text("utf-8")) for entry in found),
        key=lambda step: step.number,
    )


def refuse_other(version: int, newest: int) -> None:
    """The store has the present schema; OldSchema, with what to do, where it has not."""
    if version < newest:
        raise OldSchema(f"the store has schema {version}, this Comity needs {newest}", hint="comity migrate")
    if version > newest:
        raise OldSchema(
            f"the store has schema {version}, this Comity knows only {newest}", hint="install the newer Comity"
        )
