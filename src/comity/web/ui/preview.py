"""What a partner would be given: each object with the rule that decides, ours beside theirs, and what would differ."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

from comity.errors import ComityError, Invalid, InvalidRequest, NotFound
from comity.node.explaining import Told
from comity.node.node import Node
from comity.node.people import ADMIN, AUDIT, READING, RELEASER
from comity.node.publishing import Selection
from comity.node.supposing import NOTHING, Supposed
from comity.release.suppositions import read_supposition
from comity.web.answer import Answer
from comity.web.ui.fields import (
    IDS_MOST,
    SELECTING,
    asked_selection,
    file_answer,
    ids_in,
    json_answer,
    number_in,
    path,
    refused,
    selection_of,
)
from comity.web.ui.visit import Form, Page, Visit

LOOKED_MOST = 500
"""So many copies are looked at for a page; the command looks at all."""
ROWS = 12
PASSING_MOST = 8
"""Where no more are asked about, it is said what would let them go: each asks policy some hundred questions."""
BESIDE_MOST = 10
"""So many objects that leave changed are shown beside what leaves."""
TEXT_CHARACTERS_MOST = 400
ITEMS_MOST = 10_000
VERDICTS = ("release", "redact", "withhold")
STIX_TYPE = "application/stix+json;version=2.1"


@dataclass(frozen=True, slots=True)
class Part:
    """One property of an object as it is here, and as it leaves; None where it is left out."""

    name: str
    ours: str
    theirs: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """One copy, what becomes of it, and which of its properties leave otherwise than they are."""

    told: Told
    parts: tuple[Part, ...] | None


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the address asks for."""

    to: str
    values: dict[str, str]
    selection: Selection
    supposing: Supposed


def _asked(visit: Visit) -> _Asked:
    values = asked_selection(visit)
    supposing = supposed_of(visit.parameters.get("what_if", []))
    return _Asked(visit.parameter("to"), values, selection_of(values), supposing)


def supposed_of(texts: Iterable[str]) -> Supposed:
    """What these texts suppose. Invalid where one cannot be read."""
    facets = [text.strip() for text in texts if text.strip()]
    return Supposed(facets=tuple(map(read_supposition, facets))) if facets else NOTHING


def preview(visit: Visit) -> Answer:
    """The choice of a partner and a set; where both are chosen, what that partner would get of it now."""
    partners = [(one.id, one.name) for one in visit.node.partners()]
    context: dict[str, Any] = {"partners": partners, "values": asked_selection(visit), "to": visit.parameter("to")}
    context |= {"what_if": visit.parameter("what_if"), "found": None, "error": None}
    if not visit.parameter("to"):
        return visit.page("preview.html", **context)
    try:
        with visit.node.at_one_moment():
            found = _found(visit, _asked(visit))
    except (Invalid, NotFound) as error:
        return refused(visit, "preview.html", error, **{name: context[name] for name in context if name != "error"})
    return visit.page("preview.html", **(context | {"found": found}))


def _found(visit: Visit, asked: _Asked) -> dict[str, Any]:
    node, to = visit.node, asked.to
    partner = node.partner(to)
    show = visit.parameter("show")
    told = node.tell(to, selection=asked.selection, supposing=asked.supposing, passing=False, limit=LOOKED_MOST + 1)
    every = list(told)
    looked = every[:LOOKED_MOST]
    wanted = [one for one in looked if not show or one.verdict.value == show]
    start = number_in(visit.parameter("at"), "at", most=LOOKED_MOST)
    some = wanted[start : start + ROWS]
    found: dict[str, Any] = {"partner": partner, "asked": asked, "show": show, "total": len(looked)}
    found |= {
        "counts": Counter(one.verdict.value for one in looked),
        "by_tlp": _by_tlp(looked),
        "more": len(every) > LOOKED_MOST,
        "rows": _rows(visit, asked, some, passing=len(looked) <= PASSING_MOST),
        "titles": node.titles(list({one.id for one in some})),
        "hidden": node.not_shown(to, selection=asked.selection),
        "approval": [one.id for one in looked if any(rule.id == "gate.approval" for rule in one.rules)][:IDS_MOST],
        "policy": len(node.policy_log()),
        "at": start,
        "passing_most": PASSING_MOST,
        "next": start + ROWS if start + ROWS < len(wanted) else None,
        "since": None,
        "difference": None,
        "link": _link(visit),
    }
    if asked.supposing:
        found["difference"] = node.difference(to, asked.supposing, asked.selection)
    elif visit.parameter("difference") or not found["more"]:
        found["since"] = node.since_reading(to, asked.selection)
    return found


