"""Publishing and taking back: how many is shown first, and what is published is held before anybody is served it."""

from typing import Any

from comity.errors import ComityError, Conflict, InvalidRequest
from comity.node.node import Node
from comity.node.people import RELEASER
from comity.node.publishing import BULK_OBJECTS, HOLD_SECONDS, HOLD_SECONDS_BULK, HOLD_SECONDS_MOST, Selection
from comity.web.answer import Answer
from comity.web.ui.fields import SELECTING, asked_selection, number_in, path, refused, selection_of
from comity.web.ui.visit import Form, Page, Visit

AT_ONCE_MOST = 10_000
"""So many are published in one request; the command publishes more."""
IDS_CHARACTERS_MOST = 4_000
"""So much text of ids is kept in the address of the answer, so that they can be taken back from there."""
INSTANT_MOST = 10**17
"""Beyond it no date has a name."""
WORDS = {"publish": "published", "unpublish": "unpublished"}


def publish(visit: Visit) -> Answer:
    """What is to be published is chosen, and counted before it is."""
    return _look(visit, "publish")


def unpublish(visit: Visit) -> Answer:
    """What is to be taken back from what is served is chosen, and counted before it is."""
    return _look(visit, "unpublish")


def do_publish(visit: Visit, form: Form) -> Answer:
    """As many as were counted are published, and held."""
    return _do(visit, form, "publish")


def do_unpublish(visit: Visit, form: Form) -> Answer:
    """As many as were counted are published no more."""
    return _do(visit, form, "unpublish")


def _nothing_chosen() -> InvalidRequest:
    return InvalidRequest("Nothing is chosen.", where="ids", hint="Name objects, or choose all of them.")


def _look(visit: Visit, act: str) -> Answer:
    values = asked_selection(visit)
    # Whatever is linked from elsewhere names something; all there is has to be asked for.
    asked = any(values.values()) or visit.parameter("all") == "yes"
    context = _context(values) | {"act": act}
    try:
        if not asked and "ids" in visit.parameters:
            raise _nothing_chosen()
        context["count"] = count_of(visit.node, act, selection_of(values)) if asked else None
        if act == "publish" and context["count"]:
            context["foreseen"] = visit.node.foresee(selection_of(values))
        context["until"] = number_in(visit.parameter("until"), "until", most=INSTANT_MOST) or None
        context["done"] = number_in(visit.parameter("count"), "count")
    except ComityError as error:
        return refused(visit, "publish.html", error, **context)
    return visit.page("publish.html", error=None, **context)


def _context(values: dict[str, str]) -> dict[str, Any]:
    return {
        "values": values,
        "count": None,
        "until": None,
        "done": 0,
        "foreseen": None,
        "usual": {"few": HOLD_SECONDS, "bulk": HOLD_SECONDS_BULK, "from": BULK_OBJECTS},
        "most": AT_ONCE_MOST,
    }


def count_of(node: Node, act: str, selection: Selection) -> int:
    """Of how many copies it would be."""
    return node.count_unpublished(selection) if act == "publish" else node.count_published(selection)


def check_count(act: str, count: int, shown: str) -> None:
    """As many are done as were counted, and no more than AT_ONCE_MOST. Conflict otherwise."""
    if str(count) != shown:
        raise Conflict(
            f"It would be {count:,} now, and not what was shown.", where="shown", rule="R12", hint="Look again."
        )
    if count > AT_ONCE_MOST:
        raise Conflict(
            f"At most {AT_ONCE_MOST:,} are done at once here.", where="count", hint=f"comity {act} --all does more."
        )


def _do(visit: Visit, form: Form, act: str) -> Answer:
    values = {name: form.one(name).strip() for name in SELECTING}
    if not any(values.values()) and form.one("all") != "yes":
        raise _nothing_chosen()
    context = _context(values) | {"act": act}
    try:
        context["count"] = count = count_of(visit.node, act, selection_of(values))
        check_count(act, count, form.one("shown"))
        done = _done(visit, form, act, values)
    except ComityError as error:
        return refused(visit, "publish.html", error, **context)
    kept = values if len(values["ids"]) <= IDS_CHARACTERS_MOST else {}
    return visit.go(path("release", act, **kept, **done, done=WORDS[act]))


def _done(visit: Visit, form: Form, act: str, values: dict[str, str]) -> dict[str, str]:
    selection = selection_of(values)
    if act == "unpublish":
        return {"count": str(visit.node.unpublish(selection))}
    hold = form.one("hold").strip()
    seconds = number_in(hold, "hold", most=HOLD_SECONDS_MOST) if hold else None
    report = visit.node.publish(selection, hold_seconds=seconds)
    return {"count": str(report.published), "until": str(report.held_until) if report.held_until else ""}


_FIELDS = (*SELECTING, "all", "shown")
_ROLES = frozenset({RELEASER})
PAGES = (
    Page("/release/publish", publish, _ROLES, do_publish, _ROLES, fields=(*_FIELDS, "hold")),
    Page("/release/unpublish", unpublish, _ROLES, do_unpublish, _ROLES, fields=_FIELDS),
)
