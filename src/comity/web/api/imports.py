"""Files that the caller put aside to import: what would become of them, and that they are stored or dropped."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, structs

from comity.node.inspecting import Preview
from comity.node.uploads import IMPORTING, NAME_CHARACTERS, Upload
from comity.web.api.changing import understood
from comity.web.api.operation import ROOT, Ask, Done, Given, Operation, Told, at


class FileOf(Told, frozen=True, kw_only=True):
    """A file, its size in bytes, and its SHA-256."""

    name: str
    size: int
    digest: str


class RefusalOf(Told, frozen=True, kw_only=True):
    """An object that is not taken: the number of its file, its place in it, and the first fault."""

    file: int
    index: int
    id: str
    where: str
    rule: str
    problem: str


class DifferingOf(Told, frozen=True, kw_only=True):
    """Another content of a version that is here already, or earlier in the same files, and where it differs."""

    file: int
    index: int
    id: str
    version: str
    paths: list[str]


class SampledOf(Told, frozen=True, kw_only=True):
    """One of the objects; `tlp` is empty where it names none."""

    id: str
    type: str
    label: str
    tlp: str


class BrokenOf(Told, frozen=True, kw_only=True):
    """Where a file ends in something that cannot be read; what stands before is taken."""

    file: int
    where: str
    problem: str


class Inspected(Told, frozen=True, kw_only=True):
    """What would become of the objects. `levels` counts them by the TLP that each names, `personal` personal data in
    them by kind (R23). `receives`: how many policy would let go to each partner, None where there were too many to ask.
    `bytes` is the size after unpacking."""

    new: int
    duplicates: int
    conflicts: int
    rejected: int
    types: dict[str, int]
    levels: dict[str, int]
    unmarked: int
    personal: dict[str, int]
    findings: int
    refusals: list[RefusalOf]
    differing: list[DifferingOf]
    sample: list[SampledOf]
    broken: list[BrokenOf]
    receives: dict[str, int] | None
    bytes: int


class UploadOf(Told, frozen=True, kw_only=True):
    """Files that were put aside: `digest` is of all of them, `state` is `looking`, `ready`, `storing`, `stored` or
    `failed`, the last with `error`; `done` of `size` bytes were read in it. `publishes`: the rule of the source
    publishes at once what is stored. `preview` is None while they are looked at."""

    id: str
    state: str
    error: str
    files: list[FileOf]
    digest: str
    source: str
    marking: str
    collection: str
    publishes: bool
    made: datetime | None
    expires: datetime | None
    done: int
    size: int
    preview: Inspected | None


class Uploads(Told, frozen=True, kw_only=True):
    """What the caller has put aside, the newest first, and the sources into which it may import."""

    items: list[UploadOf]
    sources: list[str]


class NewUpload(Given, frozen=True, kw_only=True):
    """What the file is called, the source into which it is imported, the TLP for what has none (empty: that of the
    source), and the collection, by id or alias."""

    name: Annotated[str, Meta(min_length=1, max_length=NAME_CHARACTERS)]
    source: str = "local"
    marking: str = ""
    collection: str = "default"


class Confirm(Given, frozen=True, kw_only=True):
    """The digest of the files that were shown."""

    digest: str


def listing(ask: Ask) -> Uploads:
    """What the caller has put aside."""
    return Uploads(
        items=[_told(one) for one in ask.node.uploads()], sources=[one.name for one in ask.node.import_sources()]
    )


def stage(ask: Ask) -> UploadOf:
    """The file is put aside, and looked at now or behind."""
    given: NewUpload = ask.query
    with understood():
        return _told(ask.node.stage(ask.body, source=given.source, marking=given.marking, collection=given.collection))


def show(ask: Ask) -> UploadOf:
    """What would become of the files, or what became of them."""
    return _told(ask.node.upload(ask.path["upload"]))


def confirm(ask: Ask) -> UploadOf:
    """Exactly what was shown is stored, now or behind."""
    given: Confirm = ask.body
    return _told(ask.node.confirm_upload(ask.path["upload"], given.digest))


def drop(ask: Ask) -> Done:
    """The files are gone, and nothing of them was stored."""
    ask.node.drop_upload(ask.path["upload"])
    return Done()


def _told(one: Upload) -> UploadOf:
    return UploadOf(
        id=one.id,
        state=one.state,
        error=one.error,
        files=[FileOf(name=each.name, size=each.size, digest=each.digest) for each in one.files],
        digest=one.digest,
        source=one.source,
        marking=one.marking,
        collection=one.collection,
        publishes=one.publishes,
        made=at(one.made_at),
        expires=at(one.expires_at),
        done=one.done,
        size=one.size,
        preview=None if one.preview is None else _inspected(one.preview),
    )


def _inspected(one: Preview) -> Inspected:
    values = structs.asdict(one) | {
        "broken": [BrokenOf(file=file, where=where, problem=problem) for file, where, problem in one.broken],
        "receives": None if one.receives is None else dict(one.receives),
    }
    return msgspec.convert(values, Inspected, from_attributes=True)


_WHO = frozenset(IMPORTING)
_ONE = "/imports/{upload}"
OPERATIONS = (
    Operation("GET", "/imports", listing, _WHO, "What the caller has put aside to import", Uploads),
    Operation(
        "POST", "/imports", stage, _WHO, "Put a file aside, and look at it", UploadOf, NewUpload,
        status=201, location=f"{ROOT}/imports/{{id}}", stages=True,
    ),
    Operation("GET", _ONE, show, _WHO, "What would become of it, or became of it", UploadOf),
    Operation("POST", f"{_ONE}/confirm", confirm, _WHO, "Store exactly what was shown", UploadOf, body=Confirm),
    Operation("POST", f"{_ONE}/drop", drop, _WHO, "Nothing of it is stored"),
)  # fmt: skip
