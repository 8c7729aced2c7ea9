"""Documents of any size cut in a stream."""

import tracemalloc
from collections.abc import Iterator

import pytest

from comity.errors import Invalid, TooLarge
from comity.stix.cut import NAME_BYTES_MAX, cut_lines, cut_stream
from comity.stix.object import Rejected

OBJECTS = [b'{"a":%d,"b":"x\\\\\\"}{","c":[{"objects":[1]}]}' % n for n in range(5)]
DOCUMENT = b'{"type":"bundle","x":{"objects":["no"]},"n":-1.5e3,"objects":[' + b",".join(OBJECTS) + b'],"more":false}\n'


def bites(raw: bytes, size: int) -> Iterator[bytes]:
    yield from (raw[at : at + size] for at in range(0, len(raw), size))


def drained(objects: Iterator[bytes]) -> tuple[list[bytes], Invalid | None]:
    """What came out before the end or the error."""
    found: list[bytes] = []
    try:
        for one in objects:
            found.append(one)  # noqa: PERF402 - what came before an error counts
    except Invalid as error:
        return found, error
    return found, None


def taken(document: bytes, size: int = 7) -> tuple[list[bytes], Invalid | None]:
    return drained(cut_stream(bites(document, size)))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000])
def test_the_size_of_the_chunks_means_nothing(size: int) -> None:
    assert taken(DOCUMENT, size) == (OBJECTS, None)


def test_empty_chunks_mean_nothing() -> None:
    assert list(cut_stream([b"", DOCUMENT[:50], b"", b"", DOCUMENT[50:], b""])) == OBJECTS


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_a_document_that_breaks_off_gives_its_good_objects_first(size: int) -> None:
    for end in range(len(DOCUMENT) - 1):
        found, error = taken(DOCUMENT[:end], size)
        assert error is not None
        assert (
            error.where == f"byte {len(DOCUMENT[:end].rstrip()):,}"
            or "string" in error.message
            or "value" in error.message
        )
        assert found == OBJECTS[: len(found)]
    found, _ = taken(DOCUMENT[: DOCUMENT.index(OBJECTS[3]) + 3], size)
    assert found == OBJECTS[:3]


def test_the_place_of_a_fault_is_its_byte_in_the_document() -> None:
    bad = DOCUMENT.replace(OBJECTS[2], b"@7")
    found, error = taken(bad)
    assert found == OBJECTS[:2]
    assert error is not None
    assert error.where == f"byte {bad.index(b'@7'):,}"


@pytest.mark.parametrize("other", [b"17", b"null", b'"a]"', b'[{"a":1}]', b"[]", b"true"])
def test_what_is_no_object_stands_as_null_in_its_place(other: bytes) -> None:
    for size in (1, 1000):
        found, error = taken(DOCUMENT.replace(OBJECTS[2], other), size)
        assert (found, error) == ([*OBJECTS[:2], b"null", *OBJECTS[3:]], None)


def test_one_object_alone_is_a_document() -> None:
    for size in (1, 3, 1000):
        assert taken(b' {"type":"indicator","x":{"y":[1]},"s":"a\\"b"}  ', size)[0] == [
            b'{"type":"indicator","x":{"y":[1]},"s":"a\\"b"}'
        ]


def test_a_byte_order_mark_and_broken_content_do_not_stop_the_cutting() -> None:
    for size in (1, 2, 1000):
        assert taken(b'\xef\xbb\xbf{"type":"x","a":[@]}', size) == ([b'{"type":"x","a":[@]}'], None)
        assert taken(b'\xef\xbb\xbf{"type":"bundle"}', size) == ([], None)
        found, error = taken(b"\xef\xbb", size)
        assert found == []
        assert error is not None


def test_an_object_alone_that_is_too_large_is_refused() -> None:
    with pytest.raises(TooLarge):
        list(cut_stream(bites(b'{"type":"x","a":"' + b"a" * 1000 + b'"}', 10), object_bytes_max=500))


