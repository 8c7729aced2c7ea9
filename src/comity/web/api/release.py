"""What partners would get and have: preview, publishing, requests, the matrix, the record of what left."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from comity.errors import Invalid
from comity.node.people import ADMIN, AUDIT, READING, RELEASER
from comity.node.publishing import HOLD_SECONDS_MOST
from comity.release.classes import Action
from comity.web.api.around import RuleOf
from comity.web.api.changing import Ids, Selected, Words, selection_of
from comity.web.api.operation import Ask, Given, Operation, Purposed, Told, at
from comity.web.ui.fields import ids_in
from comity.web.ui.matrix import cells_of
from comity.web.ui.preview import STIX_TYPE, reading_of, supposed_of
from comity.web.ui.preview import told_of as previewed
from comity.web.ui.publishing import check_count, count_of
from comity.web.ui.record import record_of, rows_of


# -- preview -----------------------------------------------------------------------------------------------------------
class Asked(Purposed, frozen=True, kw_only=True):
    """A partner, a selection, and what is supposed to be otherwise, such as `tlp=green` or `to.max_tlp=amber`."""

    to: str
    ids: Ids = ()
    types: Words = ()
    sources: Words = ()
    collection: str = ""
    what_if: Annotated[tuple[str, ...], Meta(max_length=20)] = ()


class Passing(Told, frozen=True, kw_only=True):
    """One facet that would have to be another for the decision to be yes."""

    of: str
    facet: str
    value: str


class CutOf(Told, frozen=True, kw_only=True):
    """One way in which an object leaves changed, how often, and where in it."""

    what: str
    count: int
    where: list[str]


class Previewed(Told, frozen=True, kw_only=True):
    """What becomes of one copy for the partner, and why."""

    id: str
    version: str
    decision: Literal["release", "redact", "withhold"]
    rules: list[RuleOf]
    would_pass_if: list[Passing]
    tlp: str
    changes: list[CutOf]


class Summary(Told, frozen=True, kw_only=True):
    """How many of each; `more` were not looked at. `not_shown` is told to whom it may be."""

    release: int
    redact: int
    withhold: int
    more: bool
    supposing: list[str]


class Preview(Told, frozen=True, kw_only=True):
    """What the partner would get of the selection."""

    items: list[Previewed]
    summary: Summary
    not_shown: int | None = None


def preview(ask: Ask) -> Preview:
    """What the partner would get of the selection now, or if something were otherwise."""
    given: Asked = ask.query
    found = previewed(ask.node, given.to, selection_of(given), supposed_of(given.what_if))
    return msgspec.convert(found | {"not_shown": found["summary"].pop("not_shown", None)}, Preview)


def reading(ask: Ask) -> Any:
    """The bundle that the partner would read."""
    given: Asked = ask.query
    return reading_of(ask.node, given.to, selection_of(given), supposed_of(given.what_if))


class Request(Given, frozen=True, kw_only=True):
    """Objects that are to go to a partner after a second person approved it."""

    to: str
    ids: Annotated[tuple[str, ...], Meta(min_length=1, max_length=1_000)]


class Requested(Told, frozen=True, kw_only=True):
    """How many copies were asked for, and the id under which that waits for a second person."""

    objects: int
    waits: str


def request(ask: Ask) -> Requested:
    """It waits for a second person."""
    given: Request = ask.body
    done = ask.node.request_release(given.to, [one for text in given.ids for one in ids_in(text)])
    return Requested(objects=done.objects, waits=done.waits)


# -- publishing --------------------------------------------------------------------------------------------------------
class Unpublish(Selected, frozen=True, kw_only=True):
    """What is published no more. `all` has to be said where nothing is selected. `expected` is how many it is, as a
    `dry_run` counted: where it is another number by now, nothing is done (R12)."""

    all: bool = False
    expected: Annotated[int, Meta(ge=0)] | None = None
    dry_run: bool = False


class Publish(Unpublish, frozen=True, kw_only=True):
    """What is published, and for how long it is held before anybody is served it; None: as long as is usual."""

    hold_seconds: Annotated[int, Meta(ge=0, le=HOLD_SECONDS_MOST)] | None = None


class Counted(Told, frozen=True, kw_only=True):
    """How many copies it is, or would be."""

    count: int
    done: bool


class Published(Counted, frozen=True, kw_only=True):
    """Of a publication: until when nobody is served it, and how many there are of each kind. `unsound` copies no policy
    can release; `recalled` ones were taken back before, and are not published again."""

    held_until: datetime | None = None
    by_tlp: dict[str, int] = msgspec.field(default_factory=dict)
    by_type: dict[str, int] = msgspec.field(default_factory=dict)
    unsound: int = 0
    recalled: int = 0


def publish(ask: Ask) -> Published:
    """As many as were counted are published, and held."""
    given: Publish = ask.body
    count = _counted(ask, given, "publish")
    if given.dry_run:
        return Published(count=count, done=False)
    report = ask.node.publish(selection_of(given), hold_seconds=given.hold_seconds)
    return Published(
        count=report.published,
        done=True,
        held_until=at(report.held_until or None),
        by_tlp=report.by_tlp,
        by_type=report.by_type,
        unsound=report.unsound,
        recalled=report.recalled,
    )


def unpublish(ask: Ask) -> Counted:
    """As many as were counted are published no more."""
    given: Unpublish = ask.body
    count = _counted(ask, given, "unpublish")
    return Counted(count=count if given.dry_run else ask.node.unpublish(selection_of(given)), done=not given.dry_run)


def _counted(ask: Ask, given: Unpublish, act: str) -> int:
    if not (given.ids or given.types or given.sources or given.collection or given.all):
        raise Invalid("Nothing is selected.", where="ids", hint="Name objects, or say all.")
    count = count_of(ask.node, act, selection_of(given))
    if not given.dry_run:
        if given.expected is None:
            raise Invalid("Say how many it is.", where="expected", rule="R12", hint="Ask with dry_run first.")
        check_count(act, count, str(given.expected))
    return count


# -- the matrix --------------------------------------------------------------------------------------------------------
class Cells(Purposed, frozen=True, kw_only=True):
    """The partners of a table of decisions, all where none is named, and the action."""

    to: Words = ()
    action: Literal["release", "name-author", "show-personal-data", "disclose-existence", "pass-on"] = "release"


class Cell(Told, frozen=True, kw_only=True, rename={"of": "class"}):
    """What policy says of a class for a partner, by which rules."""

    of: str
    objects: int
    partner: str
    action: str
    decision: Literal["allow", "withhold"]
    rules: list[RuleOf]


class Matrix(Told, frozen=True, kw_only=True):
    """The table. `not_shown` copies are of classes that the caller may not read, where that is told."""

    items: list[Cell]
    more: bool
    not_shown: int | None = None


def matrix(ask: Ask) -> Matrix:
    """Classes by partners, with the rule that decides each."""
    given: Cells = ask.query
    names = dict.fromkeys(given.to)
    wanted = [ask.node.partner(name) for name in names] if names else ask.node.partners()
    return msgspec.convert(cells_of(ask.node, wanted, Action(given.action)), Matrix)


# -- the record --------------------------------------------------------------------------------------------------------
class Recorded(Purposed, frozen=True, kw_only=True):
    """A partner, of which it is told what it has of ours, of these types or all, or an object, of which it is told who
    has it."""

    to: str = ""
    types: Words = ()
    object: str = ""
    version: str = ""


class LeftOf(Told, frozen=True, kw_only=True):
    """When a copy left, by which entry of the ledger, under which version of the policy, by which rules."""

    at: datetime
    entry: int
    policy: int
    rules: list[str]


class HeldOf(Told, frozen=True, kw_only=True):
    """One copy that left, first and last; `partner` where it was asked who has the object."""

    id: str
    version: str
    source: str
    digest: str
    state: str
    first: LeftOf
    last: LeftOf
    partner: str | None = None


class Record(Told, frozen=True, kw_only=True):
    """What left."""

    items: list[HeldOf]
    more: bool


def record(ask: Ask) -> Record:
    """What a partner has of ours, or who has an object."""
    given: Recorded = ask.query
    if bool(given.to) == bool(given.object):
        raise Invalid("Name a partner or an object.", where="to", hint="?to=PARTNER or ?object=ID")
    return msgspec.convert(record_of(rows_of(ask.node, given.to, given.object, given.version, given.types)), Record)


_TOLD, _RELEASER = frozenset((*READING, AUDIT)), frozenset({RELEASER})
_ASKING = frozenset((RELEASER, ADMIN))
OPERATIONS = (
    Operation("GET", "/release/preview", preview, _TOLD, "What a partner would get", Preview, Asked),
    Operation("GET", "/release/reading", reading, _TOLD, "What they would read", bytes, Asked, media=STIX_TYPE),
    Operation(
        "POST", "/release/requests", request, _ASKING, "Ask to release what policy wants approved",
        Requested, body=Request, status=202,
    ),
    Operation("POST", "/release/publish", publish, _RELEASER, "Publish, and hold", Published, body=Publish),
    Operation("POST", "/release/unpublish", unpublish, _RELEASER, "Publish no more", Counted, body=Unpublish),
    Operation("GET", "/release/matrix", matrix, _TOLD, "Classes by partners", Matrix, Cells),
    Operation("GET", "/release/record", record, _TOLD, "What left, and who has it", Record, Recorded),
)  # fmt: skip
