"""Drafts, as every store keeps them: each for its account alone."""

from dataclasses import replace

from tests.store_world import NOW, furnish, identifier, made, put

from comity.interfaces import Query
from comity.store.base import TableStore
from comity.store.drafts import Draft
from comity.store.interface import Store
from comity.store.nouns import Counts, TextQuery

CANARY = "zqunsaved"
INCIDENT = identifier("incident", 1)
ONE = Draft("one", "anna", INCIDENT, "incident", "", 1, NOW, NOW, f'{{"name": "{CANARY}"}}'.encode())
TWO = replace(ONE, id="two", object=identifier("incident", 2), changed=NOW + 5)
OTHER = replace(ONE, id="other", account="bert")


def _put(store: Store, *drafts: Draft) -> None:
    with store.write() as tx:
        for each in drafts:
            tx.put_draft(each)


def _kept(store: Store, *accounts: str) -> list[Draft]:
    with store.read() as snapshot:
        return [each for account in accounts for each in snapshot.drafts(account)]


def test_a_draft_is_found_for_its_account_alone(store: Store) -> None:
    _put(store, ONE, TWO, OTHER)
    assert _kept(store, "anna") == [TWO, ONE]
    assert _kept(store, "nobody", "") == []
    with store.read() as snapshot:
        assert snapshot.draft("one", "anna") == ONE
        assert snapshot.draft("one", "bert") is None
        assert snapshot.draft("none", "anna") is None
        assert snapshot.draft_objects() == [(each.id, each.object) for each in (ONE, OTHER, TWO)]


def test_of_a_draft_what_it_is_never_changes(store: Store) -> None:
    _put(store, ONE)
    later = replace(ONE, revision=2, base="2026", changed=NOW + 9, body=b"{}")
    _put(store, replace(later, object=TWO.object, type="report", made=NOW + 9))
    assert _kept(store, "anna") == [later]
    _put(store, replace(later, account="bert", body=b"[]"))
    assert _kept(store, "anna", "bert") == [later]


def test_drafts_are_dropped_by_id_and_by_object(store: Store) -> None:
    _put(store, ONE, TWO, OTHER)
    with store.write() as tx:
        assert tx.drop_drafts(["two", "none"]) == 1
        assert tx.drop_drafts([]) == 0
    assert _kept(store, "anna", "bert") == [ONE, OTHER]
    with store.write() as tx:
        assert tx.drop_drafts([], of=[INCIDENT]) == 2
    assert _kept(store, "anna", "bert") == []


def _counted(store: Store) -> tuple[Counts, int]:
    with store.read() as snapshot:
        return replace(snapshot.counts(), bytes_on_disk=0), len(snapshot.ledger_entries(0, 100))


def test_no_reading_knows_of_a_draft(store: Store) -> None:
    furnish(store)
    before = _counted(store)
    _put(store, ONE, OTHER)
    assert store.index_text(100) == store.index_relations(100) == 0
    assert _counted(store) == before
    with store.read() as snapshot:
        assert snapshot.page(Query()).body == b""
        assert not [*snapshot.stream(), *snapshot.copies(INCIDENT), *snapshot.unpublished(0, 10)]
        assert snapshot.search(TextQuery((CANARY,))).items == []
        assert snapshot.jobs() == []


def test_an_erasure_takes_drafts_of_what_it_erases_and_those_that_it_names(store: TableStore) -> None:
    furnish(store)
    put(store, [made(INCIDENT, "2026-01-01T00:00:00Z", name="x")])
    _put(store, ONE, TWO, OTHER, replace(OTHER, id="kept", object=identifier("incident", 3)))
    with store.read() as snapshot:
        found = [each for each in snapshot.find_everywhere(CANARY) if each.place == "draft.body"]
    assert [(each.count, sorted(each.keys)) for each in found] == [(4, ["kept", "one", "other", "two"])]
    with store.write() as tx:
        assert tx.erase([INCIDENT], drafts=["two"], renamed=str, now=NOW).drafts == 3
    assert [each.id for each in _kept(store, "anna", "bert")] == ["kept"]
