"""Many objects at once: who may, what is passed over and why, what is undone, and what a death in the middle leaves."""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.gate_world import look_at_all, marked, partnered, take
from tests.world import MadeClock, address, bundle, indicator

from comity.errors import Conflict, Invalid, InvalidRequest, NotAuthorized, NotFound, TooLarge
from comity.interfaces import Query
from comity.node import batching, choosing
from comity.node.access import OPERATOR
from comity.node.batch_steps import (
    GONE,
    IS_PUBLISHED,
    LOOSENS,
    MARKED,
    NOT_ALLOWED,
    RECALLED,
    SAYS_MORE,
    STOPPED,
    WAITS,
)
from comity.node.batching import AT_ONCE, JOB, BatchView
from comity.node.choosing import Choice
from comity.node.jobs import LEASE_SECONDS
from comity.node.node import Node
from comity.node.publishing import Selection
from comity.release.recall import EVERY, Bar, Kind, Order, Reason
from comity.stix.tlp import TLP
from comity.store.batches import DONE, FAILED, KEPT, SAME, UNDONE
from comity.store.batching import BatchingTransaction

ALL = Choice(everything=True)
STAFF = {"adam": ["admin"], "ana": ["analyst"], "rolf": ["releaser"], "petra": ["approver"], "rita": ["reader"]}


def of(*objects: dict[str, Any] | str) -> Choice:
    """These objects."""
    return Choice(ids=tuple(one if isinstance(one, str) else one["id"] for one in objects))


def there(node: Node) -> list[str]:
    """The names of all that own staff read."""
    return sorted(json.loads(item.raw).get("name", "") for item in node.find())


def counts(view: BatchView) -> dict[tuple[str, str], int]:
    """How many of each state and reason."""
    return {(one.state, one.why): one.count for one in view.tallies}


def level(node: Node, one: dict[str, Any]) -> list[tuple[str, str]]:
    """The marking of each copy, and who said so."""
    return [(copy.tlp, copy.tlp_from) for copy in node.show(one["id"])]


@pytest.fixture
def some(node: Node) -> list[dict[str, Any]]:
    """Five objects of ours, TLP:GREEN."""
    made = [marked(TLP.GREEN, name=f"kancil {number}") for number in range(5)]
    node.receive(bundle(*made))
    return made


@pytest.fixture
def staff(node: Node, some: list[dict[str, Any]]) -> Callable[[str], Any]:
    """A person for each role: what is done inside is done by them."""
    secrets: dict[str, str] = {}

    @contextmanager
    def acting(name: str) -> Iterator[None]:
        with node.acting(name, secrets[name]):
            yield

    for name, roles in STAFF.items():
        if not secrets:
            secrets[name] = node.add_user(name, roles).secret
        else:
            with acting("adam"):
                secrets[name] = node.add_user(name, roles).secret
    return acting


# -- withdrawing and giving back ---------------------------------------------------------------------------------------
def test_what_a_search_finds_is_withdrawn_and_comes_back(node: Node, some: list[dict[str, Any]]) -> None:
    node.receive(bundle(indicator(name="other")))
    before = node.export(lambda _: None)
    view = node.withdraw(Choice(text="kancil"), reason="a mistake")
    assert (view.copies, counts(view), view.is_running) == (5, {(DONE, ""): 5}, False)
    assert there(node) == ["other"]
    assert (view.batch.asked, view.batch.reason, view.batch.act) == ("kancil", "a mistake", "withdraw")
    back = node.undo_batch()
    assert (back.batch.id, counts(back)) == (view.batch.id, {(UNDONE, ""): 5})
    assert there(node) == sorted(["other", *(one["name"] for one in some)])
    assert node.export(lambda _: None) == before
    assert node.check() == []


