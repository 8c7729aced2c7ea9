"""What went wrong, as a page: in words, with the hint, the rule and the id of the request."""

from comity.errors import ComityError
from comity.web.answer import HTML_TYPE, Answer
from comity.web.ui.languages import Words
from comity.web.ui.rendering import render
from comity.web.ui.visit import Visit

TITLES = {
    400: "This cannot be read",
    401: "Please sign in",
    403: "Not allowed",
    404: "Not found",
    405: "Not allowed",
    409: "This does not fit any more",
    413: "Too much at once",
    415: "This cannot be read",
    422: "This cannot be taken",
    429: "Too many at once",
    500: "A mistake of the node",
    503: "Not now",
}


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
        title=words.gettext(TITLES.get(status, title)),
        error=error,
        request_id=request_id,
    )
    return Answer(text.encode(), status=status, media_type=HTML_TYPE)
