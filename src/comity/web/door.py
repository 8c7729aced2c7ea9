"""At the door of the pages: the names that this node answers to, whence forms may come, the cookie of a session."""

import hmac
import ipaddress
import re
from urllib.parse import urlsplit

from comity.errors import InvalidRequest, NotAuthorized
from comity.interfaces import Entropy
from comity.node.settings import Settings
from comity.web.auth import LOOPBACK_NAMES
from comity.web.call import Call

COOKIE, SECURE_COOKIE = "comity", "__Host-comity"
CSRF = "csrf"
NONCE_BYTES = 8
PATH_CHARACTERS_MAX = 2000
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_HOST = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?", re.ASCII)
_PORTS = {"http": 80, "https": 443}

Origin = tuple[str, str, int]
"""Scheme, name and port (RFC 6454)."""


# -- names and origins
def check_host(call: Call) -> None:
    """The Host header is a name that this node answers to. InvalidRequest otherwise: a page under a strange name would
    be read by whoever owns that name (DNS rebinding)."""
    own = origin_of(call)
    if own is None or not _is_ours(own[1], call.node.settings):
        raise InvalidRequest(
            "This node does not answer to that name.",
            where="Host",
            hint="Whoever runs it names the address of its pages: `public_url` in comity.toml.",
        )


def check_origin(call: Call) -> None:
    """A form comes from a page of this node, by the Origin header or, without it, the Referer. NotAuthorized for any
    other."""
    origin = call.headers.all(b"origin")
    said = origin or call.headers.all(b"referer")
    given = _origin(said[0].decode("latin-1")) if len(said) == 1 else None
    if given is None or given not in (origin_of(call), _origin(call.node.settings.public_url)):
        raise NotAuthorized(
            "This form does not come from a page of this node.",
            where="Origin" if origin else "Referer",
            hint="Open the page anew and send the form from there.",
        )


def origin_of(call: Call) -> Origin | None:
    """Where the call came to; None where its Host header cannot be read."""
    hosts = call.headers.all(b"host")
    return _origin(f"{call.scheme}://{hosts[0].decode('latin-1')}") if len(hosts) == 1 else None


def _origin(url: str) -> Origin | None:
    scheme, mark, rest = url.partition("://")
    match = _HOST.fullmatch(re.split(r"[/?#]", rest, maxsplit=1)[0])
    if not mark or scheme not in _PORTS or match is None:
        return None
    return scheme, match[1].lower(), int(match[2] or _PORTS[scheme])


def _is_ours(name: str, settings: Settings) -> bool:
    public = _origin(settings.public_url)
    if name in LOOPBACK_NAMES or name == settings.host.lower() or (public is not None and name == public[1]):
        return True
    host, given = _address(settings.host), _address(name)
    if given is None or host is None:
        return False
    # Who listens on all addresses answers to each of them; no name leads there that is not an address.
    return host.is_unspecified or given == host


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None


def own_path(text: str) -> str:
    """The path with its query, if it is one of this node; else `/`. A browser takes `//` and `/\\` for another host,
    and drops control characters before it looks."""
    if not text.startswith("/") or len(text) > PATH_CHARACTERS_MAX or not text.isascii() or not text.isprintable():
        return "/"
    if text.startswith("//") or "\\" in text or " " in text:
        return "/"
    parts = urlsplit(text)
    return "/" if parts.scheme or parts.netloc else text


# -- the cookie
def secret_of(call: Call) -> str | None:
    """The secret of the session that the browser holds; None where there is none, or more than one."""
    wanted = name_of_cookie(call)
    found = set()
    for header in call.headers.all(b"cookie"):
        for pair in header.decode("latin-1").split(";"):
            name, _, value = pair.strip(" \t").partition("=")
            if name == wanted:
                found.add(value)
    secret = found.pop() if len(found) == 1 else ""
    return secret if _SECRET.fullmatch(secret) else None


def name_of_cookie(call: Call) -> str:
    """Over https a name that only this host can have set, securely (RFC 6265bis section 4.1.3.2)."""
    return SECURE_COOKIE if call.scheme == "https" else COOKIE


def cookie_with(call: Call, secret: str) -> tuple[str, str]:
    """The header by which a browser keeps the secret until it is closed; an empty one lets it forget."""
    secure = "; Secure" if call.scheme == "https" else ""
    over = "" if secret else "; Max-Age=0"
    return "Set-Cookie", f"{name_of_cookie(call)}={secret}; Path=/; HttpOnly; SameSite=Lax{secure}{over}"


# -- what each form carries
def csrf_of(secret: str, entropy: Entropy) -> str:
    """What the forms of a page carry: bound to the session, and another text each time, so that nobody learns it from
    how well pages can be packed."""
    nonce = entropy.token_bytes(NONCE_BYTES).hex()
    return f"{nonce}.{_csrf(secret, nonce)}"


def check_csrf(secret: str, given: str) -> None:
    """The form is of a page of that session. NotAuthorized otherwise."""
    nonce, _, code = given.partition(".")
    if not hmac.compare_digest(_csrf(secret, nonce).encode(), code.encode("utf-8", "surrogatepass")):
        raise NotAuthorized(
            "This form is not of your session.", where=CSRF, hint="Open the page anew and send the form from there."
        )


def _csrf(secret: str, nonce: str) -> str:
    return hmac.digest(secret.encode(), f"csrf {nonce}".encode("utf-8", "surrogatepass"), "sha256").hex()
