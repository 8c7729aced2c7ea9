"""The record of what left: what a partner has of ours, or who has an object, as a page and as files."""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from comity.errors import ComityError, InvalidRequest
from comity.interfaces import instant_of
from comity.node.holding import Held, Left
from comity.node.node import Node
from comity.node.people import AUDIT, READING
from comity.node.spelling import csv_cell
from comity.web.answer import Answer
from comity.web.ui.fields import file_answer, json_answer, number_in, refused, words_in
from comity.web.ui.visit import Page, Visit

ROWS = 50
ROWS_MOST = 10_000
CSV_TYPE = "text/csv; charset=utf-8"


def record(visit: Visit) -> Answer:
    """What left for the partner, or who has the object, the first in the order of publishing."""
    to, ident = visit.parameter("to"), visit.parameter("object").strip()
    context: dict[str, Any] = {
        "to": to,
        "object": ident,
        "types": visit.parameter("types").strip(),
        "rows": None,
        "partner": None,
        "at": 0,
        "next": None,
        "titles": {},
    }
    context |= {"partners": [(one.id, one.name) for one in visit.node.partners()]}
    if not to and not ident:
        return visit.page("record.html", error=None, **context)
    try:
        start = number_in(visit.parameter("at"), "at", most=ROWS_MOST)
        some = list(islice(_rows(visit), start, start + ROWS + 1))
        context["partner"] = visit.node.partner(to) if to else None
    except ComityError as error:
        return refused(visit, "record.html", error, **context)
    context["titles"] = visit.node.titles(list({held.id for _, held in some}))
    more = len(some) > ROWS and start + ROWS < ROWS_MOST
    context |= {"rows": some[:ROWS], "at": start, "next": start + ROWS if more else None}
    return visit.page("record.html", error=None, **context)


def _rows(visit: Visit) -> Iterator[tuple[str, Held]]:
    to, ident = visit.parameter("to"), visit.parameter("object").strip()
    return rows_of(visit.node, to, ident, visit.parameter("version"), words_in(visit.parameter("types")))


def rows_of(node: Node, to: str, ident: str, version: str, types: Sequence[str] = ()) -> Iterator[tuple[str, Held]]:
    """What the partner has of ours, of these types or all, or, with the partner of each, who has the object.
    InvalidRequest for both at once, and for neither."""
    if bool(to) == bool(ident):
        raise InvalidRequest("Name a partner or an object.", where="to", hint="?to=PARTNER or ?object=ID")
    if to:
        return (("", held) for held in node.held(to, types=types, limit=ROWS_MOST + 1))
    found = node.holders(ident, version or None)
    return ((one.partner, one.held) for one in found)


def _facts(partner: str, one: Held) -> dict[str, Any]:
    facts = {"id": one.id, "version": one.version, "source": one.source, "digest": one.digest, "state": one.state}
    whose = {"partner": partner} if partner else {}
    return whose | facts | {"first": _left(one.first), "last": _left(one.last)}


def _left(one: Left) -> dict[str, Any]:
    return {"at": instant_of(one.at), "entry": one.entry, "policy": one.policy, "rules": one.rule.split()}


def as_json(visit: Visit) -> Answer:
    """The same as `release record --json` has, the first ROWS_MOST."""
    return json_answer(record_of(_rows(visit)))


def record_of(rows: Iterator[tuple[str, Held]]) -> dict[str, Any]:
    """The rows as they are told, the first ROWS_MOST, and whether there are more."""
    some = list(islice(rows, ROWS_MOST + 1))
    return {"items": [_facts(*row) for row in some[:ROWS_MOST]], "more": len(some) > ROWS_MOST}


def as_csv(visit: Visit) -> Answer:
    """The same as a table. No cell is a formula (R61)."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    keys = ("partner", "id", "version", "source", "state", "digest")
    lefts = ("at", "entry", "policy", "rules")
    writer.writerow([*keys, *(f"first_{each}" for each in lefts), *(f"last_{each}" for each in lefts)])
    for partner, held in islice(_rows(visit), ROWS_MOST):
        facts = {"partner": partner} | _facts(partner, held)
        cells = [facts[key] for key in keys]
        cells += [_word(facts[way][each]) for way in ("first", "last") for each in lefts]
        writer.writerow([csv_cell(str(each)) for each in cells])
    return file_answer(file.getvalue().encode(), "record.csv", CSV_TYPE)


def _word(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


_TOLD = frozenset((*READING, AUDIT))
PAGES = (
    Page("/release/record", record, _TOLD),
    Page("/release/record.json", as_json, _TOLD),
    Page("/release/record.csv", as_csv, _TOLD),
)
