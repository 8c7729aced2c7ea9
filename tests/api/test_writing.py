"""What is written, imported, kept and done to many objects by programs is what is done at the pages of it."""

from typing import Any

import orjson
import pytest
from tests.api_world import ARTIFACT, FORM_BYTES, Programs
from tests.asgi import Reply
from tests.desk_world import Desk
from tests.gate_world import marked
from tests.world import bundle

from comity.stix.markings import TLP

pytestmark = pytest.mark.slow

World = tuple[Desk, Programs]
FILE = {"content_type": "application/octet-stream"}


def sent(api: Programs, content: bytes, by: str = "ana", query: str = "name=some.json", **headers: str) -> Reply:
    """The answer to a file."""
    return api.ask(by, "POST", f"/imports?{query}", content, **(FILE | headers))


def names(api: Programs, by: str = "rolf") -> set[str]:
    """What a search finds."""
    return {one["name"] for one in api.get(by, "/objects?limit=200")["items"]}


def indexed(desk: Desk) -> None:
    """What is there is found by its words."""
    while desk.node.store.index_text(100):
        pass


# -- searches ----------------------------------------------------------------------------------------------------------
def test_a_search_is_kept_opened_and_dropped_by_its_owner_alone(changing: World) -> None:
    desk, api = changing
    wanted = {"name": "Green ones", "q": "Fresh", "type": ["indicator"], "source": ["local"], "tlp": "green"}
    indexed(desk)
    made = api.ask("rita", "POST", "/searches", wanted)
    assert made.status == 201, made.body
    assert api.ask("rita", "POST", "/searches", wanted).status == 409
    (one,) = api.get("rita", "/searches")["items"]
    assert (one["id"], one["query"], one["new"]) == (
        made.json["id"], "q=Fresh&type=indicator&from=local&tlp=green", 0,
    )  # fmt: skip
    assert [hit["id"] for hit in api.get("rita", one["objects"])["items"]] == [desk.fresh["id"]]
    desk.clock.move(seconds=60)
    desk.node.receive(bundle(marked(TLP.GREEN, name="Fresh as well")))
    indexed(desk)
    assert api.get("rita", "/searches")["items"][0]["new"] == 1
    assert api.get("rolf", "/searches")["items"][0]["name"] == "Beacons"
    for method, tail in (("POST", "/open"), ("DELETE", "")):
        assert api.ask("rolf", method, f"/searches/{one['id']}{tail}").status == 404
    desk.clock.move(seconds=60)
    opened = api.ask("rita", "POST", f"/searches/{one['id']}/open").json
    assert opened == {"query": one["query"], "objects": one["objects"]}
    assert api.get("rita", "/searches")["items"][0]["new"] == 0
    assert api.ask("rita", "DELETE", f"/searches/{one['id']}").json == {"done": True}
    assert api.get("rita", "/searches")["items"] == []
    for nothing in ({"name": "All"}, {"name": "Bad", "q": "x", "tlp": "pink"}):
        assert api.ask("rita", "POST", "/searches", nothing).status == 422, nothing


# -- drafts ------------------------------------------------------------------------------------------------------------
def saved(api: Programs, draft: dict[str, Any]) -> Reply:
    """The answer to saving the draft as it is."""
    told = api.get("rolf", f"/drafts/{draft['id']}/foretold")
    given = {"shown": told["shown"], "revision": draft["revision"]}
    return api.ask("rolf", "POST", f"/drafts/{draft['id']}/save", given)


def test_a_draft_is_its_writers_alone_and_becomes_what_was_shown(changing: World) -> None:
    desk, api = changing
    made = api.ask("rolf", "POST", "/drafts", {"type": "incident", "fields": {"tlp": "green"}})
    path = made.header("location") or ""
    assert (made.status, made.json["revision"], api.get("rolf", path)) == (201, 1, made.json)
    assert api.ask("ana", "GET", path).status == 404
    assert [fault["field"] for fault in api.get("rolf", f"{path}/foretold")["faults"]] == ["name"]
    assert saved(api, made.json).status == 422
    tag = api.tag("rolf", path)
    named = api.ask("rolf", "PATCH", path, {"fields": {"name": "Theft"}}, if_match=tag)
    assert (named.json["fields"]["name"], named.json["fields"]["tlp"]) == ("Theft", "green")
    assert api.ask("rolf", "PATCH", path, {"fields": {"name": "Other"}}, if_match=tag).status == 412
    told = api.get("rolf", f"{path}/foretold")
    assert {one["partner"]: one["decision"] for one in told["who"]}["CERT-B"] == "release"
    before = {"shown": told["shown"], "revision": named.json["revision"]}
    tag = api.tag("rolf", path)
    wider = api.ask("rolf", "PATCH", path, {"fields": {"tlp": "clear"}}, if_match=tag).json
    refused = api.ask("rolf", "POST", f"{path}/save", before | {"revision": wider["revision"]})
    assert (refused.status, refused.json["rule"]) == (409, "R12"), "who would get it is not what was shown"
    assert api.ask("rolf", "POST", f"{path}/save", before).status == 409
    done = saved(api, wider)
    assert done.status == 201, done.body
    assert api.get("rolf", done.header("location") or "")["name"] == "Theft"
    assert api.ask("rolf", "GET", path).status == 404
    with desk.staff.acting("rolf"):
        assert [one.object for one in desk.node.drafts()] != [done.json["id"]]


