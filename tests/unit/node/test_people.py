"""Accounts: who may make them, what their secrets open, and that the wrong name tells as little as the wrong secret."""

import threading

import pytest
from tests.world import MadeClock

from comity.errors import AlreadyDone, ComityError, Conflict, Invalid, NotAuthorized, NotFound, Unauthenticated
from comity.interfaces import microseconds
from comity.node import doctor
from comity.node.node import Node
from comity.node.people import HOST, KIND, same_person


def anna_and_bert(node: Node) -> dict[str, str]:
    """An administrator, and an approver of another person; their secrets."""
    secrets = {"anna": node.add_user("anna", ["admin", "releaser"]).secret}
    with node.acting("anna", secrets["anna"]):
        secrets["bert"] = node.add_user("bert", ["approver"]).secret
    return secrets


def refused(node: Node, name: str, secret: str) -> str:
    """What is told to whoever does not come in."""
    with pytest.raises(Unauthenticated) as caught, node.acting(name, secret):
        pass
    return f"{caught.value} {caught.value.hint} {caught.value.where}"


def test_without_an_account_the_operator_does_everything(node: Node) -> None:
    node.add_partner("CERT-B")
    node.publish()
    assert node.users() == []
    assert not node.is_watched()
    with pytest.raises(Unauthenticated), node.acting("anna", "x"):
        pass


def test_the_first_account_is_an_administrator(node: Node) -> None:
    for roles in ([], ["releaser"], ["boss"], ["admin", "boss"]):
        with pytest.raises(Invalid):
            node.add_user("anna", roles)
    assert node.users() == []
    made = node.add_user("anna", ["admin", "reader", "admin"])
    assert made.account.roles == ("reader", "admin")
    assert (made.account.person, made.account.handed_by) == ("anna", "")


def test_a_secret_is_kept_as_a_digest_alone(node: Node) -> None:
    secret = node.add_user("anna", ["admin"]).secret
    assert len(secret) == 43
    with node.store.read() as snapshot:
        (record,) = snapshot.records(KIND)
    assert secret.encode() not in record.body


def test_a_wrong_name_and_a_wrong_secret_are_told_alike(node: Node) -> None:
    secrets = anna_and_bert(node)
    told = {refused(node, *given) for given in (("anna", "x"), ("nobody", secrets["anna"]), ("bert", secrets["anna"]))}
    with node.acting("anna", secrets["anna"]):
        carl = node.add_user("carl", ["admin"]).secret
        node.disable_user("carl")
    assert {refused(node, "carl", carl)} == told
    assert len(told) == 1


def test_names_that_look_alike_are_refused(node: Node) -> None:
    secret = anna_and_bert(node)["anna"]
    with node.acting("anna", secret):
        for name in ("Anna", "ANNA ", "\u0430nna", "a.n.n.a"):
            with pytest.raises(AlreadyDone):
                node.add_user(name, ["reader"])
        for name in ("", "a\nb", "x" * 201):
            with pytest.raises(Invalid):
                node.add_user(name, ["reader"])
    assert len(node.users()) == 2


def test_who_acts_is_who_acts_in_this_thread_and_this_block_alone(node: Node) -> None:
    secrets = anna_and_bert(node)
    seen: list[str] = []

    def other() -> None:
        try:
            node.publish()
        except ComityError as error:
            seen.append(error.code)

    with node.acting("anna", secrets["anna"]) as anna:
        assert (anna.name, anna.is_operator) == ("anna", False)
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        with node.acting("bert", secrets["bert"]), pytest.raises(NotAuthorized):
            node.publish()
        node.publish()
    with pytest.raises(Unauthenticated):
        node.publish()
    assert seen == ["unauthenticated"]


def test_a_disabled_account_and_an_old_secret_open_nothing_even_in_a_block_that_has_begun(node: Node) -> None:
    secrets = anna_and_bert(node)
    with node.acting("anna", secrets["anna"]):
        carl = node.add_user("carl", ["admin"]).secret
    with node.acting("carl", carl):
        with node.acting("anna", secrets["anna"]):
            node.disable_user("carl")
        with pytest.raises(Unauthenticated):
            node.add_partner("CERT-B")
    assert refused(node, "carl", carl)
    with node.acting("anna", secrets["anna"]):
        new = node.reset_user("anna").secret
        with pytest.raises(Unauthenticated):
            node.add_partner("CERT-B")
    assert refused(node, "anna", secrets["anna"])
    with node.acting("anna", new):
        again = node.reset_user("carl")
        assert (again.account.state, again.account.handed_by) == ("active", "anna")
    with node.acting("carl", again.secret):
        node.add_partner("CERT-B")


def test_everybody_renews_their_own_secret_and_nobody_that_of_others(node: Node) -> None:
    secrets = anna_and_bert(node)
    with node.acting("bert", secrets["bert"]):
        with pytest.raises(NotAuthorized):
            node.reset_user("anna")
        with pytest.raises(NotFound):
            node.reset_user("nobody")
        assert node.users()[1].handed_by == "anna"
        assert node.reset_user("bert").account.handed_by == "", "nobody else has seen the new one"


def test_neither_the_last_administrator_nor_the_second_person_is_disabled(node: Node) -> None:
    secrets = anna_and_bert(node)
    assert node.is_watched()
    with node.acting("anna", secrets["anna"]):
        for name in ("anna", "bert"):
            with pytest.raises(Conflict):
                node.disable_user(name)
        assert {one.state for one in node.users()} == {"active"}
        node.add_user("carl", ["approver"])
        assert node.disable_user("bert").state == "disabled"
        with pytest.raises(Conflict):
            node.disable_user("carl")


def test_two_accounts_of_one_person_watch_nobody(node: Node, clock: MadeClock) -> None:
    secret = node.add_user("anna", ["admin"], person="Anna B.").secret
    with node.acting("anna", secret):
        node.add_user("annas-other", ["admin", "approver"], person="anna b")
        assert same_person("Anna B.", "anna b")
        assert not node.is_watched()
        node.add_user("bert", ["reader", "analyst", "releaser"])
        assert not node.is_watched()
        node.add_user("carl", ["approver"])
    assert node.is_watched()


def test_who_lost_the_last_secret_is_recovered_on_the_host_and_that_stays_known(node: Node, clock: MadeClock) -> None:
    secrets = anna_and_bert(node)
    for why in ("", "a\nb"):
        with pytest.raises(Invalid):
            node.recover_user("anna", why)
    with pytest.raises(NotFound):
        node.recover_user("nobody", "lost")
    made = node.recover_user("anna", "the key was lost")
    assert refused(node, "anna", secrets["anna"])
    assert made.account.handed_by == HOST
    with node.acting("anna", made.secret):
        again = node.reset_user("anna").account
    assert (again.handed_by, again.recovered_why) == ("", "the key was lost")
    assert again.recovered_at == microseconds(clock.now())
    told = [finding for finding in doctor._people(node) if finding.level == "warn"]
    assert len(told) == 1
    assert "the key was lost" in told[0].what
    clock.move(days=30)
    assert all(finding.level == "ok" for finding in doctor._people(node))
