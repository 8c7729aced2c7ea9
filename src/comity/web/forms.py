"""Forms as browsers send them, read within bounds: only the fields that a screen names, and none of them twice as long
as it may be. Parts of several kinds are read by python-multipart, which is imported where one comes. Files are in
memory with the rest of a small form, or are put aside as they come."""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from comity.errors import InvalidRequest, UnsupportedMedia
from comity.node.uploads import Incoming
from comity.web.call import Call
from comity.web.door import CSRF
from comity.web.ui.visit import FIELDS_MAX, Form

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartParser

FILES_MAX = 20
VALUE_BYTES_MAX = 100_000
"""Of all fields that are no files, in a form whose files are put aside."""
HEADER_BYTES_MAX = 4096
URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
_BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,./:=? -]{1,70}")
_FILE = re.compile(rb"(?:^|;)\s*filename\*?=")


def check_form(call: Call) -> None:
    """The body is announced as a form, and not packed. UnsupportedMedia otherwise."""
    if call.headers.get(b"content-encoding") is not None or _kind(call) not in (URLENCODED, MULTIPART):
        raise UnsupportedMedia("This takes a form alone.", where="Content-Type", hint=f"Send {URLENCODED}.")


def read_form(call: Call, body: bytes, named: Collection[str]) -> Form:
    """The fields of the form, all of which the screen names. InvalidRequest for any other, for too many, and for what
    is no form; a name that ends in `*` stands for all that begin so."""
    return _checked(_multipart(call, body) if _kind(call) == MULTIPART else Form(_urlencoded(body)), named)


class StagedForm:
    """A form whose files are put aside as they come, piece by piece; its other fields stay small. UnsupportedMedia for
    one that cannot have files."""

    def __init__(self, call: Call, named: Collection[str], incoming: Incoming) -> None:
        if _kind(call) != MULTIPART:
            raise UnsupportedMedia("This form has files.", where="Content-Type", hint=f"Send {MULTIPART}.")
        self._named, self._incoming = named, incoming
        self._parts = _Parts(incoming)
        self._parser = _parser(call, self._parts)

    def feed(self, data: bytes) -> None:
        """More of the form. InvalidRequest for what is none."""
        with _readable():
            self._parser.write(data)

    def end(self) -> Form:
        """The fields, all of which the screen names; `staged` are the files."""
        with _readable():
            self._parser.finalize()
        if not self._parts.ended:
            raise InvalidRequest("The form ends too early.", where="form")
        return _checked(Form(self._parts.values, self._parts.files, self._incoming), self._named)


def _checked(form: Form, named: Collection[str]) -> Form:
    exact = {CSRF, *(name for name in named if not name.endswith("*"))}
    begins = tuple(name[:-1] for name in named if name.endswith("*"))
    for name in (*form.values, *form.files):
        if name not in exact and not (begins and name.startswith(begins)):
            raise InvalidRequest("The form has a field that is not of this page.", where="form")
    return form


def _kind(call: Call) -> str:
    return (call.headers.get(b"content-type") or "").partition(";")[0].strip().lower()


def _urlencoded(body: bytes) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(body.decode("ascii"), True, errors="strict", max_num_fields=FIELDS_MAX)
    except ValueError:
        raise InvalidRequest("The form cannot be read.", where="form") from None
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


@dataclass(slots=True)
class _Parts:
    """What the parser has told so far. Files go to `incoming` where there is one."""

    incoming: Incoming | None = None
    values: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, list[bytes]] = field(default_factory=dict)
    header: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)
    disposition: bytes = b""
    name: str = ""
    is_file: bool = False
    data: bytearray = field(default_factory=bytearray)
    count: int = 0
    value_bytes: int = 0
    ended: bool = False

    def begin(self) -> None:
        self.disposition = b""
        self.data = bytearray()
        self.count += 1
        if self.count > FIELDS_MAX:
            raise InvalidRequest(f"A form has at most {FIELDS_MAX} fields.", where="form")

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self.header += data[start:end]
        self._check()

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self.value += data[start:end]
        self._check()

    def _check(self) -> None:
        if len(self.header) + len(self.value) > HEADER_BYTES_MAX:
            raise InvalidRequest("A part of the form has too long a header.", where="form")

    def header_end(self) -> None:
        if self.header.lower() == b"content-disposition":
            self.disposition = bytes(self.value)
        self.header, self.value = bytearray(), bytearray()

    def headers_end(self) -> None:
        from python_multipart.multipart import parse_options_header

        kind, options = parse_options_header(self.disposition)
        if kind != b"form-data" or b"name" not in options:
            raise InvalidRequest("A part of the form has no name.", where="form")
        self.name = _text(options[b"name"])
        self.is_file = _FILE.search(self.disposition) is not None
        if self.is_file:
            there = self.files.setdefault(self.name, [])
            if sum(map(len, self.files.values())) == FILES_MAX:
                raise InvalidRequest(f"A form has at most {FILES_MAX} files.", where="form")
            there.append(b"")
            if self.incoming is not None:
                self.incoming.begin(_text(options.get(b"filename", b"")))

    def more(self, data: bytes, start: int, end: int) -> None:
        if self.incoming is not None and self.is_file:
            self.incoming.write(data[start:end])
            return
        self.value_bytes += end - start
        if self.incoming is not None and self.value_bytes > VALUE_BYTES_MAX:
            raise InvalidRequest("The fields of the form are too long.", where="form")
        self.data += data[start:end]

    def part_end(self) -> None:
        if not self.is_file:
            self.values.setdefault(self.name, []).append(_text(bytes(self.data)))
        elif self.incoming is not None:
            self.incoming.end()
        else:
            self.files[self.name][-1] = bytes(self.data)

    def end(self) -> None:
        self.ended = True


def _parser(call: Call, parts: _Parts) -> "MultipartParser":
    from python_multipart.multipart import MultipartParser, parse_options_header

    _, options = parse_options_header(call.headers.get(b"content-type"))
    boundary = options.get(b"boundary", b"")
    if _BOUNDARY.fullmatch(boundary) is None:
        raise InvalidRequest("The form names no boundary.", where="Content-Type")
    with _readable():
        return MultipartParser(
            boundary,
            {
                "on_part_begin": parts.begin,
                "on_header_field": parts.header_name,
                "on_header_value": parts.header_value,
                "on_header_end": parts.header_end,
                "on_headers_finished": parts.headers_end,
                "on_part_data": parts.more,
                "on_part_end": parts.part_end,
                "on_end": parts.end,
            },
        )


@contextmanager
def _readable() -> Iterator[None]:
    """What the parser cannot read inside the block is InvalidRequest."""
    from python_multipart.exceptions import FormParserError

    try:
        yield
    except FormParserError:
        raise InvalidRequest("The form cannot be read.", where="form") from None


def _multipart(call: Call, body: bytes) -> Form:
    parts = _Parts()
    parser = _parser(call, parts)
    with _readable():
        parser.write(body)
        parser.finalize()
    if not parts.ended:
        raise InvalidRequest("The form ends too early.", where="form")
    return Form(parts.values, parts.files)


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidRequest("A field of the form is not UTF-8.", where="form") from None
