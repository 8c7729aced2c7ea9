"""A node of the crowd with something of everything that pages show, and a person who may look at all of it."""

import json
import uuid
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from urllib.parse import quote

import msgspec
from bench import crowd
from bench.data import PAGE_OBJECTS
from bench.sides import Home, Server, new_home, run_command, serving
from bench.traffic import Page, get

from comity.node.choosing import Choice
from comity.node.home import open_home
from comity.node.node import Node
from comity.node.people import APPROVER, ROLES
from comity.release.recall import Kind, Order, Reason

PERSON, PASSWORD = "bench", "correct horse battery staple"
BEHIND_OBJECTS, PUBLISHED_FIRST = 5000, 2000
READERS, READER_PAGES = 5, 3
"""So many partners have read so many pages, so that there is something on record."""
KEPT = "desk.json"


class Desk(msgspec.Struct, frozen=True):
    """Where the node is, a token whose objects are published as they arrive, the session of a person with every role,
    and what stands in the addresses of pages, by name."""

    home: str
    collection: str
    token: str
    session: str
    names: Mapping[str, str]

    @property
    def as_home(self) -> Home:
        """The node, as other benchmarks name it."""
        return Home(Path(self.home), self.collection, self.token)


def at(folder: Path, count: int, words: int, partners: int) -> Desk:
    """The desk in that folder, which is furnished where it is empty."""
    kept = folder / KEPT
    if not kept.exists():
        kept.write_bytes(msgspec.json.encode(_furnished(folder, count, words, partners)))
    return msgspec.json.decode(kept.read_bytes(), type=Desk)


def _furnished(folder: Path, count: int, words: int, partners: int) -> Desk:
    home = new_home(folder, auto=True)
    shares = list(crowd.SHARES)
    crowd.apply(home.path, folder, crowd.SHARES, words)
    parties = crowd.join(home.path, [(f"partner {n}", shares[n % len(shares)]) for n in range(partners)])
    _fill(home, folder, count, words)
    with serving(home) as server:
        for party in [one for one in parties if one.group in ("half", "all")][:READERS]:
            _read(replace(server, authorization=party.authorization))
    with open_home(home.path) as node:
        session, names = _staffed(node, _first_indicator(words))
    return Desk(str(home.path), home.collection, home.token, session, names)


def _fill(home: Home, folder: Path, count: int, words: int) -> None:
    """The node holds so many objects, all of them published: the first at once, the others as they arrive, which is
    quicker, with the hold of what arrives (R12)."""
    options = ("--marking", "tlp:clear", "--home", str(home.path))
    run_command("source", "add", "own", "bench", *options)
    run_command("source", "add", "own", "arriving", "--auto", *options)
    path, lines = folder / "crowd.ndjson", crowd.lines(count, words, named=True)
    for source, some in (("bench", islice(lines, min(PUBLISHED_FIRST, count // 2))), ("arriving", lines)):
        with path.open("wb") as file:
            file.writelines(line + b"\n" for line in some)
        run_command("import", str(path), "--source", source, "--home", str(home.path))
        if source == "bench":
            run_command("publish", "--all", "--yes", "--no-hold", "--home", str(home.path))
    path.unlink()
    with open_home(home.path) as node:
        while node.store.index_relations(BEHIND_OBJECTS) or node.store.index_text(BEHIND_OBJECTS):
            pass


def _read(server: Server) -> None:
    """The first pages left for whoever that is."""
    plain = path = f"{server.objects_path}?limit={PAGE_OBJECTS}"
    with closing(server.connect()) as connection:
        for _ in range(READER_PAGES):
            page = msgspec.json.decode(get(connection, server, path), type=Page)
            if not page.more:
                return
            path = f"{plain}&next={quote(page.next)}"


def _first_indicator(words: int) -> str:
    """The id of the one to which some are tied."""
    return str(json.loads(next(islice(crowd.lines(3, words), 1, None)))["id"])


def _begun(node: Node) -> dict[str, str]:
    """Whoever acts has written something, and marked it; the names of that, and of an artifact."""
    draft = node.start_draft("indicator", {"name": "begun", "pattern": "[ipv4-addr:value = '203.0.113.7']"})
    mine = node.save_draft(draft.id, draft.revision).id
    batch = node.mark(Choice(ids=(mine,)), "red", "for the bench").batch.id
    artifact = {"type": "artifact", "spec_version": "2.1", "id": f"artifact--{uuid.uuid4()}", "payload_bin": "TVqQAA=="}
    node.receive(json.dumps({"type": "bundle", "objects": [artifact]}).encode())
    begun = node.start_draft("indicator", {"name": "begun"}).id
    return {"draft": begun, "mine": mine, "batch": batch, "type": "indicator", "artifact": artifact["id"]}


def _staffed(node: Node, hub: str) -> tuple[str, dict[str, str]]:
    """A person with every role, one who approves, and what these have done; the session, and the names of it."""
    made = node.add_user(PERSON, list(ROLES))
    with node.acting(PERSON, made.secret):
        node.add_user("second", [APPROVER])
        held = next(one for name in node.partners() for one in node.held(name.id, limit=1))
        recall = node.recall([held.id], Order(Kind.WITHDRAW, Reason.MISTAKE))
        waits = node.change_partner("partner 0", {"groups": ("all",)}).waits
        rare = node.browse("needle", limit=1).hits[0]
        ids = {one.name: one.id for one in node.partners()}
        names = {"partner": ids["partner 0"], "other": ids["partner 3"], "recall": recall.id, "proposal": waits}
        names |= {"reader": ids["partner 3"], "hub": hub}
        names |= {"source": "auto", "seq": "1", "rare": rare.id, "held": held.id} | _begun(node)
        node.set_password(PASSWORD)
    return node.sign_in(PERSON, PASSWORD).secret, names
