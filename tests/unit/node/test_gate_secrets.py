"""A secret that was stored a moment ago is searched for in whatever is published after it."""

import json
from typing import Any

import pytest
from tests.gate_world import marked, partnered, take
from tests.world import bundle

from comity.interfaces import Query
from comity.node.access import Access
from comity.node.node import Node
from comity.node.publishing import Selection
from comity.stix.markings import TLP

pytestmark = pytest.mark.slow


def ids(node: Node, access: Access) -> list[str]:
    page = node.page(access, Query(collection="default"))
    return [each["id"] for each in json.loads(b"[" + page.body + b"]")]


def tie(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "relationship",
        "spec_version": "2.1",
        "id": "relationship--00000000-0000-4000-8000-000000000001",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "relationship_type": "related-to",
        "source_ref": one["id"],
        "target_ref": other["id"],
    }


@pytest.mark.parametrize("published_before", [True, False])
def test_a_text_that_is_published_after_a_secret_was_stored_is_never_served_without_it(
    node: Node, published_before: bool
) -> None:
    access = partnered(node)
    told = marked(TLP.GREEN, name="seen beside the Kancil loader")
    node.receive(bundle(told))
    before = take(node, marked(TLP.GREEN)) if published_before else []
    secret = marked(TLP.RED, name="Kancil loader", pattern="[domain-name:value = 'kancil.example']")
    node.receive(bundle(secret, tie(told, secret)))
    seen: list[list[str]] = []
    selection = Selection(ids=(str(told["id"]),))
    node.publish(selection, hold_seconds=0, progress=lambda _: seen.append(ids(node, access)))
    assert seen == [before]
    assert ids(node, access) == before


def test_a_text_that_left_is_withheld_once_the_secret_is_looked_at(node: Node) -> None:
    access = partnered(node)
    told = marked(TLP.GREEN, name="seen beside the Kancil loader")
    assert take(node, told) == ids(node, access)
    secret = marked(TLP.RED, name="Kancil loader", pattern="[domain-name:value = 'kancil.example']")
    node.receive(bundle(secret, tie(told, secret)))
    # It left before the secret was there, and goes on doing so until the secret is looked at.
    assert ids(node, access) == [told["id"]]
    assert node.relations_behind() == 2
    while node.work():
        pass
    assert ids(node, access) == []
    assert node.relations_behind() == 0
