"""Credentials and rights: what holds, what does not, and that no answer tells why."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.world import MadeClock, bundle, indicator

from comity.errors import Invalid, NotAuthorized, NotFound, Unauthenticated
from comity.interfaces import Query
from comity.node.access import Access, Credential
from comity.node.node import Node


def admitted(node: Node, **rights: list[str]) -> Access:
    made = node.new_token("reader", **rights)  # type: ignore[arg-type]
    return node.admit(Credential(made.user, made.secret))


def test_a_token_admits_by_both_its_forms(node: Node) -> None:
    made = node.new_token("siem", read=["all"])
    whole = Credential.of_token(made.token)
    assert whole == Credential(made.user, made.secret)
    assert node.admit(whole).name == "siem"


@pytest.mark.parametrize("change", ["id", "secret", "empty", "revoked", "expired"])
def test_what_does_not_hold_is_refused_with_one_and_the_same_answer(node: Node, clock: MadeClock, change: str) -> None:
    made = node.new_token("siem", read=["all"], days=3)
    good = Credential(made.user, made.secret)
    bad = good
    if change == "id":
        bad = replace(good, id="a" * 16)
    elif change == "secret":
        bad = replace(good, secret="x" * 43)
    elif change == "empty":
        bad = Credential("", "")
    elif change == "revoked":
        node.revoke_token(made.user)
    else:
        clock.move(days=3)
    with pytest.raises(Unauthenticated) as caught:
        node.admit(bad)
    assert caught.value.message == "The credential is unknown, expired or revoked."


def test_a_token_holds_to_the_last_moment(node: Node, clock: MadeClock) -> None:
    made = node.new_token("siem", read=["all"], days=1)
    clock.move(days=1, microseconds=-1)
    assert node.admit(Credential(made.user, made.secret)).name == "siem"


@pytest.mark.parametrize("text", ["", "comity_", "comity_a_b", "Bearer x", "comity_" + "a" * 16 + "_" + "é" * 43])
def test_what_cannot_be_a_token_is_none(text: str) -> None:
    assert Credential.of_token(text) is None


def test_only_the_digest_of_a_secret_is_kept(node: Node, tmp_path: Path) -> None:
    made = node.new_token("siem", read=["all"])
    node.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert made.secret.encode() not in kept
    assert made.user.encode() in kept


def test_a_revoked_token_stays_in_the_list(node: Node) -> None:
    made = node.new_token("siem", read=["all"])
    first = node.revoke_token(made.user)
    assert node.revoke_token(made.user).revoked_at == first.revoked_at
    assert [token.revoked_at for token in node.tokens()] == [first.revoked_at]
    with pytest.raises(NotFound):
        node.revoke_token("nobody")


def test_without_any_right_a_collection_does_not_exist_and_with_one_missing_it_is_refused(node: Node) -> None:
    other = node.add_collection("Other", alias="other")
    access = admitted(node, read=["other"])
    assert [view.id for view in node.collections(access)] == [other.id]
    with pytest.raises(NotFound):
        node.collection("default", access)
    with pytest.raises(NotFound):
        node.page(access, Query(collection="default"))
    with pytest.raises(NotAuthorized):
        node.post(access, "other", b"{}")
    with pytest.raises(NotAuthorized):
        node.delete(access, "other", "indicator--x")


def test_a_write_only_collection_is_listed_as_such(node: Node) -> None:
    access = admitted(node, write=["default"])
    assert [(view.can_read, view.can_write) for view in node.collections(access)] == [(False, True)]
    with pytest.raises(NotAuthorized):
        node.page(access, Query(collection="default"))


def test_a_right_to_all_holds_for_collections_made_later(node: Node) -> None:
    access = admitted(node, read=["all"])
    node.add_collection("Later")
    assert len(node.collections(access)) == 2


def test_a_reader_of_one_collection_cannot_ask_across_all(node: Node) -> None:
    node.receive(bundle(indicator()))
    access = admitted(node, read=["default"])
    node.add_collection("Other")
    with pytest.raises(NotAuthorized):
        list(node.find(Query(), access))
    with pytest.raises(NotAuthorized):
        node.search("command", access=access)
    assert len(list(node.find(Query(collection="default"), access))) == 1


@pytest.mark.parametrize(
    "asked",
    [{"read": []}, {"read": ["all"], "days": 0}, {"read": ["all"], "days": 181}, {"read": ["all"], "name": "\n"}],
)
def test_a_token_that_makes_no_sense_is_not_issued(node: Node, asked: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        node.new_token(**{"name": "x", **asked})  # type: ignore[arg-type]
    assert node.tokens() == []


def test_a_token_for_a_collection_or_source_that_is_not_there_is_not_issued(node: Node) -> None:
    with pytest.raises(NotFound):
        node.new_token("x", read=["nowhere"])
    with pytest.raises(NotFound):
        node.new_token("x", read=["all"], source="nobody")


def test_a_collection_of_others_and_none_are_told_apart_by_no_word(node: Node) -> None:
    node.add_collection("Other", alias="other")
    node.add_collection("Titled")
    access = admitted(node, read=["default"])
    said = set()
    for name in ("other", "Other", "Titled", "nowhere", "\0", "\ud800"):
        with pytest.raises(NotFound) as caught:
            node.collection(name, access)
        said.add((caught.value.message, caught.value.where, caught.value.hint, caught.value.code))
    assert len(said) == 1
    assert node.collection("Other").alias == "other"


def test_at_one_moment_a_right_and_what_it_shows_hold_together(node: Node) -> None:
    made = node.new_token("siem", read=["all"])
    with node.at_one_moment():
        access = node.admit(Credential(made.user, made.secret))
        node.receive(bundle(indicator()))
        node.revoke_token(made.user)
        assert node.admit(Credential(made.user, made.secret)) == access
        assert node.page(access, Query()).count == 0
    assert node.page(access, Query()).count == 1
    with pytest.raises(Unauthenticated):
        node.admit(Credential(made.user, made.secret))
