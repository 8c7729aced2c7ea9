"""HTTP/1.1 on one connection, with every size and every wait bounded.

uvicorn leaves heads, pauses and unread answers without a limit. What is refused here never becomes a request, so the
answer is written by hand, as a TAXII message.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from comity.taxii.resources import MEDIA_TYPE, error_message

CONNECTIONS_MAX = 1000
HEAD_BYTES_MAX = 96 * 1024
HEADERS_MAX = 100
HEAD_SECONDS = 20.0
BODY_SECONDS = 60.0
WRITE_SECONDS = 60.0
BYTES_A_SECOND_LEAST = 4096
"""Who sends or reads more slowly than this, after the time above, is given up."""
FRAMING_BYTES_MAX = 64 * 1024

_PHRASES = {400: "Bad Request", 408: "Request Timeout", 431: "Request Header Fields Too Large"}


class BoundedProtocol(HttpToolsProtocol):
    """One connection. A timer runs over the head, then over the body, and over an answer that nobody reads."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._in_head = True
        self._received = 0
        self._framing = 0
        self._head_bytes = 0
        self._began = 0.0
        self._refusal = (400, "The request is not HTTP/1.1 as it should be.")

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The head of a first request is awaited, unless there are too many connections already."""
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_MAX:
            transport.abort()
            return
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """No timer runs any more."""
        self._stop_timer()
        self._stop_write_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """The bytes were parsed, or refused for what they would grow into."""
        self._framing += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._framing > (HEAD_BYTES_MAX if self._in_head else FRAMING_BYTES_MAX + 8 * self._received):
            self._refuse(431, "The head of the request is too large.")
        elif self._in_head and self._framing and self._timer is None:
            self._await_head()

    def on_message_begin(self) -> None:
        """A request began; its head must be over soon."""
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = 0
        self._await_head()

    def on_url(self, url: bytes) -> None:
        """The bytes of the target count as head."""
        self._count_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """The bytes of a header count; trailers of a chunked body are dropped."""
        if not self._in_head:
            return
        self._count_head(len(name) + len(value))
        if len(self.headers) >= HEADERS_MAX:
            self._refusal = 431, f"The request has more than {HEADERS_MAX} headers."
            raise ValueError
        super().on_header(name, value)

    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > HEAD_BYTES_MAX:
            self._refusal = 431, f"The head of the request has more than {HEAD_BYTES_MAX} bytes."
            raise ValueError

    def on_headers_complete(self) -> None:
        """The body is awaited, if there is one."""
        super().on_headers_complete()
        self._in_head = False
        self._received = 0
        self._framing = 0
        self._began = self.loop.time()
        self._start_timer(BODY_SECONDS, self._body_is_late)

    def on_body(self, body: bytes) -> None:
        """A part of the body is there."""
        self._received += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The whole request is there; nothing is awaited until the next one."""
        super().on_message_complete()
        self._stop_timer()
        self._in_head = True
        self._framing = 0

    def pause_writing(self) -> None:
        """The client reads more slowly than we write; watched until it has caught up."""
        super().pause_writing()
        self._began_writing = self.loop.time()
        self._first_size = self.transport.get_write_buffer_size()
        self._watch_writing()

    def resume_writing(self) -> None:
        """The client has caught up."""
        super().resume_writing()
        self._stop_write_timer()

    def send_400_response(self, msg: str) -> None:
        """The client hears in TAXII what was wrong, unless an answer to an earlier request is under way."""
        self._refuse(*self._refusal)

    def _refuse(self, status: int, words: str) -> None:
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            title = _PHRASES[status]
            body = error_message(title, description=words, error_code="bad-http", http_status=status)
            head = (
                f"HTTP/1.1 {status} {title}\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\n"
                "Connection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n"
            )
            self.transport.write(head.encode() + body)
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()

    def _await_head(self) -> None:
        self._start_timer(HEAD_SECONDS, self._head_is_late)

    def _head_is_late(self) -> None:
        if self._head_bytes or self._framing:
            self._refuse(408, "The head of the request did not come in time.")
        else:
            self.transport.close()

    def _body_is_late(self) -> None:
        waited = self.loop.time() - self._began
        if self._received >= waited * BYTES_A_SECOND_LEAST or self.flow.read_paused:
            self._start_timer(BODY_SECONDS, self._body_is_late)
        else:
            self._refuse(408, "The body of the request did not come in time.")

    def _watch_writing(self) -> None:
        self._stop_write_timer()
        self._write_timer = self.loop.call_later(WRITE_SECONDS, self._writing_is_late)

    def _writing_is_late(self) -> None:
        waited = self.loop.time() - self._began_writing
        written = self._first_size - self.transport.get_write_buffer_size()
        if written >= waited * BYTES_A_SECOND_LEAST:
            self._watch_writing()
        else:
            self.transport.abort()

    def _start_timer(self, seconds: float, late: Any) -> None:
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
