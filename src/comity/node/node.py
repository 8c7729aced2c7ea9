"""Node: the public verbs, each a short paragraph. Fetch, decide, record, act."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pyroaring import BitMap

from comity.errors import AlreadyDone, Invalid, InvalidRequest, NotFound
from comity.interfaces import Query, microseconds
from comity.node import access as who
from comity.node import outbound, receive, reclassifying, showing
from comity.node.access import OPERATOR, Access, Credential, NewToken, check_name
from comity.node.asking import text_query
from comity.node.erasing import Erasing
from comity.node.legal_holds import LegalHolding
from comity.node.outbound import Item, Released
from comity.node.people import ADMIN
from comity.node.publishing import PARTNER
from comity.node.receive import Posted, Report
from comity.node.restricted import LEVELS
from comity.node.sessions import OF_A_NAME
from comity.node.showing import CopyView
from comity.node.subjects import Subjects
from comity.node.tallying import Tallying
from comity.node.upkeep import TEXT_INDEX_OBJECTS, Upkeep
from comity.node.way import way_of
from comity.stix.cut import cut_lines, cut_stream
from comity.stix.markings import TLP
from comity.stix.object import Rejected
from comity.stix.split import split_document
from comity.stix.timestamp import instant_key
from comity.store.nouns import Collection, Counts, Entries, Hits, Token

TEXT_SECONDS_AWAITED = 5
DOCUMENT_OBJECTS_MAX = 10_000_000
RESERVED = "all"


@dataclass(frozen=True, slots=True)
class CollectionView:
    """A collection as one reader sees it."""

    id: str
    title: str
    alias: str | None
    description: str
    can_read: bool
    can_write: bool


class Node(Upkeep, Erasing, LegalHolding, Subjects, Tallying):
    """A party's own node: what it holds, who may ask, the one way in and the one way out. Safe to use from threads."""

    # -- who may ask

    def admit(self, credential: Credential) -> Access:
        """The rights of a credential that holds now; Unauthenticated otherwise."""
        with self._snapshot() as snapshot:
            found = who.admit(snapshot, credential, self.guard.moment(snapshot).latest)
            self._bearer(snapshot, found)
        self.looks.used(credential.id)
        return found

    def new_token(
        self,
        name: str,
        *,
        read: Sequence[str] = (),
        write: Sequence[str] = (),
        source: str = "local",
        days: int = who.TOKEN_DAYS_DEFAULT,
        partner: str | None = None,
    ) -> NewToken:
        """A token is in force; its secret is in the answer and nowhere else. One that is bound to a partner or client
        reads what is released to it, and what it sends counts as from there."""
        recipient = ""
        if partner is not None:
            source, recipient = self.source_of_partner(partner), self.partner(partner).id
        with self.store.write() as tx:
            self._actor(tx, ADMIN)
            if partner is None and tx.source(source).kind == PARTNER:
                raise Invalid("What a partner sends comes from a token that is bound to it.", where="source")
            return who.issue(
                tx,
                self.clock,
                self.entropy,
                name,
                read=read,
                write=write,
                source=source,
                days=days,
                recipient=recipient,
            )

    def share_failures(self, counts: Mapping[str, int], window_seconds: int) -> dict[str, tuple[float, int]]:
        """So many more sign-ins failed from these networks; how many seconds ago the window of each began, and how many
        failed in it before all processes of the node."""
        now = microseconds(self.clock.now())
        # What failed for an account is noted where it failed, by whoever knows whether there is such an account.
        self.looks.failed({place: count for place, count in counts.items() if not place.startswith(OF_A_NAME)})
        with self.store.write() as tx:
            found = tx.add_failures(counts, now, window_seconds * 1_000_000)
        return {network: ((now - since) / 1_000_000, count) for network, (since, count) in found.items()}

    def tokens(self) -> list[Token]:
        """Every token ever issued, the revoked and expired ones included."""
        with self._snapshot() as snapshot:
            return snapshot.tokens()

    def revoke_token(self, id: str) -> Token:
        """The token admits nobody any more, from the next request on."""
        with self.store.write() as tx:
            self._actor(tx, ADMIN)
            token = tx.token(id)
            if token is None:
                raise NotFound(f"There is no token {id!r}.", hint="comity token list")
            if token.revoked_at is None:
                token = replace(token, revoked_at=microseconds(self.clock.now()))
                tx.put_token(token)
            return token

    # -- collections

    def collections(self, access: Access = OPERATOR) -> list[CollectionView]:
        """The collections in which this reader has any right, in order of making."""
        with self._snapshot() as snapshot:
            views = [_view(collection, access) for collection in snapshot.collections()]
        return [view for view in views if view.can_read or view.can_write]

    def collection(self, name: str, access: Access = OPERATOR) -> CollectionView:
        """One of them, by id or alias, for the operator by title too. NotFound where there is no right."""
        with self._snapshot() as snapshot:
            return _view(outbound.permit(snapshot, access, name), access)

    def add_collection(self, title: str, *, alias: str | None = None, description: str = "") -> CollectionView:
        """The collection exists. AlreadyDone where the alias is taken."""
        check_name(title, "title")
        if alias is not None:
            check_alias(alias)
        if RESERVED in (title, alias):
            raise Invalid(f"{RESERVED!r} means every collection, so none may have that name.", where="title")
        with self.store.write() as tx:
            for other in tx.collections():
                if title in (other.title, other.alias):
                    raise AlreadyDone(f"There is a collection {title!r} already.", hint="Choose another title.")
            made = tx.put_collection(Collection(str(self.entropy.uuid4()), title, alias, description))
        return _view(made, OPERATOR)

    # -- in

    def receive(
        self,
        body: bytes,
        source: str = "local",
        *,
        collection: str = "default",
        strict: bool | None = None,
        marking: str | None = None,
    ) -> Report:
        """A bundle, an envelope or one object was taken in; the report has one verdict an object.

        `strict` and `marking` (a TLP word, for objects without TLP) default to what the source says.
        """
        raws = split_document(body, objects_max=DOCUMENT_OBJECTS_MAX)
        return self._take(raws, source, collection, strict, marking, None)

    def receive_stream(
        self,
        chunks: Iterable[bytes],
        source: str = "local",
        *,
        lines: bool = False,
        collection: str = "default",
        strict: bool | None = None,
        marking: str | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Report:
        """The same of a document of any size, stored slice by slice with flat memory; `lines`: one object a line."""
        bytes_max = self._limits().object_bytes_max
        raws: Iterable[bytes | Rejected] = cut_stream(chunks, object_bytes_max=bytes_max)
        if lines:
            raws = cut_lines(chunks, object_bytes_max=bytes_max)
        return self._take(raws, source, collection, strict, marking, progress)

    def _take(
        self,
        raws: Iterable[bytes | Rejected],
        source: str,
        collection: str,
        strict: bool | None,
        marking: str | None,
        progress: Callable[[int], None] | None,
    ) -> Report:
        default = None if marking is None else TLP.read(marking)
        with self._snapshot() as snapshot:
            target = outbound.permit(snapshot, OPERATOR, collection, write=True)
            known = next((s for s in snapshot.sources() if s.name == source), None)
        found = known or self._new_source(source)
        report = Report(found.name, new_source=known is None)
        way = way_of(target.id, found, ours=self.ours(), known=self._known_classes, strict=strict, marking=default)
        schemas, limits = self.schemas(), self._limits()
        receive.store_all(self.store, self.clock, raws, way, schemas, limits, report, progress)
        return report

    def post(self, access: Access, collection: str, body: bytes) -> Posted:
        """A TAXII envelope was taken in, and its status resource can be read by the token that sent it."""
        with self._snapshot() as snapshot:
            target = outbound.permit(snapshot, access, collection, write=True)
            source = snapshot.source(access.source)
        way = way_of(target.id, source, ours=self.ours(), known=self._known_classes)
        self._stored_at = microseconds(self.clock.now())
        return receive.post(self.store, self.clock, self.entropy, access, way, body, self.schemas(), self._limits())

    def delete(self, access: Access, collection: str, id: str, instants: Sequence[str] | None = None) -> int:
        """Every copy of the id in the collection (of those versions, or all) is withdrawn; how many there were.

        NotFound where there was none. Needs the right to read and to write (TAXII 2.1 section 5.7). A bound token
        withdraws what its own source sent, and what others sent is as if it were not there (R59).
        """
        with self.store.write() as tx:
            target = outbound.permit(tx, access, collection, delete=True)
            tx.staff = "" if access.recipient else access.token or self._account()
            source = access.source if access.recipient else None
            meant, now = reclassifying.meanings(tx, id), microseconds(self.clock.now())
            count = tx.withdraw(target.id, id, instants, now, source)
            reclassifying.after_withdrawing(tx, id, meant, self.ours(), now)
        if count == 0:
            raise NotFound("There is no such object, or no such version of it.", where="id")
        return count

    # -- out

    def page(self, access: Access, query: Query) -> Released:
        """The objects that the query asks for, as one page; for a bound credential what is released to it."""
        if access.recipient:
            return self._released_page(access, query)
        with self._snapshot() as snapshot:
            found = outbound.release(snapshot, access, query)
            self._note_read(snapshot, access, "read", found.keys, query)
        return found

    def manifest(self, access: Access, query: Query) -> Entries:
        """The same page, without bodies."""
        if access.recipient:
            return self._released_manifest(access, query)
        with self._snapshot() as snapshot:
            found = outbound.manifest(snapshot, access, query)
            self._note_read(snapshot, access, "list", BitMap([item.key for item in found.items]), query)
        return found

    def status(self, access: Access, id: str) -> bytes:
        """The status resource of a POST by this token; NotFound for those of others."""
        with self._snapshot() as snapshot:
            status = snapshot.status(id)
        if status is None or access.token is None or status.token != access.token:
            raise NotFound("There is no such status.", where="status")
        return status.body

    def find(self, query: Query | None = None, access: Access = OPERATOR) -> Iterator[Item]:
        """Every object that the query asks for, in order of adding; `query.limit` is the size of a page underneath."""
        query = query or Query()
        while True:
            page = self.page(access, query)
            yield from outbound.items(page)
            if not page.more:
                return
            query = replace(query, after=page.last_key)

    def get(self, id: str, version: str | None = None, access: Access = OPERATOR) -> Item:
        """The last version of an object, or that version. NotFound where there is none."""
        versions: tuple[str, ...] = ("last",)
        if version is not None:
            instant = instant_key(version)
            if instant is None:
                raise InvalidRequest(f"{version!r} is no STIX timestamp.", where="version", rule="STIX 2.1 §3.13")
            versions = (instant,)
        for item in self.find(Query(ids=(id,), versions=versions), access):
            return item
        raise NotFound(f"There is no object {id!r}.", where="id")

    def show(self, id: str, access: Access = OPERATOR) -> list[CopyView]:
        """Every copy of an object, history included, with its effective marking and findings; NotFound without any."""
        with self._snapshot() as snapshot:
            views = showing.views(snapshot, access, id, self.schemas())
            shown = [LEVELS[view.tlp] for view in views if view.tlp in LEVELS and view.raw is not None]
            self._note_shown(access, id, shown)
        if not views:
            raise NotFound(f"There is no object {id!r}.", where="id")
        return views

    def search(
        self, text: str, *, types: Sequence[str] = (), limit: int = 50, after: int = 0, access: Access = OPERATOR
    ) -> Hits:
        """Objects whose text has every word, the newest first.

        What was added a moment ago is indexed first, for at most TEXT_SECONDS_AWAITED; `behind` counts what is not yet.
        """
        query = text_query(text, types=types, limit=limit, after=after, now_us=microseconds(self.clock.now()))
        stop = microseconds(self.clock.now()) + TEXT_SECONDS_AWAITED * 1_000_000
        while self.store.index_text(TEXT_INDEX_OBJECTS) and microseconds(self.clock.now()) < stop:
            pass
        with self._snapshot() as snapshot:
            hits = outbound.search(snapshot, access, query)
            self._note_read(snapshot, access, "search", BitMap([hit.key for hit in hits.items]), text)
        return hits

    def export(
        self,
        write: Callable[[bytes], object],
        *,
        collection: str | None = None,
        lines: bool = False,
        access: Access = OPERATOR,
    ) -> int:
        """All objects and versions were written, as a STIX bundle or one a line; how many."""
        bundle_id = f"bundle--{self.entropy.uuid4()}"
        with self._snapshot() as snapshot:
            found = outbound.permit_export(snapshot, access, collection)
            self._note_export(snapshot, access, snapshot.keys_in(found), found)
            return outbound.write_export(snapshot, access, write, collection=collection, lines=lines, id=bundle_id)

    # -- keeping house

    def counts(self) -> Counts:
        """Sizes, for `doctor`, the metrics and the front page."""
        with self._snapshot() as snapshot:
            return snapshot.counts()

    def ready(self) -> list[str]:
        """Why the node cannot answer now, in sentences; empty when it can."""
        with self._snapshot() as snapshot:
            return [] if snapshot.collections() else ["There is no collection."]

    def check(self) -> list[str]:
        """What is wrong with the store, in sentences; every digest is looked at."""
        return self.store.check(deep=True)


def check_alias(alias: str) -> None:
    """The alias can stand in a path: lower-case letters, digits, `-`, `_` and `.`. Invalid otherwise."""
    good = set("abcdefghijklmnopqrstuvwxyz0123456789-_.")
    if not 1 <= len(alias) <= 100 or not set(alias) <= good or alias.strip(".") != alias:
        raise Invalid("An alias is 1 to 100 of a-z, 0-9, `-`, `_` and `.`, with no dot at its ends.", where="alias")


def _view(collection: Collection, access: Access) -> CollectionView:
    return CollectionView(
        collection.id,
        collection.title,
        collection.alias,
        collection.description,
        access.may_read(collection.id),
        access.may_write(collection.id),
    )
