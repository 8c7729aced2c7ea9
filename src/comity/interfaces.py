"""What the pure rooms may ask of the world, and the plain values that rooms share without knowing each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PAGE_ITEMS_MAX = 1000


class Clock(Protocol):
    """Time, given as an argument so that tests can make it."""

    def now(self) -> datetime:
        """The present instant, in UTC, to the microsecond."""
        ...

    def steady(self) -> tuple[str, int]:
        """The microseconds of a clock that nobody sets and that never goes back, and a name for when it began to run:
        two readings with one name can be compared."""
        ...


class Entropy(Protocol):
    """Chance, given as an argument so that tests can repeat it."""

    def token_bytes(self, count: int) -> bytes:
        """That many unpredictable bytes."""
        ...

    def uuid4(self) -> UUID:
        """A random UUID, version 4."""
        ...


@dataclass(frozen=True, slots=True)
class Fetched:
    """What another server answered, unpacked. `url` is the address that answered, after redirects; names of headers are
    in small letters, and values of one name are joined by commas."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


class Fetcher(Protocol):
    """The way to one other server, given as an argument so that tests can be that server."""

    def fetch(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"", bytes_max: int
    ) -> Fetched:
        """The answer, whatever its status. A body above `bytes_max`, packed or not, is InvalidAnswer; an address that
        may not be called AddressRefused; a server that does not answer PeerUnavailable."""
        ...


def microseconds(instant: datetime) -> int:
    """Whole microseconds since 1970 of an aware instant; exact, where a float is not."""
    return (instant - EPOCH) // timedelta(microseconds=1)


def instant_of(us: int) -> datetime:
    """The UTC instant that many microseconds after 1970."""
    return EPOCH + timedelta(microseconds=us)


@dataclass(frozen=True, slots=True)
class Query:
    """Which objects, in which order: always rising order of adding. Fields are joined by AND, values of one by OR.

    `versions` holds `first`, `last`, `all` or version instants (see `comity.stix.timestamp.instant_key`).
    `after` is the key of the last item of the page before; `added_after` is in microseconds since 1970; both exclusive.
    """

    collection: str | None = None
    ids: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    versions: tuple[str, ...] = ("last",)
    spec_versions: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    added_after: int | None = None
    after: int = 0
    limit: int = PAGE_ITEMS_MAX
