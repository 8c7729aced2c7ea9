"""The ledger: what the node did, how far it is signed, whether it holds, and proofs to give away."""

import base64
import threading
from typing import Any

from comity.errors import ComityError, NotFound, TooLarge, Unavailable
from comity.ledger.audit import CLAIM
from comity.node.access import OPERATOR
from comity.node.people import ADMIN, AUDIT, RELEASER, ROLES
from comity.node.proving import Logged
from comity.node.touring import VERIFY
from comity.web.answer import TEXT_TYPE, Answer
from comity.web.ui.fields import file_answer, instant_in, number_in, refused
from comity.web.ui.named import teller
from comity.web.ui.visit import Form, Page, Visit

ROWS = 50
WINDOW = 1_000
LOOKED_MOST = 20_000
"""So many entries are looked at for one page of a filtered log; from there it goes on."""
VERIFIED_MOST = 200_000
EXPORTED_MOST = 100_000
"""Of a ledger with more entries the command verifies, or exports, all."""
KINDS = (
    *("release", "publication", "unpublication", "recall", "receipt", "withdrawal", "record", "token", "source"),
    *("collection", "reclassification", "remarking", "key", "erasure", "legal-hold", "purge", "subject-search"),
)
PROOF_TYPE = "text/plain; charset=utf-8"
_TELLERS = (RELEASER, ADMIN, AUDIT)
_verifying = threading.Lock()


def ledger(visit: Visit) -> Answer:
    """How far the ledger is signed, and its newest entries for who may read them."""
    return _page(visit)


def _page(visit: Visit, **more: Any) -> Answer:
    context: dict[str, Any] = {"report": None, "error": None, "kinds": KINDS, "claim": CLAIM, "size": _size(visit)}
    context |= {
        "told": teller(visit),
        "signed": visit.node.last_signed(),
        "rows": None,
        "older": None,
        "kind": "",
        "since": "",
        "before": 0,
    }
    error = more.get("error")
    try:
        if visit.may(*_TELLERS):
            context |= _log(visit, context["size"])
    except ComityError as found:
        error = error or found
    context |= more
    if error is not None:
        return refused(visit, "ledger.html", error, **{name: context[name] for name in context if name != "error"})
    return visit.page("ledger.html", **context)


def _size(visit: Visit) -> int | None:
    """How many entries there are, as far as that is known without looking at any."""
    signed = visit.node.last_signed()
    return None if signed is None else signed[2]


def _log(visit: Visit, size: int | None) -> dict[str, Any]:
    """A page of the log, the newest first: windows of entries are looked at from the end, as many as are needed."""
    kind, since_text = visit.parameter("kind"), visit.parameter("since")
    since = instant_in(since_text, "since") or 0
    if size is None:
        last = list(visit.node.ledger_log(limit=1))
        size = last[-1].seq + 1 if last else 0
    before = min(number_in(visit.parameter("before"), "before", default=size), size)
    found: list[Logged] = []
    looked = 0
    end = before
    while end > 0 and len(found) < ROWS and looked < LOOKED_MOST:
        begin = max(0, end - WINDOW)
        window = _window(visit, begin, end)
        looked += len(window)
        wanted = [one for one in window if _is_wanted(one, kind, since)]
        found += reversed(wanted)
        end = begin
        if since and window and all(one.record and one.record["at"] < since for one in window):
            end = 0
    rows = found[:ROWS]
    older = rows[-1].seq if len(found) > ROWS else end
    return {"rows": rows, "older": older or None, "kind": kind, "since": since_text, "before": before, "size": size}


def _window(visit: Visit, begin: int, end: int) -> list[Logged]:
    found = []
    for one in visit.node.ledger_log(first=begin):
        if one.seq >= end:
            break
        found.append(one)
    return found


def _is_wanted(one: Logged, kind: str, since: int) -> bool:
    if not kind and not since:
        return True
    return one.record is not None and kind in ("", one.record["kind"]) and one.record["at"] >= since


