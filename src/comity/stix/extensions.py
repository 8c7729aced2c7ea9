"""This project's own extension definitions. docs/reference/extensions.md has them in words."""

from comity.canonical import canonical_bytes
from comity.stix.object import JsonObject

LIMITS_EXTENSION = "extension-definition--99751a20-2075-444c-b8ef-f168db695e4f"
"""*Release limits*: what its maker allows of an object, where STIX has no place to say it."""

PROJECT_IDENTITY = "identity--17adb498-ca30-4153-b564-87d73154676b"

LIMITS_LOCAL = ("community", "groups", "named")
"""The members of the release limits that mean something on one node only, and never leave it (R16)."""

WORDS_MAX = 64
WORD_CHARACTERS_MAX = 100

_WORDS: JsonObject = {
    "type": "array",
    "items": {"type": "string", "minLength": 1, "maxLength": WORD_CHARACTERS_MAX},
    "minItems": 1,
    "maxItems": WORDS_MAX,
    "uniqueItems": True,
}

LIMITS_SCHEMA: JsonObject = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Comity release limits",
    "type": "object",
    "properties": {
        "extension_type": {"const": "property-extension"},
        "community": {"type": "string", "minLength": 1, "maxLength": WORD_CHARACTERS_MAX},
        "groups": _WORDS,
        "sectors": _WORDS,
        "residency": {**_WORDS, "items": {"type": "string", "pattern": "^[A-Z]{2}$"}},
        "named": _WORDS,
        "embargo_until": {"type": "string", "format": "date-time"},
        "exercise": {"type": "boolean"},
    },
    "required": ["extension_type"],
    "minProperties": 2,
    "additionalProperties": False,
}

_LIMITS_SCHEMA_TEXT = canonical_bytes(LIMITS_SCHEMA).decode()


def limits_definition() -> JsonObject:
    """A new copy of the extension definition of the release limits, to be sent along with objects that carry it."""
    return {
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": LIMITS_EXTENSION,
        "created_by_ref": PROJECT_IDENTITY,
        "created": "2026-11-26T00:00:00.000Z",
        "modified": "2026-11-26T00:00:00.000Z",
        "name": "Comity release limits",
        "description": "What the maker of an object allows of it, where STIX 2.1 has no place to say it.",
        "schema": _LIMITS_SCHEMA_TEXT,
        "version": "1.0.0",
        "extension_types": ["property-extension"],
    }
