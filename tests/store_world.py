"""Objects and stores for the store's tests."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from comity.stix.object import VERSIONLESS, StixObject
from comity.stix.timestamp import instant_key
from comity.store.base import TableStore
from comity.store.interface import Store, Transaction
from comity.store.nouns import Collection, Source, State, Verdict
from comity.store.sqlite import open_store

AnyStore = TypeVar("AnyStore", bound=Store)

NOW = 1_700_000_000_000_000
ONE, TWO = "8f5a1c1e-0000-4000-8000-000000000001", "8f5a1c1e-0000-4000-8000-000000000002"


def identifier(kind: str, number: int) -> str:
    """An id of that type, the same for the same number."""
    return f"{kind}--00000000-0000-4000-8000-{number:012d}"


def made(
    id: str, version: str | None = None, *, tlp: int | None = None, compact: bool = True, **members: Any
) -> StixObject:
    """An accepted object with these members."""
    value: dict[str, Any] = {"type": id.split("--")[0], "id": id}
    if version is not None:
        value |= {"created": "2020-01-01T00:00:00.000Z", "modified": version}
    raw = json.dumps({**value, **members}, separators=(",", ":") if compact else None).encode()
    return of_raw(raw, tlp=tlp)


def of_raw(raw: bytes, *, tlp: int | None = None) -> StixObject:
    """The object with exactly these bytes."""
    value = json.loads(raw)
    version = value.get("modified") or value.get("created") or VERSIONLESS
    instant = instant_key(version)
    assert instant is not None
    return StixObject(raw, value["id"], value["type"], version, instant, hashlib.sha256(raw).digest(), tlp=tlp)


def indicators(count: int, start: int = 0, **members: Any) -> list[StixObject]:
    """So many indicators, each with another id and name."""
    return [
        made(identifier("indicator", number), "2026-01-01T00:00:00.000Z", name=f"indicator {number}", **members)
        for number in range(start, start + count)
    ]


def open_kind(kind: str, folder: Path) -> TableStore:
    """A store of that kind, the same one each time for the same folder."""
    if kind == "postgres":
        from tests.postgres import database_of

        from comity.store.postgres import open_store as open_postgres

        return open_postgres(database_of(folder))
    return open_store(folder / "store.db")


def furnish(store: AnyStore) -> AnyStore:
    """The store, with two collections and three sources, of which `local` is our own."""
    with store.write() as tx:
        tx.put_collection(Collection(ONE, "First", "default"))
        tx.put_collection(Collection(TWO, "Second"))
        for name, kind in (("local", "own"), ("feed-a", "feed"), ("feed-b", "feed")):
            tx.put_source(Source(name, kind=kind))
    return store


def put(
    store: Store,
    objects: Sequence[StixObject],
    *,
    collection: str = ONE,
    source: str = "feed-a",
    now: int = NOW,
    state: State = State.RECEIVED,
    default_tlp: int | None = None,
    batch: int = 1000,
) -> list[Verdict]:
    """The objects are stored in batches of that size, in one transaction; one verdict each."""

    def finish(_: Transaction, verdicts: list[Verdict]) -> list[Verdict]:
        return verdicts

    return store.ingest(
        [objects[start : start + batch] for start in range(0, len(objects), batch)],
        collection=collection,
        source=source,
        default_tlp=default_tlp,
        state=state,
        now=now,
        finish=finish,
    )