def test_a_new_version_says_what_was_not_touched_and_follows_what_came_between(changing: World) -> None:
    desk, api = changing
    first = {"type": "incident", "fields": {"name": "Theft", "description": "Of data", "tlp": "green"}}
    object = saved(api, api.ask("rolf", "POST", "/drafts", first).json).json
    desk.clock.move(seconds=60)
    edit = {"type": "incident", "object": object["id"], "version": object["version"]}
    mine = api.ask("rolf", "POST", "/drafts", edit | {"fields": {"name": "Theft of keys"}}).json
    assert (mine["fields"]["description"], mine["base"]) == ("Of data", object["version"])
    assert api.ask("rolf", "POST", "/drafts", edit | {"type": "report"}).status == 422
    theirs = api.ask("rolf", "POST", "/drafts", edit | {"fields": {"description": "Of keys"}}).json
    desk.clock.move(seconds=60)
    newer = saved(api, theirs).json
    assert api.get("rolf", f"/drafts/{mine['id']}/foretold")["newest"] == newer["version"]
    assert saved(api, mine).json["rule"] == "R18"
    given = {"base": newer["version"], "revision": mine["revision"]}
    rebased = api.ask("rolf", "POST", f"/drafts/{mine['id']}/rebase", given).json
    assert (rebased["fields"]["name"], rebased["fields"]["description"]) == ("Theft of keys", "Of keys")
    desk.clock.move(seconds=60)
    assert saved(api, rebased).status == 201
    assert api.ask("rolf", "POST", "/drafts", {"type": "malware"}).status == 422
    (left,) = api.get("rolf", "/drafts")["items"]
    assert api.ask("rolf", "POST", f"/drafts/{left['id']}/discard").json == {"done": True}
    assert api.get("rolf", "/drafts")["items"] == []


def test_what_is_not_ours_is_not_edited(changing: World) -> None:
    desk, api = changing
    theirs = {"type": "indicator", "object": desk.red["id"], "version": desk.red["modified"]}
    assert api.ask("rolf", "POST", "/drafts", theirs).status == 404, "R64"


# -- files -------------------------------------------------------------------------------------------------------------
def test_a_file_is_looked_at_and_then_stored_as_it_was_shown(changing: World) -> None:
    _, api = changing
    made = sent(api, bundle(marked(TLP.GREEN, name="Uploaded")), query="name=some.json&source=local&marking=amber")
    path = made.header("location") or ""
    assert (made.status, made.json["state"], made.json["preview"]["new"]) == (201, "ready", 1)
    assert made.json["files"][0]["name"] == "some.json"
    assert api.get("ana", path) == api.get("ana", "/imports")["items"][0] == made.json
    assert (api.ask("rolf", "GET", path).status, api.get("rolf", "/imports")["items"]) == (404, [])
    assert "Uploaded" not in names(api)
    assert api.ask("ana", "POST", f"{path}/confirm", {"digest": "x"}).status == 409
    done = api.ask("ana", "POST", f"{path}/confirm", {"digest": made.json["digest"]})
    assert (done.status, done.json["state"]) == (200, "stored")
    assert "Uploaded" in names(api)
    other = sent(api, bundle(marked(TLP.GREEN, name="Dropped"))).header("location") or ""
    assert api.ask("ana", "POST", f"{other}/drop").json == {"done": True}
    assert api.ask("ana", "GET", other).status == 404


def test_a_file_that_cannot_be_taken_leaves_nothing(changing: World) -> None:
    desk, api = changing
    content = bundle(marked(TLP.GREEN, name="Uploaded"))
    for reply, status in (
        (sent(api, content, by="rita"), 403),
        (sent(api, content, query="source=local"), 400),
        (sent(api, content, query="name=a&source=nowhere"), 404),
        (sent(api, content, query="name=a&marking=pink"), 422),
        (sent(api, content, content_type="application/json"), 415),
        (sent(api, b" " * (FORM_BYTES + 1)), 413),
    ):
        assert reply.status == status, reply.body
    assert desk.node.staging is not None
    assert not list(desk.node.staging.folder.glob("*"))


