"""HTTP/1.1 on one connection, with every size and every wait bounded.

uvicorn leaves heads, pauses and unread answers without a limit. What is refused here never becomes a request, so the
answer is written by hand, as a TAXII message.
"""

import asyncio
import select
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from comity.taxii.resources import MEDIA_TYPE, error_message
from comity.web.auth import network_of

CONNECTIONS_MAX = 1000
HEAD_BYTES_MAX = 96 * 1024
HEADERS_MAX = 100
HEAD_SECONDS = 20.0
BODY_SECONDS = 60.0
WRITE_SECONDS = 20.0
BYTES_A_SECOND_LEAST = 4096
"""Who sends or reads more slowly than this, after the time above, is given up."""
FRAMING_BYTES_MAX = 64 * 1024
READ_BYTES = 16 * 1024
"""So much is parsed together. Requests that came in one part wait for the answers to those before them; nothing after
them is looked at until then."""
GONE = "comity.gone"
"""In the scope of a request: a function that tells whether whoever asked is gone."""
UNNAMED, ENDED = "unnamed", "ended"
"""Stand for the network of a client without an address, and of one whose connection was given up."""

_TITLES = {
    400: "Bad Request",
    408: "Request Timeout",
    414: "URI Too Long",
    431: "Request Header Fields Too Large",
}


class _Flow(FlowControl):
    """As that of uvicorn, which reads on after every answer; this one not while any request waits for another."""

    def __init__(self, transport: asyncio.Transport, waits: Callable[[], bool]) -> None:
        super().__init__(transport)
        self._waits = waits

    def resume_reading(self) -> None:
        if not self._waits():
            super().resume_reading()


