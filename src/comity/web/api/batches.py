"""Many objects at once: chosen, looked at, and withdrawn or marked as one batch that can be undone."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from comity.errors import Invalid
from comity.node.batch_steps import ACTING, MARK
from comity.node.batching import BatchView
from comity.node.choosing import Choice
from comity.node.people import ADMIN, APPROVING, READING
from comity.stix.tlp import TLP
from comity.web.api.changing import Ids, Words, understood
from comity.web.api.objects import Facets, Row, facets_of
from comity.web.api.operation import ROOT, Ask, Given, Operation, Purposed, Told, at
from comity.web.ui.bulk import BATCHES_SHOWN
from comity.web.ui.fields import ids_in
from comity.web.ui.search import names_of, row_of


# -- choosing ----------------------------------------------------------------------------------------------------------
class Bulk(Given, frozen=True, kw_only=True):
    """Which objects, and what is done to them: `mark` with the TLP `level`, or `withdraw`. Those with these `ids`, or
    else those that a search for `q` finds within the filters; `everything` has to be said where there are none."""

    act: Literal["withdraw", "mark"]
    level: str = ""
    ids: Ids = ()
    q: str = ""
    type: Words = ()
    source: Words = ()
    collection: str = ""
    tlp: str = ""
    seen: str = ""
    everything: bool = False


class BulkOrder(Bulk, frozen=True, kw_only=True):
    """The same, why it is done, and the `seal` of what was looked at."""

    seal: Annotated[str, Meta(min_length=1)]
    reason: str = ""


class Becomes(Told, frozen=True, kw_only=True):
    """What becomes of so many copies, and why."""

    state: str
    why: str
    count: int


class ChosenOf(Told, frozen=True, kw_only=True):
    """What was chosen, as of one moment: how many `copies` of how many `objects`, what they are, some of them, and what
    would become of them. `partners`: how many are offered to each now, None where there are too many to ask. Of
    `missing` there is nothing that the caller may read; `behind` copies cannot be found yet. `seal` is another whenever
    what was chosen is another."""

    copies: int
    objects: int
    published: int
    facets: Facets
    sample: list[Row]
    becomes: list[Becomes]
    partners: dict[str, int] | None
    missing: list[str]
    behind: int
    seal: str


def preview(ask: Ask) -> ChosenOf:
    """What it would do; nothing changes."""
    given: Bulk = ask.body
    with understood():
        found = ask.node.preview_batch(_choice(given), given.act, _level(given))
    titles, names = {one.id: one.title for one in ask.node.collections()}, names_of(ask.visit)
    return ChosenOf(
        copies=found.copies,
        objects=found.objects,
        published=found.published,
        facets=facets_of(found.facets, found.copies, all=True),
        sample=[msgspec.convert(row_of(hit, titles, names), Row) for hit in found.sample],
        becomes=_becomes(found.becomes),
        partners=None if found.partners is None else dict(found.partners),
        missing=list(found.missing),
        behind=found.behind,
        seal=found.seal,
    )


def act(ask: Ask) -> "BatchOf":
    """It is done, up to some hundreds of copies at once and more behind, where it is what was looked at."""
    given: BulkOrder = ask.body
    choice, level = _choice(given), _level(given)
    with understood():
        if given.act == MARK:
            return _told(ask.node.mark(choice, level, given.reason, seal=given.seal))
        return _told(ask.node.withdraw(choice, reason=given.reason, seal=given.seal))


def _choice(given: Bulk) -> Choice:
    return Choice(
        ids=tuple(one for text in given.ids for one in ids_in(text)),
        text=given.q,
        types=given.type,
        sources=given.source,
        collection=given.collection,
        tlp=given.tlp,
        seen=given.seen,
        everything=given.everything,
    )


def _level(given: Bulk) -> str:
    if (given.act == MARK) != bool(given.level):
        raise Invalid("A marking is to be chosen, and for nothing else.", where="level")
    return given.level


def _becomes(counts: Mapping[tuple[str, str], int]) -> list[Becomes]:
    return [Becomes(state=state, why=why, count=count) for (state, why), count in counts.items()]


# -- batches -----------------------------------------------------------------------------------------------------------
class SomeOf(Becomes, frozen=True, kw_only=True):
    """What became of so many copies of a batch, and why; of a single batch, some `ids` that the caller may read."""

    ids: list[str]


class BatchOf(Told, frozen=True, kw_only=True):
    """A batch: what was done, with the TLP of a mark, by whom and why, how it was chosen, until when it may be undone,
    and when it was. `left` of its `copies` wait for their turn."""

    id: str
    act: str
    level: str
    by: str
    at: datetime | None
    reason: str
    asked: str
    copies: int
    left: int
    became: list[SomeOf]
    undo_until: datetime | None
    undone: datetime | None
    may_undo: bool
    may_retry: bool


class Batches(Told, frozen=True, kw_only=True):
    """The newest batches, of which the caller is told."""

    items: list[BatchOf]


class Retry(Given, frozen=True, kw_only=True):
    """The reason for which copies were passed over."""

    why: str


def listing(ask: Ask) -> Batches:
    """What was done to many objects at once, the newest first."""
    return Batches(items=[_told(one) for one in ask.node.batches(BATCHES_SHOWN)])


def show(ask: Ask) -> BatchOf:
    """One batch."""
    return _told(ask.node.batch(ask.path["batch"]))


def undo(ask: Ask) -> BatchOf:
    """The whole batch is undone."""
    return _told(ask.node.undo_batch(ask.path["batch"]))


def retry(ask: Ask) -> BatchOf:
    """What was passed over for that reason is tried again."""
    given: Retry = ask.body
    return _told(ask.node.retry_batch(ask.path["batch"], given.why))


def _told(one: BatchView) -> BatchOf:
    batch = one.batch
    became = [
        SomeOf(state=each.state, why=each.why, count=each.count, ids=list(one.samples.get((each.state, each.why), ())))
        for each in one.tallies
    ]
    return BatchOf(
        id=batch.id,
        act=batch.act,
        level="" if batch.level is None else TLP(batch.level).word,
        by=batch.name,
        at=at(batch.at),
        reason=batch.reason,
        asked=batch.asked,
        copies=one.copies,
        left=one.left,
        became=became,
        undo_until=at(one.undo_until),
        undone=at(batch.undo_at),
        may_undo=one.may_undo,
        may_retry=one.may_retry,
    )


_ACTS = frozenset(ACTING)
_TOLD = frozenset((*READING, ADMIN))
_ONE = "/batches/{batch}"
OPERATIONS = (
    Operation(
        "POST", "/bulk/preview", preview, _ACTS, "What would be done to many objects", ChosenOf, Purposed,
        body=Bulk, again=True,
    ),
    Operation(
        "POST", "/bulk", act, _ACTS, "Withdraw or mark many objects", BatchOf, Purposed,
        body=BulkOrder, status=201, location=f"{ROOT}/batches/{{id}}",
    ),
    Operation("GET", "/batches", listing, _TOLD, "What was done to many objects at once", Batches),
    Operation("GET", _ONE, show, _TOLD, "One batch", BatchOf),
    Operation("POST", f"{_ONE}/undo", undo, _ACTS | APPROVING, "Undo all of it", BatchOf),
    Operation("POST", f"{_ONE}/retry", retry, _ACTS, "Try again what was passed over", BatchOf, body=Retry),
)  # fmt: skip
