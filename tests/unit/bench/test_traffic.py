"""Clients of the benchmarks, against a real server that does wrong: nothing is told of a run in which it did."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from os import getpid
from pathlib import Path

import pytest
from bench import limits, traffic
from bench.cost import Meter, Samples, cpu_seconds, sampled, spend
from bench.data import common, cut, envelopes_of, made, one_of_each_type, write_indicators
from bench.figures import Run, UnmeasuredError
from bench.sides import Server

STORED = b'{"id":"1","status":"complete","failure_count":0}'


@contextmanager
def answering(code: int, *bodies: bytes) -> Iterator[Server]:
    """A server that gives these bodies in turn, the last again and again."""
    given = list(bodies)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = given.pop(0) if len(given) > 1 else given[0]
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Server("127.0.0.1", server.server_port, "Bearer x", "/root/collections/c/", (getpid(),))
        finally:
            server.shutdown()
            thread.join()


def post(server: Server, clients: int = 2) -> Run:
    """Six objects in three envelopes."""
    return traffic.post_all(server, [b'{"objects":[]}'] * 3, [2, 2, 2], clients)


def test_what_was_acknowledged_is_counted_in_objects() -> None:
    with answering(202, STORED) as server:
        assert post(server).done == 6


@pytest.mark.parametrize(
    ("code", "body"),
    [
        (500, b"{}"),
        (200, STORED),
        (202, STORED.replace(b":0", b":1")),
        (202, STORED.replace(b"complete", b"pending")),
    ],
)
def test_a_post_that_was_not_stored_in_full_leaves_no_rate(code: int, body: bytes) -> None:
    with answering(code, body) as server, pytest.raises(UnmeasuredError, match=str(code)):
        post(server)


def test_a_server_that_hangs_up_leaves_no_rate() -> None:
    with answering(202, STORED) as server:
        gone = server
    with pytest.raises(UnmeasuredError, match="refused"):
        post(gone, clients=1)


def test_a_budget_that_is_used_up_cuts_the_run() -> None:
    with answering(202, STORED) as server, pytest.raises(UnmeasuredError, match="0 done"):
        traffic.post_all(server, [b"{}"], [1], 1, budget_seconds=-1)


PAGES = (b'{"more":true,"next":"a/b","objects":[{"id":1},{"id":2}]}', b'{"objects":[{"id":3}]}')


@pytest.mark.slow
def test_pages_are_followed_to_the_end_and_counted() -> None:
    seen: list[str] = []
    with answering(200, *PAGES) as server:
        assert traffic.page_all(server, 3, visit=seen.append).done == 3
    assert [path.partition("?")[2] for path in seen] == ["limit=1000", "limit=1000&next=a/b"]


@pytest.mark.slow
def test_a_collection_of_which_objects_are_missing_leaves_no_rate() -> None:
    with answering(200, *PAGES) as server, pytest.raises(UnmeasuredError, match="3 objects came of 4"):
        traffic.page_all(server, 4)


@pytest.mark.slow
def test_a_reading_whose_time_is_up_is_cut_and_counts_what_came() -> None:
    with answering(200, PAGES[0]) as server:
        run = traffic.page_all(server, 1000, budget_seconds=0)
    assert (run.done, run.cut) == (2, True)


ASKERS = [traffic._threads, *([traffic._wrk] if traffic.client_name().startswith("wrk") else [])]


@pytest.mark.slow
@pytest.mark.parametrize("asker", ASKERS, ids=lambda asker: str(asker.__name__))
def test_questions_that_fail_leave_no_rate(
    monkeypatch: pytest.MonkeyPatch, asker: Callable[[Server, list[str], int, float], tuple[float, ...]]
) -> None:
    monkeypatch.setattr(traffic, "_wrk", asker)
    monkeypatch.setattr(traffic, "_threads", asker)
    with answering(200, b"{}") as server:
        asked = traffic.ask(server, ["/a", "/b"], 2, 1)
        assert asked.run.done > 10
        assert 0 < asked.p50_ms <= asked.p99_ms
    with answering(404, b"{}") as server, pytest.raises(UnmeasuredError):
        traffic.ask(server, ["/a"], 2, 1)


def test_a_command_that_fails_is_not_measured() -> None:
    with pytest.raises(UnmeasuredError, match="ended with 3"):
        spend([sys.executable, "-c", "import sys; sys.exit(3)"])


@pytest.mark.slow
def test_a_command_costs_its_own_memory_and_not_that_of_whoever_started_it() -> None:
    small = spend([sys.executable, "-c", "import time; time.sleep(0.2); print('x')"])
    large = spend([sys.executable, "-c", "import time; b = b'x' * 100_000_000; time.sleep(0.2)"])
    assert small.out == "x\n"
    assert small.peak_mb < 40
    assert 90 < large.peak_mb - small.peak_mb < 130


def test_the_cpu_of_both_sides_is_taken_apart() -> None:
    with Meter() as meter:
        sum(range(3_000_000))
    assert 0 < meter.client_cpu <= meter.seconds * 1.5
    assert meter.server_cpu == 0
    assert cpu_seconds([getpid()]) > 0


def test_the_slope_of_memory_is_that_of_the_line() -> None:
    times = [number / 10 for number in range(50)]
    assert Samples(times, [100 + 2 * at for at in times]).slope() == pytest.approx(2)
    assert Samples(times, [100.0] * 50).slope() == 0
    with pytest.raises(UnmeasuredError):
        Samples([0.0], [1.0]).slope()
    with sampled([getpid()], 0.01) as samples:
        sum(range(1_000_000))
    assert samples.mb[0] > 10


def test_the_limits_insert_and_read_every_row() -> None:
    envelopes = envelopes_of(list(made(1500)))
    assert [len(cut(envelope)) for envelope in envelopes] == [1000, 500]
    assert limits.insert(envelopes).done == 1500
    assert limits.join(envelopes, rounds=2).done == 3000


def test_made_objects_are_the_same_each_time_and_each_has_its_id(tmp_path: Path) -> None:
    once, again = list(made(50)), list(made(50))
    assert once == again
    assert len({common(raw).id for raw in once}) == 50
    assert len(one_of_each_type(once)) == 1
    write_indicators(3, tmp_path / "lines")
    assert len((tmp_path / "lines").read_bytes().splitlines()) >= 3
