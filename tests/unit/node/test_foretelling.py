"""Who would receive a draft is what the gate does once it is saved and published (R12)."""

from dataclasses import replace
from typing import Any

import pytest
from tests.gate_world import look_at_all, marked
from tests.telling_world import put_in_force
from tests.unit.node.test_drafts import C2, FIELDS, node, started
from tests.world import bundle

from comity.node.node import Node
from comity.node.publishing import Selection
from comity.release.closure import Verdict
from comity.stix.markings import TLP

__all__ = ["node"]
RULES = """
@id("ours") @title("Ours up to GREEN goes to everybody") permit (principal, action == Action::"release", resource)
when { resource.ours && [Tlp::"clear", Tlp::"green"].contains(resource.tlp) };
@id("asked") @title("AMBER goes when a second person has looked") @approval("second-person")
permit (principal, action == Action::"release", resource)
when { resource.ours && resource.tlp == Tlp::"amber" && principal.relation == Relation::"partner" };
"""
CASES = '[[case]]\nname = "Ours"\nobject = { tlp = "clear" }\nrecipient = {}\nexpect = "allow"\n'
CASES += '[[case]]\nname = "Asked"\nobject = { tlp = "amber" }\nrecipient = { max_tlp = "amber" }\nexpect = "allow"\n'


def foretold(node: Node, id: str) -> dict[str, tuple[Verdict, tuple[str, ...], tuple[Any, ...]]]:
    return {
        one.partner: (one.verdict, tuple(rule.id for rule in one.rules), one.cuts)
        for one in node.foretell_draft(id).who
    }


def received(node: Node, id: str) -> dict[str, tuple[Verdict, tuple[str, ...], tuple[Any, ...]]]:
    """The slow way: it was saved and published, and the gate is asked."""
    (copy,) = node.who(id)
    return {one.partner: (one.verdict, tuple(rule.id for rule in one.rules), one.cuts) for one in copy.who}


DRAFTED: list[tuple[str, dict[str, str]]] = [
    ("incident", FIELDS | {"tlp": tlp}) for tlp in ("clear", "green", "amber", "amber+strict", "red")
]
DRAFTED += [
    ("indicator", C2 | {"community": "energy"}),
    ("indicator", C2 | {"groups": "eu-energy\nnordic"}),
    ("indicator", C2 | {"residency": "EE"}),
    ("indicator", C2 | {"embargo_until": "2030-01-01"}),
    ("indicator", C2 | {"exercise": "yes", "sectors": "energy"}),
    ("indicator", C2 | {"pap": "red"}),
    ("indicator", C2 | {"markings": f"marking-definition--{'8' * 8}-0000-4000-8000-{'8' * 12}"}),
    ("incident", FIELDS | {"description": "Call Anna Muster, +49 30 1234567, anna.muster@victim.example"}),
    ("relationship", {"source_ref": "OUT", "relationship_type": "indicates", "target_ref": "IN", "tlp": "green"}),
    ("relationship", {"source_ref": "OUT", "relationship_type": "indicates", "target_ref": "OUT", "tlp": "green"}),
    ("report", FIELDS | {"object_refs": "OUT"}),
    ("report", FIELDS | {"object_refs": "OUT\nIN"}),
    ("report", FIELDS | {"object_refs": "IN"}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("type", "fields"), DRAFTED)
def test_what_is_foretold_is_what_the_gate_does_once_it_is_published(
    node: Node, type: str, fields: dict[str, str]
) -> None:
    for name, more in (
        ("CERT-B", {"max_tlp": "amber", "groups": ("eu-energy",), "jurisdictions": ("EE",)}),
        ("CERT-C", {"max_tlp": "green", "cybersecurity": True}),
        ("CERT-D", {"max_tlp": "clear"}),
        ("Waiting", {"max_tlp": "amber"}),
    ):
        node.add_partner(name, **({"history_from": 0} | more))
        if name != "Waiting":
            node.step_partner(name, "activate", checked_by="a call")
    put_in_force(node, RULES, CASES)
    # What texts name is looked at once it is published, so that neither says what the other is called.
    out, kept = (
        marked(level, name=word, pattern=f"[domain-name:value = '{word}.example']")
        for word, level in (("kancil", TLP.CLEAR), ("buaya", TLP.AMBER_STRICT))
    )
    node.receive(bundle(out, kept))
    node.publish(hold_seconds=0)
    look_at_all(node)
    said = {name: text.replace("OUT", out["id"]).replace("IN", kept["id"]) for name, text in fields.items()}
    draft = node.start_draft(type, said)
    told = foretold(node, draft.id)
    saved = node.save_draft(draft.id, 1)
    assert node.who(saved.id)[0].who == ()
    node.publish(Selection(ids=(saved.id,)), hold_seconds=0)
    look_at_all(node)
    assert told == received(node, saved.id)
    assert set(told) == {"CERT-B", "CERT-C", "CERT-D", "Waiting"}


def test_what_is_published_at_once_by_its_source_is_said_to_be(node: Node) -> None:
    draft = started(node)
    assert not node.foretell_draft(draft.id).at_once
    with node.store.write() as tx:
        tx.put_source(replace(tx.source("local"), publish="auto"))
    assert node.foretell_draft(draft.id).at_once
