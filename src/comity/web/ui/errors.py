"""What went wrong, as a page: in words, with the hint, the rule and the id of the request."""

from comity.errors import ComityError, TookTooLong
from comity.web.answer import HTML_TYPE, Answer
from comity.web.ui.languages import Words
from comity.web.ui.rendering import render
from comity.web.ui.visit import Visit


def title_of(status: int, words: Words, default: str) -> str:
    """What a page with that status is called, in the words of its reader."""
    titles = {
        400: words.gettext("This cannot be read"),
        401: words.gettext("Please sign in"),
        403: words.gettext("Not allowed"),
        404: words.gettext("Not found"),
        405: words.gettext("Not allowed"),
        409: words.gettext("This does not fit any more"),
        413: words.gettext("Too much at once"),
        415: words.gettext("This cannot be read"),
        422: words.gettext("This cannot be taken"),
        429: words.gettext("Too many at once"),
        500: words.gettext("A mistake of the node"),
        503: words.gettext("Not now"),
    }
    return titles.get(status, default)


def narrower(template: str, words: Words) -> str:
    """How less is asked of that page, where a question of it took too long."""
    rooms = {
        "search": words.gettext("Add a filter, as type:indicator or seen:24h, or name what you look for more exactly."),
        "objects": words.gettext("Look at the tabs of the object one by one; who may see it is on a tab of its own."),
        "release": words.gettext("Choose fewer: a partner, a type, a source, or the ids of a few objects."),
    }
    return rooms.get(template.split("/")[1], words.gettext("The store may be busy: try again in a moment."))


def error_page(
    visit: Visit | None, words: Words, status: int, title: str, error: ComityError, request_id: str
) -> Answer:
    """The page, in the frame of the others for whoever is signed in."""
    message, hint = words.said(error.message), words.said(error.hint)
    if isinstance(error, TookTooLong):
        title = words.gettext("This took too long")
        message = words.gettext("A question to the store took longer than a page waits, and was stopped.")
        hint = narrower(error.where, words)
    else:
        title = title_of(status, words, title)
    text = render(
        "error.html",
        words,
        visit=visit,
        frame="outside.html" if visit is None else "base.html",
        status=status,
        title=title,
        message=message,
        hint=hint,
        error=error,
        request_id=request_id,
    )
    return Answer(text.encode(), status=status, media_type=HTML_TYPE)