def _by_tlp(looked: Iterable[Told]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for one in looked:
        found.setdefault(one.tlp, Counter())[one.verdict.value] += 1
    return dict(sorted(found.items()))


def _link(visit: Visit) -> Any:
    """Makes the address of this page with other parameters."""
    kept = {name: visit.parameter(name) for name in ("to", *SELECTING, "what_if")}

    def link(page: str = "preview", **other: str) -> str:
        return path("release", page, **(kept | other))

    return link


# -- ours beside theirs ------------------------------------------------------------------------------------------------
def _rows(visit: Visit, asked: _Asked, some: list[Told], *, passing: bool) -> list[Row]:
    withheld = list({one.id for one in some if one.verdict.value == "withhold"})
    turned = {}
    if withheld and passing:
        why = visit.node.tell(asked.to, withheld, supposing=asked.supposing, limit=LOOKED_MOST)
        turned = {one.number: one for one in why}
    redacted = [one for one in some if one.verdict.value == "redact"][:BESIDE_MOST]
    # What is only supposed is read by nobody, so that there is nothing to put beside.
    theirs = _theirs(visit, asked.to, [one.id for one in redacted]) if redacted and not asked.supposing else {}
    rows = []
    for one in some:
        left = theirs.get((one.id, one.version))
        parts = _parts(visit, one, left) if one in redacted and left is not None else None
        rows.append(Row(turned.get(one.number, one), parts))
    return rows


def _theirs(visit: Visit, to: str, ids: list[str]) -> dict[tuple[str, str], dict[str, Any]]:
    """What the partner would read of these objects, by id and version."""
    values = [orjson.loads(raw) for raw in visit.node.would_read(to, ids)]
    return {(each["id"], str(each.get("modified") or each.get("created") or "")): each for each in values}


def _parts(visit: Visit, told: Told, theirs: dict[str, Any]) -> tuple[Part, ...] | None:
    try:
        copies = visit.node.seen(told.id)
    except NotFound:
        return None
    copies = [copy for copy in copies if copy.version == told.version and copy.raw is not None]
    copies.sort(key=lambda copy: copy.state != "published")
    if not copies:
        return None
    ours = orjson.loads(copies[0].raw or b"{}")
    return tuple(
        Part(name, _text(ours[name]), _text(theirs[name]) if name in theirs else None)
        for name in ours
        if ours[name] != theirs.get(name)
    )


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= TEXT_CHARACTERS_MOST else text[: TEXT_CHARACTERS_MOST - 1] + "…"


# -- files -------------------------------------------------------------------------------------------------------------
def as_json(visit: Visit) -> Answer:
    """The same as JSON: each object as `release preview --json` has it, the first ITEMS_MOST, and what it comes to."""
    asked = _asked(visit)
    if not asked.to:
        raise InvalidRequest("Nobody is named.", where="to", hint="Give ?to=PARTNER.")
    return json_answer(told_of(visit.node, asked.to, asked.selection, asked.supposing))


def told_of(node: Node, to: str, selection: Selection, supposing: Supposed) -> dict[str, Any]:
    """What becomes of each copy of the selection for the partner, the first ITEMS_MOST, and what it comes to."""
    every = list(islice(node.tell(to, selection=selection, supposing=supposing), ITEMS_MOST + 1))
    items = [one.to_json() for one in every[:ITEMS_MOST]]
    summary: dict[str, Any] = dict.fromkeys(VERDICTS, 0) | Counter(one["decision"] for one in items)
    hidden = node.not_shown(to, selection=selection)
    summary |= {"more": len(every) > ITEMS_MOST, "supposing": [str(each) for each in supposing.facets]}
    return {"items": items, "summary": summary | ({} if hidden is None else {"not_shown": hidden})}


def as_stix(visit: Visit) -> Answer:
    """What they would read, as a STIX bundle: of one collection, of the ids and types that are named."""
    asked = _asked(visit)
    return reading_of(visit.node, asked.to, asked.selection, asked.supposing)


def reading_of(node: Node, to: str, selection: Selection, supposing: Supposed) -> Answer:
    """The bundle of what the partner would read of the selection. Invalid where that names sources."""
    if selection.sources:
        raise Invalid("A reading knows no sources.", where="sources", hint="Give ids or types.")
    body: list[bytes] = []
    node.write_reading(
        body.append,
        to,
        collection=selection.collection,
        ids=selection.ids or (),
        types=selection.types,
        supposing=supposing,
    )
    return file_answer(b"".join(body), "reading.stix.json", STIX_TYPE)


# -- a second person ---------------------------------------------------------------------------------------------------
def request(visit: Visit, form: Form) -> Answer:
    """What policy lets go only after a second person approved it is asked for, and waits."""
    ids = ids_in(form.one("ids"))
    if not ids:
        raise InvalidRequest("No object is named.", where="ids")
    try:
        done = visit.node.request_release(form.one("to"), ids)
    except ComityError as error:
        partners = [(one.id, one.name) for one in visit.node.partners()]
        context: dict[str, Any] = {"partners": partners, "values": dict.fromkeys(SELECTING, ""), "what_if": ""}
        return refused(visit, "preview.html", error, to=form.one("to"), found=None, **context)
    return visit.go(path("approvals", done.waits), done="proposed")


_TOLD = frozenset((*READING, AUDIT))
PAGES = (
    Page("/release/preview", preview, _TOLD),
    Page("/release/preview.json", as_json, _TOLD),
    Page("/release/preview.stix.json", as_stix, _TOLD),
    Page(
        "/release/request",
        act=request,
        acts=frozenset((RELEASER, ADMIN)),
        fields=("to", "ids"),
    ),
)
