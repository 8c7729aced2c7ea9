"""What was taken back is gone for partners in every way, comes back in none, and nobody else learns of it."""

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from pyroaring import BitMap
from tests.gate_world import admitted, look_at_all, marked, take
from tests.offices import Office
from tests.partner_asking import ABSENT
from tests.recall_world import AMBER, RETRACT, WITHDRAW, World, by, later
from tests.world import MadeClock, address, bundle, indicator

from comity.errors import AlreadyDone, ComityError, Invalid, NotAuthorized, NotFound
from comity.interfaces import Query, microseconds
from comity.node.node import Node
from comity.node.permits import approved_for, permit
from comity.node.publishing import Selection
from comity.release.recall import Kind, Reason
from comity.stix.markings import MARKING_IDS, TLP
from comity.store.nouns import State

pytestmark = pytest.mark.slow


@pytest.fixture
def world(node: Node, clock: MadeClock) -> World:
    return World(node, clock)


# -- withdraw ----------------------------------------------------------------------------------------------------------
def by_a_person(world: World, value: dict[str, Any]) -> None:
    assert world.node.publish(hold_seconds=0).published == 0


def by_the_feed_again(world: World, value: dict[str, Any]) -> None:
    world.from_feed(value)


def by_another_feed(world: World, value: dict[str, Any]) -> None:
    world.from_feed(value, source="rss")


def by_a_later_version(world: World, value: dict[str, Any]) -> None:
    world.from_feed(later(value) if "modified" in value else value | {"x_more": "more"})


def after_it_was_deleted(world: World, value: dict[str, Any]) -> None:
    world.node.delete(admitted(world.node, read=["all"], write=["all"]), "default", value["id"])
    world.from_feed(value)


def by_reclassification(world: World, value: dict[str, Any]) -> None:
    world.node.reclassify(None, list(world.node.class_changes()))
    world.node.heed_rules()
    while world.node.run_job():
        pass


WAYS_BACK: list[Callable[[World, dict[str, Any]], None]] = [
    by_a_person,
    by_the_feed_again,
    by_another_feed,
    by_a_later_version,
    after_it_was_deleted,
    by_reclassification,
]


@pytest.mark.parametrize("way", WAYS_BACK)
@pytest.mark.parametrize("kind", ["indicator", "address"])
def test_what_was_withdrawn_is_gone_and_never_published_again(
    world: World, way: Callable[[World, dict[str, Any]], None], kind: str
) -> None:
    value = (indicator() if kind == "indicator" else address()) | {"object_marking_refs": [MARKING_IDS[TLP.GREEN]]}
    (other,) = take(world.node, marked(TLP.GREEN))
    world.from_feed(value)
    assert world.ids("CERT-B") == world.ids("CERT-C") == {value["id"], other}
    world.recall(WITHDRAW, value["id"])
    assert world.ids("CERT-B") == world.ids("CERT-C") == {other}
    way(world, value)
    assert world.ids("CERT-B") == world.ids("CERT-C") == {other}
    copies = world.node.show(value["id"])
    assert all(copy.state != "published" for copy in copies)
    assert all(copy.recalled for copy in copies)
    assert not any(copy.recalled for copy in world.node.show(other))
    assert any(copy.raw for copy in copies)


def test_what_a_partner_sent_it_still_reads_alone(world: World) -> None:
    value = marked(TLP.CLEAR)
    world.node.post(world.access["CERT-B"], "default", json.dumps({"objects": [value]}).encode())
    world.node.publish(hold_seconds=0)
    look_at_all(world.node)
    assert world.ids("CERT-B") == world.ids("CERT-C") == {value["id"]}
    done = world.node.recall([value["id"]], WITHDRAW)
    assert done.cannot_confirm == ("CERT-C",)
    assert (world.ids("CERT-B"), world.ids("CERT-C")) == ({value["id"]}, set())


