"""What every store does with what is handed to it."""

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.store_world import NOW, ONE, TWO, furnish, identifier, indicators, made, of_raw, open_kind, put

from comity.errors import AlreadyDone, Conflict, NotFound
from comity.interfaces import Query
from comity.stix.object import StixObject
from comity.store.interface import Store, Transaction
from comity.store.nouns import EVERY, Collection, Outcome, Source, State, Status, Token, Verdict

ID = identifier("malware", 1)
ADDRESS = identifier("ipv4-addr", 1)
TOKEN = Token("t1", "reader", b"\1" * 32, "feed-a", frozenset({ONE}), frozenset({EVERY}), NOW, NOW + 10)


def _outcomes(verdicts: list[Verdict]) -> list[Outcome]:
    return [verdict.outcome for verdict in verdicts]


@pytest.mark.parametrize("batch", [1, 3, 64, 300, 1000])
def test_whatever_the_batches_all_is_stored_once_and_in_order(store: Store, batch: int) -> None:
    sent = indicators(700)
    assert set(_outcomes(put(store, sent, batch=batch))) == {Outcome.STORED}
    assert set(_outcomes(put(store, sent, batch=batch, now=NOW * 2))) == {Outcome.DUPLICATE}
    with store.read() as snapshot:
        assert list(snapshot.stream()) == [each.raw for each in sent]
        assert [e.added for e in snapshot.entries(Query(ONE)).items] == list(range(NOW, NOW + 700))


@pytest.mark.parametrize("batch", [1, 2, 3, 1000])
def test_it_makes_no_difference_how_the_objects_are_cut_into_batches(store: Store, batch: int) -> None:
    first, other = made(ADDRESS, value="192.0.2.1"), made(identifier("ipv4-addr", 2), value="192.0.2.2")
    put(store, [first], source="local")
    put(store, [first, other], source="feed-a")
    # The draft takes our own copy from the readers, so the feed's comes up; what follows it gets its key all the same.
    drafts = [other, made(ADDRESS, value="192.0.2.3"), *indicators(3)]
    verdicts = put(store, drafts, source="local", state=State.DRAFT, batch=batch)
    assert [verdict.key for verdict in verdicts] == [4, 5, 6, 7, 8]
    with store.read() as snapshot:
        rows = snapshot.entries(Query(ONE)).items
    assert [(row.key, row.id, row.added) for row in rows] == [(3, other.id, NOW + 2), (9, ADDRESS, NOW + 8)]


@pytest.mark.parametrize("batch", [1, 1000])
def test_the_same_object_twice_in_one_ingest_is_stored_once(store: Store, batch: int) -> None:
    one = made(ID, "2026-01-01T00:00:00Z", name="one")
    other = made(ID, "2026-01-01T00:00:00.000Z", name="two")
    verdicts = put(store, [one, one, other, one], batch=batch)
    assert _outcomes(verdicts) == [Outcome.STORED, Outcome.DUPLICATE, Outcome.CONFLICT, Outcome.DUPLICATE]
    assert {verdict.key for verdict in verdicts} == {verdicts[0].key}
    assert set(verdicts[2].differs) == {"name", "modified"}


def test_other_bytes_of_the_same_value_are_a_duplicate_and_the_first_bytes_stay(store: Store) -> None:
    first = of_raw(b'{"type":"malware","id":"%s","modified":"2026-01-01T00:00:00Z","n":1}' % ID.encode())
    again = of_raw(b'{"n": 1.0, "id":"%s", "modified":"2026-01-01T00:00:00Z", "type":"malware"}' % ID.encode())
    put(store, [first])
    assert _outcomes(put(store, [again])) == [Outcome.DUPLICATE]
    with store.read() as snapshot:
        assert snapshot.page(Query(ONE)).body == first.raw


def test_conflict_and_duplicate_are_judged_within_one_source_and_collection(store: Store) -> None:
    one, other = (made(ID, "2026-01-01T00:00:00Z", name=name) for name in ("one", "other"))
    assert _outcomes(put(store, [one], source="feed-a")) == [Outcome.STORED]
    assert _outcomes(put(store, [other], source="feed-b")) == [Outcome.STORED]
    assert _outcomes(put(store, [other], source="feed-a", collection=TWO)) == [Outcome.STORED]
    assert _outcomes(put(store, [other], source="feed-a")) == [Outcome.CONFLICT]
    assert _outcomes(put(store, [one, other], source="feed-b")) == [Outcome.CONFLICT, Outcome.DUPLICATE]


