"""The endpoints of TAXII 2.1 over a real connection."""

import gzip
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
import zstandard
from tests.serving import TAXII, Stand, standing
from tests.world import indicator

COUNT = 25


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def stand(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with standing(tmp_path_factory.mktemp("taxii"), kind=request.param) as made:
        yield made


@pytest.fixture(scope="module")
def sent(stand: Stand) -> list[dict[str, Any]]:
    """Objects that only these tests read, in the collection that `some` may read alone."""
    objects = [indicator(name=f"number {i}") for i in range(COUNT)]
    answer = stand.post(*objects, collection=stand.ro, token=stand.all)
    assert answer.json()["success_count"] == COUNT
    return objects


def error(answer: requests.Response, status: int, code: str, where: str = "") -> None:
    """The answer is that error, as a TAXII message."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == TAXII
    body = answer.json()
    assert body["title"]
    assert body["http_status"] == str(status)
    assert body["error_code"] == code
    assert body["error_id"] == answer.headers["X-Request-Id"]
    assert body.get("details", {}).get("where", "") == where


def test_discovery_leads_to_the_root_and_the_root_to_collections(stand: Stand) -> None:
    found = stand.get("/taxii2/").json()
    assert found["default"] == "/taxii2/root/"
    root = stand.get(found["default"]).json()
    assert root["max_content_length"] == stand.node.settings.max_content_length
    listed = stand.get(found["default"] + "collections/").json()["collections"]
    rights = {each["id"]: (each["can_read"], each["can_write"]) for each in listed}
    assert rights == {stand.default: (True, True), stand.ro: (True, False), stand.wo: (False, True)}


def test_nothing_in_discovery_comes_from_the_host_header(stand: Stand) -> None:
    answer = stand.get("/taxii2/", headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
    assert "evil" not in answer.text


@pytest.mark.parametrize("path", ["/taxii2", "/taxii2/root", "/taxii2/root/collections"])
def test_a_path_without_its_last_slash_answers_the_same(stand: Stand, path: str) -> None:
    assert stand.get(path).json() == stand.get(path + "/").json()


def test_a_collection_answers_under_its_alias_and_a_percent_encoded_id(stand: Stand) -> None:
    by_id = stand.get(stand.collection()).json()
    assert stand.get(stand.collection("default")).json() == by_id
    assert stand.get(stand.collection("%64efault")).json() == by_id
    assert stand.get(stand.collection(stand.default.replace("-", "%2D"))).json() == by_id


def test_pages_hold_everything_once_in_order_and_byte_for_byte(stand: Stand, sent: list[dict[str, Any]]) -> None:
    url, seen, following = stand.collection(stand.ro) + "objects/", [], ""
    while True:
        answer = stand.get(url, params={"limit": "7", "next": following})
        page = answer.json()
        seen += page["objects"]
        assert "X-TAXII-Date-Added-First" in answer.headers
        if not page["more"]:
            break
        following = page["next"]
    assert seen == sent
    whole = stand.get(url).content
    assert b",".join(orjson.dumps(each) for each in sent) in whole


def test_following_added_after_loses_nothing(stand: Stand, sent: list[dict[str, Any]]) -> None:
    url, seen = stand.collection(stand.ro) + "objects/", []
    parameters = {"limit": "4"}
    while True:
        answer = stand.get(url, params=parameters)
        seen += answer.json().get("objects", [])
        if not answer.json().get("more"):
            break
        parameters["added_after"] = answer.headers["X-TAXII-Date-Added-Last"]
    assert seen == sent


def test_a_manifest_pages_as_the_objects_do(stand: Stand, sent: list[dict[str, Any]]) -> None:
    url, seen, following = stand.collection(stand.ro) + "manifest/", [], ""
    while True:
        answer = stand.get(url, params={"limit": "10", "next": following})
        page = answer.json()
        assert answer.headers["X-TAXII-Date-Added-First"] == page["objects"][0]["date_added"]
        assert answer.headers["X-TAXII-Date-Added-Last"] == page["objects"][-1]["date_added"]
        seen += page["objects"]
        if not page["more"]:
            break
        following = page["next"]
    assert [(each["id"], each["version"]) for each in seen] == [(each["id"], each["modified"]) for each in sent]
    assert len({each["date_added"] for each in seen}) == COUNT


def test_next_is_refused_in_another_collection_or_with_other_filters(stand: Stand, sent: list[dict[str, Any]]) -> None:
    following = stand.get(stand.collection(stand.ro) + "objects/", params={"limit": "1"}).json()["next"]
    error(stand.get(stand.collection() + "objects/", params={"next": following}), 400, "invalid-request", "next")
    other = {"next": following, "match[type]": "tool"}
    error(stand.get(stand.collection(stand.ro) + "objects/", params=other), 400, "invalid-request", "next")


def test_no_hit_is_an_empty_object_without_dates(stand: Stand, sent: list[dict[str, Any]]) -> None:
    for tail in ("objects/", "manifest/"):
        answer = stand.get(stand.collection(stand.ro) + tail, params={"match[type]": "tool"})
        assert answer.json() == {}
        assert "X-TAXII-Date-Added-First" not in answer.headers


def test_an_object_whose_filters_leave_nothing_is_there_and_an_unknown_one_is_not(
    stand: Stand, sent: list[dict[str, Any]]
) -> None:
    late = {"added_after": "2099-01-01T00:00:00Z"}
    known = stand.collection(stand.ro) + f"objects/{sent[0]['id']}/"
    unknown = stand.collection(stand.ro) + f"objects/indicator--{uuid.uuid4()}/"
    for tail in ("", "versions/"):
        assert stand.get(known + tail, params=late).json() == {}
        error(stand.get(unknown + tail, params=late), 404, "not-found", "object")
        error(stand.get(unknown + tail), 404, "not-found", "object")


def test_the_versions_of_an_object_page_too(stand: Stand) -> None:
    first = indicator()
    stamps = [f"2026-02-0{day}T00:00:00.{digits}Z" for day, digits in ((1, "1"), (2, "000"), (3, "123456"))]
    stand.post(*({**first, "modified": stamp} for stamp in stamps))
    url = stand.collection() + f"objects/{first['id']}/versions/"
    page = stand.get(url, params={"limit": "2"}).json()
    rest = stand.get(url, params={"limit": "2", "next": page["next"]}).json()
    assert page["versions"] + rest["versions"] == stamps
    assert rest["more"] is False


@pytest.mark.parametrize(
    ("which", "left"),
    [
        (None, []),
        ("all", []),
        ("last", [1, 2]),
        ("first", [2, 3]),
        ("first,last", [2]),
        ("2026-02-02T00:00:00Z", [1, 3]),
        ("2026-02-02T00:00:00.000Z,first", [3]),
    ],
)
def test_delete_takes_the_versions_that_it_names_and_no_other(stand: Stand, which: str | None, left: list[int]) -> None:
    first = indicator()
    stamps = {day: f"2026-02-0{day}T00:00:00.000Z" for day in (2, 1, 3)}
    stand.post(*({**first, "modified": stamp} for stamp in stamps.values()))
    url = stand.collection() + f"objects/{first['id']}/"
    answer = stand.ask("DELETE", url, params={"match[version]": which} if which else {})
    assert (answer.status_code, answer.content) == (200, b"")
    versions = stand.get(url + "versions/")
    if left:
        assert sorted(versions.json()["versions"]) == [stamps[day] for day in left]
    else:
        error(versions, 404, "not-found", "object")
        error(stand.get(url), 404, "not-found", "object")
        error(stand.ask("DELETE", url), 404, "not-found", "id")
        assert stand.get(stand.collection() + "manifest/", params={"match[id]": first["id"]}).json() == {}


@pytest.mark.parametrize("query", ["match[version]=nonsense", "match[version]=", "match[spec_version]=x"])
def test_a_malformed_delete_deletes_nothing(stand: Stand, query: str) -> None:
    kept = indicator()
    stand.post(kept)
    url = stand.collection() + f"objects/{kept['id']}/"
    error(stand.ask("DELETE", f"{url}?{query}"), 400, "invalid-request", query.split("=")[0])
    error(stand.ask("DELETE", f"{url}?match[version]=2001-01-01T00:00:00Z"), 404, "not-found", "id")
    error(stand.ask("DELETE", f"{url}?match[spec_version]=2.0"), 404, "not-found", "id")
    assert stand.get(url).json()["objects"] == [kept]


def test_delete_needs_both_rights(stand: Stand, sent: list[dict[str, Any]]) -> None:
    tail = f"objects/{sent[0]['id']}/"
    for query in ("", "?match[version]=last", "?match[version]=first&match[spec_version]=2.1"):
        error(stand.ask("DELETE", stand.collection(stand.ro) + tail + query), 403, "not-authorized", "collection")
        error(stand.ask("DELETE", stand.collection(stand.wo) + tail + query), 403, "not-authorized", "collection")
        error(stand.ask("DELETE", stand.collection(stand.na) + tail + query), 404, "not-found", "collection")


def test_a_right_that_is_missing_is_403_and_no_right_at_all_is_404(stand: Stand) -> None:
    for tail in ("objects/", "manifest/", "objects/x/", "objects/x/versions/"):
        error(stand.get(stand.collection(stand.wo) + tail), 403, "not-authorized", "collection")
        error(stand.get(stand.collection(stand.na) + tail), 404, "not-found", "collection")
    error(stand.post(indicator(), collection=stand.ro), 403, "not-authorized", "collection")
    error(stand.post(indicator(), collection=stand.na), 404, "not-found", "collection")
    error(stand.post(indicator(), collection=str(uuid.uuid4())), 404, "not-found", "collection")


def test_a_status_is_read_by_its_poster_alone(stand: Stand) -> None:
    answer = stand.post(indicator(), indicator())
    assert answer.status_code == 202
    assert stand.get(answer.headers["Location"]).content == answer.content
    error(stand.get(answer.headers["Location"], token=stand.all), 404, "not-found", "status")
    for id in (uuid.uuid4(), "nonsense", "%00", "a" * 3000):
        error(stand.get(f"{stand.root}status/{id}/"), 404, "not-found", "status")


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_pages_are_packed_when_asked_for_and_worth_it(stand: Stand, sent: list[dict[str, Any]], coding: str) -> None:
    url = stand.collection(stand.ro) + "objects/"
    plain = stand.get(url, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    answer = stand.get(url, headers={"Accept-Encoding": coding}, stream=True)
    raw = answer.raw.read(decode_content=False)
    assert answer.headers["Content-Encoding"] == coding
    assert "Accept-Encoding" in answer.headers["Vary"]
    unpack = gzip.decompress if coding == "gzip" else zstandard.ZstdDecompressor().decompress
    assert unpack(raw) == plain.content
    assert len(raw) < len(plain.content)
    small = stand.get(url, params={"limit": "1"}, headers={"Accept-Encoding": coding})
    assert "Content-Encoding" not in small.headers


@pytest.mark.slow
@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "zstd"])
def test_packed_bodies_are_read(stand: Stand, coding: str) -> None:
    value = indicator()
    plain = orjson.dumps({"objects": [value]})
    packed = zstandard.ZstdCompressor().compress(plain) if coding == "zstd" else gzip.compress(plain)
    answer = stand.post(data=packed, headers={"Content-Encoding": coding})
    assert answer.json()["success_count"] == 1
    assert stand.get(stand.collection() + f"objects/{value['id']}/").json()["objects"] == [value]


def test_head_answers_as_get_without_the_body(stand: Stand, sent: list[dict[str, Any]]) -> None:
    url = stand.collection(stand.ro) + "objects/"
    got, head = stand.get(url), stand.ask("HEAD", url)
    assert head.content == b""
    for name in ("Content-Length", "Content-Type", "X-TAXII-Date-Added-Last"):
        assert head.headers[name] == got.headers[name]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_other_methods_are_405_with_those_that_are(stand: Stand, method: str) -> None:
    answer = stand.ask(method, stand.collection() + "objects/")
    error(answer, 405, "method-not-allowed")
    assert answer.headers["Allow"] == "GET, HEAD, POST"


def test_content_negotiation_fails_in_taxii_too(stand: Stand) -> None:
    error(stand.get("/taxii2/", headers={"Accept": "application/xml"}), 406, "not-acceptable", "Accept")
    error(stand.get("/taxii2/", headers={"Accept": "a/b," * 500}), 400, "invalid-request", "Accept")
    wrong = stand.post(indicator(), headers={"Content-Type": "text/plain"})
    error(wrong, 415, "unsupported-media", "Content-Type")
    assert wrong.headers["Accept"] == TAXII
    error(stand.post(indicator(), headers={"Content-Encoding": "br"}), 415, "unsupported-media", "Content-Encoding")
    error(stand.post(data=b"x", headers={"Content-Encoding": "gzip"}), 400, "invalid-request", "Content-Encoding")


def test_an_unknown_path_is_a_taxii_error_where_taxii_is_meant_and_a_problem_elsewhere(stand: Stand) -> None:
    for path in ("/taxii2/nothing/", "/taxii2/root/collections//", "/taxii2/root/collections/x/y/z/"):
        error(stand.get(path, headers={"Accept": "*/*"} if "nothing" not in path else {}), 404, "not-found", "path")
    error(stand.get("/nothing"), 404, "not-found", "path")
    answer = stand.get("/nothing", headers={"Accept": "application/json"})
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == 404
    assert answer.json()["code"] == "not-found"


@pytest.mark.slow
def test_the_most_objects_of_a_page_are_the_operators(tmp_path: Path) -> None:
    from comity.node.settings import Settings

    with standing(tmp_path, Settings(page_items_max=3)) as stand:
        stand.post(*(indicator() for _ in range(5)))
        page = stand.get(stand.collection() + "objects/", params={"limit": "1000"}).json()
        assert (len(page["objects"]), page["more"]) == (3, True)
