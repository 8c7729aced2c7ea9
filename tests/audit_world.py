"""A node that holds what is restricted and what is not, and what its audit log has of it."""

import json
from typing import Any

from tests.gate_world import marked
from tests.world import bundle

from comity.node.node import Node
from comity.stix.tlp import TLP
from comity.store.audit import AuditQuery, AuditRow

LEVELS = (TLP.CLEAR, TLP.GREEN, TLP.AMBER, TLP.AMBER_STRICT, TLP.RED)
OBJECTS = {level: marked(level, name=f"secret words {level.name}") for level in LEVELS}
OPEN = (TLP.CLEAR, TLP.GREEN, TLP.AMBER)


def fill(node: Node, *levels: TLP) -> None:
    """The node holds an object of each of these levels."""
    node.receive(bundle(*(OBJECTS[level] for level in levels)))


def rows_of(node: Node, *acts: str) -> list[AuditRow]:
    """The rows of the log, of these acts or all."""
    node.looks.flush()
    with node.store.read() as snapshot:
        return snapshot.audit_rows(AuditQuery(acts=acts))


def told(row: AuditRow) -> dict[str, Any]:
    """What the row says."""
    found: dict[str, Any] = json.loads(row.what)
    return found
