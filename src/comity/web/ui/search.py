"""Search: one box, filters that stand in the address, facets, and the same list as JSON, CSV and STIX."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

import orjson

from comity.errors import Invalid, InvalidRequest
from comity.interfaces import instant_of
from comity.node.browsing import FACETED_MOST, Found, Hit
from comity.node.people import READING
from comity.node.recipients import source_of
from comity.node.spelling import csv_cell
from comity.node.touring import FIND
from comity.stix.tlp import TLP
from comity.web.answer import JSON_TYPE, Answer
from comity.web.ui.picking import FILTERS, LISTS, PICKING, picked
from comity.web.ui.purpose import PURPOSE, purposed
from comity.web.ui.shown import machine
from comity.web.ui.visit import Form, Page, Visit

PATH = "/search"
ROWS, ROWS_MOST, FILE_ROWS = 50, 200, 1000
FACET_SHOWN = 12
CSV_TYPE = "text/csv; charset=utf-8"
STIX_TYPE = "application/stix+json;version=2.1"
COLUMNS = ("id", "type", "name", "tlp", "tlp_from", "source", "collection", "version", "added")
SEEN = ("1h", "24h", "7d", "30d")


@dataclass(frozen=True, slots=True)
class Asked:
    """What stands in the address of a list."""

    q: str = ""
    types: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    collection: str = ""
    tlp: str = ""
    seen: str = ""
    purpose: str = ""
    limit: int = ROWS
    after: int = 0

    @property
    def is_narrow(self) -> bool:
        """Whether it asks for less than everything."""
        return bool(self.q or self.types or self.sources or self.collection or self.tlp or self.seen)

    def url(self, suffix: str = "", **changes: object) -> str:
        """The address of the same list with these changes, from its first page on unless they say otherwise."""
        one = replace(self, **({"after": 0} | changes))  # type: ignore[arg-type] # fields by name
        pairs = [("q", one.q), *(("type", each) for each in one.types), *(("from", each) for each in one.sources)]
        pairs += [("in", one.collection), ("tlp", one.tlp), ("seen", one.seen), ("purpose", one.purpose)]
        pairs += [("limit", str(one.limit)) if one.limit != ROWS else ("", ""), ("after", str(one.after or ""))]
        query = urlencode([(name, value) for name, value in pairs if name and value])
        return PATH + suffix + ("?" + query if query else "")


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a facet: what it is called, how many there are, the address that takes or leaves it."""

    word: str
    count: int
    url: str
    on: bool


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that holds; `name` chooses the words, `url` is the list without it."""

    name: str
    word: str
    url: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A list as its templates and files need it."""

    asked: Asked
    found: Found
    titles: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


def asked_of(visit: Visit, rows: int = ROWS, most: int = ROWS_MOST) -> Asked:
    """What the address asks for. InvalidRequest for what cannot be."""
    given = visit.parameters

    def number(name: str, default: int, least: int, greatest: int) -> int:
        text = visit.parameter(name)
        if not text:
            return default
        if not text.isascii() or not text.isdecimal() or not least <= int(text[:20]) <= greatest:
            raise InvalidRequest(f"{name} is a number from {least} to {greatest}.", where=name)
        return int(text)

    return Asked(
        q=visit.parameter("q").strip(),
        types=tuple(dict.fromkeys(filter(None, given.get("type", [])))),
        sources=tuple(dict.fromkeys(filter(None, given.get("from", [])))),
        collection=visit.parameter("in"),
        tlp=visit.parameter("tlp"),
        seen=visit.parameter("seen"),
        purpose=visit.parameter("purpose"),
        limit=number("limit", rows, 1, most),
        after=number("after", 0, 0, 2**32 - 1),
    )


def _listed(visit: Visit, asked: Asked, file: str = "", ids: Sequence[str] = ()) -> Listed:
    found = visit.node.browse(
        asked.q,
        ids=ids,
        types=asked.types,
        sources=asked.sources,
        collection=asked.collection,
        tlp=asked.tlp,
        seen=asked.seen,
        limit=asked.limit,
        after=asked.after,
        facets=not file,
        file=file,
    )
    return Listed(asked, found, {one.id: one.title for one in visit.node.collections()}, names_of(visit))


def names_of(visit: Visit) -> dict[str, str]:
    """What sources are called where that is not their name: those of partners."""
    return {source_of(one.id): one.name for one in visit.node.partners()}


def search(visit: Visit) -> Answer:
    """The page of `/search`; where what is asked cannot be, the same page says why."""
    asked = Asked(q=visit.parameter("q"))
    try:
        asked = asked_of(visit)
        listed = _listed(visit, asked)
    except (Invalid, InvalidRequest) as error:
        return visit.page("search.html", status=400, asked=asked, error=error, found=None, chips=_chips(asked, {}))
    found = listed.found
    if asked.q:
        visit.node.toured(FIND)
    return visit.page(
        "search.html",
        asked=asked,
        error=None,
        found=found,
        names=listed.names,
        chips=_chips(asked, {**listed.titles, **listed.names}),
        facets=_facets(listed),
        most=FACETED_MOST,
        seens=SEEN,
        saved=visit.node.saved_searches(),
        query=asked.url().partition("?")[2] if asked.is_narrow else "",
        next=asked.url(after=found.next) if found.next else "",
        first=asked.url() if asked.after else "",
    )


