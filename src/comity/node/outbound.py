"""The one way out. Whatever leaves the store for a reader is made here, so that a gate has one place to stand.

Own staff who have the right to a collection see all that is received or published in it, and nothing that is a draft or
withdrawn. What a token reads that is bound to a partner or client is made by the gate (`comity.node.gate`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import msgspec
from pyroaring import BitMap

from comity.errors import Conflict, NotAuthorized, NotFound
from comity.interfaces import Query
from comity.node.access import Access
from comity.release import redact
from comity.stix.object import VERSIONLESS
from comity.store.interface import Snapshot
from comity.store.nouns import Collection, Copy, Entries, Hits, TextQuery


@dataclass(frozen=True, slots=True)
class Released:
    """A page that may leave: bodies as they came, joined by commas, and what the reader may know of them.

    Dates are in microseconds since 1970 and belong to the first and last item; None where the page is empty. `keys` are
    those of the copies that own staff read, for the audit log, and never leave.
    """

    body: bytes
    count: int
    more: bool
    last_key: int
    first_added: int | None
    last_added: int | None
    keys: BitMap = field(default_factory=BitMap)


@dataclass(frozen=True, slots=True)
class Item:
    """One object that may leave; `raw` is what was sent, byte for byte."""

    raw: bytes
    id: str
    type: str
    version: str


class _Fields(msgspec.Struct):
    id: str
    type: str
    modified: str | None = None
    created: str | None = None


_slices = msgspec.json.Decoder(list[msgspec.Raw])
_fields = msgspec.json.Decoder(_Fields)


def permit(
    snapshot: Snapshot,
    access: Access,
    name: str,
    *,
    read: bool = False,
    write: bool = False,
    delete: bool = False,
    gated: bool = False,
) -> Collection:
    """The collection, where every right asked for is held; tokens name it by id or alias, the operator also by title.

    NotFound where there is no right at all, in the same words as for none, so that nobody learns what others have;
    NotAuthorized where one right is held and another is missing. `read` is to read objects as they are stored, which a
    bound token does not, whatever its rights: it reads what the gate releases (`gated`). `delete` needs both rights.
    """
    missing = NotFound("There is no such collection, or no right in it.", where="collection")
    try:
        collection = snapshot.collection(name)
    except (NotFound, Conflict):
        if access.token is None:
            raise
        raise missing from None
    may_read, may_write = access.may_read(collection.id), access.may_write(collection.id)
    if not may_read and not may_write:
        raise missing
    if access.token is not None and name not in (collection.id, collection.alias):
        raise missing
    if (read or delete or gated) and not may_read:
        raise NotAuthorized("This credential may not read the collection.", where="collection")
    if (write or delete) and not may_write:
        raise NotAuthorized("This credential may not write to the collection.", where="collection")
    if read and access.recipient:
        raise NotAuthorized("Nothing is released to this credential.", where="collection")
    return collection


def release(snapshot: Snapshot, access: Access, query: Query) -> Released:
    """The page of objects that the query asks for and this reader may have."""
    page = snapshot.page(_narrowed(snapshot, access, query))
    return Released(page.body, page.count, page.more, page.last_key, page.first_added, page.last_added, page.key_set)


def released(
    objects: Sequence[redact.Released], *, more: bool, position: int, first_added: int | None, last_added: int | None
) -> Released:
    """The page of a partner or client: what the gate has let go, and nothing else can be put here."""
    return Released(b",".join([one.raw for one in objects]), len(objects), more, position, first_added, last_added)


def manifest(snapshot: Snapshot, access: Access, query: Query) -> Entries:
    """The same page as rows without bodies."""
    return snapshot.entries(_narrowed(snapshot, access, query))


def items(page: Released) -> Iterator[Item]:
    """The objects of a page one by one, each cut out exactly as it was sent."""
    for raw in _slices.decode(b"[" + page.body + b"]"):
        fields = _fields.decode(raw)
        yield Item(bytes(raw), fields.id, fields.type, fields.modified or fields.created or VERSIONLESS)


def copies(snapshot: Snapshot, access: Access, id: str) -> list[Copy]:
    """Every copy of the id in the collections that this reader may read; own staff alone see copies."""
    if access.recipient:
        return []
    return [copy for copy in snapshot.copies(id) if access.may_read(copy.collection)]


def search(snapshot: Snapshot, access: Access, query: TextQuery) -> Hits:
    """Hits among what the reader may read; a reader without the right to every collection names one."""
    if query.collection is not None:
        query = replace(query, collection=permit(snapshot, access, query.collection, read=True).id)
    elif not access.may_read_all:
        raise NotAuthorized("Name a collection: this credential may not read all of them.", where="collection")
    return snapshot.search(query)


def permit_export(snapshot: Snapshot, access: Access, collection: str | None) -> str | None:
    """The id of the collection that is exported; None where it is all of them. NotAuthorized where that is no right."""
    if collection is None and not access.may_read_all:
        raise NotAuthorized("Name a collection: this credential may not read all of them.", where="collection")
    return permit(snapshot, access, collection, read=True).id if collection is not None else None


def write_export(
    snapshot: Snapshot,
    access: Access,
    write: Callable[[bytes], object],
    *,
    collection: str | None,
    lines: bool,
    id: str,
) -> int:
    """Every object that is neither a draft nor withdrawn was written, each (id, version) once; how many there were.

    The form is a STIX bundle with that `id`, or with `lines` one object a line. Memory stays flat.
    """
    found = permit_export(snapshot, access, collection)
    if not lines:
        return _write_bundle(write, snapshot.stream(found), id)
    count = 0
    for raw in snapshot.stream(found):
        # A body may hold line breaks between its members, where they mean nothing; no string can hold one.
        write(raw.replace(b"\n", b" ").replace(b"\r", b" ") + b"\n")
        count += 1
    return count


def write_released(write: Callable[[bytes], object], objects: Iterable[redact.Released], *, id: str) -> int:
    """What the gate has let go was written as a STIX bundle with that `id`; how many objects there were."""
    return _write_bundle(write, (one.raw for one in objects), id)


def _write_bundle(write: Callable[[bytes], object], raws: Iterable[bytes], id: str) -> int:
    count = 0
    write(b'{"type":"bundle","id":"' + id.encode() + b'"')
    for raw in raws:
        write((b',"objects":[\n' if count == 0 else b",\n") + raw)
        count += 1
    write(b"]}\n" if count else b"}\n")
    return count


def _narrowed(snapshot: Snapshot, access: Access, query: Query) -> Query:
    if query.collection is None:
        if not access.may_read_all:
            raise NotAuthorized("Name a collection: this credential may not read all of them.", where="collection")
        return query
    return replace(query, collection=permit(snapshot, access, query.collection, read=True).id)
