"""Content codings: bodies unpacked within a bound, whoever sent them."""

import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import zstandard

from comity.errors import InvalidRequest, TooLarge
from comity.taxii import media

ZSTD_WINDOW_BYTES_MAX = 8 * 2**20
"""What RFC 9659 lets a sender of zstd content use."""
PIECE_BYTES = 1024
MEMBERS_MAX = 10_000


def too_large(bytes_max: int, packed: str = "") -> TooLarge:
    """The error for a body above the limit."""
    words = f"The body has more than {bytes_max} bytes{packed}."
    return TooLarge(words, where="body", rule="TAXII 2.1 section 4.2.1", hint="Send fewer objects at once.")


def unpacked(body: bytes, content_encoding: str | None, bytes_max: int) -> bytes:
    """The body as it was before it was packed, never more than the limit. UnsupportedMedia for other codings."""
    coding = media.content_coding(content_encoding)
    if coding is None:
        return body
    parts: list[bytes] = []
    left = bytes_max
    try:
        for part in _unpacked_parts(body, _gunzipper if coding == media.GZIP else _unzstder):
            parts.append(part)
            left -= len(part)
            if left < 0:
                raise too_large(bytes_max, " once it is unpacked")
    except (zlib.error, zstandard.ZstdError, EOFError) as error:
        raise InvalidRequest(f"The body is not whole {coding} content.", where="Content-Encoding") from error
    return b"".join(parts)


class _Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def _gunzipper() -> _Unpacker:
    return zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)


def _unzstder() -> _Unpacker:
    return zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES_MAX).decompressobj()


def _unpacked_parts(body: bytes, unpacker: Callable[[], _Unpacker]) -> Iterator[bytes]:
    """Content piece by piece, member after member. Pieces going in are so small that one coming out is bounded too."""
    place = members = 0
    while place < len(body):
        members += 1
        if members > MEMBERS_MAX:
            raise InvalidRequest(f"The body is packed in more than {MEMBERS_MAX} members.", where="Content-Encoding")
        one = unpacker()
        while not one.eof:
            piece = body[place : place + PIECE_BYTES]
            if not piece:
                raise EOFError
            yield one.decompress(piece)
            place += len(piece)
        place -= len(one.unused_data)