def test_partners_have_again_what_they_had_under_the_same_numbers(node: Node) -> None:
    access = partnered(node)
    mine = [marked(TLP.GREEN, name=str(number)) for number in range(4)]
    take(node, *mine)

    def read() -> list[str]:
        return sorted(json.loads(item.raw)["id"] for item in node.find(Query(collection="default"), access))

    before = read()
    assert len(before) == 4
    with node.store.read() as snapshot:
        numbers = snapshot.published_of(before)
    chosen = node.preview_batch(of(*mine[:2]), "withdraw")
    assert (chosen.published, chosen.partners, chosen.becomes) == (2, {"CERT-B": 2}, {(DONE, ""): 2})
    node.withdraw(of(*mine[:2]), seal=chosen.seal)
    assert read() == sorted(one["id"] for one in mine[2:])
    node.undo_batch()
    assert read() == before
    with node.store.read() as snapshot:
        assert snapshot.published_of(before) == numbers


def test_all_copies_of_an_object_go_so_that_none_comes_up(node: Node) -> None:
    node.add_source("feed")
    one = marked(TLP.GREEN, name="one")
    for source in ("local", "feed"):
        node.receive(bundle(one), source)
    other = address()
    for value in ("192.0.2.1", "192.0.2.2"):
        node.receive(bundle(other | {"value": value}))
    with node.store.read() as snapshot:
        before = {copy.key: copy.state for copy in snapshot.copies(other["id"])}
    assert node.withdraw(of(one, other)).copies == 3
    assert there(node) == []
    with node.store.write() as tx:
        # Earlier bodies go as well, and come back.
        assert tx.purge(2**60) == 4
    assert counts(node.undo_batch()) == {(KEPT, "destroyed"): 3}
    assert len(before) == 2
    node.receive(bundle(one), "feed")
    node.receive(bundle(one), "local")
    assert node.withdraw(Choice(ids=(one["id"],), sources=("feed",))).copies == 1
    assert there(node) == ["one"]


def test_what_came_again_or_was_recalled_meanwhile_is_told_and_left_alone(node: Node) -> None:
    mine = [marked(TLP.GREEN, name=str(number)) for number in range(3)]
    take(node, *mine)
    node.withdraw(of(*mine))
    node.receive(bundle(mine[0]))
    with node.store.write() as tx:
        tx.put_bars([Bar(mine[1]["id"], EVERY, True)], "r")
    assert counts(node.undo_batch()) == {(KEPT, "again"): 1, (UNDONE, ""): 1, (UNDONE, RECALLED): 1}
    states = [[copy.state for copy in node.show(one["id"])] for one in mine]
    assert states == [["withdrawn", "received"], ["received"], ["published"]]
    assert node.check() == []


# -- marking -----------------------------------------------------------------------------------------------------------
def test_a_mark_is_beside_the_bytes_and_never_looser_than_they_say(node: Node) -> None:
    green, bare = marked(TLP.GREEN, name="green"), indicator(name="bare")
    node.receive(bundle(green, bare))
    raw = node.get(green["id"]).raw
    view = node.mark(of(green, bare), "tlp:red", "names a victim")
    assert counts(view) == {(DONE, ""): 2}
    assert level(node, green) == level(node, bare) == [("TLP:RED", "mark")]
    assert node.get(green["id"]).raw == raw
    assert [hit.id for hit in node.browse(tlp="red").hits] == [bare["id"], green["id"]]
    assert counts(node.mark(of(green), "clear", "too strict")) == {(FAILED, SAYS_MORE): 1}
    assert counts(node.mark(of(green, bare), "red", "again")) == {(SAME, ""): 2}
    assert counts(node.undo_batch(view.batch.id)) == {(UNDONE, ""): 2}
    assert (level(node, green), level(node, bare)) == ([("TLP:GREEN", "object")], [("TLP:AMBER+STRICT", "source")])


