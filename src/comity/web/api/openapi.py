"""The description of the API (OpenAPI 3.1), made from the table of operations alone."""

import functools
import re
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import structs

import comity
from comity.web.answer import JSON_TYPE, PROBLEM_TYPE
from comity.web.api.answering import CSRF_HEADER
from comity.web.api.operation import FILE_TYPE, Operation

VERSION = "3.1.0"
SECURITY: list[dict[str, list[str]]] = [{"bearer": []}, {"basic": []}, {"session": []}]
_NAME = re.compile(r"\{([a-z]+)\}")
_PROBLEMS = {
    "400": "The request cannot be understood.",
    "401": "Nobody is signed in by it.",
    "403": "Who is signed in may not, or nobody may.",
    "404": "There is no such thing, or it is not for the caller to know.",
    "405": "The path has no such method.",
    "429": "Too many sign-ins failed from this address.",
    "500": "The node made a mistake.",
    "503": "Not now.",
}
_OF_LOOKS = {"409": "It is not in the state that this needs.", "422": "It breaks a rule."}
_OF_CHANGES = {
    "408": "The rest of the request did not come in time.",
    "409": "It is not in the state that this needs, or the request of this key is being done.",
    "413": "It is more than is taken.",
    "415": "The body is not of the type that is taken.",
    "422": "It breaks a rule, or another request had this key.",
}
_OF_GUARDED = {"412": "It was changed meanwhile.", "428": "If-Match is missing."}


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong (RFC 9457): `code` is stable, `rule` names the requirement that decided."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str
    where: str = ""
    rule: str = ""
    hint: str = ""


def describe(operations: Sequence[Operation]) -> dict[str, Any]:
    """The whole description."""
    kinds: list[Any] = [Problem]
    for one in operations:
        kinds += [each for each in (one.result, one.body, one.query) if _is_struct(each)]
    kinds = list(dict.fromkeys(kinds))
    found, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    schemas = dict(zip(kinds, found, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(one.template, {})[one.method.lower()] = _operation(one, schemas, components)
    queries = {_name_of(schemas[one.query]) for one in operations}
    used = {name: schema for name, schema in components.items() if name not in queries}
    return {
        "openapi": VERSION,
        "info": {
            "title": "Comity",
            "version": comity.__version__,
            "description": "What the pages of a node show and do, for programs that act as an account.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": SECURITY,
        "paths": paths,
        "components": {"schemas": used, "securitySchemes": _schemes()},
    }


@functools.lru_cache(maxsize=2)
def description(operations: tuple[Operation, ...]) -> bytes:
    """The same as JSON."""
    return msgspec.json.encode(describe(operations))


def _schemes() -> dict[str, Any]:
    words = "A token that acts as an account: comity token new NAME --account NAME"
    session = f"The session of a page. What changes something is sent with {CSRF_HEADER}, and from a page of the node."
    return {
        "bearer": {"type": "http", "scheme": "bearer", "description": words},
        "basic": {"type": "http", "scheme": "basic", "description": words},
        "session": {"type": "apiKey", "in": "cookie", "name": "comity", "description": session},
    }


def _name_of(reference: dict[str, Any]) -> str:
    return str(reference["$ref"].rpartition("/")[2])


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _operation(one: Operation, schemas: dict[Any, Any], components: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.words,
        "description": f"For: {', '.join(sorted(one.roles))}.",
        "tags": [one.run.__module__.rpartition(".")[2]],
        "parameters": _parameters(one, schemas, components),
        "responses": _responses(one, schemas),
    }
    if one.body is not None:
        found["requestBody"] = {"required": True, "content": {JSON_TYPE: {"schema": schemas[one.body]}}}
    if one.stages:
        found["requestBody"] = {"required": True, "content": {FILE_TYPE: {"schema": {}}}}
    return found


def _parameters(one: Operation, schemas: dict[Any, Any], components: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _NAME.findall(one.template)
    ]
    properties = components[_name_of(schemas[one.query])]["properties"]
    for each in structs.fields(one.query):
        required = each.default is msgspec.NODEFAULT and each.default_factory is msgspec.NODEFAULT
        schema = properties[each.encode_name]
        found.append({"name": each.encode_name, "in": "query", "required": required, "schema": schema})
    text: dict[str, Any] = {"type": "string"}
    if one.guarded:
        words = "The ETag of the answer to a GET of this path."
        found.append({"name": "If-Match", "in": "header", "required": True, "schema": text, "description": words})
    if not one.changes:
        found.append({"name": "If-None-Match", "in": "header", "required": False, "schema": text})
    elif not one.again:
        words = "The same request under the same key is done once, and answered the same for 24 hours."
        key = {"type": "string", "pattern": "^[!-~]{1,200}$"}
        given = {"name": "Idempotency-Key", "in": "header", "required": False, "schema": key, "description": words}
        found.append(given)
    return found


def _plain(one: Operation) -> dict[str, Any]:
    """Of what is no struct: files, STIX, and this description."""
    is_object = one.result is dict or "+json" in one.media
    return {"type": "object"} if is_object else {"type": "string"}


def _responses(one: Operation, schemas: dict[Any, Any]) -> dict[str, Any]:
    schema = schemas[one.result] if _is_struct(one.result) else _plain(one)
    good: dict[str, Any] = {"description": one.words, "content": {one.media: {"schema": schema}}}
    headers: dict[str, Any] = {}
    if not one.changes:
        headers["ETag"] = {"schema": {"type": "string"}}
    if "next" in getattr(one.result, "__struct_fields__", ()):
        headers["Link"] = {"schema": {"type": "string"}, "description": "Where the list goes on (RFC 8288)."}
    place = {"Location": {"schema": {"type": "string"}}} if one.location else {}
    found = {str(one.status): good | ({"headers": headers | place} if headers or place else {})}
    if "dry_run" in getattr(one.body, "__struct_fields__", ()) and one.status != 200:
        found["200"] = {**good, "description": "It was tried, and nothing changed."}
    if one.waits:
        found["202"] = {**good, "description": "It waits for a second person."}
    if not one.changes:
        found["304"] = {"description": "It is what If-None-Match names.", "headers": headers}
    problems = _PROBLEMS | (_OF_CHANGES if one.changes else _OF_LOOKS) | (_OF_GUARDED if one.guarded else {})
    content = {PROBLEM_TYPE: {"schema": schemas[Problem]}}
    found |= {status: {"description": words, "content": content} for status, words in sorted(problems.items())}
    return found
