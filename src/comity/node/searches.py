"""Searches that a person keeps, with how much is new in each since its owner opened it last."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from comity.errors import AlreadyDone, Conflict, Invalid, InvalidRequest, NotFound, Refused
from comity.interfaces import microseconds
from comity.node.access import check_name
from comity.node.browsing import Browsing
from comity.node.people import READING
from comity.node.viewing import Viewer
from comity.store.interface import Snapshot
from comity.store.nouns import TextQuery
from comity.store.saved import SavedSearch

SEARCHES_MOST = 100
NAME_CHARACTERS = 100
QUERY_CHARACTERS = 2000
NEW_MOST = 99
"""More is not counted: it is told as so many and more."""
LOOKED_MOST = 1000
COUNTED_US = 50_000
"""So long is counted for all searches of a page together; the rest are told without a number."""
FIELDS = ("q", "type", "from", "in", "tlp", "seen")
"""What stands in the address of a list and says what is searched."""


@dataclass(frozen=True, slots=True)
class SavedView:
    """A search of whoever asks. `new` counts the objects that it may read and that came since it opened the search,
    None where that was not counted; with `more` there may be others."""

    id: str
    name: str
    query: str
    made: int
    seen: int
    new: int | None
    more: bool = False


class Searching(Browsing):
    """The verbs of it. Whoever acts is told of their own searches, and of no other that there is one."""

    def save_search(self, name: str, query: str) -> str:
        """Whoever acts keeps the search under that name; its id. InvalidRequest for what cannot be searched,
        AlreadyDone where they have one of that name, Refused where they have SEARCHES_MOST."""
        with self.store.write() as tx:
            actor = self._actor(tx, *READING)
            name = " ".join(name.split())
            check_name(name, "name")
            if len(name) > NAME_CHARACTERS:
                raise InvalidRequest(f"A name is at most {NAME_CHARACTERS} characters.", where="name")
            kept = _kept(query)
            self._query_of(tx, kept)
            there = tx.saved_searches(actor.id)
            if any(one.name == name for one in there):
                raise AlreadyDone(f"You have a search {name!r} already.", where="name", hint="Choose another name.")
            if len(there) >= SEARCHES_MOST:
                raise Refused(f"You keep {SEARCHES_MOST} searches already.", where="name", hint="Delete one of them.")
            now = microseconds(self.clock.now())
            made = SavedSearch(str(self.entropy.uuid4()), actor.id, name, urlencode(kept), now, now)
            tx.put_search(made)
            return made.id

    def saved_searches(self) -> list[SavedView]:
        """Those of whoever acts, by name."""
        _, start = self.clock.steady()
        with self._snapshot() as snapshot:
            actor = self._actor(snapshot, *READING)
            viewer = self._viewer_with(snapshot, READING)
            found = []
            for one in snapshot.saved_searches(actor.id):
                new, more = None, True
                if self.clock.steady()[1] - start < COUNTED_US:
                    new, more = self._new(snapshot, viewer, one)
                found.append(SavedView(one.id, one.name, one.query, one.made, one.seen, new, more))
        return found

    def open_search(self, id: str) -> str:
        """What stands behind the `?` of its list; what came until now is new no more. NotFound, in the same words, for
        a search of somebody else."""
        with self.store.write() as tx:
            actor = self._actor(tx, *READING)
            found = next((one for one in tx.saved_searches(actor.id) if one.id == id), None)
            if found is None:
                raise NotFound("There is no such search.", where="search")
            tx.put_search(replace(found, seen=max(found.seen, microseconds(self.clock.now()))))
            return found.query

    def drop_search(self, id: str) -> None:
        """The search is gone. NotFound for one of somebody else."""
        with self.store.write() as tx:
            if not tx.drop_search(self._actor(tx, *READING).id, id):
                raise NotFound("There is no such search.", where="search")

    def _new(self, snapshot: Snapshot, viewer: Viewer, one: SavedSearch) -> tuple[int | None, bool]:
        try:
            query = self._query_of(snapshot, parse_qsl(one.query))
        except (Invalid, NotFound, Conflict):
            # A collection or source that it names is gone.
            return None, False
        count = looked = 0
        query = replace(query, added_after=max(query.added_after or 0, one.seen))
        for some, readable, _ in self._looked(snapshot, viewer, query, NEW_MOST + 1):
            count += sum(key in readable for key in some)
            looked += len(some)
            if count > NEW_MOST:
                return NEW_MOST, True
            if looked >= LOOKED_MOST:
                return count, True
        return count, False

    def _query_of(self, snapshot: Snapshot, pairs: list[tuple[str, str]]) -> TextQuery:
        values: dict[str, list[str]] = {}
        for name, value in pairs:
            values.setdefault(name, []).append(value)
        one: Mapping[str, Any] = {name: values.get(name, [""])[-1] for name in ("q", "in", "tlp", "seen")}
        query = self._asked(
            one["q"], values.get("type", ()), values.get("from", ()), one["in"], one["tlp"], one["seen"], 50, 0
        )
        if query.collection is not None:
            query = replace(query, collection=snapshot.collection(query.collection).id)
        return query


def _kept(query: str) -> list[tuple[str, str]]:
    """What of the address says what is searched."""
    if len(query) > QUERY_CHARACTERS:
        raise InvalidRequest(f"A search that is kept is at most {QUERY_CHARACTERS} characters.", where="query")
    try:
        pairs = parse_qsl(query, max_num_fields=100, errors="strict")
    except ValueError:
        raise InvalidRequest("The search cannot be read.", where="query") from None
    found = [(name, value) for name, value in pairs if name in FIELDS and value.strip()]
    if not found:
        raise InvalidRequest("A search that is kept asks for something.", where="query", hint="Give words or filters.")
    return found
