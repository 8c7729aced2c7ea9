"""The keys of pages as a list: a script shows the same in a dialogue."""

from comity.node.people import ROLES
from comity.web.answer import Answer
from comity.web.ui.visit import Page, Visit


def keys(visit: Visit) -> Answer:
    """Each key with what it does, and whether keys are on."""
    return visit.page("keys.html")


PAGES = (Page("/keys", keys, frozenset(ROLES)),)
