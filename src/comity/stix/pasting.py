"""A pattern for a value that somebody pastes: an address, a name, a URL, a hash. Defanged values are read as meant."""

import ipaddress
import re
from dataclasses import dataclass

VALUE_CHARACTERS_MAX = 2_000
_HASHES = {32: "MD5", 40: "'SHA-1'", 64: "'SHA-256'", 128: "'SHA-512'"}
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?:[A-Za-z]{{2,63}}|xn--[A-Za-z0-9-]{{1,59}})\.?")
_MAIL = re.compile(r"[^\s@'\"<>]{1,64}@([^\s@]{3,255})")
_URL = re.compile(r"(?:https?|ftp)://[^\s/?#]+\S*", re.IGNORECASE)
_DEFANGED = (("[.]", "."), ("(.)", "."), ("{.}", "."), ("[dot]", "."), ("[:]", ":"), ("[@]", "@"), ("[at]", "@"))


@dataclass(frozen=True, slots=True)
class Pasted:
    """What the value was taken for (a type of observable), the value as it is meant, and the pattern."""

    type: str
    value: str
    pattern: str


def pattern_of(text: str) -> Pasted | None:
    """The pattern that says the value; None where nobody can be sure what it is."""
    value = _meant(text.strip())
    if not value or len(value) > VALUE_CHARACTERS_MAX or any(one.isspace() for one in value):
        return None
    if value.isascii() and len(value) in _HASHES and all(one in "0123456789abcdef" for one in value.lower()):
        return _pasted("file", f"file:hashes.{_HASHES[len(value)]}", value.lower())
    if (address := _address(value)) is not None:
        return address
    if _URL.fullmatch(value):
        return _pasted("url", "url:value", value)
    mail = _MAIL.fullmatch(value)
    if mail is not None:
        return _pasted("email-addr", "email-addr:value", value) if _DOMAIN.fullmatch(mail[1]) else None
    if _DOMAIN.fullmatch(value):
        return _pasted("domain-name", "domain-name:value", value.rstrip(".").lower())
    return None


def _meant(text: str) -> str:
    """The value without the marks by which people keep others from clicking it."""
    for mark, plain in _DEFANGED:
        text = text.replace(mark, plain)
    return re.sub(r"^h(?:xx|XX|\*\*)p(s?)(?=:)", r"http\1", text)


def _address(value: str) -> Pasted | None:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return None
    if "%" in value:
        return None
    type = f"ipv{network.version}-addr"
    if "/" in value and network.num_addresses > 1:
        return _pasted(type, f"{type}:value", str(network), "ISSUBSET")
    return _pasted(type, f"{type}:value", str(network.network_address))


def _pasted(type: str, path: str, value: str, how: str = "=") -> Pasted:
    constant = value.replace("\\", "\\\\").replace("'", "\\'")
    return Pasted(type, value, f"[{path} {how} '{constant}']")
