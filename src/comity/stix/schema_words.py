"""Schema errors put into words: where exactly, which keyword, and a sentence without the value itself."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jsonschema_rs

from comity.stix.object import Finding, JsonObject
from comity.stix.words import clean, path_of, shown

Error = jsonschema_rs.ValidationError

_KINDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_FORMS = {
    "^[0-9]{4}-(": "a timestamp of the form YYYY-MM-DDThh:mm:ss.sssZ",
    r"T\d{2}:\d{2}:\d{2}\.\d{3,}Z$": "a timestamp with milliseconds (YYYY-MM-DDThh:mm:ss.sssZ)",
    "^[a-z][a-z0-9-]+[a-z0-9]--": "an identifier of the form type--UUID",
    "^([a-fA-F0-9]{2})+$": "hexadecimal, two digits a byte",
    "^([A-Za-z0-9+/]{4})*": "base64",
    "^([a-z][a-z0-9]*)+(": "a type name (a-z, 0-9 and single hyphens, beginning with a letter)",
    "^([a-z0-9_-]{3,249}": "a selector such as `description` or `labels.[0]`",
    "^CVE-": "a CVE identifier such as CVE-2026-12345",
    "^CAPEC-": "a CAPEC identifier such as CAPEC-163",
}
_DISCRIMINATORS = frozenset({"type", "source_name", "definition_type", "id"})
_ALTERNATIVES = frozenset({"anyOf", "oneOf"})


def findings_of(
    value: JsonObject, errors: Iterable[Error], most: int, offsets: Mapping[int, int]
) -> tuple[Finding, ...]:
    """One finding a place, in the order of the schema; of several at one place the most telling. `offsets` says of the
    lists of an excerpt where they begin in the whole (`schema_excerpt`)."""
    found: dict[str, tuple[bool, Finding]] = {}
    for error in errors:
        vague = error.kind.name in _ALTERNATIVES
        plain = _plainest(error)
        finding = _finding(value, plain, offsets)
        earlier = found.get(finding.where)
        if earlier is None or (earlier[0] and not vague):
            found[finding.where] = (vague, finding)
        if len(found) == most:
            break
    return tuple(finding for _, finding in found.values())


def _plainest(error: Error) -> Error:
    """The error itself, or of an alternative (anyOf, oneOf) the error in the branch that was most likely meant."""
    while error.kind.name in _ALTERNATIVES:
        branches: Sequence[Sequence[Error]] = getattr(error.kind, "context", None) or ()
        branches = [branch for branch in branches if branch]
        if not branches or _choice(branches):
            break
        best = min(branches, key=lambda branch: _distance(branch, len(error.instance_path)))
        error = min(best, key=lambda inner: inner.kind.name in _ALTERNATIVES)
    return error


def _distance(branch: Sequence[Error], depth: int) -> tuple[bool, bool, int]:
    """How far a branch is from having been meant: another type of thing, a wrong JSON type, many errors."""
    return any(_tells_apart(inner, depth) for inner in branch), _mistyped(branch, depth), len(branch)


def _tells_apart(error: Error, depth: int) -> bool:
    """The error says that this is another type of thing than the branch is about."""
    beyond = len(error.instance_path) - depth
    if beyond == 0:
        return error.kind.name == "not"
    named = beyond == 1 and error.instance_path[-1] in _DISCRIMINATORS
    return named and error.kind.name in ("enum", "pattern", "not", "const")


def _mistyped(branch: Sequence[Error], depth: int) -> bool:
    return all(inner.kind.name == "type" and len(inner.instance_path) == depth for inner in branch)


def _choice(branches: Sequence[Sequence[Error]]) -> list[str]:
    """Which properties are wanted, one text a branch, where every branch only misses some and none the fewest."""
    wanted: list[list[str]] = []
    for branch in branches:
        if any(inner.kind.name != "required" for inner in branch):
            return []
        wanted.append([str(getattr(inner.kind, "property", "")) for inner in branch])
    least = min(wanted, key=len, default=[])
    if len(wanted) > 1 and all(set(least) <= set(names) for names in wanted):
        return []
    return [" and ".join(f"'{clean(name)}'" for name in names) for names in wanted]


def _finding(value: JsonObject, error: Error, offsets: Mapping[int, int]) -> Finding:
    kind: Any = error.kind
    name = kind.name
    parts, here = _walk(value, error.instance_path, offsets)
    if name == "required":
        parts = [*parts, str(kind.property)]
        problem = f"the property '{clean(str(kind.property))}' is missing"
    elif name == "additionalProperties":
        unexpected = [str(one) for one in kind.unexpected] or [""]
        parts = [*parts, unexpected[0]]
        problem = f"the name '{clean(unexpected[0])}' is not allowed here (STIX names are a-z, 0-9 and _, 3 to 250)"
    elif name == "type":
        wanted = " or ".join(_KINDS.get(one, clean(one)) for one in kind.types)
        problem = f"this must be {wanted}, and is {shown(here, 40)}"
    elif name == "enum":
        options = [shown(one, 60) for one in kind.options]
        wanted = ", ".join(options[:8]) + (f" … ({len(options)} in all)" if len(options) > 8 else "")
        problem = f"{shown(here, 60)} is none of {wanted}"
    elif name == "pattern":
        problem = f"{shown(here)} is not {_form(str(kind.pattern))}"
    elif name == "format":
        problem = f"{shown(here)} is not of the form '{clean(str(kind.format))}'"
    elif name in ("minItems", "minProperties"):
        problem = "this is empty; it must be left out or hold something"
    elif name in ("minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        problem = f"{shown(here, 40)} breaks the {_LIMITS[name]} of {clean(str(kind.limit))}"
    elif name == "not":
        problem = _not_allowed(kind.schema, here)
    elif name in _ALTERNATIVES:
        problem = _alternatives(error)
    else:
        problem = f"this breaks the keyword {clean(name)} of the schema"
    return Finding(path_of(parts), f"schema:{clean(name)}", problem)


_LIMITS = {
    "minLength": "least length",
    "maxLength": "greatest length",
    "minimum": "least value",
    "maximum": "greatest value",
    "exclusiveMinimum": "bound below",
    "exclusiveMaximum": "bound above",
}


def _alternatives(error: Error) -> str:
    branches: Sequence[Sequence[Error]] = getattr(error.kind, "context", None) or ()
    names = _choice([branch for branch in branches if branch])
    if not names:
        return "properties that exclude each other are given"
    wanted = ", ".join(names[:12]) + (" …" if len(names) > 12 else "")
    return f"at least one of {wanted} is wanted" if error.kind.name == "anyOf" else f"one of {wanted} is wanted"


def _not_allowed(schema: Any, here: Any) -> str:
    if isinstance(here, dict) and isinstance(schema, dict):
        for branch in schema.get("anyOf", [schema]):
            names = branch.get("required", ()) if isinstance(branch, dict) else ()
            for name in names:
                if name in here:
                    return f"the property '{clean(str(name))}' is not allowed here"
    return f"{shown(here)} is not allowed here"


def _form(pattern: str) -> str:
    for start, words in _FORMS.items():
        if pattern.startswith(start):
            return words
    if pattern.startswith("^") and pattern.endswith("--") and pattern[1:-2].replace("-", "").isalnum():
        return f"the id of a {pattern[1:-2]}"
    return f"of the form {clean(pattern, 60)}"


def _walk(value: Any, path: Sequence[str | int], offsets: Mapping[int, int]) -> tuple[list[str | int], Any]:
    """The place and the value there."""
    parts: list[str | int] = []
    for step in path:
        if isinstance(value, dict) and "" in value and _member(value, step) not in value:
            # The engine leaves empty names out of its paths.
            parts.append("")
            value = value[""]
        if isinstance(value, dict):
            name = _member(value, step)
            parts.append(name)
            value = value.get(name)
        elif isinstance(value, list) and isinstance(step, int):
            parts.append(step + offsets.get(id(value), 0))
            value = value[step]
        else:
            break
    return parts, value


def _member(value: dict[str, Any], step: str | int) -> str:
    """The name that is meant: of one that is digits, such as `"007"`, only the number 7 has come."""
    if step in value:
        return str(step)
    return next((name for name in value if name.isdecimal() and name.lstrip("0") == str(step).lstrip("0")), str(step))