def _chips(asked: Asked, titles: Mapping[str, str]) -> list[Chip]:
    chips = [Chip("type", one, asked.url(types=_without(asked.types, one))) for one in asked.types]
    chips += [
        Chip("from", titles.get(one, one), asked.url(sources=_without(asked.sources, one))) for one in asked.sources
    ]
    if asked.collection:
        chips.append(Chip("in", titles.get(asked.collection, asked.collection), asked.url(collection="")))
    if asked.tlp:
        chips.append(Chip("tlp", asked.tlp.upper(), asked.url(tlp="")))
    if asked.seen:
        chips.append(Chip("seen", asked.seen, asked.url(seen="")))
    return chips


def _facets(listed: Listed) -> dict[str, list[Choice]]:
    asked, facets = listed.asked, listed.found.facets
    assert facets is not None
    levels = {TLP(level).word: count for level, count in facets.levels.items() if level is not None}
    found = {
        "type": [
            Choice(one, count, asked.url(types=_turned(asked.types, one)), one in asked.types)
            for one, count in facets.types.items()
        ],
        "from": [
            Choice(
                listed.names.get(one, one), count, asked.url(sources=_turned(asked.sources, one)), one in asked.sources
            )
            for one, count in facets.sources.items()
        ],
        "tlp": [
            Choice(
                word,
                count,
                asked.url(tlp="" if asked.tlp == word[4:].lower() else word[4:].lower()),
                asked.tlp == word[4:].lower(),
            )
            for word, count in sorted(levels.items(), key=lambda item: TLP.read(item[0]))
        ],
        "in": [
            Choice(
                listed.titles.get(one, one),
                count,
                asked.url(collection="" if asked.collection == one else one),
                asked.collection == one,
            )
            for one, count in facets.collections.items()
        ],
    }
    return {name: choices[:FACET_SHOWN] for name, choices in found.items() if choices}


def _turned(there: tuple[str, ...], one: str) -> tuple[str, ...]:
    return _without(there, one) if one in there else (*there, one)


def _without(there: tuple[str, ...], one: str) -> tuple[str, ...]:
    return tuple(each for each in there if each != one)


# -- files -------------------------------------------------------------------------------------------------------------
def row_of(hit: Hit, titles: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    """A hit as a row of JSON or CSV."""
    level = hit.level
    return {
        "id": hit.id,
        "type": hit.type,
        "name": hit.name,
        "tlp": "" if level is None else TLP(level).word,
        "tlp_from": hit.level_from,
        "source": names.get(hit.source, hit.source),
        "collection": titles.get(hit.collection, hit.collection),
        "version": hit.version,
        "added": machine(instant_of(hit.added)),
    }


def _file(visit: Visit, file: str, form: Form | None) -> Listed:
    """What the address asks for; or what the form picks, of which nothing goes on behind an address but all that
    match."""
    if form is None:
        return _listed(visit, asked_of(visit, FILE_ROWS, FILE_ROWS), file)
    ids, purpose = picked(form), form.one(PURPOSE).strip()
    asked = Asked(limit=FILE_ROWS) if ids else _asked_in(form, purpose)
    with visit.node.for_purpose(purpose):
        return _listed(visit, asked, file, ids)


def _asked_in(form: Form, purpose: str) -> Asked:
    one = {name: form.one(name).strip() for name in FILTERS}
    types, sources = (tuple(dict.fromkeys(form.all(name))) for name in LISTS)
    return Asked(one["q"], types, sources, one["in"], one["tlp"], one["seen"], purpose, FILE_ROWS)


def _headers(listed: Listed, suffix: str) -> tuple[tuple[str, str], ...]:
    """Where the list goes on (RFC 8288), and a name to keep it under."""
    name = ("Content-Disposition", f'attachment; filename="search{suffix}"')
    if not listed.found.next:
        return (name,)
    return name, ("Link", f'<{listed.asked.url(suffix, after=listed.found.next)}>; rel="next"')


def as_json(visit: Visit, form: Form | None = None) -> Answer:
    """The list as JSON; with a form, what that picks of it."""
    listed = _file(visit, "json", form)
    rows = [row_of(hit, listed.titles, listed.names) for hit in listed.found.hits]
    found = listed.found
    next = listed.asked.url(".json", after=found.next) if found.next else None
    body = orjson.dumps({"items": rows, "next": next, "behind": found.behind})
    return Answer(body, media_type=JSON_TYPE, headers=_headers(listed, ".json"))


def as_csv(visit: Visit, form: Form | None = None) -> Answer:
    """The list as CSV (RFC 4180), no cell of which a spreadsheet takes for a formula (R61)."""
    listed = _file(visit, "csv", form)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for hit in listed.found.hits:
        row = row_of(hit, listed.titles, listed.names)
        writer.writerow([csv_cell(row[name]) for name in COLUMNS])
    return Answer(text.getvalue().encode(), media_type=CSV_TYPE, headers=_headers(listed, ".csv"))


def as_stix(visit: Visit, form: Form | None = None) -> Answer:
    """The list as a STIX bundle of the objects, byte for byte as they were sent."""
    listed = _file(visit, "stix", form)
    id = visit.node.entropy.uuid4()
    head = b'{"type":"bundle","id":"bundle--' + str(id).encode() + b'"'
    bodies = listed.found.bodies
    body = head + (b',"objects":[\n' + b",\n".join(bodies) + b"]}\n" if bodies else b"}\n")
    return Answer(body, media_type=STIX_TYPE, headers=_headers(listed, ".stix.json"))


_WHO = frozenset(READING)
PAGES: tuple[Page, ...] = (
    Page("/search", purposed(search), _WHO),
    Page("/search.json", purposed(as_json), _WHO, as_json, _WHO, fields=PICKING),
    Page("/search.csv", purposed(as_csv), _WHO, as_csv, _WHO, fields=PICKING),
    Page("/search.stix.json", purposed(as_stix), _WHO, as_stix, _WHO, fields=PICKING),
)
