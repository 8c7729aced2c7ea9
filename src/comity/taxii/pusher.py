"""Giving objects to a collection of another server, in envelopes that it takes, with a verdict for each object."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import orjson

from comity.errors import InvalidAnswer, PeerUnavailable
from comity.interfaces import Fetched
from comity.taxii.answers import resource_of, text_of, trouble_of
from comity.taxii.client import Listed, TaxiiClient

ENVELOPE_OBJECTS = 1000
ENVELOPE_BYTES = 8 * 2**20
FAILURES_KEPT = 1000
TRIES_MAX = 4
WAIT_SECONDS_MAX = 60
STATUS_ASKS_MAX = 100
STATUS_SECONDS_MAX = 10
REFUSALS_MAX = 50
"""So many single objects refused, and none taken: the server takes none from us."""
_FRAME = len(b'{"objects":[]}')


@dataclass(frozen=True, slots=True)
class Failure:
    """An object that the other server did not take, and why, in its words."""

    id: str
    version: str
    message: str


@dataclass(slots=True)
class PushReport:
    """What became of the objects. `failures` holds the first FAILURES_KEPT, `failure_count` says how many there were;
    `pending` counts those of which the server had not decided when it was last asked."""

    sent: int = 0
    successes: int = 0
    pending: int = 0
    failure_count: int = 0
    failures: list[Failure] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def fail(self, id: str, version: str, message: str) -> None:
        """One object more was not taken."""
        self.failure_count += 1
        if len(self.failures) < FAILURES_KEPT:
            self.failures.append(Failure(id, version, message))

    def remark(self, words: str) -> None:
        """Something of the server is against the standard."""
        if words not in self.remarks:
            self.remarks.append(words)


class Pusher:
    """Sends objects to one collection. `report` is true at any moment, also where `push` raises."""

    def __init__(
        self, client: TaxiiClient, target: Listed, *, bytes_max: int | None, wait: Callable[[float], None]
    ) -> None:
        self._client = client
        self._target = target
        self._bytes_max = min(bytes_max or ENVELOPE_BYTES, ENVELOPE_BYTES)
        self._wait = wait
        self.report = PushReport()

    def push(self, objects: Iterable[bytes]) -> PushReport:
        """Every object was sent. What the server refuses is in the report; PeerRefused and PeerUnavailable where it
        refuses all, or stays away. To push again is harmless: what it has is no failure."""
        for batch in self._batches(objects):
            self._send(batch)
        return self.report

    def _batches(self, objects: Iterable[bytes]) -> Iterator[list[bytes]]:
        batch: list[bytes] = []
        size = _FRAME
        for one in objects:
            if batch and (size + len(one) + 1 > self._bytes_max or len(batch) >= ENVELOPE_OBJECTS):
                yield batch
                batch, size = [], _FRAME
            batch.append(one)
            size += len(one) + 1
        if batch:
            yield batch

    def _send(self, batch: list[bytes]) -> None:
        """The batch was sent, in halves where it is too large or holds something that spoils the whole."""
        answer = self._post(b'{"objects":[' + b",".join(batch) + b"]}")
        if answer.status in (400, 413, 422):
            if len(batch) > 1:
                half = len(batch) // 2
                self._send(batch[:half])
                self._send(batch[half:])
                return
            error = trouble_of(answer)
            if not self.report.successes and self.report.failure_count >= REFUSALS_MAX:
                raise error
            self.report.sent += 1
            self.report.fail(*_named(batch[0]), error.message)
            return
        if answer.status not in (200, 201, 202):
            raise trouble_of(answer)
        if answer.status != 202:
            self.report.remark(f"a POST is answered with {answer.status} instead of 202 (section 5.5)")
        self.report.sent += len(batch)
        self._count(self._ended(answer), batch)

    def _post(self, envelope: bytes) -> Fetched:
        """The answer, asked for again where the server wants to be let be for a while."""
        for attempt in count(1):
            answer = self._client.post(self._target.url, envelope)
            if answer.status not in (429, 503):
                break
            error = trouble_of(answer)
            assert isinstance(error, PeerUnavailable)
            if attempt == TRIES_MAX or error.retry_after_seconds > WAIT_SECONDS_MAX:
                raise error
            self._wait(max(1, error.retry_after_seconds))
        return answer

    def _ended(self, answer: Fetched) -> dict[str, Any]:
        """The status resource, asked for until it is complete or has been asked for often enough."""
        try:
            status = resource_of(answer)
        except InvalidAnswer:
            self.report.remark("a POST is answered without a status resource (section 5.5)")
            return {}
        id = status.get("id")
        asks = 0
        while status.get("status") == "pending" and isinstance(id, str) and id and asks < STATUS_ASKS_MAX:
            self._wait(min(2.0**asks, STATUS_SECONDS_MAX))
            status = self._client.status(self._target.root, id)
            asks += 1
        return status

    def _count(self, status: dict[str, Any], batch: list[bytes]) -> None:
        failures = status.get("failures")
        told = [one for one in failures if isinstance(one, dict)][: len(batch)] if isinstance(failures, list) else []
        for one in told:
            self.report.fail(*(text_of(one.get(name)) for name in ("id", "version", "message")))
        failed = min(max(_number(status, "failure_count"), len(told)), len(batch))
        self.report.failure_count += failed - len(told)
        pending = min(_number(status, "pending_count"), len(batch) - failed) if status.get("status") == "pending" else 0
        self.report.pending += pending
        self.report.successes += len(batch) - failed - pending


def _named(raw: bytes) -> tuple[str, str]:
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        return "", ""
    return text_of(value.get("id")), text_of(value.get("modified") or value.get("created"))


def _number(status: dict[str, Any], name: str) -> int:
    value = status.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