@pytest.mark.parametrize("batch", [1, 1000])
def test_another_body_of_an_object_without_versions_is_shown_and_the_earlier_is_history(
    store: Store, batch: int
) -> None:
    bodies = [made(ADDRESS, value=f"192.0.2.{number}") for number in range(3)]
    verdicts = put(store, bodies, batch=batch)
    assert _outcomes(verdicts) == [Outcome.STORED, Outcome.SUPERSEDED, Outcome.SUPERSEDED]
    assert _outcomes(put(store, [bodies[2]])) == [Outcome.DUPLICATE]
    assert _outcomes(put(store, [bodies[0]])) == [Outcome.SUPERSEDED]
    with store.read() as snapshot:
        assert snapshot.page(Query(ONE, versions=("all",), added_after=NOW + 2)).body == bodies[0].raw
        assert [copy.state for copy in snapshot.copies(ADDRESS)] == [*[State.SUPERSEDED] * 3, State.RECEIVED]
        assert [copy.body for copy in snapshot.copies(ADDRESS)] == [each.raw for each in [*bodies, bodies[0]]]


def test_a_newer_body_keeps_the_place_of_the_one_it_supersedes(store: Store) -> None:
    ours, rival, newer = (made(ADDRESS, value=f"192.0.2.{number}") for number in range(3))
    put(store, [ours], source="feed-a")
    put(store, [rival], source="feed-b")
    put(store, [newer], source="feed-a")
    with store.read() as snapshot:
        assert snapshot.page(Query(ONE)).body == newer.raw


def test_markings_are_the_objects_or_else_the_sources_default(store: Store) -> None:
    marked, bare = made(ID, "2026-01-01T00:00:00Z", tlp=4), made(ADDRESS, value="192.0.2.1")
    put(store, [marked, bare], default_tlp=2)
    put(store, [bare], default_tlp=3)
    with store.read() as snapshot:
        assert [(copy.tlp, copy.default_tlp) for id in (ID, ADDRESS) for copy in snapshot.copies(id)] == [
            (4, None),
            (None, 2),
        ]


def test_finish_sees_everything_and_its_answer_comes_back(store: Store) -> None:
    def finish(transaction: Transaction, verdicts: list[Verdict]) -> tuple[int, int]:
        transaction.put_status(Status("s", "t", NOW, b"{}"))
        assert transaction.status("s") is not None
        return len(verdicts), len(transaction.entries(Query(ONE)).items)

    answer = store.ingest(
        [indicators(3), indicators(5)],
        collection=ONE,
        source="local",
        default_tlp=None,
        state=State.RECEIVED,
        now=NOW,
        finish=finish,
    )
    assert answer == (8, 5)


@pytest.mark.parametrize("size", [2, 200])
def test_when_batches_or_finish_raise_nothing_was_stored(store: Store, size: int) -> None:
    def batches() -> Iterator[list[StixObject]]:
        yield indicators(size)
        yield indicators(size, size)
        raise KeyError

    def finish(_: Transaction, __: list[Verdict]) -> None:
        raise KeyError

    for given in (batches(), [indicators(size)], []):
        with pytest.raises(KeyError):
            store.ingest(
                given,
                collection=ONE,
                source="local",
                default_tlp=None,
                state=State.RECEIVED,
                now=NOW,
                finish=finish,
            )
    assert _outcomes(put(store, indicators(1))) == [Outcome.STORED]
    with store.read() as snapshot:
        assert snapshot.counts().copies == 1
        assert snapshot.entries(Query(ONE)).items[0].added == NOW


def test_an_ingest_into_what_is_unknown_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        put(store, indicators(1), collection="none")
    with pytest.raises(NotFound):
        put(store, indicators(1), source="nobody")


def test_withdrawing_takes_every_source_of_this_collection_and_leaves_the_others(store: Store) -> None:
    versions = [made(ID, f"202{year}-01-01T00:00:00Z") for year in range(3)]
    put(store, versions, source="feed-a")
    put(store, versions, source="feed-b")
    put(store, versions, collection=TWO)
    with store.write() as tx:
        assert tx.withdraw(ONE, ID, ["2021-01-01T00:00:00", "1999-01-01T00:00:00"], NOW) == 2
        assert [entry.version[:4] for entry in tx.entries(Query(ONE, versions=("all",))).items] == ["2020", "2022"]
        assert tx.withdraw(ONE, ID, None, NOW) == 4
        assert tx.withdraw(ONE, ID, None, NOW) == 0
        assert tx.withdraw(ONE, "malware--unknown", None, NOW) == 0
    with store.read() as snapshot:
        assert snapshot.entries(Query(ONE, versions=("all",))).items == ()
        assert len(snapshot.entries(Query(TWO, versions=("all",))).items) == 3
        assert {copy.state for copy in snapshot.copies(ID, ONE)} == {State.WITHDRAWN}


