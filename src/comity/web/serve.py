"""A node on a port: one process or several, stopped by a signal, with what runs behind in a thread of its own."""

import ctypes
import gc
import ipaddress
import resource
import socket
import ssl
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn

from comity.errors import Invalid, Refused
from comity.node.node import Node
from comity.node.work import Worker
from comity.web import logs
from comity.web.app import make_app
from comity.web.front import Front
from comity.web.metrics import count_as, share_counts
from comity.web.protocol import CONNECTIONS_MAX, BoundedProtocol
from comity.web.server import BACKLOG, HandedProtocol, HandedServer, Server, listen, url_of

KEEP_ALIVE_SECONDS = 30
STOP_SECONDS = 10
GARBAGE_THRESHOLD = 20_000
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Names of settings of glibc (mallopt(3))."""
LARGE_BYTES, FREE_BYTES_KEPT = 2 * 2**20, 8 * 2**20
"""Memory of one value that is taken from the system by itself, and goes back to it alone; and what is kept of the rest
for the next values."""
HANDLES_BESIDES = 250
"""File handles for the store, its readers, the log and the like."""


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
            node,
            host,
            port,
            tls_cert=tls_cert,
            tls_key=tls_key,
            behind_proxy=behind_proxy,
            works=worker,
            on_ready=on_ready,
        ).run()
    finally:
        logs.take_down(handler)


def serve_by_processes(
    open_node: Callable[[], Node],
    count: int,
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
    """The same by so many processes, each of which opens the node for itself. There must be no other thread."""
    check_exposure(host, tls=bool(tls_cert), behind_proxy=behind_proxy, insecure_http=insecure_http)
    handler = logs.set_up(as_json=log_json)
    how: Any = {"tls_cert": tls_cert, "tls_key": tls_key, "behind_proxy": behind_proxy}
    try:
        with listen(host, port) as listener, tempfile.TemporaryDirectory(prefix="comity-") as folder:
            url = url_of(listener, tls=bool(tls_cert))
            # What cannot be opened is said here, once, and not by every process.
            with open_node() as node:
                Serving(node, host, 0, **how).close()
            share_counts(Path(folder), count)

            def run(door: socket.socket, number: int) -> None:
                count_as(number)
                with open_node() as node:
                    Serving(node, host, port, door=door, works=worker and number == 0, **how).run()

            settle_garbage()
            Front(listener, count, run, on_ready=lambda: on_ready(url), stop_seconds=STOP_SECONDS + 5).run()
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
    """A server that is made, run once, and can be stopped from another thread. With a `door` its connections come from
    the front through that socket; without, it has a listener of its own. `works` says that it does what runs behind.
    """

    def __init__(
        self,
        node: Node,
        host: str,
        port: int,
        *,
        tls_cert: str = "",
        tls_key: str = "",
        behind_proxy: str = "",
        on_ready: Callable[[str], None] = lambda _url: None,
        door: socket.socket | None = None,
        works: bool = True,
    ) -> None:
        self._node = node
        self._listeners = [] if door is not None else [listen(host, port)]
        self._app = make_app(node, behind_proxy=behind_proxy)
        self._works = works
        self._config = uvicorn.Config(
            self._app,
            http=HandedProtocol if door is not None else BoundedProtocol,
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
            for name, path in (("tls_cert", tls_cert), ("tls_key", tls_key)):
                _check_readable(name, path)
            self._config.load()
        except (ssl.SSLError, OSError) as error:
            self.close()
            raise Invalid(f"The certificate or its key cannot be used: {error}.", where="tls_cert") from error
        except Invalid:
            self.close()
            raise
        if self._config.ssl is not None:
            self._config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
            self._config.ssl.set_alpn_protocols(["http/1.1"])
        self._server: Server
        if door is not None:
            self._server = HandedServer(self._config, door)
        else:
            url = url_of(self._listeners[0], tls=self._config.is_ssl)
            self._server = Server(self._config, lambda: on_ready(url))

    def run(self) -> None:
        """The node was served until `stop`, a signal, or the end of the front."""
        settle_garbage()
        _keep_large_memory_apart()
        _allow_handles(CONNECTIONS_MAX + HANDLES_BESIDES)
        worker = Worker(self._node, on_idle=_give_memory_back) if self._works else None
        if worker is not None:
            worker.start()
        try:
            self._server.run(sockets=self._listeners)
        finally:
            if worker is not None:
                worker.stop()
            self._app.close()

    def stop(self) -> None:
        """The server ends soon, with what it is answering now."""
        self._server.should_exit = True

    def close(self) -> None:
        """What was made is given up without having run."""
        for listener in self._listeners:
            listener.close()
        self._app.close()


def _check_readable(name: str, path: str) -> None:
    if path:
        try:
            with Path(path).open("rb"):
                pass
        except OSError as error:
            raise Invalid(f"{path} cannot be read: {error.strerror}.", where=name) from error


def settle_garbage() -> None:
    """What is there by now stays, and is not looked at again; in processes forked from this one it stays shared. An
    envelope makes many short-lived values but no cycles: looking for cycles every 700 of them would cost a tenth of a
    POST."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD, 20, 50)


def _allow_handles(count: int) -> None:
    """This process may have so many files open, as far as it may say so itself: the usual 1,024 are used up by the
    connections alone, and the store could not be opened then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _keep_large_memory_apart() -> None:
    """Large pages go back to the system as soon as nobody reads them. glibc would keep what they took among smaller
    values, and after a while take all pages from there, so that a crowd with large answers holds a fifth more."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
    mallopt(M_TRIM_THRESHOLD, FREE_BYTES_KEPT)


def _give_memory_back() -> None:
    """Freed memory goes back to the system: glibc keeps that of large pages for itself, unless it is asked."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        return
