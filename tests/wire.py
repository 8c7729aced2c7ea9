"""HTTP/1.1 by hand, so that a test can say what no client library lets it say. Answers are parsed strictly."""

import select
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass

Address = tuple[str, int]
Pairs = Iterable[tuple[bytes, bytes]]

CHUNK_BYTES = 256 * 1024
_BODYLESS = frozenset({204, 304})


class MalformedAnswerError(Exception):
    """The server sent something that is no HTTP/1.1 response."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One response, its header names in lower case, in the order they came."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The value of the first header of that name."""
        return next((value for key, value in self.headers if key == name.lower()), None)

    @property
    def media_type(self) -> str:
        """The Content-Type without spaces, in lower case."""
        return (self.header("content-type") or "").replace(" ", "").lower()


def request_bytes(method: bytes, target: bytes, headers: Pairs, body: bytes = b"") -> bytes:
    """The bytes of a request, exactly as told; nothing is escaped, added or put right."""
    head = [method + b" " + target + b" HTTP/1.1"] + [name + b": " + value for name, value in headers]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def chunked(body: bytes, chunk_bytes: int = 65536) -> bytes:
    """The body in the chunked transfer coding."""
    parts = [body[at : at + chunk_bytes] for at in range(0, len(body), chunk_bytes)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


class Wire:
    """A connection. `source` is the address to call from: all of 127.0.0.0/8 is this host. With few `receive_bytes` the
    server cannot hand over more than that to a client who does not read."""

    def __init__(
        self,
        address: Address,
        *,
        source: str = "127.0.0.1",
        timeout_seconds: float = 20,
        receive_bytes: int | None = None,
    ) -> None:
        self._socket = socket.socket()
        if receive_bytes is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self._socket.settimeout(timeout_seconds)
        self._socket.bind((source, 0))
        self._socket.connect(address)
        self._timeout_seconds = timeout_seconds
        self._buffer = b""
        self.closed = False

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, payload: bytes) -> None:
        """The bytes are sent, as far as the server wants them: an answer or a reset that comes early ends it."""
        view = memoryview(payload)
        while view:
            readable, _, _ = select.select([self._socket], [], [], 0)
            if readable:
                return
            try:
                sent = self._socket.send(view[:CHUNK_BYTES])
            except TimeoutError:
                return
            except OSError:
                return
            view = view[sent:]

    def answer(self, method: bytes = b"GET", *, patience_seconds: float | None = None) -> Answer | None:
        """The next final response; None where the server closed, or said nothing for that long."""
        limit = self._timeout_seconds if patience_seconds is None else patience_seconds
        deadline = time.monotonic() + limit
        while True:
            head = self._until(b"\r\n\r\n", deadline)
            if head is None:
                return None
            status, headers = _parse_head(head)
            if status >= 200:
                return Answer(status, headers, self._body(method, status, headers, deadline))

    def _more(self, deadline: float) -> bool:
        left = deadline - time.monotonic()
        if left <= 0 or self.closed:
            return False
        self._socket.settimeout(left)
        try:
            received = self._socket.recv(1 << 20)
        except TimeoutError:
            return False
        except OSError:
            received = b""
        self._buffer += received
        self.closed = not received
        return bool(received)

    def _until(self, mark: bytes, deadline: float) -> bytes | None:
        while (at := self._buffer.find(mark)) < 0:
            if not self._more(deadline):
                if self._buffer:
                    raise MalformedAnswerError(f"an answer breaks off: {self._buffer[:200]!r}")
                return None
        found, self._buffer = self._buffer[:at], self._buffer[at + len(mark) :]
        return found

    def _exactly(self, count: int, deadline: float) -> bytes:
        while len(self._buffer) < count:
            if not self._more(deadline):
                raise MalformedAnswerError(f"a body breaks off after {len(self._buffer)} of {count} bytes")
        found, self._buffer = self._buffer[:count], self._buffer[count:]
        return found

    def _body(self, method: bytes, status: int, headers: tuple[tuple[str, str], ...], deadline: float) -> bytes:
        said = dict(headers)
        if method == b"HEAD" or status in _BODYLESS:
            return b""
        if "chunked" in said.get("transfer-encoding", ""):
            parts = []
            while True:
                size = int(self._line(deadline), 16)
                parts.append(self._exactly(size, deadline))
                self._exactly(2, deadline)
                if size == 0:
                    return b"".join(parts)
        if "content-length" in said:
            return self._exactly(int(said["content-length"]), deadline)
        while self._more(deadline):
            pass
        found, self._buffer = self._buffer, b""
        return found

    def _line(self, deadline: float) -> bytes:
        line = self._until(b"\r\n", deadline)
        if line is None:
            raise MalformedAnswerError("a chunk has no size")
        return line


def _parse_head(head: bytes) -> tuple[int, tuple[tuple[str, str], ...]]:
    first, *lines = head.split(b"\r\n")
    parts = first.split(b" ", 2)
    if len(parts) < 2 or parts[0] != b"HTTP/1.1" or len(parts[1]) != 3 or not parts[1].isdigit():
        raise MalformedAnswerError(f"no status line: {first[:200]!r}")
    headers = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip():
            raise MalformedAnswerError(f"no header: {line[:200]!r}")
        headers.append((name.decode("latin-1").lower(), value.strip().decode("latin-1")))
    return int(parts[1]), tuple(headers)


def ask(
    address: Address,
    method: str,
    target: str,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    *,
    source: str = "127.0.0.1",
) -> Answer:
    """The answer to one well-made request on a connection of its own."""
    named = {"Host": f"{address[0]}:{address[1]}", "Connection": "close"} | (headers or {})
    if body is not None:
        named["Content-Length"] = str(len(body))
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in named.items()]
    with Wire(address, source=source) as wire:
        wire.send(request_bytes(method.encode(), target.encode(), pairs, body or b""))
        answer = wire.answer(method.encode())
    if answer is None:
        raise MalformedAnswerError(f"{method} {target} was not answered")
    return answer