def test_what_is_published_counts_as_tighter_at_once_and_as_it_did_when_it_is_undone(node: Node) -> None:
    access = partnered(node)
    mine = [marked(TLP.GREEN, name=str(number)) for number in range(3)]
    take(node, *mine)
    node.mark(of(*mine[:2]), "red", "names a victim")
    assert [item.id for item in node.find(Query(collection="default"), access)] == [mine[2]["id"]]
    node.undo_batch()
    assert len(list(node.find(Query(collection="default"), access))) == 3
    assert node.unsettled() == (0, 0)


def test_what_would_loosen_stands_between_until_it_is_confirmed(node: Node) -> None:
    """R14: nobody sees more by a mark, before it was confirmed as a reclassification is."""
    access = partnered(node)
    bare = indicator(name="bare")
    take(node, bare)
    assert list(node.find(Query(collection="default"), access)) == []
    view = node.mark(of(bare), "green", "it is public by now")
    assert counts(view) == {(DONE, WAITS): 1}
    assert list(node.find(Query(collection="default"), access)) == []
    assert node.unsettled() == (0, 1)
    (pair,) = node.class_changes()
    node.reclassify(confirmed=[pair])
    assert [item.id for item in node.find(Query(collection="default"), access)] == [bare["id"]]
    assert counts(node.undo_batch()) == {(UNDONE, ""): 1}
    assert list(node.find(Query(collection="default"), access)) == []


def test_what_is_not_published_is_loosened_by_an_administrator_alone(
    node: Node, some: list[dict[str, Any]], staff: Callable[[str], Any]
) -> None:
    bare = indicator(name="bare")
    node.receive(bundle(bare))
    with staff("ana"):
        assert node.preview_batch(of(bare), "mark", "green").becomes == {(FAILED, LOOSENS): 1}
        assert counts(node.mark(of(bare), "green", "why")) == {(FAILED, LOOSENS): 1}
        assert counts(node.mark(of(bare), "red", "why")) == {(DONE, ""): 1}
    assert level(node, bare) == [("TLP:RED", "mark")]


def test_another_mark_meanwhile_is_not_overwritten(node: Node, some: list[dict[str, Any]]) -> None:
    first = node.mark(of(*some), "amber", "one")
    node.mark(of(some[0]), "red", "other")
    node.withdraw(of(some[1]))
    assert counts(node.undo_batch(first.batch.id)) == {(KEPT, GONE): 1, (KEPT, MARKED): 1, (UNDONE, ""): 3}
    assert level(node, some[0]) == [("TLP:RED", "mark")]


def test_what_was_published_as_tighter_since_then_waits_when_the_mark_goes(
    node: Node, some: list[dict[str, Any]]
) -> None:
    view = node.mark(of(some[0]), "red", "names a victim")
    node.publish(Selection(ids=(some[0]["id"],)), hold_seconds=0)
    look_at_all(node)
    assert counts(node.undo_batch(view.batch.id)) == {(UNDONE, WAITS): 1}
    assert node.unsettled() == (0, 1)


# -- who may -----------------------------------------------------------------------------------------------------------
def test_what_is_published_is_withdrawn_by_a_releaser(
    node: Node, some: list[dict[str, Any]], staff: Callable[[str], Any]
) -> None:
    with staff("rolf"):
        node.publish(Selection(ids=(some[0]["id"],)), hold_seconds=0)
    with staff("ana"):
        view = node.withdraw(of(*some[:2]))
        assert counts(view) == {(DONE, ""): 1, (FAILED, IS_PUBLISHED): 1}
        assert node.batch(view.batch.id).samples == {
            (DONE, ""): [some[1]["id"]],
            (FAILED, IS_PUBLISHED): [some[0]["id"]],
        }
    with staff("rita"), pytest.raises(NotAuthorized):
        node.withdraw(of(some[2]))
    with staff("rolf"):
        node.unpublish(Selection(ids=(some[0]["id"],)))
        with pytest.raises(NotFound):
            node.retry_batch(view.batch.id, IS_PUBLISHED)
    with staff("ana"):
        with pytest.raises(Conflict, match="passed over"):
            node.retry_batch(view.batch.id, GONE)
        assert counts(node.retry_batch(view.batch.id, IS_PUBLISHED)) == {(DONE, ""): 2}


