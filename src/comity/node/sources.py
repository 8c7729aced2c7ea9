"""Sources: where objects come from. Those of kind `taxii` are polled; see `comity.node.polling`."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import structs

from comity.errors import AlreadyDone, Conflict, Invalid, Unavailable
from comity.interfaces import Fetcher, microseconds
from comity.node import outbound, pausing, polling
from comity.node.access import OPERATOR, check_name
from comity.node.addresses import Reach, networks_of, place_of
from comity.node.jobs import Ran
from comity.node.pausing import Pace
from comity.node.people import ADMIN, People
from comity.node.polling import POLL, Poll, PollRun, credential_of, run_name, setting_name
from comity.node.way import way_of
from comity.stix.markings import TLP
from comity.store.interface import Snapshot, Transaction
from comity.store.nouns import Job, Source

SOURCE_KINDS = ("own", "feed")
TAXII = "taxii"
OF_PARTNER = "partner "
"""How the names of the sources begin in which lies what partners send."""
PUBLISH_WAYS = ("auto", "review")
EVERY_SECONDS_LEAST = 60
EVERY_SECONDS_MOST = 30 * 24 * 3600
COLLECTIONS_MAX = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SourceView:
    """A source with what belongs to its kind: how it is polled, the job that waits, and how the last run went; and
    how fast it makes new classes, which may have paused it."""

    source: Source
    poll: Poll | None
    job: Job | None
    last: PollRun | None
    pace: Pace


def _http(reach: Reach) -> AbstractContextManager[Fetcher]:
    from comity.node.fetch import HttpFetcher

    return HttpFetcher(reach)


class Sources(People):
    """The verbs on sources."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.fetcher: Callable[[Reach], AbstractContextManager[Fetcher]] = _http
        """The way to other servers; tests put another in its place."""
        self.handlers[POLL] = self._poll

    def sources(self) -> list[Source]:
        """Every source, in order of making."""
        with self._snapshot() as snapshot:
            return snapshot.sources()

    def source(self, name: str) -> SourceView:
        """One of them, with all that is known of it. NotFound where there is none."""
        with self._snapshot() as snapshot:
            source = snapshot.source(name)
            job = next((job for job in snapshot.jobs() if (job.kind, job.key) == (POLL, name)), None)
            poll = _kept(snapshot, setting_name(name), Poll)
            run, pace = _kept(snapshot, run_name(name), PollRun), pausing.pace_of(snapshot, name)
            return SourceView(source, poll, job, run, pace)

    def paused_sources(self) -> dict[str, str]:
        """The sources of which nothing is published by their rule, since they made new classes too fast, and why."""
        with self._snapshot() as snapshot:
            paces = {source.name: pausing.pace_of(snapshot, source.name).words for source in snapshot.sources()}
        return {name: words for name, words in paces.items() if words}

    def add_source(
        self,
        name: str,
        *,
        kind: str = "feed",
        strict: bool = False,
        default_marking: str = "amber+strict",
        publish: str = "review",
        labels_are_markings: bool = False,
    ) -> Source:
        """The source exists. AlreadyDone where one of that name did before."""
        if kind not in SOURCE_KINDS:
            raise Invalid("A source is `own` or `feed`, or added by its URL.", where="source")
        with self.store.write() as tx:
            self._actor(tx, ADMIN)
            return self._add(
                *(tx, name, kind),
                strict=strict,
                default_marking=default_marking,
                publish=publish,
                labels_are_markings=labels_are_markings,
            )

    def add_taxii_source(
        self,
        name: str,
        url: str,
        *,
        collections: Sequence[str] = (),
        into: str = "default",
        every_seconds: int | None = 900,
        user: str = "",
        secret_file: Path | None = None,
        ca_file: Path | None = None,
        allowed: Sequence[str] = (),
        plain_http: bool = False,
        strict: bool = False,
        default_marking: str = "amber+strict",
        publish: str = "review",
    ) -> SourceView:
        """The source exists, and is polled from now on: these of its collections, or all that may be read.

        The secret stays in its file and is read at each poll; with a user it is a password, else a token. `allowed`
        lists the addresses that may be called besides public ones; `every_seconds` None is by hand alone.
        """
        if every_seconds is not None and not EVERY_SECONDS_LEAST <= every_seconds <= EVERY_SECONDS_MOST:
            raise Invalid("A source is polled every minute at most and every 30 days at least.", where="every")
        if len(collections) > COLLECTIONS_MAX:
            raise Invalid(f"A source has at most {COLLECTIONS_MAX} collections by name.", where="collection")
        place_of(url)
        networks_of(allowed)
        with self.store.write() as tx:
            self._actor(tx, ADMIN)
            poll = Poll(
                url=url,
                collections=tuple(collections),
                into=outbound.permit(tx, OPERATOR, into, write=True).id,
                every_seconds=every_seconds,
                user=user,
                secret_file=str(secret_file or ""),
                ca_file=str(ca_file or ""),
                allowed=tuple(allowed),
                plain_http=plain_http,
            )
            credential_of(poll)
            self._add(tx, name, TAXII, strict=strict, default_marking=default_marking, publish=publish)
            tx.put_setting(setting_name(name), msgspec.json.encode(poll))
            tx.enqueue(Job(POLL, name, due_at=microseconds(self.clock.now())))
        return self.source(name)

    def pause_source(self, name: str, *, paused: bool) -> SourceView:
        """The source is polled no more, or again from now on. One that made new classes too fast publishes by its rule
        again; what came meanwhile was not published, and is not now."""
        with self.store.write() as tx:
            self._actor(tx, ADMIN)
            resumed = not paused and pausing.resume(tx, name)
            if not resumed or _kept(tx, setting_name(name), Poll) is not None:
                poll = self._polled(tx, name)
                tx.put_setting(setting_name(name), msgspec.json.encode(structs.replace(poll, paused=paused)))
                tx.enqueue(Job(POLL, name, due_at=microseconds(self.clock.now())))
        return self.source(name)

    def poll(self, name: str, stopped: Callable[[], bool] = lambda: False) -> Ran:
        """The source was polled now. Unavailable where another worker is at it; it then polls once more after that."""
        with self.store.write() as tx:
            if self._polled(tx, name).paused:
                raise Conflict(f"The source {name} is paused.", hint=f"comity source resume {name}")
            tx.enqueue(Job(POLL, name))
        while (ran := self.run_job(stopped)) is not None:
            if (ran.job.kind, ran.job.key) == (POLL, name):
                return ran
        raise Unavailable(f"Another worker polls {name} now, and once more after that.", hint="comity source show")

    def _new_source(self, name: str) -> Source:
        """The source that an import names for the first time: nothing of it is published without a person."""
        with self.store.write() as tx:
            return self._add(tx, name, "feed", strict=False, default_marking="amber+strict", publish="review")

    def _polled(self, tx: Transaction, name: str) -> Poll:
        tx.source(name)
        poll = _kept(tx, setting_name(name), Poll)
        if poll is None:
            raise Conflict(f"The source {name} is not polled.", hint="comity source add taxii URL --name NAME")
        return poll

    def _poll(self, job: Job, stopped: Callable[[], bool]) -> int | None:
        with self._snapshot() as snapshot:
            poll = _kept(snapshot, setting_name(job.key), Poll)
            source = next((one for one in snapshot.sources() if one.name == job.key), None)
        if poll is None or source is None or poll.paused:
            return None
        way = way_of(poll.into, source, ours=self.ours(), known=self._known_classes)
        return polling.run(
            self.store, self.clock, self.schemas(), self._limits(), job, way, poll, self.fetcher, stopped
        )

    def _add(
        self,
        tx: Transaction,
        name: str,
        kind: str,
        *,
        strict: bool,
        default_marking: str,
        publish: str,
        labels_are_markings: bool = False,
    ) -> Source:
        check_name(name, "source name")
        if name.startswith(OF_PARTNER):
            raise Invalid(f"Sources called {OF_PARTNER}… are those of partners.", where="source")
        if publish not in PUBLISH_WAYS:
            raise Invalid("A source is published by `auto` or `review`.", where="publish")
        marking = TLP.read(default_marking)
        if any(source.name == name for source in tx.sources()):
            raise AlreadyDone(f"There is a source {name!r} already.")
        return tx.put_source(
            Source(
                name,
                kind=kind,
                strict=strict,
                default_marking=marking.word.removeprefix("TLP:").lower(),
                publish=publish,
                labels_are_markings=labels_are_markings,
                created_at=microseconds(self.clock.now()),
            )
        )


def _kept(snapshot: Snapshot, name: str, kind: type[T]) -> T | None:
    value = snapshot.setting(name)
    return None if value is None else msgspec.json.decode(value, type=kind)
