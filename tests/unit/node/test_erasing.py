"""Erasure by two persons, legal holds, and what is said of both (R42)."""

import json
from typing import Any

import msgspec
import pytest
from tests.gate_world import admitted, marked, partnered, take
from tests.offices import Office
from tests.world import MadeClock, bundle, envelope, indicator

from comity.errors import AlreadyDone, Conflict, Invalid, NotAuthorized, NotFound, StoreUnavailable
from comity.interfaces import Query, microseconds
from comity.node import receive
from comity.node.barring import Barred
from comity.node.node import Node
from comity.node.proposals import KIND as PROPOSAL
from comity.stix.tlp import TLP

pytestmark = pytest.mark.slow

SECRET = "anna.muster@victim.example"
DAY_US = 86_400_000_000


def person() -> dict[str, Any]:
    id = "email-addr--7d2f4f54-1111-5111-8111-111111111112"
    return {"type": "email-addr", "spec_version": "2.1", "id": id, "value": SECRET}


def named(**members: Any) -> dict[str, Any]:
    return indicator(name=f"Mail of {SECRET.upper()}", **members)


def until(node: Node, days: int = 1) -> int:
    return microseconds(node.clock.now()) + days * DAY_US


def test_one_administrator_erases_at_once_and_is_told_to_be_alone(node: Node) -> None:
    node.receive(bundle(person(), named(), indicator()))
    assert {one.place for one in node.find_subject(SECRET)} == {"body.body"}
    done = node.erase(text=SECRET, basis="GDPR art. 17")
    assert (done.objects, done.alone, done.waits, done.clean) == (2, True, "", True)
    assert node.find_subject(SECRET) == []
    assert len(list(node.find())) == 1
    assert done.certificate is not None
    assert node.erasures() == [done.certificate]
    assert (done.certificate.bodies, done.certificate.renamed) == (2, 1)
    assert node.jobs() == []
    with node.store.read() as snapshot:
        entries = [json.loads(one.record) for one in snapshot.ledger_entries(0, 100) if one.record]
    (entry,) = (one for one in entries if one["kind"] == "erasure")
    assert entry["basis"] == "GDPR art. 17"
    assert node.check() == []


def test_where_there_is_a_second_person_it_waits_and_what_waits_names_nothing(node: Node) -> None:
    node.receive(bundle(person(), named()))
    ids = [item.id for item in node.find()]
    office = Office(node)
    with office.acts("anna"):
        done = node.erase(text=SECRET, basis="a request")
    assert done.waits
    assert done.certificate is None
    with node.store.read() as snapshot:
        kept = b"".join(one.body for one in snapshot.record_history(PROPOSAL, done.waits))
    assert SECRET.encode() not in kept.lower()
    assert all(id.encode() not in kept for id in ids)
    assert len(list(node.find())) == 2
    for name in ("anna", "annas-other", "carl"):
        with pytest.raises(NotAuthorized):
            office.approve(done.waits, name)
    more = named()
    node.receive(bundle(more | {"id": ids[1], "modified": "2026-02-02T00:00:00.000Z"}))
    office.approve(done.waits)
    assert list(node.find()) == [], "a version that came meanwhile goes too"
    with office.acts("bert"):
        (certificate,) = node.erasures()
        assert (certificate.asked_by, certificate.approved_by) == ("anna", "bert")
        assert (certificate.id, certificate.copies) == (done.waits, 3)
        with pytest.raises(NotAuthorized):
            node.erase(text=SECRET, basis="x")


def test_what_was_erased_is_not_taken_in_again(node: Node) -> None:
    kept, gone = indicator(), person()
    node.receive(bundle(gone, kept))
    node.erase([gone["id"]], basis="a request")
    report = node.receive(bundle(gone | {"display_name": "other"}, kept, indicator()), "feed")
    assert (report.stored, report.duplicates) == (2, 0)
    (rejected,) = report.rejected
    assert (rejected.id, rejected.index, rejected.where) == (gone["id"], 0, "id")
    assert "R42" in rejected.rule
    status = json.loads(node.post(admitted(node, read=["all"], write=["all"]), "default", envelope(gone)).body)
    assert (status["success_count"], status["failure_count"]) == (0, 1)


