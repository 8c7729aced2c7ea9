"""A recorder of what a recipient receives, which looks for every trace of what was withheld from it (R70, 02.2).

Bytes are looked at as they are, and as they would be after undoing each of the usual disguises, one over the other:
packing, base64, hexadecimal, percent and JSON escapes, and wide characters.
"""

import base64
import binascii
import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import zstandard
from tests.partner_world import Json, World, value_of
from tests.plain_gate import permitted

from comity.taxii.resources import timestamp

CHARACTERS_LEAST = 6
"""A shorter text says nothing of where it comes from."""
DEPTH_MOST = 3
UNPACKED_BYTES_MOST = 1 << 22

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_HEX = re.compile(rb"[0-9A-Fa-f]{12,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{8,}")
_ESCAPED = re.compile(rb"\\u([0-9A-Fa-f]{4})")
_ENTITY = re.compile(rb"&#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7}));")
_REQUEST_ID = re.compile(rb'(x-request-id: |"error_id":"|urn:request:)[0-9a-f]{16}')
_WORDS = re.compile(rb"(?:[\t\r\n -~]|[\xc2-\xf4][\x80-\xbf]+|[\t\r\n -~]\0|\0[\t\r\n -~])+")
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")


def leaves(value: Any) -> Iterator[str]:
    """Every text and number of a value, and every name of a member."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)


def traces(text: str) -> Iterator[bytes]:
    """What would betray the text: itself in small letters, the instant of a time however many digits it is told with,
    the bytes behind a hexadecimal number, and the UUID of an id alone."""
    if len(text) < CHARACTERS_LEAST:
        return
    plain = text.lower()
    yield (plain[:-1] if _TIME.fullmatch(text) else plain).encode()
    for uuid in _UUID.findall(plain):
        yield uuid.encode()
        yield bytes.fromhex(uuid.replace("-", ""))
    if len(text) % 2 == 0 and _HEX.fullmatch(text.encode()):
        yield bytes.fromhex(text)


@dataclass(slots=True)
class Recorder:
    """Hears what one recipient says and receives. `found` are the traces that reached it, each with where it was."""

    canaries: frozenset[bytes]
    found: list[tuple[str, bytes]] = field(default_factory=list)
    requests: int = 0
    heard_bytes: int = 0
    own: set[bytes] = field(default_factory=set)
    _looked_at: dict[bytes, frozenset[bytes]] = field(default_factory=dict)

    def hear(self, where: str, received: bytes, said: bytes = b"") -> None:
        """The recipient received these bytes. What it said in the request, or has sent here before, is no trace."""
        self.requests += 1
        self.heard_bytes += len(received)
        # Answers that differ in the number of the request alone are looked at once.
        plain = _REQUEST_ID.sub(rb"\1", received)
        if plain not in self._looked_at:
            self._looked_at[plain] = self._traces_in(plain)
        for canary in self._looked_at[plain] - self.own:
            if not _said(canary, said):
                self.found.append((where, canary))

    def _traces_in(self, data: bytes) -> frozenset[bytes]:
        whole = b"\n".join(readings(data)).lower()
        return frozenset(canary for canary in self.canaries if canary in whole)

    def sent(self, body: bytes) -> None:
        """The recipient gave these bytes away itself, and may have them back."""
        plain = body.lower()
        self.own |= {canary for canary in self.canaries if canary in plain}


def _said(canary: bytes, said: bytes) -> bool:
    return bool(said) and any(canary in view.lower() for view in readings(said))


def readings(data: bytes) -> set[bytes]:
    """The bytes, and whatever they are a disguise of, down to DEPTH_MOST disguises. What makes no sense once undone is
    looked at, and not undone once more."""
    seen = {data}
    latest = {data}
    for _ in range(DEPTH_MOST):
        undone = {view for each in latest for view in _undone(each) if len(view) >= CHARACTERS_LEAST} - seen
        seen |= undone
        latest = {view for view in undone if _makes_sense(view)}
    return seen


def _makes_sense(data: bytes) -> bool:
    return data.startswith((b"\x1f\x8b\x08", b"\x78", zstandard.FRAME_HEADER)) or _WORDS.fullmatch(data) is not None


def _undone(data: bytes) -> Iterator[bytes]:
    yield from _unpacked(data)
    if b"%" in data:
        yield _PERCENT.sub(lambda match: bytes.fromhex(match[1].decode()), data)
    if b"\\" in data:
        plain = _ESCAPED.sub(lambda match: chr(int(match[1], 16)).encode("utf-8", "surrogatepass"), data)
        yield plain.replace(b"\\/", b"/").replace(b'\\"', b'"')
    if b"&" in data:
        yield _ENTITY.sub(lambda match: _letter(int(match[1], 16) if match[1] else int(match[2])), data)
    if b"\0" in data:
        # In both orders of bytes, wide Latin letters are themselves with zeros between.
        yield data.replace(b"\0", b"")
    for run in _HEX.findall(data):
        for start in (0, 1):
            yield bytes.fromhex(run[start : start + (len(run) - start) // 2 * 2].decode())
    for run in set(_BASE64.findall(data)):
        plain = run.replace(b"-", b"+").replace(b"_", b"/")
        for start in range(4):
            yield binascii.a2b_base64(plain[start : start + (len(plain) - start) // 4 * 4])
            rest = plain[start:]
            if len(rest) % 4 > 1:
                yield binascii.a2b_base64(rest + b"=" * (-len(rest) % 4))


def _letter(number: int) -> bytes:
    return chr(number).encode("utf-8", "surrogatepass") if number < 0x110000 else b""


def _unpacked(data: bytes) -> Iterator[bytes]:
    """What begins anywhere in the bytes and can be unpacked, as far as it can."""
    for mark, wbits in ((b"\x1f\x8b\x08", 16 + zlib.MAX_WBITS), (b"\x78", zlib.MAX_WBITS)):
        start = data.find(mark)
        while start >= 0:
            found = _inflated(data[start:], wbits)
            if found:
                yield found
            start = data.find(mark, start + 1)
    start = data.find(zstandard.FRAME_HEADER)
    if start >= 0:
        try:
            yield zstandard.ZstdDecompressor().decompressobj().decompress(data[start:])
        except zstandard.ZstdError:
            return


def _inflated(data: bytes, wbits: int) -> bytes:
    try:
        return zlib.decompressobj(wbits).decompress(data, UNPACKED_BYTES_MOST)
    except zlib.error:
        return b""


DISGUISES: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda data: data,
    "capitals": lambda data: data.upper(),
    "base64": lambda data: base64.b64encode(data),
    "base64 after one": lambda data: base64.b64encode(b"." + data),
    "base64 after two": lambda data: base64.b64encode(b".." + data),
    "base64 for addresses": lambda data: base64.urlsafe_b64encode(b"???" + data).rstrip(b"="),
    "hexadecimal": lambda data: data.hex().encode(),
    "hexadecimal, one off": lambda data: b"a" + data.hex().encode(),
    "percent": lambda data: "".join(f"%{byte:02X}" for byte in data).encode(),
    "json": lambda data: "".join(f"\\u{ord(letter):04x}" for letter in data.decode()).encode(),
    "entities": lambda data: "".join(f"&#{ord(letter)};" for letter in data.decode()).encode(),
    "wide": lambda data: data.decode().encode("utf-16-le"),
    "wide, the other way": lambda data: data.decode().encode("utf-16-be"),
    "gzip": lambda data: gzip.compress(data),
    "deflate": lambda data: zlib.compress(data),
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
    "gzip in base64": lambda data: base64.b64encode(gzip.compress(data)),
    "base64 in percent": lambda data: base64.b64encode(data).replace(b"=", b"%3D"),
}
"""Each a way to hide a text that the recorder must see through."""


def withheld_traces(world: World, who: str) -> frozenset[bytes]:
    """The traces of everything that the partner of that name may not have: every text and number of a copy that stands
    nowhere in what leaves, with the instants that the store gave it; and the words of the node's own keeping."""
    allowed = [raw for plain in list(permitted(world, who).values())[:2] for raw in plain.all.values()]
    readable = b"\n".join(view.lower() for raw in allowed for view in readings(raw))
    now = world.clock.now().strftime("%Y-%m-%dT%H:%M:%S")
    texts = {word for word in world.hidden if word != who and world.node.partner(who).id not in word}
    for copy in world.copies():
        if copy.body is None or copy.body not in allowed:
            added = timestamp(copy.added)
            if not added.startswith(now):
                texts |= {added, str(copy.added)}
        if copy.body is not None:
            texts |= set(leaves(value_of(copy))) | {copy.digest.hex()}
    found = {trace for text in texts for trace in traces(text)}
    return frozenset(trace for trace in found - PUBLIC if trace not in readable)


def _public() -> frozenset[bytes]:
    """What any node says of itself and of the standards, whatever it holds: no trace of anything."""
    from comity.stix.markings import MARKING_IDS

    words = """indicator malware report relationship identity campaign file ipv4-addr domain-name network-traffic type
    spec_version created modified object_marking_refs created_by_ref external_references granular_markings selectors
    marking_ref description objects object_refs source_ref target_ref relationship_type related-to identity_class
    organization contact_information pattern pattern_type indicator_types malicious-activity valid_from report_types
    published aliases is_family first_seen hashes sha-256 protocols src_port src_ref objective"""
    plain = {trace for word in words.split() for trace in traces(word)}
    return frozenset(plain | {trace for id in MARKING_IDS.values() for trace in traces(id)})


PUBLIC = _public()


def of_object(value: Json) -> frozenset[bytes]:
    """Every trace of one object."""
    return frozenset(trace for text in leaves(value) for trace in traces(text)) - PUBLIC
