"""A TAXII client on one kept connection, which knows at each moment whether a request of its own is on its way."""

import http.client
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from tests.serving import TAXII

ROOT_PATH = "/taxii2/root/"
GONE = (OSError, http.client.HTTPException)
"""What a client gets whose server is no more."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as a value."""
        return orjson.loads(self.body)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a manifest."""

    id: str
    version: str
    added: str


class Client:
    """Asks one thing after another. `asked_at` is when the request left whose answer has not come, by the monotonic
    clock; None where there is none."""

    def __init__(self, address: tuple[str, int], token: str, *, timeout_seconds: float = 60) -> None:
        self._connection = http.client.HTTPConnection(*address, timeout=timeout_seconds)
        self._headers = {"Authorization": f"Bearer {token}", "Accept": TAXII}
        self.asked_at: float | None = None

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(self, method: str, path: str, body: bytes | None = None) -> Reply:
        """The answer; one of GONE where the server went away first."""
        headers = self._headers if body is None else {**self._headers, "Content-Type": TAXII}
        self._connection.request(method, path, body, headers)
        self.asked_at = time.monotonic()
        answer = self._connection.getresponse()
        content = answer.read()
        self.asked_at = None
        return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, content)

    def get(self, path: str, **parameters: str | int) -> Reply:
        """The answer to a GET under the API root, which must be 200."""
        reply = self.ask("GET", ROOT_PATH + path + (f"?{urlencode(parameters)}" if parameters else ""))
        assert reply.status == 200, (path, parameters, reply)
        return reply

    def post(self, collection: str, objects: list[dict[str, Any]]) -> Reply:
        """The answer to a POST of these."""
        return self.ask("POST", f"{ROOT_PATH}collections/{collection}/objects/", orjson.dumps({"objects": objects}))

    def delete(self, collection: str, id: str) -> Reply:
        """The answer to a DELETE of every version."""
        return self.ask("DELETE", f"{ROOT_PATH}collections/{collection}/objects/{quote(id)}/")

    def rows(self, collection: str, **parameters: str | int) -> Iterator[Row]:
        """The whole manifest, page after page by `next`."""
        parameters = {"limit": 1000, "match[version]": "all", **parameters}
        while True:
            page = self.get(f"collections/{collection}/manifest/", **parameters).json()
            for row in page.get("objects", ()):
                yield Row(row["id"], row["version"], row["date_added"])
            if not page.get("more"):
                return
            parameters["next"] = page["next"]
