"""What went wrong, as a page: in words, with the hint, the rule and the id of the request."""

from comity.errors import ComityError
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


def error_page(
    visit: Visit | None, words: Words, status: int, title: str, error: ComityError, request_id: str
) -> Answer:
    """The page, in the frame of the others for whoever is signed in."""
    text = render(
        "error.html",
        words,
        visit=visit,
        frame="outside.html" if visit is None else "base.html",
        status=status,
        title=title_of(status, words, title),
        error=error,
        request_id=request_id,
    )
    return Answer(text.encode(), status=status, media_type=HTML_TYPE)
