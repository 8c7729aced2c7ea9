"""The store fails at its n-th statement: it is as before or as after, never between, and the next work succeeds."""

import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tests.faults.failing import Way, Work, bench_of, fail_at_each
from tests.store_world import NOW, ONE, TWO, furnish, identifier, indicators, made, put

from comity.errors import StoreUnavailable
from comity.store.interface import Store, Transaction
from comity.store.nouns import Collection, Source, State, Status, Token, Verdict
from comity.store.sqlite import SqliteStore
from comity.store.sqlite.connection import guarded
from comity.store.sqlite.database import SqliteDatabase

EARLY, LATE = "2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z"
SHARED = [made(identifier("malware", number), EARLY, name=f"Wiper {number}") for number in range(4)]
NEWER = [made(identifier("malware", number), LATE, name=f"Newer wiper {number}") for number in range(4)]
OTHER = [made(identifier("malware", number), EARLY, name=f"Another wiper {number}") for number in range(4)]
DATELESS = [made(identifier("ipv4-addr", number), value="192.0.2.1") for number in range(3)]
LINKED = [
    made(identifier("relationship", number), EARLY, source_ref=SHARED[number].id, target_ref=SHARED[1].id)
    for number in range(2)
]
CHANGED = [made(identifier("ipv4-addr", number), value="192.0.2.2") for number in range(3)]


def prepare(store: Store) -> None:
    """Copies of all states, of several sources and versions, some known to full text, some purged but not yet tidy."""
    furnish(store)
    put(store, [*SHARED, *DATELESS, *indicators(40, description="wiper")])
    put(store, OTHER, source="feed-b")
    put(store, NEWER, source="feed-b")
    put(store, SHARED[:2], collection=TWO)
    put(store, indicators(10, 100, description="A wiper withdrawn"))
    put(store, LINKED)
    while store.index_text(30) or store.index_relations(30):
        pass
    with store.write() as tx:
        for number in range(100, 106):
            tx.withdraw(ONE, identifier("indicator", number), None, NOW + number)
        tx.purge(NOW + 102)
    put(store, [made(identifier("note", 1), EARLY, object_refs=[SHARED[2].id], content="Wiper 2")])
    put(store, indicators(8, 200, description="A late wiper"))


def take_in(store: Store) -> None:
    """Duplicates, conflicts, newer bodies, newer versions, a new type, what is new, and the status of it all."""
    objects = [*SHARED[:2], *OTHER[2:], *CHANGED, *NEWER, *indicators(90, 300), made(identifier("tool", 1), EARLY)]

    def finish(tx: Transaction, verdicts: list[Verdict]) -> None:
        tx.forget_statuses(NOW - 1)
        tx.put_status(Status("s", "t", NOW, b"%d" % len(verdicts)))

    store.ingest(
        [objects[:80], objects[80:]],
        collection=ONE,
        source="feed-a",
        default_tlp=2,
        state=State.RECEIVED,
        now=NOW + 1000,
        finish=finish,
    )


def take_in_few(store: Store) -> None:
    """So few that they are written in the calling thread."""
    put(store, [*SHARED[:1], *CHANGED[:1], *indicators(3, 300)], now=NOW + 1000)


def withdraw(store: Store) -> None:
    """The newest version goes, so that the one before it comes up again, and an object without versions."""
    with store.write() as tx:
        tx.withdraw(ONE, SHARED[0].id, [NEWER[0].instant], NOW + 1000)
        tx.withdraw(ONE, DATELESS[0].id, None, NOW + 1000)


def put_token(store: Store) -> None:
    """A new credential."""
    with store.write() as tx:
        tx.put_token(Token("t", "reader", b"digest", "feed-a", frozenset({ONE}), frozenset(), NOW, NOW + 10))


def put_collection(store: Store) -> None:
    """A new one, and another title for an old one."""
    with store.write() as tx:
        tx.put_collection(Collection("8f5a1c1e-0000-4000-8000-000000000003", "Third"))
        tx.put_collection(Collection(TWO, "Renamed", "two"))


