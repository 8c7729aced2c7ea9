"""A STIX 2.1 object as it came: its bytes, and the few fields that were read from them."""

from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from comity.errors import InvalidObject

VERSIONLESS = "1970-01-01T00:00:00.000Z"
"""The version of an object with neither `modified` nor `created`, so that copies from two sources agree."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault that a reader may want to know of: the place (`labels[2]`, `` for the whole object), the rule, and words.

    `must` is true where STIX 2.1 says MUST, so that a strict source refuses the object.
    """

    where: str
    rule: str
    problem: str
    must: bool = True


class StixObject(Struct, frozen=True, gc=False):
    """An accepted object. `raw` is exactly what was sent; nothing is ever rebuilt from the fields beside it.

    `version` is the text of `modified`, else of `created`, else VERSIONLESS; `instant` is its sortable form with every
    digit (`comity.stix.timestamp.instant_key`); `digest` is the SHA-256 of `raw`. `tlp` is set where the object itself
    names a TLP marking that is known, or one that must count as RED; None means that the source's default applies.
    `looked` is what whoever had it judged made of its value, while that was at hand.
    """

    raw: bytes
    id: str
    type: str
    version: str
    instant: str
    digest: bytes
    spec_version: str = "2.1"
    tlp: int | None = None
    findings: tuple[Finding, ...] = ()
    looked: Any = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """An object that was not taken. `index` is its place among those sent; `id` and `version` as far as read."""

    index: int
    id: str
    version: str
    findings: tuple[Finding, ...]

    @property
    def where(self) -> str:
        """The place of the first fault."""
        return self.findings[0].where

    @property
    def problem(self) -> str:
        """The first fault in words."""
        return self.findings[0].problem


def error_of(rejected: Rejected) -> InvalidObject:
    """The rejection as an error, for callers that sent one object alone."""
    first = rejected.findings[0]
    return InvalidObject(first.problem, where=first.where, rule=first.rule)


JsonObject = dict[str, Any]