def test_a_batch_is_what_left_by_its_entry(world: World) -> None:
    first = take(world.node, marked(TLP.GREEN), marked(TLP.AMBER))
    sent = json.dumps({"objects": [marked(TLP.CLEAR), marked(TLP.AMBER)]}).encode()
    world.node.post(world.access["CERT-B"], "default", sent)
    world.node.publish(hold_seconds=0)
    look_at_all(world.node)
    assert len(world.read("CERT-B")) == 4
    second = take(world.node, marked(TLP.GREEN))
    world.read("CERT-C")
    world.read("CERT-B")
    entries = {held.first.entry for held in world.node.held("CERT-B") if held.id in first}
    (entry,) = entries
    done = world.node.recall([f"entry:{entry}"], WITHDRAW)
    assert (done.objects, done.cannot_confirm) == (2, ("CERT-B", "CERT-C"))
    assert len(world.ids("CERT-B")) == 3
    assert world.ids("CERT-B").isdisjoint(first)
    assert world.ids("CERT-B").issuperset(second)
    (view,) = world.node.recalls(done.id)
    assert set(view.objects) == set(first)
    with pytest.raises(AlreadyDone):
        world.node.recall([str(entry)], WITHDRAW)


# -- retract -----------------------------------------------------------------------------------------------------------
def test_ours_goes_on_as_a_revoked_version_for_exactly_those_who_had_it(world: World) -> None:
    value = marked(TLP.AMBER, name="A mistake")
    take(world.node, value, later(value, name="Still one"))
    world.read("CERT-B")
    done = world.node.recall([value["id"]], RETRACT)
    assert (done.revised, done.told, done.cannot_confirm) == (1, (), ("CERT-B",))
    (last,) = world.read("CERT-B", "last")
    moment = world.clock.now()
    assert last == later(value, name="Still one", revoked=True) | {"modified": last["modified"]}
    assert "2026-03-01" < last["modified"] <= f"{moment:%Y-%m-%dT%H:%M:%S}.999Z"
    assert len(world.read("CERT-B")) == 3
    assert world.read("CERT-C") == []
    with pytest.raises(AlreadyDone):
        world.node.recall([value["id"]], RETRACT)
    world.recall(WITHDRAW, value["id"])
    assert world.read("CERT-B") == []


def test_what_others_made_and_what_has_no_versions_just_disappears(world: World) -> None:
    theirs, ours, ip = marked(TLP.GREEN), marked(TLP.GREEN), address()
    take(world.node, ours, ip | {"object_marking_refs": [MARKING_IDS[TLP.GREEN]]})
    world.from_feed(theirs, ours | {"name": "as the feed has it", "modified": "2026-09-01T00:00:00.000Z"})
    assert len(world.read("CERT-C")) == 4
    world.recall(RETRACT, theirs["id"], ours["id"], ip["id"])
    left = world.read("CERT-C")
    assert {(one["id"], one.get("revoked"), one["name"]) for one in left} == {
        (ours["id"], None, ours["name"]),
        (ours["id"], True, ours["name"]),
    }
    # Versions of others do not push ours into the future.
    assert max(one["modified"] for one in left) < "2026-09"
    world.from_feed(ours | {"modified": "2026-10-01T00:00:00.000Z"})
    assert len(world.read("CERT-C")) == 2


def test_who_had_it_by_an_approval_gets_the_revoked_version_too(world: World) -> None:
    (id,) = take(world.node, marked(TLP.AMBER))
    world.read("CERT-B")
    recipient = world.node.partner("CERT-B").id
    with world.node.store.write() as tx:
        (number,) = tx.published_of([id])
        permit(tx, recipient, BitMap([number]), "x", 0)
    world.recall(RETRACT, id)
    with world.node.store.read() as snapshot:
        numbers = set(snapshot.published_of([id]))
        assert len(numbers) == 2
        assert numbers <= set(approved_for(snapshot, recipient))


