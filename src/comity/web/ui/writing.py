"""Writing: drafts of indicators, incidents, reports and relationships, with their audience in the same form. Who would
receive one is shown before it is saved, and nobody sees it before (R12)."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import orjson

from comity.errors import ComityError, Conflict, Invalid, NotAuthorized, NotFound
from comity.node.browsing import Hit
from comity.node.drafts import WRITING, DraftView, Foretold, check_ours
from comity.node.node import Node
from comity.node.showing import CopyView
from comity.stix.audience import DEFAULT_TLP, PAP_IDS
from comity.stix.composing import FIELDS, NEEDED, VOCABULARY, fields_of, names_of
from comity.stix.relating import suggested
from comity.stix.spine import type_of_id
from comity.stix.tlp import TLP, WELL_KNOWN
from comity.stix.typed import lines_in
from comity.web.answer import Answer
from comity.web.ui.fields import number_in, path, refused, seal
from comity.web.ui.purpose import PURPOSE, purposed
from comity.web.ui.visit import Form, Page, Visit
from comity.web.ui.written import ENDS, differing, helped, shown, title_of, typed, vocabulary

FOUND_SHOWN = 12
NAMED_MOST = 12
"""So many of the objects that a draft refers to are called by their names."""
MARKINGS_SHOWN = 30


# -- pages -------------------------------------------------------------------------------------------------------------
def choose(visit: Visit) -> Answer:
    """What can be written."""
    return visit.page("write-choose.html", types=tuple(FIELDS), drafts=visit.node.drafts())


def drafts(visit: Visit) -> Answer:
    """The drafts of this person, what was changed last first."""
    return visit.page("drafts.html", rows=[(one, title_of(one.type, one.fields)) for one in visit.node.drafts()])


def new(visit: Visit) -> Answer:
    """The form of a new object; the address may say what stands in some fields."""
    type = _type(visit)
    given = {name: visit.parameter(name) for name in names_of(type) if visit.parameter(name)}
    return _form_page(visit, type, blank_of(visit.node, type) | given)


def begin(visit: Visit, form: Form) -> Answer:
    """There is a draft of it."""
    type = _type(visit)
    values, then = helped(type, typed(type, form, {}), form)
    try:
        made = visit.node.start_draft(type, values)
    except ComityError as error:
        return refused(visit, "write.html", error, **_context(visit, type, values))
    return _go(visit, made, then)


def edit(visit: Visit) -> Answer:
    """The form of the next version; where this person has a draft of it already, that draft."""
    copy = _own_copy(visit)
    for one in visit.node.drafts():
        if one.object == copy.id:
            return visit.go(path("drafts", one.id))
    return _form_page(visit, copy.type, said_by(copy), copy=copy)


def begin_edit(visit: Visit, form: Form) -> Answer:
    """There is a draft of the next version."""
    with visit.node.for_purpose(visit.parameter(PURPOSE)):
        copy = _own_copy(visit)
        before = said_by(copy)
        values, then = helped(copy.type, typed(copy.type, form, before), form)
        try:
            made = visit.node.start_draft(copy.type, values, object=copy.id, version=form.one("base"))
        except ComityError as error:
            context = _context(visit, copy.type, values, base=copy.version, object=copy.id)
            return refused(visit, "write.html", error, **context | {"differs": differing(copy.type, before, values)})
        return _go(visit, made, then)


def draft(visit: Visit) -> Answer:
    """The form of the draft; once it was asked for, what would become of it and who would receive it."""
    looked = visit.parameter("look") == "yes"
    told = visit.node.foretell_draft(_id(visit), who=looked)
    return _draft_page(visit, told, looked=looked)


def change(visit: Visit, form: Form) -> Answer:
    """The draft says what was typed."""
    held = visit.node.draft(_id(visit))
    values, then = helped(held.type, typed(held.type, form, held.fields), form)
    revision = number_in(form.one("revision"), "revision")
    try:
        changed = visit.node.change_draft(held.id, values, revision)
    except ComityError as error:
        differs = differing(held.type, held.fields, values) if isinstance(error, Conflict) else ()
        context = _context(visit, held.type, values, held=held) | {"differs": differs}
        return refused(visit, "write.html", error, **context)
    return _go(visit, changed, then)


def save(visit: Visit, form: Form) -> Answer:
    """The draft became an object, where who would receive it is what was shown."""
    told = visit.node.foretell_draft(_id(visit))
    try:
        check_shown(told, form.one("shown"))
        saved = visit.node.save_draft(told.draft.id, number_in(form.one("revision"), "revision"))
    except ComityError as error:
        again = visit.node.foretell_draft(told.draft.id)
        return refused(visit, "write.html", error, **_draft_context(visit, again, looked=True))
    return visit.go(path("objects", saved.id), done="saved")


def check_shown(told: Foretold, shown: str) -> None:
    """Who would receive the draft is what was shown under that seal. Conflict otherwise."""
    if shown != seal_of(told):
        raise Conflict("Who would get it is not what was shown.", where="shown", rule="R12", hint="Look again.")


def rebase(visit: Visit, form: Form) -> Answer:
    """The draft is of the newest version, which was shown."""
    revision = number_in(form.one("revision"), "revision")
    visit.node.rebase_draft(_id(visit), form.one("base"), revision)
    return visit.go(path("drafts", _id(visit), **{PURPOSE: visit.parameter(PURPOSE)}, look="yes"))


def discard(visit: Visit, form: Form) -> Answer:
    """The draft is gone."""
    visit.node.discard_draft(_id(visit))
    return visit.go("/drafts", done="removed")


# -- which -------------------------------------------------------------------------------------------------------------
def _type(visit: Visit) -> str:
    type = visit.call.parameters["type"]
    if type not in FIELDS:
        raise NotFound(f"{type[:40]!r} is no type that is written here.", where="type", hint=", ".join(FIELDS))
    return type


def _id(visit: Visit) -> str:
    return visit.call.parameters["draft"]


def blank_of(node: Node, type: str) -> dict[str, str]:
    """What stands in the fields of a new object of that type."""
    values = dict.fromkeys(names_of(type), "") | {"tlp": DEFAULT_TLP.word[4:].lower()}
    now = f"{node.clock.now():%Y-%m-%d %H:%M}"
    return values | {name: now for name in ("valid_from", "published") if name in values}


def _go(visit: Visit, one: DraftView, then: dict[str, str]) -> Answer:
    return visit.go(path("drafts", one.id, **{PURPOSE: visit.parameter(PURPOSE)}, **then))


def seal_of(told: Foretold) -> str:
    """Another text whenever the draft, or who would receive it, is another."""
    who = [
        (one.partner, one.verdict, [rule.id for rule in one.rules], [str(cut) for cut in one.cuts]) for one in told.who
    ]
    return seal([told.draft.revision, who, told.at_once])


# -- objects that are here ---------------------------------------------------------------------------------------------
def own_copy(visit: Visit, copies: Iterable[CopyView]) -> CopyView:
    """The newest of the copies that is ours to make a new version of. NotFound, NotAuthorized, Invalid or Conflict
    where there is none."""
    own = {source.name for source in visit.node.sources() if source.kind == "own"}
    for copy in copies:
        if copy.source in own and copy.state in ("received", "published") and copy.raw is not None:
            check_ours(orjson.loads(copy.raw), visit.node.ours())
            return copy
    raise NotAuthorized("It is not ours.", where="id", rule="R18", hint="Relate it to an object of ours instead.")


def is_editable(visit: Visit, copies: Iterable[CopyView]) -> bool:
    """Whether this person may make a new version of what has these copies."""
    with suppress(ComityError):
        return visit.may(*WRITING) and bool(own_copy(visit, copies))
    return False


def _own_copy(visit: Visit) -> CopyView:
    return own_copy(visit, visit.node.about(visit.call.parameters["object"], links=1).copies)


def said_by(copy: CopyView) -> dict[str, str]:
    """What the copy says, by the fields of its type."""
    return fields_of(orjson.loads(copy.raw or b"{}"), TLP.read(copy.tlp))


def _between(visit: Visit, told: Foretold) -> Sequence[tuple[str, Sequence[str]]]:
    """The fields in which the object as it was, as it is now and as this person has it differ."""
    if not told.newest:
        return ()
    there = visit.node.about(told.draft.object, links=1).copies
    versions = {copy.version: copy for copy in there[::-1] if copy.raw is not None}
    was, now = (versions.get(version) for version in (told.draft.base, told.newest))
    if was is None or now is None:
        return ()
    return differing(told.draft.type, said_by(was), said_by(now), told.draft.fields)


def _named(visit: Visit, ids: Sequence[str]) -> dict[str, str]:
    """What the objects with these ids are called, of those that this person may read."""
    found = {}
    for id in ids[:NAMED_MOST]:
        with suppress(NotFound):
            found[id] = visit.node.about(id, links=1).name
    return found


def _hits(visit: Visit, text: str) -> Sequence[Hit]:
    return visit.node.browse(text, limit=FOUND_SHOWN, facets=False).hits


def _markings(visit: Visit) -> dict[str, str]:
    """The definitions of markings of ours that are here, by id, and what they are called."""
    own = [source.name for source in visit.node.sources() if source.kind == "own"]
    found = visit.node.browse(types=["marking-definition"], sources=own, limit=MARKINGS_SHOWN, facets=False).hits
    return {hit.id: hit.name for hit in found if hit.id not in WELL_KNOWN and hit.id not in PAP_IDS}


def _looked_up(visit: Visit, values: Mapping[str, str], seek: str) -> dict[str, Any]:
    """What is read of other objects for the form; nothing of it where that wants a purpose that nobody said (R44)."""
    ends = (values.get("source_ref", ""), values.get("target_ref", ""), *lines_in(values.get("object_refs", "")))
    ids = [id for id in ends if type_of_id(id)]
    try:
        return {
            "refs": ids[:NAMED_MOST],
            "names": _named(visit, ids),
            "known": _markings(visit),
            "hits": _hits(visit, seek) if seek else (),
        }
    except NotAuthorized as error:
        if error.where != PURPOSE or visit.call.method != "POST":
            raise
        return {"refs": (), "names": {}, "known": {}, "hits": ()}
    except Invalid as error:
        return {"refs": (), "names": {}, "known": {}, "hits": (), "seek_error": error.message}


def _context(
    visit: Visit,
    type: str,
    values: Mapping[str, str],
    *,
    held: DraftView | None = None,
    base: str = "",
    object: str = "",
) -> dict[str, Any]:
    seek, pasted = visit.parameter("seek"), visit.parameter("value")
    ends = [type_of_id(values.get(name, "")) or "" for name in ENDS.values()]
    markings = lines_in(values["markings"])
    usual = {
        "type": type,
        "values": shown(values),
        "held": held,
        "base": held.base if held else base,
        "object": held.object if held else object,
        "title": title_of(type, values),
        "faults": {},
        "NEEDED": NEEDED,
        "told": None,
        "shown": "",
        "differs": (),
        "between": (),
        "seek": seek,
        "seek_error": "",
        "pasted": pasted,
        "vocabularies": {name: vocabulary(name, values[name]) for name in VOCABULARY if name in values},
        "looked": False,
        "purpose": visit.parameter(PURPOSE),
        "suggested": suggested(*ends) if type == "relationship" else (),
        "levels": [(level.word[4:].lower(), level.word) for level in TLP],
        "groups": sorted({group for one in visit.node.partners() for group in one.groups}),
        "chosen": markings,
    }
    found = usual | _looked_up(visit, values, seek)
    found["known"] = dict.fromkeys(markings, "") | found["known"]
    return found


def _form_page(visit: Visit, type: str, values: Mapping[str, str], copy: CopyView | None = None) -> Answer:
    base, object = (copy.version, copy.id) if copy else ("", "")
    return visit.page("write.html", error=None, **_context(visit, type, values, base=base, object=object))


def _draft_context(visit: Visit, told: Foretold, *, looked: bool) -> dict[str, Any]:
    held = told.draft
    found = _context(visit, held.type, held.fields, held=held)
    found |= {
        "between": _between(visit, told),
        "told": told,
        "looked": looked,
        "shown": seal_of(told) if looked else "",
    }
    if looked:
        found["faults"] = {fault.field: fault for fault in reversed(told.faults)}
    return found


def _draft_page(visit: Visit, told: Foretold, *, looked: bool) -> Answer:
    return visit.page("write.html", error=None, **_draft_context(visit, told, looked=looked))


_WRITES = frozenset(WRITING)
_TYPED = tuple(dict.fromkeys(name for type in FIELDS for name in names_of(type)))
_FIELDS = (*_TYPED, "do", "seek", "add", "value", "revision", "base")
_BYTES = 1_000_000
PAGES = (
    Page("/drafts", drafts, _WRITES),
    Page("/drafts/{draft}", purposed(draft), _WRITES, change, _WRITES, bytes_max=_BYTES, fields=_FIELDS),
    Page("/drafts/{draft}/save", act=save, acts=_WRITES, fields=("revision", "shown")),
    Page("/drafts/{draft}/rebase", act=rebase, acts=_WRITES, fields=("revision", "base")),
    Page("/drafts/{draft}/discard", act=discard, acts=_WRITES),
    Page("/objects/new", choose, _WRITES),
    Page("/objects/new/{type}", purposed(new), _WRITES, begin, _WRITES, bytes_max=_BYTES, fields=_FIELDS),
    Page("/objects/{object}/edit", purposed(edit), _WRITES, begin_edit, _WRITES, bytes_max=_BYTES, fields=_FIELDS),
)
