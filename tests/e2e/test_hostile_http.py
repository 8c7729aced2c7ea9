"""HTTP as nobody should speak it: bounds on sizes and waits, and connections that stay sound."""

import contextlib
import gzip
import logging
import threading
import time
from collections.abc import Iterator

import orjson
import pytest
from tests.serving import TAXII, Stand, standing
from tests.wire import Answer, Wire, chunked, request_bytes
from tests.world import envelope, indicator

from comity.node.settings import Settings
from comity.web import bodies, protocol

pytestmark = pytest.mark.slow

BODY_MAX = 200_000


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocol, "HEAD_SECONDS", 0.4)
        patch.setattr(protocol, "BODY_SECONDS", 0.5)
        patch.setattr(protocol, "WRITE_SECONDS", 0.5)
        patch.setattr(bodies, "IDLE_SECONDS", 0.3)
        patch.setattr(bodies, "DRAIN_IDLE_SECONDS", 0.2)
        with standing(tmp_path_factory.mktemp("hostile"), Settings(max_content_length=BODY_MAX)) as made:
            yield made


def head(stand: Stand, method: bytes, path: str, *more: tuple[bytes, bytes]) -> bytes:
    """The head of a good request, with these headers beside."""
    pairs = [
        (b"Host", b"x"),
        (b"Authorization", f"Bearer {stand.some.token}".encode()),
        (b"Accept", TAXII.encode()),
        (b"Content-Type", TAXII.encode()),
        *more,
    ]
    return request_bytes(method, path.encode(), pairs)


def objects_path(stand: Stand) -> str:
    return f"/taxii2/root/collections/{stand.default}/objects/"


def refused(answer: Answer | None, status: int) -> None:
    """The answer is that refusal, as a TAXII message with a place, and the connection ends."""
    assert answer is not None
    assert answer.status == status
    assert answer.media_type == TAXII
    body = orjson.loads(answer.body)
    assert body["http_status"] == str(status)
    assert body["details"]["where"]


def is_sound(stand: Stand, wire: Wire) -> None:
    """The connection takes another good request."""
    wire.send(head(stand, b"GET", "/taxii2/"))
    answer = wire.answer()
    assert answer is not None
    assert answer.status == 200


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 200 + b"\r\n", 431),
    ],
)
def test_what_is_no_good_request_is_refused_in_taxii_and_closed(stand: Stand, payload: bytes, status: int) -> None:
    with Wire(stand.address) as wire:
        wire.send(payload)
        refused(wire.answer(), status)
        assert wire.answer(patience_seconds=1) is None
        assert wire.closed


def test_a_head_that_never_ends_is_refused_before_it_fills_the_memory(stand: Stand) -> None:
    with Wire(stand.address) as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: x\r\nX-Endless: ")
        for _ in range(20):
            wire.send(b"a" * 10_000)
            time.sleep(0.005)
        refused(wire.answer(), 431)


def test_trailers_that_never_end_are_refused(stand: Stand) -> None:
    start = head(stand, b"POST", objects_path(stand), (b"Transfer-Encoding", b"chunked"))
    with Wire(stand.address) as wire:
        wire.send(start + b"2\r\n{}\r\n0\r\nX-Endless: ")
        for _ in range(20):
            wire.send(b"a" * 10_000)
            time.sleep(0.005)
        refused(wire.answer(), 431)


def test_trailers_are_dropped(stand: Stand) -> None:
    start = head(stand, b"POST", objects_path(stand), (b"Transfer-Encoding", b"chunked"))
    with Wire(stand.address) as wire:
        wire.send(start + b"2\r\n{}\r\n0\r\nAuthorization: Basic x\r\n\r\n")
        answer = wire.answer()
        assert answer is not None
        assert answer.status == 202
        is_sound(stand, wire)


@pytest.mark.parametrize("start", [b"", b"GET", b"GET / HTTP/1.1\r\nHost: x\r\nX", b"\r\n\r\n"])
def test_a_head_that_does_not_come_ends_the_connection(stand: Stand, start: bytes) -> None:
    with Wire(stand.address) as wire:
        wire.send(start)
        answer = wire.answer(patience_seconds=5)
        if start:
            refused(answer, 408)
        else:
            assert answer is None
        assert wire.answer(patience_seconds=1) is None
        assert wire.closed


def test_a_head_that_drips_does_not_live_longer(stand: Stand) -> None:
    with Wire(stand.address) as wire:
        started = time.monotonic()
        for byte in b"GET / HTTP/1.1\r\nHost: x\r\n":
            wire.send(bytes([byte]))
            time.sleep(0.05)
        refused(wire.answer(patience_seconds=5), 408)
        assert time.monotonic() - started < 3


@pytest.mark.parametrize("announced", [b"1000", b"chunked"])
def test_a_body_that_stops_is_408(stand: Stand, announced: bytes) -> None:
    header = (b"Transfer-Encoding" if announced == b"chunked" else b"Content-Length", announced)
    with Wire(stand.address) as wire:
        wire.send(head(stand, b"POST", objects_path(stand), header) + b'5\r\n{"obj')
        refused(wire.answer(patience_seconds=5), 408)


