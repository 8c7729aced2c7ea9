"""The endpoints of TAXII 2.1: the query to the node, its answer into a resource. All run in a thread, as one step."""

from dataclasses import replace

from comity.errors import Conflict, NotAuthorized, NotFound
from comity.interfaces import Query
from comity.node.access import Access
from comity.node.node import CollectionView
from comity.stix.timestamp import instant_key
from comity.taxii import filters, resources
from comity.taxii.coding import unpacked
from comity.taxii.cursor import Cursors
from comity.taxii.filters import Endpoint
from comity.web.answer import Answer
from comity.web.call import Call

COLLECTIONS_HINT = f"{resources.API_ROOT}collections/ lists those that this credential may use."
API_ROOT_TITLE = "Everything that this node shares over TAXII"


def discovery(call: Call, _access: Access) -> Answer:
    """Section 4.1."""
    settings = call.node.settings
    return Answer(resources.discovery(call.node.name, contact=settings.contact))


def api_root(call: Call, _access: Access) -> Answer:
    """Section 4.2."""
    settings = call.node.settings
    return Answer(resources.api_root(API_ROOT_TITLE, settings.max_content_length))


def status(call: Call, access: Access) -> Answer:
    """Section 4.3. Any text may stand for the id; what is no status of this token is not found."""
    return Answer(call.node.status(access, call.parameters["status"]))


def collections(call: Call, access: Access) -> Answer:
    """Section 5.1."""
    return Answer(resources.collections(call.node.collections(access)))


def collection(call: Call, access: Access) -> Answer:
    """Section 5.2."""
    return Answer(resources.collection(_collection(call, access)))


def _collection(call: Call, access: Access, *, read: bool = False, write: bool = False) -> CollectionView:
    """The collection in the path, by id or alias, where the caller has a right in it and those asked for.

    Whatever is wrong with the name, the answer is one and the same, so that nobody learns what others have.
    """
    name = call.parameters["collection"]
    try:
        view = call.node.collection(name, access)
    except (NotFound, Conflict):
        view = None
    if view is None or name not in (view.id, view.alias):
        raise NotFound("There is no such collection, or no right in it.", where="collection", hint=COLLECTIONS_HINT)
    if read and not view.can_read:
        raise NotAuthorized("This credential may not read the collection.", where="collection")
    if write and not view.can_write:
        raise NotAuthorized("This credential may not write to the collection.", where="collection")
    return view


def objects(call: Call, access: Access) -> Answer:
    """Section 5.4."""
    return _envelope(call, access, _query(call, access, Endpoint.OBJECTS))


def object_(call: Call, access: Access) -> Answer:
    """Section 5.6. An id that the collection has not is not found; filters that leave nothing of it are no error."""
    query = _query(call, access, Endpoint.OBJECT)
    answer = _envelope(call, access, query)
    if not answer.body:
        _check_exists(call, access, query)
    return answer


def _envelope(call: Call, access: Access, query: Query) -> Answer:
    page = call.node.page(access, query)
    next_page = _cursors(call, access).seal(query, page.last_key) if page.more else None
    headers = resources.added_headers(page.first_added, page.last_added)
    head, body, tail = resources.envelope(page.body, next_page)
    return Answer(body, headers=tuple(headers.items()), head=head, tail=tail)


def manifest(call: Call, access: Access) -> Answer:
    """Section 5.3."""
    return _rows(call, access, _query(call, access, Endpoint.MANIFEST), versions=False)


def versions(call: Call, access: Access) -> Answer:
    """Section 5.8."""
    query = _query(call, access, Endpoint.VERSIONS)
    answer = _rows(call, access, query, versions=True)
    if answer.body == b"{}":
        _check_exists(call, access, query)
    return answer


def _rows(call: Call, access: Access, query: Query, *, versions: bool) -> Answer:
    entries = call.node.manifest(access, query)
    rows = entries.items
    next_page = _cursors(call, access).seal(query, rows[-1].key) if entries.more and rows else None
    body = (resources.versions if versions else resources.manifest)(rows, next_page)
    headers = resources.added_headers(rows[0].added, rows[-1].added) if rows else {}
    return Answer(body, headers=tuple(headers.items()))


def before_post(call: Call, access: Access) -> None:
    """Nothing is wrong with a POST as far as can be told before its body."""
    _collection(call, access, write=True)


def post(call: Call, access: Access, body: bytes) -> Answer:
    """Section 5.5. All is done at once, and still the answer is 202, with a status that is complete."""
    collection = _collection(call, access, write=True)
    plain = unpacked(body, call.headers.get(b"content-encoding"), call.node.settings.max_content_length)
    posted = call.node.post(access, collection.id, plain)
    return Answer(posted.body, 202, headers=(("Location", f"{resources.API_ROOT}status/{posted.id}/"),))


def delete(call: Call, access: Access) -> Answer:
    """Section 5.7. The answer is empty; without a version every version goes."""
    query = _query(call, access, Endpoint.DELETE)
    assert query.collection is not None
    call.node.delete(access, query.collection, query.ids[0], _instants(call, access, query))
    return Answer(b"")


def _instants(call: Call, access: Access, query: Query) -> list[str] | None:
    """The versions that a DELETE names, None for all; what `first` and `last` mean, the node is asked."""
    if query.versions == (filters.ALL,) and not query.spec_versions:
        return None
    if not query.spec_versions and not {filters.FIRST, filters.LAST} & set(query.versions):
        return list(query.versions)
    rows = call.node.manifest(access, query).items
    return [key for row in rows if (key := instant_key(row.version)) is not None]


def _check_exists(call: Call, access: Access, query: Query) -> None:
    """The collection has a version of the object, one that the filters leave out."""
    anything = replace(query, versions=(filters.ALL,), types=(), spec_versions=(), added_after=None, after=0, limit=1)
    if not call.node.manifest(access, anything).items:
        raise _no_object()


def _query(call: Call, access: Access, endpoint: Endpoint) -> Query:
    """The question that the request asks. Rights come first, the object's id next, and then what is malformed."""
    collection = _collection(call, access, read=True, write=endpoint is Endpoint.DELETE)
    id = call.parameters.get("object")
    if id is not None and not id.isprintable():
        raise _no_object()
    return filters.parse(
        endpoint,
        call.query_string,
        _cursors(call, access),
        collection=collection.id,
        id=id,
        page_items_max=call.node.settings.page_items_max,
    )


def _cursors(call: Call, access: Access) -> Cursors:
    return call.services.cursors.of(access.recipient)


def _no_object() -> NotFound:
    rule = "TAXII 2.1 sections 5.6, 5.7 and 5.8"
    return NotFound("The collection has no object with that id.", where="object", rule=rule)