# -- acts --------------------------------------------------------------------------------------------------------------
def verify(visit: Visit, form: Form) -> Answer:
    """The whole ledger was computed anew, one at a time and within bounds; a note that was kept elsewhere is compared
    too."""
    held = form.one("held").replace("\r\n", "\n").strip()
    try:
        size = _size(visit)
        if size is not None and size > VERIFIED_MOST:
            raise TooLarge(f"The ledger has over {VERIFIED_MOST:,} entries.", where="size", hint="comity ledger verify")
        if not _verifying.acquire(blocking=False):
            raise Unavailable("It is being verified for somebody else now.", hint="Ask again in a moment.")
        try:
            report = visit.node.verify_ledger([f"{held}\n"] if held else [])
        finally:
            _verifying.release()
    except ComityError as error:
        return _page(visit, error=error)
    visit.node.toured(VERIFY)
    return _page(visit, report=report)


def sign(visit: Visit, _form: Form) -> Answer:
    """A checkpoint over all entries is signed now."""
    visit.node.head()
    return visit.go("/ledger", done="saved")


def checkpoint(visit: Visit) -> Answer:
    """The newest checkpoint, to be kept elsewhere."""
    return file_answer(visit.node.ledger_checkpoint(OPERATOR), "checkpoint.txt", TEXT_TYPE)


def export(visit: Visit, form: Form) -> Answer:
    """The ledger as a file that anybody can check offline; for a partner with what concerns it alone opened."""
    body: list[bytes] = []
    try:
        size = _size(visit)
        if size is not None and size > EXPORTED_MOST:
            raise TooLarge(f"The ledger has over {EXPORTED_MOST:,} entries.", where="size", hint="comity ledger export")
        to = form.one("to").strip()
        visit.node.export_ledger(body.append, to=visit.node.partner(to).id if to else None)
    except ComityError as error:
        return _page(visit, error=error)
    return file_answer(b"".join(body), "ledger.jsonl", "application/jsonl")


# -- one entry ---------------------------------------------------------------------------------------------------------
def entry(visit: Visit) -> Answer:
    """One entry, and its proof where a checkpoint covers it."""
    seq = _seq(visit)
    found = next((one for one in _window(visit, seq, seq + 1)), None)
    if found is None:
        raise NotFound(f"The ledger has no entry {seq}.", where="seq", hint="See the log: /ledger")
    proved = visit.node.prove(seq) if _is_signed(visit, seq) and visit.may(RELEASER, ADMIN) else None
    commitment = base64.b64encode(proved.commitment).decode() if proved else ""
    nonce = base64.b64encode(proved.nonce).decode() if proved and proved.nonce else ""
    return visit.page("entry.html", one=found, proved=proved, commitment=commitment, nonce=nonce)


def proof(visit: Visit) -> Answer:
    """The proof as a file (C2SP tlog-proof)."""
    seq = _seq(visit)
    if not _is_signed(visit, seq):
        raise NotFound("No checkpoint covers this entry yet.", where="seq", hint="Sign one on the page of the ledger.")
    return file_answer(visit.node.prove(seq).proof.encode(), f"entry-{seq}.tlog-proof", PROOF_TYPE)


def _seq(visit: Visit) -> int:
    text = visit.call.parameters["seq"]
    try:
        return number_in(text, "seq")
    except ComityError:
        raise NotFound(f"The ledger has no entry {text[:20]!r}.", where="seq", hint="See the log: /ledger") from None


def _is_signed(visit: Visit, seq: int) -> bool:
    """Whether a checkpoint covers the entry, so that to prove it signs nothing new."""
    signed = visit.node.last_signed()
    return signed is not None and seq < signed[0]


_ALL, _LOG, _PROVE = frozenset(ROLES), frozenset(_TELLERS), frozenset((RELEASER, ADMIN))
PAGES = (
    Page("/ledger", ledger, _ALL),
    Page("/ledger/verify", act=verify, acts=_ALL, fields=("held",)),
    Page("/ledger/sign", act=sign, acts=_ALL),
    Page("/ledger/checkpoint.txt", checkpoint, _ALL),
    Page("/ledger/export", act=export, acts=_LOG, fields=("to",)),
    Page("/ledger/entries/{seq}", entry, _LOG),
    Page("/ledger/entries/{seq}/proof", proof, _PROVE),
)
