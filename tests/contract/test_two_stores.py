"""Two nodes that differ only in what is withheld from a partner are one and the same to it, byte for byte (R28).

The clock and the chance are arguments, and the same for both. Everything is compared: status, headers, bodies, dates,
positions, errors; while objects come and go, and at the end over all routes and methods.

No text names another object here. One that leaves, and then has to be withheld because it names something that came to
be withheld, is seen to go; by R9 that cannot be otherwise.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from tests.asgi import Asker, Reply, asking
from tests.canaries import Recorder
from tests.partner_asking import ABSENT, Question, deleting, posting, reading
from tests.partner_world import MORE, SECRET, B, C, D, Json, World, value_of, words_of
from tests.plain_gate import leaving, version_of
from tests.postgres import store_address
from tests.world import MadeClock, MadeEntropy

from comity.errors import Conflict
from comity.node import gate
from comity.node.node import Node
from comity.store.nouns import Copy
from comity.web import taxii

pytestmark = pytest.mark.slow
NAMES = ("default", MORE, SECRET)
STEPS_BETWEEN = 4


@dataclass(slots=True)
class Life:
    """What one node was asked and what it said. `seen` are the objects that left for the partner at some time, as
    `words_of` tells them; `all` are all that came, `sent` those of them that the partner sent at the end."""

    told: list[tuple[Question, Reply]] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    all: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    hidden: list[Json] = field(default_factory=list)


class Living:
    """One life of a node: it is filled as the seed will have it, without what is left out, and a partner polls."""

    def __init__(self, node: Node, clock: MadeClock, asker: Asker, seed: int, who: str) -> None:
        self.node, self.clock, self.asker, self.who = node, clock, asker, who
        self.world = World(node, clock, seed)
        self.world.telling = False
        self.life = Life()
        self.steps = 0

    def run(self, leave_out: frozenset[str] = frozenset(), hidden: Sequence[Json] | None = None) -> Life:
        """Lived to the end. `hidden` are the objects that are guessed at; by default some that are withheld."""
        self.world.left_out = leave_out
        self.world.after_step = self.poll
        self.world.fill()
        self.clock.move(hours=2)
        self.look()
        here = [copy for copy in self.world.copies() if copy.body is not None]
        guessed = [copy for copy in here if self.words(copy) not in self.life.seen][:5]
        self.life.hidden = [value_of(copy) for copy in guessed] if hidden is None else list(hidden)
        ids = [each["id"] for each in self.life.hidden]
        versions = [version_of(each) for each in self.life.hidden]
        types = ["indicator", "malware", "file"]
        self.world.ids += [id for id in dict.fromkeys(ids) if id not in self.world.ids]
        self.ask(reading(self.world.collections, [*ids, ABSENT], versions, types))
        self.ask(deleting(self.world.collections, [*ids, ABSENT], versions))
        self.ask(posting("default", [each | {"x_said": "by the partner"} for each in self.life.hidden]))
        self.look()
        self.ask(reading(self.world.collections[:1], ids[:3], versions[:2], types))
        self.ask(deleting(self.world.collections[:1], ids, versions))
        return self.life

    def words(self, copy: Copy) -> str:
        return words_of(value_of(copy), copy.source, NAMES[self.world.collections.index(copy.collection)])

    def look(self) -> None:
        """Relations are known, and what leaves now is remembered."""
        self.world.look()
        self.world.note()
        self.life.seen |= {self.words(copy) for copy, _ in leaving(self.world, self.who)}
        here = [copy for copy in self.world.copies() if copy.body is not None]
        self.life.all |= {self.words(copy) for copy in here}
        self.life.sent |= {self.words(copy) for copy in here if "x_said" in value_of(copy)}

    def poll(self) -> None:
        """Every few steps the partner reads what is new, page by page."""
        self.steps += 1
        if self.steps % STEPS_BETWEEN:
            return
        self.look()
        paths = [
            f"/taxii2/root/collections/{id}/{of}/" for id in self.world.collections for of in ("objects", "manifest")
        ]
        queries = ("", "?limit=2", "?match[version]=all", "?match[version]=first&limit=1")
        self.ask(Question("GET", path + query) for path in paths for query in queries)

    def ask(self, questions: Iterator[Question]) -> None:
        # The number of a request is chance, and each node has used it as often as objects came.
        self.node.entropy = MadeEntropy(self.steps)
        for question in questions:
            reply = self.tell(question)
            more = reply.json if question.method == "GET" and reply.body.startswith(b'{"more":true') else None
            if more is not None:
                onward = "&next=" if "?" in question.target else "?next="
                self.tell(replace(question, target=question.target + onward + more["next"]))

    def tell(self, question: Question) -> Reply:
        token = self.world.tokens[self.who]
        reply = self.asker.ask(question.method, question.target, token, question.body, question.headers)
        assert reply.status < 500
        self.life.told.append((question, reply))
        return reply


def lived(folder: Path, kind: str, seed: int, who: str, **how: Any) -> Life:
    """A life in that folder, in a store of that kind."""
    folder.mkdir()
    clock = MadeClock()
    address = store_address(folder, kind)
    with Node.open(address, name="CERT-A", clock=clock, entropy=MadeEntropy(seed)) as node, asking(node) as asker:
        return Living(node, clock, asker, seed, who).run(**how)


def differences(folder: Path, kind: str, seed: int, who: str) -> tuple[list[str], Life]:
    """Where a node that has everything and one that has only what was ever let out to the partner tell it apart."""
    full = lived(folder / "full", kind, seed, who)
    bare = lived(folder / "bare", kind, seed, who, leave_out=frozenset(full.all - full.seen), hidden=full.hidden)
    assert len(full.all - full.seen) >= 8
    # What the partner sent under a marking that leaves for nobody does not come back to it either.
    assert bare.all == full.seen | full.sent
    assert bare.sent == full.sent
    assert full.seen >= bare.seen
    wrong: list[str] = []
    for (question, one), (again, other) in zip(full.told, bare.told, strict=True):
        if (question.method, question.target) != (again.method, again.target):
            return [*wrong, f"{question.target} and {again.target}"], full
        if one.bytes != other.bytes:
            wrong.append(f"{question.method} {question.target}: {one.bytes!r} and {other.bytes!r}")
    return wrong, full


@pytest.mark.parametrize("who", [B, pytest.param(C, marks=pytest.mark.deep), pytest.param(D, marks=pytest.mark.deep)])
@pytest.mark.parametrize("seed", [31, *(pytest.param(seed, marks=pytest.mark.deep) for seed in range(400, 410))])
def test_who_cannot_have_it_cannot_tell_that_it_is_there(store_kind: str, tmp_path: Path, seed: int, who: str) -> None:
    wrong, full = differences(tmp_path, store_kind, seed, who)
    assert wrong == []
    assert len(full.told) > 1500
    heard = Recorder(frozenset())
    for question, reply in full.told:
        heard.hear(question.target, reply.bytes)
    assert heard.heard_bytes > 500_000


def numbers_as_positions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages go on from the number of a publication, which counts all that is published."""
    page = gate.Gate.page

    def told(self: gate.Gate, snapshot: Any, asked: gate.Asked, query: Any, left: Any) -> gate.Shown:
        shown = page(self, snapshot, asked, query, left)
        return replace(shown, position=snapshot.last_publication << 32) if shown.more else shown

    monkeypatch.setattr(gate.Gate, "page", told)


def dates_with_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is withheld takes a microsecond of its own."""
    ask = gate.Gate.ask

    def asked(
        self: gate.Gate, snapshot: Any, policy: Any, subject: Any, collection: Any, query: Any, now: int, *more: Any
    ) -> Any:
        gaps = len(snapshot.publications().of("collection", collection.key))
        return ask(self, snapshot, policy, subject, collection, query, now + gaps, *more)

    monkeypatch.setattr(gate.Gate, "ask", asked)


def an_error_that_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks for an object that is withheld is told so."""
    check = taxii._check_exists

    def told(call: Any, access: Any, query: Any) -> None:
        if call.node.show(query.ids[0]):
            raise Conflict("It is not for you.")
        check(call, access, query)

    monkeypatch.setattr(taxii, "_check_exists", told)


@pytest.mark.parametrize(
    "fault",
    [
        numbers_as_positions,
        *(pytest.param(each, marks=pytest.mark.deep) for each in (dates_with_gaps, an_error_that_knows)),
    ],
)
def test_a_node_that_tells_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Any) -> None:
    fault(monkeypatch)
    wrong, _ = differences(tmp_path, "sqlite", 31, B)
    assert wrong
