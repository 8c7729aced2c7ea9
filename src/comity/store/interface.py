"""The store: few nouns (`comity.store.nouns`), few verbs, bulk first. All implementations keep this contract;
tests/contract asks it of each.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, TypeVar

from comity.interfaces import Query
from comity.release.spread import Relations
from comity.stix.object import StixObject
from comity.store.asides import KeepAside
from comity.store.audit import AuditRow
from comity.store.audit_interface import AuditSnapshot, AuditTransaction
from comity.store.browse_interface import BrowseSnapshot
from comity.store.deliveries import Delivered, Usage
from comity.store.desk_interface import DeskSnapshot, DeskTransaction
from comity.store.erasure_interface import ErasureSnapshot, ErasureTransaction
from comity.store.ledger_check import LedgerReport
from comity.store.ledger_interface import LedgerSnapshot, LedgerTransaction
from comity.store.nouns import (
    Bodies,
    Collection,
    Copy,
    Counts,
    Entries,
    Hits,
    Job,
    Source,
    State,
    Status,
    TextQuery,
    Token,
    Verdict,
)
from comity.store.publications import Publications, Published, Unpublished
from comity.store.records import Record
from comity.store.related import At
from comity.store.views import Keys

T = TypeVar("T")


class Snapshot(LedgerSnapshot, ErasureSnapshot, AuditSnapshot, BrowseSnapshot, DeskSnapshot, Protocol):
    """One consistent state of the store, as of the moment it was opened. What is withdrawn or a draft is in none of the
    first four answers."""

    def page(self, query: Query, *, bytes_max: int = 16 * 2**20) -> Bodies:
        """The bodies that the query asks for, at most `query.limit` and about `bytes_max` bytes, yet one at least."""
        ...

    def entries(self, query: Query) -> Entries:
        """The same page as rows of a manifest."""
        ...

    def stream(self, collection: str | None = None) -> Iterator[bytes]:
        """Every body, each (id, version) once, all versions, in order of adding, with flat memory."""
        ...

    def search(self, query: TextQuery) -> Hits:
        """The newest first. `query.after` is the key of the last hit of the page before."""
        ...

    def copies(self, id: str, collection: str | None = None) -> list[Copy]:
        """Every copy of the id, history and withdrawn ones included, newest version first; for own staff's `show`."""
        ...

    def counts(self) -> Counts: ...
    def collections(self) -> list[Collection]:
        """In order of making; the same each time."""
        ...

    def collection(self, name: str) -> Collection:
        """The one with that id, alias or title. NotFound, or Conflict where a title is not unique."""
        ...

    def sources(self) -> list[Source]: ...
    def source(self, name: str) -> Source:
        """NotFound where there is none."""
        ...

    def tokens(self) -> list[Token]: ...
    def token(self, id: str) -> Token | None:
        """Never a stale answer: a cache is trusted only under the state row of this snapshot."""
        ...

    def status(self, id: str) -> Status | None: ...
    def setting(self, name: str) -> bytes | None: ...
    @property
    def admin_version(self) -> int:
        """Another number for each state of collections, sources, tokens and records."""
        ...

    @property
    def last_publication(self) -> int:
        """The number of the last publication; 0 where there never was one."""
        ...

    @property
    def last_republication(self) -> int:
        """The number of the last change of a publication that was there before."""
        ...

    def publications(self) -> Publications:
        """The bitmaps of what is published."""
        ...

    def relations(self) -> Relations:
        """How publications rest on one another, as far as `index_relations` has come; they must not be changed. What is
        not published any more may still stand in them, and is in no bitmap that a walk begins with."""
        ...

    def needs_of(self, numbers: Sequence[int]) -> list[tuple[int, int, int]]:
        """What each of these publications refers to: number, target and need, as `relations` have them."""
        ...

    def relations_at(self) -> At:
        """The state for which `relations` hold; they are the same object while it is equal."""
        ...

    def targets(self, ids: Sequence[str]) -> dict[str, int]:
        """The numbers by which relations know these ids (in small letters), of those that anybody refers to."""
        ...

    def classes(self) -> dict[int, bytes]:
        """The canonical forms of all release classes, by the store's own number."""
        ...

    def published(self, numbers: Sequence[int]) -> list[Published]:
        """These publications, those that are still there, by number."""
        ...

    def published_of(self, ids: Sequence[str]) -> list[int]:
        """The numbers of all publications with these ids."""
        ...

    def published_at(self, instants: Sequence[str]) -> list[int]:
        """The numbers of all publications of versions at these instants (see `comity.stix.timestamp.instant_key`)."""
        ...

    def published_types(self, names: Sequence[str]) -> Keys:
        """The numbers of all publications of objects of these types."""
        ...

    def unpublished(self, after: int, limit: int) -> list[Unpublished]:
        """The next received copies after that key, at most so many."""
        ...

    def received(self, keys: Sequence[int]) -> set[int]:
        """Those of the copies with these keys that are received, and neither published nor gone."""
        ...

    def published_bodies(self, numbers: Sequence[int]) -> list[bytes]:
        """The bodies of these rising numbers, all of which must be there."""
        ...

    def held(self, now: int) -> tuple[Keys, int | None]:
        """The publications whose hold is not over, and when the first hold ends."""
        ...

    def last_published_before(self, at: int) -> int:
        """The greatest number that was published before the instant; 0 where there is none."""
        ...

    def openings(self, recipient: str, collection: str) -> list[bytes]:
        """What `put_openings` kept, in the order of places."""
        ...

    def openings_version(self, recipient: str, collection: str) -> str:
        """Another text whenever `openings` are others; empty where it is not known."""
        ...

    def delivered(self, recipient: str, since: int = 0) -> list[Delivered]:
        """How much left for the recipient in that hour since 1970 and later, by the hour."""
        ...

    def usage(self, recipient: str) -> Usage:
        """When the recipient was last answered, and what a person was told of it."""
        ...

    def decided(self, recipient: str) -> tuple[int, bytes]:
        """The entry of the ledger by which decisions were last entered for the recipient, and their digest; 0 and
        nothing where none were."""
        ...

    def records(self, kind: str) -> list[Record]:
        """The newest version of each record of the kind, by name."""
        ...

    def record_history(self, kind: str, id: str) -> list[Record]:
        """Every version of one record, the newest first; empty where there is none."""
        ...

    def jobs(self) -> list[Job]:
        """Every job, the earliest due first, the held ones included."""
        ...

    def next_job_at(self, kinds: Sequence[str]) -> int | None:
        """When the first job of these kinds can be claimed: due, and not held. None where there is no such job."""
        ...