def put_source(store: Store) -> None:
    """Another source is our own from now on, so other copies are shown."""
    with store.write() as tx:
        tx.put_source(Source("feed-b", kind="own"))


def purge(store: Store) -> None:
    """Bodies are destroyed, and their text with them."""
    with store.write() as tx:
        tx.purge(NOW + 2000)


def index_text(store: Store) -> None:
    """A few more are found."""
    store.index_text(5)


def index_relations(store: Store) -> None:
    """A few more are known, which refer to what was known before."""
    store.index_relations(5)


def add_failures(store: Store) -> None:
    """Failed sign-ins are counted for all processes."""
    with store.write() as tx:
        tx.add_failures({"192.0.2.1": 2, "192.0.2.2": 1}, NOW, 60_000_000)


WORKS: dict[str, tuple[Work, int]] = {
    "ingest in two threads": (take_in, 15),
    "ingest of few": (take_in_few, 12),
    "withdraw": (withdraw, 12),
    "put_token": (put_token, 5),
    "put_collection": (put_collection, 6),
    "put_source that changes what is shown": (put_source, 15),
    "purge": (purge, 15),
    "index_text": (index_text, 10),
    "index_relations": (index_relations, 10),
    "add_failures": (add_failures, 5),
}
"""Each verb that writes, and how many statements it has at the least."""


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("way", list(Way), ids=lambda way: way.value)
@pytest.mark.parametrize("name", WORKS)
def test_a_verb_that_fails_at_any_statement_leaves_all_or_nothing(
    tmp_path: Path, kind: str, name: str, way: Way, monkeypatch: pytest.MonkeyPatch, figure: Callable[[object], None]
) -> None:
    work, least = WORKS[name]
    with bench_of(kind, tmp_path, prepare, monkeypatch) as bench:
        reached = fail_at_each(bench, work, way)
    # PostgreSQL's index of text is one table, and takes fewer.
    assert reached >= (least if kind == "sqlite" else least * 2 // 3)
    if way is Way.BEFORE:
        figure(f"each of {reached} statements failed once in every way")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_file_that_may_not_grow_leaves_all_or_nothing(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch, figure: Callable[[object], None]
) -> None:
    """The same with real failures: the system refuses to write beyond a size, which is a page more each time."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with bench_of(kind, tmp_path, prepare, monkeypatch) as bench:
        bench.reset()
        before, refused, most, passed = bench.dump(), 0, 0, False
        while not passed:
            bench.reset()
            with closing(bench.open()) as store:
                resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
                try:
                    take_in(store)
                    passed = True
                except StoreUnavailable:
                    refused += 1
                finally:
                    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
                assert passed or bench.dump() == before, f"between, with files of at most {most} bytes"
                assert store.check(deep=True) == []
                if not passed:
                    take_in(store)
            if refused == 1:
                after = bench.dump()
            assert bench.dump() == after
            most += 4096
    assert refused >= 20
    figure(f"refused {refused} times, until files of {most >> 10} KiB were let be")


@contextmanager
def _commits_always(self: SqliteStore) -> Iterator[SqliteDatabase]:
    with closing(SqliteDatabase(self.path, write=True)) as db, guarded():
        db.begin()
        try:
            yield db
        finally:
            db.commit()


PLANTED: dict[str, tuple[Way, object, str, object]] = {
    "what is begun is kept, not taken back": (Way.BEFORE, SqliteStore, "writing", _commits_always),
    "a connection is used again as it was left": (
        Way.FOREIGN,
        SqliteDatabase,
        "is_sound_after",
        lambda _db, _error: True,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", PLANTED)
def test_a_store_that_fails_badly_is_found(tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    way, owner, name, planted = PLANTED[fault]
    monkeypatch.setattr(owner, name, planted)
    with bench_of("sqlite", tmp_path, prepare, monkeypatch) as bench, pytest.raises((AssertionError, sqlite3.Error)):
        fail_at_each(bench, take_in_few, way)
