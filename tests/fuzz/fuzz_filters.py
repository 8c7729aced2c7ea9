"""Random bytes as what stands in a request beside its body: query strings, positions, media types, codings, sign-ins.

    python tests/fuzz/fuzz_filters.py -max_total_time=60

Only Comity's own errors come out, each with its place; what is read is what urllib reads; what is sealed opens, for its
own question only; nothing unpacks to more than it may.
"""

import gzip
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qsl

import atheris

with atheris.instrument_imports(include=["comity.taxii", "comity.web"]):
    from comity.errors import ComityError, InvalidRequest, UnsupportedMedia
    from comity.stix.timestamp import instant_key
    from comity.taxii import media
    from comity.taxii.coding import unpacked
    from comity.taxii.cursor import Cursors
    from comity.taxii.filters import Endpoint, parse
    from comity.web.auth import caller_address, credential_of

CURSORS = Cursors(bytes(range(64)))
OTHER_CURSORS = Cursors(bytes(range(1, 65)))
ENDPOINTS = tuple(Endpoint)
PAGE_ITEMS = 50
UNPACKED_BYTES_MAX = 10_000
_BROKEN = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
WORDS = (
    b"limit=", b"next=", b"added_after=", b"match[id]=", b"match[type]=", b"match%5Bversion%5D=",
    b"match[spec_version]=",
    b"all", b"last", b"first", b"2021-01-01T00:00:00.5Z", b"2.1", b"&", b",", b"%2C", b"%00", b"%FF", b"indicator--",
)  # fmt: skip


def law(holds: bool, words: str) -> None:
    """It holds, or the fuzzing ends with these words."""
    if not holds:
        raise AssertionError(words)


def query_string(data: bytes) -> None:
    """A query string is read, or refused by the name of a parameter; how its bytes are escaped makes no difference."""
    endpoint, data = ENDPOINTS[data[0] % len(ENDPOINTS)], data[1:]
    # Bytes above 0xE0 stand for words, so that chance finds them.
    text = b"".join(WORDS[byte % len(WORDS)] if byte >= 0xE0 else bytes((byte,)) for byte in data)
    try:
        query = parse(endpoint, text, CURSORS, collection="c", page_items_max=PAGE_ITEMS)
    except InvalidRequest as error:
        law(bool(error.where), "a refusal without a place")
        return
    assert 1 <= query.limit <= PAGE_ITEMS
    assert query.versions
    assert all(v in ("first", "last", "all") or instant_key(v + "Z") == v for v in query.versions)
    given = dict(parse_qsl(_ascii(text), keep_blank_values=True))
    for name, values in (("match[id]", query.ids), ("match[type]", query.types)):
        if name in endpoint.value:
            assert set(values) == set(given[name].split(",") if name in given else ()), "read otherwise than by urllib"
    known = [part for part in text.split(b"&") if part]
    escaped = b"&".join(b"=".join(map(_escaped, part.split(b"=", 1))) for part in known)
    assert parse(endpoint, escaped, CURSORS, collection="c", page_items_max=PAGE_ITEMS) == query, "escapes matter"


def _ascii(text: bytes) -> str:
    return "".join(chr(byte) if byte < 0x80 else f"%{byte:02x}" for byte in text)


def _escaped(part: bytes) -> bytes:
    """The same with every byte escaped; what is no escape stays."""
    if _BROKEN.search(part):
        return part
    plain = _ESCAPE.sub(lambda match: bytes((int(match[1], 16),)), part.replace(b"+", b" "))
    return b"".join(b"%%%02x" % byte for byte in plain)


def position(data: bytes) -> None:
    """What is sealed opens to what it was, with one key, for one question, unchanged; all else is refused."""
    number = int.from_bytes(data[:8]) >> 1
    text = data[8:].decode("utf-8", "replace")
    query = parse(Endpoint.OBJECTS, b"match[type]=indicator", CURSORS, collection="c")
    sealed = CURSORS.seal(query, number)
    assert CURSORS.open(query, sealed) == number
    others: list[Callable[[], int]] = [
        lambda: CURSORS.open(replace(query, types=(text,)), sealed) if text != "indicator" else CURSORS.open(query, ""),
        lambda: CURSORS.open(replace(query, collection=text), sealed) if text != "c" else CURSORS.open(query, ""),
        lambda: OTHER_CURSORS.open(query, sealed),
        lambda: CURSORS.open(query, text),
        lambda: CURSORS.open(query, sealed + text) if text else CURSORS.open(query, ""),
    ]
    for other in others:
        try:
            other()
        except InvalidRequest as error:
            law(error.where == "next", "a refusal without its place")
        else:
            raise AssertionError("a position opened that was not given for this question")


def media_types(data: bytes) -> None:
    """Any header is read or refused with its name; what is chosen was offered and is admitted."""
    text = data.decode("latin-1")
    offers = (media.TAXII, media.PROBLEM, media.HTML)
    try:
        chosen = media.choose(text, offers)
        if chosen is not None and text.strip(" \t,"):
            assert media.weight_of(chosen, media.parse_accept(text)) > 0
        if '"' not in text:
            only = media.choose(text + ",application/taxii+json;version=2.1", (media.TAXII,))
            assert only is media.TAXII or media.weight_of(media.TAXII, media.parse_accept(text)) == 0
    except InvalidRequest as error:
        law(error.where == "Accept", "a refusal without its place")
    assert media.names_taxii(text) in (True, False)
    for check, name in (
        (media.check_content_type, "Content-Type"),
        (media.content_coding, "Content-Encoding"),
        (media.choose_coding, "Accept-Encoding"),
    ):
        try:
            found = check(text)
        except (InvalidRequest, UnsupportedMedia) as error:
            law(error.where == name, "a refusal without its place")
        else:
            assert found in (None, "gzip", "zstd")


def sign_in(data: bytes) -> None:
    """Any header is a credential or a refusal; any address is an address."""
    headers = data.split(b"\n")
    try:
        credential_of(headers)
    except ComityError as error:
        law(error.code == "unauthenticated", "refused as something else")
    assert caller_address("192.0.2.1", headers, "192.0.2.9") == "192.0.2.1"
    assert caller_address("192.0.2.1", headers, "192.0.2.1")


def packed_body(data: bytes) -> None:
    """Packed bytes are unpacked or refused, and never to more than is allowed."""
    packed = gzip.compress(data, compresslevel=1, mtime=0)
    for body, coding in ((data, "gzip"), (data, "zstd"), (b"\x28\xb5\x2f\xfd" + data, "zstd"), (packed + data, "gzip")):
        try:
            assert len(unpacked(body, coding, UNPACKED_BYTES_MAX)) <= UNPACKED_BYTES_MAX
        except ComityError as error:
            law(bool(error.where), "a refusal without a place")
    if len(data) <= UNPACKED_BYTES_MAX:
        assert unpacked(packed, "gzip", UNPACKED_BYTES_MAX) == data
        assert unpacked(packed + packed, "gzip", 2 * UNPACKED_BYTES_MAX) == data + data


TARGETS = (query_string, query_string, position, media_types, sign_in, packed_body)


def one_input(data: bytes) -> None:
    """One run; an exception that is none of ours ends the fuzzing."""
    if len(data) > 1:
        TARGETS[data[0] % len(TARGETS)](data[1:])


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
