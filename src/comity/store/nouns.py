"""The nouns of the store.

A *copy* is one body of one version of one object, from one source, in one collection; it is a row with a rising key
that is never used again. Among live copies (`State.RECEIVED`, `State.PUBLISHED`) there is at most one a (collection,
source, id, version). A *reader* sees one copy an id and version: the one from a source of kind `own`, else the
earliest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from msgspec import Struct
from pyroaring import BitMap


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


def level_of(tlp: int | None, default_tlp: int | None, mark: int | None) -> int | None:
    """The TLP level that counts for a copy: what a person put beside it takes the place of what its source said, and
    what the object says itself holds where that is stricter."""
    if mark is None or (tlp is not None and tlp > mark):
        return default_tlp if tlp is None else tlp
    return mark


class Outcome(StrEnum):
    """What became of one object that was handed over. SUPERSEDED: stored, and an earlier body went into history."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    SUPERSEDED = "superseded"


class Verdict(Struct, frozen=True, gc=False):
    """The outcome for the object at the same place of the batch. `differs` holds the paths at which a conflicting body
    differs from the one that is kept; `key` is the row that now holds the object (in a conflict, the one that stays).
    `alone` says that no other copy of its id was here.
    """

    outcome: Outcome
    key: int
    differs: tuple[str, ...] = ()
    alone: bool = False


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
    """Where copies come from. `kind` is `own`, `feed`, `taxii`, `partner` or `client`; `default_marking` a TLP word;
    `publish` `auto` or `review`. Those of a partner or client are called by its id."""

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
    `recipient` is the id of the partner or client that it is bound to, empty for own staff. One that acts as an
    `account` has its id, and in `stamp` the SHA-256 of what that account signed in with when the token was made.
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
    recipient: str = ""
    account: str = ""
    stamp: bytes = b""


@dataclass(frozen=True, slots=True)
class Bodies:
    """A page of bodies as they are kept, joined by commas in order of adding. Dates are those of its first and last
    item, in microseconds; `last_key` is the position to go on from. Without items `body` is empty, the dates None.
    `of` are the keys that the page is a stretch of; they must not be changed."""

    body: bytes
    count: int
    more: bool
    keys: Sequence[int]
    first_added: int | None = None
    last_added: int | None = None
    of: "BitMap | None" = None

    @property
    def key_set(self) -> "BitMap":
        """The keys as a bitmap, made without a look at each."""
        if not self.keys or self.of is None:
            return BitMap(self.keys)
        return self.of & BitMap(range(self.keys[0], self.keys[-1] + 1))

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
    for objects without; the two are never both set. `mark` is what a person put beside it (see `level_of`). `shown`
    says that it is the copy that readers get. `body` is None once the body was purged."""

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
    mark: int | None = None


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
    mark: int | None = None

    @property
    def level(self) -> int | None:
        """The TLP level that counts."""
        return level_of(self.tlp, self.default_tlp, self.mark)

    @property
    def level_from(self) -> str:
        """Who said so: the `object`, its `source`, or a person by a `mark`."""
        if self.mark is not None and (self.tlp is None or self.mark >= self.tlp):
            return "mark"
        return "object" if self.tlp is not None else "source"


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
    relations_behind: int
    bytes_on_disk: int


def storable(text: str) -> bool:
    """The text can be an id or a date of something stored: no lone surrogate is in any store, PostgreSQL takes no NUL,
    and at one the JSON functions of SQLite before 3.41 end a text, so that it would match another."""
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
