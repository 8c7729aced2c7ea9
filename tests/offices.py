"""A node and the persons who run it."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from tests.release_world import policy_of

from comity.node.explaining import Told
from comity.node.node import Node
from comity.node.proposals import PolicyTexts, Proposal
from comity.node.releasing import POLICY
from comity.store.records import Record


class Office:
    """Of a node: anna and dora (admin), bert (approver), carl (releaser), and annas-other, who is anna."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.secrets = {"anna": node.add_user("anna", ["admin"], person="Anna A.").secret}
        for name, role, person in (
            ("bert", "approver", "Bert B."),
            ("carl", "releaser", "Carl C."),
            ("annas-other", "approver", "anna a"),
            ("dora", "admin", "Dora D."),
        ):
            with self.acts("anna"):
                self.secrets[name] = node.add_user(name, [role], person=person).secret

    @contextmanager
    def acts(self, name: str) -> Iterator[None]:
        """What is done inside is done by the account of that name."""
        with self.node.acting(name, self.secrets[name]):
            yield

    def ask(self, name: str = "anna") -> str:
        """Activating CERT-B is asked for, and waits; under which id."""
        with self.acts(name):
            done = self.node.move_partner("CERT-B", "activate", checked_by="a call")
        assert done.waits
        assert done.partner.state == "pending"
        return done.waits

    def approve(self, id: str, name: str = "bert") -> Proposal:
        """What waits was approved."""
        with self.acts(name):
            return self.node.approve(id)

    def proposals(self) -> list[tuple[Proposal, str]]:
        """All that was ever proposed, as carl is told of it, who reads."""
        with self.acts("carl"):
            return self.node.proposals()

    def tell(self, name: str, ids: list[str] | None = None) -> list[Told]:
        """What becomes of each object for the partner, as carl is told."""
        with self.acts("carl"):
            return list(self.node.tell(name, ids))

    @property
    def state(self) -> str:
        """What CERT-B is."""
        return self.node.partner("CERT-B").state


def in_force(node: Node, text: str) -> None:
    """The policy is in force, as no person could put it there."""
    body = msgspec.json.encode(PolicyTexts(text, "", policy_of(text).digest))
    with node.store.write() as tx:
        tx.put_record(Record(POLICY, POLICY, POLICY, body))
