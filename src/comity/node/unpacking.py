"""What is in a file of STIX, with flat memory: plain, gzip or Zstandard, told by content; a document or JSON lines."""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from comity.errors import Invalid, TooLarge

CHUNK_BYTES = 2**18
# A Zstandard block of 4 bytes may unpack to 128 KiB: so much input at a time gives at most 8 MiB.
ZSTD_INPUT_BYTES = 256
ZSTD_WINDOW_BYTES_MAX = 2**27
# Honest bundles pack 5 to 40 times. Past the first bytes a file that unpacks to more than this is a bomb.
RATIO_MAX = 250
RATIO_BYTES_FREE = 2**26
_GZIP, _ZSTD, _BOM = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xef\xbb\xbf"
_PACKINGS = (".gz", ".zst")
_LINES = (".ndjson", ".jsonl")


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The unpacked bytes of a file as chunks, whether they are JSON lines, and how many bytes of the file were read."""

    chunks: Iterator[bytes]
    lines: bool
    bytes_read: Callable[[], int]


class _Counted:
    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.count = 0

    def read(self, most: int) -> bytes:
        data = self.file.read(most)
        self.count += len(data)
        return data


def unpack(file: BinaryIO, name: str) -> Unpacked:
    """What is in the file of that name. Invalid where its begin is damaged; the chunks raise Invalid where it is
    damaged later, and TooLarge where it unpacks to more than RATIO_MAX times its size."""
    counted = _Counted(file)
    head = counted.read(CHUNK_BYTES)
    packed = chain([head], iter(lambda: counted.read(CHUNK_BYTES), b""))
    if head.startswith(_GZIP):
        unpacked = _bounded(_gunzip(packed), counted)
    elif head.startswith(_ZSTD):
        unpacked = _bounded(_unzstd(packed), counted)
    else:
        unpacked = iter(packed)
    first = next(unpacked, b"")
    return Unpacked(chain([first], unpacked), _is_lines(name, first), lambda: counted.count)


def _bounded(chunks: Iterator[bytes], counted: _Counted) -> Iterator[bytes]:
    done = 0
    for chunk in chunks:
        done += len(chunk)
        if done > RATIO_BYTES_FREE and done > RATIO_MAX * counted.count:
            hint = "Unpack it yourself if you trust it, and import what comes out."
            words = f"The file unpacks to more than {RATIO_MAX} times its size."
            raise TooLarge(words, where=f"byte {counted.count}", rule="size", hint=hint)
        yield chunk


def _gunzip(chunks: Iterator[bytes]) -> Iterator[bytes]:
    unpacker, done = zlib.decompressobj(wbits=31), 0
    fresh = True
    for chunk in chunks:
        rest = chunk
        while rest:
            if unpacker.eof:
                rest = rest.lstrip(b"\0")
                if not rest:
                    break
                unpacker, fresh = zlib.decompressobj(wbits=31), True
            try:
                data = unpacker.decompress(rest, CHUNK_BYTES)
            except zlib.error as error:
                raise _damaged("gzip", done) from error
            fresh = False
            done += len(data)
            if data:
                yield data
            rest = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
    if not unpacker.eof and not fresh:
        raise _damaged("gzip", done, "It breaks off.")


def _unzstd(chunks: Iterator[bytes]) -> Iterator[bytes]:
    import zstandard

    def unpacker() -> "zstandard.ZstdDecompressionObj":
        return zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES_MAX).decompressobj()

    frame, done = unpacker(), 0
    for chunk in chunks:
        for start in range(0, len(chunk), ZSTD_INPUT_BYTES):
            rest = chunk[start : start + ZSTD_INPUT_BYTES]
            while rest:
                if frame.eof:
                    frame = unpacker()
                try:
                    data = frame.decompress(rest)
                except zstandard.ZstdError as error:
                    raise _damaged("Zstandard", done, f"{error}.") from error
                done += len(data)
                yield from (data[i : i + CHUNK_BYTES] for i in range(0, len(data), CHUNK_BYTES))
                rest = frame.unused_data if frame.eof else b""
    if not frame.eof:
        raise _damaged("Zstandard", done, "It breaks off.")


def _damaged(kind: str, done: int, words: str = "It is damaged.") -> Invalid:
    return Invalid(f"The {kind} file cannot be unpacked. {words}", where=f"unpacked byte {done}", rule=kind)


def _is_lines(name: str, first: bytes) -> bool:
    """Whether it is JSON lines: its name says so, or its first line is a whole object and another follows."""
    plain = name.lower()
    for packing in _PACKINGS:
        plain = plain.removesuffix(packing)
    if plain.endswith(_LINES):
        return True
    head, _, rest = first.removeprefix(_BOM).lstrip(b" \t\r\n").partition(b"\n")
    if not head.startswith(b"{") or not rest.lstrip(b" \t\r\n").startswith(b"{"):
        return False
    import orjson

    try:
        orjson.loads(head)
    except ValueError:
        return False
    return True
