"""A release class out of its canonical form, as the store keeps it."""

from functools import lru_cache
from typing import Any

import orjson

from comity.errors import Invalid
from comity.release.classes import Author, Iep, ReleaseClass
from comity.stix.tlp import TLP

CLASSES_KEPT = 4_096
_SETS = ("groups", "sectors", "named", "personal")
_LEVELS = {level.word: level for level in TLP}


@lru_cache(maxsize=CLASSES_KEPT)
def class_of(form: bytes) -> ReleaseClass:
    """The class whose `canonical_form` this is. Invalid where it was written by another version of Comity."""
    try:
        value: dict[str, Any] = orjson.loads(form)
        if value.keys() != set(ReleaseClass.__slots__):
            raise ValueError("it has other facets")
        plain = {name: frozenset(value[name]) for name in _SETS}
        return ReleaseClass(
            **{
                **value,
                **plain,
                "tlp": _LEVELS[value["tlp"]],
                "author": Author(value["author"]),
                "residency": None if value["residency"] is None else frozenset(value["residency"]),
                "embargo_until": _number(value["embargo_until"]),
                "iep": tuple(_iep(each) for each in value["iep"]),
                "granular": frozenset(_LEVELS[word] for word in value["granular"]),
            }
        )
    except (ValueError, KeyError, TypeError) as error:
        raise Invalid(f"A release class cannot be read: {error}.", where="class", hint="comity doctor") from error


def _iep(value: dict[str, Any]) -> Iep:
    return Iep(**{**value, "starts_at": _number(value["starts_at"]), "ends_at": _number(value["ends_at"])})


def _number(text: str | None) -> int | None:
    """Instants are text in the form: microseconds reach beyond the integers that every reader of JSON keeps."""
    return None if text is None else int(text)
