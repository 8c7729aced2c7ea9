"""Partners: the steps from state to state, what a record may hold, and whose names look the same."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.world import MadeClock

from comity.errors import AlreadyDone, ComityError, Conflict, Invalid, NotFound, Unauthenticated
from comity.interfaces import microseconds
from comity.node.access import Credential
from comity.node.names import skeleton
from comity.node.node import Node
from comity.node.partners import STEPS
from comity.node.policies import starter_texts
from comity.node.recipients import NEVER, Partner, source_of
from comity.release.facets import STATES

DAY_US = 86_400_000_000


def active(node: Node, name: str = "CERT-B", **facets: Any) -> Partner:
    node.add_partner(name, **facets)
    return node.step_partner(name, "activate", checked_by="a call")


@pytest.mark.parametrize("state", [state for state in STATES if state != "expired"])
@pytest.mark.parametrize("step", STEPS)
def test_each_step_is_taken_from_its_states_alone(node: Node, state: str, step: str) -> None:
    made = node.add_partner("CERT-B")
    with node.store.write() as tx:
        (record,) = tx.records("partner")
        tx.put_record(replace(record, body=msgspec.json.encode(msgspec.structs.replace(made, state=state))))
    states, leads_to = STEPS[step]
    if state in states:
        assert node.step_partner("CERT-B", step, checked_by="a call").state == leads_to
    else:
        with pytest.raises(Conflict):
            node.step_partner("CERT-B", step, checked_by="a call")
        assert node.partner("CERT-B").state == state


def test_only_a_step_makes_active_and_who_never_was_is_offered_nothing(node: Node, clock: MadeClock) -> None:
    for facet, value in (
        ("state", "active"),
        ("activated_at", 1),
        ("checked_by", "me"),
        ("id", "x"),
        ("colour", "red"),
    ):
        with pytest.raises(Invalid):
            node.add_partner("CERT-B", **{facet: value})
    made = node.add_partner("CERT-B")
    with pytest.raises(Invalid):
        node.edit_partner("CERT-B", state="active")
    now = microseconds(clock.now())
    assert made.subject("s", now).history_from == NEVER
    with pytest.raises(Invalid):
        node.step_partner("CERT-B", "activate")
    assert node.step_partner("CERT-B", "activate", checked_by="a call").subject("s", now).history_from == now
    assert node.edit_partner("CERT-B", history_from=0).subject("s", now).history_from == 0


def test_an_agreement_that_is_over_expires_and_nothing_else_does(clock: MadeClock, node: Node) -> None:
    now = microseconds(clock.now())
    partner = active(node, agreement_until=now + DAY_US)
    assert [partner.state_at(now + at) for at in (0, DAY_US - 1, DAY_US)] == ["active", "active", "expired"]
    paused = node.step_partner("CERT-B", "pause")
    assert paused.state_at(now + DAY_US) == "suspended"


def test_who_has_ended_has_no_token_and_gets_none(node: Node) -> None:
    active(node)
    made = node.new_token("siem", read=["all"], partner="CERT-B")
    other = node.new_token("ours", read=["all"])
    assert node.admit(Credential(made.user, made.secret)).recipient == node.partner("CERT-B").id
    node.step_partner("CERT-B", "end")
    with pytest.raises(Unauthenticated):
        node.admit(Credential(made.user, made.secret))
    assert node.admit(Credential(other.user, other.secret)).recipient == ""
    with pytest.raises(Conflict):
        node.new_token("again", read=["all"], partner="CERT-B")
    with pytest.raises(Conflict):
        node.edit_partner("CERT-B", country="EE")


def test_nobody_else_posts_as_a_partner(node: Node) -> None:
    partner = active(node)
    with pytest.raises(Invalid):
        node.add_source(source_of(partner.id))
    node.new_token("siem", write=["all"], partner="CERT-B")
    with pytest.raises(Invalid):
        node.new_token("ours", write=["all"], source=source_of(partner.id))


@pytest.mark.parametrize(
    "name",
    [
        "cert-b",
        "CERT B",
        "Cert_B",
        "\uff23\uff25\uff32\uff34-\uff22",
        "\u0421\u0415R\u0422-\u0412",
        "CER\u03a4-\u0392",
        "CERT-8",
        "C\u00c9RT-B",
    ],
)
def test_a_name_that_looks_the_same_is_refused(node: Node, name: str) -> None:
    node.add_partner("CERT-B")
    with pytest.raises(AlreadyDone):
        node.add_partner(name)
    node.add_partner("CERT-C")
    with pytest.raises(AlreadyDone):
        node.edit_partner("CERT-C", name=name)
    assert node.edit_partner("CERT-B", name="CERT B").name == "CERT B"


def test_names_of_signs_alone_are_told_apart() -> None:
    assert skeleton("!!!") != skeleton("???")


@pytest.mark.parametrize(
    "facets",
    [
        {"name": ""},
        {"name": "7d444840-9dc0-11d1-b245-5ffdce74fad2"},
        {"name": "a\nb"},
        {"country": "Estonia"},
        {"country": "ee"},
        {"max_tlp": "red"},
        {"max_tlp": "purple"},
        {"sectors": ("x" * 101,)},
        {"groups": tuple(map(str, range(65)))},
        {"groups": ("",)},
        {"jurisdictions": ("E1",)},
        {"jurisdictions": ("EE",) * 65},
        {"need_to_know": "x" * 501},
        {"agreement_from": 5, "agreement_until": 5},
    ],
)
def test_what_a_partner_cannot_be_is_refused(node: Node, facets: dict[str, Any]) -> None:
    name = facets.pop("name", "CERT-B")
    with pytest.raises(ComityError):
        node.add_partner(name, **facets)
    assert node.partners() == []
    with pytest.raises(NotFound):
        node.partner("CERT-B")


TEXTS = st.text(max_size=20)
INSTANTS = st.none() | st.integers(0, 2**60)


@given(
    st.builds(
        Partner,
        id=TEXTS,
        name=TEXTS,
        relation=st.sampled_from(["partner", "client"]),
        state=st.sampled_from(STATES),
        sectors=st.tuples(TEXTS),
        jurisdictions=st.none() | st.tuples(TEXTS),
        cybersecurity=st.booleans(),
        agreement_until=INSTANTS,
        history_from=INSTANTS,
        activated_at=INSTANTS,
    )
)
def test_a_record_gives_back_what_was_put_and_refuses_what_it_does_not_know(partner: Partner) -> None:
    body = msgspec.json.encode(partner)
    assert msgspec.json.decode(body, type=Partner) == partner
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"colour":1,' + body[1:], type=Partner)


def test_a_policy_that_is_in_force_already_gets_no_new_version(node: Node) -> None:
    nothing = starter_texts()["nothing"]
    first = node.apply_policy(*nothing)
    assert (first.version, node.apply_policy(*nothing).version) == (1, 1)
    wider = node.apply_policy(*starter_texts()["green-community"])
    assert (wider.version, wider.widens > 0, wider.narrows) == (2, True, 0)
    back = node.apply_policy(*nothing)
    assert (back.version, back.widens, back.narrows) == (3, 0, wider.widens)
    assert [record.version for record, _ in node.policy_log()] == [3, 2, 1]
