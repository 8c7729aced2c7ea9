"""The application asked within the test's own process: no socket, no wait, every byte of the answer at hand."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlencode

from tests.serving import TAXII

from comity.node.access import NewToken
from comity.node.node import Node
from comity.web.app import App

ROOT = "/taxii2/root/"


@dataclass(frozen=True, slots=True)
class Reply:
    """A status, the headers as they were sent, and the body."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        return next((value.decode("latin-1") for key, value in self.headers if key == name.lower().encode()), None)

    @property
    def bytes(self) -> bytes:
        """All that the caller received: a status line, headers, body."""
        head = b"".join(name + b": " + value + b"\r\n" for name, value in self.headers)
        return b"HTTP/1.1 %d\r\n" % self.status + head + b"\r\n" + self.body


class Asker:
    """Asks one application with one credential after another."""

    def __init__(self, node: Node) -> None:
        self.app = App(node, even_seconds=0)
        self._runner = asyncio.Runner()

    def close(self) -> None:
        """Nothing of it runs any more."""
        self.app.close()
        self._runner.close()

    def ask(
        self,
        method: str,
        target: str,
        token: NewToken | None = None,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """The answer to that request; `target` is a path with its query, escaped."""
        said = {"host": "127.0.0.1:6100", "accept": TAXII} | (headers or {})
        if token is not None:
            said.setdefault("authorization", f"Bearer {token.token}")
        if method == "POST":
            said.setdefault("content-type", TAXII)
            said["content-length"] = str(len(body))
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "scheme": "http",
            "path": unquote_to_bytes(path).decode("utf-8", "replace"),
            "query_string": query.encode("ascii"),
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in said.items()],
            "client": ("192.0.2.7", 40000),
        }
        sent: list[dict[str, Any]] = []
        given = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            return given.pop() if given else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(dict(message))

        self._runner.run(self.app(scope, receive, send))
        head, *rest = sent
        return Reply(head["status"], tuple(head["headers"]), b"".join(each.get("body", b"") for each in rest))

    def get(self, token: NewToken, path: str, headers: dict[str, str] | None = None, **parameters: Any) -> Reply:
        """The answer to a GET below the API root; `match_id` and its like stand for `match[id]`."""
        return self.ask("GET", ROOT + path + query_of(**parameters), token, headers=headers)

    def everything(self, token: NewToken, path: str, of: str = "objects", **parameters: Any) -> list[Any]:
        """All pages of a list, one after the other."""
        found: list[Any] = []
        while True:
            reply = self.get(token, path, **parameters)
            assert reply.status == 200, reply.body
            found += reply.json.get(of, [])
            if not reply.json.get("more"):
                return found
            parameters["next"] = reply.json["next"]


def query_of(**parameters: Any) -> str:
    """The query of these parameters, with its question mark."""
    named = {
        name.replace("match_", "match[") + "]" if name.startswith("match_") else name: v
        for name, v in parameters.items()
    }
    return "?" + urlencode(named) if named else ""


def in_path(text: str) -> str:
    """The text as one segment of a path."""
    return quote(text, safe="")


@contextmanager
def asking(node: Node) -> Iterator[Asker]:
    """The node is asked until the block ends."""
    asker = Asker(node)
    try:
        yield asker
    finally:
        asker.close()
