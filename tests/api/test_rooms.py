"""What operations tell and do is what pages tell and do, since both stand on the same verbs."""

from typing import Any

import msgspec
import orjson
import pytest
from tests.api_world import ARTIFACT, Programs
from tests.desk_world import Desk

from comity.node.people import READING
from comity.node.policies import starter_texts
from comity.web.api.operations import OPERATIONS
from comity.web.ui import search as search_page

pytestmark = pytest.mark.slow

World = tuple[Desk, Programs]


def filled(desk: Desk, path: str) -> str:
    """An address of that path at which something is."""
    signed = desk.node.last_signed()
    assert signed is not None
    names = {
        "{object}": desk.green["id"],
        "{partner}": "CERT-B",
        "{proposal}": desk.waits,
        "{recall}": desk.recall,
        "{seq}": str(signed[0] - 1),
        "{source}": "local",
    }
    with desk.staff.acting("rolf"):
        names |= {
            "{search}": desk.node.saved_searches()[0].id,
            "{draft}": desk.node.drafts()[0].id,
            "{upload}": desk.node.uploads()[0].id,
            "{batch}": desk.node.batches()[0].batch.id,
        }
    if path.endswith("/attachment"):
        names["{object}"] = ARTIFACT["id"]
    for name, text in names.items():
        path = path.replace(name, text)
    return path + {
        "/release/preview": "?to=CERT-B",
        "/release/reading": "?to=CERT-B",
        "/release/record": "?to=CERT-B",
    }.get(path, "")


def caller(one: Any) -> str:
    """Somebody of the staff who may call it."""
    return "adam" if "admin" in one.roles else "rolf" if "releaser" in one.roles else "arno"


LOOKS = [one for one in OPERATIONS if one.method == "GET"]


@pytest.mark.parametrize("one", LOOKS, ids=lambda one: one.path)
def test_what_is_told_is_what_the_schema_says(desk: Desk, looking: Programs, one: Any) -> None:
    reply = looking.ask(caller(one), "GET", filled(desk, one.path))
    assert reply.status == 200, reply.body
    assert (reply.header("content-type") or "").partition(";")[0] == one.media.partition(";")[0]
    if one.result in (bytes, dict):
        assert reply.body
        return
    told = msgspec.json.decode(reply.body, type=one.result)
    assert orjson.loads(msgspec.json.encode(told)) == reply.json, "there is no member beside those of the schema"


@pytest.mark.parametrize(
    ("page", "path"),
    [
        ("/release/preview.json?to=CERT-B", "/release/preview?to=CERT-B"),
        (
            "/release/preview.json?to=CERT-B&what_if=to.max_tlp%3Damber",
            "/release/preview?to=CERT-B&what_if=to.max_tlp%3Damber",
        ),
        ("/release/matrix.json", "/release/matrix"),
        ("/release/record.json?to=CERT-B", "/release/record?to=CERT-B"),
    ],
)
@pytest.mark.parametrize("by", ["rolf", "arno"])
def test_a_page_for_programs_says_the_same(desk: Desk, looking: Programs, page: str, path: str, by: str) -> None:
    there, here = orjson.loads(desk.get(page, by).body), looking.get(by, path)
    there.setdefault("not_shown", there.get("summary", {}).pop("not_shown", None))
    for one in there["items"]:
        for way in ("first", "last"):
            if way in one:
                one[way]["at"] = one[way]["at"].replace("+00:00", "Z")
                one["partner"] = None
    if "record" in path:
        del there["not_shown"]
    assert here == there
    assert here["items"] or by == "arno"


def test_a_search_finds_what_the_page_finds(desk: Desk, looking: Programs) -> None:
    there = orjson.loads(desk.staff.get(search_page.as_json, "/search.json", by="rita", q="Beacon").body)
    here = looking.get("rita", "/objects?q=Beacon")
    assert here["items"] == there["items"] != []
    assert here["behind"] == there["behind"]


