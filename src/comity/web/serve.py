"""A node on a port: one process, stopped by a signal, with what runs behind in a thread of its own."""

import contextlib
import ctypes
import gc
import ipaddress
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn

from comity.errors import Invalid, Refused, Unavailable
from comity.node.node import Node
from comity.node.work import Worker
from comity.web import logs
from comity.web.app import make_app
from comity.web.protocol import BoundedProtocol

KEEP_ALIVE_SECONDS = 30
STOP_SECONDS = 10
BACKLOG = 512
GARBAGE_THRESHOLD = 20_000


def serve(
    node: Node,
    host: str,
    port: int,
    *,
    tls_cert: str = "",
    tls_key: str = "",
    behind_proxy: str = "",
    insecure_http: bool = False,
    log_json: bool = False,
    worker: bool = True,
    on_ready: Callable[[str], None] = lambda _url: None,
) -> None:
    """The node was served until SIGINT or SIGTERM; `on_ready` was called with its URL once it took connections.
    Without `worker` what runs behind is left to `comity worker`.

    Port 0 takes a free one. Refused where credentials would cross a network in the clear without the operator's word.
    """
    check_exposure(host, tls=bool(tls_cert), behind_proxy=behind_proxy, insecure_http=insecure_http)
    handler = logs.set_up(as_json=log_json)
    try:
        Serving(
            *(node, host, port),
            tls_cert=tls_cert,
            tls_key=tls_key,
            behind_proxy=behind_proxy,
            worker=worker,
            on_ready=on_ready,
        ).run()
    finally:
        logs.take_down(handler)


def check_exposure(host: str, *, tls: bool, behind_proxy: str, insecure_http: bool) -> None:
    """Nobody can read along without the operator having said so. Refused otherwise."""
    if behind_proxy:
        try:
            ipaddress.ip_address(behind_proxy)
        except ValueError:
            raise Invalid(f"{behind_proxy!r} is no IP address.", where="behind_proxy") from None
    if tls or behind_proxy or insecure_http or _only_loopback(host):
        return
    raise Refused(
        f"Plain HTTP on {host or 'every address'} would show credentials to the network.",
        hint="Give --tls-cert and --tls-key, or --behind-proxy ADDR where a proxy does TLS, or --insecure-http.",
        where="host",
    )


def _only_loopback(host: str) -> bool:
    if not host:
        return False
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return all(ipaddress.ip_address(str(address[0]).split("%")[0]).is_loopback for *_, address in found)


class Serving:
    """A server that is made, run once, and can be stopped from another thread."""

    def __init__(
        self,
        node: Node,
        host: str,
        port: int,
        *,
        tls_cert: str = "",
        tls_key: str = "",
        behind_proxy: str = "",
        worker: bool = True,
        on_ready: Callable[[str], None] = lambda _url: None,
    ) -> None:
        self._node = node
        self._works = worker
        self._listener = _listen(host, port)
        self._app = make_app(node, behind_proxy=behind_proxy)
        self._config = uvicorn.Config(
            self._app,
            http=BoundedProtocol,
            loop="uvloop",
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS,
            ssl_certfile=tls_cert or None,
            ssl_keyfile=tls_key or None,
        )
        try:
            self._config.load()
        except (ssl.SSLError, OSError) as error:
            self._listener.close()
            raise Invalid(f"The certificate or its key cannot be used: {error}.", where="tls_cert") from error
        if self._config.ssl is not None:
            self._config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
            self._config.ssl.set_alpn_protocols(["http/1.1"])
        self.url = _url(self._listener, tls=self._config.is_ssl)
        self._server = _Server(self._config, lambda: on_ready(self.url))

    def run(self) -> None:
        """The node was served until `stop` or a signal."""
        # What is there by now stays, and an envelope makes many short-lived values but no cycles: looking for cycles
        # every 700 of them would cost a tenth of a POST.
        gc.collect()
        gc.freeze()
        gc.set_threshold(GARBAGE_THRESHOLD, 20, 50)
        worker = Worker(self._node, on_idle=_give_memory_back)
        if self._works:
            worker.start()
        try:
            self._server.run(sockets=[self._listener])
        finally:
            worker.stop()
            self._app.close()

    def stop(self) -> None:
        """The server ends soon, with what it is answering now."""
        self._server.should_exit = True


class _Server(uvicorn.Server):
    """uvicorn's server, which tells when it is ready and returns after a signal instead of raising it again."""

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
        before = {each: signal.signal(each, self.handle_exit) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The server ends soon, or at once where it was asked before."""
        self.force_exit = self.should_exit
        self.should_exit = True


def _give_memory_back() -> None:
    """Freed memory goes back to the system: glibc keeps that of large pages for itself, unless it is asked."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        return


def _listen(host: str, port: int) -> socket.socket:
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
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        words = f"Port {port} on {host or 'every address'} cannot be taken: {error.strerror}."
        raise Unavailable(words, hint="Stop what runs there, or give another --port; 0 takes a free one.") from error
    return listener


def _url(listener: socket.socket, *, tls: bool) -> str:
    host, port = listener.getsockname()[:2]
    if listener.family == socket.AF_INET6:
        host = f"[{host}]"
    return f"{'https' if tls else 'http'}://{host}:{port}/"