class Transaction(Snapshot, LedgerTransaction, ErasureTransaction, AuditTransaction, DeskTransaction, Protocol):
    """Changes that happen together or not at all. What a Snapshot answers is answered from inside the transaction."""

    def withdraw(
        self, collection: str, id: str, instants: Sequence[str] | None, now: int, source: str | None = None
    ) -> int:
        """Every live copy of the id in the collection (of those versions, or all; from that source, or any) is
        withdrawn; how many there were. First, last and shown flags are as if it had never been there; what thereby
        comes up is re-dated."""
        ...

    def put_collection(self, collection: Collection) -> Collection:
        """Made, or changed where the id exists. AlreadyDone where an alias is taken."""
        ...

    def put_source(self, source: Source) -> Source: ...
    def put_token(self, token: Token) -> None: ...
    def put_status(self, status: Status) -> None: ...
    def put_setting(self, name: str, value: bytes) -> None: ...
    def publish(
        self,
        objects: Sequence[tuple[int, bytes, bytes]],
        now: int,
        until: int | None,
        *,
        alone: Container[int] = (),
    ) -> list[int]:
        """These copies (key, digest and canonical form of the class of each; received, and not published yet) are
        published, and nobody is served them before `until`; their numbers. A class of `PRIVATE` publishes nothing: only
        its sender is served the copy, which stays received, and may be published later under another number. Of those
        `alone` it is known that they are the first of their id, in this transaction."""
        ...

    def remark(self, source: str, old: int, new: int) -> int:
        """Live copies of the source without a TLP of their own, whose default was the one level, have the other (see
        `comity.stix.markings.TLP`), and keep keys and dates; how many. Classes stay as they are."""
        ...

    def reclass(self, classes: Mapping[int, tuple[bytes, bytes]]) -> int:
        """These publications have these classes (digest and canonical form, never `PRIVATE`) from now on, and keep
        their numbers and dates; how many. Those that are published no more, and what only its sender is served, are
        passed over. What so comes into a recipient's view is new in it, as with everything that does."""
        ...

    def unpublish(self, keys: Sequence[int]) -> int:
        """The copies with these keys are received and not published; how many were. No other copy ever has their
        numbers."""
        ...

    def put_openings(self, recipient: str, collection: str, bodies: Mapping[int, bytes]) -> str:
        """What was opened to the recipient in the collection is this at these places, and what it was at others. The
        version of it from now on."""
        ...

    def add_delivered(self, recipient: str, more: Delivered) -> None:
        """So much more left for the recipient in that hour."""
        ...

    def put_usage(self, recipient: str, usage: Usage) -> None: ...
    def put_decided(self, recipient: str, entry: int, digest: bytes) -> None:
        """The decisions that were last entered for the recipient are those of that entry, with that digest."""
        ...

    def put_record(self, record: Record) -> Record:
        """There is a version more of the record of that kind and id, and it counts; its number is in the answer. Of
        `record` the version is not read."""
        ...

    def enqueue(self, job: Job) -> None:
        """There is a job of that kind and key, with this payload and due time, and no attempts; what there was of it is
        replaced. Of `job` only these four are read.

        Where it is held, the holder goes on with what it claimed, and nobody else begins. When it ends, well or not, or
        its lease does, the job is there as it was enqueued: nothing is lost, and no two hold it at once."""
        ...

    def claim(self, now: int, lease_us: int, kinds: Sequence[str], lease: str) -> Job | None:
        """The job of these kinds that is due the longest and that nobody holds, held from now on for `lease_us`, with
        one attempt more; None where there is none. `lease` is a name that was never given before (a random UUID): by
        it a slow worker, whose lease ended and whose job another claimed, is told apart from that other."""
        ...

    def renew(self, job: Job, leased_until: int) -> bool:
        """The claim that `job` is goes on until then; False, and nothing changed, where it holds no more."""
        ...

    def finish(self, job: Job) -> bool:
        """The job is done and gone; if it was enqueued meanwhile, it is free instead, as it was enqueued. False, and
        nothing changed, where another claimed it since: in the same transaction the holder records what it has done, so
        it must then roll back. A lease that ended without another claim still counts."""
        ...

    def put_back(self, job: Job, due_at: int, error: str) -> bool:
        """The job is free and due then. With an error it keeps the count of attempts and says the error; with none
        (a job that recurs) it begins again at 0. If it was enqueued meanwhile, that payload, that due time and no
        attempts stand. False, and nothing changed, where another claimed it since."""
        ...

    def add_failures(self, counts: Mapping[str, int], now: int, window: int) -> dict[str, tuple[int, int]]:
        """So many more sign-ins failed from these networks; when the window of each began, and how many failed in it,
        whoever counted them. Windows that are over are forgotten."""
        ...

    def forget_statuses(self, before: int) -> int:
        """Statuses made before that instant are gone; how many."""
        ...

    def purge(self, before: int, limit: int | None = None) -> int:
        """The bodies of copies withdrawn before that instant are destroyed, but for those on legal hold, at most
        `limit` of them, the longest withdrawn first; how many. Keys and dates stay used."""
        ...


