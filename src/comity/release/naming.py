"""Which names an object gives to itself, and which of its texts could name another (R9)."""

import re
from collections.abc import Iterator
from typing import Any

from comity.release.words import name_of, words_of
from comity.stix.object import JsonObject
from comity.stix.spine import type_of_id

_NAMES = ("name", "value", "display_name", "account_login", "user_id", "path", "key", "subject", "serial_number")
_LITERAL = re.compile(r"'((?:[^'\\]|\\.)*+)'")
_SILENT = frozenset({"type", "id", "spec_version", "created", "modified", "extension_type", "pattern_type", "lang"})


def names_of(value: JsonObject) -> frozenset[tuple[str, ...]]:
    """The id, names, aliases and values of an object, as words: what no text may say while the object is withheld."""
    return frozenset(map(name_of, _own_names(value))) - {()}


def _own_names(value: JsonObject) -> Iterator[str]:
    ident = value.get("id")
    if isinstance(ident, str):
        yield ident.rpartition("--")[2]
    for name in _NAMES:
        one = value.get(name)
        if isinstance(one, str):
            yield one
    for name, one in value.items():
        if name.endswith("aliases") and isinstance(one, list):
            yield from (alias for alias in one if isinstance(alias, str))
    hashes = value.get("hashes")
    if isinstance(hashes, dict):
        yield from (one for one in hashes.values() if isinstance(one, str))
    pattern = value.get("pattern")
    if isinstance(pattern, str):
        for literal in _LITERAL.findall(pattern):
            yield re.sub(r"\\(.)", r"\1", literal)


def texts_of(value: JsonObject) -> Iterator[str]:
    """Every string in which another object could be named: all but types, dates of the object and references."""
    for name, one in value.items():
        if name not in _SILENT:
            if name.startswith("x_"):
                yield name
            yield from _texts(name, one)


def _texts(name: str, one: Any) -> Iterator[str]:
    kind = type(one)
    if kind is str:
        if not name.endswith("_ref") and not (name == "external_id" and type_of_id(one)):
            yield one
    elif kind is list:
        if not name.endswith("_refs"):
            for item in one:
                yield from _texts(name, item)
    elif kind is dict:
        for inner, item in one.items():
            yield inner
            yield from _texts(inner, item)


def words_in(value: JsonObject) -> list[list[str]]:
    """The words of each text of the object; a name never reaches from one text into the next."""
    return [words for text in texts_of(value) if (words := words_of(text))]
