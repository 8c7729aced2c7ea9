"""Administration of tokens, by which programs and partners read and write."""

from typing import Any

from comity.errors import AlreadyDone, ComityError, Invalid, NotFound
from comity.interfaces import instant_of, microseconds
from comity.node.access import TOKEN_DAYS_DEFAULT, TOKEN_DAYS_MAX
from comity.node.node import Node
from comity.node.people import ADMIN
from comity.web.answer import Answer
from comity.web.ui.fields import number_in, path
from comity.web.ui.visit import Form, Page, Visit

HERE = "/admin/tokens"
ROWS, ROWS_MOST = 50, 100_000
ADMINS = frozenset({ADMIN})


def look(visit: Visit) -> Answer:
    """Every token, those in force first."""
    return _page(visit)


def make(visit: Visit, form: Form) -> Answer:
    """There is one token more; its secret is shown this once."""
    days = form.one("days")
    try:
        if not days.isascii() or not days.isdecimal() or len(days) > 4:
            raise Invalid(f"A token lasts 1 to {TOKEN_DAYS_MAX} days.", where="days")
        made = visit.node.new_token(
            form.one("name"),
            read=form.all("read"),
            write=form.all("write"),
            days=int(days),
            partner=form.one("partner") or None,
        )
    except (Invalid, NotFound, AlreadyDone) as error:
        return _page(visit, error, form)
    return visit.page("new-token.html", made=made)


def revoke(visit: Visit, form: Form) -> Answer:
    """The token admits nobody any more."""
    visit.node.revoke_token(form.one("token"))
    return visit.go(HERE, done="removed")


def rows_of(node: Node) -> list[dict[str, Any]]:
    """Every token as a row, those in force first."""
    now = microseconds(node.clock.now())
    partners = {one.id: one.name for one in node.partners()}
    people = {one.id: one.name for one in node.users()}
    titles = {one.id: one.alias or one.title for one in node.collections()}
    rows = [
        {
            "id": one.id,
            "name": one.name,
            "source": one.source,
            "partner": partners.get(one.recipient, one.recipient),
            "account": people.get(one.account, one.account),
            "read": [titles.get(each, each) for each in sorted(one.read)],
            "write": [titles.get(each, each) for each in sorted(one.write)],
            "until": instant_of(one.expires_at).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "state": "ended" if one.revoked_at is not None else "expired" if one.expires_at <= now else "active",
        }
        for one in node.tokens()
    ]
    return sorted(rows, key=lambda row: (row["state"] != "active", row["name"]))


def _page(visit: Visit, error: ComityError | None = None, form: Form | None = None) -> Answer:
    node = visit.node
    rows = rows_of(node)
    at = number_in(visit.parameter("at"), "at", most=ROWS_MOST)
    return visit.page(
        "tokens.html",
        status=200 if error is None else 422,
        tokens=rows[at : at + ROWS],
        first=HERE if at else "",
        next=path("admin", "tokens", at=str(at + ROWS)) if at + ROWS < len(rows) else "",
        collections=node.collections(),
        partners=sorted(one.name for one in node.partners()),
        days=TOKEN_DAYS_DEFAULT,
        most=TOKEN_DAYS_MAX,
        error=error,
        given=form.values if form else {},
    )


PAGES = (
    Page(HERE, look, ADMINS, make, ADMINS, fields=("name", "read", "write", "days", "partner")),
    Page("/admin/tokens/revoke", act=revoke, acts=ADMINS, fields=("token",)),
)