def test_what_may_not_be_read_is_nowhere(desk: Desk, looking: Programs) -> None:
    """R64: what is TLP:RED of others is told to no account, not as an object, a name, or a count."""
    id = desk.red["id"]
    with desk.staff.acting("rita"):
        kept = {name.name for name in desk.node.partners()}
    assert kept
    for one in LOOKS:
        by = "rita" if "reader" in one.roles else caller(one)
        reply = looking.ask(by, "GET", filled(desk, one.path))
        if one.path not in ("/ledger/entries", "/ledger/entries/{seq}", "/openapi.json", "/audit", "/audit/report"):
            assert id.encode() not in reply.body, one.path
        assert b"Their secret" not in reply.body, one.path
    for tail in ("", "/raw", "/relations", "/timeline", "/history", "/copies", "/who", "/attachment"):
        strange, none = (looking.ask("rita", "GET", f"/objects/{each}{tail}") for each in (id, f"{id[:-1]}x"))
        assert (strange.status, none.status) == (404, 404)
        told, other = (each.json["detail"].replace(i, "ID") for each, i in ((strange, id), (none, f"{id[:-1]}x")))
        assert told == other, "nor can it be told from what is not there"
    assert not set(READING) & {"admin"}


def test_the_bytes_of_an_object_are_those_that_came(desk: Desk, looking: Programs) -> None:
    reply = looking.ask("rita", "GET", f"/objects/{desk.green['id']}/raw")
    assert orjson.loads(reply.body) == desk.green
    assert reply.header("content-security-policy") == "sandbox; default-src 'none'"
    assert "attachment" in (reply.header("content-disposition") or "")
    assert looking.get("rita", f"/objects/{desk.green['id']}")["copies"][0]["object"] == desk.green


def test_a_reading_is_what_the_partner_reads(desk: Desk, looking: Programs) -> None:
    reply = looking.ask("rolf", "GET", "/release/reading?to=CERT-B")
    assert {one["id"] for one in reply.json.get("objects", [])} == desk.world_ids("CERT-B") != set()


# -- what is done ------------------------------------------------------------------------------------------------------
def test_it_is_published_as_many_as_were_counted(changing: World) -> None:
    desk, api = changing
    asked = {"ids": [desk.fresh["id"]]}
    counted = api.ask("rolf", "POST", "/release/publish", asked | {"dry_run": True}).json
    assert (counted["count"], counted["done"]) == (1, False)
    assert api.ask("rolf", "POST", "/release/publish", asked).json["rule"] == "R12"
    assert api.ask("rolf", "POST", "/release/publish", {"dry_run": True}).status == 422, "all has to be said"
    assert api.ask("rolf", "POST", "/release/publish", asked | {"expected": 2}).status == 409
    done = api.ask("rolf", "POST", "/release/publish", asked | {"expected": 1, "hold_seconds": 60}).json
    assert (done["count"], done["done"], done["by_tlp"]) == (1, True, {"TLP:GREEN": 1})
    assert done["held_until"].endswith("Z")
    back = api.ask("rolf", "POST", "/release/unpublish", asked | {"expected": 1}).json
    assert back == {"count": 1, "done": True}


def test_what_widens_waits_for_another_and_takes_effect_by_what_was_looked_at(changing: World) -> None:
    desk, api = changing
    path = f"/approvals/{desk.waits}"
    one = api.get("petra", path)
    assert (one["state"], one["mine"], one["kind"]) == ("waiting", False, "partner")
    assert api.get("adam", path)["mine"] is True
    assert api.ask("petra", "POST", f"{path}/approve", {"digest": "x"}).json["rule"] == "R14"
    assert api.ask("adam", "POST", f"{path}/approve", {"digest": one["digest"]}).status == 403, "who asked, never"
    assert api.ask("petra", "POST", f"{path}/approve", {"digest": one["digest"]}).json["state"] == "approved"
    assert desk.node.partner("CERT-D").state == "active"
    tag, older = api.tag("adam", "/partners/CERT-D"), {"history_from": "1970-01-01T00:00:00Z"}
    waits = api.ask("adam", "PATCH", "/partners/CERT-D", older, if_match=tag)
    assert waits.status == 202
    assert desk.node.partner("CERT-D").history_from is None
    there = api.get("petra", f"/approvals/{waits.json['waits']}")
    assert api.ask("petra", "POST", f"/approvals/{there['id']}/reject", {"digest": there["digest"]}).status == 200
    assert [each["state"] for each in api.get("rita", "/approvals?all=true")["items"]] == ["rejected", "approved"]


