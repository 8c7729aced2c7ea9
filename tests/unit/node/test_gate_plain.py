"""What leaves without its author and what is local is made without a look at references, and is the same bytes."""

import itertools
from dataclasses import replace
from typing import Any

import pytest
from tests.gate_world import AND_AUTHORS, GREEN_OURS, PARTNER, Reader, take
from tests.unit.node.test_gate_edits import MAKER, sdo

from comity.interfaces import microseconds
from comity.node.node import Node
from comity.node.views import Subject, leave
from comity.stix.extensions import LIMITS_EXTENSION
from comity.stix.markings import MARKING_IDS, TLP

LIMITS = {
    LIMITS_EXTENSION: {"extension_type": "property-extension", "sectors": ["energy"], "community": "c", "groups": ["c"]}
}
ALONE = {LIMITS_EXTENSION: {"extension_type": "property-extension", "groups": ["c"]}}
SELECTED = [{"marking_ref": MARKING_IDS[TLP.GREEN], "selectors": ["created_by_ref", "name"]}]
ONLY = [{"marking_ref": MARKING_IDS[TLP.GREEN], "selectors": ["created_by_ref"]}]
OTHER = f"identity--{'4' * 8}-0000-4000-8000-{'1' * 12}"


@pytest.mark.parametrize("policy", [GREEN_OURS, GREEN_OURS + AND_AUTHORS], ids=["authors hidden", "authors named"])
def test_the_short_way_gives_the_bytes_of_the_long_one(node: Node, policy: str) -> None:
    subject = Subject(replace(PARTNER, groups=frozenset({"c"})))
    reader = Reader(node, policy, subject)
    made = []
    authors: tuple[dict[str, Any], ...] = ({}, {"created_by_ref": MAKER}, {"created_by_ref": OTHER})
    limits: tuple[dict[str, Any], ...] = ({}, {"extensions": LIMITS}, {"extensions": ALONE})
    chosen: tuple[dict[str, Any], ...] = ({}, {"granular_markings": SELECTED}, {"granular_markings": ONLY})
    for number, (author, limit, markings) in enumerate(itertools.product(authors, limits, chosen), 1):
        value = sdo("campaign", number, name=f"campaign number {number}") | limit | markings
        del value["created_by_ref"]
        if not author:
            value.pop("granular_markings", None)
        made.append(value | author)
    known = sdo("identity", 0, name="who is known here") | {"id": MAKER}
    del known["created_by_ref"]
    report = sdo("report", 90, name="a list", published="2026-01-01T00:00:00Z", object_refs=[made[0]["id"], OTHER])
    take(node, known, *made, report | {"report_types": ["campaign"]})
    now = microseconds(node.clock.now())
    with node.store.read() as snapshot:
        view = reader.gate.view(snapshot, reader.policy, reader.subject, now)
        short = leave(snapshot, view, view.alive)
        assert short == leave(snapshot, view, view.alive, sound=lambda before, after: True)
        assert len(short) == len(made) + 2
    # All but the report, which loses one of its list, and what loses nothing at all.
    assert len(view.plain) >= 20
    assert len(view.edited - view.plain) == 1
    assert len(view.authorless) == (19 if "authors" not in policy else 9)
