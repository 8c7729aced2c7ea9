"""Polling a source of kind `taxii`: page after page, each stored in one transaction with the place to go on from."""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from comity.errors import ComityError, Conflict, Invalid, NotFound
from comity.interfaces import Clock, Fetched, Fetcher, microseconds
from comity.node import receive, system
from comity.node.addresses import Reach, networks_of
from comity.node.jobs import LEASE_SECONDS, SECOND_US
from comity.node.receive import Report
from comity.node.way import Way
from comity.stix.parse import Limits
from comity.stix.schema import Schemas
from comity.store.interface import Store, Transaction
from comity.store.nouns import Job, Outcome, Verdict
from comity.taxii.client import Listed, TaxiiClient
from comity.taxii.reader import START, Position, Reader

POLL = "poll"
"""The kind of job; its key is the name of the source."""
PAGES_A_RUN = 500
"""Then the other jobs have their turn, and this one goes on where it was."""
SAMPLES_MAX = 20


class Poll(Struct, frozen=True):
    """What the operator said of how a source is polled. `collections` are ids, aliases or titles over there, none: all
    that may be read; `into` is the id of the collection here. The secret itself is only in its file."""

    url: str
    into: str
    collections: tuple[str, ...] = ()
    every_seconds: int | None = None
    user: str = ""
    secret_file: str = ""
    ca_file: str = ""
    allowed: tuple[str, ...] = ()
    plain_http: bool = False
    paused: bool = False


class PollRun(Struct):
    """How a run went. `rejected_samples` holds the first of those that were not taken, `remarks` what of the server is
    against the standard; `error` is empty where the run came to its end."""

    began_at: int
    ended_at: int = 0
    pages: int = 0
    stored: int = 0
    duplicates: int = 0
    conflicts: int = 0
    rejected: int = 0
    findings: int = 0
    rejected_samples: list[dict[str, str]] = []
    remarks: list[str] = []
    error: str = ""

    def add(self, report: Report) -> None:
        """A page was stored."""
        self.pages += 1
        self.stored += report.stored
        self.duplicates += report.duplicates
        self.conflicts += len(report.conflicts)
        self.rejected += len(report.rejected)
        self.findings += report.findings_count
        for one in report.rejected[: SAMPLES_MAX - len(self.rejected_samples)]:
            self.rejected_samples.append({"id": one.id, "where": one.where, "problem": one.problem})


def setting_name(source: str) -> str:
    """The setting that holds the Poll of a source."""
    return f"taxii/{source}"


def run_name(source: str) -> str:
    """The setting that holds how its last run went."""
    return f"taxii-run/{source}"


def position_name(source: str, collection: str) -> str:
    """The setting that holds from where on a collection of another server is to be read."""
    return f"taxii-position/{collection}/{source}"


def credential_of(poll: Poll) -> str:
    """The value of the Authorization header, read from its file; empty where there is none."""
    if not poll.secret_file:
        if poll.user:
            raise Invalid("A user without a secret signs in nowhere.", where="user", hint="Give --secret-file.")
        return ""
    return authorization(poll.user, system.read_secret(Path(poll.secret_file)))


def authorization(user: str, secret: str) -> str:
    """The header's value: Basic for a user and a password, Bearer for a token."""
    if not user:
        if not secret.isascii() or " " in secret:
            raise Invalid("A token is visible ASCII.", where="token_file")
        return f"Bearer {secret}"
    if ":" in user or not user.isprintable():
        raise Invalid("A user holds no colon.", where="user", rule="RFC 7617")
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


def reach_of(poll: Poll) -> Reach:
    """Whom a poll may call."""
    return Reach(
        poll.url,
        authorization=credential_of(poll),
        allowed=networks_of(poll.allowed),
        ca_file=Path(poll.ca_file) if poll.ca_file else None,
        plain_http=poll.plain_http,
    )


