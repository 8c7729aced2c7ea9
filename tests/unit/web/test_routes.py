"""The table of routes is the whole surface."""

import pytest
from tests.operations import TABLE
from tests.screens import METHODS

from comity.web.api.operation import ROOT
from comity.web.routes import ROUTES, Rule, find

COLLECTION = "/taxii2/root/collections/{collection}/"


def with_head(methods: tuple[str, ...]) -> tuple[str, ...]:
    """With HEAD where there is GET."""
    return tuple(each for one in methods for each in ((one, "HEAD") if one == "GET" else (one,)))


OF_THE_API = {place: tuple(method for method, path in TABLE if path == place) for _, place in TABLE}
SURFACE = {
    "/healthz": ("public", ("GET", "HEAD")),
    "/.well-known/security.txt": ("public", ("GET", "HEAD")),
    "/readyz": ("token or loopback", ("GET", "HEAD")),
    "/metrics": ("token or loopback", ("GET", "HEAD")),
    "/": ("token or session", ("GET", "HEAD")),
    "/static/{file}": ("public", ("GET", "HEAD")),
    "/sign-in": ("public", ("GET", "HEAD", "POST")),
    "/sign-in/link/{link}": ("public", ("GET", "HEAD", "POST")),
    **{path: ("session", with_head(methods)) for path, methods in METHODS.items() if path != "/"},
    **{ROOT + path: ("session or own token", with_head(methods)) for path, methods in OF_THE_API.items()},
    "/taxii2/": ("token", ("GET", "HEAD")),
    "/taxii2/root/": ("token", ("GET", "HEAD")),
    "/taxii2/root/status/{status}/": ("token", ("GET", "HEAD")),
    "/taxii2/root/collections/": ("token", ("GET", "HEAD")),
    COLLECTION: ("token", ("GET", "HEAD")),
    COLLECTION + "manifest/": ("token", ("GET", "HEAD")),
    COLLECTION + "objects/": ("token", ("GET", "HEAD", "POST")),
    COLLECTION + "objects/{object}/": ("token", ("GET", "HEAD", "DELETE")),
    COLLECTION + "objects/{object}/versions/": ("token", ("GET", "HEAD")),
    "/ledger/checkpoint": ("token", ("GET", "HEAD")),
    "/ledger/tile/{level}/{first}": ("token", ("GET", "HEAD")),
    "/ledger/tile/{level}/{first}/{second}": ("token", ("GET", "HEAD")),
    "/ledger/tile/{level}/{first}/{second}/{third}": ("token", ("GET", "HEAD")),
}


def test_there_are_these_routes_with_these_rules_and_no_other() -> None:
    found = {route.template: (route.rule.value, set(route.methods)) for route in ROUTES}
    assert found == {path: (rule, set(methods)) for path, (rule, methods) in SURFACE.items()}


def test_only_a_route_without_a_sign_in_has_a_public_handler() -> None:
    for route in ROUTES:
        assert (route.rule is Rule.PUBLIC) == (route.public is not None or route.open is not None)
        assert (route.rule in (Rule.TOKEN, Rule.LOOPBACK, Rule.HOME)) == (route.get is not None)


def test_a_session_opens_pages_and_a_token_none() -> None:
    for route in ROUTES:
        assert (route.rule in (Rule.SESSION, Rule.HOME)) == (route.page is not None)
        if route.rule is Rule.SESSION:
            assert (route.get, route.public, route.post, route.delete, route.open) == (None,) * 5


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/", "/"),
        ("/taxii2", "/taxii2/"),
        ("/taxii2/", "/taxii2/"),
        ("/taxii2/root/collections/a", COLLECTION),
        ("/taxii2/root/collections/a/objects", COLLECTION + "objects/"),
        ("/taxii2/root/collections/a/objects/b/versions", COLLECTION + "objects/{object}/versions/"),
    ],
)
def test_a_path_finds_its_route_with_and_without_its_last_slash(path: str, template: str) -> None:
    found = find(path)
    assert found is not None
    assert found[0].template == template


@pytest.mark.parametrize(
    "path",
    [
        "",
        "//",
        "/taxii2//",
        "/TAXII2/",
        "/taxii2/root/collections//",
        "/healthz/",
        "/static/",
        "/static/../x",
        "/taxii2\n",
    ],
)
def test_no_other_path_finds_one(path: str) -> None:
    assert find(path) is None


def test_names_are_taken_out_of_the_path() -> None:
    found = find("/taxii2/root/collections/a b/objects/é/")
    assert found is not None
    assert found[1] == {"collection": "a b", "object": "é"}