def test_withdrawing_of_one_source_leaves_what_others_sent(store: Store) -> None:
    put(store, [made(ID, "2025-01-01T00:00:00Z")], source="feed-a")
    for value in ("192.0.2.1", "192.0.2.2"):
        put(store, [made(ADDRESS, value=value)], source="feed-a")
        put(store, [made(ADDRESS, value=value)], source="feed-b")
    with store.write() as tx:
        assert tx.withdraw(ONE, ID, None, NOW, "feed-b") == 0
        assert tx.withdraw(ONE, ID, None, NOW, "nobody") == 0
        assert tx.withdraw(ONE, ADDRESS, None, NOW, "feed-a") == 1
    with store.read() as snapshot:
        states = {(copy.source, copy.state) for copy in snapshot.copies(ADDRESS)}
        assert states == {
            ("feed-a", State.WITHDRAWN),
            ("feed-b", State.RECEIVED),
            ("feed-b", State.SUPERSEDED),
        }
        assert [entry.id for entry in snapshot.entries(Query(ONE)).items] == [ID, ADDRESS]


def test_what_comes_up_because_another_went_has_a_new_key_and_a_new_date(store: Store) -> None:
    old, new = made(ID, "2025-01-01T00:00:00Z"), made(ID, "2026-01-01T00:00:00Z")
    verdicts = put(store, [old, new])
    with store.write() as tx:
        tx.withdraw(ONE, ID, ["2026-01-01T00:00:00"], NOW + 500)
    with store.read() as snapshot:
        (entry,) = snapshot.entries(Query(ONE, added_after=NOW + 1)).items
        assert (entry.version, entry.added) == (old.version, NOW + 500)
        assert entry.key > verdicts[1].key
        assert snapshot.page(Query(ONE)).body == old.raw


def test_the_same_bytes_after_a_withdrawal_are_a_new_row(store: Store) -> None:
    (first,) = put(store, indicators(1))
    with store.write() as tx:
        tx.withdraw(ONE, indicators(1)[0].id, None, NOW)
    (second,) = put(store, indicators(1))
    assert second.outcome == Outcome.STORED
    assert second.key > first.key


def test_a_source_that_becomes_our_own_is_shown_from_then_on(store: Store) -> None:
    one, other = (made(ID, "2026-01-01T00:00:00Z", name=name) for name in ("one", "other"))
    put(store, [one], source="feed-a")
    put(store, [other], source="feed-b")
    with store.write() as tx:
        tx.put_source(replace(tx.source("feed-b"), kind="own"))
    with store.read() as snapshot:
        assert snapshot.page(Query(ONE, added_after=NOW + 1)).body == other.raw


def test_purging_destroys_the_bodies_of_what_was_withdrawn_long_ago_and_keeps_the_rows(store: Store) -> None:
    bodies = [made(ADDRESS, value=f"192.0.2.{number}") for number in range(2)]
    put(store, [*bodies, *indicators(2)])
    with store.write() as tx:
        assert tx.withdraw(ONE, ADDRESS, None, NOW) == 1
        tx.withdraw(ONE, indicators(1)[0].id, None, NOW + 100)
    with store.write() as tx:
        assert tx.purge(NOW) == 0
        assert tx.purge(NOW + 1, limit=0) == 0
        assert tx.purge(NOW + 1, limit=1) == 1
        assert tx.purge(NOW + 1) == 1
        assert tx.purge(NOW + 1) == 0
    with store.read() as snapshot:
        assert [(c.body, c.state) for c in snapshot.copies(ADDRESS)] == [(None, State.WITHDRAWN)] * 2
        assert snapshot.copies(indicators(1)[0].id)[0].body == indicators(1)[0].raw
        assert len(snapshot.entries(Query(ONE)).items) == 1


def test_collections_are_found_by_id_alias_or_title(store: Store) -> None:
    with store.write() as tx:
        assert tx.put_collection(Collection("c3", "Second", "third", "words")).key == 3
        assert tx.collection("third").title == "Second"
        with pytest.raises(AlreadyDone):
            tx.put_collection(Collection("c4", "Fourth", "third"))
        tx.put_collection(Collection("c3", "Second", "3rd", "words"))
    with store.read() as snapshot:
        assert [each.id for each in snapshot.collections()] == [ONE, TWO, "c3"]
        assert snapshot.collection(ONE) == snapshot.collection("default") == snapshot.collection("First")
        assert snapshot.collection("3rd").description == "words"
        with pytest.raises(Conflict):
            snapshot.collection("Second")
        for name in ("third", "", "nothing"):
            with pytest.raises(NotFound):
                snapshot.collection(name)


