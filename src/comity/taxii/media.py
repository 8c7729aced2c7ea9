"""Media types and codings as RFC 9110 has them: parsed, never compared as text."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from comity.errors import InvalidRequest, UnsupportedMedia

HEADER_CHARACTERS_MAX = 8192
ELEMENTS_MAX = 100

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
_QUOTED = r'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*+"'
_ELEMENT = re.compile(rf'((?:{_QUOTED}|[^,"])*+)(?:,|\Z)')
_RANGE = re.compile(rf"({_WORD})/({_WORD})[ \t]*")
_PARAMETER = re.compile(rf";[ \t]*(?:({_WORD})=({_WORD}|{_QUOTED}))?[ \t]*")
_CODING = re.compile(rf"({_WORD})[ \t]*")
_WEIGHT = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type or range; type, subtype and parameter names are in small letters, `q` is the weight of a range."""

    type: str
    subtype: str
    parameters: dict[str, str] = field(default_factory=dict)
    q: float = 1.0

    def admits(self, offer: "MediaType") -> int:
        """How closely this range names the offer: 0 not, 1 as anything, 2 by type, 3 by subtype, 4 with its version.

        Of the parameters only `version` tells our media types apart; a range with another version does not admit.
        """
        if self.type not in ("*", offer.type) or self.subtype not in ("*", offer.subtype):
            return 0
        if self.type == "*":
            return 1 if self.subtype == "*" else 0
        if self.subtype == "*":
            return 2
        version = self.parameters.get("version")
        if version is None:
            return 3
        return 4 if version == offer.parameters.get("version") else 0


TAXII = MediaType("application", "taxii+json", {"version": "2.1"})
PROBLEM = MediaType("application", "problem+json")
HTML = MediaType("text", "html")
_IN_ANY_CHARSET_WE_READ = ("utf-8", "utf8", "us-ascii")


def _elements(text: str, header: str) -> Iterator[str]:
    """The elements of a list, empty ones left out. What is after a broken quoted string is left out too."""
    if len(text) > HEADER_CHARACTERS_MAX:
        raise InvalidRequest(f"{header} has more than {HEADER_CHARACTERS_MAX} characters.", where=header)
    place = count = 0
    while place < len(text):
        match = _ELEMENT.match(text, place)
        if match is None:
            return
        element = match[1].strip(" \t")
        if element:
            count += 1
            if count > ELEMENTS_MAX:
                raise InvalidRequest(f"{header} lists more than {ELEMENTS_MAX} things.", where=header)
            yield element
        place = match.end()


def parse_media_type(text: str) -> MediaType | None:
    """One media type or range with its parameters; None where it is none, or its weight is none."""
    match = _RANGE.match(text)
    if match is None:
        return None
    parameters = _parameters(text, match.end())
    if parameters is None:
        return None
    weight = parameters.pop("q", "1")
    if _WEIGHT.fullmatch(weight) is None:
        return None
    return MediaType(match[1].lower(), match[2].lower(), parameters, float(weight))


def _parameters(text: str, place: int) -> dict[str, str] | None:
    found: dict[str, str] = {}
    while place < len(text):
        match = _PARAMETER.match(text, place)
        if match is None:
            return None
        place = match.end()
        if match[1] is not None:
            name, value = match[1].lower(), match[2]
            if value.startswith('"'):
                value = re.sub(r"\\(.)", r"\1", value[1:-1])
            if name in found:
                return None
            found[name] = value
    return found


def parse_accept(text: str) -> list[MediaType]:
    """The ranges of an Accept header. Elements that are no range are left out, as if the client had not sent them."""
    ranges = (parse_media_type(element) for element in _elements(text, "Accept"))
    return [r for r in ranges if r is not None]


def choose(accept: str | None, offers: Sequence[MediaType]) -> MediaType | None:
    """The offer that the Accept header likes best, the first of equals; None where it admits none of them.

    No header, or one without any word in it, admits everything.
    """
    if accept is None or not accept.strip(" \t,"):
        return offers[0]
    ranges = parse_accept(accept)
    best, best_q = None, 0.0
    for offer in offers:
        q = weight_of(offer, ranges)
        if q > best_q:
            best, best_q = offer, q
    return best


def weight_of(offer: MediaType, ranges: Iterable[MediaType]) -> float:
    """The weight that the closest of the ranges gives to the offer; of equally close ones the greatest. 0 is a no."""
    return max(((r.admits(offer), r.q) for r in ranges if r.admits(offer)), default=(0, 0.0))[1]


def names_taxii(accept: str | None) -> bool:
    """Whether an Accept header asks for TAXII by name; a wildcard does not count, nor does a broken header."""
    try:
        ranges = parse_accept(accept or "")
    except InvalidRequest:
        return False
    return any(r.admits(TAXII) >= 3 and r.q > 0 for r in ranges)


def check_content_type(content_type: str | None) -> None:
    """The body is said to be TAXII 2.1, with or without the version, in UTF-8. UnsupportedMedia otherwise."""
    hint = f"Send Content-Type: {TAXII.type}/{TAXII.subtype};version=2.1"
    if content_type is None:
        raise UnsupportedMedia("The body has no Content-Type.", where="Content-Type", hint=hint)
    if len(content_type) > HEADER_CHARACTERS_MAX:
        raise InvalidRequest(f"Content-Type has more than {HEADER_CHARACTERS_MAX} characters.", where="Content-Type")
    found = parse_media_type(content_type.strip(" \t"))
    if found is None or found.admits(TAXII) < 3:
        raise UnsupportedMedia("The body is not of a media type that is read here.", where="Content-Type", hint=hint)
    if found.parameters.get("charset", "utf-8").lower() not in _IN_ANY_CHARSET_WE_READ:
        raise UnsupportedMedia("The body is not in UTF-8.", where="Content-Type", hint=hint)


GZIP, ZSTD = "gzip", "zstd"


def choose_coding(accept_encoding: str | None) -> str | None:
    """`zstd` or `gzip` where the client likes it no less than plain bytes; zstd of two equals; else None."""
    if accept_encoding is None:
        return None
    weights: dict[str, float] = {}
    for element in _elements(accept_encoding, "Accept-Encoding"):
        match = _CODING.match(element)
        parameters = _parameters(element, match.end()) if match else None
        if match is None or parameters is None or _WEIGHT.fullmatch(parameters.get("q", "1")) is None:
            continue
        name = match[1].lower().removeprefix("x-")
        weights[name] = max(weights.get(name, 0.0), float(parameters.get("q", "1")))
    # A wildcard is no word for a coding by name: what a client does not name it may not be able to read.
    plain = weights.get("identity", 0.0)
    best = max((ZSTD, GZIP), key=lambda name: weights.get(name, 0.0))
    return best if weights.get(best, 0.0) > 0 and weights[best] >= plain else None


def content_coding(content_encoding: str | None) -> str | None:
    """The coding of a body: `gzip`, `zstd` or None for plain. UnsupportedMedia for any other, or several."""
    if content_encoding is None:
        return None
    names = [e.lower().removeprefix("x-") for e in _elements(content_encoding, "Content-Encoding")]
    names = [name for name in names if name != "identity"]
    if not names:
        return None
    if names not in ([GZIP], [ZSTD]):
        raise UnsupportedMedia("The body is packed in a way that is not read here.", where="Content-Encoding")
    return names[0]
