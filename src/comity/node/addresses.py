"""Which addresses may be called: public ones, and what the operator lists for a source."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from comity.errors import AddressRefused, Invalid

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

URL_CHARACTERS_MAX = 4096
NETWORKS_MAX = 100
PORTS = {"http": 80, "https": 443}

_KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("an unspecified address", ("0.0.0.0/8", "::/128")),
    ("a loopback address", ("127.0.0.0/8", "::1/128")),
    ("a link-local address", ("169.254.0.0/16", "fe80::/10")),
    ("a private address", ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10")),
    ("an address of a carrier's NAT", ("100.64.0.0/10",)),
    ("a multicast address", ("224.0.0.0/4", "ff00::/8")),
    ("a broadcast or reserved address", ("240.0.0.0/4",)),
    ("an IPv4 address in an IPv6 one", ("::ffff:0:0/96", "::ffff:0:0:0/96", "::/96")),
    ("an address of a NAT64", ("64:ff9b::/96", "64:ff9b:1::/48")),
    ("an address of a tunnel", ("2002::/16", "2001::/32")),
)
_REFUSED = [(words, ip_network(text)) for words, texts in _KINDS for text in texts]
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}", re.ASCII)
_TEXT = re.compile(r"[!-~]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a URL points: scheme, host and port (its origin), and what is asked for there."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """What a credential is for."""
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL, in the one way in which it is written here."""
        return f"{self.scheme}://{self.authority}{self.target}"


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom a fetcher may call and how: `url` is the server that the operator named, the only one that is given
    `authorization`; `allowed` the addresses that may be called besides public ones; `ca_file` the only authority that
    is trusted, where one is named; `plain_http` whether secrets may go unhidden to other hosts than this one."""

    url: str
    authorization: str = ""
    allowed: tuple[Network, ...] = ()
    ca_file: Path | None = None
    plain_http: bool = False


def place_of(url: str) -> Place:
    """The place that an http or https URL names. Invalid for any other, and for one with a user, a password or
    characters that could be read in two ways."""

    def bad(words: str, hint: str = "") -> Invalid:
        return Invalid(f"{url[:200]!r}: {words}", where="url", rule="RFC 3986", hint=hint)

    if len(url) > URL_CHARACTERS_MAX or not _TEXT.fullmatch(url) or "\\" in url:
        raise bad(f"a URL is at most {URL_CHARACTERS_MAX} visible ASCII characters.", "Write other names as xn--….")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise bad(f"{error}.") from None
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    if scheme not in PORTS:
        raise bad("only https and http can be called.")
    if "@" in parts.netloc:
        raise Invalid(
            f"A URL on {host} holds a user or a password.", where="url", hint="Give them by --user and --secret-file."
        )
    if not _HOST.fullmatch(host):
        raise bad("it names no host.")
    if port == 0:
        raise bad("port 0 is none.")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(scheme, host, port or PORTS[scheme], target)


def networks_of(texts: Iterable[str]) -> tuple[Network, ...]:
    """The addresses and networks (CIDR) that the operator lists. Invalid for what is none."""
    found = []
    for text in texts:
        try:
            found.append(ip_network(text))
        except ValueError as error:
            raise Invalid(f"{text[:100]!r} is no address or network: {error}.", where="allow_address") from None
    if len(found) > NETWORKS_MAX:
        raise Invalid(f"More than {NETWORKS_MAX} addresses are listed.", where="allow_address")
    return tuple(found)


def why_not(address: Address) -> str:
    """What kind of address it is that is not called without the operator's word; empty for a public one."""
    for words, network in _REFUSED:
        if address.version == network.version and address in network:
            return words
    return "" if address.is_global else "no public address"


def permitted(host: str, texts: Sequence[str], allowed: Sequence[Network], own: Iterable[Address]) -> list[Address]:
    """The addresses that the host resolved to. AddressRefused where one of them may not be called: a name that points
    inside as well as outside is not believed at all."""
    found: list[Address] = []
    mine = frozenset(own)
    for text in texts:
        address = ip_address(text.split("%")[0])
        if not any(address.version == network.version and address in network for network in allowed):
            words = why_not(address) or ("an address of this host" if address in mine else "")
            if words:
                place = host if host == text else f"{host}, which is at {address},"
                raise AddressRefused(
                    f"{place} is {words}.",
                    where="url",
                    hint=f"If that is meant, allow it for this source: --allow-address {address}",
                )
        found.append(address)
    return found