def test_steps_of_a_partner_are_tried_and_taken(changing: World) -> None:
    desk, api = changing
    tried = api.ask("adam", "POST", "/partners/CERT-B/steps", {"step": "pause", "dry_run": True}).json
    assert (tried["partner"]["state"], desk.node.partner("CERT-B").state) == ("suspended", "active")
    assert api.ask("adam", "POST", "/partners/CERT-B/steps", {"step": "pause"}).status == 200
    assert api.get("rita", "/partners?state=suspended")["items"][0]["partner"]["name"] == "CERT-B"
    assert api.get("rita", "/partners/CERT-B/standing")["state"] == "suspended"


def test_a_partner_has_the_facets_that_were_given(changing: World) -> None:
    desk, api = changing
    given = {
        "name": "CERT-E", "sectors": ["energy"], "jurisdictions": ["EE"], "cap_objects_day": 5,
        "agreement_until": "2030-01-01T02:00:00+02:00", "history_from": "1970-01-01T00:00:00Z",
    }  # fmt: skip
    made = api.ask("adam", "POST", "/partners", given).json
    assert (made["agreement_until"], made["history_from"]) == ("2030-01-01T00:00:00Z", "1970-01-01T00:00:00Z")
    kept = desk.node.partner(made["id"])
    assert (kept.history_from, kept.sectors, kept.jurisdictions, kept.cap_objects_day) == (0, ("energy",), ("EE",), 5)
    path = f"/partners/{made['id']}"
    cleared = {"jurisdictions": None, "cap_objects_day": None, "agreement_until": None}
    api.ask("adam", "PATCH", path, cleared, if_match=api.tag("adam", path))
    kept = desk.node.partner(made["id"])
    assert (kept.jurisdictions, kept.cap_objects_day, kept.agreement_until) == (None, None, None)
    assert api.ask("adam", "PATCH", path, {}, if_match=api.tag("adam", path)).status == 422


def test_a_policy_is_checked_compared_and_put_in_force(changing: World) -> None:
    desk, api = changing
    text, cases = starter_texts()["nothing"]
    wrong = api.ask("adam", "POST", "/policy/check", {"text": "permit", "cases": ""}).json
    assert (wrong["sound"], wrong["problems"][0]["document"], wrong["difference"]) == (False, "policy", None)
    good = api.ask("adam", "POST", "/policy/check", {"text": text, "cases": cases}).json
    assert (good["sound"], good["difference"]["widens"]) == (True, False)
    tag = api.tag("adam", "/policy")
    before = api.get("rita", "/policy")["version"]
    done = api.ask("adam", "PUT", "/policy", {"text": text, "cases": cases}, if_match=tag)
    assert (done.status, done.json["version"], done.json["digest"]) == (200, before + 1, good["digest"])
    assert desk.node.policy().digest == good["digest"]
    assert api.ask("adam", "PUT", "/policy", {"text": text, "cases": cases}, if_match=tag).status == 412
    assert [one["version"] for one in api.get("rita", "/policy/versions")["items"]][:2] == [before + 1, before]
    assert api.get("rita", f"/policy?version={before}")["version"] == before
    assert "nothing" in {one["name"] for one in api.get("rita", "/policy/starters")["items"]}


def test_something_is_taken_back(changing: World) -> None:
    desk, api = changing
    order = {"what": [desk.green["id"]], "kind": "retract", "reason": "mistake"}
    tried = api.ask("rolf", "POST", "/recalls", order | {"dry_run": True})
    assert (tried.status, tried.json["id"], tried.header("location")) == (200, None, None)
    done = api.ask("rolf", "POST", "/recalls", order)
    assert done.status == 201
    assert done.json | {"id": None} == tried.json
    there = api.get("rita", done.header("location") or "")
    assert (there["ids"], there["reason"]) == ([desk.green["id"]], "mistake")
    assert {one["partner"] for one in there["recipients"]} == {"CERT-B", "CERT-C"}


