"""Resources say what the standard asks for, and never an empty list."""

from dataclasses import dataclass

import orjson
import pytest

from comity.taxii import resources


@dataclass(frozen=True)
class View:
    id: str = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
    title: str = "T"
    alias: str | None = None
    description: str = ""
    can_read: bool = True
    can_write: bool = False


@dataclass(frozen=True)
class Row:
    id: str = "tool--1"
    version: str = "2020-01-01T00:00:00.1Z"
    added: int = 1_577_836_800_000_001


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1, "1970-01-01T00:00:00.000001Z"),
        (1_577_836_800_120_000, "2020-01-01T00:00:00.120000Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (-62_135_596_800_000_000, "0001-01-01T00:00:00.000000Z"),
    ],
)
def test_a_timestamp_has_six_digits_and_z(us: int, text: str) -> None:
    assert resources.timestamp(us) == text


def test_discovery_gives_the_api_root_as_a_path() -> None:
    assert orjson.loads(resources.discovery("N", contact="mailto:a@b.example")) == {
        "title": "N",
        "contact": "mailto:a@b.example",
        "default": "/taxii2/root/",
        "api_roots": ["/taxii2/root/"],
    }


def test_an_api_root_names_the_one_version_and_the_greatest_body() -> None:
    assert orjson.loads(resources.api_root("N", 5, description="d")) == {
        "title": "N",
        "description": "d",
        "versions": ["application/taxii+json;version=2.1"],
        "max_content_length": 5,
    }


def test_collections_are_as_a_collection_alone_and_none_is_an_empty_object() -> None:
    view = View(alias="a", description="d")
    one = orjson.loads(resources.collection(view))
    assert one["alias"] == "a"
    assert one["description"] == "d"
    assert one["can_write"] is False
    assert one["media_types"] == ["application/stix+json;version=2.1"]
    assert orjson.loads(resources.collections([view])) == {"collections": [one]}
    assert "alias" not in orjson.loads(resources.collection(View()))
    assert resources.collections([]) == b"{}"


def test_an_envelope_holds_the_bodies_byte_for_byte() -> None:
    body = b'{"id": "x",  "n":1.10},{"e":"\\u00e9"}'
    head, middle, tail = resources.envelope(body, None)
    assert middle is body
    assert head + middle + tail == b'{"more":false,"objects":[' + body + b"]}"
    assert b"".join(resources.envelope(body, 'n"')) == b'{"more":true,"next":"n\\"","objects":[' + body + b"]}"
    assert b"".join(resources.envelope(b"", None)) == b"{}"


def test_a_manifest_names_each_object_with_its_version_as_it_was_written() -> None:
    assert orjson.loads(resources.manifest([Row()], "n")) == {
        "more": True,
        "next": "n",
        "objects": [
            {
                "id": "tool--1",
                "date_added": "2020-01-01T00:00:00.000001Z",
                "version": "2020-01-01T00:00:00.1Z",
                "media_type": "application/stix+json;version=2.1",
            }
        ],
    }
    assert resources.manifest([], None) == b"{}"


def test_versions_are_texts_as_they_were_written() -> None:
    assert orjson.loads(resources.versions([Row(), Row(version="v")], None)) == {
        "more": False,
        "versions": ["2020-01-01T00:00:00.1Z", "v"],
    }
    assert resources.versions([], None) == b"{}"


def test_the_dates_of_a_page_are_those_of_its_ends_and_left_out_where_it_is_empty() -> None:
    assert resources.added_headers(0, 1) == {
        "X-TAXII-Date-Added-First": "1970-01-01T00:00:00.000000Z",
        "X-TAXII-Date-Added-Last": "1970-01-01T00:00:00.000001Z",
    }
    assert resources.added_headers(None, None) == {}


def test_a_status_counts_and_leaves_out_what_is_empty() -> None:
    resource = orjson.loads(resources.status_resource("i", 1, [("a", "v", ""), ("b", "v", "m")], []))
    assert resource == {
        "id": "i",
        "status": "complete",
        "request_timestamp": "1970-01-01T00:00:00.000001Z",
        "total_count": 2,
        "success_count": 2,
        "successes": [{"id": "a", "version": "v"}, {"id": "b", "version": "v", "message": "m"}],
        "failure_count": 0,
        "pending_count": 0,
    }
    failed = orjson.loads(resources.status_resource("i", 1, [], [("a", "v", "why")]))
    assert "successes" not in failed
    assert failed["failures"] == [{"id": "a", "version": "v", "message": "why"}]
    empty = orjson.loads(resources.status_resource("i", 1, [], []))
    assert (empty["total_count"], empty["success_count"], empty["failure_count"]) == (0, 0, 0)


def test_an_error_message_has_its_status_as_a_text_and_no_empty_details() -> None:
    assert orjson.loads(resources.error_message("T", http_status=404)) == {"title": "T", "http_status": "404"}
    full = resources.error_message(
        "T", description="d", error_id="i", error_code="c", http_status=400, details={"where": "limit", "rule": ""}
    )
    assert orjson.loads(full) == {
        "title": "T",
        "description": "d",
        "error_id": "i",
        "error_code": "c",
        "http_status": "400",
        "details": {"where": "limit"},
    }
