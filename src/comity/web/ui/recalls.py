"""Taking back what left: who had it, how they are told, and whether they have read since."""

from typing import Any

from comity.errors import ComityError, Conflict, Invalid, InvalidRequest, TooLarge
from comity.node.people import AUDIT, READING, RELEASER
from comity.node.recalling import Recalled
from comity.release.recall import IDS_MOST, Kind, Order, Reason
from comity.stix.tlp import TLP
from comity.web.answer import Answer
from comity.web.ui.fields import path, refused, seal
from comity.web.ui.visit import Form, Page, Visit

FIELDS = ("what", "kind", "reason", "note", "tlp", "by")
RECALLS_SHOWN = 100
HAD_SHOWN = 200
NAMED_SHOWN = 10
"""Of what is about to be taken back."""


def listing(visit: Visit) -> Answer:
    """What was taken back, the newest first."""
    found = visit.node.recalls()
    return visit.page("recalls.html", rows=found[:RECALLS_SHOWN], all=len(found))


def recall(visit: Visit) -> Answer:
    """One recall: who was told of it, who cannot confirm, and what each of them had."""
    (found,) = visit.node.recalls(visit.call.parameters["recall"])
    named = visit.node.titles(list(found.objects))
    return visit.page("recall.html", one=found, titles=named, most=HAD_SHOWN)


def new(visit: Visit) -> Answer:
    """The form by which something is taken back."""
    values = dict.fromkeys(FIELDS, "") | {"what": visit.parameter("what"), "kind": Kind.WITHDRAW.value}
    return visit.page("recall-new.html", error=None, **_context(values))


def make(visit: Visit, form: Form) -> Answer:
    """First it is shown who had it; once that was looked at, it is taken back."""
    values = {name: form.one(name).strip() for name in FIELDS}
    context = _context(values)
    try:
        what, order = read_order(values)
        trial = visit.node.recall(what, order, dry_run=True)
        some = what[:NAMED_SHOWN]
        context |= {"trial": trial, "shown": _seal(trial, values), "some": some, "named": visit.node.titles(some)}
        if not form.one("shown"):
            return visit.page("recall-new.html", error=None, **context)
        if form.one("shown") != context["shown"]:
            raise Conflict("It is not what was shown.", where="shown", rule="R18", hint="Look at who has it now.")
        done = visit.node.recall(what, order)
    except ComityError as error:
        return refused(visit, "recall-new.html", error, **context)
    return visit.go(path("recalls", done.id), done="recalled")


def read_order(values: dict[str, str]) -> tuple[tuple[str, ...], Order]:
    """What is to be taken back, and how. InvalidRequest or Invalid where that cannot be."""
    what = tuple(dict.fromkeys(values["what"].replace(",", " ").split()))
    if not what:
        raise InvalidRequest(
            "Nothing is named.", where="what", hint="Name objects by their ids, or a batch: entry:123."
        )
    if len(what) > IDS_MOST:
        raise TooLarge(f"At most {IDS_MOST:,} are taken back at once.", where="what")
    kinds, reasons = list(Kind), list(Reason)
    if values["kind"] not in kinds:
        raise Invalid("That is no kind of recall.", where="kind", rule="R18", hint=f"One of {', '.join(kinds)}.")
    if values["reason"] not in reasons:
        raise Invalid("A recall has a reason.", where="reason", rule="R18", hint=f"One of {', '.join(reasons)}.")
    kind = Kind(values["kind"])
    # The fields of the other kinds are on the same page, and count for nothing.
    level = TLP.read(values["tlp"]) if kind is Kind.NARROW and values["tlp"] else None
    by = values["by"] if kind is Kind.SUPERSEDE else ""
    order = Order(kind, Reason(values["reason"]), values["note"], level, by)
    order.check()
    return what, order


def _seal(trial: Recalled, values: dict[str, str]) -> str:
    return seal([values, trial.objects, trial.revised, trial.told, trial.cannot_confirm])


def _context(values: dict[str, str]) -> dict[str, Any]:
    return {
        "values": values,
        "kinds": [each.value for each in Kind],
        "reasons": [each.value for each in Reason if each is not Reason.ERASURE],
        "trial": None,
        "some": (),
        "named": {},
        "shown": "",
    }


_TOLD, _ACTS = frozenset((*READING, AUDIT)), frozenset({RELEASER})
PAGES = (
    Page("/recalls", listing, _TOLD),
    Page("/recalls/new", new, _ACTS, make, _ACTS, fields=(*FIELDS, "shown")),
    Page("/recalls/{recall}", recall, _TOLD),
)
