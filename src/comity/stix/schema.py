"""The OASIS STIX 2.1 JSON schemas, handed in by the node and compiled when a type is first met.

A compiled type costs 0.4 to 1 MB and 2 ms (observed-data 5 MB, 10 ms), all of them 38 MB, so a type that never comes
costs nothing. References resolve in an offline registry only, and patterns run in an engine of linear time.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import jsonschema_rs

from comity.stix.object import Finding, JsonObject
from comity.stix.schema_excerpt import broken_part
from comity.stix.schema_mends import mended
from comity.stix.schema_words import findings_of

JsonDoc = Mapping[str, Any]
FINDINGS_MAX = 20

_FOLDERS = ("sdos", "sros", "observables")
_COMMON = ("extension-definition", "language-content", "marking-definition")
_CORE, _OBSERVABLE_CORE = "common/core", "common/cyber-observable-core"


_NOWHERE = "the object breaks the schema of its type, at a place that was not found because it is very large"


class _Validator(Protocol):
    def is_valid(self, instance: Any) -> bool: ...
    def iter_errors(self, instance: Any) -> Iterable[jsonschema_rs.ValidationError]: ...


class Schemas:
    """The schemas of all types. `types` are those that STIX defines; any other type is judged by its core alone."""

    def __init__(self, documents: Mapping[str, JsonDoc]) -> None:
        docs = mended(documents)
        self._registry = jsonschema_rs.Registry([(doc["$id"], doc) for doc in docs.values()])
        self._addresses: dict[str, str] = {}
        for name, doc in docs.items():
            folder, _, kind = name.partition("/")
            if folder in _FOLDERS or (folder == "common" and kind in _COMMON):
                self._addresses[kind] = doc["$id"]
        self._addresses[_CORE] = docs[_CORE]["$id"]
        self._addresses[_OBSERVABLE_CORE] = docs[_OBSERVABLE_CORE]["$id"]
        self._known = frozenset().union(*(_names_in(doc) for doc in docs.values()))
        self._validators: dict[str, _Validator] = {}

    @property
    def types(self) -> frozenset[str]:
        """The types that have a schema of their own."""
        return frozenset(self._addresses) - {_CORE, _OBSERVABLE_CORE}

    def findings(self, value: JsonObject) -> tuple[Finding, ...]:
        """Where the object, whose `type` is a string, breaks the schema of its type; at most FINDINGS_MAX of them."""
        kind = value["type"]
        validator = self._validators.get(kind) or self._validator_for(kind, value)
        if validator.is_valid(value):
            return ()
        found = broken_part(value, validator.is_valid, self._known)
        if found is None:
            return (Finding("", "schema", _NOWHERE),)
        part, offsets = found
        return findings_of(part, validator.iter_errors(part), FINDINGS_MAX, offsets)

    def _validator_for(self, kind: str, value: JsonObject) -> _Validator:
        if kind not in self._addresses:
            # A type that STIX does not define: an observable has neither date.
            kind = _CORE if "created" in value or "modified" in value else _OBSERVABLE_CORE
        found = self._validators.get(kind)
        if found is None:
            found = jsonschema_rs.validator_for(
                {"$ref": self._addresses[kind]},
                registry=self._registry,
                pattern_options=jsonschema_rs.RegexOptions(),
                validate_formats=True,
                offline=True,
            )
            self._validators[kind] = found
        return found


def _names_in(document: JsonDoc) -> set[str]:
    """Every property name that the schema speaks of."""
    names: set[str] = set()
    todo: list[Any] = [document]
    while todo:
        one = todo.pop()
        if isinstance(one, Mapping):
            for keyword in ("properties", "required"):
                # As a schema's keyword; a property of that name holds a schema itself, and its words do no harm.
                names |= set(one.get(keyword, ()))
            todo += one.values()
        elif isinstance(one, list):
            names |= {name for name in one if isinstance(name, str)}
            todo += one
    return names


def compile(documents: Mapping[str, JsonDoc]) -> Schemas:
    """Schemas from the parsed OASIS documents by name (`sdos/indicator`); types are compiled when first asked for."""
    return Schemas(documents)
