"""Erasing and legal holds: what is left of a copy, on every kind of store; and that no column is overlooked."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.store_world import NOW, ONE, TWO, furnish, identifier, made, open_kind, put

from comity.stix.object import StixObject
from comity.store.base import TableStore
from comity.store.finding import JSON, LOOKED, OVERLOOKED, PACKED, PLAIN, folded, says
from comity.store.holds import LegalHold
from comity.store.nouns import Status, TextQuery
from comity.store.reading_erasure import NO_DIGEST

SECRET = "Anna Müster"
FORM = (b"\1\0" * 16, b"{}")
PERSON = identifier("email-addr", 1)
NAMED, OTHER = identifier("indicator", 1), identifier("indicator", 2)


@pytest.fixture
def store(store_kind: str, tmp_path: Path) -> Iterator[TableStore]:
    opened = furnish(open_kind(store_kind, tmp_path))
    yield opened
    opened.close()


def objects() -> list[StixObject]:
    return [
        made(PERSON, value="anna.muster@victim.example", display_name=SECRET),
        made(NAMED, "2026-01-01T00:00:00.000Z", name=f"Mail of {SECRET}", pattern="x"),
        made(NAMED, "2026-01-02T00:00:00.000Z", name=f"mail of {SECRET.upper()}", pattern="x"),
        made(OTHER, "2026-01-01T00:00:00.000Z", name="nobody", pattern="x"),
    ]


def fill(store: TableStore) -> None:
    """Copies of two sources, one superseded, one withdrawn, one published and taken back; known to every index."""
    put(store, objects())
    put(store, objects()[:2], source="feed-a", collection=TWO)
    put(store, [made(PERSON, value="anna.muster@victim.example", display_name=f"{SECRET} II")])
    with store.write() as tx:
        keys = [copy.key for copy in tx.copies(NAMED, ONE)]
        tx.publish([(key, *FORM) for key in keys], NOW, None)
        tx.unpublish(keys[:1])
        tx.withdraw(TWO, NAMED, None, NOW)
        tx.put_status(Status("s", "t", NOW, f'{{"id": "{PERSON}"}}'.encode()))
    while store.index_text(100) or store.index_relations(100):
        pass


def erase(store: TableStore, *ids: str) -> None:
    with store.write() as tx:
        tx.erase(ids, renamed=lambda id: f"{id.partition('--')[0]}--{'9' * 36}", now=NOW)


def texts_in(store: TableStore) -> Iterator[tuple[str, str]]:
    """The slow twin of finding: whatever is in any table, read as it is and unpacked; with its table."""
    with store.read() as snapshot:
        for table, columns in snapshot.db.tables().items():
            for row in snapshot.db.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall():
                for value in row:
                    for form in (PLAIN, JSON, PACKED):
                        if isinstance(value, str | bytes) and says(value, form, folded(SECRET)):
                            yield table, form


def test_every_column_is_looked_at_or_it_is_said_why_not(store: TableStore) -> None:
    kinds = {"TEXT", "BLOB", "text", "bytea"}
    with store.read() as snapshot:
        sql = (
            "SELECT t.name, c.name, c.type FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table'"
            if hasattr(store, "path")
            else "SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns"
            " WHERE table_schema = current_schema()"
        )
        there = snapshot.db.tables()
        rows = snapshot.db.execute(sql).fetchall()
    columns = {(table, column) for table, column, kind in rows if table in there and kind in kinds}
    looked = {(place.table, place.column) for place in LOOKED}
    assert len(columns) > 50
    assert columns == looked | OVERLOOKED.keys()
    assert not looked & OVERLOOKED.keys()


def test_what_is_found_is_what_is_there(store: TableStore) -> None:
    fill(store)
    with store.read() as snapshot:
        found = snapshot.find_everywhere("anna müster")
        tables = {table for table, _ in texts_in(store)}
        assert {one.place.partition(".")[0] for one in found} - {"text_index"} == tables == {"body"}
        live, gone = (one for one in found if one.place == "body.body")
        (known,) = (one for one in found if one.place == "text_index")
        (bodies,) = snapshot.db.execute("SELECT count(*) FROM body").fetchone()
        assert live.count + gone.count == bodies - 1, "all but that of nobody"
        assert gone.count == 2, "one that was superseded, and one that was withdrawn"
        assert known.count <= live.count
        assert set(live.sample) == {PERSON, NAMED}
        assert snapshot.find_everywhere("anna muster") == [], "another letter is another text"
        places = {one.place for one in snapshot.find_everywhere(PERSON)}
        assert places >= {"body.body", "object.id", "status.body"}


def test_of_what_was_erased_only_rows_of_numbers_are_left(store: TableStore) -> None:
    fill(store)
    erase(store, PERSON, NAMED)
    assert list(texts_in(store)) == []
    with store.read() as snapshot:
        assert snapshot.find_everywhere(SECRET) == []
        assert [one.place for one in snapshot.find_everywhere(PERSON)] == []
        rows = snapshot.db.execute("SELECT size, digest FROM object WHERE gone <> 0").fetchall()
        assert len(rows) == 6
        assert {(size, bytes(digest)) for size, digest in rows} == {(0, NO_DIGEST)}
        assert snapshot.status("s") is None
        assert snapshot.search(TextQuery(("muster",))).items == []
        assert [copy.id for copy in snapshot.copies(OTHER)] == [OTHER]
        assert snapshot.keys_of_ids([PERSON]) == {}, "its id is made of what it says"
        assert len(snapshot.keys_of_ids([NAMED])[NAMED]) == 3
        named = [e for e in snapshot.ledger_entries(0, 1000) if e.record is not None and NAMED.encode() in e.record]
        assert named == []
        closed = [entry for entry in snapshot.ledger_entries(0, 1000) if entry.record is None]
        assert closed
        assert all(entry.nonce is None and entry.commitment for entry in closed)
    assert store.check(deep=True) == []
    store.scrub()
    assert store.check(deep=True) == []


def test_what_was_erased_comes_back_as_another_copy_only(store: TableStore) -> None:
    fill(store)
    with store.read() as snapshot:
        last = snapshot.last_key
    erase(store, NAMED)
    put(store, objects()[1:2])
    with store.read() as snapshot:
        assert [copy.key > last for copy in snapshot.copies(NAMED) if copy.body is not None] == [True]
    assert store.check(deep=True) == []


def test_a_hold_keeps_from_purge_until_it_ends(store: TableStore) -> None:
    fill(store)
    hold = LegalHold("h", NAMED, "a case", "", NOW, NOW + 100)
    store.now = lambda: NOW + 50
    with store.write() as tx:
        tx.put_hold(hold)
        tx.withdraw(ONE, NAMED, None, NOW)
        assert tx.on_hold([NAMED, OTHER], NOW + 50) == [NAMED]
        assert tx.on_hold([NAMED], NOW + 100) == []
        assert tx.purge(NOW + 10) == 0
    store.now = lambda: NOW + 100
    with store.write() as tx:
        assert tx.purge(NOW + 10) == 3
    assert hold.holds_at(NOW + 99)
    assert not hold.holds_at(NOW + 100)


@pytest.mark.parametrize(
    ("value", "form", "text", "there"),
    [
        ("MÜLLER", PLAIN, "müller", True),
        ("Mu\u0308ller", PLAIN, "MÜLLER", True),
        (b'{"a": "M\\u00fcller"}', JSON, "müller", True),
        (b'{"a": "M\\u00fcller"}', PLAIN, "müller", False),
        (b'{"a": ["x", {"M\\u00fcller": 1}]}', JSON, "müller", True),
        (b'{"a": "x", "b": "y"}', JSON, '", "', False),
        (b'{"a": "say \\"x\\""}', JSON, 'say "x"', True),
        (b'{"a": 4930123456}', JSON, "30123", True),
        (b"\x28\xb5 no json: Anna", JSON, "anna", True),
        ("straße", PLAIN, "STRASSE", True),
    ],
)
def test_texts_are_compared_as_people_read_them(value: str | bytes, form: str, text: str, *, there: bool) -> None:
    assert says(value, form, folded(text)) is there