def test_sources_keep_what_was_set(store: Store) -> None:
    source = Source("cert-x", "feed", True, "green", "auto", True, NOW)
    with store.write() as tx:
        stored = tx.put_source(source)
        assert tx.put_source(replace(source, strict=False)).key == stored.key
    with store.read() as snapshot:
        assert snapshot.source("cert-x") == replace(stored, strict=False)
        assert [each.name for each in snapshot.sources()] == ["local", "feed-a", "feed-b", "cert-x"]
        with pytest.raises(NotFound):
            snapshot.source("nobody")


def test_a_token_keeps_whom_it_is_bound_to(store: Store) -> None:
    bound = replace(TOKEN, recipient="cert-b")
    with store.write() as tx:
        tx.put_token(bound)
        tx.put_token(replace(TOKEN, id="t2"))
    with store.read() as snapshot:
        assert snapshot.token("t1") == bound
        assert [token.recipient for token in snapshot.tokens()] == ["cert-b", ""]


def test_tokens_are_never_answered_stale(store: Store, store_kind: str, tmp_path: Path) -> None:
    with store.read() as before:
        assert before.token("t1") is None
        with store.write() as tx:
            tx.put_token(TOKEN)
            assert tx.token("t1") == TOKEN
            with pytest.raises(NotFound):
                tx.put_token(replace(TOKEN, id="t2", source="nobody"))
        assert before.token("t1") is None
    elsewhere = open_kind(store_kind, tmp_path)
    with elsewhere.write() as tx:
        tx.put_token(replace(TOKEN, revoked_at=NOW))
    elsewhere.close()
    with store.read() as after:
        found = after.token("t1")
        assert found is not None
        assert found.revoked_at == NOW
        assert [token.id for token in after.tokens()] == ["t1"]


def test_what_a_failed_transaction_made_is_not_remembered(store: Store) -> None:
    put(store, [made(ID, "2026-01-01T00:00:00Z")])
    with pytest.raises(NotFound), store.write() as tx:  # noqa: PT012
        tx.put_token(TOKEN)
        tx.put_collection(Collection("c3", "Third"))
        tx.withdraw(ONE, ID, None, NOW)
        tx.source("nobody")
    with store.write() as tx:
        assert tx.token("t1") is None
        tx.put_collection(Collection("c4", "Fourth"))
    with store.read() as snapshot:
        assert [each.id for each in snapshot.collections()] == [ONE, TWO, "c4"]
        assert snapshot.token("t1") is None
        assert len(snapshot.entries(Query(ONE)).items) == 1


def test_statuses_stay_readable_until_they_are_forgotten(store: Store) -> None:
    body = b'{"id":"x","status":"complete"}' * 100
    with store.write() as tx:
        tx.put_status(Status("one", "t1", NOW, body))
        tx.put_status(Status("two", "t1", NOW + 1, b"{}"))
    with store.write() as tx:
        assert tx.forget_statuses(NOW) == 0
        assert tx.status("one") == Status("one", "t1", NOW, body)
        assert tx.forget_statuses(NOW + 1) == 1
    with store.read() as snapshot:
        assert snapshot.status("one") is None
        assert snapshot.status("two") is not None


def test_settings_are_kept(store: Store) -> None:
    with store.write() as tx:
        tx.put_setting("key", b"\0\1")
        tx.put_setting("key", b"\0\2")
    with store.read() as snapshot:
        assert snapshot.setting("key") == b"\0\2"
        assert snapshot.setting("none") is None


def test_writers_of_many_threads_take_turns_and_lose_nothing(store: Store) -> None:
    def write(start: int) -> None:
        for step in range(0, 50, 5):
            put(store, indicators(5, start + step), batch=2)

    writers = [threading.Thread(target=write, args=(start,)) for start in (0, 100, 200, 300)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with store.read() as snapshot:
        entries = snapshot.entries(Query(ONE)).items
    assert len({entry.id for entry in entries}) == len(entries) == 200
    assert [entry.added for entry in entries] == list(range(NOW, NOW + 200))


def test_a_backup_is_a_whole_store_of_its_own(store: Store, tmp_path: Path) -> None:
    put(store, indicators(20))
    target = tmp_path / "copy" / "store.db"
    with pytest.raises(NotFound):
        store.backup(target)
    target.parent.mkdir()
    store.backup(target)
    assert target.stat().st_mode & 0o777 == 0o600
    with pytest.raises(AlreadyDone):
        store.backup(target)
    put(store, indicators(1, 20))
    copy = open_kind("sqlite", target.parent)
    try:
        assert copy.check() == []
        with copy.read() as snapshot:
            assert list(snapshot.stream()) == [each.raw for each in indicators(20)]
    finally:
        copy.close()
    assert sorted(os.listdir(target.parent))[0] == "store.db"


def test_a_closed_store_can_be_closed_again(store_kind: str, tmp_path: Path) -> None:
    opened = furnish(open_kind(store_kind, tmp_path))
    put(opened, indicators(100))
    opened.close()
    opened.close()
