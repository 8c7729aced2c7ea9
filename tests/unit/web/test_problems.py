"""One table turns every error into a status, and each style writes it down without leaking."""

import inspect

import orjson
import pytest

from comity import errors
from comity.errors import ComityError
from comity.web import problems
from comity.web.problems import MethodNotAllowed, TooSlow, answer_of, bug_answer, status_of, style_of

MADE: list[ComityError] = [
    errors.InvalidRequest("m", where="limit", rule="r", hint="h"),
    errors.TooManyFailures("m", retry_after_seconds=7),
    errors.StoreUnavailable("m", retry_after_seconds=9),
    errors.Unauthenticated("m"),
    errors.UnsupportedMedia("m"),
    MethodNotAllowed("GET"),
    TooSlow("m"),
]


def test_every_class_of_the_error_tree_has_a_status_of_its_own_or_of_an_ancestor() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, ComityError)]
    for kind in set(kinds) - {ComityError}:
        made = kind("m", retry_after_seconds=1) if kind is errors.TooManyFailures else kind("m")
        assert (status_of(made)[0] == 503) == issubclass(kind, errors.Unavailable)
        assert status_of(made)[0] != 500


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidRequest("m"), 400),
        (errors.InvalidObject("m"), 422),
        (errors.InvalidPattern("m"), 422),
        (errors.TooLarge("m"), 413),
        (errors.NotAcceptable("m"), 406),
        (errors.UnsupportedMedia("m"), 415),
        (errors.Unauthenticated("m"), 401),
        (errors.TooManyFailures("m", retry_after_seconds=1), 429),
        (errors.NotAuthorized("m"), 403),
        (errors.NotFound("m"), 404),
        (errors.AlreadyDone("m"), 409),
        (errors.NotInstalled("m"), 501),
        (errors.Unverified("m"), 422),
        (errors.StoreUnavailable("m"), 503),
        (MethodNotAllowed("GET"), 405),
        (TooSlow("m"), 408),
        (ComityError("m"), 500),
    ],
)
def test_statuses(error: ComityError, status: int) -> None:
    assert status_of(error)[0] == status


@pytest.mark.parametrize(
    ("path", "accept", "style"),
    [
        ("/taxii2/", "text/html", "taxii"),
        ("/taxii2", None, "taxii"),
        ("/taxii2/root/x/", "*/*", "taxii"),
        ("/taxii2x", "*/*", "problem"),
        ("/elsewhere", "application/taxii+json", "taxii"),
        ("/elsewhere", "text/html,*/*;q=0.8", "html"),
        ("/elsewhere", None, "problem"),
        ("/elsewhere", "a" * 9000, "problem"),
        ("/", None, "html"),
        ("/", "*/*", "html"),
        ("/", "application/json", "problem"),
    ],
)
def test_an_error_is_written_as_its_reader_expects(path: str, accept: str | None, style: str) -> None:
    assert style_of(path, accept) == style


@pytest.mark.parametrize("error", MADE, ids=lambda error: error.code)
@pytest.mark.parametrize("style", ["taxii", "problem", "html"])
def test_each_style_says_the_same(error: ComityError, style: str) -> None:
    answer = answer_of(error, style, "id1")
    assert answer.status == status_of(error)[0]
    if style == "taxii":
        body = orjson.loads(answer.body)
        assert body["title"]
        assert (body["description"], body["error_code"], body["error_id"]) == ("m", error.code, "id1") or body[
            "details"
        ]
        assert body["http_status"] == str(answer.status)
    elif style == "problem":
        body = orjson.loads(answer.body)
        assert (body["status"], body["code"], body["detail"]) == (answer.status, error.code, error.message)
        assert body["instance"] == "urn:request:id1"
    else:
        assert error.message.encode() in answer.body


def test_headers_that_a_status_calls_for_are_there() -> None:
    headers = {error.code: dict(answer_of(error, "taxii", "i").headers) for error in MADE}
    assert headers["too-many-failures"] == {"Retry-After": "7"}
    assert headers["store-unavailable"] == {"Retry-After": "9"}
    assert "WWW-Authenticate" in headers["unauthenticated"]
    assert headers["method-not-allowed"] == {"Allow": "GET"}
    assert headers["unsupported-media"]["Accept"].startswith("application/taxii+json")
    assert [name for name, _ in problems.CHALLENGES] == ["WWW-Authenticate"] * 2


def test_html_is_escaped() -> None:
    answer = answer_of(errors.NotFound("<script>alert(1)</script>", hint="<b>"), "html", "i")
    assert b"<script>" not in answer.body
    assert b"<b>" not in answer.body


@pytest.mark.parametrize("style", ["taxii", "problem", "html"])
def test_a_bug_tells_nothing_but_the_id_of_the_request(style: str) -> None:
    answer = bug_answer(style, "id1")
    assert answer.status == 500
    assert b"Traceback" not in answer.body
