"""The store: few nouns, few verbs, bulk first. All implementations keep this contract; tests/contract asks it of each.

A *copy* is one body of one version of one object, from one source, in one collection; it is a row with a rising key
that is never used again. Among live copies (`State.RECEIVED`, `State.PUBLISHED`) there is at most one a (collection,
source, id, version). A *reader* sees one copy an id and version: the one from a source of kind `own`, else the
earliest.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Protocol, TypeVar

from msgspec import Struct

from comity.interfaces import Query
from comity.stix.object import StixObject

T = TypeVar("T")


class State(IntEnum):
    """What has become of a copy. Drafts are their editors' alone; superseded and withdrawn copies are history."""

    DRAFT = 0
    RECEIVED = 1
    PUBLISHED = 2
    WITHDRAWN = 3
    SUPERSEDED = 4

    @property
    def live(self) -> bool:
        """Whether readers may see copies of this state."""
        return self in (State.RECEIVED, State.PUBLISHED)


class Outcome(StrEnum):
    """What became of one object that was handed over. SUPERSEDED: stored, and an earlier body went into history."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    SUPERSEDED = "superseded"


class Verdict(Struct, frozen=True, gc=False):
    """The outcome for the object at the same place of the batch. `differs` holds the paths at which a conflicting body
    differs from the one that is kept; `key` is the row that now holds the object (in a conflict, the one that stays).
    """

    outcome: Outcome
    key: int
    differs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Collection:
    """`id` is a random UUIDv4; `alias` is unique; `key` is the store's own number and never leaves it."""

    id: str
    title: str
    alias: str | None = None
    description: str = ""
    key: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """Where copies come from. `kind` is `own`, `feed` or `taxii`; `default_marking` a TLP word; `publish` `auto` or
    `review`."""

    name: str
    kind: str = "feed"
    strict: bool = False
    default_marking: str = "amber+strict"
    publish: str = "review"
    labels_are_markings: bool = False
    created_at: int = 0
    key: int = 0


EVERY = "*"
"""In a token's rights: every collection, those made later included."""


@dataclass(frozen=True, slots=True)
class Token:
    """A credential; only the SHA-256 of its secret is kept. `read` and `write` hold collection ids or EVERY.
    Instants are microseconds since 1970."""

    id: str
    name: str
    digest: bytes
    source: str
    read: frozenset[str]
    write: frozenset[str]
    created_at: int
    expires_at: int
    revoked_at: int | None = None


@dataclass(frozen=True, slots=True)
class Bodies:
    """A page of bodies as they are kept, joined by commas in order of adding. Dates are those of its first and last
    item, in microseconds; `last_key` is the position to go on from. Without items `body` is empty, the dates None."""

    body: bytes
    count: int
    more: bool
    keys: Sequence[int]
    first_added: int | None = None
    last_added: int | None = None

    @property
    def last_key(self) -> int:
        """The key of the last item, 0 where there is none."""
        return self.keys[-1] if self.count else 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a manifest: everything about a copy but its body."""

    key: int
    id: str
    version: str
    added: int


@dataclass(frozen=True, slots=True)
class Entries:
    """A page of manifest rows, in order of adding."""

    items: Sequence[Entry]
    more: bool


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy with all that the store knows of it. `tlp` is what the object says, `default_tlp` what its source said
    for objects without; the two are never both set. `shown` says that it is the copy that readers get. `body` is None
    once the body was purged."""

    key: int
    collection: str
    source: str
    id: str
    type: str
    version: str
    state: State
    added: int
    digest: bytes
    tlp: int | None
    default_tlp: int | None
    shown: bool
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Hit:
    """One object found by text: enough for a row of a list."""

    key: int
    id: str
    type: str
    name: str
    version: str
    added: int
    source: str
    collection: str
    tlp: int | None
    default_tlp: int | None


@dataclass(frozen=True, slots=True)
class Hits:
    """Objects found. `behind` is the number of stored copies that full text does not know yet."""

    items: Sequence[Hit]
    more: bool
    behind: int


@dataclass(frozen=True, slots=True)
class TextQuery:
    """A search: every word must occur (in the name, aliases, pattern, value or description), within these filters.
    `tlp_most` is a TLP level (see `comity.stix.markings.TLP`) that the effective marking may not exceed."""

    words: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    collection: str | None = None
    added_after: int | None = None
    tlp_least: int | None = None
    tlp_most: int | None = None
    limit: int = 50
    after: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """What became of one POST; readable by the token that made it. `body` is the finished TAXII status resource."""

    id: str
    token: str
    created_at: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Job:
    """Something to be done at `due_at` or later; `key` is unique within the kind. Instants are microseconds since 1970.

    `attempts` counts the claims since it was enqueued or last went well, `last_error` says how the last one ended.
    `lease` names the claim that holds it until `leased_until`; both are None for a job that nobody holds.
    """

    kind: str
    key: str
    payload: bytes = b""
    due_at: int = 0
    attempts: int = 0
    last_error: str = ""
    lease: str | None = None
    leased_until: int | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """Sizes for `doctor`, metrics and the front page."""

    objects: int
    copies: int
    types: dict[str, int]
    collections: dict[str, int]
    last_added: int | None
    text_behind: int
    bytes_on_disk: int


class Snapshot(Protocol):
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
    def jobs(self) -> list[Job]:
        """Every job, the earliest due first, the held ones included."""
        ...

    def next_job_at(self, kinds: Sequence[str]) -> int | None:
        """When the first job of these kinds can be claimed: due, and not held. None where there is no such job."""
        ...


class Transaction(Snapshot, Protocol):
    """Changes that happen together or not at all. What a Snapshot answers is answered from inside the transaction."""

    def withdraw(self, collection: str, id: str, instants: Sequence[str] | None, now: int) -> int:
        """Every live copy of the id in the collection (of those versions, or all) is withdrawn; how many there were.
        First, last and shown flags are as if it had never been there; what thereby comes up is re-dated."""
        ...

    def put_collection(self, collection: Collection) -> Collection:
        """Made, or changed where the id exists. AlreadyDone where an alias is taken."""
        ...

    def put_source(self, source: Source) -> Source: ...
    def put_token(self, token: Token) -> None: ...
    def put_status(self, status: Status) -> None: ...
    def put_setting(self, name: str, value: bytes) -> None: ...
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
        """The bodies of copies withdrawn before that instant are destroyed, at most `limit` of them, the longest
        withdrawn first; how many. Keys and dates stay used."""
        ...


class Store(Protocol):
    """Where a node rests. Safe to use from several threads; several processes may use one store at once."""

    def read(self) -> AbstractContextManager[Snapshot]: ...
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

    def backup(self, target: Path) -> None:
        """A consistent copy, made while others read and write, is in the new file `target` (mode 0600)."""
        ...

    def check(self, *, deep: bool = False) -> list[str]:
        """What is wrong with the store, in sentences; empty where all holds. `deep` also reads every body and compares
        it with its digest."""
        ...

    def cautions(self) -> list[str]: ...
    def close(self) -> None: ...
