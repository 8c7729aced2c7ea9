"""The second pair of eyes: what widens waits, who may look at it, and that nothing else puts it in force (R14)."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.gate_world import AND_AUTHORS, GREEN_OURS, marked, take
from tests.offices import Office, in_force
from tests.release_world import policy_of
from tests.world import MadeClock, MadeEntropy

from comity.errors import ComityError, Conflict, Invalid, NotAuthorized, NotFound, Unauthenticated
from comity.interfaces import microseconds
from comity.node import changes, changing
from comity.node.node import Node
from comity.node.policies import starter_texts
from comity.node.proposals import KIND, PartnerChange, Proposal, digest_of
from comity.stix.tlp import TLP

HOURS_24 = 24 * 3600


@pytest.fixture(autouse=True)
def without_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Policies of a rule or two need no cases here."""
    from comity.node import releasing

    monkeypatch.setattr(releasing, "compile_policy", lambda _floor, text, _cases: policy_of(text))


@pytest.fixture
def office(node: Node) -> Office:
    take(node, marked(TLP.GREEN), marked(TLP.AMBER))
    in_force(node, GREEN_OURS)
    node.add_partner("CERT-B", history_from=0)
    return Office(node)


def test_what_widens_waits_until_another_person_approves_it(office: Office, clock: MadeClock) -> None:
    id = office.ask()
    assert office.state == "pending"
    ((waits, state),) = office.proposals()
    assert (waits.id, state, waits.asked_name) == (id, "waiting", "anna")
    assert waits.told["cells"]["widened"] == 1
    assert waits.told["objects"]["appear"] == 1
    clock.move(hours=23)
    done = office.approve(id)
    assert office.state == "active"
    assert office.node.partner("CERT-B").activated_at == microseconds(clock.now())
    assert (done.asked_person, done.decided_person, done.state) == ("Anna A.", "Bert B.", "approved")
    assert (done.digest, done.decided_at) == (waits.digest, microseconds(clock.now()))
    with office.node.store.read() as snapshot:
        kept = [msgspec.json.decode(one.body, type=Proposal).state for one in snapshot.record_history(KIND, id)]
    assert kept == ["approved", "waiting"]


def test_neither_who_asked_nor_another_account_of_them_nor_who_has_no_role_approves(office: Office) -> None:
    id = office.ask()
    for name in ("anna", "annas-other", "carl"):
        with pytest.raises(NotAuthorized):
            office.approve(id, name)
    with pytest.raises(Unauthenticated):
        office.node.approve(id)
    assert office.state == "pending"
    office.approve(id, "dora")
    assert office.state == "active"


def test_an_approval_comes_within_24_hours_or_not_at_all(office: Office, clock: MadeClock) -> None:
    id = office.ask()
    clock.move(seconds=HOURS_24 - 1)
    assert office.proposals()[0][1] == "waiting"
    clock.move(seconds=1)
    assert office.proposals()[0][1] == "expired"
    for decide in (office.node.approve, office.node.reject):
        with office.acts("bert"), pytest.raises(Conflict):
            decide(id)
    assert office.state == "pending"


def test_what_was_decided_is_not_decided_again(office: Office) -> None:
    id = office.ask()
    with office.acts("carl"), pytest.raises(NotAuthorized):
        office.node.reject(id)
    with office.acts("anna"):
        assert office.node.reject(id).decided_name == "anna"
    with pytest.raises(Conflict):
        office.approve(id)
    again = office.ask()
    with office.acts("bert"):
        assert office.node.reject(again).state == "rejected"
        with pytest.raises(NotFound):
            office.node.approve("nothing")
    assert office.state == "pending"


CHANGES: dict[str, Any] = {
    "another class is published": lambda node: take(node, marked(TLP.CLEAR)),
    "another policy is in force": lambda node: in_force(node, GREEN_OURS + AND_AUTHORS),
    "the partner was edited": lambda node: node.edit_partner("CERT-B", country="EE"),
}