def test_a_body_that_drips_is_408(stand: Stand) -> None:
    with Wire(stand.address) as wire:
        wire.send(head(stand, b"POST", objects_path(stand), (b"Content-Length", b"100000")))
        for _ in range(20):
            wire.send(b" ")
            time.sleep(0.05)
        refused(wire.answer(patience_seconds=5), 408)


def test_an_answer_that_nobody_reads_is_given_up(stand: Stand) -> None:
    for _ in range(20):
        stand.post(*(indicator(description="x" * 9000) for _ in range(20)))
    before = len(stand.get(stand.collection() + "objects/").content)
    assert before > 3_000_000
    with Wire(stand.address) as wire:
        wire.send(head(stand, b"GET", objects_path(stand)) * 5)
        time.sleep(2)
        received = 0
        while wire._more(time.monotonic() + 2):
            received += len(wire._buffer)
            wire._buffer = b""
        assert wire.closed
        assert received < 5 * before


def test_a_slow_reader_gets_every_answer_whole(stand: Stand) -> None:
    stand.post(*(indicator(description="x" * 9000) for _ in range(20)))
    whole = stand.get(stand.collection() + "objects/").content
    times = 24_000_000 // len(whole) + 1
    with Wire(stand.address) as wire:
        wire.send(head(stand, b"GET", objects_path(stand)) * times)
        time.sleep(0.3)
        for _ in range(times):
            answer = wire.answer()
            assert answer is not None
            assert answer.body == whole
        is_sound(stand, wire)


@pytest.mark.parametrize("coding", ["plain", "chunked", "gzip"])
def test_the_limit_holds_for_every_way_to_send_a_body(stand: Stand, coding: str) -> None:
    path, small, large = objects_path(stand), envelope(indicator()), b" " * (BODY_MAX + 1)
    for content, status in ((small, 202), (small + b" " * (BODY_MAX - len(small)), 202), (small + large, 413)):
        if coding == "chunked":
            payload = head(stand, b"POST", path, (b"Transfer-Encoding", b"chunked")) + chunked(content)
        else:
            body = gzip.compress(content) if coding == "gzip" else content
            more = [(b"Content-Length", b"%d" % len(body))]
            more += [(b"Content-Encoding", b"gzip")] if coding == "gzip" else []
            payload = head(stand, b"POST", path, *more) + body
        with Wire(stand.address) as wire:
            wire.send(payload)
            answer = wire.answer()
            assert answer is not None
            assert answer.status == status
            is_sound(stand, wire)


def test_a_body_only_announced_is_413_at_once(stand: Stand) -> None:
    for expect in ((), ((b"Expect", b"100-continue"),)):
        with Wire(stand.address) as wire:
            started = time.monotonic()
            wire.send(head(stand, b"POST", objects_path(stand), (b"Content-Length", b"999999999999"), *expect))
            refused(wire.answer(), 413)
            assert time.monotonic() - started < 2


def test_a_body_is_asked_for_only_from_who_may_send_it(stand: Stand) -> None:
    good = head(stand, b"POST", objects_path(stand), (b"Content-Length", b"2"), (b"Expect", b"100-continue"))
    with Wire(stand.address) as wire:
        wire.send(good)
        assert wire._until(b"\r\n\r\n", time.monotonic() + 5) == b"HTTP/1.1 100 Continue"
        wire.send(b"{}")
        answer = wire.answer()
        assert answer is not None
        assert answer.status == 202
    stranger = good.replace(b"Bearer comity", b"Bearer strange")
    forbidden = good.replace(stand.default.encode(), stand.ro.encode())
    for payload, status in ((stranger, 401), (forbidden, 403)):
        with Wire(stand.address) as wire:
            wire.send(payload)
            refused(wire.answer(), status)
            assert wire.answer(patience_seconds=1) is None


def test_a_refused_body_does_not_poison_the_connection(stand: Stand) -> None:
    smuggled = head(stand, b"DELETE", f"{objects_path(stand)}x/")
    length = (b"Content-Length", b"%d" % len(smuggled))
    for path in ("/taxii2/nothing/", objects_path(stand).replace(stand.default, stand.ro)):
        with Wire(stand.address) as wire:
            wire.send(head(stand, b"POST", path, length) + smuggled)
            answer = wire.answer()
            assert answer is not None
            assert answer.status in (403, 404)
            is_sound(stand, wire)
    with Wire(stand.address) as wire:
        wire.send(head(stand, b"GET", "/taxii2/", length) + smuggled)
        answer = wire.answer()
        assert answer is not None
        assert answer.status == 200
        is_sound(stand, wire)


