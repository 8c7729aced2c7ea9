"""Clients and their services, whom a partner counts as its own, where it stores, and what the gate makes of that."""

import json
from dataclasses import replace
from itertools import product
from typing import Any

import msgspec
import pytest
from tests.gate_world import PARTNER, Reader, marked, take
from tests.release_world import policy_of
from tests.world import MadeClock

from comity.errors import Invalid
from comity.interfaces import microseconds
from comity.node.boundaries import OUR_STATEMENT, boundary_words, jurisdiction_words
from comity.node.countries import countries
from comity.node.node import Node
from comity.node.recipients import Partner
from comity.node.views import Subject
from comity.release.classes import Action, Recipient, Relation, ReleaseClass
from comity.release.classify import Context, classify
from comity.release.decide import decide_all
from comity.stix.extensions import LIMITS_EXTENSION
from comity.stix.tlp import TLP

DAY = 86_400_000_000
ALL = '@id("all") @title("Everything") permit (principal, action, resource);'


def limits(**members: Any) -> dict[str, Any]:
    return {LIMITS_EXTENSION: {"extension_type": "property-extension", **members}}


def client(node: Node, **facets: Any) -> Partner:
    node.add_partner("City", relation="client", **({"service": "SOC-17"} | facets))
    return node.step_partner("City", "activate", checked_by="a call")


def test_a_client_without_a_service_is_not_activated_nor_goes_on_as_one(node: Node) -> None:
    with pytest.raises(Invalid) as refused:
        client(node, service="")
    assert (refused.value.where, refused.value.rule) == ("service", "R2")
    node.edit_partner("City", service="SOC-17")
    partner = node.step_partner("City", "activate", checked_by="a call")
    with pytest.raises(Invalid):
        node.edit_partner("City", service=" ")
    before = msgspec.structs.replace(partner, service="")
    assert before.state_at(microseconds(node.clock.now())) == "pending"


def test_outside_of_the_dates_of_its_service_a_client_is_none(node: Node, clock: MadeClock) -> None:
    now = microseconds(clock.now())
    partner = client(node, service_from=now + DAY, service_until=now + 2 * DAY)
    states = [partner.state_at(now + at) for at in (0, DAY - 1, DAY, 2 * DAY - 1, 2 * DAY)]
    assert states == ["planned", "planned", "active", "active", "expired"]
    take(node, marked(TLP.GREEN, name="it"))
    seen = []
    for at in (now, now + DAY, now + 2 * DAY):
        reader = Reader(node, ALL, partner.subject("s", at))
        reader.subject = replace(reader.subject, history_from=0)
        seen.append(len(reader.ids()))
        clock.move(days=1)
    assert seen == [0, 1, 0]


def test_a_decision_holds_no_longer_than_the_service(node: Node, clock: MadeClock) -> None:
    now = microseconds(clock.now())
    partner = client(node, service_until=now + DAY, agreement_until=now + 5 * DAY, agreement_from=now - DAY)
    (decision,) = decide_all(
        policy_of(ALL),
        [ReleaseClass(tlp=TLP.GREEN, tlp_from="object", type="indicator")],
        partner.subject("s", now).recipient,
        Action.RELEASE,
        now,
    )
    assert (decision.allowed, decision.valid_until) == (True, now + DAY)


@pytest.mark.parametrize(
    ("relation", "facets"),
    [
        ("partner", {"service": "SOC-17"}),
        ("partner", {"service_from": 1}),
        ("partner", {"service_until": 1}),
        ("partner", {"contact": "the duty desk"}),
        ("partner", {"need_to_know": "constituency"}),
        ("client", {"organisation_boundary": "members"}),
        ("client", {"service_from": 2, "service_until": 2}),
        ("client", {"contact": "a\nb"}),
        ("client", {"service": "s" * 501}),
        ("partner", {"declared_by": "partner"}),
        ("partner", {"country": "ZZ"}),
        ("partner", {"country": "UK"}),
        ("partner", {"country": "ee"}),
        ("partner", {"jurisdictions": ("EE", "EU")}),
    ],
)
def test_what_cannot_be_said_of_a_partner_or_client_is_refused(
    node: Node, relation: str, facets: dict[str, Any]
) -> None:
    with pytest.raises(Invalid):
        node.add_partner("Someone", relation=relation, **facets)


def test_the_countries_are_those_of_the_standard() -> None:
    known = countries()
    assert 245 <= len(known) <= 260
    assert {"EE", "FI", "DE", "US", "CN", "ZA", "GB"} <= known
    assert not {"ZZ", "UK", "EU", "XX", ""} & known


