"""A node that leads through the five tasks knows which are done by what it holds, and others lead nowhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.gate_world import marked
from tests.world import MadeClock, MadeEntropy, bundle

from comity.errors import Invalid, Unauthenticated
from comity.node.demonstration import PERSON, lead, let_read, show_partners
from comity.node.node import Node
from comity.node.people import ROLES
from comity.node.sessions import LINK_MINUTES_MOST
from comity.node.touring import FIND, IMPORT, PUBLISH, RECALL, STEPS, VERIFY
from comity.release.recall import Kind, Order, Reason
from comity.stix.markings import TLP

pytestmark = pytest.mark.slow


@pytest.fixture
def clock() -> MadeClock:
    return MadeClock()


@pytest.fixture
def node(tmp_path: Path, clock: MadeClock) -> Iterator[Node]:
    with Node.open(f"sqlite:///{tmp_path}/a.db", name="CERT-A", clock=clock, entropy=MadeEntropy()) as opened:
        yield opened


def done(node: Node) -> frozenset[str]:
    """The tasks that are done, once what is noted behind is written."""
    node.looks.flush()
    tour = node.tour()
    assert tour is not None
    return tour.done


def test_a_node_of_its_own_leads_nowhere_and_notes_nothing(node: Node) -> None:
    assert node.tour() is None
    node.toured(FIND)
    node.looks.flush()
    assert not any(row.act == "toured" for row in node.audit_log())


def test_each_task_is_done_by_what_the_node_holds_and_in_no_order(node: Node) -> None:
    first, second = marked(TLP.GREEN, name="First"), marked(TLP.GREEN, name="Second")
    node.receive(bundle(first))
    shown = show_partners(node)
    let_read(node, shown)
    made = lead(node)
    # What was there before the way began counts for nothing.
    assert done(node) == frozenset()
    with node.acting_for(node.users()[0]):
        for step, act in (
            (VERIFY, lambda: node.toured(VERIFY)),
            (RECALL, lambda: node.recall([first["id"]], Order(Kind.WITHDRAW, Reason.MISTAKE))),
            (IMPORT, lambda: node.receive(bundle(second))),
            (PUBLISH, lambda: node.publish(hold_seconds=0)),
            (FIND, lambda: node.toured(FIND)),
        ):
            before = done(node)
            act()
            assert done(node) == before | {step}
        tour = node.tour()
        assert tour is not None
        assert (tour.done, tour.next) == (frozenset(STEPS), "")
    assert made.account.name == PERSON


def test_only_what_leaves_nothing_behind_is_noted(node: Node) -> None:
    lead(node)
    for step in (IMPORT, PUBLISH, RECALL, "dance"):
        with pytest.raises(Invalid):
            node.toured(step)


def test_the_link_signs_in_once_and_within_an_hour_with_every_role(node: Node, clock: MadeClock) -> None:
    made = lead(node)
    signed_in = node.sign_in_by_link(made.secret)
    assert signed_in.account.roles == ROLES
    assert signed_in.account.password, "so that no page waits for a password of their own"
    with pytest.raises(Unauthenticated):
        node.sign_in_by_link(made.secret)
    late = node.new_link(PERSON, minutes=LINK_MINUTES_MOST)
    clock.move(seconds=LINK_MINUTES_MOST * 60)
    with pytest.raises(Unauthenticated):
        node.sign_in_by_link(late.secret)
    with pytest.raises(Invalid):
        node.new_link(PERSON, minutes=LINK_MINUTES_MOST + 1)


def test_two_demos_share_no_secret(tmp_path: Path) -> None:
    found = []
    for seed in (1, 2):
        path = tmp_path / f"{seed}.db"
        with Node.open(f"sqlite:///{path}", name="A", clock=MadeClock(), entropy=MadeEntropy(seed)) as node:
            found.append(lead(node).secret)
            for guess in (PERSON, ""):
                with pytest.raises(Unauthenticated):
                    node.sign_in(PERSON, guess)
    assert found[0] != found[1]