def test_an_approval_with_a_secret_that_who_asked_has_seen_has_a_caution(office: Office) -> None:
    done = office.approve(office.ask())
    assert "Anna A." in done.caution
    with office.acts("bert"):
        office.secrets["bert"] = office.node.reset_user("bert").secret
    with office.acts("anna"):
        office.node.move_partner("CERT-B", "pause")
        waits = office.node.move_partner("CERT-B", "resume").waits
    assert office.approve(waits).caution == ""


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_approved_is_what_was_shown(office: Office, change: str) -> None:
    id = office.ask()
    with office.acts("anna"):
        CHANGES[change](office.node)
    with pytest.raises(Conflict):
        office.approve(id)
    assert office.state == "pending"
    assert office.approve(office.ask()).state == "approved"


def test_more_objects_of_what_was_shown_do_not_hinder_unless_they_are_many(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = office.ask()
    take(office.node, marked(TLP.GREEN), marked(TLP.GREEN), marked(TLP.AMBER))
    monkeypatch.setattr(changing, "OBJECTS_MORE", 1)
    with pytest.raises(Conflict):
        office.approve(id)
    monkeypatch.setattr(changing, "OBJECTS_MORE", 2)
    assert office.approve(id).state == "approved"


def test_what_somebody_asked_who_acts_no_more_is_void(office: Office) -> None:
    id = office.ask()
    with office.acts("dora"):
        office.node.disable_user("anna")
    with pytest.raises(Conflict):
        office.approve(id)
    assert office.state == "pending"


def test_a_change_that_was_exchanged_in_the_store_is_not_approved(office: Office) -> None:
    id = office.ask()
    with office.node.store.write() as tx:
        (record,) = tx.records(KIND)
        kept = msgspec.json.decode(record.body, type=Proposal)
        assert isinstance(kept.change, PartnerChange)
        partner = msgspec.structs.replace(kept.change.partner, max_tlp="amber+strict")
        other = msgspec.structs.replace(kept, change=msgspec.structs.replace(kept.change, partner=partner))
        tx.put_record(replace(record, body=msgspec.json.encode(other)))
    with pytest.raises(Conflict):
        office.approve(id)
    assert office.state == "pending"


def test_what_narrows_needs_nobody(office: Office) -> None:
    office.approve(office.ask())
    with office.acts("anna"):
        for done in (
            office.node.change_partner("CERT-B", {"max_tlp": "clear"}),
            office.node.move_partner("CERT-B", "pause"),
            office.node.change_partner("CERT-B", {"max_tlp": "green"}),
        ):
            assert (done.waits, done.alone) == ("", False)
        assert office.node.move_partner("CERT-B", "resume").waits
        assert office.node.move_partner("CERT-B", "end").partner.state == "ended"


def test_an_edit_that_opens_what_is_older_waits(office: Office) -> None:
    with office.acts("anna"):
        office.node.change_partner("CERT-B", {"history_from": microseconds(office.node.clock.now()) + 1})
    id = office.ask()
    assert office.proposals()[0][0].told["objects"]["appear"] == 0
    office.approve(id)
    with office.acts("anna"):
        done = office.node.change_partner("CERT-B", {"history_from": 0})
    assert done.waits
    assert done.difference.seen is not None
    assert sum(done.difference.seen.appear.values()) == 1
    assert office.node.partner("CERT-B").history_from != 0
    office.approve(done.waits)
    assert office.node.partner("CERT-B").history_from == 0


def test_nothing_that_runs_behind_puts_in_force_what_waits(office: Office, clock: MadeClock, tmp_path: Path) -> None:
    """Approval skipped in background: the worker, due jobs and a process begun anew leave it where it is."""
    id = office.ask()
    with Node.open(f"sqlite:///{tmp_path}/a.db", clock=clock, entropy=MadeEntropy(9)) as other:
        for _ in range(30):
            clock.move(hours=1)
            for node in (office.node, other):
                node.work()
                assert node.run_job() is None
        assert other.partner("CERT-B").state == "pending"
    assert office.node.jobs() == []
    assert [(one.id, state) for one, state in office.proposals()] == [(id, "expired")]
    with office.acts("anna"):
        with pytest.raises(Conflict):
            office.approve(id)
        for step in ("resume", "activate"):
            try:
                waits = office.node.move_partner("CERT-B", step, checked_by="me").waits
            except ComityError:
                continue
            assert waits
    assert office.state == "pending"


def test_alone_it_takes_effect_at_once_and_is_told(node: Node) -> None:
    take(node, marked(TLP.GREEN))
    in_force(node, GREEN_OURS)
    node.add_partner("CERT-B", history_from=0)
    node.add_partner("CERT-C", history_from=0)
    done = node.move_partner("CERT-B", "activate", checked_by="a call")
    assert (done.waits, done.alone, done.partner.state) == ("", True, "active")
    with node.acting("anna", node.add_user("anna", ["admin", "approver"]).secret):
        node.add_user("annas-other", ["admin"], person="Anna")
        assert not node.is_watched()
        done = node.move_partner("CERT-C", "activate", checked_by="a call")
    assert (done.waits, done.alone) == ("", True)


def test_a_difference_that_was_overtaken_is_computed_again(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def overtaken(*given: Any) -> Any:
        found = changes.differ(*given)
        calls.append(1)
        if len(calls) < 3:
            office.node.add_collection(f"c{len(calls)}")
        return found

    monkeypatch.setattr(changing, "differ", overtaken)
    id = office.ask()
    assert len(calls) == 3
    calls.clear()
    monkeypatch.setattr(changing, "TRIES", 1)
    with pytest.raises(Conflict):
        office.approve(id)
    assert office.state == "pending"


def test_only_so_many_wait(office: Office, monkeypatch: pytest.MonkeyPatch, clock: MadeClock) -> None:
    monkeypatch.setattr(changing, "WAITING_MOST", 2)
    first = office.ask()
    assert office.ask() == first, "the same is asked for once"
    assert office.ask("dora") != first
    with office.acts("anna"), pytest.raises(Conflict):
        office.node.move_partner("CERT-B", "activate", checked_by="another call")
    clock.move(days=1)
    office.ask()


@pytest.mark.slow
def test_a_policy_that_widens_waits_and_two_that_wait_do_not_both_come(office: Office) -> None:
    node = office.node
    texts = {name: starter_texts()[name] for name in ("nothing", "green-community")}
    office.approve(office.ask())
    with office.acts("anna"):
        nothing = node.apply_policy(*texts["nothing"], "nothing")
        assert (nothing.waits, nothing.version) == ("", 2)
        first, second = (node.apply_policy(*texts["green-community"], of) for of in ("one", "two"))
        trial = node.apply_policy(*texts["green-community"], dry_run=True)
    assert first.waits
    assert second.waits
    assert first.widens > 0
    assert trial.difference == first.difference
    assert (first.version, first.digest) == (2, second.digest)
    assert node.policy().text == texts["nothing"][0]
    office.approve(first.waits)
    assert node.policy().text == texts["green-community"][0]
    with pytest.raises(Conflict):
        office.approve(second.waits)
    assert len(node.policy_log()) == 3
    with office.acts("anna"), pytest.raises(Invalid):
        node.apply_policy("permit", "")


def test_the_digest_binds_the_change_and_every_cell(office: Office) -> None:
    office.ask()
    ((kept, _),) = office.proposals()
    with office.node.store.read() as snapshot:
        found = office.node._difference(snapshot, kept.change)
    assert digest_of(kept.change, found) == kept.digest
    for other in (
        replace(found, cells=()),
        replace(found, whole=False),
        replace(found, history=("x",)),
        replace(found, sampled=found.cells),
    ):
        assert digest_of(kept.change, other) != kept.digest
    assert digest_of(msgspec.structs.replace(kept.change, version=9), found) != kept.digest
