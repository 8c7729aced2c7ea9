"""What several operations take and give: selections of objects, differences that changes make, instants."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

import orjson
from msgspec import Meta

from comity.errors import Invalid, InvalidRequest
from comity.interfaces import instant_of, microseconds
from comity.node.changing import Changed
from comity.node.node import Node
from comity.node.people import ALONE
from comity.node.publishing import Selection
from comity.web.api.operation import Given, Told
from comity.web.ui.fields import IDS_MOST, WORDS_MOST, ids_in

Instant = Annotated[datetime, Meta(tz=True)]
Ids = Annotated[tuple[str, ...], Meta(max_length=IDS_MOST)]
Words = Annotated[tuple[str, ...], Meta(max_length=WORDS_MOST)]


class Selected(Given, frozen=True, kw_only=True):
    """Which objects: those with these ids, or else all; of them those of these types and sources, in the collection."""

    ids: Ids = ()
    types: Words = ()
    sources: Words = ()
    collection: str = ""


def selection_of(given: Any) -> Selection:
    """The selection that was given. Invalid where an id is none."""
    ids = tuple(one for text in given.ids for one in ids_in(text))
    return Selection(ids or None, given.types, given.sources, given.collection or None)


class DryRun(Given, frozen=True, kw_only=True):
    """`dry_run`: it is told what would change, and nothing changes."""

    dry_run: bool = False


class Difference(Told, frozen=True, kw_only=True):
    """What became of a change: the `difference` that it makes, and the id under which it waits for a second person,
    None where it is in force. `alone`: it widens, and nobody else looked at it; then the note says so."""

    difference: dict[str, Any]
    waits: str | None
    alone: bool
    note: str


def told_of(node: Node, done: Changed) -> dict[str, Any]:
    """The members of a `Difference`."""
    names = {one.id: one.name for one in node.partners()}
    return {
        "difference": done.difference.to_json(names),
        "waits": done.waits or None,
        "alone": done.alone,
        "note": ALONE if done.alone else "",
    }


@contextmanager
def understood() -> Iterator[None]:
    """What a verb cannot be asked for is Invalid, where the request itself was read."""
    try:
        yield
    except InvalidRequest as error:
        raise Invalid(error.message, where=error.where, hint=error.hint, rule=error.rule) from error


def instant_of_given(moment: datetime | None, where: str) -> int | None:
    """The instant in microseconds since 1970. Invalid where there is no such date in UTC."""
    if moment is None:
        return None
    found = microseconds(moment)
    try:
        instant_of(found)
    except OverflowError:
        # The first day of the year 1 east of Greenwich.
        raise Invalid("There is no such date.", where=where) from None
    return found


def plain(value: Any) -> Any:
    """The value as JSON has it, with its dates as texts."""
    return orjson.loads(orjson.dumps(value))
