"""The one client that calls other servers, and only those that the operator named.

Every connection is made by `_Network`: it resolves the name, refuses addresses that may not be called, and connects to
the very address that it has judged, so that a name cannot point elsewhere a moment later. It also ends whatever takes
longer or brings more than was allowed, from the first byte of the head on.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self
from urllib.parse import urljoin

import httpcore2

from comity import __version__
from comity.errors import (
    AddressRefused,
    BadCertificate,
    ComityError,
    Invalid,
    InvalidAnswer,
    InvalidRequest,
    NotFound,
    PeerUnavailable,
    TooLarge,
    UnsupportedMedia,
)
from comity.interfaces import Fetched
from comity.node.addresses import Address, Place, Reach, permitted, place_of
from comity.taxii.coding import unpacked

FETCH_SECONDS_MAX = 60
SILENCE_SECONDS_MAX = 20
CONNECT_SECONDS_MAX = 10
REDIRECTS_MAX = 5
HEAD_BYTES_MAX = 128 * 1024
HEADERS_MAX = 200
KEPT_SECONDS = 20
PIECE_BYTES = 64 * 1024
ADDRESSES_MAX = 8

Resolver = Callable[[str, int], Sequence[str]]
"""The addresses of a host, as texts."""


def system_resolver(host: str, port: int) -> list[str]:
    """The addresses that the host's system knows for the name. PeerUnavailable where it knows none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise PeerUnavailable(
            f"The name {host} cannot be resolved.", hint="See the name, and this host's DNS."
        ) from error
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def own_addresses(texts: Sequence[str]) -> list[Address]:
    """Those of the addresses that are this host's own: a socket can be bound to no others."""
    return [] if _is_own("192.0.2.1") else [ip_address(text) for text in texts if _is_own(text)]


def _is_own(text: str) -> bool:
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((text, 0))
    except OSError:
        return False
    return True


class HttpFetcher:
    """See `comity.interfaces.Fetcher`. For one thread at a time; close it, or use it as a block."""

    def __init__(
        self, reach: Reach, *, resolver: Resolver = system_resolver, seconds_max: float = FETCH_SECONDS_MAX
    ) -> None:
        self._reach = reach
        self._home = place_of(reach.url)
        self._network = _Network(reach, resolver)
        self._seconds_max = seconds_max
        self._pool = httpcore2.ConnectionPool(
            ssl_context=_tls(reach.ca_file),
            max_connections=4,
            keepalive_expiry=KEPT_SECONDS,
            network_backend=self._network,
        )

    def close(self) -> None:
        """No connection is open any more."""
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fetch(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"", bytes_max: int
    ) -> Fetched:
        """See `comity.interfaces.Fetcher`. Redirects are followed for GET alone, each judged like the first address."""
        self._network.begin(self._seconds_max, bytes_max + HEAD_BYTES_MAX)
        place = self._judged(place_of(url))
        for _ in range(REDIRECTS_MAX + 1):
            answer = self._ask(method, place, headers or {}, body, bytes_max)
            if answer.status not in (301, 302, 303, 307, 308):
                return answer
            if method != "GET":
                raise InvalidAnswer(f"{place.host} redirects a {method}.", where="Location", hint="Name its new URL.")
            place = self._next(place, answer.headers.get("location", ""))
        raise InvalidAnswer(f"{self._home.host} redirects more than {REDIRECTS_MAX} times.", where="Location")

    def _judged(self, place: Place) -> Place:
        """The place, where its scheme is not less than was asked for; the address is judged when it is connected to."""
        if place.scheme == "http" and self._home.scheme == "https":
            raise AddressRefused(f"{place.host} would be called without TLS, though {self._home.url} was named.")
        return place

    def _next(self, place: Place, location: str) -> Place:
        try:
            return self._judged(place_of(urljoin(place.url, location.partition("#")[0])))
        except Invalid as error:
            raise InvalidAnswer(f"{place.host} redirects to no URL.", where="Location") from error

    def _ask(self, method: str, place: Place, headers: Mapping[str, str], body: bytes, bytes_max: int) -> Fetched:
        sent = {
            "Host": place.authority,
            "User-Agent": f"comity/{__version__}",
            "Accept-Encoding": "gzip, zstd",
            **headers,
        }
        if self._reach.authorization and place.origin == self._home.origin:
            sent["Authorization"] = self._reach.authorization
        if method == "POST":
            sent["Content-Length"] = str(len(body))
        url = httpcore2.URL(
            scheme=place.scheme.encode(), host=place.host.encode(), port=place.port, target=place.target.encode()
        )
        pairs = [(name.encode(), value.encode()) for name, value in sent.items()]
        self._network.plain = place.scheme == "http"
        with _told(place), self._pool.stream(method, url, headers=pairs, content=body) as response:
            found = _headers(response.headers, place)
            raw = _bounded(response.iter_stream(), place, bytes_max)
        return Fetched(place.url, response.status, found, _plain(raw, found, place, bytes_max))


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or later; certificates are checked against the authorities of this host, or those of the file alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is None:
        context.load_default_certs()
        return context
    try:
        context.load_verify_locations(cafile=ca_file)
    except ssl.SSLError as error:
        raise Invalid(f"{ca_file} holds no certificate in PEM form.", where="ca") from error
    except OSError as error:
        raise NotFound(f"{ca_file} cannot be read: {error.strerror}.", where="ca") from error
    return context


