"""The node's verbs on a real store: what comes in, what goes out, and what becomes of it in between."""

import inspect
import json
from pathlib import Path
from typing import Any

import pytest
from tests.world import MadeClock, address, bundle, envelope, indicator

from comity.errors import AlreadyDone, Invalid, InvalidObject, InvalidRequest, NotFound
from comity.interfaces import Query, microseconds
from comity.node import receive
from comity.node.access import OPERATOR, Access, Credential
from comity.node.node import Node
from comity.node.upkeep import UNDO_SECONDS

GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"


@pytest.fixture
def access(node: Node) -> Access:
    made = node.new_token("writer", read=["all"], write=["all"])
    return node.admit(Credential(made.user, made.secret))


def bodies(node: Node, **asked: Any) -> list[bytes]:
    return [item.raw for item in node.find(Query(**asked))]


def test_a_new_node_has_one_source_and_one_collection_and_gives_nothing(node: Node) -> None:
    assert [(source.name, source.kind, source.strict, source.default_marking) for source in node.sources()] == [
        ("local", "own", False, "amber+strict")
    ]
    assert [(view.title, view.alias) for view in node.collections()] == [("default", "default")]
    assert bodies(node) == []
    assert node.ready() == []


def test_a_node_opened_again_is_the_same_node(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    with Node.open(url) as first:
        key, collections = first.cursor_key(), first.collections()
    with Node.open(url) as second:
        assert (second.cursor_key(), second.collections()) == (key, collections)


def test_what_came_goes_out_byte_for_byte(node: Node) -> None:
    raw = b'{ "type":"ipv4-addr" ,\n "value":"198.51.100.7", "id":"ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd"}'
    raw = raw.replace(b'"}', b'", "x_n":1.10}')
    report = node.receive(b'{"objects":[' + raw + b"]}")
    assert (report.stored, report.rejected) == (1, [])
    assert bodies(node) == [raw]


def test_a_report_has_one_verdict_for_each_object(node: Node) -> None:
    good, other = indicator(), indicator()
    node.receive(bundle(good))
    bad = indicator(id="indicator--no-uuid")
    report = node.receive(bundle(good, {**good, "name": "another"}, other, bad))
    assert (report.stored, report.duplicates, len(report.conflicts), len(report.rejected)) == (1, 1, 1, 1)
    assert report.conflicts[0].differs == ("name",)
    assert (report.rejected[0].index, report.rejected[0].id) == (3, "indicator--no-uuid")
    assert report.rejected[0].where == "id"


def test_a_source_met_for_the_first_time_becomes_a_feed_and_the_report_says_so(node: Node) -> None:
    assert node.receive(bundle(indicator()), source="feed-x").new_source
    assert not node.receive(bundle(indicator()), source="feed-x").new_source
    feed = next(source for source in node.sources() if source.name == "feed-x")
    assert (feed.kind, feed.default_marking, feed.publish) == ("feed", "amber+strict", "review")


def test_strict_refuses_what_lenient_stores_with_a_finding(node: Node) -> None:
    faulty = indicator(valid_until="2020-01-01T00:00:00Z")
    strict = node.receive(bundle(faulty), strict=True)
    assert (strict.stored, len(strict.rejected)) == (0, 1)
    lenient = node.receive(bundle(faulty))
    assert lenient.stored == 1
    assert lenient.findings_count == len(lenient.findings) > 0
    assert node.show(faulty["id"])[0].findings[-1].problem == lenient.findings[-1].problem


def test_findings_are_counted_beyond_those_that_are_kept(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receive, "FINDINGS_MAX", 2)
    faulty = [indicator(valid_until="2020-01-01T00:00:00Z") for _ in range(5)]
    report = node.receive(bundle(*faulty))
    assert len(report.findings) == 2
    assert report.findings_count >= 5


def test_the_marking_of_an_import_holds_only_for_objects_without_tlp(node: Node) -> None:
    plain, marked = indicator(), indicator(object_marking_refs=[GREEN])
    node.receive(bundle(plain, marked), marking="tlp:red")
    shown = {value["id"]: node.show(value["id"])[0] for value in (plain, marked)}
    assert (shown[plain["id"]].tlp, shown[plain["id"]].tlp_from) == ("TLP:RED", "source")
    assert (shown[marked["id"]].tlp, shown[marked["id"]].tlp_from) == ("TLP:GREEN", "object")


def test_a_duplicate_keeps_the_marking_it_has(node: Node) -> None:
    value = indicator()
    node.receive(bundle(value))
    report = node.receive(bundle(value), marking="clear")
    assert report.duplicates == 1
    assert node.show(value["id"])[0].tlp == "TLP:AMBER+STRICT"
    assert ["keeps TLP:AMBER+STRICT; TLP:CLEAR was given" in finding.problem for finding in report.findings] == [True]
    assert node.receive(bundle(value), marking="amber+strict").findings == []
    assert node.receive(bundle(value)).findings == []


def test_what_is_no_object_in_a_bundle_is_rejected_in_its_place_alone(node: Node) -> None:
    first, last = (json.dumps(indicator()).encode() for _ in range(2))
    report = node.receive(b'{"objects":[' + first + b',3,"x",[{}],' + last + b"]}")
    assert (report.stored, report.broken) == (2, None)
    assert [item.index for item in report.rejected] == [1, 2, 3]


@pytest.mark.parametrize("title", ["default", "all"])
def test_a_collection_is_not_named_like_another_or_like_all(node: Node, title: str) -> None:
    with pytest.raises((AlreadyDone, Invalid)):
        node.add_collection(title)
    with pytest.raises((AlreadyDone, Invalid)):
        node.add_collection("x", alias=title)


def test_a_marking_means_what_the_same_source_says_it_means(node: Node) -> None:
    ref = "marking-definition--11111111-1111-4111-8111-111111111111"
    definition = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": ref,
        "created": "2026-01-01T00:00:00.000Z",
        "definition_type": "statement",
        "definition": {"statement": "Copyright 2026"},
    }
    value = indicator(object_marking_refs=[ref])
    node.receive(bundle(value), source="feed-a")
    assert node.show(value["id"])[0].tlp == "TLP:RED"
    node.receive(bundle(definition), source="feed-b")
    assert node.show(value["id"])[0].tlp == "TLP:RED"
    node.receive(bundle(definition), source="feed-a")
    shown = node.show(value["id"])[0]
    assert (shown.tlp, shown.statements) == ("TLP:AMBER+STRICT", ("Copyright 2026",))


