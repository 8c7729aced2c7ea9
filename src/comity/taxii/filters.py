"""The query string of a TAXII request as a Query (sections 3.4 and 3.5). Whatever is malformed is refused by name."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from enum import Enum

from comity.errors import InvalidRequest
from comity.interfaces import PAGE_ITEMS_MAX, Query, microseconds
from comity.stix.timestamp import instant_key
from comity.stix.words import shown
from comity.taxii.cursor import Cursors

QUERY_BYTES_MAX = 64 * 1024
PARAMETERS_MAX = 100
VALUES_MAX = 1000
VALUE_CHARACTERS_MAX = 300

LIMIT, NEXT, ADDED_AFTER = "limit", "next", "added_after"
ID, TYPE, VERSION, SPEC_VERSION = "match[id]", "match[type]", "match[version]", "match[spec_version]"
FIRST, LAST, ALL = "first", "last", "all"

_FILTERING, _MATCHING, _PAGING = "TAXII 2.1 section 3.4", "TAXII 2.1 section 3.4.1", "TAXII 2.1 section 3.5"
_RULES = {LIMIT: _FILTERING, NEXT: _PAGING, ADDED_AFTER: _FILTERING}
_BROKEN_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_SPEC_VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}", re.ASCII)


class Endpoint(Enum):
    """The endpoints that take parameters, each with those that the standard gives it (sections 5.3 to 5.8)."""

    OBJECTS = frozenset({LIMIT, NEXT, ADDED_AFTER, ID, TYPE, VERSION, SPEC_VERSION})
    MANIFEST = OBJECTS
    OBJECT = frozenset({LIMIT, NEXT, ADDED_AFTER, VERSION, SPEC_VERSION})
    VERSIONS = frozenset({LIMIT, NEXT, ADDED_AFTER, SPEC_VERSION})
    DELETE = frozenset({VERSION, SPEC_VERSION})


_VERSIONS_BY_DEFAULT = {Endpoint.VERSIONS: (ALL,), Endpoint.DELETE: (ALL,)}


def parse(
    endpoint: Endpoint,
    query_string: bytes,
    cursors: Cursors,
    *,
    collection: str,
    id: str | None = None,
    page_items_max: int = PAGE_ITEMS_MAX,
) -> Query:
    """The question that a request asks of the collection, or of the object with that id in it.

    Parameters that this endpoint does not have are ignored. A limit above what a page may hold is lowered to it.
    """
    given = _parameters(query_string, endpoint.value)
    query = Query(
        collection=collection,
        ids=(id,) if id is not None else _list(given, ID, _any_text),
        types=_list(given, TYPE, _any_text),
        versions=_versions(given) or _VERSIONS_BY_DEFAULT.get(endpoint, (LAST,)),
        spec_versions=_list(given, SPEC_VERSION, _spec_version),
        added_after=_added_after(given.get(ADDED_AFTER)),
        limit=min(_limit(given.get(LIMIT), page_items_max), page_items_max),
    )
    # Clients of the reference server send an empty `next` where a manifest had none to give.
    return replace(query, after=cursors.open(query, given[NEXT])) if given.get(NEXT) else query


def _refused(name: str, problem: str, hint: str = "") -> InvalidRequest:
    return InvalidRequest(f"`{name}`: {problem}", where=name, rule=_RULES.get(name, _MATCHING), hint=hint)


def _parameters(query_string: bytes, known: frozenset[str]) -> dict[str, str]:
    """The known parameters by name, decoded. Each may stand once."""
    if len(query_string) > QUERY_BYTES_MAX:
        raise InvalidRequest(f"The query has more than {QUERY_BYTES_MAX} bytes.", where="query", rule=_FILTERING)
    parts = query_string.split(b"&")
    if len(parts) > PARAMETERS_MAX:
        raise InvalidRequest(f"The query has more than {PARAMETERS_MAX} parameters.", where="query", rule=_FILTERING)
    found: dict[str, str] = {}
    for part in parts:
        raw_name, _, raw_value = part.partition(b"=")
        name = _decoded(raw_name, "query")
        if name not in known:
            continue
        if name in found:
            raise _refused(name, "given more than once.", "Join several values by commas.")
        found[name] = _decoded(raw_value, name)
    return found


def _decoded(raw: bytes, where: str) -> str:
    if _BROKEN_PERCENT.search(raw):
        raise _refused(where, "a % is not followed by two hexadecimal digits.")
    plain = _PERCENT.sub(lambda match: bytes((int(match[1], 16),)), raw.replace(b"+", b" "))
    try:
        return plain.decode("utf-8")
    except UnicodeDecodeError:
        raise _refused(where, "not UTF-8.") from None


def _list(given: dict[str, str], name: str, read: Callable[[str, str], str]) -> tuple[str, ...]:
    """The values of a match field, each once, in the order given."""
    text = given.get(name)
    if text is None:
        return ()
    values = text.split(",")
    if len(values) > VALUES_MAX:
        raise _refused(name, f"more than {VALUES_MAX} values.", "Ask in several requests.")
    return tuple(dict.fromkeys(read(name, value) for value in values))


def _any_text(name: str, value: str) -> str:
    if not value:
        raise _refused(name, "a value is empty.")
    if len(value) > VALUE_CHARACTERS_MAX:
        raise _refused(name, f"a value has more than {VALUE_CHARACTERS_MAX} characters.")
    if not value.isprintable():
        raise _refused(name, "a value has characters that cannot be shown.")
    return value


def _spec_version(name: str, value: str) -> str:
    if _SPEC_VERSION.fullmatch(value) is None:
        raise _refused(name, f"{shown(value)} is no version of STIX.", "Send for example 2.1.")
    return value


def _version(name: str, value: str) -> str:
    if value in (FIRST, LAST, ALL):
        return value
    instant = instant_key(value)
    if instant is None:
        raise _refused(name, f"{shown(value)} is neither first, last, all nor a STIX timestamp.")
    return instant


def _versions(given: dict[str, str]) -> tuple[str, ...]:
    versions = _list(given, VERSION, _version)
    if ALL in versions and len(versions) > 1:
        raise _refused(VERSION, "`all` stands alone.")
    return versions


def _limit(text: str | None, default: int) -> int:
    if text is None:
        return default
    digits = text.lstrip("0")
    if _DIGITS.fullmatch(text) is None or not digits:
        raise _refused(LIMIT, f"{shown(text)} is not a whole number above 0.")
    # A number of more digits than this is above every maximum; int() refuses very long ones.
    return int(digits) if len(digits) <= 18 else 10**18


def _added_after(text: str | None) -> int | None:
    """Microseconds since 1970. Digits beyond are cut off, which leaves the same dates of six digits above it."""
    if text is None:
        return None
    if instant_key(text) is None:
        hint = "Send for example 2026-01-31T12:00:00.000000Z."
        raise _refused(ADDED_AFTER, f"{shown(text)} is no timestamp in UTC.", hint)
    whole, _, fraction = text[:-1].partition(".")
    seconds = microseconds(datetime.fromisoformat(whole + "+00:00"))
    return seconds + int(fraction[:6].ljust(6, "0"))
