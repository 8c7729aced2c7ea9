"""uvicorn's server as it is used here: on a listener of its own, or on connections that the front hands over."""

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import FrameType
from typing import Any

import uvicorn

from comity.errors import Invalid, Unavailable
from comity.web.front import CLOSED, READY
from comity.web.protocol import BoundedProtocol

BACKLOG = 512
HANDED_AT_ONCE = 64


class Server(uvicorn.Server):
    """It tells when it is ready, and returns after a signal instead of raising it again."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Connections are taken."""
        await super().startup(sockets)
        self._on_ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Inside the block the first signal ends the server gently, a second SIGINT at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        signs = [each for each in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(each) is not signal.SIG_IGN]
        before = {each: signal.signal(each, self.handle_exit) for each in signs}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The server ends soon, or at once where it was asked before."""
        self.force_exit = self.should_exit
        self.should_exit = True


class HandedProtocol(BoundedProtocol):
    """A connection that was handed over; `on_lost` is called when it is over."""

    on_lost: Callable[[], None] = staticmethod(lambda: None)

    def connection_lost(self, exc: Exception | None) -> None:
        """The front is told as well."""
        super().connection_lost(exc)
        self.on_lost()


class HandedServer(Server):
    """It takes connections from the front through a socket, says which are over, and ends when the front is gone."""

    def __init__(self, config: uvicorn.Config, door: socket.socket) -> None:
        super().__init__(config, lambda: self._say(READY))
        door.setblocking(False)
        self._door = door
        self._handing: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """The front is listened to, and knows it."""
        asyncio.get_running_loop().add_reader(self._door, self._take)
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """No connection is taken any more; those that are there end."""
        asyncio.get_running_loop().remove_reader(self._door)
        await super().shutdown(sockets)

    def _take(self) -> None:
        try:
            said, handed, _, _ = socket.recv_fds(self._door, HANDED_AT_ONCE, HANDED_AT_ONCE)
        except BlockingIOError:
            return
        except ConnectionError:
            said, handed = b"", []
        for descriptor in handed:
            task = asyncio.get_running_loop().create_task(self._serve_one(socket.socket(fileno=descriptor)))
            self._handing.add(task)
            task.add_done_callback(self._handing.discard)
        if not said:
            asyncio.get_running_loop().remove_reader(self._door)
            self.should_exit = True

    async def _serve_one(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol, connection, ssl=self.config.ssl if self.config.is_ssl else None
            )
        except (OSError, asyncio.CancelledError):
            # A TLS handshake that failed: there never was a connection that could be lost.
            connection.close()
            self._say(CLOSED)

    def _protocol(self) -> HandedProtocol:
        made: Any = HandedProtocol(config=self.config, server_state=self.server_state, app_state={})
        made.on_lost = lambda: self._say(CLOSED)
        protocol: HandedProtocol = made
        return protocol

    def _say(self, word: bytes) -> None:
        with suppress(OSError):
            self._door.send(word)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket that does not block; `host` may be a name of this host, or empty for every address."""
    family, address = socket.AF_INET, (host, port)
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, address = found[0][0], found[0][4]  # type: ignore[assignment]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise Invalid(f"{host!r} is no address of this host: {error.strerror}.", where="host") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        words = f"Port {port} on {host or 'every address'} cannot be taken: {error.strerror}."
        raise Unavailable(words, hint="Stop what runs there, or give another --port; 0 takes a free one.") from error
    return listener


def url_of(listener: socket.socket, *, tls: bool) -> str:
    """The address to show to people."""
    host, port = listener.getsockname()[:2]
    if listener.family == socket.AF_INET6:
        host = f"[{host}]"
    return f"{'https' if tls else 'http'}://{host}:{port}/"
