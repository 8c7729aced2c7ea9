"""Many objects at once: chosen in the list of a search, looked at, and only then withdrawn or marked, as one batch that
can be undone."""

from typing import Any

from comity.errors import ComityError, Invalid, InvalidRequest, TooLarge
from comity.node.batch_steps import ACTING, MARK, WITHDRAW
from comity.node.choosing import Choice
from comity.node.people import ADMIN, APPROVING, READING, RELEASER
from comity.stix.tlp import TLP
from comity.web.answer import Answer
from comity.web.ui.fields import ids_in, path, refused
from comity.web.ui.search import names_of
from comity.web.ui.visit import Form, Page, Visit

FILTERS = ("q", "in", "tlp", "seen")
LISTS = ("type", "from")
TICKED, PAGE, ALL = "ticked", "page", "all"
"""Which objects: those that are ticked, all of the page, or all that match."""
LEAVING = ("publish", "unpublish")
"""What is done on other pages, with the same objects."""
ADDRESS_CHARACTERS_MOST = 4_000
BATCHES_SHOWN = 100


def choose(visit: Visit) -> Answer:
    """The same for all that a search finds, or for the objects that the address names: how it would be."""
    values = {name: visit.parameters.get(name, []) for name in (*FILTERS, *LISTS)}
    named = visit.parameter("ids")
    return _look(visit, _act_of(visit.parameter("act", WITHDRAW)), _choice(values, named, everything=not named))


def act(visit: Visit, form: Form) -> Answer:
    """First it is shown what it would do; once that was looked at, it is done."""
    wanted, scope = _act_of(form.one("act")), form.one("scope") or TICKED
    if scope not in (TICKED, PAGE, ALL):
        raise Invalid("That is no choice of objects.", where="scope")
    named = form.one("ids") or " ".join(form.all("id" if scope == TICKED else "of_page") if scope != ALL else ())
    choice = _choice({name: form.all(name) for name in (*FILTERS, *LISTS)}, named, everything=scope == ALL)
    if wanted in LEAVING:
        return _leave(visit, wanted, choice)
    return _look(visit, wanted, choice, form)


def _look(visit: Visit, wanted: str, choice: Choice, form: Form | None = None) -> Answer:
    values = {name: form.one(name).strip() if form else "" for name in ("level", "reason", "seal")}
    context = _context(visit, wanted, choice, values)
    try:
        if wanted == WITHDRAW or values["level"]:
            context["chosen"] = visit.node.preview_batch(choice, wanted, values["level"])
        elif form and form.one("level_wanted"):
            raise Invalid("A marking is to be chosen.", where="level")
        if values["seal"] and context["chosen"]:
            return visit.go(path("batches", _done(visit, wanted, choice, values)), done=f"batch-{wanted}")
    except ComityError as error:
        return refused(visit, "bulk.html", error, **context)
    return visit.page("bulk.html", error=None, **context)


def _done(visit: Visit, wanted: str, choice: Choice, values: dict[str, str]) -> str:
    if wanted == WITHDRAW:
        return visit.node.withdraw(choice, reason=values["reason"], seal=values["seal"]).batch.id
    return visit.node.mark(choice, values["level"], values["reason"], seal=values["seal"]).batch.id


def _leave(visit: Visit, wanted: str, choice: Choice) -> Answer:
    """To the page on which that is done, with the same objects."""
    if not visit.may(RELEASER):
        raise InvalidRequest("A releaser publishes and takes back.", where="act", rule="R12")
    target = path("release", wanted, ids=" ".join(choice.ids), types=",".join(choice.types))
    if not choice.ids:
        if choice.text or choice.tlp or choice.seen:
            raise InvalidRequest(
                "What words, a marking or an age choose is published page by page.",
                where="scope",
                hint="Choose all of this page, or filter by type, source and collection alone.",
            )
        chosen = {"types": ",".join(choice.types), "sources": ",".join(choice.sources), "collection": choice.collection}
        target = path("release", wanted, **chosen, all="yes")
    if len(target) > ADDRESS_CHARACTERS_MOST:
        raise TooLarge("These are too many to be named in an address.", where="ids", hint="Choose fewer of the page.")
    return visit.go(target)


def _context(visit: Visit, wanted: str, choice: Choice, values: dict[str, str]) -> dict[str, Any]:
    return {
        "act": wanted,
        "choice": choice,
        "values": values,
        "chosen": None,
        "levels": [(level.word.removeprefix("TLP:").lower(), level.word) for level in TLP],
        "names": names_of(visit),
    }


def _act_of(word: str) -> str:
    if word not in (WITHDRAW, MARK, *LEAVING):
        raise Invalid("That is nothing that is done to many objects.", where="act")
    return word


def _choice(values: dict[str, list[str]], ids: str, *, everything: bool) -> Choice:
    if ids.strip():
        return Choice(ids=ids_in(ids))
    if not everything:
        raise InvalidRequest("No object is ticked.", where="ids", hint="Tick some, or choose all of the page.")
    one = {name: (values[name] or [""])[-1].strip() for name in FILTERS}
    types, sources = (tuple(filter(None, values[name])) for name in LISTS)
    return Choice(
        text=one["q"],
        types=types,
        sources=sources,
        collection=one["in"],
        tlp=one["tlp"],
        seen=one["seen"],
        everything=True,
    )


# -- batches -----------------------------------------------------------------------------------------------------------
def listing(visit: Visit) -> Answer:
    """What was done to many objects at once, the newest first."""
    return visit.page("batches.html", rows=visit.node.batches(BATCHES_SHOWN), most=BATCHES_SHOWN)


def batch(visit: Visit) -> Answer:
    """One batch: how far it is, what became of its copies, and the way back."""
    found = visit.node.batch(visit.call.parameters["batch"])
    named = sorted({id for ids in found.samples.values() for id in ids})
    return visit.page("batch.html", one=found, titles=visit.node.titles(named) if visit.may(*READING) else {})


def undo(visit: Visit, form: Form) -> Answer:
    """The whole batch is undone."""
    id = visit.call.parameters["batch"]
    visit.node.undo_batch(id)
    return visit.go(path("batches", id), done="batch-undone")


def retry(visit: Visit, form: Form) -> Answer:
    """What was passed over for that reason is tried again."""
    id = visit.call.parameters["batch"]
    visit.node.retry_batch(id, form.one("why"))
    return visit.go(path("batches", id), done="batch-retried")


_ACTS = frozenset(ACTING)
_TOLD = frozenset((*READING, ADMIN))
PAGES = (
    Page(
        "/bulk",
        choose,
        _ACTS,
        act,
        _ACTS,
        fields=(*FILTERS, *LISTS, "act", "scope", "id", "of_page", "ids", "level", "level_wanted", "reason", "seal"),
    ),
    Page("/batches", listing, _TOLD),
    Page("/batches/{batch}", batch, _TOLD),
    Page("/batches/{batch}/undo", None, frozenset(), undo, _ACTS | APPROVING),
    Page("/batches/{batch}/retry", None, frozenset(), retry, _ACTS, fields=("why",)),
)
