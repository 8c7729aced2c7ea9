"""Servers with every fault that is known: nothing is lost, nothing is stored twice, and no server is read for ever."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.peers import Peer
from tests.taxii_peer import BASE, COLLECTION, Fake, serving
from tests.world import MadeClock, MadeEntropy, indicator

from comity.errors import InvalidAnswer, NotFound, PeerRefused, PeerUnavailable
from comity.interfaces import Query
from comity.node import polling, system
from comity.node.addresses import Reach, networks_of
from comity.node.fetch import HttpFetcher
from comity.node.node import Node
from comity.node.polling import PollRun
from comity.stix import schema
from comity.taxii.client import TaxiiClient
from comity.taxii.reader import Position, Reader

pytestmark = pytest.mark.slow

LOOPBACK = networks_of(["127.0.0.1"])
SCHEMAS = schema.compile(system.schema_documents())


def fake_of(count: int = 35, **faults: Any) -> Fake:
    """A server with so many objects and these faults."""
    made = Fake(**faults)
    made.add(*(indicator(name=f"n{number}") for number in range(count)))
    return made


def at_one_moment(count: int, **faults: Any) -> Fake:
    """The same, with all objects added at one moment, and one after them."""
    made = Fake(**faults)
    made.add(*(indicator() for _ in range(count)), at=BASE)
    made.add(indicator())
    return made


def _retyped(**members: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda value: {**value, **{name: made(value.get(name)) for name, made in members.items()}}


def _header(**changed: str | None) -> Callable[[dict[str, str]], dict[str, str]]:
    def change(given: dict[str, str]) -> dict[str, str]:
        merged = {**given, **{name.replace("_", "-"): text for name, text in changed.items()}}
        return {name: text for name, text in merged.items() if text is not None}

    return change


FIRST, LAST = "X_TAXII_Date_Added_First", "X_TAXII_Date_Added_Last"

LOSES_NOTHING: dict[str, Callable[[], Fake]] = {
    "nothing wrong": fake_of,
    "one page": lambda: fake_of(7),
    "nothing there": lambda: fake_of(0),
    "next is empty": lambda: fake_of(next_of=lambda offset: ""),
    "more without next": lambda: fake_of(next_of=lambda offset: None),
    "next is always the same": lambda: fake_of(next_of=lambda offset: "same"),
    "next leads back": lambda: fake_of(next_of=lambda offset: str(offset) if offset < 20 else "10"),
    "next is one word behind which the server moves on": lambda: fake_of(moves=True),
    "next is a number": lambda: fake_of(next_of=lambda offset: offset),
    "next is a list": lambda: fake_of(next_of=lambda offset: [offset]),
    "next is an object": lambda: fake_of(next_of=lambda offset: {"a": offset}),
    "next is true": lambda: fake_of(next_of=lambda offset: True),
    "next is very long": lambda: fake_of(next_of=lambda offset: "x" * 5000),
    "next has control characters": lambda: fake_of(next_of=lambda offset: f"\r\n{offset}\0"),
    "more is a text": lambda: fake_of(envelope=_retyped(more=lambda more: str(more))),
    "more is a number": lambda: fake_of(envelope=_retyped(more=int)),
    "more is an object": lambda: fake_of(envelope=_retyped(more=lambda more: {})),
    "more is missing at the end": lambda: fake_of(
        envelope=lambda value: {name: one for name, one in value.items() if name != "more" or one}
    ),
    "objects is null where there are none": lambda: fake_of(0, envelope=lambda value: {"objects": None} | value),
    "objects is an empty list": lambda: fake_of(0, envelope=lambda value: {"objects": []} | value),
    "the media type is JSON": lambda: fake_of(headers=_header(Content_Type="application/json")),
    "the media type is TAXII 2.0": lambda: fake_of(headers=_header(Content_Type="application/vnd.oasis.taxii+json")),
    "the media type is broken": lambda: fake_of(headers=_header(Content_Type=";;/")),
    "the media type is missing": lambda: fake_of(headers=_header(Content_Type=None)),
    "dates are missing": lambda: fake_of(headers=_header(**{FIRST: None, LAST: None})),
    "dates are no dates": lambda: fake_of(headers=_header(**{FIRST: "yesterday", LAST: "12"})),
    "dates are before all dates": lambda: fake_of(headers=_header(**{FIRST: None, LAST: "0001-01-01T00:00:00Z"})),
    "only the first date is there": lambda: fake_of(headers=_header(**{LAST: None})),
    "the limit is ignored": lambda: fake_of(ignores=frozenset({"limit"})),
    "added_after is ignored": lambda: fake_of(ignores=frozenset({"added_after"})),
    "dates are equal at the border of pages": lambda: at_one_moment(35),
    "dates are equal, without next": lambda: at_one_moment(9, next_of=lambda offset: None),
    "dates are equal on more than a page, without next": lambda: at_one_moment(
        2500, page=10**6, next_of=lambda offset: None
    ),
    "members that nobody knows": lambda: fake_of(
        envelope=lambda value: {"x": [1, {"next": "y"}], **value, "spec": None}
    ),
    "an envelope that is a bundle": lambda: fake_of(
        envelope=lambda value: {"type": "bundle", "id": "bundle--x", **value}
    ),
    "a byte order mark": lambda: fake_of(raw=lambda body: b"\xef\xbb\xbf" + body),
    "white space": lambda: fake_of(raw=lambda body: b" \r\n\t" + body + b"\n\n"),
    "503 first": lambda: fake_of(statuses=["503 Busy"]),
    "429 first": lambda: fake_of(statuses=["429 Slow|Retry-After: 5"]),
}
"""Faults round which a client can go: in the end it has all objects."""


@dataclass(slots=True)
class World:
    """A node, its clock, and the ways to poll."""

    node: Node
    clock: MadeClock

    def polled(self, server: Peer, *, runs: int = 6, name: str = "feed") -> list[PollRun]:
        """The source is there and was polled so often, time going on in between; how each run went."""
        if not any(one.name == name for one in self.node.sources()):
            self.node.add_taxii_source(name, f"{server.url}/taxii2/", allowed=["127.0.0.1"])
        found = []
        for _ in range(runs):
            self.clock.move(hours=7)
            assert self.node.run_job() is not None
            last = self.node.source(name).last
            assert last is not None
            found.append(last)
        return found

    def held(self) -> list[str]:
        """The names of the objects that are held, each as often as it is."""
        query = Query(versions=("all",))
        return sorted(json.loads(item.raw)["id"] for item in self.node.find(query))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    clock = MadeClock()
    with Node.open(f"sqlite:///{tmp_path}/a.db", clock=clock, entropy=MadeEntropy()) as node:
        node._schemas = SCHEMAS
        yield World(node, clock)


@pytest.mark.parametrize("fault", LOSES_NOTHING)
def test_a_fault_that_can_be_gone_round_loses_and_doubles_nothing(fault: str, world: World) -> None:
    fake = LOSES_NOTHING[fault]()
    with serving(fake) as server:
        first = world.polled(server)
        assert world.held() == sorted(value["id"] for _, value in fake.objects)
        assert sum(run.stored for run in first) == len(fake.objects)
        assert first[-1].error == ""
        fake.add(*(indicator() for _ in range(3)))
        second = world.polled(server, runs=2)
        assert sum(run.stored for run in second) == 3
        assert world.held() == sorted(value["id"] for _, value in fake.objects)
        asked = len(fake.pages_asked)
        (last,) = world.polled(server, runs=1)
    if fault not in ("dates are missing", "dates are no dates", "dates are before all dates", "added_after is ignored"):
        assert len(fake.pages_asked) - asked <= 2, "what is known is not read again"
    assert last.stored == 0


def _plainly(client: TaxiiClient, url: str) -> list[bytes]:
    """What a reader finds that believes `more` and `next`, and nothing else."""
    found: list[bytes] = []
    parameters: dict[str, str] = {}
    for _ in range(40):
        page = client.page(url, parameters)
        found += page.objects
        if not page.more or page.next is None:
            return found
        parameters = {"next": page.next}
    return found


def test_the_faults_are_faults_for_a_reader_that_believes_all() -> None:
    hurt = []
    for fault, make in LOSES_NOTHING.items():
        fake = make()
        fake.statuses.clear()
        with serving(fake) as server, client_of(server) as client:
            found = _plainly(client, f"{server.url}/root/collections/{COLLECTION}/")
        if len(found) != len(fake.objects):
            hurt.append(fault)
    assert "nothing wrong" not in hurt
    assert len(hurt) >= 8, hurt


def test_a_fault_is_remarked(world: World) -> None:
    fake = fake_of(next_of=lambda offset: offset, headers=_header(Content_Type="text/plain", **{LAST: "x"}))
    with serving(fake) as server:
        (run,) = world.polled(server, runs=1)
    assert run.remarks == [
        "the media type is text/plain (section 1.6.8)",
        "next is a number (section 3.7)",
        "x-taxii-date-added-last is 'x' (section 2)",
        "x-taxii-date-added-last is missing (section 3.2)",
    ]


def _counting() -> Callable[[int], str]:
    count = iter(range(10**9, 2 * 10**9))
    return lambda offset: str(next(count))


ENDS: dict[str, Callable[[], Fake]] = {
    "the same page for ever, by other nexts": lambda: fake_of(
        always_more=True, next_of=_counting(), ignores=frozenset({"next", "added_after"})
    ),
    "no dates and no next": lambda: fake_of(next_of=lambda offset: None, headers=_header(**{FIRST: None, LAST: None})),
    "one date for ever": lambda: fake_of(
        always_more=True,
        next_of=lambda offset: None,
        ignores=frozenset({"added_after"}),
        headers=_header(**{LAST: "2030-01-01T00:00:00.000000Z"}),
    ),
}
"""Faults that have no end: the run stops, says so, and what there was is kept."""


NEVER_OVER: dict[str, Callable[[], Fake]] = {
    "without next": lambda: fake_of(always_more=True, next_of=lambda offset: None),
    "with the same next": lambda: fake_of(always_more=True, next_of=lambda offset: "0"),
    "with nexts that lead nowhere": lambda: fake_of(always_more=True, next_of=_counting()),
    "of nothing": lambda: fake_of(0, always_more=True, next_of=_counting()),
}
"""Servers that always say `more`: all they have was read, and goes on being read, without an error."""


@pytest.mark.parametrize("fault", NEVER_OVER)
def test_a_server_that_always_says_more_is_read_to_what_is_the_end(fault: str, world: World) -> None:
    fake = NEVER_OVER[fault]()
    with serving(fake) as server:
        first = world.polled(server, runs=2)
        assert world.held() == sorted(value["id"] for _, value in fake.objects)
        fake.add(*(indicator() for _ in range(3)))
        second = world.polled(server, runs=2)
    assert world.held() == sorted(value["id"] for _, value in fake.objects)
    assert all(run.error == "" for run in first + second)
    assert "more is said of pages without objects, beyond the last one" in first[0].remarks
    assert len(fake.pages_asked) < 250


@pytest.mark.parametrize("fault", ENDS)
def test_what_has_no_end_is_ended_and_what_there_was_is_kept(fault: str, world: World) -> None:
    fake = ENDS[fault]()
    with serving(fake) as server:
        (run,) = world.polled(server, runs=1)
    assert "there is more" in run.error
    assert len(fake.pages_asked) < 60
    assert len(set(world.held())) == len(world.held())
    first = {value["id"] for _, value in fake.objects[:10]}
    assert first <= set(world.held())
    (job,) = world.node.jobs()
    assert job.last_error.startswith("The server says that there is more")


def test_a_collection_that_grows_faster_than_it_is_read_is_read_in_runs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "PAGES_A_RUN", 3)
    fake = fake_of(95)
    with serving(fake) as server:
        runs = world.polled(server, runs=1)
        while world.node.run_job() is not None:
            last = world.node.source("feed").last
            assert last is not None
            runs.append(last)
    assert [(run.stored, run.duplicates) for run in runs] == [(30, 0), (29, 1), (29, 1), (7, 1)]
    assert all(run.error == "" for run in runs)
    assert len(fake.pages_asked) == 10, "each run goes on where the last one was"
    assert all("next" not in asked for asked in fake.pages_asked[::3]), "and takes it up by date"


BAD = {
    "no object": "not an object",
    "a number": 5,
    "no type": {"id": "indicator--1"},
    "a bad date": {**indicator(), "modified": "yesterday"},
    "a pattern that is none": {**indicator(), "pattern": "[", "id": "x"},
    "nested": None,
}


@pytest.mark.parametrize("bad", BAD)
def test_one_bad_object_among_good_ones_is_refused_alone(bad: str, world: World) -> None:
    value: Any = BAD[bad]
    if bad == "nested":
        value = {}
        for _ in range(200):
            value = {"x": value}
    fake = fake_of(25)
    fake.objects.insert(12, (fake.objects[11][0], value))
    with serving(fake) as server:
        (run, again) = world.polled(server, runs=2)
    assert (run.stored, run.rejected) == (25, 1)
    assert len(run.rejected_samples) == 1
    assert again.error == ""


@pytest.mark.parametrize(
    "broken",
    [b'"n1"', b'"n13"'],
)
def test_an_object_that_is_no_json_inside_sinks_no_others(broken: bytes, world: World) -> None:
    fake = fake_of(25, raw=lambda body: body.replace(b'"name": ' + broken, b'"name": NaN'))
    with serving(fake) as server:
        (run, _) = world.polled(server, runs=2)
    assert (run.stored, run.rejected) == (24, 1)


NO_ENVELOPE = {
    "empty": lambda body: b"",
    "a page of HTML": lambda body: b"<!doctype html><h1>Sign in</h1>",
    "cut off": lambda body: body[:-20],
    "a list": lambda body: b"[]",
    "null": lambda body: b"null",
    "a number": lambda body: b"5",
    "objects is a text": lambda body: b'{"objects":"x"}',
    "objects is an object": lambda body: b'{"objects":{}}',
    "bytes": lambda body: bytes(range(256)),
    "brackets": lambda body: b"[" * 1_000_000,
}


@pytest.mark.parametrize("what", NO_ENVELOPE)
def test_what_is_no_envelope_is_an_error_that_is_told_and_tried_again(what: str, world: World) -> None:
    fake = fake_of(raw=NO_ENVELOPE[what])
    with serving(fake) as server:
        runs = world.polled(server, runs=2)
        assert all(run.error for run in runs)
        fake.raw = lambda body: body
        world.polled(server, runs=3)
    assert len(world.held()) == 35


def test_an_object_that_comes_twice_on_a_page_and_on_two_pages_is_stored_once(world: World) -> None:
    fake = fake_of(30)
    fake.objects[5:5] = [fake.objects[4]] * 3
    fake.objects.insert(10, fake.objects[9])
    with serving(fake) as server:
        world.polled(server, runs=2)
    assert len(world.held()) == 30


def test_a_404_for_no_hits_is_an_empty_page_and_for_no_collection_an_error(world: World) -> None:
    fake = fake_of(5, statuses=["404 Not Found"])
    with serving(fake) as server:
        (run, after) = world.polled(server, runs=2)
        assert (run.error, run.remarks) == ("", ["404 stands for a page without objects (section 5.4)"])
        assert after.stored == 5
        with client_of(server) as client, pytest.raises(NotFound):
            client.page(f"{server.url}/root/collections/none/", {})


def test_a_next_that_died_between_two_runs_is_gone_round(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "PAGES_A_RUN", 2)
    fake = fake_of(45, headers=_header(**{FIRST: None, LAST: None}))
    with serving(fake) as server:
        world.polled(server, runs=1)
        fake.statuses.append("400 Bad Request")
        world.polled(server, runs=4)
    assert len(world.held()) == 45


@contextmanager
def client_of(server: Peer) -> Iterator[TaxiiClient]:
    """A client of the server, as long as the block lasts."""
    with HttpFetcher(Reach(server.url, allowed=LOOPBACK)) as fetcher:
        yield TaxiiClient(fetcher, server.url)


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("503 Busy|Retry-After: 7", 7),
        ("429 Slow|Retry-After: 999999999", 24 * 3600),
        ("503 Busy|Retry-After: soon", 60),
        ("503 Busy|Retry-After: -5", 60),
        ("503 Busy|Date: Thu, 26 Nov 2026 10:00:00 GMT|Retry-After: Thu, 26 Nov 2026 10:02:00 GMT", 120),
        ("503 Busy|Date: Thu, 26 Nov 2026 10:00:00 GMT|Retry-After: Thu, 26 Nov 2020 10:02:00 GMT", 0),
        ("503 Busy", 60),
        ("500 Oops|Retry-After: 7", 60),
    ],
)
def test_a_server_that_wants_to_be_let_be_is_let_be_within_reason(line: str, seconds: int) -> None:
    with (
        serving(fake_of(1, statuses=[line])) as server,
        client_of(server) as client,
        pytest.raises(PeerUnavailable, match=r"Not now\. by ") as refused,
    ):
        client.page(f"{server.url}/root/collections/{COLLECTION}/", {})
    assert refused.value.retry_after_seconds == seconds
    assert "\x1b" not in refused.value.message


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("401 Unauthorized", PeerRefused),
        ("403 Forbidden", PeerRefused),
        ("406 Not Acceptable", PeerRefused),
        ("418 Teapot", PeerRefused),
        ("204 No Content", InvalidAnswer),
        ("304 Not Modified", InvalidAnswer),
    ],
)
def test_other_answers_are_told_with_the_words_of_the_server(line: str, kind: type[Exception]) -> None:
    with (
        serving(fake_of(1, statuses=[line])) as server,
        client_of(server) as client,
        pytest.raises(kind, match=f"answers {line[:3]}"),
    ):
        client.page(f"{server.url}/root/collections/{COLLECTION}/", {})


def test_a_reader_given_up_at_any_page_goes_on_from_the_last_that_was_stored() -> None:
    for given_up_at, moves in ((number, moves) for number in range(1, 5) for moves in (False, True)):
        fake = fake_of(45, moves=moves)
        with serving(fake) as server, client_of(server) as client:
            url = f"{server.url}/root/collections/{COLLECTION}/"
            seen: list[bytes] = []
            position = Position()
            first = Reader(client, url)
            for count, page in enumerate(first.pages(), 1):
                if count == given_up_at:
                    break  # It came, and was never stored.
                seen += page.objects
                position = first.stored(True)
            position = Position.of_json(json.loads(json.dumps(position.to_json())))
            second = Reader(client, url, position)
            for page in second.pages():
                seen += page.objects
                second.stored(True)
            assert len(set(seen)) == 45
            assert len(seen) <= 45 + 1, "only what has the newest date is read again"
