"""How the API answers: problems, entity tags, guarded changes, keys of requests, pages of lists, and bounds."""

import gzip
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from tests.api_world import Programs
from tests.desk_world import Desk

from comity.errors import Invalid
from comity.web.api.operation import ROOT, Given
from comity.web.api.operations import OPERATIONS
from comity.web.api.reading import body_of, names_tag

pytestmark = pytest.mark.slow

World = tuple[Desk, Programs]


# -- problems ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("by", "method", "path", "body", "status", "code"),
    [
        ("rita", "GET", "/objects?limit=0", None, 400, "invalid-request"),
        ("rita", "GET", "/objects?limit=1&limit=2", None, 400, "invalid-request"),
        ("rita", "GET", "/objects?limit=%2B1", None, 400, "invalid-request"),
        ("rita", "GET", "/objects?facets=yes", None, 400, "invalid-request"),
        ("rita", "GET", "/objects?nonsense=1", None, 400, "invalid-request"),
        ("rita", "GET", "/objects?q=%ff", None, 400, "invalid-request"),
        ("rita", "GET", "/objects?q=seen:never", None, 422, "invalid"),
        ("rita", "GET", "/objects/x", None, 404, "not-found"),
        ("rita", "GET", "/release/preview", None, 400, "invalid-request"),
        ("rita", "GET", "/release/preview?to=nobody", None, 404, "not-found"),
        ("rita", "GET", "/release/record", None, 422, "invalid"),
        ("adam", "GET", "/ledger/entries?before=x", None, 400, "invalid-request"),
        ("rita", "GET", "/people", None, 403, "not-authorized"),
        ("rita", "DELETE", "/objects", None, 405, "method-not-allowed"),
        ("rita", "GET", "/nothing", None, 404, "not-found"),
        ("adam", "POST", "/partners", b"{", 400, "invalid-request"),
        ("adam", "POST", "/partners", b"\xff", 400, "invalid-request"),
        ("adam", "POST", "/partners", [], 422, "invalid"),
        ("adam", "POST", "/partners", {}, 422, "invalid"),
        ("adam", "POST", "/partners", {"name": 1}, 422, "invalid"),
        ("adam", "POST", "/partners", {"name": "CERT-B"}, 409, "already-done"),
        ("adam", "POST", "/partners", {"name": "E", "agreement_from": "0001-01-01T00:00:00+14:00"}, 422, "invalid"),
        ("adam", "POST", "/policy/check", b'{"text":"' + b"x" * 2_000_000 + b'"}', 413, "too-large"),
        ("adam", "POST", "/partners", b" " * 100_001, 413, "too-large"),
    ],
)
def test_what_is_refused_is_a_problem_that_names_its_place(
    looking: Programs, by: str, method: str, path: str, body: Any, status: int, code: str
) -> None:
    reply = looking.ask(by, method, path, body)
    assert (reply.status, reply.json["code"]) == (status, code), reply.body
    assert reply.header("content-type") == "application/problem+json"
    assert reply.json["status"] == status
    assert reply.json["detail"]
    assert reply.json["instance"].startswith("urn:request:")


def test_a_path_that_is_not_there_is_refused_as_anywhere(looking: Programs) -> None:
    assert looking.ask("rita", "GET", "/api/v2/objects").status == 404
    assert looking.ask("rita", "GET", "/objects/").status == 404
    assert looking.ask("rita", "POST", "/objects", {}).header("allow") == "GET, HEAD"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_is_json_and_says_so(looking: Programs, kind: str) -> None:
    reply = looking.ask("adam", "POST", "/partners", b'{"name":"E"}', content_type=kind)
    assert (reply.status, reply.json["code"]) == (415, "json-alone")
    assert reply.header("accept") == "application/json"
    assert looking.ask("adam", "POST", "/partners", gzip.compress(b"{}"), content_encoding="gzip").status == 415


@pytest.mark.parametrize("one", [one for one in OPERATIONS if one.body], ids=lambda one: f"{one.method} {one.path}")
def test_a_member_that_is_not_named_is_refused(one: Any) -> None:
    """What the next version has, or the record behind has, cannot be set from outside (mass assignment)."""
    for name in ("id", "state", "activated_at", "zqx"):
        with pytest.raises(Invalid) as refused:
            body_of(orjson.dumps({name: "x"}), one.body)
        assert refused.value.where


def test_a_body_that_would_let_more_in_would_be_found() -> None:
    class Loose(Given, frozen=True, kw_only=True, forbid_unknown_fields=False):
        name: str = ""

    assert body_of(b'{"state":"active"}', Loose) == Loose()
    with pytest.raises(Invalid):
        body_of(b"[" * 100_000, Loose)


