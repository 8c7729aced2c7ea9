"""Which objects of a list a form is about: those that are ticked, all of its page, or all that its filters find."""

from comity.errors import Invalid, InvalidRequest
from comity.web.ui.fields import ids_in
from comity.web.ui.purpose import PURPOSE
from comity.web.ui.visit import Form

FILTERS = ("q", "in", "tlp", "seen")
LISTS = ("type", "from")
TICKED, PAGE, ALL = "ticked", "page", "all"
"""Which objects: those that are ticked, all of the page, or all that match."""
PICKING = (*FILTERS, *LISTS, PURPOSE, "scope", "id", "of_page")
"""The fields by which that is said."""


def picked(form: Form) -> tuple[str, ...]:
    """The ids of the objects that are ticked, or of all of the page; none where all that match are meant.
    InvalidRequest where none is ticked."""
    scope = form.one("scope") or TICKED
    if scope not in (TICKED, PAGE, ALL):
        raise Invalid("That is no choice of objects.", where="scope")
    ids = ids_in(" ".join(form.all("id" if scope == TICKED else "of_page"))) if scope != ALL else ()
    if scope != ALL and not ids:
        raise InvalidRequest("No object is ticked.", where="ids", hint="Tick some, or choose all of the page.")
    return ids
