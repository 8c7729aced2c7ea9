"""Programs of a node: for each of its staff a token that acts as their account, and calls of the API with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from tests.asgi import Asker, Reply, asking
from tests.desk_world import Desk
from tests.visiting import Staff

from comity.web.api.operation import ROOT


class Programs:
    """The callers of one node."""

    def __init__(self, staff: Staff, asker: Asker) -> None:
        self.node, self.asker = staff.node, asker
        self.tokens = {}
        for name in staff.users:
            with staff.acting(name):
                self.tokens[name] = staff.node.new_own_token(name)

    def ask(self, by: str, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """The answer to that call; a body that is no bytes is sent as JSON. Names of headers have `_` for `-`."""
        content = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        said = {"accept": "application/json", "content-type": "application/json", "content-length": str(len(content))}
        said |= {name.replace("_", "-"): value for name, value in headers.items()}
        path = path if path.startswith("/api") else ROOT + path
        return self.asker.ask(method, path, self.tokens[by], content, said)

    def get(self, by: str, path: str) -> Any:
        """What is told there."""
        reply = self.ask(by, "GET", path)
        assert reply.status == 200, reply.body
        return reply.json

    def tag(self, by: str, path: str) -> str:
        """The ETag of what is there now."""
        return self.ask(by, "GET", path).header("etag") or ""


@contextmanager
def programs(desk: Desk) -> Iterator[Programs]:
    """The programs of the desk's node."""
    with asking(desk.node) as asker:
        yield Programs(desk.staff, asker)