# -- entity tags -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "path", ["/partners/CERT-B", "/policy", "/objects", "/openapi.json", "/sources", "/ledger/checkpoint"]
)
def test_what_is_the_same_is_not_sent_again(looking: Programs, path: str) -> None:
    first = looking.ask("rita", "GET", path)
    tag = first.header("etag") or ""
    assert (first.status, tag[:1], tag[:2] == "W/") == (200, '"', False)
    for given in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        again = looking.ask("rita", "GET", path, if_none_match=given)
        assert (again.status, again.body, again.header("etag")) == (304, b"", tag), given
    assert looking.ask("rita", "GET", path, if_none_match='"x"').body == first.body
    head = looking.ask("rita", "HEAD", path)
    assert (head.status, head.body, head.header("etag")) == (200, b"", tag)
    assert head.header("content-length") == first.header("content-length")


def test_each_coding_has_a_tag_of_its_own(looking: Programs) -> None:
    plain, packed = (looking.ask("rita", "GET", "/openapi.json", accept_encoding=each) for each in ("identity", "gzip"))
    assert packed.header("content-encoding") == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert plain.header("etag") != packed.header("etag")
    assert looking.ask("rita", "GET", "/openapi.json", if_none_match=packed.header("etag") or "").status == 304


@pytest.mark.parametrize(
    ("header", "named"),
    [
        (None, False),
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ('"a-gzip"', True),
        ("a", False),
        ('"ab"', False),
    ],
)
def test_a_header_names_a_tag(header: str | None, named: bool) -> None:
    assert names_tag(header, "a") is named


# -- guarded changes ---------------------------------------------------------------------------------------------------
GUARDED = [one for one in OPERATIONS if one.guarded]


def test_whatever_changes_a_state_of_its_own_is_guarded() -> None:
    assert {(one.method, one.path) for one in GUARDED} == {
        ("PATCH", "/partners/{partner}"),
        ("PATCH", "/drafts/{draft}"),
        ("PUT", "/policy"),
    }
    assert all(one.guarded for one in OPERATIONS if one.method == "PATCH")


def test_a_change_says_which_state_it_changes(changing: World) -> None:
    desk, api = changing
    path, body = "/partners/CERT-B", {"country": "EE"}
    tag = api.tag("adam", path)
    assert api.ask("adam", "PATCH", path, body).status == 428
    assert api.ask("adam", "PATCH", path, body, if_match='"x"').status == 412
    tried = api.ask("adam", "PATCH", f"{path}?dry_run=true", body, if_match=tag)
    assert (tried.status, tried.json["partner"]["country"]) == (200, "EE")
    assert api.tag("adam", path) == tag, "a trial changes nothing"
    assert api.ask("adam", "PATCH", path, body, if_match=tag).status == 200
    assert desk.node.partner("CERT-B").country == "EE"
    stale = api.ask("adam", "PATCH", path, {"country": "FI"}, if_match=tag)
    assert (stale.status, stale.json["code"]) == (412, "stale")
    assert desk.node.partner("CERT-B").country == "EE"
    assert api.ask("adam", "PATCH", "/partners/nobody", body, if_match=tag).status == 404


# -- keys --------------------------------------------------------------------------------------------------------------
def test_a_request_with_a_key_is_done_once(changing: World) -> None:
    desk, api = changing
    body = {"name": "CERT-E", "country": "EE"}
    first = api.ask("adam", "POST", "/partners", body, idempotency_key="k1")
    state = desk.state()
    again = api.ask("adam", "POST", "/partners", body, idempotency_key="k1")
    assert (first.status, again.status) == (201, 201)
    assert again.body == first.body
    assert again.header("location") == first.header("location") == f"{ROOT}/partners/{first.json['id']}"
    assert (first.header("idempotency-replayed"), again.header("idempotency-replayed")) == (None, "true")
    assert desk.state() == state
    other = api.ask("adam", "POST", "/partners", body | {"country": "FI"}, idempotency_key="k1")
    assert (other.status, other.json["where"]) == (422, "Idempotency-Key")
    elsewhere = api.ask("adam", "POST", "/policy/check", {"text": "", "cases": ""}, idempotency_key="k1")
    assert elsewhere.status == 200, "what is as good twice keeps nothing"
    desk.clock.move(seconds=24 * 3600)
    assert api.ask("adam", "POST", "/partners", body, idempotency_key="k1").status == 409, "a day later it is another"


def test_a_key_is_of_its_account_alone(changing: World) -> None:
    _, api = changing
    body = {"theme": "dark"}
    assert api.ask("adam", "PUT", "/account/looks", body, idempotency_key="k").status == 200
    other = api.ask("rita", "PUT", "/account/looks", {"theme": "light"}, idempotency_key="k")
    assert (other.status, other.header("idempotency-replayed")) == (200, None)


