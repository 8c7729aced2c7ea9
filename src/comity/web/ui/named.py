"""What records of the ledger and rows of the audit log say, in a list: with names in the place of ids."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from comity.node.sources import OF_PARTNER
from comity.web.ui.visit import Visit

LEFT_OUT = frozenset({"at", "kind", "digest", "under"})
"""What a list does not show of a record; the page of an entry does."""

Teller = Callable[[Mapping[str, Any]], list[tuple[str, str]]]


def names_of(visit: Visit) -> dict[str, str]:
    """The names of accounts, tokens and partners by their ids."""
    names = {one.id: one.name for one in visit.node.partners()}
    return (
        names
        | {one.id: one.name for one in visit.node.users()}
        | {one.id: one.name for one in visit.node.tokens()}
        | {one.id: one.title for one in visit.node.collections()}
    )


def teller(visit: Visit) -> Teller:
    """Tells the facts of a record as pairs of a name and a text."""
    names = names_of(visit)

    def named(value: Any) -> str:
        if isinstance(value, list):
            return ", ".join(map(named, value)) or "–"
        if not isinstance(value, str):
            return orjson.dumps(value).decode()
        return names.get(value.removeprefix(OF_PARTNER), value)

    def told(record: Mapping[str, Any]) -> list[tuple[str, str]]:
        return [(name, named(value)) for name, value in record.items() if name not in LEFT_OUT]

    return told
