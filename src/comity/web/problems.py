"""Errors as their readers expect them: one table of statuses, and three ways to write one down."""

import html

import orjson

from comity import errors
from comity.errors import ComityError, InvalidRequest, Refused
from comity.taxii import media, resources
from comity.web.answer import HTML_TYPE, PROBLEM_TYPE, Answer, Headers


class MethodNotAllowed(Refused):
    """The resource exists and has no such method; `allow` lists those that it has."""

    code = "method-not-allowed"

    def __init__(self, allow: str) -> None:
        super().__init__("This resource does not have that method.", hint=f"It has {allow}.")
        self.allow = allow


class TooSlow(InvalidRequest):
    """The rest of the request did not come in time."""

    code = "too-slow"


class JsonAlone(errors.UnsupportedMedia):
    """The body is no JSON, where nothing else is read."""

    code = "json-alone"


class FileAlone(errors.UnsupportedMedia):
    """The body is not announced as the bytes of a file, where nothing else is taken."""

    code = "file-alone"


class Unguarded(InvalidRequest):
    """The change does not say which state it changes."""

    code = "unguarded"


class Stale(errors.Conflict):
    """The state that is to be changed is no more."""

    code = "stale"


STATUSES: dict[type[ComityError], tuple[int, str]] = {
    errors.Invalid: (422, "Unprocessable content"),
    errors.InvalidRequest: (400, "Bad request"),
    errors.TooLarge: (413, "Content too large"),
    errors.NotAcceptable: (406, "Not acceptable"),
    errors.UnsupportedMedia: (415, "Unsupported media type"),
    errors.Refused: (403, "Forbidden"),
    errors.Unauthenticated: (401, "Unauthorized"),
    errors.TooManyFailures: (429, "Too many requests"),
    errors.OverCap: (429, "Too many requests"),
    errors.NotFound: (404, "Not found"),
    errors.Conflict: (409, "Conflict"),
    errors.NotInstalled: (501, "Not implemented"),
    errors.Unverified: (422, "Unprocessable content"),
    errors.Unavailable: (503, "Service unavailable"),
    MethodNotAllowed: (405, "Method not allowed"),
    TooSlow: (408, "Request timeout"),
    Unguarded: (428, "Precondition required"),
    Stale: (412, "Precondition failed"),
}
BUG = (500, "Internal server error")

CHALLENGES: Headers = (
    ("WWW-Authenticate", 'Basic realm="Comity", charset="UTF-8"'),
    ("WWW-Authenticate", 'Bearer realm="Comity"'),
)
PAGE_CHALLENGE: Headers = (("WWW-Authenticate", 'Session realm="Comity"'),)
ACCEPTED_CODINGS = f"{media.GZIP}, {media.ZSTD}"


def status_of(error: ComityError) -> tuple[int, str]:
    """The HTTP status and title of an error: those of the nearest class in the table."""
    return next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), BUG)


def style_of(path: str, accept: str | None) -> str:
    """How an error is to be written for this request: `taxii`, `html` or `problem`."""
    if path.startswith("/api/"):
        return "problem"
    if path.startswith("/taxii2/") or path == "/taxii2" or media.names_taxii(accept):
        return "taxii"
    offers = (media.HTML, media.PROBLEM) if path == "/" else (media.PROBLEM, media.HTML)
    try:
        return "html" if media.choose(accept, offers) is media.HTML else "problem"
    except InvalidRequest:
        return "problem"


def challenge_of(error: ComityError, headers: Headers) -> Headers:
    """The same headers for a page: a browser that is asked for a credential would ask for a password itself."""
    return PAGE_CHALLENGE if isinstance(error, errors.Unauthenticated) else headers


def answer_of(error: ComityError, style: str, request_id: str) -> Answer:
    """The error as an answer, with the headers that its status calls for."""
    status, title = status_of(error)
    return _written(style, status, title, error, request_id, headers_of(error))


def bug_answer(style: str, request_id: str) -> Answer:
    """What is said of an error that is not in the tree: nothing but the id under which the log has it."""
    hint = "Tell the operator the id of this request."
    error = ComityError("The server made a mistake, which is logged under the id of this request.", hint=hint)
    return _written(style, *BUG, error, request_id, ())


def headers_of(error: ComityError) -> Headers:
    if isinstance(error, errors.Unauthenticated):
        return CHALLENGES
    if isinstance(error, (errors.TooManyFailures, errors.OverCap, errors.Unavailable)):
        return (("Retry-After", str(error.retry_after_seconds)),)
    if isinstance(error, MethodNotAllowed):
        return (("Allow", error.allow),)
    if isinstance(error, JsonAlone):
        return (("Accept", "application/json"),)
    if isinstance(error, FileAlone):
        return (("Accept", "application/octet-stream"),)
    if isinstance(error, errors.UnsupportedMedia):
        return (("Accept", resources.MEDIA_TYPE), ("Accept-Encoding", ACCEPTED_CODINGS))
    return ()


def _written(style: str, status: int, title: str, error: ComityError, request_id: str, headers: Headers) -> Answer:
    details = {"where": error.where, "rule": error.rule, "hint": error.hint}
    if style == "taxii":
        body = resources.error_message(
            title,
            description=error.message,
            error_id=request_id,
            error_code=error.code,
            http_status=status,
            details=details,
        )
        return Answer(body, status, resources.MEDIA_TYPE, headers)
    if style == "html":
        lines = " ".join(f"<p>{html.escape(text)}</p>" for text in (error.message, error.hint) if text)
        page = (
            f"<!doctype html><html lang=en><meta charset=utf-8><title>{status} {title}</title><h1>{title}</h1>{lines}"
        )
        return Answer(page.encode(), status, HTML_TYPE, headers)
    problem = {"type": "about:blank", "title": title, "status": status, "detail": error.message, "code": error.code}
    problem |= {name: text for name, text in details.items() if text} | {"instance": f"urn:request:{request_id}"}
    return Answer(orjson.dumps(problem), status, PROBLEM_TYPE, headers)
