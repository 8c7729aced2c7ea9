"""Giving objects to another server: in envelopes that it takes, with a verdict for each."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.peers import Asked, peer, reply
from tests.world import indicator

from comity.errors import PeerRefused, PeerUnavailable
from comity.node.addresses import Reach, networks_of
from comity.node.fetch import HttpFetcher
from comity.taxii import pusher as pushing
from comity.taxii.client import Listed, TaxiiClient
from comity.taxii.pusher import Pusher, PushReport

OBJECTS = [json.dumps(indicator(name=f"n{number}")).encode() for number in range(20)]


@dataclass(slots=True)
class Taker:
    """A collection: what `refuses` says of an object is why it is not taken, and what `answer` says of a request, where
    it says anything, is the whole answer."""

    refuses: Callable[[dict[str, Any]], str] = lambda value: ""
    answer: Callable[[list[dict[str, Any]]], bytes | None] = lambda values: None
    pending: int = 0
    taken: list[dict[str, Any]] = field(default_factory=list)
    envelopes: list[int] = field(default_factory=list)
    asked_for_status: int = 0
    status: dict[str, Any] = field(default_factory=dict)

    def handle(self, asked: Asked) -> bytes:
        if asked.method == "GET":
            self.asked_for_status += 1
            status = self.status if self.asked_for_status >= self.pending else {**self.status, "status": "pending"}
            return reply(json.dumps(status).encode())
        values = json.loads(asked.body)["objects"]
        self.envelopes.append(len(asked.body))
        given = self.answer(values)
        if given is not None:
            return given
        failures = [
            {"id": value.get("id", ""), "version": "", "message": why}
            for value in values
            if (why := self.refuses(value))
        ]
        self.taken += [value for value in values if not self.refuses(value)]
        self.status = {
            "id": "5d0092c5-5f74-4287-9642-33f4c354e56d",
            "status": "complete",
            "total_count": len(values),
            "success_count": len(values) - len(failures),
            "failure_count": len(failures),
            "failures": failures,
            "pending_count": 0,
        }
        status = {**self.status, "status": "pending", "pending_count": len(values)} if self.pending else self.status
        return reply(json.dumps(status).encode(), "202 Accepted")


@contextmanager
def pusher_of(taker: Taker, bytes_max: int | None = None) -> Iterator[tuple[Pusher, list[float]]]:
    """A pusher to it, and how long it waited."""
    waits: list[float] = []
    with peer(taker.handle) as server:
        reach = Reach(server.url, allowed=networks_of(["127.0.0.1"]))
        with HttpFetcher(reach) as fetcher:
            target = Listed(f"{server.url}/r/collections/c/", f"{server.url}/r/", "c", "", "", None, True, True)
            yield Pusher(TaxiiClient(fetcher, server.url), target, bytes_max=bytes_max, wait=waits.append), waits


def pushed(taker: Taker, bytes_max: int | None = None) -> PushReport:
    with pusher_of(taker, bytes_max) as (pusher, _):
        return pusher.push(iter(OBJECTS))


def names(taker: Taker) -> list[str]:
    return [value["name"] for value in taker.taken]


EVERYTHING = [f"n{number}" for number in range(20)]


def test_all_goes_in_one_envelope_where_it_fits_and_in_order() -> None:
    taker = Taker()
    report = pushed(taker)
    assert (report.sent, report.successes, report.failure_count, report.pending) == (20, 20, 0, 0)
    assert names(taker) == EVERYTHING
    assert len(taker.envelopes) == 1


@pytest.mark.parametrize("bytes_max", [500, 1000, 1500, 3000])
def test_no_envelope_is_larger_than_the_server_says_unless_one_object_is(bytes_max: int) -> None:
    taker = Taker()
    assert pushed(taker, bytes_max).successes == 20
    assert names(taker) == EVERYTHING
    alone = max(map(len, OBJECTS)) + 14
    assert max(taker.envelopes) <= max(bytes_max, alone)


def test_a_413_halves_what_is_sent_until_it_fits_and_one_that_never_fits_fails_alone() -> None:
    def answer(values: list[dict[str, Any]]) -> bytes | None:
        too_large = len(values) > 3 or values[0]["name"] == "n7"
        return reply(b'{"title":"Too large"}', "413 Content Too Large") if too_large else None

    taker = Taker(answer=answer)
    report = pushed(taker)
    assert (report.sent, report.successes, report.failure_count) == (20, 19, 1)
    assert report.failures[0].id == json.loads(OBJECTS[7])["id"]
    assert "Too large" in report.failures[0].message
    assert names(taker) == [name for name in EVERYTHING if name != "n7"]


def test_an_object_that_spoils_an_envelope_is_found_and_the_others_are_taken() -> None:
    def answer(values: list[dict[str, Any]]) -> bytes | None:
        return reply(b"", "422 Unprocessable") if any(value["name"] == "n13" for value in values) else None

    taker = Taker(answer=answer)
    report = pushed(taker)
    assert (report.successes, report.failure_count) == (19, 1)
    assert len(taker.envelopes) < 15


def test_a_server_that_takes_nothing_is_not_asked_for_every_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushing, "REFUSALS_MAX", 3)
    taker = Taker(answer=lambda values: reply(b"", "400 Bad Request"))
    with pytest.raises(PeerRefused), pusher_of(taker) as (pusher, _):
        pusher.push(iter(OBJECTS))
    assert len(taker.envelopes) < 15


def test_each_failure_is_told_in_the_words_of_the_server_made_harmless() -> None:
    taker = Taker(refuses=lambda value: "no \x1b[2J" if value["name"] in ("n3", "n5") else "")
    report = pushed(taker)
    assert (report.successes, report.failure_count) == (18, 2)
    assert [(one.id, one.message) for one in report.failures] == [
        (json.loads(OBJECTS[number])["id"], "no \\u{1b}[2J") for number in (3, 5)
    ]


def test_a_status_that_is_pending_is_asked_for_to_its_end() -> None:
    taker = Taker(pending=4, refuses=lambda value: "no" if value["name"] == "n3" else "")
    with pusher_of(taker) as (pusher, waits):
        report = pusher.push(iter(OBJECTS))
    assert (report.successes, report.failure_count, report.pending) == (19, 1, 0)
    assert (taker.asked_for_status, waits) == (4, [1.0, 2.0, 4.0, 8.0])


def test_a_status_that_is_pending_for_ever_is_left_and_counted() -> None:
    taker = Taker(pending=10**9)
    with pusher_of(taker) as (pusher, waits):
        taker.answer = lambda values: reply(b'{"id":"x","status":"pending","pending_count":20}', "202 Accepted")
        taker.status = {"id": "x", "status": "pending", "pending_count": 20}
        report = pusher.push(iter(OBJECTS))
    assert (report.successes, report.pending) == (0, 20)
    assert len(waits) == pushing.STATUS_ASKS_MAX
    assert max(waits) == pushing.STATUS_SECONDS_MAX


@pytest.mark.parametrize("line", ["503 Busy|Retry-After: 3", "429 Slow|Retry-After: 3"])
def test_a_server_that_wants_to_be_let_be_is_asked_again_a_few_times(line: str) -> None:
    status, header = line.split("|")
    left = 2

    def answer(values: list[dict[str, Any]]) -> bytes | None:
        nonlocal left
        left -= 1
        return reply(b"", status, header) if left >= 0 else None

    taker = Taker(answer=answer)
    with pusher_of(taker) as (pusher, waits):
        assert pusher.push(iter(OBJECTS)).successes == 20
    assert waits == [3, 3]
    for again in (header, "Retry-After: 4000"):
        busy = reply(b"", status, again)
        with pusher_of(Taker(answer=_always(busy))) as (pusher, waits), pytest.raises(PeerUnavailable):
            pusher.push(iter(OBJECTS))
        assert len(waits) < pushing.TRIES_MAX
        assert pusher.report.sent == 0


def _always(answer: bytes) -> Callable[[list[dict[str, Any]]], bytes]:
    return lambda values: answer


ODD = {
    "no body": (b"", 20, 0),
    "no status": (b"[]", 20, 0),
    "counts that are texts": (b'{"status":"complete","failure_count":"2","success_count":"18"}', 20, 0),
    "failures that are a text": (b'{"status":"complete","failures":"x","failure_count":3}', 17, 3),
    "failures that are numbers": (b'{"status":"complete","failures":[1,null]}', 20, 0),
    "more failures than objects": (
        json.dumps({"status": "complete", "failures": [{"id": 5}] * 500, "failure_count": 10**30}).encode(),
        0,
        20,
    ),
    "a negative count": (b'{"status":"complete","failure_count":-4}', 20, 0),
    "pending without an id": (b'{"status":"pending","pending_count":50}', 0, 0),
}


@pytest.mark.parametrize("what", ODD)
def test_an_odd_status_is_read_within_reason(what: str) -> None:
    body, successes, failures = ODD[what]
    report = pushed(Taker(answer=lambda values: reply(body, "202 Accepted")))
    assert (report.sent, report.successes, report.failure_count) == (20, successes, failures)
    assert report.successes + report.failure_count + report.pending == 20


def test_a_200_for_a_post_is_remarked() -> None:
    report = pushed(Taker(answer=lambda values: reply(b'{"status":"complete"}')))
    assert (report.successes, report.remarks) == (20, ["a POST is answered with 200 instead of 202 (section 5.5)"])


def test_a_refusal_of_the_credential_ends_it() -> None:
    taker = Taker(answer=lambda values: reply(b"", "401 Unauthorized"))
    with pytest.raises(PeerRefused), pusher_of(taker) as (pusher, _):
        pusher.push(iter(OBJECTS))
    assert len(taker.envelopes) == 1


def test_of_many_refusals_the_first_are_told_and_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushing, "FAILURES_KEPT", 3)
    report = pushed(Taker(refuses=lambda value: "no" if value["name"] != "n0" else ""))
    assert (report.failure_count, len(report.failures), report.successes) == (19, 3, 1)


def test_nothing_to_give_asks_nothing() -> None:
    taker = Taker()
    with pusher_of(taker) as (pusher, _):
        assert pusher.push(iter([])) == PushReport()
    assert taker.envelopes == []


def test_the_same_fault_of_a_server_is_remarked_once() -> None:
    taker = Taker(answer=lambda values: reply(b"{}", "200 OK"))
    report = pushed(taker, bytes_max=2 * len(OBJECTS[0]))
    assert len(taker.envelopes) > 1
    assert report.remarks == ["a POST is answered with 200 instead of 202 (section 5.5)"]


@pytest.mark.parametrize("odd", [b"{", b"[1]", b"7"])
def test_what_is_no_object_is_refused_without_a_name(odd: bytes) -> None:
    refusing = reply(b"{}", "422 Unprocessable Content")
    with (
        peer(lambda asked: refusing) as server,
        HttpFetcher(Reach(server.url, allowed=networks_of(["127.0.0.1"]))) as fetcher,
    ):
        target = Listed(f"{server.url}/r/collections/c/", f"{server.url}/r/", "c", "", "", None, True, True)
        pusher = Pusher(TaxiiClient(fetcher, server.url), target, bytes_max=None, wait=lambda _: None)
        report = pusher.push([odd])
    assert [(one.id, one.version) for one in report.failures] == [("", "")]
