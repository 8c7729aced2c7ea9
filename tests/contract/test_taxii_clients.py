"""Clients that others wrote get everything once, and what they sent."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import stix2
from stix2 import TAXIICollectionStore
from taxii2client.common import TokenAuth
from taxii2client.v21 import ApiRoot, Collection, Server, as_pages
from tests.serving import Stand, standing
from tests.world import address, indicator

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with standing(tmp_path_factory.mktemp("clients")) as made:
        yield made


@pytest.fixture(params=["basic", "token"])
def signed(request: pytest.FixtureRequest, stand: Stand) -> dict[str, Any]:
    """How the client signs in."""
    if request.param == "basic":
        return {"user": stand.some.user, "password": stand.some.secret}
    return {"auth": TokenAuth(stand.some.token)}


@pytest.fixture
def collection(stand: Stand, signed: dict[str, Any]) -> Collection:
    return Collection(stand.collection(), **signed)


def test_a_client_finds_its_way_from_discovery_to_the_collections(stand: Stand, signed: dict[str, Any]) -> None:
    server = Server(f"{stand.url}/taxii2/", **signed)
    assert server.title == "Test <node>"
    assert server.default.url == f"{stand.root}"
    root = server.api_roots[0]
    assert root.versions == ["application/taxii+json;version=2.1"]
    assert root.max_content_length == stand.node.settings.max_content_length
    rights = {each.id: (each.can_read, each.can_write) for each in root.collections}
    assert rights == {stand.default: (True, True), stand.ro: (True, False), stand.wo: (False, True)}


def test_what_is_added_comes_back_the_same(stand: Stand, collection: Collection, signed: dict[str, Any]) -> None:
    sent = [indicator(name="Zażółć 💀", x_number=0.1), address()]
    status = collection.add_objects({"objects": sent}, wait_for_completion=True)
    assert (status.status, status.success_count, status.failure_count) == ("complete", 2, 0)
    assert ApiRoot(stand.root, **signed).get_status(status.id).id == status.id
    for value in sent:
        assert collection.get_object(value["id"])["objects"] == [value]
        assert collection.get_objects(id=value["id"])["objects"] == [value]
        assert collection.get_manifest(id=value["id"])["objects"][0]["id"] == value["id"]
        assert len(collection.object_versions(value["id"])["versions"]) == 1
        collection.delete_object(value["id"])
        assert "objects" not in collection.get_objects(id=value["id"])
        with pytest.raises(requests.HTTPError, match="404"):
            collection.get_object(value["id"])


@pytest.mark.parametrize("per_request", [1, 4, 1000])
def test_pages_hold_everything_once_in_objects_and_manifest(collection: Collection, per_request: int) -> None:
    sent = [indicator() for _ in range(13)]
    collection.add_objects({"objects": sent})
    ids = [value["id"] for value in sent]
    for get in (collection.get_objects, collection.get_manifest):
        pages = list(as_pages(get, per_request=per_request, id=ids))
        assert [each["id"] for page in pages for each in page["objects"]] == ids
        assert len(pages) == -(-len(sent) // per_request)


def test_a_client_filters_as_the_standard_says(collection: Collection) -> None:
    old = indicator()
    new = {**old, "modified": "2026-02-02T00:00:00.000Z"}
    collection.add_objects({"objects": [old, new]})
    versions = [each["modified"] for each in collection.get_objects(id=old["id"], version="all")["objects"]]
    assert versions == [old["modified"], new["modified"]]
    assert collection.get_objects(id=old["id"], version="first")["objects"] == [old]
    assert collection.get_objects(id=old["id"], type="indicator", spec_version="2.1")["objects"] == [new]
    assert "objects" not in collection.get_objects(id=old["id"], type="tool")


def test_a_wrong_secret_is_an_http_error(stand: Stand) -> None:
    with pytest.raises(requests.HTTPError, match="401"):
        Collection(stand.collection(), user=stand.some.user, password="wrong").get_objects()


def test_the_store_of_the_stix2_library_works_on_a_collection(collection: Collection) -> None:
    store = TAXIICollectionStore(collection)
    first = stix2.v21.Indicator(pattern="[ipv4-addr:value = '192.0.2.1']", pattern_type="stix", name="one")
    store.add(first)
    second = first.new_version(name="two")
    store.add(second)
    assert store.get(first.id).name == "two"
    assert len(store.all_versions(first.id)) == 2
    found = store.query([stix2.Filter("id", "=", first.id), stix2.Filter("type", "=", "indicator")])
    assert {each.name for each in found} >= {"two"}