def run(
    store: Store,
    clock: Clock,
    schemas: Schemas,
    limits: Limits,
    job: Job,
    way: Way,
    poll: Poll,
    fetcher: Callable[[Reach], AbstractContextManager[Fetcher]],
    stopped: Callable[[], bool],
) -> int | None:
    """What the server had is stored, and when it is to be polled again; at once where the run was cut short.

    A collection that cannot be read keeps the others from nothing; its error is raised in the end. Killed at any
    moment, it goes on from the last page that was stored.
    """
    done = PollRun(began_at=microseconds(clock.now()))
    polling = _Polling(store, clock, schemas, limits, job, way, done)
    failure: ComityError | None = None
    cut_short = False
    try:
        with fetcher(reach_of(poll)) as opened:
            client = TaxiiClient(_Lively(opened, polling), poll.url)
            for listed in _chosen(client, poll):
                try:
                    cut_short = not polling.read(client, listed, stopped) or cut_short
                except Conflict:
                    raise
                except ComityError as error:
                    failure = failure or error
        if failure is not None:
            raise failure
    except Exception as error:
        done.error = error.message if isinstance(error, ComityError) else f"unexpected {type(error).__name__}: {error}"
        raise
    finally:
        done.ended_at = microseconds(clock.now())
        with store.write() as tx:
            tx.put_setting(run_name(way.source.name), msgspec.json.encode(done))
    if cut_short:
        return done.ended_at
    return None if poll.every_seconds is None else done.ended_at + poll.every_seconds * SECOND_US


def _chosen(client: TaxiiClient, poll: Poll) -> Iterator[Listed]:
    listed = client.collections()
    if not poll.collections:
        yield from (one for one in listed if one.can_read)
        return
    for name in poll.collections:
        found = [one for one in listed if name in (one.id, one.alias, one.title)]
        if not found:
            raise NotFound(f"The server shows no collection {name!r}.", hint=f"comity taxii collections {poll.url}")
        yield from found


class _Lively:
    """A Fetcher that gives a sign of life before it asks, where the last one is a while ago."""

    def __init__(self, inner: Fetcher, polling: "_Polling") -> None:
        self._inner = inner
        self._polling = polling

    def fetch(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"", bytes_max: int
    ) -> Fetched:
        """See `comity.interfaces.Fetcher`. Conflict where another worker has taken the job."""
        self._polling.live()
        return self._inner.fetch(method, url, headers=headers, body=body, bytes_max=bytes_max)


class _Polling:
    """One run; `done` counts what it did."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        schemas: Schemas,
        limits: Limits,
        job: Job,
        way: Way,
        done: PollRun,
    ) -> None:
        self._store, self._clock, self._schemas, self._limits = store, clock, schemas, limits
        self._job, self._way, self._source, self._done = job, way, way.source, done
        self._alive_at = done.began_at

    def live(self) -> None:
        """The lease goes on where a quarter of it is over. Conflict where it is another's by now."""
        now = microseconds(self._clock.now())
        if now - self._alive_at >= LEASE_SECONDS * SECOND_US // 4:
            with self._store.write() as tx:
                self._renew(tx)

    def _renew(self, tx: Transaction) -> None:
        self._alive_at = microseconds(self._clock.now())
        if not tx.renew(self._job, self._alive_at + LEASE_SECONDS * SECOND_US):
            raise Conflict("Another worker has taken the source over.", hint="comity source show")

    def read(self, client: TaxiiClient, listed: Listed, stopped: Callable[[], bool]) -> bool:
        """The collection was read to its end; False where it was left before, to go on there the next time."""
        name = position_name(self._source.name, listed.id)
        with self._store.read() as snapshot:
            kept = snapshot.setting(name)
        reader = Reader(client, listed.url, START if kept is None else Position.of_json(msgspec.json.decode(kept)))
        try:
            for page in reader.pages():
                self._store_page(reader, name, page.objects)
                if page.over:
                    return True
                if stopped() or self._done.pages >= PAGES_A_RUN:
                    return False
        finally:
            self._done.remarks += [words for words in reader.remarks if words not in self._done.remarks]
        return True

    def _store_page(self, reader: Reader, name: str, objects: Sequence[bytes]) -> None:
        report = Report(self._source.name)

        def record(tx: Transaction, verdicts: Sequence[Verdict]) -> None:
            new = report.stored > 0 or any(one.outcome in (Outcome.STORED, Outcome.SUPERSEDED) for one in verdicts)
            self._renew(tx)
            tx.put_setting(name, _encoded(reader.stored(new).to_json()))

        receive.store_all(
            self._store, self._clock, objects, self._way, self._schemas, self._limits, report, record=record
        )
        self._done.add(report)


def _encoded(value: dict[str, Any]) -> bytes:
    return msgspec.json.encode(value)
