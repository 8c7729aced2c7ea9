"""The first page of a person: where to go."""

from comity.node.people import ROLES
from comity.web.answer import Answer
from comity.web.ui.visit import Page, Visit


def look(visit: Visit) -> Answer:
    """The ways that the person may take."""
    return visit.page("home.html")


PAGES = (Page("/", look, frozenset(ROLES)),)