# -- narrow and supersede ----------------------------------------------------------------------------------------------
def test_what_is_narrowed_has_the_stricter_marking_and_no_looser_one(world: World) -> None:
    value, theirs, strict = marked(TLP.GREEN), marked(TLP.GREEN), marked(TLP.AMBER)
    take(world.node, value, later(value), strict)
    world.from_feed(theirs)
    assert world.ids("CERT-C") == {value["id"], theirs["id"]}
    world.read("CERT-B")
    world.recall(AMBER, value["id"], theirs["id"], strict["id"])
    assert world.read("CERT-C") == []
    found = {one["id"]: one for one in world.read("CERT-B")}
    assert found.keys() == {value["id"], strict["id"]}
    assert found[value["id"]]["object_marking_refs"] == [MARKING_IDS[TLP.AMBER]]
    world.node.publish(hold_seconds=0)
    world.from_feed(theirs, later(theirs))
    world.node.receive(bundle(value, later(value)))
    world.node.publish(hold_seconds=0)
    look_at_all(world.node)
    assert world.read("CERT-C") == []
    assert world.ids("CERT-B") == {value["id"], strict["id"]}
    with pytest.raises(AlreadyDone):
        world.node.recall([value["id"]], AMBER)


def test_what_is_superseded_is_gone_and_it_is_told_who_may_have_the_new_one(world: World) -> None:
    old, new, draft = marked(TLP.GREEN), marked(TLP.AMBER), marked(TLP.GREEN)
    take(world.node, old, new)
    world.node.receive(bundle(draft))
    for name in ("CERT-B", "CERT-C"):
        world.read(name)
    for wrong in (draft["id"], ABSENT, "\0"):
        with pytest.raises(NotFound) as missing:
            world.node.recall([old["id"]], by(wrong))
        assert missing.value.where == "by"
    with pytest.raises(Invalid):
        world.node.recall([old["id"]], by(old["id"]))
    id = world.recall(by(new["id"]), old["id"])
    assert (world.ids("CERT-B"), world.ids("CERT-C")) == ({new["id"]}, set())
    (view,) = world.node.recalls(id)
    assert {one.partner: one.may_have_new for one in view.recipients} == {"CERT-B": True, "CERT-C": False}


# -- who is told -------------------------------------------------------------------------------------------------------
def test_the_record_says_who_had_which_version_since_when_and_has_read_since(world: World) -> None:
    value = marked(TLP.GREEN)
    take(world.node, value)
    world.read("CERT-B")
    first = microseconds(world.clock.now())
    take(world.node, later(value))
    world.read("CERT-B")
    second = microseconds(world.clock.now())
    world.read("CERT-C")
    id = world.recall(WITHDRAW, value["id"])
    (view,) = world.node.recalls(id)
    assert (view.kind, view.reason, view.count) == (Kind.WITHDRAW, Reason.MISTAKE, 1)
    told = {one.partner: [(each.version, each.since, each.told) for each in one.had] for one in view.recipients}
    assert told["CERT-B"] == [
        (value["modified"], first, "absent"),
        (later(value)["modified"], second, "absent"),
    ]
    assert [version for version, *_ in told["CERT-C"]] == [value["modified"], later(value)["modified"]]
    assert {one.answer.value for one in view.recipients} == {"cannot-confirm"}
    assert [one.read_since for one in view.recipients] == [False, False]
    world.clock.move(hours=2)
    world.read("CERT-B")
    (again,) = world.node.recalls()
    assert [one.read_since for one in again.recipients] == [True, False]
    assert all(one.had == () for one in again.recipients)
    with world.node.store.read() as snapshot:
        (entry,) = snapshot.ledger_entries(view.entry - 1, 1)
    assert entry.record is not None
    record = json.loads(entry.record)
    assert (record["kind"], record["recall"], record["of"], record["reason"]) == ("recall", id, "withdraw", "mistake")
    assert record["to"] == sorted(world.node.partner(name).id for name in ("CERT-B", "CERT-C"))
    assert value["id"] not in entry.record.decode()