def test_the_ledger_is_signed_verified_proved_and_exported(changing: World) -> None:
    _, api = changing
    signed = api.ask("rita", "POST", "/ledger/sign").json
    assert api.ask("rita", "GET", "/ledger/checkpoint").body.decode() == signed["checkpoint"]
    found = api.ask("rita", "POST", "/ledger/verify", {"held": signed["checkpoint"]}).json
    assert (found["ok"], found["size"], found["held"]) == (True, signed["size"], 1)
    one = api.get("rolf", f"/ledger/entries/{signed['size'] - 1}")
    assert api.ask("rolf", "GET", f"/ledger/entries/{one['seq']}/proof").body.decode() == one["proof"]
    assert api.get("arno", f"/ledger/entries/{one['seq']}")["proof"] is None, "who only counts proves nothing"
    lines = api.ask("arno", "POST", "/ledger/export", {}).body.splitlines()
    assert len(lines) > signed["size"]


def test_people_and_tokens_are_administered(changing: World) -> None:
    desk, api = changing
    made = api.ask("adam", "POST", "/people", {"name": "bela", "roles": ["reader"]})
    assert made.status == 201
    with desk.node.acting("bela", made.json["secret"]):
        desk.node.own_account()
    again = api.ask("adam", "POST", "/people/bela/reset").json
    assert again["secret"] != made.json["secret"]
    assert api.ask("adam", "POST", "/people/adam/reset").status == 409
    gone = api.ask("adam", "POST", "/people/bela/disable").json
    assert (gone["state"], gone["tokens"]) == ("disabled", [])
    token = api.ask("adam", "POST", "/tokens", {"name": "theirs", "read": ["all"], "partner": "CERT-B"}).json
    rows = {one["id"]: one for one in api.get("adam", "/tokens")["items"]}
    assert rows[token["user"]]["partner"] == "CERT-B"
    assert {one["account"] for one in rows.values()} >= {"adam", "rita"}
    assert token["secret"] not in orjson.dumps(rows).decode()
    assert api.ask("adam", "DELETE", f"/tokens/{token['user']}").json == {"done": True}
    assert {one["id"]: one for one in api.get("adam", "/tokens")["items"]}[token["user"]]["state"] == "ended"


def test_sources_are_paused_and_resumed(changing: World) -> None:
    desk, api = changing
    with desk.staff.acting("adam"):
        desk.node.add_taxii_source("peer", "https://peer.example/taxii2/")
    assert api.ask("adam", "POST", "/sources/peer/pause").json["poll"]["paused"] is True
    assert api.ask("adam", "POST", "/sources/peer/poll").status == 409
    assert api.ask("adam", "POST", "/sources/peer/resume").json["poll"]["paused"] is False
    assert api.ask("adam", "POST", "/sources/peer/poll").json["why"] in ("never", "fine")
    assert api.ask("rita", "POST", "/sources/peer/pause").status == 403


def test_the_audit_log_is_read_and_checked(changing: World) -> None:
    desk, api = changing
    api.get("rita", f"/objects/{desk.green['id']}/timeline")
    desk.node.looks.flush()
    rows = api.get("audra", "/audit?act=holders")["items"]
    names = {one.id: one.name for one in desk.node.users()}
    assert "rita" in [names.get(one["account"]) for one in rows]
    assert api.ask("audra", "POST", "/audit/verify").json == {"ok": True}
    assert api.get("audra", "/audit/report?partner=CERT-B")["partner"] == "CERT-B"
    assert api.ask("audra", "GET", "/audit/report?since=2030-01-01T00:00:00Z&until=2029-01-01T00:00:00Z").status == 422


def test_looks_and_sessions_are_ones_own(changing: World) -> None:
    desk, api = changing
    assert api.ask("rita", "PUT", "/account/looks", {"language": "id", "theme": "dark"}).json == {"done": True}
    assert (api.get("rita", "/account")["language"], api.get("rita", "/account")["theme"]) == ("id", "dark")
    assert api.ask("rita", "PUT", "/account/looks", {"language": "zz"}).status == 422
    with desk.staff.acting("rita"):
        pass
    signed_in = desk.node.sign_in("rita", desk.staff.users["rita"].secret)
    assert [one["id"] for one in api.get("rita", "/account/sessions")["items"]] == [signed_in.session.id]
    assert api.ask("ana", "DELETE", f"/account/sessions/{signed_in.session.id}").status == 404
    assert api.ask("rita", "DELETE", f"/account/sessions/{signed_in.session.id}").status == 200
    assert api.get("rita", "/account/sessions")["items"] == []
