"""Pages for people: plain HTML, no script, everything escaped."""

import functools
import importlib.metadata
import re
from dataclasses import dataclass

import jinja2

from comity.interfaces import instant_of
from comity.node.access import Access
from comity.taxii.resources import API_ROOT
from comity.web.answer import HTML_TYPE, Answer, packed
from comity.web.assets import asset_at
from comity.web.call import Call

TYPES_SHOWN = 30
_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class CollectionRow:
    """A collection with what this reader may do in it; `objects` is None where it may not be read."""

    id: str
    title: str
    alias: str | None
    description: str
    rights: str
    objects: int | None


def front(call: Call, access: Access) -> Answer:
    """What runs here and where to go. A reader of some collections is told of those, and no number beyond them."""
    node = call.node
    views = node.collections(access)
    counts = node.counts()
    rows = [
        CollectionRow(
            view.id,
            view.title,
            view.alias,
            view.description,
            " and ".join(word for word, right in (("read", view.can_read), ("write", view.can_write)) if right),
            counts.collections.get(view.id, 0) if view.can_read and not access.recipient else None,
        )
        for view in views
    ]
    types = sorted(counts.types.items(), key=lambda item: (-item[1], item[0])) if access.may_read_all else []
    readable = next((row for row in rows if row.objects is not None), None)
    text = (
        _templates()
        .get_template("front.html")
        .render(
            name=node.name,
            version=importlib.metadata.version("comity"),
            access=access,
            base=_base(call),
            contact=node.settings.contact,
            api_root=API_ROOT,
            collections=rows,
            readable=readable,
            all=counts if access.may_read_all else None,
            types=types[:TYPES_SHOWN],
            types_more=max(0, len(types) - TYPES_SHOWN),
            last_added=instant_of(counts.last_added) if counts.last_added and access.may_read_all else None,
        )
    )
    return Answer(text.encode(), media_type=HTML_TYPE)


def static(call: Call) -> Answer:
    """A file that pages are made with, which says nothing of the node; for ever under a name with its digest. NotFound
    where there is none of that name."""
    asset, for_ever = asset_at(call.parameters["file"])
    tag = f'"{asset.digest}"'
    kept = "public, max-age=31536000, immutable" if for_ever else "no-cache"
    headers = (("ETag", tag), ("Cache-Control", kept), ("Vary", "Accept-Encoding"))
    if tag in (call.headers.get(b"if-none-match") or ""):
        return Answer(b"", status=304, headers=headers)
    return packed(Answer(asset.content, media_type=asset.kind, headers=headers), call.headers.get(b"accept-encoding"))


def _base(call: Call) -> str:
    """The address under which the reader came, for the lines that he copies; a strange Host header is not repeated."""
    host = call.headers.get(b"host") or ""
    settings = call.node.settings
    if _HOST.fullmatch(host) is None:
        host = f"{settings.host}:{settings.port}"
    return f"{call.scheme}://{host}"


@functools.cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("comity.web"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["number"] = lambda value: f"{value:,}"
    return environment
