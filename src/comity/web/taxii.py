"""The endpoints of TAXII 2.1: the query to the node, its answer into a resource. All run in a thread, as one step."""

from dataclasses import replace

from comity.errors import NotAuthorized, NotFound
from comity.interfaces import Query
from comity.node.access import Access
from comity.stix.timestamp import instant_key
from comity.taxii import filters, resources
from comity.taxii.filters import Endpoint
from comity.web.answer import Answer
from comity.web.bodies import unpacked
from comity.web.call import Call

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
    return Answer(resources.collection(call.node.collection(call.parameters["collection"], access)))


def objects(call: Call, access: Access) -> Answer:
    """Section 5.4."""
    query = _query(call, Endpoint.OBJECTS)
    return _envelope(call, access, query)


def object_(call: Call, access: Access) -> Answer:
    """Section 5.6. An id that the collection has not is not found; filters that leave nothing of it are no error."""
    query = _query(call, Endpoint.OBJECT)
    answer = _envelope(call, access, query)
    if not answer.body:
        _check_exists(call, access, query)
    return answer


def _envelope(call: Call, access: Access, query: Query) -> Answer:
    page = call.node.page(access, query)
    next_page = call.services.cursors.seal(query, page.last_key) if page.more else None
    headers = resources.added_headers(page.first_added, page.last_added)
    head, body, tail = resources.envelope(page.body, next_page)
    return Answer(body, headers=tuple(headers.items()), head=head, tail=tail)


def manifest(call: Call, access: Access) -> Answer:
    """Section 5.3."""
    return _rows(call, access, _query(call, Endpoint.MANIFEST), versions=False)


def versions(call: Call, access: Access) -> Answer:
    """Section 5.8."""
    query = _query(call, Endpoint.VERSIONS)
    answer = _rows(call, access, query, versions=True)
    if answer.body == b"{}":
        _check_exists(call, access, query)
    return answer


def _rows(call: Call, access: Access, query: Query, *, versions: bool) -> Answer:
    entries = call.node.manifest(access, query)
    rows = entries.items
    next_page = call.services.cursors.seal(query, rows[-1].key) if entries.more and rows else None
    body = (resources.versions if versions else resources.manifest)(rows, next_page)
    headers = resources.added_headers(rows[0].added, rows[-1].added) if rows else {}
    return Answer(body, headers=tuple(headers.items()))


def before_post(call: Call, access: Access) -> None:
    """Nothing is wrong with a POST as far as can be told before its body."""
    if not call.node.collection(call.parameters["collection"], access).can_write:
        raise NotAuthorized("This credential may not write to the collection.", where="collection")


def post(call: Call, access: Access, body: bytes) -> Answer:
    """Section 5.5. All is done at once, and still the answer is 202, with a status that is complete."""
    plain = unpacked(body, call.headers.get(b"content-encoding"), call.node.settings.max_content_length)
    posted = call.node.post(access, call.parameters["collection"], plain)
    return Answer(posted.body, 202, headers=(("Location", f"{resources.API_ROOT}status/{posted.id}/"),))


def delete(call: Call, access: Access) -> Answer:
    """Section 5.7. The answer is empty; without a version every version goes."""
    query = _query(call, Endpoint.DELETE)
    collection, id = call.parameters["collection"], call.parameters["object"]
    call.node.delete(access, collection, id, _instants(call, access, query))
    return Answer(b"")


def _instants(call: Call, access: Access, query: Query) -> list[str] | None:
    """The versions that a DELETE names, None for all; what `first` and `last` mean, the node is asked."""
    named = [version for version in query.versions if version not in (filters.FIRST, filters.LAST, filters.ALL)]
    if query.spec_versions or filters.FIRST in query.versions or filters.LAST in query.versions:
        # Who lacks a right hears so from the node, whatever is there.
        may_read = call.node.collection(call.parameters["collection"], access).can_read
        rows = call.node.manifest(access, query).items if may_read else ()
        return [key for row in rows if (key := instant_key(row.version)) is not None]
    return named or None


def _check_exists(call: Call, access: Access, query: Query) -> None:
    """The collection has a version of the object, one that the filters leave out."""
    anything = replace(query, versions=(filters.ALL,), types=(), spec_versions=(), added_after=None, after=0, limit=1)
    if not call.node.manifest(access, anything).items:
        raise NotFound("The collection has no object with that id.", where="object", rule="TAXII 2.1 section 5.6")


def _query(call: Call, endpoint: Endpoint) -> Query:
    return filters.parse(
        endpoint,
        call.query_string,
        call.services.cursors,
        collection=call.parameters["collection"],
        id=call.parameters.get("object"),
        page_items_max=call.node.settings.page_items_max,
    )