def test_a_well_known_marking_with_other_content_is_refused_in_every_mode(node: Node) -> None:
    forged = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
        "created": "2017-01-20T00:00:00.000Z",
        "definition_type": "tlp",
        "definition": {"tlp": "white"},
    }
    report = node.receive(bundle(forged), strict=False)
    assert (report.stored, len(report.rejected)) == (0, 1)


def test_a_stream_is_stored_slice_by_slice_and_a_broken_end_loses_nothing_before_it(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receive, "SLICE_OBJECTS", 7)
    whole = bundle(*(indicator() for _ in range(20)))
    seen: list[int] = []
    report = node.receive_stream([whole[:900], whole[900:-40]], progress=seen.append)
    assert report.broken is not None
    assert report.broken.where
    assert report.stored == 19
    assert len(bodies(node)) == 19
    assert seen == sorted(seen)
    assert seen[-1] == 19


def test_a_slice_ends_at_its_bytes_too(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receive, "SLICE_BYTES", 1)
    seen: list[int] = []
    node.receive_stream([bundle(indicator(), indicator(), indicator())], progress=seen.append)
    assert seen[:3] == [1, 2, 3]


def test_the_last_version_is_found_and_an_older_one_on_request(node: Node) -> None:
    old, new = indicator(), None
    new = {**old, "modified": "2026-02-02T00:00:00.5Z", "name": "newer"}
    node.receive(bundle(new, old))
    assert json.loads(node.get(old["id"]).raw)["name"] == "newer"
    assert json.loads(node.get(old["id"], "2026-01-02T03:04:05.678000Z").raw)["name"] == old["name"]
    assert node.get(old["id"]).version == "2026-02-02T00:00:00.5Z"
    with pytest.raises(NotFound):
        node.get(old["id"], "2026-01-02T03:04:05.679Z")
    with pytest.raises(InvalidRequest):
        node.get(old["id"], "yesterday")
    with pytest.raises(NotFound):
        node.get("indicator--00000000-0000-4000-8000-000000000000")