@pytest.mark.parametrize("size", [1, 10, 100_000])
@pytest.mark.parametrize("filler", [b'"' + b"a" * 5000 + b'"', b"[" + b"1," * 2500 + b"1]", b"1" + b" " * 5000])
def test_an_object_that_is_too_large_is_refused(filler: bytes, size: int) -> None:
    document = b'{"objects":[{"a":1},{"b":' + filler + b"}]}"
    assert len(list(cut_stream(bites(document, size), object_bytes_max=6000))) == 2
    found, error = drained(cut_stream(bites(document, size), object_bytes_max=1000))
    assert found == [b'{"a":1}']
    assert isinstance(error, TooLarge)
    assert error.where == "byte 20"


def test_names_and_numbers_are_bounded() -> None:
    with pytest.raises(TooLarge):
        list(cut_stream(bites(b'{"' + b"a" * 10 * NAME_BYTES_MAX, 100)))
    with pytest.raises(TooLarge):
        list(cut_stream(bites(b'{"a":' + b"1" * 10 * NAME_BYTES_MAX, 100)))


@pytest.mark.slow
def test_memory_stays_flat() -> None:
    """A bundle of 60 MB in 64 kB chunks, with a member of 20 MB beside its objects, needs less than 3 MB."""
    body = b'{"type":"x","text":"' + b"t" * 1000 + b'"}'

    def chunks() -> Iterator[bytes]:
        yield b'{"type":"bundle","other":["'
        for _ in range(320):
            yield b"o" * 65536
        yield b'"],"objects":['
        for number in range(600):
            yield (b"," if number else b"") + b",".join([body] * 64)
        yield b"]}"

    tracemalloc.start()
    count = sum(1 for _ in cut_stream(chunks(), object_bytes_max=2**20))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 600 * 64
    assert peak < 3 * 2**20


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_lines_hold_objects_or_bundles(size: int) -> None:
    raw = b'\xef\xbb\xbf{"a":1}\n\n  \r\n{"type":"bundle","objects":[{"b":1},{"b":2}]}\r\n{"objects":[]}\n{"c":"\\n"}'
    assert list(cut_lines(bites(raw, size))) == [b'{"a":1}', b'{"b":1}', b'{"b":2}', b'{"c":"\\n"}']
    assert list(cut_lines([])) == []


@pytest.mark.parametrize(
    ("line", "where"),
    [
        (b"[1]", "line 3"),
        (b"{", "line 3"),
        (b"null", "line 3"),
        (b'{"objects":[{}}', "line 3, byte 14"),
        (b'{"objects":[@]}', "line 3, byte 12"),
    ],
)
def test_a_bad_line_is_named_in_its_place_and_the_lines_around_it_are_read(line: bytes, where: str) -> None:
    found = list(cut_lines([b'{"a":1}\n{"b":1}\n' + line + b'\n{"c":1}']))
    good = [raw for raw in found if isinstance(raw, bytes)]
    assert (good[:2], good[-1]) == ([b'{"a":1}', b'{"b":1}'], b'{"c":1}')
    assert [raw.where for raw in found if isinstance(raw, Rejected)] == [where]


def test_lines_are_bounded() -> None:
    with pytest.raises(TooLarge) as caught:
        list(cut_lines(bites(b'{"a":1}\n{"b":"' + b"b" * 100, 10), line_bytes_max=50))
    assert caught.value.where == "line 2"
    with pytest.raises(TooLarge):
        list(cut_lines([b'{"b":"' + b"b" * 100 + b'"}\n'], line_bytes_max=50))
    found = list(cut_lines([b'{"b":"' + b"b" * 100 + b'"}\n{"c":1}'], object_bytes_max=50))
    assert isinstance(found[0], Rejected)
    assert (found[0].where, found[1:]) == ("line 1", [b'{"c":1}'])