def test_a_country_that_there_is_not_makes_an_object_unsound() -> None:
    context = Context("feed", lambda _ref: None, TLP.GREEN, countries=countries())
    for codes, unsound in ((["EE"], False), (["EE", "ZZ"], True), (["EU"], True)):
        value = {"type": "campaign", "name": "c", "extensions": limits(residency=codes)}
        assert classify(value, context).unsound is unsound, codes


def test_an_object_for_a_country_that_there_is_not_leaves_to_nobody(node: Node) -> None:
    take(node, marked(TLP.GREEN, name="nowhere", extensions=limits(residency=["ZZ"])))
    there = replace(PARTNER, transport="node", jurisdictions=frozenset({"ZZ"}))
    assert Reader(node, ALL, Subject(there)).ids() == []


def test_residency_never_passes_by_taxii_or_mail() -> None:
    policy = policy_of(ALL)
    classes = [
        ReleaseClass(tlp=tlp, tlp_from="object", type="indicator", origin=origin, residency=residency)
        for tlp, origin, residency in product(
            (level for level in TLP if level is not TLP.RED), ("", "X"), (frozenset({"EE"}), frozenset({"EE", "FI"}))
        )
    ]
    for relation, jurisdictions, encrypted in product(
        (Relation.PARTNER, Relation.CLIENT, Relation.PUBLIC), (None, frozenset[str](), frozenset({"EE"})), (False, True)
    ):
        allowed = {}
        for transport in ("taxii", "mail", "node"):
            recipient = Recipient(
                *("B", relation, "active"),
                cybersecurity=True,
                jurisdictions=jurisdictions,
                origins=frozenset({"X"}),
                transport=transport,
                encrypted=encrypted,
                need_to_know="constituency",
            )
            found = decide_all(policy, classes, recipient, Action.RELEASE, 0)
            allowed[transport] = any(each.allowed for each in found)
        # Only from node to node, and only where something is declared, can it go at all: the others are not vacuous.
        assert allowed == {"taxii": False, "mail": False, "node": jurisdictions == frozenset({"EE"})}


def test_what_is_limited_to_countries_reaches_no_partner_over_taxii_whoever_declared(node: Node) -> None:
    take(node, marked(TLP.GREEN, name="here", extensions=limits(residency=["EE"])))
    for said in ("partner", "us"):
        partner = node.add_partner(f"by {said}", jurisdictions=("EE",), declared_by=said, history_from=0)
        partner = node.step_partner(partner.name, "activate", checked_by="a call")
        subject = partner.subject("s", microseconds(node.clock.now()))
        assert subject.recipient.jurisdictions == frozenset({"EE"})
        assert Reader(node, ALL, subject).ids() == []


def test_jurisdictions_are_our_statement_unless_the_partner_declared_these(node: Node) -> None:
    node.add_partner("CERT-B", jurisdictions=("EE", "FI"))
    assert jurisdiction_words(node.partner("CERT-B")) == f"EE, FI ({OUR_STATEMENT})"
    node.edit_partner("CERT-B", declared_by="partner")
    assert jurisdiction_words(node.partner("CERT-B")) == "EE, FI (declared by the partner)"
    # What it declared were other countries.
    assert node.edit_partner("CERT-B", jurisdictions=("SE",)).declared_by == "us"
    assert node.edit_partner("CERT-B", jurisdictions=("NO",), declared_by="partner").declared_by == "partner"
    gone = node.edit_partner("CERT-B", jurisdictions=None)
    assert (gone.declared_by, jurisdiction_words(gone)) == ("us", "undeclared, which is nowhere")


def test_it_is_told_in_words_whom_a_recipient_may_tell(node: Node) -> None:
    staff = " ".join(boundary_words(node.add_partner("CERT-B")))
    members = " ".join(boundary_words(node.add_partner("ISAC", organisation_boundary="members")))
    served = " ".join(boundary_words(node.add_partner("City", relation="client")))
    assert "its staff" in staff
    assert "members" not in staff
    assert "AMBER+STRICT may reach all of them" in members
    assert all("not subjects of our policy" in words for words in (staff, members))
    assert "is a client" in served


def test_a_record_of_before_is_read_as_it_was() -> None:
    old = json.dumps({"id": "i", "name": "CERT-B", "state": "active", "jurisdictions": ["EE"]}).encode()
    partner = msgspec.json.decode(old, type=Partner)
    assert (partner.state_at(0), partner.organisation_boundary, partner.declared_by) == ("active", "staff", "us")
