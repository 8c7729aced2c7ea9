"""Many objects at once: chosen in the list of a search, looked at, and only then withdrawn or marked, as one batch that
can be undone."""

from typing import Any
from urllib.parse import urlencode

from comity.errors import ComityError, Invalid, InvalidRequest, TooLarge
from comity.node.batch_steps import ACTING, MARK, WITHDRAW
from comity.node.choosing import UNMARKED, Choice, Part, level_word
from comity.node.people import ADMIN, APPROVING, READING, RELEASER
from comity.stix.tlp import TLP
from comity.web.answer import Answer
from comity.web.ui.fields import ids_in, number_in, path, refused
from comity.web.ui.picking import FILTERS, LISTS, PICKING, picked
from comity.web.ui.purpose import PURPOSE, purposed
from comity.web.ui.search import names_of
from comity.web.ui.visit import Form, Page, Visit

LEAVING = ("publish", "unpublish")
"""What is done on other pages, with the same objects."""
ADDRESS_CHARACTERS_MOST = 4_000
BATCHES_SHOWN = 100


def choose(visit: Visit) -> Answer:
    """The same for all that a search finds, or for the objects that the address names: how it would be. With a `part`
    the list of the copies that one of the counts is about."""
    values = {name: visit.parameters.get(name, []) for name in (*FILTERS, *LISTS)}
    ids, wanted = ids_in(visit.parameter("ids")), _act_of(visit.parameter("act", WITHDRAW))
    choice = _choice(values, ids)
    typed = {name: visit.parameter(name).strip() for name in ("level", "reason", PURPOSE)}
    if visit.parameter("part"):
        return _part(visit, wanted, choice, typed)
    return _look(visit, wanted, choice, typed | {"seal": ""})


def act(visit: Visit, form: Form) -> Answer:
    """First it is shown what it would do; once that was looked at, it is done."""
    wanted = _act_of(form.one("act"))
    ids = ids_in(form.one("ids")) or picked(form)
    choice = _choice({name: form.all(name) for name in (*FILTERS, *LISTS)}, ids)
    if wanted in LEAVING:
        return _leave(visit, wanted, choice)
    values = {name: form.one(name).strip() for name in ("level", "reason", "seal", PURPOSE)}
    with visit.node.for_purpose(values[PURPOSE]):
        return _look(visit, wanted, choice, values, asked=bool(form.one("level_wanted")))


def _look(visit: Visit, wanted: str, choice: Choice, values: dict[str, str], *, asked: bool = False) -> Answer:
    """What it would do, and then that it is done; where a marking was `asked` for, one is to be chosen."""
    context = _context(visit, wanted, choice, values)
    try:
        if wanted == WITHDRAW or values["level"]:
            context["chosen"] = visit.node.preview_batch(choice, wanted, values["level"])
        elif asked:
            raise Invalid("A marking is to be chosen.", where="level")
        if values["seal"] and context["chosen"]:
            return visit.go(path("batches", _done(visit, wanted, choice, values)), done=f"batch-{wanted}")
    except ComityError as error:
        if error.where != PURPOSE:
            return refused(visit, "bulk.html", error, **context)
        if visit.call.method != "POST":
            raise
        # Nothing is done yet: the same by its address asks for the purpose, and then shows what it would do.
        return visit.go(context["at"]())
    return visit.page("bulk.html", error=None, **context)


def _part(visit: Visit, wanted: str, choice: Choice, values: dict[str, str]) -> Answer:
    part, after = Part.read(visit.parameter("part")), number_in(visit.parameter("after"), "after")
    found = visit.node.preview_batch(choice, wanted, values["level"], part=str(part), after=after)
    context = _context(visit, wanted, choice, values) | {"chosen": found, "part": part, "after": after}
    return visit.page("bulk-part.html", **context)


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
    pairs = [("act", wanted), *((name, values[name]) for name in ("level", "reason", PURPOSE))]
    pairs += [("ids", " ".join(choice.ids)), ("q", choice.text), ("in", choice.collection), ("tlp", choice.tlp)]
    pairs += [("seen", choice.seen), *(("type", one) for one in choice.types)]
    pairs += [("from", one) for one in choice.sources]

    def at(part: str = "", after: int = 0) -> str:
        """The address of the same, or of that part of it."""
        more = [("part", part), ("after", str(after or ""))]
        return "/bulk?" + urlencode([(name, value) for name, value in (*pairs, *more) if value])

    return {
        "act": wanted,
        "choice": choice,
        "values": values,
        "chosen": None,
        "levels": [(level.word.removeprefix("TLP:").lower(), level.word) for level in TLP],
        "names": names_of(visit),
        "at": at,
        "level_word": lambda level: UNMARKED if level is None else level_word(level),
    }


def _act_of(word: str) -> str:
    if word not in (WITHDRAW, MARK, *LEAVING):
        raise Invalid("That is nothing that is done to many objects.", where="act")
    return word


def _choice(values: dict[str, list[str]], ids: tuple[str, ...]) -> Choice:
    """The objects with these ids; without any, all that match."""
    if ids:
        return Choice(ids=ids)
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
        purposed(choose),
        _ACTS,
        act,
        _ACTS,
        fields=(*PICKING, "act", "ids", "level", "level_wanted", "reason", "seal"),
    ),
    Page("/batches", listing, _TOLD),
    Page("/batches/{batch}", batch, _TOLD),
    Page("/batches/{batch}/undo", None, frozenset(), undo, _ACTS | APPROVING),
    Page("/batches/{batch}/retry", None, frozenset(), retry, _ACTS, fields=("why",)),
)