def test_requests_before_a_broken_one_are_answered_first_and_in_order(stand: Stand) -> None:
    many = b"".join(head(stand, b"GET", path) for path in ("/taxii2/", "/taxii2/root/", "/taxii2/nothing/"))
    with Wire(stand.address) as wire:
        wire.send(many + b"nonsense\r\n\r\n")
        answers = [wire.answer() for _ in range(4)]
        assert [answer.status if answer else None for answer in answers] == [200, 200, 404, 400]
        assert wire.answer(patience_seconds=1) is None


def test_a_broken_body_is_refused_after_the_answers_before_it(stand: Stand) -> None:
    broken = head(stand, b"POST", objects_path(stand), (b"Transfer-Encoding", b"chunked")) + b"2\r\n{}\r\nnonsense\r\n"
    with Wire(stand.address) as wire:
        wire.send(head(stand, b"GET", "/taxii2/") + broken)
        first = wire.answer()
        assert first is not None
        assert first.status == 200
        refused(wire.answer(), 400)
        assert wire.answer(patience_seconds=1) is None
    with Wire(stand.address) as wire:
        wire.send(broken)
        refused(wire.answer(), 400)


def test_an_upgrade_is_not_taken(stand: Stand) -> None:
    for protocol_name in (b"h2c", b"websocket"):
        with Wire(stand.address) as wire:
            wire.send(head(stand, b"GET", "/taxii2/", (b"Connection", b"Upgrade"), (b"Upgrade", protocol_name)))
            answer = wire.answer()
            assert answer is not None
            assert answer.status == 200


def test_a_client_that_hangs_up_in_its_body_does_no_harm(stand: Stand) -> None:
    for _ in range(5):
        with Wire(stand.address) as wire:
            wire.send(head(stand, b"POST", objects_path(stand), (b"Content-Length", b"1000")) + b"{")
    assert stand.get("/taxii2/").status_code == 200


def test_there_are_only_so_many_connections(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 20)
    monkeypatch.setattr(protocol, "CONNECTIONS_MAX", 5)
    wires = [Wire(stand.address) for _ in range(5)]
    with Wire(stand.address) as last:
        assert last.answer(patience_seconds=3) is None
        assert last.closed
    for wire in wires:
        with wire:
            is_sound(stand, wire)


def test_one_client_with_all_connections_keeps_nobody_out(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 20)
    monkeypatch.setattr(protocol, "CONNECTIONS_MAX", 5)
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(Wire(stand.address, source="127.0.0.2")) for _ in range(5)]
        crowd[0].send(head(stand, b"POST", objects_path(stand), (b"Content-Length", b"2")))
        time.sleep(0.3)
        for _ in range(2):
            is_sound(stand, stack.enter_context(Wire(stand.address, source="127.0.0.3")))
        crowd[0].send(b"{}")
        answer = crowd[0].answer()
        assert answer is not None, "the one in the midst of a request was ended first"
        assert sum(wire.answer(patience_seconds=0.2) is None and wire.closed for wire in crowd[1:]) == 2
        # With this one they would be as many as the others.
        late = stack.enter_context(Wire(stand.address, source="127.0.0.3"))
        assert late.answer(patience_seconds=3) is None
        assert late.closed


def test_who_sends_much_and_hangs_up_is_forgotten_without_an_error(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(logging.getLogger("uvicorn.error"), "error", lambda words, *_, **__: told.append(words))
    for _ in range(5):
        with Wire(stand.address) as wire:
            wire.send(head(stand, b"GET", objects_path(stand)) * 100)
    time.sleep(0.5)
    assert stand.get("/taxii2/").status_code == 200
    assert told == []


def test_requests_that_wait_for_others_are_answered_in_order_and_few_are_held(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many are sent at once, what is parsed of them is one part of what came; the rest waits as bytes."""
    held: list[int] = []
    parse = protocol.BoundedProtocol._parse

    def parsed(self: protocol.BoundedProtocol, part: bytes) -> None:
        parse(self, part)
        held.append(len(self.pipeline))

    monkeypatch.setattr(protocol.BoundedProtocol, "_parse", parsed)
    count = 3000
    paths = ["/taxii2/" if number % 3 else f"/taxii2/root/collections/no-{number}/" for number in range(count)]
    sent = b"".join(head(stand, b"GET", path) for path in paths)
    body = b'{"objects":[]}'
    with Wire(stand.address, timeout_seconds=60) as wire:
        thread = threading.Thread(target=wire._socket.sendall, args=(sent,))
        thread.start()
        answers = [wire.answer() for _ in range(count)]
        thread.join()
        wire.send(head(stand, b"POST", objects_path(stand), (b"Content-Length", b"%d" % len(body))) + body)
        last = wire.answer(b"POST")
    assert [answer.status if answer else None for answer in answers] == [200 if n % 3 else 404 for n in range(count)]
    assert last is not None
    assert last.status in (202, 400, 422)
    assert len(sent) > 10 * protocol.READ_BYTES
    assert 10 < max(held) <= protocol.READ_BYTES // len(head(stand, b"GET", "/")) + 1
