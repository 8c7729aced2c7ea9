"""Other servers, good and bad, on real sockets of loopback: what they are sent is kept, what they answer is a table."""

import contextlib
import inspect
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

HEAD_BYTES_MAX = 2**20

Answer = bytes | Callable[["Asked", socket.socket], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came: method, target, headers in small letters, body."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Peer:
    """A server: where it is, and what it was asked."""

    url: str
    port: int
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0


def reply(body: bytes = b"", status: str = "200 OK", *headers: str) -> bytes:
    """A whole answer of HTTP/1.1."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextlib.contextmanager
def peer(
    answer: Answer | Callable[[Asked], bytes],
    *,
    certificate: tuple[Path, Path] | None = None,
    host: str = "127.0.0.1",
    scheme_host: str | None = None,
) -> Iterator[Peer]:
    """A server answers each request with these bytes, or with what the function makes of it, until the block ends.

    A function of two arguments writes to the socket itself, after which the connection is closed.
    """
    listener = socket.create_server((host, 0))
    port = listener.getsockname()[1]
    scheme = "https" if certificate else "http"
    running = Peer(f"{scheme}://{scheme_host or host}:{port}", port)
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
    stopped = threading.Event()
    open_sockets: list[socket.socket] = []

    def converse(raw: socket.socket) -> None:
        open_sockets.append(raw)
        with contextlib.suppress(OSError, ValueError), raw:
            connection = context.wrap_socket(raw, server_side=True) if context else raw
            open_sockets.append(connection)
            with connection:
                while (asked := _read(connection)) is not None:
                    running.asked.append(asked)
                    if isinstance(answer, bytes):
                        connection.sendall(answer)
                        continue
                    made = _call(answer, asked, connection)
                    if made is None:
                        return
                    connection.sendall(made)

    def accept() -> None:
        while not stopped.is_set():
            try:
                raw, _ = listener.accept()
            except OSError:
                return
            running.connections += 1
            threading.Thread(target=converse, args=(raw,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        stopped.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for one in open_sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        thread.join()


def _call(answer: Callable[..., bytes | None], asked: Asked, connection: socket.socket) -> bytes | None:
    return answer(asked, connection) if len(inspect.signature(answer).parameters) == 2 else answer(asked)


def _read(connection: socket.socket) -> Asked | None:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more or len(data) > HEAD_BYTES_MAX:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        more = connection.recv(65536)
        if not more:
            return None
        body += more
    return Asked(method, target, headers, body)