def test_a_file_that_is_sent_twice_under_a_key_is_put_aside_once(changing: World) -> None:
    _, api = changing
    content = bundle(marked(TLP.GREEN, name="Uploaded"))
    first, again = (sent(api, content, idempotency_key="one") for _ in range(2))
    assert (first.json, again.header("idempotency-replayed")) == (again.json, "true")
    assert len(api.get("ana", "/imports")["items"]) == 1
    assert sent(api, content + b" ", idempotency_key="one").status == 422


# -- many at once ------------------------------------------------------------------------------------------------------
def test_many_are_looked_at_withdrawn_and_come_back(changing: World) -> None:
    desk, api = changing
    wanted = {"act": "withdraw", "ids": [desk.green["id"], desk.fresh["id"]]}
    before = names(api)
    desk.clock.move(seconds=60)
    told = api.ask("rolf", "POST", "/bulk/preview", wanted).json
    assert (told["copies"], told["objects"], told["published"]) == (2, 2, 1)
    assert told["becomes"] == [{"state": "done", "why": "", "count": 2}]
    assert names(api) == before
    assert api.ask("rolf", "POST", "/bulk", wanted).status == 422, "nobody does what was not looked at"
    assert api.ask("rolf", "POST", "/bulk", wanted | {"seal": "x"}).status == 409
    done = api.ask("rolf", "POST", "/bulk", wanted | {"seal": told["seal"], "reason": "a mistake"})
    path = done.header("location") or ""
    assert (done.status, done.json["copies"], done.json["left"]) == (201, 2, 0)
    assert names(api) == before - {"Beacon", "Fresh"}
    one = api.get("rolf", path)
    assert (one["reason"], one["by"], one["may_undo"]) == ("a mistake", "rolf", True)
    assert api.ask("ana", "GET", path).status == 404
    assert api.get("adam", "/batches")["items"][0]["id"] == one["id"]
    assert api.ask("rolf", "POST", f"{path}/undo").json["undone"]
    assert names(api) == before
    assert api.ask("rolf", "POST", f"{path}/undo").status == 409


def test_what_a_batch_passed_over_is_tried_again(changing: World) -> None:
    desk, api = changing
    wanted = {"act": "withdraw", "ids": [desk.green["id"]]}
    told = api.ask("ana", "POST", "/bulk/preview", wanted).json
    assert told["becomes"] == [{"state": "failed", "why": "published", "count": 1}]
    path = api.ask("ana", "POST", "/bulk", wanted | {"seal": told["seal"]}).header("location")
    assert api.ask("rolf", "POST", "/release/unpublish", {"ids": wanted["ids"], "expected": 1}).status == 200
    assert api.ask("ana", "POST", f"{path}/retry", {"why": "gone"}).status == 409
    again = api.ask("ana", "POST", f"{path}/retry", {"why": "published"}).json
    assert [(one["state"], one["count"]) for one in again["became"]] == [("done", 1)]


def test_many_are_marked(changing: World) -> None:
    _, api = changing
    wanted = {"act": "mark", "level": "red", "q": "Fresh"}
    told = api.ask("rolf", "POST", "/bulk/preview", wanted).json
    assert [one["name"] for one in told["sample"]] == ["Fresh"]
    sealed = wanted | {"seal": told["seal"]}
    assert api.ask("rolf", "POST", "/bulk", sealed).json["where"] == "reason"
    done = api.ask("rolf", "POST", "/bulk", sealed | {"reason": "too wide"}).json
    assert (done["level"], done["asked"]) == ("TLP:RED", "Fresh")
    for wrong in ({"act": "mark", "q": "x"}, {"act": "withdraw", "level": "red", "q": "x"}, {"act": "withdraw"}):
        assert api.ask("rolf", "POST", "/bulk/preview", wrong).status == 422, wrong


# -- attachments -------------------------------------------------------------------------------------------------------
def test_an_attachment_is_told_and_not_given(desk: Desk, looking: Programs) -> None:
    reply = looking.ask("rita", "GET", f"/objects/{ARTIFACT['id']}/attachment")
    told = orjson.loads(reply.body)
    assert (told["kind"], told["size"], told["broken"]) == ("text/html", 3, False)
    assert told["hashes"] == [{"name": "MD5", "value": "0" * 32, "holds": False}]
    assert b"payload" not in reply.body
    assert looking.ask("rita", "GET", f"/objects/{desk.green['id']}/attachment").status == 404
