"""Partners and clients: who may be given what, what they have, and the steps that change it."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

from comity.errors import ComityError, Conflict, Invalid
from comity.node.changing import Changed
from comity.node.partners import STEPS
from comity.node.people import ADMIN, AUDIT, READING, ROLES
from comity.node.recipients import Partner
from comity.web.answer import Answer
from comity.web.ui.facets import FIELDS, changes_in, texts_of
from comity.web.ui.fields import number_in, path, refused, seal
from comity.web.ui.visit import Form, Page, Visit

HELD_SHOWN = 20
ROWS, ROWS_MOST = 50, 100_000
_STATES = ("active", "pending", "planned", "suspended", "expired", "ended")


def listing(visit: Visit) -> Answer:
    """All partners and clients with how they stand; of one state where the address names one."""
    wanted = visit.parameter("state")
    found = visit.node.standings()
    states = {name: sum(standing.state == name for _, standing in found) for name in _STATES}
    some = [(one, standing) for one, standing in found if not wanted or standing.state == wanted]
    at = number_in(visit.parameter("at"), "at", most=ROWS_MOST)
    return visit.page(
        "partners.html",
        rows=some[at : at + ROWS],
        all=len(found),
        states=states,
        wanted=wanted,
        first=path("partners", state=wanted) if at else "",
        next=path("partners", state=wanted, at=str(at + ROWS)) if at + ROWS < len(some) else "",
    )


def partner(visit: Visit) -> Answer:
    """All that is known of one, and what it has of ours, as far as whoever looks may read it."""
    one = _named(visit)
    standing = visit.node.standing(one.id)
    held, titles = None, {}
    if visit.may(*READING, AUDIT):
        held = [("", each) for each in visit.node.held(one.id, limit=HELD_SHOWN + 1)]
        titles = visit.node.titles([each.id for _, each in held])
    steps = [step for step, (states, _) in STEPS.items() if _is_open(one, standing.state, step, states)]
    return visit.page(
        "partner.html",
        one=one,
        standing=standing,
        held=held and held[:HELD_SHOWN],
        more=bool(held) and len(held or ()) > HELD_SHOWN,
        titles=titles,
        steps=steps,
    )


def _is_open(one: Partner, holds: str, step: str, states: frozenset[str]) -> bool:
    """Whether the step can be taken; who is suspended for being unused can be resumed."""
    return one.state in states or (step == "resume" and holds in states)


def _named(visit: Visit) -> Partner:
    return visit.node.partner(visit.call.parameters["partner"])


def _told(visit: Visit, done: Changed) -> dict[str, Any]:
    names = {one.id: one.name for one in visit.node.partners()}
    return done.difference.to_json(names)


def _after(visit: Visit, one: Partner, done: Changed, key: str) -> Answer:
    """Where what was asked for waits, or the partner."""
    if done.waits:
        return visit.go(path("approvals", done.waits), done="proposed")
    return visit.go(path("partners", one.id), done=key)


# -- a new one ---------------------------------------------------------------------------------------------------------
def new(visit: Visit) -> Answer:
    """The form of a new partner, or client."""
    relation = "client" if visit.parameter("relation") == "client" else "partner"
    return visit.page("partner-new.html", values=texts_of(_blank(relation)), relation=relation, error=None)


def add(visit: Visit, form: Form) -> Answer:
    """The partner is there, and is given nothing before it is activated."""
    relation = "client" if form.one("relation") == "client" else "partner"
    values = _values(form, relation)
    try:
        facets = changes_in(_blank(relation), values)
        name = facets.pop("name", "")
        made = visit.node.add_partner(name, relation=relation, **facets)
    except ComityError as error:
        return refused(visit, "partner-new.html", error, values=values, relation=relation)
    return visit.go(path("partners", made.id), done="added")


def _blank(relation: str) -> Partner:
    return Partner(id="", name="", relation="client" if relation == "client" else "partner")


def _values(form: Form, relation: str) -> dict[str, str]:
    return {name: form.one(name).strip() for name in texts_of(_blank(relation))}


# -- other facets ------------------------------------------------------------------------------------------------------
def edit(visit: Visit) -> Answer:
    """The form of what is known of one."""
    one = _named(visit)
    return _edit_page(visit, one, texts_of(one))


def change(visit: Visit, form: Form) -> Answer:
    """First the difference is shown that the change makes; once that was looked at, it holds or waits."""
    one = _named(visit)
    values = _values(form, one.relation)
    try:
        if form.one("record") != _record(one):
            raise Conflict(f"{one.name} was changed meanwhile.", where="record", hint="Look at what it is now.")
        changes = changes_in(one, values)
        if not changes:
            raise Invalid("That is what it is already.", where="form", hint="Change something first.")
        trial = visit.node.change_partner(one.id, changes, dry_run=True)
        told = _told(visit, trial)
        if form.one("shown") != seal([told, changes]):
            shown = {name: values[name] for name in values if values[name] != texts_of(one)[name]}
            return _edit_page(
                visit, one, values, told=told, changes=shown, shown=seal([told, changes]), alone=trial.alone
            )
        done = visit.node.change_partner(one.id, changes)
    except ComityError as error:
        return refused(visit, "partner-edit.html", error, **_edit_context(visit, one, values))
    return _after(visit, one, done, "saved")


def _record(one: Partner) -> str:
    return seal(msgspec.json.encode(one).decode())


def _edit_context(visit: Visit, one: Partner, values: dict[str, str], **more: Any) -> dict[str, Any]:
    usual = {"told": None, "changes": {}, "shown": "", "alone": False, "before": texts_of(one)}
    return {"one": one, "values": values, "record": _record(one), "seconds": seconds_of(visit)} | usual | more


def _edit_page(visit: Visit, one: Partner, values: dict[str, str], **more: Any) -> Answer:
    return visit.page("partner-edit.html", error=None, **_edit_context(visit, one, values, **more))


# -- steps -------------------------------------------------------------------------------------------------------------
def step(visit: Visit) -> Answer:
    """The difference that the step would make, and the form that takes it."""
    one, word = _named(visit), _step(visit.parameter("step"))
    told, alone = _tried(visit, one, word)
    return visit.page("partner-step.html", error=None, **_step_context(visit, one, word, told, alone))


def take_step(visit: Visit, form: Form) -> Answer:
    """The step was taken, or waits; where it would make another difference than was shown, that is shown."""
    one, word = _named(visit), _step(form.one("step"))
    told, alone = _tried(visit, one, word)
    try:
        if form.one("shown") != seal(told):
            raise Conflict("What it would change is not what was shown.", where="shown", rule="R14", hint="Look again.")
        done = visit.node.move_partner(one.id, word, checked_by=form.one("checked_by").strip())
    except ComityError as error:
        return refused(visit, "partner-step.html", error, **_step_context(visit, one, word, told, alone))
    return _after(visit, one, done, "paused" if word == "pause" else "resumed" if word == "resume" else "saved")


def _step(word: str) -> str:
    if word not in STEPS:
        raise Invalid(f"{word[:40]!r} is no step.", where="step", hint=f"Steps: {', '.join(STEPS)}.")
    return word


def _tried(visit: Visit, one: Partner, word: str) -> tuple[dict[str, Any], bool]:
    # How it was made sure who they are makes no difference to what they are given.
    trial = visit.node.move_partner(one.id, word, checked_by="-", dry_run=True)
    return _told(visit, trial), trial.alone


def _step_context(visit: Visit, one: Partner, word: str, told: dict[str, Any], alone: bool) -> dict[str, Any]:
    return {
        "one": one,
        "step": word,
        "told": told,
        "shown": seal(told),
        "alone": alone,
        "seconds": seconds_of(visit),
    }


def seconds_of(visit: Visit) -> list[str]:
    """Who may be the second person for what whoever looks asks for, by name."""
    return list(islice(_seconds(visit), 20))


def _seconds(visit: Visit) -> Iterator[str]:
    from comity.node.people import APPROVING, same_person

    for one in visit.node.users():
        if one.may(APPROVING) and not same_person(one.person, visit.account.person):
            yield one.name


_ADMIN, _ALL = frozenset({ADMIN}), frozenset(ROLES)
PAGES = (
    Page("/partners", listing, _ALL),
    Page("/partners/new", new, _ADMIN, add, _ADMIN, fields=(*FIELDS, "relation")),
    Page("/partners/{partner}", partner, _ALL),
    Page("/partners/{partner}/edit", edit, _ADMIN, change, _ADMIN, fields=(*FIELDS, "record", "shown")),
    Page("/partners/{partner}/step", step, _ADMIN, take_step, _ADMIN, fields=("step", "shown", "checked_by")),
)
