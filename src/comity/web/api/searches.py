"""Searches that the caller keeps, with how much is new in each."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import parse_qs, urlencode

from comity.node.people import READING
from comity.node.searches import SavedView
from comity.web.api.changing import Words, understood
from comity.web.api.objects import HERE
from comity.web.api.operation import Ask, Done, Given, Operation, Purposed, Told, at

FIELDS = {"q": "q", "type": "type", "from": "source", "in": "collection", "tlp": "tlp", "seen": "seen"}
"""What stands in the address of the page of a search, and what operations call it."""


class Kept(Told, frozen=True, kw_only=True):
    """A search. `query` is as in the address of the page, `objects` the address at which the API tells what it finds.
    `new` counts what came since it was `opened`, None where that was not counted; with `more` there may be others."""

    id: str
    name: str
    query: str
    objects: str
    made: datetime | None
    opened: datetime | None
    new: int | None
    more: bool


class Searches(Told, frozen=True, kw_only=True):
    """The searches of the caller, by name."""

    items: list[Kept]


class NewSearch(Given, frozen=True, kw_only=True):
    """A name, and what is searched: the members are the parameters of `/objects`."""

    name: str
    q: str = ""
    type: Words = ()
    source: Words = ()
    collection: str = ""
    tlp: str = ""
    seen: str = ""


class MadeSearch(Told, frozen=True, kw_only=True):
    """The id of a search."""

    id: str


class Opened(Told, frozen=True, kw_only=True):
    """What is searched, as `query` for the page, and as the address of `objects`."""

    query: str
    objects: str


def listing(ask: Ask) -> Searches:
    """All of the caller's."""
    return Searches(items=[_told(one) for one in ask.node.saved_searches()])


def save(ask: Ask) -> MadeSearch:
    """One more is kept."""
    given: NewSearch = ask.body
    pairs = [(page, text) for page, name in FIELDS.items() for text in _texts(getattr(given, name))]
    with understood():
        return MadeSearch(id=ask.node.save_search(given.name, urlencode(pairs)))


def open_one(ask: Ask) -> Opened:
    """What came until now is new no more."""
    query = ask.node.open_search(ask.path["search"])
    return Opened(query=query, objects=_objects(query))


def drop(ask: Ask) -> Done:
    """It is kept no more."""
    ask.node.drop_search(ask.path["search"])
    return Done()


def _told(one: SavedView) -> Kept:
    return Kept(
        id=one.id,
        name=one.name,
        query=one.query,
        objects=_objects(one.query),
        made=at(one.made),
        opened=at(one.seen),
        new=one.new,
        more=one.more,
    )


def _texts(value: str | Sequence[str]) -> Sequence[str]:
    return [value] if isinstance(value, str) else value


def _objects(query: str) -> str:
    pairs = [(FIELDS[name], text) for name, texts in parse_qs(query).items() for text in texts]
    return f"{HERE}?{urlencode(pairs)}"


_WHO = frozenset(READING)
OPERATIONS = (
    Operation("GET", "/searches", listing, _WHO, "Searches of the caller, and how much is new", Searches, Purposed),
    Operation("POST", "/searches", save, _WHO, "Keep one more", MadeSearch, body=NewSearch, status=201),
    Operation("DELETE", "/searches/{search}", drop, _WHO, "Keep it no more"),
    Operation("POST", "/searches/{search}/open", open_one, _WHO, "What came until now is new no more", Opened),
)
