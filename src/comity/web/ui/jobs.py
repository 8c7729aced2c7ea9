"""What is to be done behind: when each job is due, and why one failed."""

from comity.node.base import Job
from comity.node.jobs import PARKED_AT
from comity.node.node import Node
from comity.node.people import ROLES
from comity.web.answer import Answer
from comity.web.ui.fields import number_in
from comity.web.ui.visit import Page, Visit

SHOWN = 200
FOLLOWED_MOST = 200
"""So often a page asks again by itself: no session is kept from ending by a page that somebody left open."""


def listing(visit: Visit) -> Answer:
    """Every job: those that wait for a person first, then those that failed, then the earliest due."""
    found = jobs_of(visit.node)
    parked = sum(one.due_at == PARKED_AT for one in found)
    failing = sum(bool(one.last_error) for one in found) - sum(
        one.due_at == PARKED_AT and bool(one.last_error) for one in found
    )
    followed = number_in(visit.parameter("followed"), "followed", most=FOLLOWED_MOST)
    going = any(one.lease for one in found)
    return visit.page(
        "jobs.html",
        rows=found[:SHOWN],
        all=len(found),
        parked=parked,
        failing=failing,
        parked_at=PARKED_AT,
        going=going,
        follow=followed + 1 if going and visit.parameter("follow") != "no" and followed < FOLLOWED_MOST else 0,
    )


def jobs_of(node: Node) -> list[Job]:
    """Every job, in the order of the page."""
    return sorted(node.jobs(), key=lambda one: (one.due_at != PARKED_AT, not one.last_error, one.due_at))


PAGES = (Page("/admin/jobs", listing, frozenset(ROLES)),)
