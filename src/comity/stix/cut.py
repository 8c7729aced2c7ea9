"""Cutting a bundle, an envelope or JSON lines of any size into the bytes of their objects, with flat memory.

Only the shape around the objects is read here; what is inside an object is proven when it is judged. So one object with
broken content does not sink the others, as long as its brackets and quotes pair up.
"""

import re
from collections.abc import Iterable, Iterator

import orjson

from comity.errors import Invalid, TooLarge
from comity.stix import ijson
from comity.stix.object import VERSIONLESS, Finding, Rejected
from comity.stix.words import clean

OBJECT_BYTES_MAX = 8 * 2**20
LINE_BYTES_MAX = 64 * 2**20
LEVELS_MAX = 100_000
MEMBERS_MAX = 1000
NAME_BYTES_MAX = 1000

ENVELOPE_RULE = "TAXII 2.1 §3.7"
_JSON_RULE = "RFC 8259"
_NAMES_RULE = "RFC 7493 §2.3"
_SPACE = re.compile(rb"[ \t\r\n]*+")
_STRING_REST = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
# Everything up to the next bracket, whole strings included; it stops before a string that is not complete.
_PLAIN = re.compile(rb'[^"{}\[\]]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"{}\[\]]*+)*+', re.DOTALL)
_SCALAR = re.compile(rb"[^\s,\]}\"{\[:]*+")
_BOM = b"\xef\xbb\xbf"
_CLOSER = {0x7B: 0x7D, 0x5B: 0x5D}
_END = -1

_QUOTE, _OPEN, _CLOSE, _LIST, _LIST_END, _COMMA, _COLON = b'"{}[],:'


def cut_stream(chunks: Iterable[bytes], *, object_bytes_max: int = OBJECT_BYTES_MAX) -> Iterator[bytes]:
    """The bytes of each object of a bundle or an envelope, wherever its `objects` stands, or of the one STIX object
    that the document is. Invalid names the byte where a document breaks off or is malformed, after its good objects."""
    return _Cutter(chunks, object_bytes_max).objects()


def cut_envelope(body: bytes) -> Iterator[bytes]:
    """The same for a TAXII envelope: an object alone is no envelope, and other members than `objects` are let be."""
    return _Cutter([body], len(body)).objects(envelope=True)


def cut_lines(
    chunks: Iterable[bytes], *, object_bytes_max: int = OBJECT_BYTES_MAX, line_bytes_max: int = LINE_BYTES_MAX
) -> Iterator[bytes | Rejected]:
    """The bytes of each object of JSON lines: a line is an object, a bundle or an envelope; blank lines count for
    nothing. A line that cannot be read is one Rejected in its place, and the lines after it are read all the same."""
    for number, line in _lines(chunks, line_bytes_max):
        text = line.strip(b" \t\r")
        if number == 1:
            text = text.removeprefix(_BOM)
        if not text:
            continue
        if text[:1] != b"{" or text[-1:] != b"}":
            yield _unread(number, Invalid("a line holds something other than one JSON object", rule="JSON lines"))
        elif b'"objects"' in text or b'"bundle"' in text:
            try:
                yield from cut_stream([text], object_bytes_max=object_bytes_max)
            except Invalid as error:
                yield _unread(number, error)
        elif len(text) > object_bytes_max:
            yield _unread(number, _too_large(object_bytes_max, ""))
        else:
            yield text


def _unread(number: int, error: Invalid) -> Rejected:
    where = f"line {number}, {error.where}" if error.where else f"line {number}"
    return Rejected(-1, "", VERSIONLESS, (Finding(where, error.rule, error.message),))


def _lines(chunks: Iterable[bytes], line_bytes_max: int) -> Iterator[tuple[int, bytes]]:
    number, parts, held = 1, [], 0
    for chunk in chunks:
        *complete, rest = chunk.split(b"\n")
        for piece in complete:
            parts.append(piece)
            line = b"".join(parts)
            if len(line) > line_bytes_max:
                raise TooLarge(f"a line is longer than {line_bytes_max:,} bytes", where=f"line {number}", rule="size")
            yield number, line
            number, parts, held = number + 1, [], 0
        held += len(rest)
        if held > line_bytes_max:
            raise TooLarge(f"a line is longer than {line_bytes_max:,} bytes", where=f"line {number}", rule="size")
        parts.append(rest)
    yield number, b"".join(parts)


def _too_large(object_bytes_max: int, where: str) -> TooLarge:
    return TooLarge(f"an object has more than {object_bytes_max:,} bytes", where=where, rule="size")


