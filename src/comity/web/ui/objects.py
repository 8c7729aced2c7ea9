"""The page of an object: what it is, what it is tied to, what happened to it, and who may see it and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from comity.errors import Invalid, NotFound
from comity.node.batch_steps import ACTING, MARK, WITHDRAW
from comity.node.browsing import About
from comity.node.explaining import Told
from comity.node.node import Node
from comity.node.people import READING, RELEASER
from comity.node.publishing import Selection
from comity.node.showing import CopyView
from comity.node.supposing import Supposed
from comity.node.telling import CopyWho
from comity.release.suppositions import read_supposition
from comity.stix.tlp import TLP
from comity.web.answer import Answer
from comity.web.ui.describing import changed, compared, raw_of, said_by
from comity.web.ui.drawing import drawing_of
from comity.web.ui.fields import number_in
from comity.web.ui.origin import origin_of
from comity.web.ui.purpose import purposed
from comity.web.ui.search import STIX_TYPE, names_of
from comity.web.ui.visit import Page, Visit
from comity.web.ui.writing import is_editable

ROOT = "/objects/{object}"
PARTNERS_SUMMED = 25
"""With more partners than these the summary does not ask about each, but leads to where that is done."""
PARTNERS_ASKED, PARTNERS_MOST = 8, 100_000
"""So many partners are asked about on a page, since each is asked for its own."""
COPIES_COMPARED = 6
RECALL = "recall"
LIVE = frozenset({"received", "published"})
"""The states of copies to which something can still be done."""
SANDBOXED = (("Content-Security-Policy", "sandbox; default-src 'none'"), ("X-Content-Type-Options", "nosniff"))


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What would become of the copies for a partner, were the object marked otherwise."""

    partner: str
    tlp: str
    told: Sequence[tuple[Told, Told | None]]
    """Each copy as it is now, and as it would be; None where that is not told."""


def id_of(visit: Visit) -> str:
    """The id in the path."""
    return visit.call.parameters["object"]


def shown_copy(about: About) -> CopyView:
    """The copy that readers get, else the newest."""
    return next((copy for copy in about.copies if copy.shown), about.copies[0])


def about_page(visit: Visit, tab: str, about: About, **context: Any) -> Answer:
    """The tab of that name of the page of the object."""
    copy = shown_copy(about)
    return visit.page(
        f"object-{tab}.html",
        about=about,
        copy=copy,
        tab=tab,
        names=names_of(visit),
        said=said_by(copy),
        editable=is_editable(visit, about.copies),
        acts=acts_of(visit, about.copies),
        origin=origin_of(visit, about, copy),
        **context,
    )


def acts_of(visit: Visit, copies: Sequence[CopyView]) -> tuple[str, ...]:
    """What this person may do to the object with these copies. What is published, a releaser alone takes back (R12)."""
    states, releases = {copy.state for copy in copies} & LIVE, visit.may(RELEASER)
    if not states or not visit.may(*ACTING):
        return ()
    recalls = releases and any(copy.state == "published" and not copy.recalled for copy in copies)
    withdraws = releases or states != {"published"}
    return (MARK, *((RECALL,) if recalls else ()), *((WITHDRAW,) if withdraws else ()))


def summary(visit: Visit) -> Answer:
    """What it is, and in short who receives it."""
    about = visit.node.about(id_of(visit))
    few = len(visit.node.partners()) <= PARTNERS_SUMMED
    who = next(iter(who_of(visit.node, about.id)), None) if few else None
    return about_page(visit, "summary", about, who=who, few=few)


def relations(visit: Visit) -> Answer:
    """What it is tied to: always as a table, and as a drawing above it where `show` is `graph`."""
    about = visit.node.about(id_of(visit))
    show = "graph" if visit.parameter("show") == "graph" else "table"
    return about_page(visit, "relations", about, drawing=drawing_of(about.links.items), show=show)


def timeline(visit: Visit) -> Answer:
    """What happened to it."""
    about = visit.node.about(id_of(visit), links=1)
    return about_page(visit, "timeline", about, events=visit.node.timeline(about.id))