def test_a_post_answers_with_a_status_that_only_its_poster_reads(node: Node, access: Access) -> None:
    value = indicator()
    posted = node.post(access, "default", envelope(value, {**value, "name": "x"}, address()))
    status = json.loads(posted.body)
    assert (status["total_count"], status["success_count"], status["failure_count"]) == (3, 2, 1)
    assert "name" in status["failures"][0]["message"]
    assert node.status(access, posted.id) == posted.body
    made = node.new_token("other", read=["all"], write=["all"])
    for reader in (node.admit(Credential(made.user, made.secret)), OPERATOR):
        with pytest.raises(NotFound):
            node.status(reader, posted.id)


def test_a_status_is_kept_for_a_day_at_least(node: Node, access: Access, clock: MadeClock) -> None:
    posted = node.post(access, "default", envelope(indicator()))
    clock.move(hours=25)
    node.post(access, "default", envelope(indicator()))
    assert node.status(access, posted.id)
    clock.move(hours=48)
    node.work()
    with pytest.raises(NotFound):
        node.status(access, posted.id)


def test_an_object_without_a_readable_id_refuses_the_whole_envelope(node: Node, access: Access) -> None:
    with pytest.raises(InvalidObject) as caught:
        node.post(access, "default", envelope(indicator(), {"type": "indicator"}))
    assert caught.value.where == "objects[1]"
    assert bodies(node) == []


def test_a_post_counts_as_the_source_of_its_token(node: Node) -> None:
    node.add_source("siem", strict=True)
    made = node.new_token("siem", read=["all"], write=["all"], source="siem")
    access = node.admit(Credential(made.user, made.secret))
    value = indicator()
    node.post(access, "default", envelope(value))
    assert node.show(value["id"])[0].source == "siem"
    status = json.loads(node.post(access, "default", envelope(indicator(valid_until="2020-01-01T00:00:00Z"))).body)
    assert status["failure_count"] == 1


def test_delete_withdraws_every_copy_in_this_collection_and_no_other(node: Node, access: Access) -> None:
    node.add_collection("Other", alias="other")
    value = indicator()
    node.receive(bundle(value), source="a")
    node.receive(bundle(value), source="b")
    node.receive(bundle(value), collection="other")
    assert node.delete(access, "default", value["id"]) == 2
    assert bodies(node, collection="default") == []
    assert len(bodies(node, collection="other")) == 1
    with pytest.raises(NotFound):
        node.delete(access, "default", value["id"])
    assert sorted(view.state for view in node.show(value["id"])) == ["received", "withdrawn", "withdrawn"]


def test_what_was_withdrawn_and_sent_again_is_a_new_row(node: Node, access: Access) -> None:
    value = indicator()
    node.receive(bundle(value))
    before = node.manifest(OPERATOR, Query()).items[0]
    node.delete(access, "default", value["id"])
    assert node.receive(bundle(value)).stored == 1
    after = node.manifest(OPERATOR, Query()).items[0]
    assert after.key > before.key
    assert after.added > before.added


def test_bodies_are_destroyed_when_the_time_for_undo_is_over(node: Node, access: Access, clock: MadeClock) -> None:
    value = indicator(name="a name that must go")
    node.receive(bundle(value))
    node.delete(access, "default", value["id"])
    node.work()
    clock.move(seconds=UNDO_SECONDS - 1)
    node.work()
    assert node.show(value["id"])[0].raw is not None
    clock.move(hours=2)
    node.work()
    shown = node.show(value["id"])[0]
    assert (shown.raw, shown.tlp) == (None, "TLP:RED")


