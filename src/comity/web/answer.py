"""What goes back to a client, before it is packed and sent."""

import zlib
from dataclasses import dataclass, replace
from typing import Any

import zstandard

from comity.taxii import media
from comity.taxii.resources import MEDIA_TYPE

PACKED_FROM_BYTES = 4096
HTML_TYPE = "text/html; charset=utf-8"
TEXT_TYPE = "text/plain; charset=utf-8"
JSON_TYPE = "application/json"
PROBLEM_TYPE = "application/problem+json"

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, a body with its media type, and further headers. `head` and `tail` go before and after the body: a page
    of objects is megabytes, and copying it once more costs as much as fetching it."""

    body: bytes
    status: int = 200
    media_type: str = MEDIA_TYPE
    headers: Headers = ()
    head: bytes = b""
    tail: bytes = b""

    @property
    def size(self) -> int:
        """How many bytes are sent."""
        return len(self.head) + len(self.body) + len(self.tail)


def packed(answer: Answer, accept_encoding: str | None) -> Answer:
    """The answer as the client likes it: zstd or gzip where it asked for one and the body is worth it."""
    if answer.size < PACKED_FROM_BYTES:
        return answer
    coding = media.choose_coding(accept_encoding)
    if coding is None:
        return answer
    packer: Any = (
        zstandard.ZstdCompressor(level=1).compressobj(size=answer.size)
        if coding == media.ZSTD
        else zlib.compressobj(1, wbits=16 + zlib.MAX_WBITS)
    )
    pieces = [packer.compress(piece) for piece in (answer.head, answer.body, answer.tail)]
    body = b"".join((*pieces, packer.flush()))
    return replace(answer, head=b"", body=body, tail=b"", headers=(*answer.headers, ("Content-Encoding", coding)))