def who(visit: Visit) -> Answer:
    """Who receives each copy and by which rule, and what would be if it were marked otherwise."""
    about = visit.node.about(id_of(visit), links=1)
    partners = [one.name for one in visit.node.partners()]
    first = number_in(visit.parameter("at"), "at", most=PARTNERS_MOST)
    error, what_if = "", None
    name, tlp = visit.parameter("partner"), visit.parameter("tlp")
    if name or tlp:
        try:
            what_if = what_if_of(visit.node, about.id, name, tlp)
        except (Invalid, NotFound) as wrong:
            error = wrong.message
    waits = any(one.state == "received" for one in about.copies)
    return about_page(
        visit,
        "who",
        about,
        foreseen=visit.node.foresee(Selection(ids=(about.id,))) if waits else None,
        copies=who_of(visit.node, about.id, first, PARTNERS_ASKED),
        partners=partners,
        first=first,
        some=partners[first : first + PARTNERS_ASKED],
        next=first + PARTNERS_ASKED if first + PARTNERS_ASKED < len(partners) else None,
        levels=[level.word for level in TLP],
        chosen=(name, tlp),
        what_if=what_if,
        error=error,
    )


def who_of(node: Node, id: str, first: int = 0, most: int | None = None) -> list[CopyWho]:
    """Who receives each copy: those copies first that anybody is asked about, which are published."""
    return sorted(node.who(id, first=first, most=most), key=lambda one: not one.who)


def what_if_of(node: Node, id: str, name: str, tlp: str) -> WhatIf:
    """What would become of it. NotFound where there is no such partner, Invalid where that is no level."""
    level = TLP.read(tlp)
    supposed = Supposed(facets=(read_supposition(f"tlp={level.word[4:].lower()}"),))
    now = list(node.tell(name, [id], passing=True))
    then: Mapping[int, Told] = {one.number: one for one in node.tell(name, [id], supposing=supposed, passing=False)}
    return WhatIf(name, level.word, [(one, then.get(one.number)) for one in now])


def raw(visit: Visit) -> Answer:
    """The body as it was sent, for reading."""
    about = visit.node.about(id_of(visit), links=1)
    return about_page(visit, "raw", about, raw=raw_of(shown_copy(about)))


def raw_file(visit: Visit) -> Answer:
    """The body byte for byte, to keep (R68)."""
    return raw_answer(visit.node.about(id_of(visit), links=1))


def raw_answer(about: About) -> Answer:
    """The body of the copy that readers get, byte for byte. NotFound where it was destroyed."""
    copy = shown_copy(about)
    if copy.raw is None:
        raise NotFound("The body was destroyed.", where="id")
    name = f'attachment; filename="{copy.type}.json"' if copy.type.isascii() else "attachment"
    return Answer(copy.raw, media_type=STIX_TYPE, headers=(("Content-Disposition", name), *SANDBOXED))


def history(visit: Visit) -> Answer:
    """Every version of it from each source, and what changed."""
    about = visit.node.about(id_of(visit), links=1)
    rows = []
    for place, copy in enumerate(about.copies):
        older = next((one for one in about.copies[place + 1 :] if one.source == copy.source and one.raw), None)
        rows.append((copy, changed(copy, older) if older is not None and copy.raw else None))
    return about_page(visit, "history", about, rows=rows)


def copies(visit: Visit) -> Answer:
    """The newest copy from each source, side by side."""
    about = visit.node.about(id_of(visit), links=1)
    newest = newest_of(about)
    some = newest[:COPIES_COMPARED]
    return about_page(visit, "copies", about, some=some, rows=compared(some), more=len(newest) - len(some))


def newest_of(about: About) -> list[CopyView]:
    """The newest copy from each source and collection."""
    newest: dict[tuple[str, str], CopyView] = {}
    for copy in about.copies:
        newest.setdefault((copy.source, copy.collection), copy)
    return list(newest.values())


_WHO = frozenset(READING)
PAGES: tuple[Page, ...] = (
    Page(ROOT, purposed(summary), _WHO),
    Page(f"{ROOT}/relations", purposed(relations), _WHO),
    Page(f"{ROOT}/timeline", purposed(timeline), _WHO),
    Page(f"{ROOT}/who", purposed(who), _WHO),
    Page(f"{ROOT}/raw", purposed(raw), _WHO),
    Page(f"{ROOT}/raw.json", purposed(raw_file), _WHO),
    Page(f"{ROOT}/history", purposed(history), _WHO),
    Page(f"{ROOT}/copies", purposed(copies), _WHO),
)
