"""A TAXII server that is right, but for the faults that it is told to have: each fault is a line of a table."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.peers import Asked, Peer, peer, reply

TAXII = "application/taxii+json;version=2.1"
COLLECTION = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
SECOND_US = 1_000_000
BASE = 1_700_000_000 * SECOND_US


def stamp(us: int) -> str:
    """A TAXII timestamp."""
    from comity.taxii.resources import timestamp

    return timestamp(us)


@dataclass(slots=True)
class Fake:
    """The objects, each with its date_added in microseconds, in order of adding; and what the server does wrong.

    `envelope` changes a page before it is written, `headers` its headers, `raw` its bytes; `next_of` says what `next`
    is for the offset of the following page, None for none at all. `ignores` names parameters it does not look at.
    """

    objects: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    page: int = 10
    next_of: Callable[[int], Any] = str
    envelope: Callable[[dict[str, Any]], Any] = lambda given: given
    headers: Callable[[dict[str, str]], dict[str, str]] = lambda given: given
    raw: Callable[[bytes], bytes] = lambda given: given
    ignores: frozenset[str] = frozenset()
    always_more: bool = False
    moves: bool = False
    """`next` is one word, behind which the server itself moves on each time, as one that is known does."""
    moved_to: int = 0
    statuses: list[str] = field(default_factory=list)
    """Answers to give, in order, before the right ones: status lines, `503 Busy|Retry-After: 3` with headers."""
    pages_asked: list[dict[str, str]] = field(default_factory=list)

    def add(self, *values: dict[str, Any], at: int | None = None) -> None:
        """They are added a microsecond after one another, or all at that moment."""
        for value in values:
            last = self.objects[-1][0] if self.objects else BASE
            self.objects.append((last + 1 if at is None else at, value))

    def answer(self, asked: Asked) -> bytes:
        """What is answered to the request."""
        path = urlsplit(asked.target).path
        if path == "/taxii2/":
            return self._json({"title": "Fake", "default": "/root/", "api_roots": ["/root/"]})
        if path == "/root/":
            return self._json({"title": "Root", "versions": [TAXII], "max_content_length": 100_000})
        listed = {"id": COLLECTION, "title": "All", "can_read": True, "can_write": True, "media_types": [TAXII]}
        if path == "/root/collections/":
            return self._json({"collections": [listed]})
        if path == f"/root/collections/{COLLECTION}/":
            return self._json(listed)
        if path == f"/root/collections/{COLLECTION}/objects/":
            if self.statuses:
                line, *headers = self.statuses.pop(0).split("|")
                return reply(b'{"title":"Not now","description":"by \\u001b order"}', line, *headers)
            return self._objects(parse_qs(urlsplit(asked.target).query))
        return reply(b'{"title":"No such thing"}', "404 Not Found")

    def _json(self, value: Any) -> bytes:
        return reply(json.dumps(value).encode(), "200 OK", f"Content-Type: {TAXII}")

    def _objects(self, query: dict[str, list[str]]) -> bytes:
        given = {name: values[0] for name, values in query.items() if name not in self.ignores}
        self.pages_asked.append(given)
        assert len(self.pages_asked) < 2000, "read for ever"
        after = given.get("added_after", "")
        found = [(at, value) for at, value in self.objects if stamp(at) > after]
        start = int(given.get("next", "0")) if given.get("next", "0").isdigit() else 0
        if self.moves and "next" in given:
            start = self.moved_to
        limit = min(self.page, int(given.get("limit", "1000")))
        rows = found[start : start + limit]
        more = self.always_more or start + limit < len(found)
        value: dict[str, Any] = {"more": more}
        if more:
            following = "the-same" if self.moves else self.next_of(start + limit)
            self.moved_to = start + limit
            if following is not None:
                value["next"] = following
        headers = {"Content-Type": TAXII}
        if rows:
            value["objects"] = [one for _, one in rows]
            headers |= {"X-TAXII-Date-Added-First": stamp(rows[0][0]), "X-TAXII-Date-Added-Last": stamp(rows[-1][0])}
        body = self.raw(json.dumps(self.envelope(value)).encode())
        return reply(body, "200 OK", *(f"{name}: {text}" for name, text in self.headers(headers).items()))


@contextmanager
def serving(fake: Fake, **how: Any) -> Iterator[Peer]:
    """The server is on a port of loopback until the block ends."""
    with peer(fake.answer, **how) as running:
        yield running
