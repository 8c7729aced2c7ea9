"""What other servers list, and how it is read when it is odd: each case is a line."""

import json
from typing import Any

import pytest
from tests.property.test_taxii_client_laws import Told

from comity.errors import Conflict, InvalidAnswer, NotFound
from comity.taxii import client as client_module
from comity.taxii.client import TaxiiClient

DISCOVERY = "https://feed.example/taxii2/"
GOOD = {"id": "c1", "title": "One", "alias": "first", "can_read": True, "can_write": False}


def client_of(*values: Any, url: str = DISCOVERY) -> tuple[TaxiiClient, Told]:
    """A client of a server that answers these, in order."""
    told = Told([(200, {}, json.dumps(value).encode()) for value in values])
    return TaxiiClient(told, url), told


@pytest.mark.parametrize("url", ["https://feed.example", "https://feed.example/", DISCOVERY])
def test_a_host_stands_for_its_discovery_resource(url: str) -> None:
    client, told = client_of(
        {"title": "T", "default": "/a", "api_roots": ["/a", "b/", "https://other.example/c"]}, url=url
    )
    found = client.discover()
    assert told.asked == [DISCOVERY]
    assert found.default == "https://feed.example/a/"
    assert found.api_roots == (
        "https://feed.example/a/",
        "https://feed.example/taxii2/b/",
        "https://other.example/c/",
    )


@pytest.mark.parametrize(
    ("roots", "read"),
    [
        (["/a/", "/a/", "/a"], ["/a/"]),
        ([5, None, "/a/", {}], ["/a/"]),
        ("/a/", []),
        (None, []),
        (["//[", "/a/"], ["/a/"]),
        ([f"/{number}/" for number in range(1000)], [f"/{number}/" for number in range(100)]),
    ],
)
def test_odd_lists_of_roots_are_read_within_reason(roots: Any, read: list[str]) -> None:
    client, _ = client_of({"title": "T", "api_roots": roots})
    assert client.discover().api_roots == tuple(f"https://feed.example{path}" for path in read)


@pytest.mark.parametrize("value", [{}, {"x": 1}, [], 5, "x", None])
def test_what_is_no_discovery_resource_is_refused(value: Any) -> None:
    with pytest.raises(InvalidAnswer):
        client_of(value)[0].discover()


@pytest.mark.parametrize(
    ("most", "read"), [(1000, 1000), ("1000", None), (0, None), (-1, None), (True, None), (None, None)]
)
def test_an_odd_limit_of_a_root_is_none(most: Any, read: int | None) -> None:
    client, _ = client_of({"title": 5, "versions": ["a", 5], "max_content_length": most})
    root = client.root("https://feed.example/a/")
    assert (root.max_content_length, root.title, root.versions) == (read, "", ("a",))


@pytest.mark.parametrize(
    "odd",
    [5, None, "x", [], {}, {"id": ""}, {"id": 5}, {"id": "x" * 201}, {"id": "a\nb"}, {"id": ".."}, {"id": "."}],
)
def test_what_is_no_collection_is_left_out(odd: Any) -> None:
    client, _ = client_of({"api_roots": ["/a/"]}, {"collections": [odd, GOOD, odd]})
    (found,) = client.collections()
    assert (found.id, found.alias, found.can_read, found.can_write) == ("c1", "first", True, False)
    assert found.url == "https://feed.example/a/collections/c1/"


def test_an_id_stays_one_part_of_a_path() -> None:
    client, _ = client_of({"api_roots": ["/a/"]}, {"collections": [{"id": "../../x?y#z"}]})
    assert client.collections()[0].url == "https://feed.example/a/collections/..%2F..%2Fx%3Fy%23z/"


def test_a_right_is_held_unless_the_server_says_that_it_is_not() -> None:
    client, _ = client_of(
        {"api_roots": ["/a/"]},
        {"collections": [{"id": "a"}, {"id": "b", "can_read": "no"}, {"id": "c", "can_read": False}]},
    )
    assert [one.can_read for one in client.collections()] == [True, True, False]


def test_a_root_that_cannot_be_read_hides_no_other() -> None:
    told = Told(
        [
            (200, {}, b'{"api_roots":["/a/","/b/"]}'),
            (500, {}, b""),
            (200, {}, json.dumps({"collections": [GOOD]}).encode()),
        ]
    )
    assert [one.root for one in TaxiiClient(told, DISCOVERY).collections()] == ["https://feed.example/b/"]


def test_the_url_of_a_root_and_of_a_collection_are_taken_too() -> None:
    client, told = client_of({"title": "root"}, {"collections": [GOOD]}, url="https://feed.example/a")
    assert client.collection(None).url == "https://feed.example/a/collections/c1/"
    for tail in ("", "objects/", "manifest/"):
        client, told = client_of(GOOD, url=f"https://feed.example/a/collections/c1/{tail}")
        found = client.collection(None)
        assert (found.url, found.root) == ("https://feed.example/a/collections/c1/", "https://feed.example/a/")
        assert told.asked == ["https://feed.example/a/collections/c1/"]


def test_a_collection_is_named_by_id_alias_or_title_and_need_not_be_where_there_is_one() -> None:
    two = {"collections": [GOOD, {"id": "c2", "title": "One"}]}
    for name, error in (
        ("c1", None),
        ("first", None),
        ("c2", None),
        ("One", Conflict),
        (None, Conflict),
        ("x", NotFound),
    ):
        client, _ = client_of({"api_roots": ["/a/"]}, two)
        if error is None:
            assert client.collection(name).id in (name, "c1")
        else:
            with pytest.raises(error, match=r"feed\.example"):
                client.collection(name)


def test_a_root_with_too_many_collections_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "COLLECTIONS_MAX", 2)
    told, _ = client_of({"api_roots": ["/a/"]}, {"collections": [{"id": name} for name in "abc"]})
    with pytest.raises(InvalidAnswer, match="more than 2 collections"):
        told.collections()
