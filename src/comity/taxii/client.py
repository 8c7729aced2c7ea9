"""A TAXII 2.1 client without sockets: what to ask of a Fetcher. What its answers mean is in `answers`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

from comity.errors import Conflict, Invalid, InvalidAnswer, NotFound, PeerRefused, PeerUnavailable
from comity.interfaces import Fetched, Fetcher
from comity.taxii.answers import HINT, Page, good, host_of, page_of, resource_of, text_of
from comity.taxii.resources import MEDIA_TYPE

RESOURCE_BYTES_MAX = 4 * 2**20
PAGE_BYTES_MAX = 64 * 2**20
ROOTS_MAX = 100
COLLECTIONS_MAX = 10_000

_COLLECTION_PATH = re.compile(r"(.*/collections/[^/]+/)(?:objects/?|manifest/?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a server says of itself (section 4.1.1); `api_roots` are whole URLs."""

    title: str
    description: str
    contact: str
    default: str | None
    api_roots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Root:
    """An API root (section 4.2.1); `max_content_length` is None where the server says none."""

    url: str
    title: str
    description: str
    versions: tuple[str, ...]
    max_content_length: int | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A collection of another server (section 5.2.1); `url` ends in a slash, `root` is that of its API root."""

    url: str
    root: str
    id: str
    title: str
    description: str
    alias: str | None
    can_read: bool
    can_write: bool


class TaxiiClient:
    """Asks one server, by the URL of its discovery resource, of an API root or of a collection."""

    def __init__(self, fetcher: Fetcher, url: str) -> None:
        self._fetcher = fetcher
        self.url = url if urlsplit(url).path not in ("", "/") else urljoin(url, "/taxii2/")

    # -- what there is ------------------------------------------------------------------------------------------------
    def discover(self) -> Discovery:
        """The discovery resource at the URL. InvalidAnswer where it is none."""
        resource, url = self._resource(self.url)
        if "api_roots" not in resource and "default" not in resource and "title" not in resource:
            raise _no("no discovery resource", url, "TAXII 2.1 section 4.1")
        return _discovery(resource, url)

    def root(self, url: str) -> Root:
        """The API root at that URL."""
        resource, url = self._resource(url)
        most = resource.get("max_content_length")
        if not isinstance(most, int) or isinstance(most, bool) or most < 1:
            most = None
        versions = tuple(text_of(one) for one in _list(resource, "versions") if isinstance(one, str))
        return Root(url, text_of(resource.get("title")), text_of(resource.get("description")), versions, most)

    def collections(self) -> list[Listed]:
        """Those of the API root at the URL, of every API root where it is a discovery resource, or the one whose URL it
        is. A root that cannot be read is left out, unless none can."""
        alone = _COLLECTION_PATH.fullmatch(urlsplit(self.url).path)
        if alone is not None:
            url = urljoin(self.url, alone[1])
            resource, _ = self._resource(url)
            listed = _listed(resource, url, urljoin(url, "../../"))
            if listed is None:
                raise _no("no collection", url, "TAXII 2.1 section 5.2")
            return [listed]
        resource, url = self._resource(self.url)
        roots = _discovery(resource, url).api_roots if "api_roots" in resource else (_slashed(url),)
        found: list[Listed] = []
        failure: Exception | None = None
        for root in roots:
            try:
                found += self._collections_of(root)
            except (Invalid, NotFound, PeerRefused, PeerUnavailable) as error:
                failure = error
        if not found and failure is not None:
            raise failure
        return found

    def _collections_of(self, root: str) -> list[Listed]:
        resource, url = self._resource(urljoin(root, "collections/"))
        listed = _list(resource, "collections")
        if len(listed) > COLLECTIONS_MAX:
            raise InvalidAnswer(f"{host_of(url)} lists more than {COLLECTIONS_MAX:,} collections.", where="collections")
        made = [_listed(one, urljoin(url, f"{quote(str(_id(one)), safe='')}/"), root) for one in listed]
        return [one for one in made if one is not None]

    def collection(self, name: str | None) -> Listed:
        """The one with that id, alias or title; without a name the only one. NotFound or Conflict where that is none,
        or several."""
        listed = self.collections()
        found = [one for one in listed if name in (one.id, one.alias, one.title)] if name else listed
        there = ", ".join(one.alias or one.title or one.id for one in listed[:10]) or "none"
        if not found:
            raise NotFound(
                f"{host_of(self.url)} shows no such collection.", where="collection", hint=f"It has: {there}"
            )
        if len(found) > 1:
            raise Conflict(
                f"{host_of(self.url)} has {len(found)} of them.", where="collection", hint=f"Name one: {there}"
            )
        return found[0]

    # -- objects ------------------------------------------------------------------------------------------------------
    def page(self, collection: str, parameters: Mapping[str, str]) -> Page:
        """A page of the collection at that URL (section 5.4). NotFound where there is no such collection; a server that
        answers 404 for a collection without hits has given an empty page."""
        url = urljoin(collection, "objects/")
        asked = f"{url}?{urlencode(parameters, safe=':,[]')}" if parameters else url
        answer = self._ask("GET", asked, PAGE_BYTES_MAX)
        if answer.status == 404 and "next" not in parameters:
            self._resource(collection)
            return Page((), False, None, None, None, ("404 stands for a page without objects (section 5.4)",), b"")
        return page_of(good(answer))

    def post(self, collection: str, envelope: bytes) -> Fetched:
        """The answer to a POST of the envelope to the collection at that URL (section 5.5), whatever its status."""
        return self._ask("POST", urljoin(collection, "objects/"), RESOURCE_BYTES_MAX, envelope)

    def status(self, root: str, id: str) -> dict[str, Any]:
        """The status resource of that id (section 4.3)."""
        return self._resource(urljoin(root, f"status/{quote(id, safe='')}/"))[0]

    # -- asking -------------------------------------------------------------------------------------------------------
    def _ask(self, method: str, url: str, bytes_max: int, body: bytes = b"") -> Fetched:
        headers = {"Accept": MEDIA_TYPE}
        if method == "POST":
            headers["Content-Type"] = MEDIA_TYPE
        return self._fetcher.fetch(method, url, headers=headers, body=body, bytes_max=bytes_max)

    def _resource(self, url: str) -> tuple[dict[str, Any], str]:
        """The resource, and the URL where it was in the end."""
        answer = good(self._ask("GET", url, RESOURCE_BYTES_MAX))
        return resource_of(answer), answer.url


def _discovery(resource: dict[str, Any], url: str) -> Discovery:
    roots = [_joined(url, one) for one in _list(resource, "api_roots")[:ROOTS_MAX]]
    return Discovery(
        text_of(resource.get("title")),
        text_of(resource.get("description")),
        text_of(resource.get("contact")),
        _joined(url, resource.get("default")),
        tuple(dict.fromkeys(root for root in roots if root is not None)),
    )


def _joined(url: str, place: Any) -> str | None:
    """The URL that a text of the resource at `url` names; None where it names none."""
    try:
        return _slashed(urljoin(url, place)) if isinstance(place, str) else None
    except ValueError:
        return None


def _listed(resource: Any, url: str, root: str) -> Listed | None:
    """The collection, or None where it has no id. A right is held unless the server says that it is not."""
    id = _id(resource)
    if id is None:
        return None
    alias = resource.get("alias")
    return Listed(
        *(url, root, id, text_of(resource.get("title")), text_of(resource.get("description"))),
        alias=text_of(alias) if isinstance(alias, str) else None,
        can_read=resource.get("can_read") is not False,
        can_write=resource.get("can_write") is not False,
    )


def _id(resource: Any) -> str | None:
    id = resource.get("id") if isinstance(resource, dict) else None
    return id if isinstance(id, str) and 0 < len(id) <= 200 and id.isprintable() and id not in (".", "..") else None


def _list(resource: dict[str, Any], name: str) -> list[Any]:
    value = resource.get(name)
    return value if isinstance(value, list) else []


def _slashed(url: str) -> str:
    return url if url.endswith("/") else f"{url}/"


def _no(what: str, url: str, rule: str) -> InvalidAnswer:
    return InvalidAnswer(f"{host_of(url)} has {what} there.", where="url", rule=rule, hint=HINT)
