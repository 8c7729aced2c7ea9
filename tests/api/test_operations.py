"""The table of operations: nothing below the root of the API is without one, each is described, and each page has its
own."""

from typing import Any

import jsonschema_rs
import msgspec
import pytest
from tests import operations
from tests.house.tree import ROOT as TREE
from tests.operations import ACTS_APART, DONE, LOOKS_APART, SHOWN, TABLE
from tests.screens import EVERYBODY
from tests.screens import TABLE as PAGES

from comity.web.answer import JSON_TYPE
from comity.web.api.openapi import describe
from comity.web.api.operation import ROOT, Given, Operation, Told
from comity.web.api.operations import OPERATIONS
from comity.web.routes import ROUTES, Rule

DESCRIBED = describe(OPERATIONS)
REFERENCE = (TREE / "docs" / "reference" / "api.md").read_text(encoding="utf-8")


def test_every_route_below_the_root_is_of_operations_and_in_the_table() -> None:
    routes = [route for route in ROUTES if route.template.startswith("/api")]
    assert {(method, path) for path, methods in operations.METHODS.items() for method in methods} == {
        (method, route.template) for route in routes for method in route.methods if method != "HEAD"
    }
    for route in routes:
        assert route.rule is Rule.ACCOUNT
        assert route.api
        assert all(one.template == route.template for one in route.api.values())
    assert {(one.method, one.path): one.roles for one in OPERATIONS} == TABLE
    assert all(TABLE.values()), "nobody is named by naming no role"


def unfit(one: Operation) -> list[str]:
    """What an operation lacks."""
    found = []
    is_file = one.result is bytes and one.media != JSON_TYPE
    is_facts = one.result is dict and one.path in ("/openapi.json", "/audit/report")
    if not (is_file or is_facts or (isinstance(one.result, type) and issubclass(one.result, Told))):
        found.append("its result has no schema")
    if not issubclass(one.query, Given) or (one.body is not None and not issubclass(one.body, Given)):
        found.append("what it takes has no schema")
    if one.method in ("PUT", "PATCH") and one.body is None:
        found.append("it takes no body")
    if one.method == "GET" and (one.body or one.guarded or one.waits or one.secret):
        found.append("a GET changes nothing")
    if not one.words or one.words.endswith("."):
        found.append("its words are no headline")
    return found


@pytest.mark.parametrize("one", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
def test_every_operation_has_its_schemas(one: Operation) -> None:
    assert unfit(one) == []
    told = DESCRIBED["paths"][one.template][one.method.lower()]
    assert str(one.status) in told["responses"]
    assert (one.body is not None or one.stages) == ("requestBody" in told)


def test_an_operation_without_a_schema_would_be_found() -> None:
    def run(_ask: Any) -> None: ...

    assert unfit(Operation("GET", "/x", run, frozenset(), "X", dict)) == ["its result has no schema"]
    assert unfit(Operation("PUT", "/x", run, frozenset(), "X")) == ["it takes no body"]


def test_no_two_operations_or_schemas_are_called_the_same() -> None:
    names = [one.name for one in OPERATIONS]
    assert len(names) == len(set(names))
    kinds = {each for one in OPERATIONS for each in (one.result, one.body) if each not in (None, bytes, dict)}
    assert {kind.__name__ for kind in kinds} <= DESCRIBED["components"]["schemas"].keys()


def test_the_description_is_whole() -> None:
    schemas = DESCRIBED["components"]["schemas"]
    for name, schema in schemas.items():
        jsonschema_rs.meta.validate(schema)
        assert schema.get("type") == "object", name
    text = msgspec.json.encode(DESCRIBED).decode()
    named = {part.partition('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert named == schemas.keys(), "every reference leads somewhere, and nothing is described for nobody"
    assert DESCRIBED["openapi"].startswith("3.1.")


def test_what_is_taken_has_no_room_for_other_members() -> None:
    bodies = {one.body.__name__ for one in OPERATIONS if one.body is not None}
    assert bodies
    for name in bodies:
        assert DESCRIBED["components"]["schemas"][name]["additionalProperties"] is False, name


def test_every_page_has_an_operation_for_what_it_shows_and_does() -> None:
    assert SHOWN.keys() | LOOKS_APART.keys() == {path for path, (looks, _) in PAGES.items() if looks}
    assert DONE.keys() | ACTS_APART.keys() == {path for path, (_, acts) in PAGES.items() if acts}
    assert not SHOWN.keys() & LOOKS_APART.keys()
    assert not DONE.keys() & ACTS_APART.keys()
    for page, path in SHOWN.items():
        assert TABLE["GET", path] <= PAGES[page][0], f"{page} is not told to others by {path}"
    for page, one in DONE.items():
        assert TABLE[one] == PAGES[page][1], page
    assert all(len(why.split()) >= 8 for why in (*LOOKS_APART.values(), *ACTS_APART.values()))


@pytest.mark.parametrize("one", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
def test_the_reference_has_every_operation(one: Operation) -> None:
    roles = "everybody" if TABLE[one.method, one.path] == EVERYBODY else ", ".join(sorted(one.roles))
    assert f"| {one.method} | `{one.template}` | {roles} | {one.words} |" in REFERENCE


def test_the_reference_has_no_other() -> None:
    assert REFERENCE.count(f"` {ROOT}".replace(" ", "")) >= len(OPERATIONS)
    rows = [
        line
        for line in REFERENCE.splitlines()
        if line.split(" | ")[0] in ("| GET", "| POST", "| PUT", "| PATCH", "| DELETE")
    ]
    assert len(rows) == len(OPERATIONS)