def test_what_never_left_is_not_recalled_and_nothing_changes(world: World) -> None:
    unread, sent = marked(TLP.GREEN), marked(TLP.GREEN)
    take(world.node, sent)
    world.read("CERT-B")
    take(world.node, unread)
    world.node.manifest(world.access["CERT-C"], Query(collection="default"))
    with world.node.store.read() as snapshot:
        before = snapshot.last_entry
    words = set()
    for wrong in (unread["id"], ABSENT, "", "\0", "\ud800", "x" * 100_000):
        with pytest.raises(NotFound) as missing:
            world.node.recall([sent["id"], wrong], WITHDRAW)
        words.add(missing.value.message.replace(repr(wrong), "ID"))
    assert words == {"Nothing of ID ever left."}
    for wrong in ("entry:1", f"entry:{before}", "entry:999999", "9" * 18, "0"):
        with pytest.raises(NotFound):
            world.node.recall([wrong], WITHDRAW)
    with pytest.raises(Invalid):
        world.node.recall([], WITHDRAW)
    with pytest.raises(NotFound):
        world.node.recalls("none")
    with world.node.store.read() as snapshot:
        assert snapshot.last_entry == before
    assert world.ids("CERT-B") == {sent["id"], unread["id"]}


def test_a_releaser_recalls_at_once_and_alone(world: World) -> None:
    (id,) = take(world.node, marked(TLP.GREEN))
    world.read("CERT-B")
    office = Office(world.node)
    for name in ("anna", "bert"):
        with office.acts(name), pytest.raises(NotAuthorized):
            world.node.recall([id], WITHDRAW)
    with office.acts("carl"):
        world.node.recall([id], WITHDRAW)
        (view,) = world.node.recalls()
    assert view.actor == "carl"
    assert world.ids("CERT-B") == set()
    with office.acts("anna"), pytest.raises(NotAuthorized):
        world.node.recalls()


def test_recalls_in_whatever_order_leave_a_sound_store_and_open_nothing(world: World) -> None:
    """After each step everybody reads no id that it did not read before, but for what was published for it."""
    chance = random.Random(7)
    values = [
        marked(chance.choice([TLP.GREEN, TLP.AMBER]), id=f"indicator--{n:08d}-0000-4000-8000-{'c' * 12}")
        for n in range(8)
    ]
    take(world.node, *values[:6])
    world.from_feed(*(each | {"name": "theirs"} for each in values[2:]))
    seen = {name: world.ids(name) for name in world.access}
    done = 0
    for _ in range(25):
        what = [each["id"] for each in chance.sample(values, 2)]
        order = chance.choice([WITHDRAW, RETRACT, AMBER])
        try:
            world.recall(order, *what)
            done += 1
        except ComityError:
            pass
        world.node.publish(hold_seconds=0)
        look_at_all(world.node)
        for name in world.access:
            found = world.ids(name)
            assert found <= seen[name]
            seen[name] = found
    assert done >= 4
    with world.node.store.read() as snapshot:
        live = [copy for each in values for copy in snapshot.copies(each["id"]) if copy.state is State.PUBLISHED]
        assert not snapshot.barred([copy.key for copy in live])


def test_a_published_copy_that_is_barred_is_found_by_the_check(world: World) -> None:
    (id,) = take(world.node, marked(TLP.GREEN))
    world.read("CERT-B")
    world.recall(WITHDRAW, id)
    with world.node.store.write() as tx:
        (copy,) = tx.copies(id)
        tx.publish([(copy.key, bytes(32), next(form for form in tx.classes().values() if form))], 0, None)
    assert world.node.check() == ["1 copies are published that were taken back"]


def test_the_selection_of_a_publication_counts_without_what_was_recalled(world: World) -> None:
    ids = take(world.node, marked(TLP.GREEN), marked(TLP.GREEN))
    world.read("CERT-B")
    world.recall(WITHDRAW, ids[0])
    world.node.unpublish(Selection(ids=(ids[1],)))
    assert world.node.count_unpublished() == 1
    report = world.node.publish(hold_seconds=0)
    assert (report.published, report.recalled) == (1, 1)
