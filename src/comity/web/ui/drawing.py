"""A neighbourhood as a drawing: what points to the object on one side, what it points to on the other."""

from collections.abc import Sequence
from dataclasses import dataclass

from comity.node.linking import IN, Link

NODES_MOST = 60
SIDE_MOST = NODES_MOST // 2
WIDTH, ROW, TOP = 960, 30, 30
COLUMNS = {IN: 250, "out": WIDTH - 250}


@dataclass(frozen=True, slots=True)
class Node:
    """A circle, its text beside it, and the line to the middle with the word that says why."""

    x: int
    y: int
    side: str
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """At most NODES_MOST neighbours, and how large the drawing is. `left_out` were not drawn."""

    nodes: Sequence[Node]
    width: int
    height: int
    middle: int
    left_out: int


def drawing_of(links: Sequence[Link]) -> Drawing:
    """The drawing of these links, each neighbour once a way and reason."""
    sides: dict[str, list[Node]] = {side: [] for side in COLUMNS}
    left_out = 0
    for link in links:
        side = sides[link.way]
        if len(side) >= SIDE_MOST:
            left_out += 1
            continue
        other = link.other
        name = (other.name or other.id) if other is not None else link.id
        side.append(Node(COLUMNS[link.way], TOP + len(side) * ROW, link.way, name, link.why))
    rows = max(1, *(len(side) for side in sides.values()))
    height = TOP + rows * ROW
    nodes = [
        Node(node.x, node.y + (rows - len(side)) * ROW // 2, node.side, node.text, node.why)
        for side in sides.values()
        for node in side
    ]
    return Drawing(nodes, WIDTH, height, TOP + (rows - 1) * ROW // 2, left_out)
