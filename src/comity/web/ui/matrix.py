"""The decisions of policy as a table: each class of published objects, for each partner and client."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from comity.errors import Invalid
from comity.node.node import Node
from comity.node.people import AUDIT, READING
from comity.node.recipients import Partner
from comity.node.tabling import Cell
from comity.release.classes import Action
from comity.web.answer import Answer
from comity.web.ui.fields import json_answer, number_in, path
from comity.web.ui.visit import Page, Visit

CLASSES_SHOWN = 12
PARTNERS_BESIDE = 8
CELLS_MOST = 20_000


@dataclass(frozen=True, slots=True)
class Row:
    """A class in words, how many objects of it are published, and the cell of each partner by id."""

    words: str
    objects: int
    cells: dict[str, Cell]


def _asked(visit: Visit) -> tuple[list[Partner], list[Partner], Action]:
    """All partners, those that the address asks for, and the action."""
    every = visit.node.partners()
    named = visit.parameters.get("to", [])
    wanted = [visit.node.partner(name) for name in dict.fromkeys(named) if name] or every
    word = visit.parameter("action", Action.RELEASE.value)
    if word not in list(Action):
        raise Invalid(f"{word[:40]!r} is no action.", where="action", hint=f"Actions: {', '.join(Action)}.")
    return every, wanted, Action(word)


def matrix(visit: Visit) -> Answer:
    """A page of classes and of partners, with the rule that decides each cell."""
    every, wanted, action = _asked(visit)
    row = number_in(visit.parameter("row"), "row")
    column = number_in(visit.parameter("column"), "column")
    beside = wanted[column : column + PARTNERS_BESIDE]
    classes = visit.node.classes_published() if beside else []
    rows = {words: Row(words, count, {}) for words, count in classes[row : row + CLASSES_SHOWN]}
    for cell in visit.node.matrix([one.id for one in beside], (action,), classes=rows) if rows else ():
        rows[cell.words].cells[cell.partner.id] = cell
    kept = {"action": "" if action is Action.RELEASE else action.value}

    def link(row: int, column: int) -> str:
        """The address of the page from that class and that partner on."""
        some = "".join(f"&to={one.id}" for one in wanted) if len(wanted) < len(every) else ""
        made = path("release", "matrix", row=str(row or ""), column=str(column or ""), **kept)
        return made + (some if "?" in made else some.replace("&", "?", 1))

    return visit.page(
        "matrix.html",
        every=every,
        wanted=[one.id for one in wanted] if len(wanted) < len(every) else [],
        beside=beside,
        rows=list(rows.values()),
        classes=len(classes),
        objects=sum(count for _, count in classes),
        action=action.value,
        actions=[one.value for one in Action],
        hidden=visit.node.not_shown(),
        at=(row, column),
        right=link(row, column + PARTNERS_BESIDE) if column + PARTNERS_BESIDE < len(wanted) else "",
        left=link(row, max(0, column - PARTNERS_BESIDE)) if column else "",
        down=link(row + CLASSES_SHOWN, column) if row + CLASSES_SHOWN < len(classes) else "",
        up=link(max(0, row - CLASSES_SHOWN), column) if row else "",
        total=len(wanted),
    )


def as_json(visit: Visit) -> Answer:
    """The same cells as `release matrix --json` has, the first CELLS_MOST."""
    _, wanted, action = _asked(visit)
    return json_answer(cells_of(visit.node, wanted, action))


def cells_of(node: Node, wanted: Sequence[Partner], action: Action) -> dict[str, Any]:
    """What policy says of each class for these partners, the first CELLS_MOST cells."""
    items: list[dict[str, Any]] = []
    more = False
    for cell in node.matrix([one.id for one in wanted], (action,)) if wanted else ():
        if len(items) == CELLS_MOST:
            more = True
            break
        items.append(
            {
                "class": cell.words,
                "objects": cell.objects,
                "partner": cell.partner.name,
                "action": cell.action.value,
                "decision": "allow" if cell.decision.allowed else "withhold",
                "rules": [{"id": rule.id, "title": rule.title} for rule in cell.decision.because],
            }
        )
    hidden = node.not_shown()
    return {"items": items, "more": more} | ({} if hidden is None else {"not_shown": hidden})


_TOLD = frozenset((*READING, AUDIT))
PAGES = (
    Page("/release/matrix", matrix, _TOLD),
    Page("/release/matrix.json", as_json, _TOLD),
)
