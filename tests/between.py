"""Something between a client and a server that changes answers: the seeded faults of tests that judge a server."""

import contextlib
import socket
import threading
from collections.abc import Callable

Tamper = Callable[[bytes, bytes], bytes]
"""Makes of the bytes of a request and of its answer what the client gets; nothing at all where that is empty."""

PATIENCE_SECONDS = 10


class Between:
    """Listens at `address` inside its block; every connection is one request with `Connection: close`."""

    def __init__(self, server: tuple[str, int], tamper: Tamper) -> None:
        self._server = server
        self._tamper = tamper
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.address: tuple[str, int] = self._listener.getsockname()

    def __enter__(self) -> "Between":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            with client, contextlib.suppress(OSError):
                self._carry(client)

    def _carry(self, client: socket.socket) -> None:
        client.settimeout(PATIENCE_SECONDS)
        request = b""
        while not _is_whole(request):
            received = client.recv(1 << 20)
            if not received:
                return
            request += received
        with socket.create_connection(self._server, PATIENCE_SECONDS) as server:
            server.sendall(request)
            parts = []
            while received := server.recv(1 << 20):
                parts.append(received)
        client.sendall(self._tamper(request, b"".join(parts)))


def _is_whole(request: bytes) -> bool:
    head, end, body = request.partition(b"\r\n\r\n")
    if not end:
        return False
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return len(body) >= int(value)
    return True
