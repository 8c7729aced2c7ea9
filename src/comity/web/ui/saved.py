"""Searches that a person keeps: named, opened, and forgotten again."""

from comity.errors import ComityError
from comity.node.people import READING
from comity.node.searches import NAME_CHARACTERS
from comity.web.answer import Answer
from comity.web.ui.fields import refused
from comity.web.ui.purpose import purposed
from comity.web.ui.visit import Form, Page, Visit

ROOT = "/searches"


def listing(visit: Visit) -> Answer:
    """All of this person's."""
    return visit.page("saved.html", error=None, saved=visit.node.saved_searches(), query="", name="")


def save(visit: Visit, form: Form) -> Answer:
    """One more is kept."""
    name, query = form.one("name"), form.one("query")
    try:
        visit.node.save_search(name, query)
    except ComityError as error:
        saved = visit.node.saved_searches()
        return refused(visit, "saved.html", error, saved=saved, query=query, name=name[:NAME_CHARACTERS])
    return visit.go(ROOT, done="saved")


def open_one(visit: Visit, form: Form) -> Answer:
    """To its list; what came until now is new no more."""
    query = visit.node.open_search(visit.call.parameters["search"])
    return Answer(b"", status=303, headers=(("Location", f"/search?{query}"),))


def drop(visit: Visit, form: Form) -> Answer:
    """It is kept no more."""
    visit.node.drop_search(visit.call.parameters["search"])
    return visit.go(ROOT, done="removed")


_WHO = frozenset(READING)
PAGES: tuple[Page, ...] = (
    Page(ROOT, purposed(listing), _WHO, save, _WHO, fields=("name", "query")),
    Page(f"{ROOT}/{{search}}/open", act=open_one, acts=_WHO),
    Page(f"{ROOT}/{{search}}/drop", act=drop, acts=_WHO),
)