class _Cutter:
    """One pass over a document. `buffer` holds what is still needed; `base` is the offset of its first byte."""

    def __init__(self, chunks: Iterable[bytes], object_bytes_max: int) -> None:
        self.chunks = iter(chunks)
        self.object_bytes_max = object_bytes_max
        self.buffer = bytearray()
        self.base = 0
        self.at = 0
        # The document itself is kept from its start for as long as it may turn out to be one object.
        self.whole: int | None = None

    def objects(self, envelope: bool = False) -> Iterator[bytes]:
        if self._peek() == _BOM[0]:
            while len(self.buffer) < len(_BOM) and self._fill(self.at):
                pass
            if self.buffer.startswith(_BOM):
                self.at += len(_BOM)
        first = self._peek()
        if first == _END:
            raise self._broken("the document is empty")
        if first != _OPEN:
            raise self._broken("the document is not a JSON object: a bundle, an envelope or a STIX object is wanted")
        self.whole = self.base + self.at
        names: set[str] = set()
        found = False
        for name in self._members(names):
            if name == "objects" and self._peek() == _LIST:
                found, self.whole = True, None
                yield from self._elements(envelope)
            elif name == "objects" and envelope:
                raise Invalid("`objects` is not a list", where="objects", rule=ENVELOPE_RULE)
            elif envelope and self._peek() in (_OPEN, _LIST):
                self._prove(name)
            else:
                self._skip()
        end = self.base + self.at
        if self._peek() != _END:
            raise self._broken("something follows the end of the document")
        if found or not names - {"more", "next"}:
            return
        if envelope:
            problem = "this is an object without an envelope; send it in the list `objects`"
            if "type" not in names:
                problem = "this is no envelope: it has no list `objects`"
            raise Invalid(problem, where="objects", rule=ENVELOPE_RULE)
        if "type" not in names:
            raise Invalid("the document is neither a bundle, an envelope nor a STIX object", rule=_JSON_RULE)
        if self.whole is None:
            raise _too_large(self.object_bytes_max, "")
        raw = bytes(self.buffer[self.whole - self.base : end - self.base])
        if "objects" in names or not _is_bundle(raw):
            yield raw

    def _prove(self, name: str) -> None:
        """The place is after the value of a member that nobody asked for, which is I-JSON all the same."""
        try:
            ijson.read(self._nested(self.object_bytes_max), bytes_max=self.object_bytes_max)
        except Invalid as error:
            error.where = f"{clean(name)}: {error.where}" if error.where else clean(name)
            raise

    def _members(self, names: set[str]) -> Iterator[str]:
        """The name of each member of the object that begins here; each time the place is at its value."""
        self.at += 1
        token = self._peek()
        while token != _CLOSE:
            if token != _QUOTE:
                raise self._broken("a member name is wanted here")
            name = self._name()
            if name in names:
                raise Invalid(f"the name '{clean(name)}' occurs twice", where=self._where(), rule=_NAMES_RULE)
            names.add(name)
            if len(names) > MEMBERS_MAX:
                raise TooLarge(f"the document has more than {MEMBERS_MAX:,} members", where=self._where(), rule="size")
            if self._peek() != _COLON:
                raise self._broken("a colon is wanted here")
            self.at += 1
            self._peek()
            yield name
            token = self._next(_CLOSE)
        self.at += 1

    def _elements(self, envelope: bool) -> Iterator[bytes]:
        """The bytes of each element. In a document one that is no object stands as `null` in its place, so that it is
        refused there and sinks nothing else; an envelope is a request, and must be right as a whole."""
        self.at += 1
        index = 0
        token = self._peek()
        while token != _LIST_END:
            if token != _OPEN:
                if token == _END:
                    raise self._broken("the document breaks off")
                if envelope:
                    raise Invalid(f"objects[{index}] is not a JSON object", where=self._where(), rule=_JSON_RULE)
                self._skip()
                yield b"null"
            else:
                yield self._nested(self.object_bytes_max)
            index += 1
            token = self._next(_LIST_END)
        self.at += 1

    def _next(self, closer: int) -> int:
        """After a value: the first byte after the comma, or the closer."""
        token = self._peek()
        if token == closer:
            return token
        if token == _END:
            raise self._broken("the document breaks off")
        if token != _COMMA:
            raise self._broken(f"a comma or '{chr(closer)}' is wanted here")
        self.at += 1
        token = self._peek()
        if token == closer:
            raise self._broken("a comma is followed by nothing")
        return token

    def _skip(self) -> None:
        """The place is after the value that began here, whatever its size."""
        token = self._peek()
        if token in (_OPEN, _LIST):
            self._nested(None)
        elif token == _QUOTE:
            self.at += 1
            self._string_rest()
        else:
            self._scalar()

    def _scalar(self) -> None:
        while True:
            end = _end(_SCALAR, self.buffer, self.at)
            if end - self.at > NAME_BYTES_MAX:
                raise TooLarge(f"a number is longer than {NAME_BYTES_MAX:,} bytes", where=self._where(), rule="size")
            if end < len(self.buffer) or not self._fill(self.at):
                break
        try:
            orjson.loads(bytes(self.buffer[self.at : end]))
        except orjson.JSONDecodeError:
            raise self._broken("a JSON value is wanted here") from None
        self.at = end

    def _name(self) -> str:
        start = self.base + self.at
        self.at += 1
        self._string_rest(start)
        text = bytes(self.buffer[start - self.base : self.at])
        try:
            name = orjson.loads(text)
        except orjson.JSONDecodeError:
            self.at = start - self.base
            raise self._broken("a member name is not a JSON string") from None
        return str(name)

    def _string_rest(self, keep: int | None = None) -> None:
        """The place is after the closing quote of the string that has begun; from `keep` on its bytes are held."""
        while True:
            self.at = _end(_STRING_REST, self.buffer, self.at)
            if self.at < len(self.buffer) and self.buffer[self.at] == _QUOTE:
                self.at += 1
                return
            if keep is not None and self.base + self.at - keep > NAME_BYTES_MAX:
                raise TooLarge(
                    f"a member name is longer than {NAME_BYTES_MAX:,} bytes", where=self._where(), rule="size"
                )
            if not self._fill(self.at if keep is None else keep - self.base):
                raise self._broken("the document breaks off inside a string")

    def _nested(self, bytes_max: int | None) -> bytes:
        """The bytes of the list or object that begins here; empty, and not held, where `bytes_max` is None."""
        start = self.base + self.at
        buffer = self.buffer
        open_brackets = bytearray()
        size = len(buffer)
        at = self.at
        while True:
            if at < size:
                token = buffer[at]
                at += 1
                if token in (_OPEN, _LIST):
                    open_brackets.append(_CLOSER[token])
                    if len(open_brackets) > LEVELS_MAX:
                        raise TooLarge("a value is nested too deeply to be cut", where=f"byte {start:,}", rule="depth")
                elif token == _QUOTE:
                    self.at = at
                    self._long_string(start, bytes_max)
                    at, size = self.at, len(buffer)
                else:
                    if open_brackets.pop() != token:
                        self.at = at - 1
                        raise self._broken("brackets do not pair up")
                    if not open_brackets:
                        break
            if bytes_max is not None and self.base + at - start > bytes_max:
                raise _too_large(bytes_max, f"byte {start:,}")
            at = _end(_PLAIN, buffer, at)
            if at == size:
                self.at = at
                if not self._fill(at if bytes_max is None else start - self.base):
                    raise self._broken("the document breaks off")
                at, size = self.at, len(buffer)
                at = _end(_PLAIN, buffer, at)
        self.at = at
        if bytes_max is None:
            return b""
        if self.base + at - start > bytes_max:
            raise _too_large(bytes_max, f"byte {start:,}")
        return bytes(buffer[start - self.base : at])

    def _long_string(self, start: int, bytes_max: int | None) -> None:
        """The rest of a string that the buffer did not hold whole."""
        while True:
            self.at = _end(_STRING_REST, self.buffer, self.at)
            if self.at < len(self.buffer) and self.buffer[self.at] == _QUOTE:
                self.at += 1
                return
            if bytes_max is not None and self.base + self.at - start > bytes_max:
                raise _too_large(bytes_max, f"byte {start:,}")
            if not self._fill(self.at if bytes_max is None else start - self.base):
                raise self._broken("the document breaks off inside a string")

    def _peek(self) -> int:
        """The next byte that is no white space, or _END."""
        while True:
            self.at = _end(_SPACE, self.buffer, self.at)
            if self.at < len(self.buffer):
                return self.buffer[self.at]
            if not self._fill(self.at):
                return _END

    def _fill(self, keep: int) -> bool:
        """More bytes are in the buffer, and those before `keep` are dropped; False at the end of the document."""
        if self.whole is not None:
            if self.base + len(self.buffer) - self.whole > self.object_bytes_max:
                self.whole = None
            else:
                keep = min(keep, self.whole - self.base)
        if keep:
            del self.buffer[:keep]
            self.base += keep
            self.at -= keep
        for chunk in self.chunks:
            if chunk:
                self.buffer += chunk
                return True
        return False

    def _where(self) -> str:
        return f"byte {self.base + self.at:,}"

    def _broken(self, problem: str) -> Invalid:
        return Invalid(problem, where=self._where(), rule=_JSON_RULE)


def _end(pattern: re.Pattern[bytes], buffer: bytearray, at: int) -> int:
    """Where the match ends; all the patterns here match the empty text."""
    match = pattern.match(buffer, at)
    return match.end() if match else at


def _is_bundle(raw: bytes) -> bool:
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return False
    return bool(value.get("type") == "bundle")
