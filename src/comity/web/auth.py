"""Who is asking: credentials out of headers, addresses out of connections, and a limit on failures."""

import base64
import binascii
import ipaddress
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping

from comity.errors import ComityError, TooManyFailures, Unauthenticated
from comity.node.access import Credential

HEADER_BYTES_MAX = 2048
FAILURES_MAX = 100
WINDOW_SECONDS = 60
SHARE_SECONDS = 0.5
ADDRESSES_MAX = 10_000
FORWARDING_HEADERS = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip", b"via")
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})

HINT = "Sign in with the user and secret of a token (Basic), or with the token itself (Bearer)."


def credential_of(headers: list[bytes]) -> Credential | None:
    """The credential in the Authorization headers; None where there is no such header.

    Unauthenticated for a scheme that is not known, for a header that is broken, and for more than one.
    """
    if not headers:
        return None
    credential = _read(headers[0]) if len(headers) == 1 and len(headers[0]) <= HEADER_BYTES_MAX else None
    if credential is None:
        raise Unauthenticated("The Authorization header cannot be read.", hint=HINT, where="Authorization")
    return credential


def _read(header: bytes) -> Credential | None:
    scheme, _, rest = header.strip(b" \t").partition(b" ")
    value = rest.strip(b" \t")
    if scheme.lower() == b"basic":
        return _basic(value)
    if scheme.lower() in (b"bearer", b"token"):
        try:
            return Credential.of_token(value.decode("ascii"))
        except UnicodeDecodeError:
            return None
    return None


def _basic(value: bytes) -> Credential | None:
    try:
        user, colon, secret = base64.b64decode(value, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    if not colon or not user.isprintable() or not secret.isprintable():
        return None
    return Credential(user, secret)


def no_credential() -> Unauthenticated:
    """The error for a request without any credential."""
    return Unauthenticated("This needs a sign-in.", hint=HINT, where="Authorization")


def caller_address(peer: str, forwarded_for: list[bytes], behind_proxy: str) -> str:
    """The address of whoever is asking. X-Forwarded-For is believed from the proxy alone, and of it only the last
    entry, which that proxy wrote itself; whatever comes before could be anybody's."""
    if not behind_proxy or not forwarded_for or not same_address(peer, behind_proxy):
        return peer
    last = forwarded_for[-1].rsplit(b",", 1)[-1].strip(b" \t").decode("latin-1")
    address = _address(last)
    return peer if address is None else str(address)


def same_address(one: str, other: str) -> bool:
    """Whether the two texts are the same IP address."""
    address = _address(one)
    return address is not None and address == _address(other)


def is_loopback(address: str) -> bool:
    """Whether it is an address of this host that no other can use."""
    found = _address(address)
    return found is not None and found.is_loopback


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


Share = Callable[[Mapping[str, int]], dict[str, tuple[float, int]]]
"""Adds these failures to what all processes count, and tells of each network how many seconds ago its window began and
how many there were. ComityError where that is not possible now."""


class FailureLimit:
    """Counts failed sign-ins by network (IPv6 by /64), in a table that does not grow. Safe to use from threads.

    What it counted it shares with the other processes of the node a moment later, so that whoever fails often costs the
    store one write in SHARE_SECONDS and not one a try.
    """

    def __init__(self, seconds: Callable[[], float], share: Share) -> None:
        self._seconds = seconds
        self._share = share
        self._lock = threading.Lock()
        self._failures: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._unshared: Counter[str] = Counter()
        self._sharing: threading.Timer | None = None

    def failed(self, address: str) -> TooManyFailures | None:
        """One more failure is counted; the error to answer with once there were too many within the window."""
        since, count = self.count(network_of(address))
        return None if count < FAILURES_MAX else self._too_many(since, "A good credential is taken at any time.")

    def over(self, place: str, most: int) -> TooManyFailures | None:
        """The error to answer with where so many were counted of that place within the window; nothing is counted."""
        with self._lock:
            since, count = self._failures.get(place, (0.0, 0))
        if count < most or self._seconds() - since >= WINDOW_SECONDS:
            return None
        return self._too_many(since, "Nothing was looked at meanwhile.")

    def _too_many(self, since: float, words: str) -> TooManyFailures:
        wait = max(1, int(since + WINDOW_SECONDS - self._seconds()) + 1)
        hint = f"Wait {wait} seconds. {words}"
        return TooManyFailures("Too many sign-ins failed from this address.", retry_after_seconds=wait, hint=hint)

    def count(self, place: str) -> tuple[float, int]:
        """One more failure is counted of that place: a network, or what else is counted; when its window began, and
        how many there were before."""
        now = self._seconds()
        with self._lock:
            since, count = self._failures.pop(place, (now, 0))
            if now - since >= WINDOW_SECONDS:
                since, count = now, 0
            self._set(place, since, count + 1)
            self._unshared[place] += 1
            if self._sharing is None:
                self._sharing = threading.Timer(SHARE_SECONDS, self.share)
                self._sharing.daemon = True
                self._sharing.start()
        return since, count

    def share(self) -> None:
        """The other processes know what this one counted, and it knows what they did."""
        with self._lock:
            counted, self._unshared = self._unshared, Counter()
            self._sharing = None
        if not counted:
            return
        try:
            known = self._share(counted)
        except ComityError:
            with self._lock:
                self._unshared.update(counted)
            return
        with self._lock:
            now = self._seconds()
            for place, (age, count) in known.items():
                self._failures.pop(place, None)
                self._set(place, now - age, count + self._unshared[place])

    def close(self) -> None:
        """What was counted is shared, and nothing is any more."""
        with self._lock:
            if self._sharing is not None:
                self._sharing.cancel()
        self.share()

    def _set(self, place: str, since: float, count: int) -> None:
        self._failures[place] = since, count
        if len(self._failures) > ADDRESSES_MAX:
            self._failures.popitem(last=False)

    def __len__(self) -> int:
        return len(self._failures)


def network_of(address: str) -> str:
    """What one client can call from: its address, for IPv6 the /64 around it."""
    found = _address(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((found.packed[:8] + bytes(8), 64)))
    return str(found)
