"""Programs of a node: for each of its staff a token that acts as their account, and calls of the API with it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import orjson
from tests.asgi import Asker, Reply, asking
from tests.desk_world import Desk
from tests.gate_world import marked
from tests.visiting import Staff
from tests.world import bundle

from comity.node.choosing import Choice
from comity.stix.markings import MARKING_IDS, TLP
from comity.store.staging import Staging
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


ARTIFACT: dict[str, Any] = {
    "type": "artifact",
    "spec_version": "2.1",
    "id": "artifact--6f437177-6e48-5cf8-9d9e-872a2bddd641",
    "object_marking_refs": [MARKING_IDS[TLP.GREEN]],
    "mime_type": "text/html",
    "payload_bin": "PGI+",
    "hashes": {"MD5": "0" * 32},
}
FORM_BYTES = 200_000


def stages(desk: Desk, folder: Path) -> None:
    """Files can be put aside at the desk."""
    desk.node.staging = Staging(folder / "uploads", bytes_max=4 * FORM_BYTES, form_bytes_max=FORM_BYTES)
    desk.node.settings = type(desk.node.settings)(upload_bytes_max=FORM_BYTES)


def furnish(desk: Desk, acting: AbstractContextManager[Any] | None = None) -> dict[str, str]:
    """There is an attachment, and who acts, else rolf, has a search, a draft, an upload and a batch: their ids."""
    node = desk.node
    node.receive(bundle(ARTIFACT))
    with acting or desk.staff.acting("rolf"):
        search = node.save_search("Beacons", "q=Beacon")
        draft = node.start_draft("incident", {"name": "Begun"})
        with node.incoming() as incoming:
            incoming.begin("some.json")
            incoming.write(bundle(marked(TLP.GREEN, name="Uploaded")))
            incoming.end()
            upload = node.stage(incoming)
        made = node.mark(Choice(ids=(ARTIFACT["id"],)), "green", "it is so already")
    return {"search": search, "draft": draft.id, "upload": upload.id, "batch": made.batch.id}
