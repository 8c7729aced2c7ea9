"""Forms as browsers send them, read within bounds: only the fields that a screen names, and none of them twice as long
as it may be. Parts of several kinds are read by python-multipart, which is imported where one comes."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from comity.errors import InvalidRequest, UnsupportedMedia
from comity.web.call import Call
from comity.web.door import CSRF
from comity.web.ui.visit import FIELDS_MAX, Form

FILES_MAX = 20
HEADER_BYTES_MAX = 4096
URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
_BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,./:=? -]{1,70}")
_FILE = re.compile(r"(?:^|;)\s*filename\*?=", re.ASCII)


def check_form(call: Call) -> None:
    """The body is announced as a form, and not packed. UnsupportedMedia otherwise."""
    if call.headers.get(b"content-encoding") is not None or _kind(call) not in (URLENCODED, MULTIPART):
        raise UnsupportedMedia("This takes a form alone.", where="Content-Type", hint=f"Send {URLENCODED}.")


def read_form(call: Call, body: bytes, named: Collection[str]) -> Form:
    """The fields of the form, all of which the screen names. InvalidRequest for any other, for too many, and for what
    is no form; a name that ends in `*` stands for all that begin so."""
    form = _multipart(call, body) if _kind(call) == MULTIPART else Form(_urlencoded(body))
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
    """What the parser has told so far."""

    values: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, list[bytes]] = field(default_factory=dict)
    header: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)
    disposition: str = ""
    data: bytearray = field(default_factory=bytearray)
    count: int = 0
    ended: bool = False

    def begin(self) -> None:
        self.disposition = ""
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
            self.disposition = _text(bytes(self.value))
        self.header, self.value = bytearray(), bytearray()

    def more(self, data: bytes, start: int, end: int) -> None:
        self.data += data[start:end]

    def part_end(self) -> None:
        from python_multipart.multipart import parse_options_header

        kind, options = parse_options_header(self.disposition)
        if kind != b"form-data" or b"name" not in options:
            raise InvalidRequest("A part of the form has no name.", where="form")
        name = _text(options[b"name"])
        if _FILE.search(self.disposition):
            self.files.setdefault(name, []).append(bytes(self.data))
            if sum(map(len, self.files.values())) > FILES_MAX:
                raise InvalidRequest(f"A form has at most {FILES_MAX} files.", where="form")
        else:
            self.values.setdefault(name, []).append(_text(bytes(self.data)))

    def end(self) -> None:
        self.ended = True


def _multipart(call: Call, body: bytes) -> Form:
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser, parse_options_header

    _, options = parse_options_header(call.headers.get(b"content-type"))
    boundary = options.get(b"boundary", b"")
    if _BOUNDARY.fullmatch(boundary) is None:
        raise InvalidRequest("The form names no boundary.", where="Content-Type")
    parts = _Parts()
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": parts.begin,
                "on_header_field": parts.header_name,
                "on_header_value": parts.header_value,
                "on_header_end": parts.header_end,
                "on_part_data": parts.more,
                "on_part_end": parts.part_end,
                "on_end": parts.end,
            },
        )
        parser.write(body)
        parser.finalize()
    except FormParserError:
        raise InvalidRequest("The form cannot be read.", where="form") from None
    if not parts.ended:
        raise InvalidRequest("The form ends too early.", where="form")
    return Form(parts.values, parts.files)


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidRequest("A field of the form is not UTF-8.", where="form") from None
