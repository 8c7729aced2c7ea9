"""What an object is tied to as nodes and edges: for programs, and for the graph of its page."""

from typing import Any
from urllib.parse import quote

from comity.node.browsing import About, Hit
from comity.node.people import READING
from comity.stix.tlp import TLP
from comity.web.answer import Answer
from comity.web.ui.fields import json_answer
from comity.web.ui.objects import ROOT, id_of, shown_copy
from comity.web.ui.purpose import purposed
from comity.web.ui.shown import cut, one_line, short_id
from comity.web.ui.visit import Page, Visit

NODES_MOST = 300
NAME_CHARACTERS = 120


def relations(visit: Visit) -> Answer:
    """The object and its neighbours, NODES_MOST in all; each text as a page would show it."""
    return json_answer(graph_of(visit.node.about(id_of(visit))))


def graph_of(about: About) -> dict[str, Any]:
    """`nodes` and `edges` with every end among the nodes; `left_out` counts the neighbours that are not there, and
    `more` says that there are relations which were not looked at."""
    copy = shown_copy(about)
    nodes = {about.id: _node(about.id, about.name, copy.tlp)}
    edges: dict[tuple[str, str, str], dict[str, Any]] = {}
    left_out = set()
    for link in about.links.items:
        if link.id not in nodes:
            if len(nodes) == NODES_MOST:
                left_out.add(link.id)
                continue
            nodes[link.id] = _node(link.id, link.other.name if link.other else "", _level(link.other))
        ends = (about.id, link.id) if link.way == "out" else (link.id, about.id)
        why = one_line(cut(link.why, NAME_CHARACTERS))
        edge = {"source": ends[0], "target": ends[1], "why": why, "by": link.by.id if link.by else None}
        edges.setdefault((*ends, why), edge)
    return {
        "id": about.id,
        "nodes": list(nodes.values()),
        "edges": list(edges.values()),
        "left_out": len(left_out),
        "more": about.links.more,
    }


def _node(id: str, name: str, tlp: str) -> dict[str, Any]:
    return {
        "id": id,
        "type": one_line(cut(id.partition("--")[0], NAME_CHARACTERS)),
        "name": one_line(cut(name, NAME_CHARACTERS)) or short_id(id),
        "tlp": tlp,
        "url": f"/objects/{quote(id, safe='')}",
    }


def _level(hit: Hit | None) -> str:
    if hit is None:
        return ""
    level = hit.tlp if hit.tlp is not None else hit.default_tlp
    return TLP(level).word if level is not None else ""


PAGES: tuple[Page, ...] = (Page(f"{ROOT}/relations.json", purposed(relations), frozenset(READING)),)