class BoundedProtocol(HttpToolsProtocol):
    """One connection. A timer runs over the head, then over the body, and over an answer that nobody reads.

    A refusal ends the connection. It is said after the answers to the requests before it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._running: RequestResponseCycle | None = None
        self._refusal: bytes | None = None
        self._unread = b""
        self._network = UNNAMED
        self._in_head = True
        self._head_bytes = 0
        self._body_bytes = 0
        self._other_bytes = 0
        self._since = 0.0
        self._write_since = 0.0
        self._write_bytes = 0

    # -- the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The head of a first request is awaited, unless there are too many connections already."""
        super().connection_made(transport)
        self.flow = _Flow(transport, self._waits)
        self._network = network_of(self.client[0]) if self.client else UNNAMED
        if len(self.connections) > CONNECTIONS_MAX:
            self._make_room()
        if not transport.is_closing():
            self._await_head()

    def _make_room(self) -> None:
        """Where there are too many connections, one of the client that has most of them is ended: one that awaits a
        request, if there is any. So nobody keeps all others out, however fast he opens connections."""
        everyone = cast("set[BoundedProtocol]", self.connections)
        counts = Counter(each._network for each in everyone)
        del counts[ENDED]
        if counts.total() <= CONNECTIONS_MAX:
            return
        greatest, most = counts.most_common(1)[0]
        if counts[self._network] == most:
            self._give_up()
        else:
            crowd = (each for each in everyone if each._network == greatest)
            min(crowd, key=lambda each: each._is_answering)._give_up()

    def _give_up(self) -> None:
        self._network = ENDED
        self.transport.abort()

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def connection_lost(self, exc: Exception | None) -> None:
        """No timer runs any more, and who works on a request is told."""
        self._stop_timer()
        self._stop_write_timer()
        self.pipeline.clear()
        self._unread = b""
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """The bytes were parsed, or wait for the answers to what came before, or were refused for what they would grow
        into."""
        self._unread += data
        self._read_on()

    def _waits(self) -> bool:
        return bool(self.pipeline or self._unread)

    def _read_on(self) -> None:
        came, at = self._unread, 0
        while at < len(came) and not self.pipeline and self._refusal is None and not self.transport.is_closing():
            part = came[at : at + READ_BYTES]
            at += len(part)
            self._parse(part)
        if self._refusal is not None or self.transport.is_closing():
            self._unread = b""
            return
        self._unread = came[at:]
        if self._waits():
            self.flow.pause_reading()

    def _parse(self, part: bytes) -> None:
        self._other_bytes += len(part)
        super().data_received(part)
        if self._refusal is not None or self.transport.is_closing():
            return
        if self._other_bytes > (HEAD_BYTES_MAX if self._in_head else FRAMING_BYTES_MAX + 8 * self._body_bytes):
            self._refuse(431, "The head of the request is too large.", "head")
        elif self._in_head and self._other_bytes and self._timer is None:
            self._await_head()

    # -- the parser's callbacks; ValueError ends the parsing

    def on_message_begin(self) -> None:
        """A request began; its head must be over soon."""
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = 0
        self._await_head()

    def on_url(self, url: bytes) -> None:
        """The bytes of the target count as head."""
        self._head_bytes += len(url)
        if self._head_bytes > HEAD_BYTES_MAX:
            self._refuse(414, f"The target of the request has more than {HEAD_BYTES_MAX} bytes.", "target")
            raise ValueError
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """The bytes of a header count; trailers of a chunked body are dropped."""
        if not self._in_head:
            return
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > HEAD_BYTES_MAX or len(self.headers) >= HEADERS_MAX:
            words = f"The request has more than {HEADERS_MAX} headers, or they have more than {HEAD_BYTES_MAX} bytes."
            self._refuse(431, words, "head")
            raise ValueError
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The body is awaited, if there is one."""
        version = self.parser.get_http_version()
        hosts = sum(name == b"host" for name, _ in self.headers)
        if version not in ("1.0", "1.1") or hosts > 1 or (hosts == 0 and version == "1.1"):
            self._refuse(400, "The request is not HTTP/1.1 with one Host.", "head")
            raise ValueError
        if any(name == b"transfer-encoding" and value.lower() != b"chunked" for name, value in self.headers):
            self._refuse(400, "No transfer coding but chunked is read here.", "head")
            raise ValueError
        super().on_headers_complete()
        self._in_head = False
        self._body_bytes = 0
        self._other_bytes = 0
        self._since = self.loop.time()
        self._start_timer(BODY_SECONDS, self._body_is_late)

    def on_body(self, body: bytes) -> None:
        """A part of the body is there."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The whole request is there; nothing is awaited until the next one."""
        super().on_message_complete()
        self._stop_timer()
        self._in_head = True
        self._other_bytes = 0

    # -- answers

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        cast("dict[str, Any]", cycle.scope)[GONE] = lambda: self._is_gone(cycle)
        super()._start_asgi_task(cycle, app)

    def _is_gone(self, cycle: RequestResponseCycle) -> bool:
        """Whether the client has closed its side; then the connection is over, with all that waits in it. While more of
        its requests wait than one, nothing is read from it, so that only the system knows."""
        if not cycle.disconnected and not self.transport.is_closing():
            looked = select.poll()
            looked.register(self.transport.get_extra_info("socket").fileno(), select.POLLRDHUP)
            if not looked.poll(0):
                return False
            self.transport.abort()
        cycle.disconnected = True
        return True

    def on_response_complete(self) -> None:
        """The next request is answered, or the refusal of it said."""
        super().on_response_complete()
        self._say_refusal()
        self._read_on()
        if not self.transport.is_closing():
            self.flow.resume_reading()

    def pause_writing(self) -> None:
        """The client reads more slowly than we write; watched until it has caught up."""
        super().pause_writing()
        self._write_since = self.loop.time()
        self._write_bytes = self.transport.get_write_buffer_size()
        self._watch_writing()

    def resume_writing(self) -> None:
        """The client has caught up."""
        super().resume_writing()
        self._stop_write_timer()

    # -- refusals

    def send_400_response(self, msg: str) -> None:
        """What the parser cannot read is refused."""
        self._refuse(400, "The request is not HTTP/1.1 as it should be.", "head" if self._in_head else "body")

    def _refuse(self, status: int, words: str, where: str) -> None:
        """The connection ends with this message; no byte that comes later is read."""
        if self._refusal is not None or self.transport.is_closing():
            return
        title = _TITLES[status]
        body = error_message(
            title, description=words, error_code="bad-http", http_status=status, details={"where": where}
        )
        head = (
            f"HTTP/1.1 {status} {title}\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n"
        )
        self._refusal = head.encode() + body
        self._stop_timer()
        newest = self.cycle
        if not self._in_head and newest is not None and not newest.response_complete:
            # It is the body of the newest request that is refused, so there is no other answer to it.
            newest.disconnected = True
            newest.message_event.set()
            if newest is not self._running:
                self.pipeline.popleft()
            else:
                self._running = None
                if newest.response_started:
                    self._refusal = b""
        self._say_refusal()

    def _say_refusal(self) -> None:
        if self._refusal is None or self.transport.is_closing():
            return
        if self._running is None or self._running.response_complete:
            self.transport.write(self._refusal)
            self.transport.close()

    # -- waiting

    def _await_head(self) -> None:
        self._start_timer(HEAD_SECONDS, self._head_is_late)

    def _head_is_late(self) -> None:
        if self._waits():
            self._await_head()
        elif self._other_bytes:
            self._refuse(408, "The head of the request did not come in time.", "head")
        else:
            self.transport.close()

    def _body_is_late(self) -> None:
        waited = self.loop.time() - self._since
        if self._body_bytes >= waited * BYTES_A_SECOND_LEAST or self.flow.read_paused:
            self._start_timer(BODY_SECONDS, self._body_is_late)
        else:
            self._refuse(408, "The body of the request did not come in time.", "body")

    def _watch_writing(self) -> None:
        self._stop_write_timer()
        self._write_timer = self.loop.call_later(WRITE_SECONDS, self._writing_is_late)

    def _writing_is_late(self) -> None:
        waited = self.loop.time() - self._write_since
        written = self._write_bytes - self.transport.get_write_buffer_size()
        if written >= waited * BYTES_A_SECOND_LEAST:
            self._watch_writing()
        else:
            self.transport.abort()

    def _start_timer(self, seconds: float, late: Callable[[], None]) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(seconds, late)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
