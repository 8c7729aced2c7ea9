"""The audit log of our own people, and the report that auditors want of a period."""

from typing import Any

from comity.errors import ComityError, Invalid, Unverified
from comity.interfaces import microseconds
from comity.node.audit_report import DAY_US, row_facts
from comity.node.node import Node
from comity.node.people import ADMIN, AUDITOR
from comity.web.answer import Answer
from comity.web.ui.fields import instant_in, instant_text, json_answer, refused
from comity.web.ui.named import names_of, teller
from comity.web.ui.visit import Form, Page, Visit

ROWS = 100
DAYS_USUAL = 30
UNTIL = 2**62
ROWS_OF_SECTION = 50


def log(visit: Visit) -> Answer:
    """The newest rows, the newest first: of an account or token, of an act, before and since an instant."""
    return _log(visit)


def _log(visit: Visit, **more: Any) -> Answer:
    context: dict[str, Any] = {name: visit.parameter(name).strip() for name in ("account", "act", "since")}
    context |= {
        "rows": [],
        "older": "",
        "names": names_of(visit),
        "told": teller(visit),
        "verified": None,
        "error": None,
    }
    try:
        since = instant_in(context["since"], "since") or 0
        until = instant_in(visit.parameter("before"), "before") or UNTIL
        acts = [context["act"]] if context["act"] else []
        found = visit.node.audit_log(account=context["account"], acts=acts, since=since, until=until, limit=ROWS + 1)
    except ComityError as error:
        return refused(visit, "audit.html", error, **{name: context[name] for name in context if name != "error"})
    context["rows"] = [row_facts(row) for row in found[::-1][:ROWS]]
    if len(found) > ROWS:
        # Rows of one instant stay together: the older page begins before the last instant that is shown.
        context["older"] = context["rows"][-1]["at"].isoformat()
    context |= more
    if context["error"] is not None:
        return refused(visit, "audit.html", context.pop("error"), **context)
    return visit.page("audit.html", **context)


def verify(visit: Visit, _form: Form) -> Answer:
    """The chain of the log was computed anew."""
    try:
        check_log(visit.node)
    except Unverified as error:
        return _log(visit, verified=False, error=error)
    return _log(visit, verified=True)


def check_log(node: Node) -> None:
    """The chain of the log holds. Unverified otherwise."""
    bad = node.first_bad_audit_row()
    if bad is not None:
        hint = "Restore a backup on trial, and compare: comity restore BACKUP --dry-run"
        raise Unverified(f"The audit log does not hold from row {bad} on.", where="audit", rule="R44", hint=hint)


def _period(visit: Visit) -> tuple[int, int]:
    since = instant_in(visit.parameter("from"), "from")
    return period_of(visit.node, since, instant_in(visit.parameter("to"), "to", ends=True))


def period_of(node: Node, since: int | None, until: int | None) -> tuple[int, int]:
    """From when to when: the last DAYS_USUAL days where nothing is said. Invalid where it ends before it begins."""
    now = microseconds(node.clock.now())
    since = now - DAYS_USUAL * DAY_US if since is None else since
    until = now + 1 if until is None else until
    if since >= until:
        raise Invalid("The period ends before it begins.", where="to")
    return since, until


def _report(visit: Visit) -> dict[str, Any]:
    return visit.node.audit_report(*_period(visit), visit.parameter("partner") or None)


def report(visit: Visit) -> Answer:
    """What an auditor wants of a period, part by part."""
    context = {name: visit.parameter(name) for name in ("from", "to", "partner")}
    partners = [(one.id, one.name) for one in visit.node.partners()]
    try:
        found = _report(visit)
        since, until = _period(visit)
    except ComityError as error:
        return refused(visit, "audit-report.html", error, asked=context, partners=partners, found=None, sums=[])
    asked = context | {"from": instant_text(since)[:10], "to": context["to"] or instant_text(until)[:10]}
    sums = sorted(_sums(found["releases"]).items())
    return visit.page(
        "audit-report.html", error=None, asked=asked, partners=partners, found=found, sums=sums, most=ROWS_OF_SECTION
    )


def _sums(releases: list[dict[str, Any]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for one in releases:
        of = found.setdefault(one["partner"], [0, 0, 0])
        for place, more in enumerate((1, one["objects"], one["again"])):
            of[place] += more
    return found


def report_json(visit: Visit) -> Answer:
    """The same, whole, as `comity audit report --json` has it."""
    return json_answer(plain(_report(visit)))


def plain(found: dict[str, Any]) -> dict[str, Any]:
    """The report as JSON can have it."""
    for one in found["restricted_reads"]:
        one["purposes"] = sorted(one["purposes"])
    return found


_ROLES = frozenset((ADMIN, AUDITOR))
PAGES = (
    Page("/admin/audit", log, _ROLES),
    Page("/admin/audit/verify", act=verify, acts=_ROLES),
    Page("/admin/audit/report", report, _ROLES),
    Page("/admin/audit/report.json", report_json, _ROLES),
)
