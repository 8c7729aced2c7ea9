"""What a partner, or somebody with its token, could think of asking: good and bad, of what is there and what is not."""

import base64
import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import orjson
from tests.asgi import ROOT, in_path, query_of
from tests.partner_world import Json

from comity.web.routes import ROUTES

METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "TRACE")
"""Methods that change nothing here; POST and DELETE are asked apart."""
ABSENT = "indicator--00000000-0000-4000-8000-00000000abcd"
NOWHERE = "11111111-2222-4333-8444-555555555555"
ENCODINGS = ("identity", "gzip", "zstd", "deflate", "gzip;q=0")


@dataclass(frozen=True, slots=True)
class Question:
    """One request."""

    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def bytes(self) -> bytes:
        """All that is said in it."""
        return f"{self.method} {self.target} {self.headers}".encode() + self.body


TILES = {
    "/ledger/tile/{level}/{first}": "/ledger/tile/0/000",
    "/ledger/tile/{level}/{first}/{second}": "/ledger/tile/1/000.p/1",
    "/ledger/tile/{level}/{first}/{second}/{third}": "/ledger/tile/entries/x001/000.p/1",
}
"""A path of each route of the ledger."""


def paths(collections: Sequence[str], ids: Sequence[str], statuses: Sequence[str]) -> Iterator[str]:
    """Every path of the table of routes with these names in it."""
    for route in ROUTES:
        for collection in collections if "{collection}" in route.template else [""]:
            for id in ids if "{object}" in route.template else [""]:
                for status in statuses if "{status}" in route.template else [""]:
                    template = TILES.get(route.template, route.template)
                    filled = template.replace("{collection}", in_path(collection))
                    yield filled.replace("{object}", in_path(id)).replace("{status}", in_path(status))


def reading(
    collections: Sequence[str], ids: Sequence[str], versions: Sequence[str], types: Sequence[str]
) -> Iterator[Question]:
    """Requests that change nothing. `ids` and `versions` are those to guess; the last of the collections is not the
    partner's to read."""
    for path in paths(collections, ids, [NOWHERE, ids[0]]):
        for method in METHODS:
            yield Question(method, path)
        yield Question("GET", path, {"accept": "text/html"})
        yield Question("GET", path, {"accept": "application/json"})
        yield Question(
            "GET", path, {"accept": "*/*", "if-none-match": "*", "if-modified-since": "Thu, 01 Jan 1970 00:00:00 GMT"}
        )
    for collection in collections:
        for of in ("objects/", "manifest/"):
            path = f"{ROOT}collections/{in_path(collection)}/{of}"
            for coding in ENCODINGS:
                yield Question("GET", path, {"accept-encoding": coding})
            for given in _filters(ids, versions, types):
                yield Question("GET", path + given)
        for id in ids:
            for of in ("", "versions/"):
                path = f"{ROOT}collections/{in_path(collection)}/objects/{in_path(id)}/{of}"
                for given in _some_filters(versions):
                    yield Question("GET", path + given)
    for path in ("/taxii2/root/collections", "/taxii2/root/collections/%2e%2e/", "/nothing", "/taxii2/other/", "//"):
        yield Question("GET", path)


def _filters(ids: Sequence[str], versions: Sequence[str], types: Sequence[str]) -> Iterator[str]:
    for id in ids:
        yield query_of(match_id=id)
        yield query_of(match_id=f"{id},{ABSENT}", match_version="all")
    for version in versions:
        yield query_of(match_version=version)
        yield query_of(added_after=version)
    for type in types:
        yield query_of(match_type=type)
    for word in ("all", "first", "last", "first,last", "all,first", "nonsense"):
        yield query_of(match_version=word)
    for limit in ("1", "3", "0", "-1", "x", "9" * 30):
        yield query_of(limit=limit)
    yield query_of(added_after="2000-01-01T00:00:00Z")
    yield query_of(added_after="yesterday")
    yield query_of(match_spec_version="2.0")
    yield query_of(match_type="")
    yield query_of(next="AAAA")
    yield query_of(next=base64.urlsafe_b64encode(bytes(24)).decode())
    yield "?match[id]=%ff"
    yield "?match[source]=local"


def _some_filters(versions: Sequence[str]) -> Iterator[str]:
    for word in ("all", "first", "nonsense", *versions[:2]):
        yield query_of(match_version=word)
    yield query_of(limit="1")
    yield query_of(limit="none")
    yield query_of(added_after="2000-01-01T00:00:00Z")
    yield query_of(match_spec_version="2.0")


def posting(collection: str, objects: Sequence[Json]) -> Iterator[Question]:
    """Envelopes with these objects, and such as nobody can read."""
    target = f"{ROOT}collections/{in_path(collection)}/objects/"
    for each in objects:
        yield Question("POST", target, body=orjson.dumps({"objects": [each]}))
        yield Question("POST", target, body=orjson.dumps({"objects": [each, each]}))
    for body in (b"", b"{", b"[]", b'{"objects":[{"id":1}]}', b'{"objects":"all"}'):
        yield Question("POST", target, body=body)
    yield Question("POST", target, {"content-type": "application/json"}, b"{}")
    yield Question("POST", target, {"content-encoding": "gzip"}, gzip.compress(b'{"objects":[]}', mtime=0))
    yield Question("POST", f"{ROOT}collections/{NOWHERE}/objects/", body=b"{}")


def deleting(collections: Sequence[str], ids: Sequence[str], versions: Sequence[str]) -> Iterator[Question]:
    """A DELETE of each, whole and version by version."""
    for collection in collections:
        for id in ids:
            target = f"{ROOT}collections/{in_path(collection)}/objects/{in_path(id)}/"
            yield Question("DELETE", target)
            for version in ("first", "last", "all", *versions[:2]):
                yield Question("DELETE", target + query_of(match_version=version))