def test_a_batch_is_undone_by_who_made_it_or_may_approve(
    node: Node, some: list[dict[str, Any]], staff: Callable[[str], Any]
) -> None:
    with staff("ana"):
        mine = node.withdraw(of(some[0])).batch.id
    with staff("rolf"):
        others = node.withdraw(of(some[1])).batch.id
        with pytest.raises(NotFound):
            node.undo_batch(mine)
        with pytest.raises(NotFound):
            node.batch(mine)
        assert [one.batch.id for one in node.batches()] == [others]
    with staff("petra"):
        assert {one.batch.id for one in node.batches()} == {mine, others}
        assert node.batches(own=True) == []
        assert counts(node.undo_batch(mine)) == {(UNDONE, ""): 1}
        with pytest.raises(Conflict, match="already"):
            node.undo_batch(mine)
    with staff("ana"), pytest.raises(NotFound, match="did nothing"):
        node.undo_batch()


def test_what_somebody_may_not_read_is_neither_counted_nor_touched(node: Node, staff: Callable[[str], Any]) -> None:
    """R64: TLP:RED of others is for no account."""
    with staff("adam"):
        node.add_source("feed")
    secret = marked(TLP.RED, name="kancil secret")
    node.receive(bundle(secret), "feed")
    with staff("ana"):
        chosen = node.preview_batch(Choice(text="kancil"), "withdraw")
        assert (chosen.copies, chosen.missing) == (5, [])
        assert node.preview_batch(of(secret), "withdraw").missing == [secret["id"]]
        with pytest.raises(NotFound):
            node.withdraw(of(secret))
        assert node.withdraw(Choice(text="kancil")).copies == 5
    assert there(node) == ["kancil secret"]


def test_who_decides_about_a_batch_of_another_is_told_no_id_that_it_may_not_read(node: Node) -> None:
    node.add_source("feed")
    secret, open_one = marked(TLP.RED, name="secret"), marked(TLP.GREEN, name="open")
    node.receive(bundle(secret, open_one), "feed")
    id = node.mark(ALL, "red", "why").batch.id
    assert set(node.batch(id).samples[DONE, ""]) == {open_one["id"]}
    node.undo_batch(id)
    view = node.withdraw(ALL)
    assert set(node.batch(view.batch.id).samples[DONE, ""]) == {secret["id"], open_one["id"]}
    account = node.add_user("adam", ["admin", "reader"])
    with node.acting("adam", account.secret):
        told = repr(node.batch(view.batch.id))
    assert open_one["id"] in told
    assert secret["id"] not in told


# -- refusals ----------------------------------------------------------------------------------------------------------
def test_only_what_was_shown_is_done(node: Node, some: list[dict[str, Any]]) -> None:
    seal = node.preview_batch(ALL, "withdraw").seal
    node.receive(bundle(indicator()))
    with pytest.raises(Conflict, match="shown"):
        node.withdraw(ALL, seal=seal)
    with pytest.raises(InvalidRequest, match="Nothing is chosen"):
        node.withdraw(Choice(text="  "))
    with pytest.raises(NotFound):
        node.withdraw(Choice(text="nothing-has-this-word"))
    with pytest.raises(Invalid):
        node.mark(ALL, "purple", "why")
    with pytest.raises(Invalid):
        node.mark(ALL, "red", "")
    assert node.batches() == []


def test_there_is_a_bound(node: Node, some: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "MOST", 4)
    for choice in (ALL, of(*some)):
        with pytest.raises(TooLarge):
            node.withdraw(choice)
    assert choosing.MOST == 100_000


def test_after_thirty_days_a_batch_is_not_undone_and_then_forgotten(
    node: Node, clock: MadeClock, some: list[dict[str, Any]]
) -> None:
    view = node.withdraw(of(some[0]))
    assert view.may_undo
    clock.move(days=30, seconds=1)
    assert not node.batch(view.batch.id).may_undo
    with pytest.raises(Conflict, match="30 days"):
        node.undo_batch(view.batch.id)
    while node.work():
        pass
    assert node.batches() == []


