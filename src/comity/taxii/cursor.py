"""`next`: a sealed position (section 3.5). Repeatable, bound to the collection and the filters, and telling nothing.

AES-SIV is deterministic, so that the same page has the same `next`, and its tag refuses whatever was not made here for
the same question. What is sealed has one length, so that not even its size counts anything.
"""

import base64
import re

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from comity.canonical import canonical_bytes
from comity.errors import InvalidRequest
from comity.interfaces import Query

KEY_BYTES = 64
_POSITION_BYTES = 8
_FORM = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)


class Cursors:
    """Seals and opens positions with one key; safe to use from several threads."""

    def __init__(self, key: bytes, reader: str = "") -> None:
        self._key = key
        self._reader = reader
        self._siv = AESSIV(key)

    def of(self, reader: str) -> "Cursors":
        """Those of one reader, whose positions nobody else can use; they count in an order of its own (R27)."""
        return Cursors(self._key, reader) if reader else self

    def seal(self, query: Query, position: int) -> str:
        """The `next` of a page of that query, whose last item has that key."""
        sealed = self._siv.encrypt(position.to_bytes(_POSITION_BYTES), [self._question(query)])
        return base64.urlsafe_b64encode(sealed).decode()

    def open(self, query: Query, text: str) -> int:
        """The position in a `next` that was given for that query. InvalidRequest for anything else."""
        if _FORM.fullmatch(text) is not None:
            try:
                return int.from_bytes(self._siv.decrypt(base64.urlsafe_b64decode(text), [self._question(query)]))
            except InvalidTag:
                pass
        raise InvalidRequest(
            "`next` was not given by this server for this collection with these filters.",
            where="next",
            rule="TAXII 2.1 section 3.5",
            hint="Send `next` as it came, with the same filters, or begin again without it.",
        )

    def _question(self, query: Query) -> bytes:
        """What the position answers: every filter, whatever the order of its values. The limit is not part of it."""
        whose = {"reader": self._reader} if self._reader else {}
        return canonical_bytes(
            whose
            | {
                "collection": query.collection,
                "ids": sorted(set(query.ids)),
                "types": sorted(set(query.types)),
                "versions": sorted(set(query.versions)),
                "spec_versions": sorted(set(query.spec_versions)),
                "sources": sorted(set(query.sources)),
                "added_after": None if query.added_after is None else str(query.added_after),
            }
        )
