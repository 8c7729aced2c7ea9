"""What the caller writes: drafts of objects of ours, who would receive them, and objects that they become (R12)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from comity.errors import Invalid
from comity.node.drafts import WRITING, DraftView, Foretold
from comity.stix.composing import FIELDS
from comity.web.api.around import RuleOf, rules_of
from comity.web.api.changing import plain
from comity.web.api.objects import Finding
from comity.web.api.operation import ROOT, Ask, Done, Given, Operation, Purposed, Told, at
from comity.web.ui.writing import blank_of, check_shown, own_copy, said_by, seal_of
from comity.web.ui.written import title_of

Revision = Annotated[int, Meta(ge=0, le=2**31 - 1)]
BYTES = 1_000_000


class DraftOf(Told, frozen=True, kw_only=True):
    """A draft with what each field says. `base` is the version of the `object` that is edited, empty for a new one;
    `revision` is another after each change."""

    id: str
    type: str
    title: str
    object: str
    base: str
    revision: int
    made: datetime | None
    changed: datetime | None
    fields: dict[str, str]


class Drafts(Told, frozen=True, kw_only=True):
    """The drafts of the caller, what was changed last first."""

    items: list[DraftOf]


class NewDraft(Given, frozen=True, kw_only=True):
    """A draft of a new object, or of the next version of that `object`, as it was looked at in that `version`. Fields
    that are not given say what the object says, or what stands in an empty form."""

    type: str
    fields: dict[str, str] = msgspec.field(default_factory=dict)
    object: str = ""
    version: str = ""


class Change(Given, frozen=True, kw_only=True):
    """What these fields say from now on; the others stay."""

    fields: dict[str, str]


class Rebase(Given, frozen=True, kw_only=True):
    """The newest version, which was looked at."""

    base: str
    revision: Revision


class Save(Given, frozen=True, kw_only=True):
    """`shown` is what the last answer about who would receive it had in the member of that name."""

    shown: str
    revision: Revision


class FaultOf(Told, frozen=True, kw_only=True):
    """What is wrong with a field, or with the whole where that is empty, by which rule."""

    field: str
    words: str
    rule: str


class WouldReceiveOf(Told, frozen=True, kw_only=True):
    """What would become of it for a partner or client, by which rules, and how it would be changed."""

    partner: str
    relation: str
    decision: Literal["release", "redact", "withhold"]
    rules: list[RuleOf]
    changes: list[str]


class ForetoldOf(Told, frozen=True, kw_only=True):
    """What a draft would become, what is wrong with it, and findings that are no fault. Once nothing is wrong, `who`
    says what each would receive, were it published. `newest` is the version that is here by now, where that is another
    than the one that is edited. `at_once`: it is published when it is saved. `shown` is what `save` wants."""

    draft: DraftOf
    object: dict[str, Any]
    faults: list[FaultOf]
    findings: list[Finding]
    who: list[WouldReceiveOf]
    newest: str
    at_once: bool
    shown: str


class SavedOf(Told, frozen=True, kw_only=True):
    """The object that a draft became."""

    id: str
    version: str


def listing(ask: Ask) -> Drafts:
    """Those of the caller."""
    return Drafts(items=[_told(one) for one in ask.node.drafts()])


def begin(ask: Ask) -> DraftOf:
    """There is a draft."""
    given: NewDraft = ask.body
    if given.type not in FIELDS:
        raise Invalid(f"{given.type[:40]!r} is no type that is written here.", where="type", hint=", ".join(FIELDS))
    fields = {**_before(ask, given), **given.fields}
    return _told(ask.node.start_draft(given.type, fields, object=given.object, version=given.version))


def _before(ask: Ask, given: NewDraft) -> Mapping[str, str]:
    if not given.object:
        return blank_of(ask.node, given.type)
    copy = own_copy(ask.visit, ask.node.about(given.object, links=1).copies)
    if copy.type != given.type:
        raise Invalid(f"{given.object[:60]!r} is no {given.type}.", where="type")
    return said_by(copy)


def show(ask: Ask) -> DraftOf:
    """One of them."""
    return _told(ask.node.draft(ask.path["draft"]))


def change(ask: Ask) -> DraftOf:
    """The draft says this."""
    given: Change = ask.body
    held = ask.node.draft(ask.path["draft"])
    return _told(ask.node.change_draft(held.id, {**held.fields, **given.fields}, held.revision))


def foretold(ask: Ask) -> ForetoldOf:
    """What would become of it, and who would receive it."""
    told = ask.node.foretell_draft(ask.path["draft"])
    return ForetoldOf(
        draft=_told(told.draft),
        object=plain(told.value),
        faults=[FaultOf(field=one.field, words=one.words, rule=one.rule) for one in told.faults],
        findings=[Finding(rule=one.rule, where=one.where, problem=one.problem) for one in told.findings],
        who=_who(told),
        newest=told.newest,
        at_once=told.at_once,
        shown=seal_of(told),
    )


def rebase(ask: Ask) -> DraftOf:
    """The draft is of the newest version."""
    given: Rebase = ask.body
    return _told(ask.node.rebase_draft(ask.path["draft"], given.base, given.revision))


def save(ask: Ask) -> SavedOf:
    """The draft became an object, where who would receive it is what was shown."""
    given: Save = ask.body
    told = ask.node.foretell_draft(ask.path["draft"])
    check_shown(told, given.shown)
    saved = ask.node.save_draft(told.draft.id, given.revision)
    return SavedOf(id=saved.id, version=saved.version)


def discard(ask: Ask) -> Done:
    """The draft is gone."""
    ask.node.discard_draft(ask.path["draft"])
    return Done()


def _told(one: DraftView) -> DraftOf:
    return DraftOf(
        id=one.id,
        type=one.type,
        title=title_of(one.type, one.fields),
        object=one.object,
        base=one.base,
        revision=one.revision,
        made=at(one.made),
        changed=at(one.changed),
        fields=dict(one.fields),
    )


def _who(told: Foretold) -> list[WouldReceiveOf]:
    return [
        WouldReceiveOf(
            partner=one.partner,
            relation=one.relation,
            decision=one.verdict.value,
            rules=rules_of(one.rules),
            changes=[str(cut) for cut in one.cuts],
        )
        for one in told.who
    ]


_WHO = frozenset(WRITING)
_ONE = "/drafts/{draft}"
OPERATIONS = (
    Operation("GET", "/drafts", listing, _WHO, "Drafts of the caller", Drafts),
    Operation(
        "POST", "/drafts", begin, _WHO, "Begin a draft", DraftOf, Purposed,
        body=NewDraft, status=201, location=f"{ROOT}/drafts/{{id}}", bytes_max=BYTES,
    ),
    Operation("GET", _ONE, show, _WHO, "One of them", DraftOf, Purposed),
    Operation(
        "PATCH", _ONE, change, _WHO, "Change what its fields say", DraftOf,
        body=Change, bytes_max=BYTES, guarded=True,
    ),
    Operation(
        "GET", f"{_ONE}/foretold", foretold, _WHO, "What it would become, and who would get it", ForetoldOf, Purposed,
    ),
    Operation("POST", f"{_ONE}/rebase", rebase, _WHO, "Make it a draft of the newest version", DraftOf, body=Rebase),
    Operation(
        "POST", f"{_ONE}/save", save, _WHO, "Make it an object", SavedOf, Purposed,
        body=Save, status=201, location=f"{ROOT}/objects/{{id}}",
    ),
    Operation("POST", f"{_ONE}/discard", discard, _WHO, "It is a draft no more"),
)  # fmt: skip