def test_an_import_that_an_erasure_overtakes_stores_nothing(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    one = person()
    node.receive(bundle(one))
    monkeypatch.setattr(receive, "barred", lambda _store: Barred(None, frozenset()))
    node.erase([one["id"]], basis="a request")
    with pytest.raises(StoreUnavailable):
        node.receive(bundle(one))
    assert list(node.find()) == []


def test_a_trial_changes_nothing_and_says_how_many(node: Node) -> None:
    node.receive(bundle(person(), named()))
    assert node.erase(text=SECRET, basis="a request", dry_run=True).objects == 2
    assert node.erasures() == []
    assert len(list(node.find())) == 2


def test_a_legal_hold_wins_until_it_ends_by_itself(node: Node, clock: MadeClock) -> None:
    one = person()
    node.receive(bundle(one))
    (hold,) = node.add_holds([one["id"]], "a case", until(node))
    with pytest.raises(Conflict, match="legal hold"):
        node.erase(text=SECRET, basis="a request")
    clock.move(days=1)
    assert node.erase(text=SECRET, basis="a request").objects == 1
    with pytest.raises(AlreadyDone):
        node.end_hold(hold.id)


def test_a_hold_that_came_while_an_erasure_waited_wins(node: Node) -> None:
    one = person()
    node.receive(bundle(one))
    office = Office(node)
    with office.acts("anna"):
        waits = node.erase([one["id"]], basis="a request").waits
        (hold,) = node.add_holds([one["id"]], "a case", until(node))
        assert (hold.made_by, hold.object) == ("anna", one["id"])
    with pytest.raises(Conflict, match="legal hold"):
        office.approve(waits)
    with office.acts("anna"):
        assert node.end_hold(hold.id).ended_at
    office.approve(waits)
    assert list(node.find()) == []


def test_what_is_on_hold_is_not_purged(node: Node, clock: MadeClock) -> None:
    one, other = indicator(), indicator()
    node.receive(bundle(one, other))
    node.add_holds([one["id"]], "a case", until(node, 40))
    access = admitted(node, read=["all"], write=["all"])
    for each in (one, other):
        node.delete(access, "default", each["id"])
    clock.move(days=31)
    node.work()
    assert [copy.body is None for each in (one, other) for copy in _copies(node, each["id"])] == [False, True]
    clock.move(days=10)
    node.work()
    assert [copy.body for copy in _copies(node, one["id"])] == [None]


def _copies(node: Node, id: str) -> list[Any]:
    with node.store.read() as snapshot:
        return list(snapshot.copies(id))


def test_whom_it_had_left_for_is_in_the_certificate(node: Node) -> None:
    access = partnered(node)
    one = marked(TLP.GREEN)
    take(node, one)
    assert node.page(access, Query(collection="default")).count == 1
    done = node.erase([one["id"]], basis="a request")
    assert done.certificate is not None
    (sent,) = done.certificate.recipients
    assert (sent.name, sent.releases) == ("CERT-B", 1)
    assert any("CERT-B" in sentence for sentence in done.certificate.remains)
    assert node.page(access, Query(collection="default")).count == 0


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"ids": ["indicator--x"], "basis": "a request"}, NotFound),
        ({"text": "nobody says this", "basis": "a request"}, NotFound),
        ({"text": "ab", "basis": "a request"}, Invalid),
        ({"text": SECRET, "basis": f"the request of {SECRET.upper()}"}, Invalid),
        ({"text": SECRET, "basis": " "}, Invalid),
    ],
)
def test_what_cannot_be_erased_is_said(node: Node, asked: dict[str, Any], error: type[Exception]) -> None:
    node.receive(bundle(person()))
    with pytest.raises(error):
        node.erase(**asked)
    assert len(list(node.find())) == 1


def test_holds_are_of_what_is_here_and_end_within_bounds(node: Node) -> None:
    one = person()
    node.receive(bundle(one))
    for ids, at, error in (
        (["indicator--x"], until(node), NotFound),
        ([one["id"]], until(node, 0), Invalid),
        ([one["id"]], until(node, 4000), Invalid),
    ):
        with pytest.raises(error):
            node.add_holds(ids, "a case", at)
    assert node.legal_holds() == []


def test_a_certificate_says_nothing_of_the_content(node: Node) -> None:
    one = person()
    node.receive(bundle(one))
    made = node.erase(text=SECRET, basis="a request").certificate
    assert made is not None
    told = msgspec.json.encode(made)
    assert SECRET.encode() not in told
    assert one["id"].encode() not in told
