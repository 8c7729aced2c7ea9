"""Objects: found, read in every copy, with what they are tied to, what happened to them, and who receives them."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
import orjson
from msgspec import Meta

from comity.node.choosing import Facets as Counts
from comity.node.people import READING
from comity.node.showing import CopyView
from comity.stix.tlp import TLP
from comity.web.api.changing import understood
from comity.web.api.operation import ROOT, Ask, Given, Operation, Purposed, Told
from comity.web.ui.objects import raw_answer
from comity.web.ui.search import FILE_ROWS, ROWS, STIX_TYPE, names_of, row_of

HERE = f"{ROOT}/objects"
Limit = Annotated[int, Meta(ge=1, le=FILE_ROWS)]
Position = Annotated[int, Meta(ge=0, le=2**32 - 1)]


# -- lists -------------------------------------------------------------------------------------------------------------
class Search(Purposed, frozen=True, kw_only=True):
    """A search, and the page of it. `q` is as in the box of the pages."""

    q: str = ""
    type: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    collection: str = ""
    tlp: str = ""
    seen: str = ""
    limit: Limit = ROWS
    after: Position = 0
    facets: bool = False


class Row(Told, frozen=True, kw_only=True):
    """An object of a list. `tlp` is empty where neither object nor source says one; `tlp_from` says who does."""

    id: str
    type: str
    name: str
    tlp: str
    tlp_from: str
    source: str
    collection: str
    version: str
    added: str


class Facets(Told, frozen=True, kw_only=True):
    """How many of the first hits there are of each; `counted` so many were looked at, which are `all` or not."""

    types: dict[str, int]
    sources: dict[str, int]
    collections: dict[str, int]
    tlp: dict[str, int]
    counted: int
    all: bool


class Page(Told, frozen=True, kw_only=True):
    """A page of a list, and where the next one is. `behind` objects cannot be found yet. `hidden` more are there that
    the caller may not read, where that is told."""

    items: list[Row]
    next: str | None
    behind: int
    facets: Facets | None = None
    hidden: int | None = None


def search(ask: Ask) -> Page:
    """A page of what was asked for."""
    given: Search = ask.query
    with understood():
        found = ask.node.browse(
            given.q,
            types=given.type,
            sources=given.source,
            collection=given.collection,
            tlp=given.tlp,
            seen=given.seen,
            limit=given.limit,
            after=given.after,
            facets=given.facets,
        )
    titles = {one.id: one.title for one in ask.node.collections()}
    names = names_of(ask.visit)
    rows = [msgspec.convert(row_of(hit, titles, names), Row) for hit in found.hits]
    return Page(
        items=rows,
        next=next_page(HERE, given, found.next) if found.next else None,
        behind=found.behind,
        facets=None if found.facets is None else facets_of(found.facets, found.counted, all=found.all),
        hidden=found.hidden,
    )


def next_page(address: str, given: Given, place: object, name: str = "after") -> str:
    """The address of the same list from that place on, which stands in the parameter of that name."""
    from urllib.parse import urlencode

    values = msgspec.structs.asdict(given) | {name: place}
    pairs = [
        (name, str(each).lower() if isinstance(each, bool) else str(each))
        for name, value in values.items()
        for each in (value if isinstance(value, tuple) else (value,))
        if each not in ("", False)
    ]
    return f"{address}?{urlencode(pairs)}"


def facets_of(one: Counts, counted: int, *, all: bool) -> Facets:
    """The facets as they are told; `counted` objects were looked at, which are all or not."""
    levels = {"" if level is None else TLP(level).word: count for level, count in one.levels.items()}
    return Facets(
        types=dict(one.types),
        sources=dict(one.sources),
        collections=dict(one.collections),
        tlp=levels,
        counted=counted,
        all=all,
    )


# -- one object --------------------------------------------------------------------------------------------------------
class Finding(Told, frozen=True, kw_only=True):
    """Something that is wrong with a copy: where in it, and against which rule."""

    rule: str
    where: str
    problem: str


class CopyOf(Told, frozen=True, kw_only=True):
    """One copy of an object. `state` is what has become of it, `object` what it says; None once that was destroyed."""

    version: str
    source: str
    collection: str
    state: str
    added: datetime
    shown: bool
    tlp: str
    tlp_from: str
    statements: list[str]
    digest: str
    recalled: bool
    findings: list[Finding]
    object: dict[str, Any] | None


class About(Told, frozen=True, kw_only=True):
    """An object in every copy that the caller may read, the newest version first; `older` more are there."""

    id: str
    type: str
    name: str
    older: int
    copies: list[CopyOf]


def show(ask: Ask) -> About:
    """The object."""
    about = ask.node.about(ask.path["object"], links=1)
    copies = [copy_of(one) for one in about.copies]
    return About(id=about.id, type=about.type, name=about.name, older=about.older, copies=copies)


def copy_of(one: CopyView) -> CopyOf:
    """The copy as it is told."""
    found = [Finding(rule=each.rule, where=each.where, problem=each.problem) for each in one.findings]
    return CopyOf(
        version=one.version,
        source=one.source,
        collection=one.collection,
        state=one.state,
        added=one.added,
        shown=one.shown,
        tlp=one.tlp,
        tlp_from=one.tlp_from,
        statements=list(one.statements),
        digest=one.digest,
        recalled=one.recalled,
        findings=found,
        object=None if one.raw is None else orjson.loads(one.raw),
    )


def raw(ask: Ask) -> Any:
    """The bytes of the copy that readers get, as they came."""
    return raw_answer(ask.node.about(ask.path["object"], links=1))


_WHO = frozenset(READING)
_ONE = "/objects/{object}"
OPERATIONS = (
    Operation("GET", "/objects", search, _WHO, "Objects that may be read, by words and filters", Page, Search),
    Operation("GET", _ONE, show, _WHO, "An object in every copy", About, Purposed),
    Operation("GET", f"{_ONE}/raw", raw, _WHO, "Its bytes as they came", bytes, Purposed, media=STIX_TYPE),
)