def _headers(raw: Iterable[tuple[bytes, bytes]], place: Place) -> dict[str, str]:
    found: dict[str, str] = {}
    pairs = list(raw)
    if len(pairs) > HEADERS_MAX:
        raise InvalidAnswer(f"{place.host} sends more than {HEADERS_MAX} headers.", where="headers")
    for name, value in pairs:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def _bounded(parts: Iterable[bytes], place: Place, bytes_max: int) -> bytes:
    found: list[bytes] = []
    left = bytes_max
    for part in parts:
        left -= len(part)
        if left < 0:
            raise _too_long(place, bytes_max)
        found.append(part)
    return b"".join(found)


def _too_long(place: Place, bytes_max: int) -> InvalidAnswer:
    return InvalidAnswer(f"{place.host} answers with more than {bytes_max:,} bytes.", where="body")


def _plain(raw: bytes, headers: Mapping[str, str], place: Place, bytes_max: int) -> bytes:
    try:
        return unpacked(raw, headers.get("content-encoding"), bytes_max)
    except TooLarge:
        raise _too_long(place, bytes_max) from None
    except (InvalidRequest, UnsupportedMedia) as error:
        raise InvalidAnswer(f"{place.host}: {error.message}", where="Content-Encoding") from error


@contextmanager
def _told(place: Place) -> Iterator[None]:
    """Troubles of the network inside the block come out as what they mean."""
    try:
        yield
    except Exception as error:
        known = None if isinstance(error, ComityError) else _trouble(error, place)
        if known is None:
            raise
        raise known from error


def _trouble(error: BaseException, place: Place) -> ComityError | None:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            hint = "Where its authority is your own, name its file by --ca."
            return BadCertificate(f"The certificate of {place.host} does not hold: {cause.verify_message}.", hint=hint)
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpcore2.TimeoutException):
        return PeerUnavailable(f"{place.host} is too slow to answer.", hint="Try again later.")
    if isinstance(error, httpcore2.RemoteProtocolError):
        return InvalidAnswer(f"{place.host} does not speak HTTP as it must: {error}.", where="head", rule="RFC 9112")
    if isinstance(error, (httpcore2.NetworkError, ssl.SSLError)):
        words = f"{place.host} port {place.port} cannot be reached: {error}."
        return PeerUnavailable(words, hint="See the URL, the network and the other server.")
    return None


class _Network(httpcore2.NetworkBackend):
    """Connects to addresses that it has judged, and to no others."""

    def __init__(self, reach: Reach, resolver: Resolver) -> None:
        self._reach = reach
        self.plain = False
        """Whether the connection that is made next has no TLS."""
        self._resolver = resolver
        self._inner = httpcore2.SyncBackend()
        self._deadline = 0.0
        self._bytes_left = 0

    def begin(self, seconds_max: float, bytes_max: int) -> None:
        """From now on a fetch may last so long and bring so much."""
        self._deadline = time.monotonic() + seconds_max
        self._bytes_left = bytes_max

    def seconds_left(self, most: float) -> float:
        """How long the next step may take. A timeout where the time is over."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("the whole takes too long")
        return min(left, most)

    def take(self, count: int) -> None:
        """So many bytes have come."""
        self._bytes_left -= count
        if self._bytes_left < 0:
            raise InvalidAnswer("The other server sends more than was allowed.", where="body")

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        texts = self._resolver(host, port)
        found = permitted(host, texts, self._reach.allowed, own_addresses([text.split("%")[0] for text in texts]))
        if self.plain and not self._reach.plain_http and not all(address.is_loopback for address in found):
            raise AddressRefused(
                f"{host} would be called without TLS: whoever is between could read and change everything.",
                hint="Use https, or allow it for this source: --insecure-http",
            )
        failure: Exception = httpcore2.ConnectError(f"no address is known for {host}")
        for address in found[:ADDRESSES_MAX]:
            try:
                stream = self._inner.connect_tcp(str(address), port, self.seconds_left(CONNECT_SECONDS_MAX))
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return _Stream(stream, self)
        raise failure


class _Stream(httpcore2.NetworkStream):
    """A connection whose every step is counted and timed."""

    def __init__(self, inner: httpcore2.NetworkStream, network: _Network) -> None:
        self._inner = inner
        self._network = network

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self._inner.read(max_bytes, self._network.seconds_left(SILENCE_SECONDS_MAX))
        self._network.take(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), PIECE_BYTES):
            piece = buffer[start : start + PIECE_BYTES]
            self._inner.write(piece, self._network.seconds_left(SILENCE_SECONDS_MAX))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        seconds = self._network.seconds_left(CONNECT_SECONDS_MAX)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, seconds), self._network)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
