"""The resources of TAXII 2.1 as bytes. Lists are never empty: what has no member is left out (section 2)."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

import orjson

API_ROOT = "/taxii2/root/"
MEDIA_TYPE = "application/taxii+json;version=2.1"
STIX_MEDIA_TYPE = "application/stix+json;version=2.1"

_EPOCH = datetime(1970, 1, 1)


class Described(Protocol):
    """What a collection resource is made of."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def alias(self) -> str | None: ...
    @property
    def description(self) -> str: ...
    @property
    def can_read(self) -> bool: ...
    @property
    def can_write(self) -> bool: ...


class Row(Protocol):
    """What a manifest record is made of."""

    @property
    def id(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def added(self) -> int: ...


def timestamp(us: int) -> str:
    """The instant that many microseconds after 1970 as TAXII writes it: exactly six digits and Z (section 2)."""
    return (_EPOCH + timedelta(microseconds=us)).isoformat(timespec="microseconds") + "Z"


def discovery(title: str, *, description: str = "", contact: str = "") -> bytes:
    """Section 4.1.1. The API root is a path, so that no header of a request decides where a client goes next."""
    resource = {"title": title, "description": description, "contact": contact}
    return orjson.dumps(_kept(resource) | {"default": API_ROOT, "api_roots": [API_ROOT]})


def api_root(title: str, max_content_length: int, *, description: str = "") -> bytes:
    """Section 4.2.1."""
    resource = {"title": title, "description": description, "versions": [MEDIA_TYPE]}
    return orjson.dumps(_kept(resource) | {"max_content_length": max_content_length})


def collection(view: Described) -> bytes:
    """Section 5.2.1."""
    return orjson.dumps(_collection(view))


def collections(views: Iterable[Described]) -> bytes:
    """Section 5.1.1."""
    return orjson.dumps(_kept({"collections": [_collection(view) for view in views]}))


def _collection(view: Described) -> dict[str, Any]:
    texts = _kept({"description": view.description, "alias": view.alias})
    rights = {"can_read": view.can_read, "can_write": view.can_write, "media_types": [STIX_MEDIA_TYPE]}
    return {"id": view.id, "title": view.title} | texts | rights


def envelope(body: bytes, next_page: str | None) -> tuple[bytes, bytes, bytes]:
    """Section 3.7, in three pieces to be sent one after the other, so that the bodies are not copied once more.

    `body` is bodies joined by commas, as they are kept; `next_page` is `next` where more is to come.
    """
    if not body:
        return b"{}", b"", b""
    return b"{" + _more(next_page) + b'"objects":[', body, b"]}"


def manifest(rows: Iterable[Row], next_page: str | None) -> bytes:
    """Section 5.3.1. The standard has no `next` here, yet its clients send what they find, so it is given."""
    records = [
        {"id": row.id, "date_added": timestamp(row.added), "version": row.version, "media_type": STIX_MEDIA_TYPE}
        for row in rows
    ]
    if not records:
        return b"{}"
    return b"".join((b"{", _more(next_page), b'"objects":', orjson.dumps(records), b"}"))


def versions(rows: Iterable[Row], next_page: str | None) -> bytes:
    """Section 5.8.1."""
    found = [row.version for row in rows]
    if not found:
        return b"{}"
    return b"".join((b"{", _more(next_page), b'"versions":', orjson.dumps(found), b"}"))


def _more(next_page: str | None) -> bytes:
    return b'"more":false,' if next_page is None else b'"more":true,"next":' + orjson.dumps(next_page) + b","


def added_headers(first: int | None, last: int | None) -> dict[str, str]:
    """Section 3.2: when the first and last item of this answer were added; nothing where there is no item."""
    if first is None or last is None:
        return {}
    return {"X-TAXII-Date-Added-First": timestamp(first), "X-TAXII-Date-Added-Last": timestamp(last)}


def status_resource(
    id: str,
    request_timestamp_us: int,
    successes: Iterable[tuple[str, str, str]],
    failures: Iterable[tuple[str, str, str]],
) -> bytes:
    """Section 4.3.1, of a POST that is over. Items are (id, version, message); an empty message is left out."""
    good, bad = _details(successes), _details(failures)
    resource: dict[str, Any] = {
        "id": id,
        "status": "complete",
        "request_timestamp": timestamp(request_timestamp_us),
        "total_count": len(good) + len(bad),
        "success_count": len(good),
        "successes": good,
        "failure_count": len(bad),
        "failures": bad,
        "pending_count": 0,
    }
    return orjson.dumps(_kept(resource))


def _details(items: Iterable[tuple[str, str, str]]) -> list[dict[str, str]]:
    return [
        {"id": id, "version": version, "message": message} if message else {"id": id, "version": version}
        for id, version, message in items
    ]


def error_message(
    title: str,
    *,
    description: str = "",
    error_id: str = "",
    error_code: str = "",
    http_status: int,
    details: Mapping[str, str] | None = None,
) -> bytes:
    """Section 3.6.1. `http_status` is a string there, and empty details are left out."""
    resource = {
        "title": title,
        "description": description,
        "error_id": error_id,
        "error_code": error_code,
        "http_status": str(http_status),
        "details": _kept(details or {}),
    }
    return orjson.dumps(_kept(resource))


def _kept(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members that say something. Zero and false say something; an empty text, list or object does not."""
    return {name: value for name, value in members.items() if value not in (None, "", [], {})}
