"""The ledger: what the node did, how far it is signed, whether it holds, and proofs to give away."""

import base64
from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta

from comity.errors import NotFound
from comity.node.access import OPERATOR
from comity.node.people import ADMIN, AUDIT, RELEASER, ROLES
from comity.web.answer import TEXT_TYPE
from comity.web.api.changing import Instant, instant_of_given
from comity.web.api.objects import next_page
from comity.web.api.operation import ROOT, Ask, Given, Operation, Told, at
from comity.web.ui.fields import LAST_NUMBER, file_answer
from comity.web.ui.ledger import (
    JSONL_TYPE,
    KINDS,
    exported,
    is_signed,
    log_page,
    proof_of,
    seq_in,
    size_of,
    verified,
    window_of,
)

HERE = f"{ROOT}/ledger/entries"


class LedgerOf(Told, frozen=True, kw_only=True):
    """How far the ledger is signed, and when that was; None where it never was."""

    signed: int | None
    signed_at: datetime | None
    entries: int | None


class Entry(Told, frozen=True, kw_only=True):
    """An entry of the ledger; `record` is None where its opening was erased."""

    seq: int
    record: dict[str, Any] | None


class Entries(Told, frozen=True, kw_only=True):
    """A page of the ledger, the newest first, and where it goes on; `size` is how many entries there are."""

    items: list[Entry]
    next: str | None
    size: int


class Proved(Entry, frozen=True, kw_only=True):
    """One entry with what opens its commitment and the proof that it is in the log, where a checkpoint covers it."""

    commitment: str | None
    nonce: str | None
    proof: str | None


class Log(Given, frozen=True, kw_only=True):
    """Entries of a kind, since an instant, before an entry."""

    kind: Literal["", *KINDS] = ""  # type: ignore[valid-type] # the kinds are listed once
    since: Instant | None = None
    before: Annotated[int, Meta(ge=0, le=LAST_NUMBER)] | None = None


class Held(Given, frozen=True, kw_only=True):
    """A checkpoint that was kept elsewhere, with which the ledger is compared."""

    held: Annotated[str, Meta(max_length=10_000)] = ""


class FaultOf(Told, frozen=True, kw_only=True):
    """What does not hold, and from which entry on."""

    seq: int
    what: str


class Verified(Told, frozen=True, kw_only=True):
    """How the whole ledger was found."""

    ok: bool
    origin: str
    size: int
    root: str
    opened: int
    closed: int
    checkpoints: int
    held: int
    faults: list[FaultOf]
    more: int


class Signed(Told, frozen=True, kw_only=True):
    """A checkpoint over all entries, and the keys of the log, the newest last."""

    origin: str
    size: int
    at: datetime | None
    checkpoint: str
    keys: list[str]


class To(Given, frozen=True, kw_only=True):
    """A partner, for whom only what concerns it is opened; all is opened where none is named."""

    to: str = ""


def show(ask: Ask) -> LedgerOf:
    """How far it is signed."""
    signed = ask.node.last_signed()
    if signed is None:
        return LedgerOf(signed=None, signed_at=None, entries=None)
    return LedgerOf(signed=signed[0], signed_at=at(signed[1]), entries=signed[2])


def entries(ask: Ask) -> Entries:
    """A page of entries."""
    given: Log = ask.query
    since = instant_of_given(given.since, "since") or 0
    page = log_page(ask.node, size_of(ask.node), given.kind, since, given.before)
    next = None
    if page.older is not None:
        kept = Kept(kind=given.kind, since="" if given.since is None else given.since.isoformat())
        next = next_page(HERE, kept, page.older, "before")
    return Entries(items=[Entry(seq=one.seq, record=one.record) for one in page.rows], next=next, size=page.size)


class Kept(Given, frozen=True, kw_only=True):
    """What stays in the address of the next page."""

    kind: str
    since: str


def entry(ask: Ask) -> Proved:
    """One entry; with its proof for who may prove."""
    seq = seq_in(ask.path["seq"])
    found = next(iter(window_of(ask.node, seq, seq + 1)), None)
    if found is None:
        raise NotFound(f"The ledger has no entry {seq}.", where="seq", hint=f"See the log: {HERE}")
    proves = is_signed(ask.node, seq) and ask.account.may(frozenset((RELEASER, ADMIN)))
    one = ask.node.prove(seq) if proves else None
    return Proved(
        seq=seq,
        record=found.record,
        commitment=None if one is None else base64.b64encode(one.commitment).decode(),
        nonce=None if one is None or one.nonce is None else base64.b64encode(one.nonce).decode(),
        proof=None if one is None else one.proof,
    )


def proof(ask: Ask) -> Any:
    """The proof as a file (C2SP tlog-proof)."""
    return proof_of(ask.node, seq_in(ask.path["seq"]))


def checkpoint(ask: Ask) -> Any:
    """The newest checkpoint."""
    return file_answer(ask.node.ledger_checkpoint(OPERATOR), "checkpoint.txt", TEXT_TYPE)


def verify(ask: Ask) -> Verified:
    """The whole ledger was computed anew."""
    found = verified(ask.node, ask.body.held)
    return Verified(
        ok=found.ok,
        origin=found.origin,
        size=found.size,
        root=base64.b64encode(found.root).decode(),
        opened=found.opened,
        closed=found.closed,
        checkpoints=found.checkpoints,
        held=found.held,
        faults=[FaultOf(seq=one.seq, what=one.what) for one in found.faults],
        more=found.more,
    )


def sign(ask: Ask) -> Signed:
    """A checkpoint over all entries is signed now."""
    head = ask.node.head()
    return Signed(origin=head.origin, size=head.size, at=at(head.at), checkpoint=head.note, keys=list(head.keys))


def export(ask: Ask) -> Any:
    """The ledger as a file that anybody can check offline."""
    return exported(ask.node, ask.body.to.strip())


_ALL, _LOG, _PROVE = frozenset(ROLES), frozenset((RELEASER, ADMIN, AUDIT)), frozenset((RELEASER, ADMIN))
OPERATIONS = (
    Operation("GET", "/ledger", show, _ALL, "How far it is signed", LedgerOf),
    Operation("GET", "/ledger/entries", entries, _LOG, "Its entries, the newest first", Entries, Log),
    Operation("GET", "/ledger/entries/{seq}", entry, _LOG, "One entry", Proved),
    Operation("GET", "/ledger/entries/{seq}/proof", proof, _PROVE, "Its proof", bytes, media=TEXT_TYPE),
    Operation("GET", "/ledger/checkpoint", checkpoint, _ALL, "The newest checkpoint", bytes, media=TEXT_TYPE),
    Operation("POST", "/ledger/verify", verify, _ALL, "Check everything now", Verified, body=Held, again=True),
    Operation("POST", "/ledger/sign", sign, _ALL, "Sign a checkpoint now", Signed, again=True),
    Operation(
        "POST", "/ledger/export", export, _LOG, "A file that anybody can check", bytes,
        body=To, media=JSONL_TYPE, again=True,
    ),
)  # fmt: skip