class Store(Protocol):
    """Where a node rests. Safe to use from several threads; several processes may use one store at once."""

    now: Callable[[], int]
    """The clock by which what is done is entered into the ledger: microseconds since 1970."""
    nonces: Callable[[int], bytes]
    """Where the nonces of so many entries come from: 16 bytes each that nobody can guess, one after the other."""
    aside: KeepAside
    """Who is told, before the commit, of what must stay done though the store is put back."""
    noted: Callable[[Sequence[AuditRow]], None]
    """It is called with the rows of the audit log that a transaction of `write` wrote, once that is committed."""

    def read(self, *, statement_ms: int = 0) -> AbstractContextManager[Snapshot]:
        """One state of the store. TookTooLong where a statement takes longer than so many milliseconds, unless that is
        0; what all readers share is made without a limit."""
        ...

    def write(self) -> AbstractContextManager[Transaction]:
        """Committed, durably, when the block ends; rolled back when it raises. Writers take turns.
        StoreUnavailable where the store is locked, full or gone."""
        ...

    def ingest(
        self,
        batches: Iterable[Sequence[StixObject]],
        *,
        collection: str,
        source: str,
        default_tlp: int | None,
        state: State,
        now: int,
        finish: Callable[[Transaction, list[Verdict]], T],
    ) -> T:
        """All batches are stored in one transaction, and `finish` is called in it with one verdict an object, in order.

        The next batch is drawn while the last one is written in the store's own thread, or all before the first is.
        `date_added` of what is stored is max(now, last of the collection + 1 µs), and one µs more a row. If `batches`
        or `finish` raises, nothing was stored.
        """
        ...

    def index_text(self, limit: int) -> int:
        """Up to `limit` copies more are found by `search`; how many are left. Never inside a writer's transaction."""
        ...

    def index_relations(self, limit: int) -> int:
        """Up to `limit` copies more are known to `relations`; how many are left. Never inside a transaction."""
        ...

    def backup(self, target: Path) -> None:
        """A consistent copy, made while others read and write, is in the new file `target` (mode 0600)."""
        ...

    def scrub(self) -> None:
        """Nothing that was deleted is in the files of the store any more. StoreUnavailable where others read or write
        for too long. What a server of databases, its archives and its file system keep is theirs."""
        ...

    def check(self, *, deep: bool = False) -> list[str]:
        """What is wrong with the store, in sentences; empty where all holds. `deep` also reads every body and compares
        it with its digest."""
        ...

    def check_ledger(self, against: Iterable[str | bytes] = ()) -> LedgerReport:
        """How the ledger was found when all of it was read; `against` are checkpoints that were kept elsewhere."""
        ...

    def cautions(self) -> list[str]: ...
    def close(self) -> None: ...