# -- the job -----------------------------------------------------------------------------------------------------------
MANY = AT_ONCE + 50


def many(node: Node) -> None:
    """More than are done at once."""
    node.receive(bundle(*(indicator(name=f"number {number}") for number in range(MANY))))


def entered(node: Node, kind: str) -> int:
    """How many copies the ledger says that it happened to."""
    with node.store.read() as snapshot:
        records = [json.loads(entry.record or b"{}") for entry in snapshot.ledger_entries(0, 10_000)]
    return sum(one["objects"] for one in records if one.get("kind") == kind)


def drain(node: Node) -> None:
    """All due jobs were run."""
    while node.run_job() is not None:
        pass


@pytest.mark.slow
def test_many_are_done_by_a_job_and_a_death_in_it_does_nothing_twice(
    node: Node, clock: MadeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(node)
    view = node.withdraw(ALL)
    assert (view.left, view.is_running) == (MANY, True)
    assert [job.kind for job in node.jobs()] == [JOB]
    real = BatchingTransaction.settle_batch_items
    for dies_after in (1, 2):
        calls = itertools.count()

        def settle(tx: BatchingTransaction, id: str, items: Any, dies: int = dies_after, calls: Any = calls) -> None:
            real(tx, id, items)
            if next(calls) == dies:
                raise KeyboardInterrupt

        with monkeypatch.context() as dying:
            dying.setattr(BatchingTransaction, "settle_batch_items", settle)
            with pytest.raises(KeyboardInterrupt):
                node.run_job()
        clock.move(seconds=LEASE_SECONDS + 1)
    assert node.batch(view.batch.id).left == MANY - 300
    drain(node)
    done = node.batch(view.batch.id)
    assert (counts(done), done.is_running, there(node)) == ({(DONE, ""): MANY}, False, [])
    assert entered(node, "withdrawal") == MANY
    back = node.undo_batch(view.batch.id)
    assert back.is_running
    drain(node)
    assert counts(node.batch(view.batch.id)) == {(UNDONE, ""): MANY}
    assert entered(node, "restoration") == len(there(node)) == MANY
    assert node.check() == []


@pytest.mark.slow
def test_undoing_a_batch_that_still_runs_stops_it(node: Node) -> None:
    many(node)
    view = node.mark(ALL, "red", "why")
    assert node.undo_batch(view.batch.id).is_running
    drain(node)
    assert counts(node.batch(view.batch.id)) == {(FAILED, STOPPED): MANY}
    assert list(node.browse(tlp="red").hits) == []


@pytest.mark.slow
def test_a_job_does_nothing_for_an_account_that_may_do_it_no_more(node: Node, staff: Callable[[str], Any]) -> None:
    many(node)
    with staff("ana"):
        view = node.withdraw(Choice(text="number"))
    with staff("adam"):
        node.disable_user("ana")
    drain(node)
    with staff("petra"):
        assert counts(node.batch(view.batch.id)) == {(FAILED, NOT_ALLOWED): MANY}
    assert len(there(node)) == MANY + 5


def test_a_recall_and_a_withdrawal_do_not_get_in_each_others_way(node: Node) -> None:
    access = partnered(node)
    one = marked(TLP.GREEN, name="one")
    take(node, one)
    assert len(list(node.find(Query(collection="default"), access))) == 1
    node.deliveries.flush()
    node.withdraw(of(one))
    assert node.recall([one["id"]], Order(Kind.WITHDRAW, Reason.MISTAKE)).cannot_confirm == ("CERT-B",)
    assert counts(node.undo_batch()) == {(UNDONE, RECALLED): 1}
    assert list(node.find(Query(collection="default"), access)) == []
    assert [item.id for item in node.find(access=OPERATOR)] == [one["id"]]