def test_what_was_refused_may_be_asked_for_again_under_its_key(changing: World) -> None:
    desk, api = changing
    body = {"name": "CERT-B"}
    assert api.ask("adam", "POST", "/partners", body, idempotency_key="k").status == 409
    with desk.staff.acting("adam"):
        desk.node.edit_partner("CERT-B", name="CERT-Z")
    assert api.ask("adam", "POST", "/partners", body, idempotency_key="k").status == 201


def test_what_was_cut_off_is_not_done_again(changing: World) -> None:
    desk, api = changing
    (adam,) = (one for one in desk.node.users() if one.name == "adam")
    from comity.web.api.operations import RESOURCES
    from comity.web.api.reading import digest_of

    body = orjson.dumps({"name": "CERT-E"})
    asked = digest_of(RESOURCES[f"{ROOT}/partners"]["POST"], {}, b"", body)
    assert desk.node.begin_answer(adam.id, "k", asked) is None
    reply = api.ask("adam", "POST", "/partners", body, idempotency_key="k")
    assert (reply.status, reply.json["where"]) == (409, "Idempotency-Key")
    assert "CERT-E" not in [one.name for one in desk.node.partners()]


def test_a_secret_is_kept_nowhere(changing: World) -> None:
    desk, api = changing
    body = {"name": "siem", "read": ["all"]}
    first = api.ask("adam", "POST", "/tokens", body, idempotency_key="k")
    assert first.status == 201
    again = api.ask("adam", "POST", "/tokens", body, idempotency_key="k")
    assert (again.status, again.json["code"]) == (409, "already-done")
    assert sum(one.name == "siem" for one in desk.node.tokens()) == 1
    assert first.json["secret"].encode() not in desk.path.read_bytes() + desk.path.with_name("a.db-wal").read_bytes()
    assert {one.path for one in OPERATIONS if one.secret} == {
        "/people", "/people/{person}/reset", "/tokens", "/account/tokens",
    }  # fmt: skip


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 201, "ü"])
def test_a_key_that_is_none_is_refused(looking: Programs, key: str) -> None:
    assert looking.ask("adam", "PUT", "/account/looks", {}, idempotency_key=key).status == 400


def test_what_was_answered_is_forgotten_after_a_day(changing: World) -> None:
    desk, api = changing
    api.ask("adam", "PUT", "/account/looks", {"theme": "dark"}, idempotency_key="k")
    (adam,) = (one for one in desk.node.users() if one.name == "adam")

    def kept() -> bool:
        with desk.node.store.read() as snapshot:
            return snapshot.answered(adam.id, "k") is not None

    desk.node.work()
    assert kept()
    desk.clock.move(seconds=25 * 3600)
    desk.node.guard.look()
    desk.node.work()
    assert not kept()


# -- pages of lists ----------------------------------------------------------------------------------------------------
def walked(api: Programs, by: str, path: str) -> list[Any]:
    """Everything of the list, page by page, by the header; `next` says the same."""
    found: list[Any] = []
    while path:
        reply = api.ask(by, "GET", path)
        assert reply.status == 200, reply.body
        found += reply.json["items"]
        link = reply.header("link")
        assert link == (f'<{reply.json["next"]}>; rel="next"' if reply.json["next"] else None)
        path = reply.json["next"] or ""
    return found


@pytest.mark.parametrize(
    ("by", "path", "key"),
    [
        ("rita", "/objects?limit=1", lambda one: (one["id"], one["version"], one["source"])),
        ("adam", "/ledger/entries?kind=record", lambda one: one["seq"]),
        ("adam", "/audit", lambda one: one["number"]),
    ],
)
def test_a_list_goes_on_where_its_link_leads(looking: Programs, by: str, path: str, key: Callable[[Any], Any]) -> None:
    found = [key(one) for one in walked(looking, by, path)]
    assert found
    assert len(found) == len(set(found))
    if path.startswith("/objects"):
        assert found == [key(one) for one in looking.get(by, "/objects?limit=1000")["items"]]
    else:
        assert found == sorted(found, reverse=True)


def test_a_list_begins_before_the_entry_that_is_named(looking: Programs) -> None:
    assert [one["seq"] for one in looking.get("adam", "/ledger/entries?before=3")["items"]] == [2, 1, 0]


def test_the_filters_of_a_list_stay_in_its_link(looking: Programs) -> None:
    first = looking.get("rita", "/objects?limit=1&type=indicator&tlp=green&facets=true")
    assert {"type=indicator", "tlp=green", "facets=true", "limit=1"} <= set(first["next"].partition("?")[2].split("&"))
    assert first["facets"]["types"]["indicator"] == first["facets"]["counted"] > 1