def test_search_knows_what_was_stored_a_moment_ago(node: Node) -> None:
    node.receive(bundle(indicator(name="Kancil loader"), indicator(name="Other")))
    hits = node.search("kancil type:indicator")
    assert [hit.name for hit in hits.items] == ["Kancil loader"]
    assert hits.behind == 0
    assert not node.work()


def test_export_and_import_give_the_same_digests(node: Node, tmp_path: Path) -> None:
    value = indicator()
    node.receive(bundle(value, {**value, "modified": "2026-05-05T00:00:00.000Z"}, address()))
    for lines in (False, True):
        written: list[bytes] = []
        assert node.export(written.append, lines=lines) == 3
        with Node.open(f"sqlite:///{tmp_path}/b{lines}.db") as other:
            report = other.receive_stream([b"".join(written)], lines=lines)
            assert (report.stored, report.rejected) == (3, [])
            everything = Query(versions=("all",))
            assert [i.raw for i in other.find(everything)] == [i.raw for i in node.find(everything)]


def test_an_empty_export_is_a_bundle_too(node: Node) -> None:
    written: list[bytes] = []
    assert node.export(written.append) == 0
    assert json.loads(b"".join(written))["type"] == "bundle"


def test_pages_are_joined_without_loss(node: Node) -> None:
    node.receive(bundle(*(indicator() for _ in range(23))))
    assert bodies(node, limit=5) == bodies(node)


def test_counts_say_what_is_held(node: Node) -> None:
    node.receive(bundle(indicator(), address()))
    counts = node.counts()
    assert (counts.objects, counts.copies, counts.types) == (2, 2, {"indicator": 1, "ipv4-addr": 1})
    assert counts.last_added is not None
    assert counts.last_added >= microseconds(node.clock.now())
    assert node.check() == []


@pytest.mark.parametrize("alias", ["", "Öl", "a/b", ".", "a b", "x" * 101])
def test_an_alias_that_cannot_stand_in_a_path_is_refused(node: Node, alias: str) -> None:
    with pytest.raises(Invalid):
        node.add_collection("x", alias=alias)


def test_an_alias_and_a_source_name_are_taken_once(node: Node) -> None:
    with pytest.raises(AlreadyDone):
        node.add_collection("x", alias="default")
    with pytest.raises(AlreadyDone):
        node.add_source("local")
    with pytest.raises(Invalid):
        node.add_source("x", kind="partner")
    with pytest.raises(Invalid):
        node.add_source("y", default_marking="purple")


@pytest.mark.parametrize("tail", ["\0", "\0x", "\ud800"])
def test_an_id_with_a_tail_that_no_id_has_is_another_id(node: Node, access: Access, tail: str) -> None:
    value = indicator()
    node.receive(bundle(value))
    for id in (value["id"] + tail, tail + value["id"]):
        assert bodies(node, ids=(id,)) == []
        with pytest.raises(NotFound):
            node.delete(access, "default", id)
        with pytest.raises(NotFound):
            node.show(id)
    assert len(bodies(node)) == 1


def test_a_line_that_cannot_be_read_is_rejected_and_the_others_are_stored(node: Node) -> None:
    lines = [
        json.dumps(indicator()).encode(),
        b"{broken",
        b'{"source":"x","bundle":{}}',
        json.dumps(indicator()).encode(),
    ]
    report = node.receive_stream([b"\n".join(lines)], lines=True)
    assert (report.stored, report.broken) == (2, None)
    assert [(item.index, item.where) for item in report.rejected] == [(1, "line 2"), (2, "line 3")]


def test_nothing_of_a_node_is_left_to_another_class() -> None:
    """A class may say that another one will do something. In a whole node that one does."""
    members = [inspect.getattr_static(Node, name) for name in dir(Node)]
    functions = [one for one in members if inspect.isfunction(one)]
    assert len(functions) > 300
    assert [one.__qualname__ for one in functions if "raise NotImplementedError" in inspect.getsource(one)] == []
