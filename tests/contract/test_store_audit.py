"""The chain of the audit log: a row that is changed, dropped, moved or put in is found, and the first one is named."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.store_world import NOW

from comity.store.audit import BEGIN, AuditQuery, AuditRow, Noted, first_bad, hash_of
from comity.store.base import TableStore
from comity.store.interface import Store


def twin(rows: list[AuditRow]) -> list[bytes]:
    """The hashes of these rows, computed in the plainest way from what the page on the log says."""
    found, previous = [], bytes(32)
    for row in rows:
        record = {name: getattr(row, name) for name in ("number", "at", "account", "address", "act", "what", "purpose")}
        text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        previous = hashlib.sha256(previous + text.encode()).digest()
        found.append(previous)
    return found


def chain(count: int) -> list[AuditRow]:
    """So many rows that hold."""
    rows, previous = [], BEGIN
    for number in range(1, count + 1):
        row = AuditRow(number, NOW + number % 3, f"a{number % 2}", "192.0.2.7", "read", f'{{"objects":{number}}}', "ü")
        previous = hash_of(previous, row)
        rows.append(replace(row, hash=previous))
    return rows


ROWS = chain(6)
LAST = (6, ROWS[-1].hash)


def test_the_hashes_are_those_of_the_slow_twin() -> None:
    assert [row.hash for row in ROWS] == twin(ROWS)
    assert first_bad(ROWS, *LAST) is None
    assert first_bad([], 0, BEGIN) is None


@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize(
    "fault", ["at", "account", "address", "act", "what", "purpose", "hash", "number", "dropped", "twice", "swapped"]
)
def test_whatever_is_wrong_is_found_where_it_is(fault: str, place: int) -> None:
    rows, row = list(ROWS), ROWS[place]
    first = place + 1
    if fault == "dropped":
        del rows[place]
    elif fault == "twice":
        rows.insert(place, row)
        first = place + 2 if place < 5 else 7
    elif fault == "swapped":
        other = (place + 1) % 6
        rows[place], rows[other] = rows[other], rows[place]
        first = min(place, other) + 1
    elif fault == "hash":
        rows[place] = replace(row, hash=bytes([row.hash[0] ^ 1]) + row.hash[1:])
    elif fault in ("at", "number"):
        rows[place] = replace(row, **{fault: getattr(row, fault) + 1})
    else:
        rows[place] = replace(row, **{fault: getattr(row, fault) + " "})
    assert first_bad(rows, *LAST) == first


def test_rows_that_are_too_many_and_a_chain_that_was_made_anew_are_found() -> None:
    assert first_bad(ROWS, 5, ROWS[4].hash) == 6
    remade = chain(5)
    remade.append(replace(ROWS[5], what="{}"))
    remade[5] = replace(remade[5], hash=hash_of(remade[4].hash, remade[5]))
    assert first_bad(remade, *LAST) == 6


def test_counts_of_repeats_are_outside_of_the_chain() -> None:
    assert first_bad([replace(row, again=3, again_at=NOW) for row in ROWS], *LAST) is None


# -- in a store -------------------------------------------------------------------------------------------------------
@pytest.fixture
def damaged(store_unchecked: Store) -> TableStore:
    """A store that a test may damage."""
    assert isinstance(store_unchecked, TableStore)
    return store_unchecked


def log_of(store: Store) -> list[AuditRow]:
    """Every row."""
    with store.read() as snapshot:
        return snapshot.audit_rows(AuditQuery())


def test_rows_are_appended_by_every_transaction_and_the_chain_holds(store: Store) -> None:
    before = len(log_of(store))
    told: list[AuditRow] = []
    store.noted = told.extend
    for number in range(3):
        with store.write() as tx:
            assert (
                tx.note(Noted("t", "read", {"objects": number}), Noted("u", "show", at=NOW)) == before + 2 * number + 1
            )
            tx.add_read_again({before + 1: (2, NOW), before + 2 * number + 1: (1, NOW + 1)})
    with pytest.raises(ZeroDivisionError), store.write() as tx:
        tx.note(Noted("t", "read", {"objects": 1 // 0}))
    rows = log_of(store)
    assert [row.number for row in rows] == list(range(1, before + 7))
    assert [(row.account, row.act) for row in rows[before:]] == [("t", "read"), ("u", "show")] * 3
    assert [row.again for row in rows[before::2]] == [5, 1, 1]
    assert [row.hash for row in rows] == twin(rows)
    assert [row.number for row in told] == [row.number for row in rows[before:]]
    with store.read() as snapshot:
        assert snapshot.first_bad_audit_row() is None
        newest = snapshot.audit_rows(AuditQuery(account="u", acts=("show",), limit=2, newest=True))
        assert [row.number for row in newest] == [before + 6, before + 4]
        assert snapshot.audit_rows(AuditQuery(since=NOW, until=NOW + 1, acts=("show",))) == rows[before + 1 :: 2]
    assert store.check() == []


CHANGES: dict[str, Callable[[int], str]] = {
    "changed": lambda number: f"UPDATE audit SET what = '{{}}' WHERE number = {number}",
    "dropped": lambda number: f"DELETE FROM audit WHERE number = {number}",
    "moved": lambda number: f"UPDATE audit SET number = 1000 WHERE number = {number}",
}


@pytest.mark.parametrize("change", sorted(CHANGES))
@pytest.mark.parametrize("number", [1, 3, 5], ids=["first", "middle", "last"])
def test_what_was_changed_in_the_tables_is_found(damaged: TableStore, change: str, number: int) -> None:
    with damaged.write() as tx:
        tx.note(*(Noted("t", "read", {"objects": each}) for each in range(20)))
    rows = log_of(damaged)
    number = {1: 1, 3: len(rows) // 2, 5: len(rows)}[number]
    with damaged.writing() as db:
        db.execute(CHANGES[change](number))
    with damaged.read() as snapshot:
        assert snapshot.first_bad_audit_row() == number


def test_what_a_person_does_is_noted_and_what_the_node_does_is_not(store: Store) -> None:
    before = len(log_of(store))
    with store.write() as tx:
        tx.enter("purge", objects=1)
        tx.staff = "anna"
        tx.enter("purge", objects=2, digests=[str(number) for number in range(30)])
        tx.enter("release", to="CERT-B")
    (row,) = log_of(store)[before:]
    assert (row.account, row.act) == ("anna", "purge")
    what = json.loads(row.what)
    assert (what["objects"], len(what["digests"]), what["digests_in_all"]) == (2, 20, 30)


def test_uses_are_the_latest(store: Store) -> None:
    for uses in ({"a": 5, "b": 1}, {"a": 3, "b": 2}):
        with store.write() as tx:
            tx.put_uses(uses)
    with store.read() as snapshot:
        assert snapshot.uses() == {"a": 5, "b": 2}
