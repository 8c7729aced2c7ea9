"""Administration of accounts: who there is, with which roles, and the secret of a new one, once."""

from collections.abc import Sequence

from comity.errors import AlreadyDone, ComityError, Conflict, Invalid
from comity.interfaces import instant_of, microseconds
from comity.node.people import ADMIN, ROLES, Account
from comity.web.answer import Answer
from comity.web.ui.visit import Form, Page, Visit

HERE = "/admin/people"
ADMINS = frozenset({ADMIN})
GRANTS_DAYS = 90


def look(visit: Visit) -> Answer:
    """Every account, and who gave themselves a role that reads."""
    return _page(visit)


def add(visit: Visit, form: Form) -> Answer:
    """There is one account more; its secret is shown this once."""
    try:
        made = visit.node.add_user(form.one("name"), form.all("role"), person=form.one("person"))
    except (Invalid, AlreadyDone) as error:
        return _page(visit, error, form)
    return visit.page("new-secret.html", account=made.account, secret=made.secret)


def reset(visit: Visit, form: Form) -> Answer:
    """The account has another secret, which is shown this once."""
    name = form.one("name")
    if name == visit.account.name:
        raise Conflict("This is your own account.", where="name", hint="Change your password at /account.")
    made = visit.node.reset_user(name)
    return visit.page("new-secret.html", account=made.account, secret=made.secret)


def disable(visit: Visit, form: Form) -> Answer:
    """The account acts no more; which tokens its person made, and may have kept, is said."""
    changed = visit.node.disable_user(form.one("name"))
    return visit.page("disabled.html", account=changed, tokens=visit.node.tokens_made_by(changed.name))


def _page(visit: Visit, error: ComityError | None = None, form: Form | None = None) -> Answer:
    node = visit.node
    since = microseconds(node.clock.now()) - GRANTS_DAYS * 24 * 3600 * 1_000_000
    people = node.users()
    return visit.page(
        "people.html",
        status=200 if error is None else 422,
        accounts=sorted(people, key=lambda one: (one.state != "active", one.name)),
        grants=[(_exact(row.at), _name(people, row.account), row.what) for row in node.self_grants(since)],
        days=GRANTS_DAYS,
        roles=ROLES,
        error=error,
        given={"name": form.one("name"), "person": form.one("person"), "roles": form.all("role")} if form else {},
    )


def _name(people: Sequence[Account], id: str) -> str:
    return next((one.name for one in people if one.id == id), id)


def _exact(instant: int) -> str:
    return instant_of(instant).strftime("%Y-%m-%dT%H:%M:%SZ")


PAGES = (
    Page(HERE, look, ADMINS, add, ADMINS, fields=("name", "person", "role")),
    Page("/admin/people/reset", act=reset, acts=ADMINS, fields=("name",)),
    Page("/admin/people/disable", act=disable, acts=ADMINS, fields=("name",)),
)
