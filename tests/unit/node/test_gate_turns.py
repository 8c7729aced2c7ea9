"""An answer is made outside of the writer's turn, and is that of the state in which its news are kept."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.gate_world import admitted, in_force, look_at_all, marked, partnered, take
from tests.world import MadeClock, MadeEntropy

from comity.errors import Unauthenticated
from comity.interfaces import Query
from comity.node.access import Access
from comity.node.delivering import TRIES
from comity.node.gate import Asked
from comity.node.node import Node
from comity.stix.markings import TLP

pytestmark = pytest.mark.slow


@pytest.fixture
def other(node: Node, tmp_path: Path, clock: MadeClock) -> Iterator[Node]:
    """Another process on the same store."""
    with Node.open(f"sqlite:///{tmp_path}/a.db", clock=clock, entropy=MadeEntropy(2)) as opened:
        yield opened


@pytest.fixture
def access(node: Node) -> Access:
    """A partner that may have what is ours up to GREEN."""
    # The first look at the clock is written, which is a turn of its own.
    node.guard.look()
    return partnered(node)


def ids(node: Node, access: Access) -> list[str]:
    page = node.page(access, Query(collection="default"))
    return [each["id"] for each in json.loads(b"[" + page.body + b"]")]


class Meanwhile:
    """Something happens between the making of an answer and the writer's turn, so many times; `turns` tells for each
    making whether it was in the writer's turn."""

    def __init__(self, node: Node, happens: Callable[[], object], times: int) -> None:
        self.turns: list[bool] = []
        self._happens = happens
        self._times = times
        self._ask, self._write, self._writing = node.gate.ask, node.store.write, False
        node.gate.ask = self.ask  # type: ignore[method-assign, assignment]  # looked at as it goes
        node.store.write = self.write  # type: ignore[method-assign]  # looked at as it goes

    def ask(self, *given: Any) -> Asked:
        self.turns.append(self._writing)
        return self._ask(*given)

    @contextmanager
    def write(self) -> Iterator[Any]:
        if self._times:
            self._times -= 1
            self._happens()
        with self._write() as tx:
            self._writing = True
            try:
                yield tx
            finally:
                self._writing = False


def test_what_holds_still_is_kept_without_being_made_again(node: Node, access: Access) -> None:
    (one,) = take(node, marked(TLP.GREEN))
    meanwhile = Meanwhile(node, lambda: None, 1)
    assert ids(node, access) == [one]
    assert ids(node, access) == [one]
    assert meanwhile.turns == [False, False]


@pytest.mark.parametrize("times", [1, TRIES, TRIES + 1])
def test_what_another_process_changed_meanwhile_is_in_the_answer(
    node: Node, other: Node, access: Access, times: int
) -> None:
    made = take(node, marked(TLP.GREEN))
    meanwhile = Meanwhile(node, lambda: made.extend(take(other, marked(TLP.CLEAR))), times)
    assert ids(node, access) == made
    assert len(made) == 1 + times
    assert meanwhile.turns == [False] * min(times + 1, TRIES) + [True] * (times >= TRIES)
    with node.store.read() as snapshot:
        assert len(snapshot.openings(f"{access.recipient} last", snapshot.collection("default").id)) >= 1
    assert ids(other, access) == made


def test_what_was_taken_back_meanwhile_does_not_leave(node: Node, other: Node, access: Access) -> None:
    kept, gone = take(node, marked(TLP.GREEN), marked(TLP.GREEN))
    with node.store.read() as snapshot:
        collection = snapshot.collection("default").id
    Meanwhile(node, lambda: other.delete(admitted(other, read=["all"], write=["all"]), collection, gone), 1)
    assert ids(node, access) == [kept]


def test_a_narrower_policy_that_came_meanwhile_holds(node: Node, other: Node, access: Access) -> None:
    take(node, marked(TLP.GREEN))
    Meanwhile(node, lambda: in_force(other, "nothing"), 1)
    assert ids(node, access) == []


def test_a_name_that_was_looked_at_meanwhile_withholds_the_text_that_says_it(
    node: Node, other: Node, access: Access
) -> None:
    secret = marked(TLP.RED, name="Kancil loader", pattern="[domain-name:value = 'kancil.example']")
    take(node, secret)
    told = marked(TLP.GREEN, name="seen beside the Kancil loader")
    take(node, told)
    tie = {
        "type": "relationship",
        "spec_version": "2.1",
        "id": "relationship--00000000-0000-4000-8000-000000000001",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "relationship_type": "related-to",
        "source_ref": told["id"],
        "target_ref": secret["id"],
    }

    def happens() -> None:
        other.receive(json.dumps(tie).encode())
        look_at_all(other)

    Meanwhile(node, happens, 1)
    assert ids(node, access) == []


def test_a_date_that_passed_meanwhile_counts(node: Node, clock: MadeClock, access: Access) -> None:
    now = clock.now()
    clock.move(seconds=100)
    until = round(clock.now().timestamp()) * 1_000_000
    node.edit_partner("CERT-B", agreement_until=until)
    clock.instant = now
    take(node, marked(TLP.GREEN))
    Meanwhile(node, lambda: clock.move(seconds=200), 1)
    assert ids(node, access) == []


def test_a_credential_that_was_revoked_meanwhile_is_told_nothing(node: Node, other: Node, access: Access) -> None:
    take(node, marked(TLP.GREEN))
    Meanwhile(node, lambda: other.revoke_token(access.token or ""), 1)
    with pytest.raises(Unauthenticated):
        ids(node, access)
    with node.store.read() as snapshot:
        assert snapshot.openings_version(f"{access.recipient} last", snapshot.collection("default").id) == ""
