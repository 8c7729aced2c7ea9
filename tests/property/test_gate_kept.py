"""What the gate keeps in memory changes no answer: two nodes on one store tell what one that forgets tells."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gate_world import in_force, partnered
from tests.world import MadeClock, MadeEntropy, bundle, indicator

from comity.interfaces import Query
from comity.node.gate import Gate
from comity.node.node import Node
from comity.node.outbound import Released
from comity.node.publishing import Selection
from comity.stix.markings import MARKING_IDS, TLP
from comity.store.nouns import Entries

LEVELS = (TLP.CLEAR, TLP.GREEN, TLP.AMBER)
OBJECTS = [
    indicator(
        id=f"indicator--00000000-0000-4000-8000-{number:012d}",
        name=f"host {number}",
        object_marking_refs=[MARKING_IDS[LEVELS[number % len(LEVELS)]]],
    )
    for number in range(8)
]
STEPS = st.one_of(
    st.tuples(st.just("publish"), st.integers(0, 7), st.sampled_from([0, 30])),
    st.tuples(st.just("unpublish"), st.integers(0, 7)),
    st.tuples(st.just("policy"), st.sampled_from(["nothing", "green-community"])),
    st.tuples(st.just("step"), st.sampled_from(["pause", "resume"])),
    st.tuples(st.just("move"), st.integers(1, 40)),
    st.tuples(st.just("read"), st.integers(0, 1), st.sampled_from(["last", "all"]), st.integers(1, 9)),
    st.tuples(st.just("poll"), st.integers(0, 1), st.integers(1, 9)),
)


class World:
    """A store with an active partner, and the nodes on it, which are asked in turn."""

    def __init__(self, nodes: list[Node], clock: MadeClock, *, forgets: bool) -> None:
        self.nodes = nodes
        self.clock = clock
        self.forgets = forgets
        self.added: int | None = None
        first = nodes[0]
        self.access = partnered(first)
        first.receive(bundle(*OBJECTS))

    def take(self, step: tuple[Any, ...]) -> Any:
        """The step was taken; what was told, if anything was asked."""
        verb, *given = step
        node = self.nodes[0]
        if verb == "publish":
            node.publish(Selection(ids=(str(OBJECTS[given[0]]["id"]),)), hold_seconds=given[1])
        elif verb == "unpublish":
            node.unpublish(Selection(ids=(str(OBJECTS[given[0]]["id"]),)))
        elif verb == "policy":
            in_force(node, given[0])
        elif verb == "step":
            wanted = "active" if given[0] == "pause" else "suspended"
            if node.partner("CERT-B").state == wanted:
                node.step_partner("CERT-B", given[0])
        elif verb == "move":
            self.clock.move(seconds=given[0])
        elif verb == "read":
            return self.ask(given[0], Query(collection="default", versions=(given[1],), limit=given[2]))
        else:
            told = self.ask(given[0], Query(collection="default", added_after=self.added, limit=given[1]))
            self.added = told[0].last_added or self.added
            return told
        return None

    def ask(self, who: int, query: Query) -> tuple[Released, Entries]:
        node = self.nodes[who % len(self.nodes)]
        if self.forgets:
            node.gate = Gate(node.is_sound)
        page = node.page(self.access, query)
        if self.forgets:
            node.gate = Gate(node.is_sound)
        return page, node.manifest(self.access, query)


@contextmanager
def worlds() -> Iterator[tuple[World, World]]:
    with TemporaryDirectory() as folder, ExitStack() as held:
        made = []
        for name, count in (("kept", 2), ("forgotten", 1)):
            clock = MadeClock()
            nodes = [
                held.enter_context(
                    Node.open(f"sqlite:///{Path(folder)}/{name}.db", clock=clock, entropy=MadeEntropy(7 + number))
                )
                for number in range(count)
            ]
            made.append(World(nodes, clock, forgets=count == 1))
        yield made[0], made[1]


@pytest.mark.slow
@settings(max_examples=15)
@given(st.lists(STEPS, min_size=4, max_size=16))
def test_what_is_kept_in_memory_changes_no_answer(steps: list[tuple[Any, ...]]) -> None:
    with worlds() as (kept, forgotten):
        for step in steps:
            assert kept.take(step) == forgotten.take(step), step


@pytest.mark.slow
def test_the_law_finds_openings_that_are_taken_for_those_of_another_state() -> None:
    """The seeded fault: whatever version the store tells, the gate believes that it knows it."""
    program: list[tuple[Any, ...]] = [
        ("publish", 0, 0),
        ("read", 0, "last", 9),
        ("read", 1, "last", 9),
        ("move", 5),
        ("publish", 1, 0),
        ("publish", 3, 0),
        ("read", 0, "last", 9),
        ("move", 5),
        ("read", 1, "last", 9),
    ]
    with worlds() as (kept, forgotten):
        assert [kept.take(step) for step in program] == [forgotten.take(step) for step in program]
    with worlds() as (kept, forgotten):
        for node in kept.nodes:
            node.gate = _Believing(node.is_sound)
        assert [kept.take(step) for step in program] != [forgotten.take(step) for step in program]


class _Believing(Gate):
    def _unpacked(self, snapshot: Any, recipient: str, collection: str, version: str) -> Any:
        held = self._openings.get((recipient, collection))
        return held[1] if held is not None else super()._unpacked(snapshot, recipient, collection, version)
