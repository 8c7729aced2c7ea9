"""The account that `init` makes: as long as it is the only one, whoever commands the host acts as before."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.world import MadeClock, MadeEntropy

from comity.errors import AlreadyDone, Conflict, Unauthenticated
from comity.node.node import Node
from comity.node.people import accounts, seconds, watched

PASSWORD = "correct horse battery"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with Node.open(f"sqlite:///{tmp_path}/a.db", name="CERT-A", clock=MadeClock(), entropy=MadeEntropy()) as opened:
        yield opened


@pytest.fixture
def secret(node: Node) -> str:
    """That of the first account."""
    return node.add_user("admin", ["admin", "releaser"], first=True).secret


def _take(node: Node, secret: str) -> None:
    """Its holder sets a password."""
    with node.acting("admin", secret):
        node.set_password(PASSWORD)


def test_the_operator_acts_beside_it_until_there_is_another(node: Node, secret: str) -> None:
    node.add_partner("CERT-B")
    with node.acting("admin", secret) as actor:
        assert actor.id
        node.add_partner("CERT-C")
    _take(node, secret)
    node.add_partner("CERT-D")
    node.add_user("anna", ["admin"])
    with pytest.raises(Unauthenticated):
        node.add_partner("CERT-E")
    with node.acting("admin", PASSWORD):
        node.add_partner("CERT-E")


def test_what_the_account_does_is_noted_for_it_though_it_is_alone(node: Node, secret: str) -> None:
    with node.acting("admin", secret) as actor:
        node.add_partner("CERT-B")
    node.add_partner("CERT-C")
    found = {row.account for row in node.audit_log(acts=["record"]) if '"of":"partner"' in row.what}
    assert found == {actor.id, "operator"}


def test_only_the_very_first_is_made_so_and_no_one_becomes_it(node: Node, secret: str) -> None:
    with pytest.raises(AlreadyDone):
        node.add_user("other", ["admin"], first=True)
    node.add_user("anna", ["admin"])
    with node.acting("admin", secret):
        node.reset_user("anna")
        changed = node.reset_user("admin").account
    assert not changed.first


def test_it_is_nobodys_second_pair_of_eyes_before_somebody_took_it(node: Node, secret: str) -> None:
    anna = node.add_user("anna", ["admin"]).secret
    with node.store.read() as snapshot, node.acting("anna", anna) as actor:
        assert seconds(snapshot, actor) == []
        assert not watched(snapshot)
    with node.acting("anna", anna), pytest.raises(Conflict):
        node.disable_user("anna")
    _take(node, secret)
    with node.store.read() as snapshot, node.acting("anna", anna) as actor:
        assert [one.name for one in seconds(snapshot, actor)] == ["admin"]
        assert watched(snapshot)


def test_a_password_takes_the_place_of_the_secret_at_the_command_line(node: Node, secret: str) -> None:
    _take(node, secret)
    for wrong in (secret, "", "correct horse batterx"):
        with pytest.raises(Unauthenticated), node.acting("admin", wrong):
            pass
    with node.acting("admin", PASSWORD), node.store.read() as snapshot:
        (account,) = accounts(snapshot)
    assert account.handed_by == ""
    new = node.recover_user("admin", "a test").secret
    with pytest.raises(Unauthenticated), node.acting("admin", PASSWORD):
        pass
    with node.acting("admin", new):
        pass


@pytest.mark.slow
def test_a_restored_node_has_no_session_and_no_password_that_was_changed_since(tmp_path: Path) -> None:
    from comity.node.home import backup, init_home, open_home, restore

    with init_home(tmp_path / "a", name="CERT-A") as node:
        secret = node.add_user("admin", ["admin"], first=True).secret
        _take(node, secret)
        kept = node.sign_in("admin", PASSWORD)
    backup(tmp_path / "a", tmp_path / "copy", plain=True)
    restore(tmp_path / "copy", tmp_path / "b", side=[tmp_path / "a" / "side.log"])
    with open_home(tmp_path / "b") as node:
        with pytest.raises(Unauthenticated):
            node.visitor(kept.secret)
        assert node.sign_in("admin", PASSWORD)
    with open_home(tmp_path / "a") as node, node.acting("admin", PASSWORD):
        node.set_password("another horse battery", PASSWORD)
    restore(tmp_path / "copy", tmp_path / "c", side=[tmp_path / "a" / "side.log"])
    with open_home(tmp_path / "c") as node, pytest.raises(Unauthenticated):
        node.sign_in("admin", PASSWORD)
