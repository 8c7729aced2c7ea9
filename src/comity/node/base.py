"""What a node rests on: its store, its settings, the clock and the chance that it was given."""

import re
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Self

from comity.interfaces import Clock, Entropy, microseconds
from comity.node import system
from comity.node.access import Access
from comity.node.jobs import Handler, Ran, run_one
from comity.node.settings import Settings
from comity.node.system import SystemClock, SystemEntropy
from comity.stix import schema
from comity.stix.parse import Limits
from comity.store.interface import Snapshot, Store
from comity.store.nouns import Collection, Source
from comity.store.nouns import Job as Job
from comity.store.views import Keys

CURSOR_KEY_BYTES = 64


def origin_of(name: str, epoch: int) -> str:
    """The origin of the log that a node of that name keeps in that epoch: a line without what C2SP's signed-note keeps
    apart by (white space and +)."""
    word = re.sub(r"[^\w.-]+", "-", name)
    return f"{word}/release" if epoch == 1 else f"{word}/release/{epoch}"


class Base:
    """A store and what is needed to work on it; `comity.node.node.Node` adds the verbs."""

    def __init__(self, store: Store, settings: Settings, clock: Clock, entropy: Entropy) -> None:
        self.store = store
        self.settings = settings
        self.clock = clock
        store.now = lambda: microseconds(self.clock.now())
        self.entropy = entropy
        self.handlers: dict[str, Handler] = {}
        self._schemas: schema.Schemas | None = None
        self._schemas_lock = threading.Lock()
        self._known_classes: set[tuple[str, bytes]] = set()
        self._here = threading.local()
        self._purged_at = 0
        self._swept_at = 0
        self._stored_at = 0
        self._indexed_at = 0

    @classmethod
    def open(
        cls,
        url: str,
        *,
        name: str | None = None,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
        settings: Settings | None = None,
        create: bool = True,
    ) -> Self:
        """A node over the store at that address (`sqlite:///file.db`), made where there is none and `create` says so.

        OldSchema where the store was made by another version of Comity: it is never migrated silently.
        """
        settings = settings or Settings(store=url)
        if name is not None:
            settings = replace(settings, name=name)
        store = system.open_store(url, create=create)
        node = cls(store, settings, clock or SystemClock(), entropy or SystemEntropy())
        node.furnish()
        return node

    def furnish(self) -> None:
        """The store has what every node has: a ledger, the source `local`, the collection `default`, the cursor key."""
        with self._snapshot() as snapshot:
            if snapshot.setting("cursor_key") is not None and snapshot.epochs():
                return
        with self.store.write() as tx:
            if not tx.epochs():
                tx.begin_epoch(origin_of(self.name, 1))
            if tx.setting("cursor_key") is not None:
                return
            now = microseconds(self.clock.now())
            if not any(source.name == "local" for source in tx.sources()):
                tx.put_source(Source("local", kind="own", created_at=now))
            if not tx.collections():
                tx.put_collection(Collection(str(self.entropy.uuid4()), "default", "default", "What this node holds."))
            tx.put_setting("cursor_key", self.entropy.token_bytes(CURSOR_KEY_BYTES))

    def close(self) -> None:
        """The store is closed; the node answers nothing more."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def name(self) -> str:
        """What this node is called."""
        return self.settings.name

    @contextmanager
    def at_one_moment(self, *, statement_ms: int = 0) -> Iterator[None]:
        """Whatever this thread reads inside the block comes from one state of the store: a credential and what it lets
        its bearer see hold together. What is written inside is not seen before the block ends. TookTooLong where one
        statement takes longer than `statement_ms`, unless that is 0."""
        with self.store.read(statement_ms=statement_ms) as snapshot:
            self._here.snapshot = snapshot
            try:
                yield
            finally:
                self._here.snapshot = None

    @contextmanager
    def _snapshot(self) -> Iterator[Snapshot]:
        held: Snapshot | None = getattr(self._here, "snapshot", None)
        if held is not None:
            yield held
        else:
            with self.store.read() as snapshot:
                yield snapshot

    def cursor_key(self) -> bytes:
        """The key that seals the positions of pages; one for all processes of the node."""
        with self._snapshot() as snapshot:
            key = snapshot.setting("cursor_key")
        assert key is not None
        return key

    def schemas(self) -> schema.Schemas:
        """The STIX schemas, read when first needed."""
        with self._schemas_lock:
            if self._schemas is None:
                self._schemas = schema.compile(system.schema_documents())
            return self._schemas

    def run_job(self, stopped: Callable[[], bool] = lambda: False) -> Ran | None:
        """The job that is due the longest was run; None where none is due. Safe beside other workers of the node."""
        return run_one(self.store, self.clock, self.entropy, self.handlers, stopped)

    def jobs(self) -> list[Job]:
        """Every job that is to be done, the earliest due first."""
        with self._snapshot() as snapshot:
            return snapshot.jobs()

    def ours(self) -> frozenset[str]:
        """The ids of the identity objects that are this organisation."""
        return frozenset(self.settings.identities.split())

    def _limits(self) -> Limits:
        return Limits(object_bytes_max=self.settings.max_content_length)

    # -- what is noted of own staff: see `comity.node.auditing.Auditing`

    def note(self, act: str, **what: Any) -> None:
        """It is noted, durably, that whoever acts is about to do that."""
        raise NotImplementedError

    def _note_read(self, snapshot: Snapshot, access: Access, act: str, keys: Keys, what: Hashable) -> None:
        """A page with these copies is about to be read."""
        raise NotImplementedError
