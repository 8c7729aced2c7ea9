"""Import in the browser: files are dropped or chosen, what would become of them is shown, and then they are stored."""

from typing import Any

from comity.errors import ComityError
from comity.node.uploads import FAILED, IMPORTING, LOOKING, MINUTES, READY, STORED, STORING, Upload
from comity.stix.tlp import TLP
from comity.web.answer import Answer
from comity.web.ui.fields import path, refused
from comity.web.ui.visit import Form, Page, Visit

ROOT = "/import"
TYPES_SHOWN = 12
MARKINGS = tuple(level.word for level in TLP)
STATES = {LOOKING: "note", READY: "warn", STORING: "note", STORED: "good", FAILED: "bad"}
"""How each state of an upload looks."""


def listing(visit: Visit) -> Answer:
    """The form, and what this person has put aside."""
    return visit.page("import.html", error=None, **_context(visit))


def stage(visit: Visit, form: Form) -> Answer:
    """The files are put aside and looked at."""
    values = {name: form.one(name) for name in ("source", "marking", "collection")}
    chosen = {name: value for name, value in values.items() if value}
    assert form.staged is not None
    try:
        made = visit.node.stage(form.staged, **chosen)
    except ComityError as error:
        return refused(visit, "import.html", error, **_context(visit) | {"values": values})
    return visit.go(path("import", made.id))


def upload(visit: Visit) -> Answer:
    """What would become of the files, how far the work on them is, or what became of them."""
    return visit.page("upload.html", error=None, **_shown(visit, visit.node.upload(_id(visit))))


def confirm(visit: Visit, form: Form) -> Answer:
    """Exactly what was shown is stored."""
    try:
        visit.node.confirm_upload(_id(visit), form.one("digest"))
    except ComityError as error:
        return refused(visit, "upload.html", error, **_shown(visit, visit.node.upload(_id(visit))))
    return visit.go(path("import", _id(visit)))


def drop(visit: Visit, form: Form) -> Answer:
    """The files are gone, and nothing of them was stored."""
    visit.node.drop_upload(_id(visit))
    return visit.go(ROOT, done="removed")


def _id(visit: Visit) -> str:
    return visit.call.parameters["upload"]


def _context(visit: Visit) -> dict[str, Any]:
    return {
        "values": {"source": visit.parameter("source") or "local", "marking": "", "collection": ""},
        "sources": visit.node.import_sources(),
        "markings": MARKINGS,
        "collections": visit.node.collections(),
        "uploads": visit.node.uploads(),
        "moods": STATES,
        "most": visit.node.settings.upload_bytes_max,
        "minutes": MINUTES,
    }


def _shown(visit: Visit, one: Upload) -> dict[str, Any]:
    source = next((each for each in visit.node.sources() if each.name == one.source), None)
    return {
        "one": one,
        "collection": visit.node.collection(one.collection).title,
        "preview": one.preview,
        "moods": STATES,
        "default": one.marking or (TLP.read(source.default_marking).word if source is not None else ""),
        "types_shown": TYPES_SHOWN,
    }


_WHO = frozenset(IMPORTING)
PAGES: tuple[Page, ...] = (
    Page(ROOT, listing, _WHO, stage, _WHO, fields=("files", "source", "marking", "collection"), stages=True),
    Page(f"{ROOT}/{{upload}}", upload, _WHO),
    Page(f"{ROOT}/{{upload}}/confirm", act=confirm, acts=_WHO, fields=("digest",)),
    Page(f"{ROOT}/{{upload}}/drop", act=drop, acts=_WHO),
)
