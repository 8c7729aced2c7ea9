"""The ledger: what the node did, how far it is signed, whether it holds, and proofs to give away."""

import base64
import threading
from dataclasses import dataclass
from typing import Any

from comity.errors import ComityError, NotFound, TooLarge, Unavailable
from comity.ledger.audit import CLAIM
from comity.ledger.records import PADDING
from comity.node.access import OPERATOR
from comity.node.node import Node
from comity.node.people import ADMIN, AUDIT, RELEASER, ROLES
from comity.node.proving import LedgerReport, Logged
from comity.node.touring import VERIFY
from comity.web.answer import TEXT_TYPE, Answer
from comity.web.ui.fields import file_answer, instant_in, number_in, path, refused
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
    PADDING,
)
PROOF_TYPE = "text/plain; charset=utf-8"
JSONL_TYPE = "application/jsonl"
_TELLERS = (RELEASER, ADMIN, AUDIT)
_verifying = threading.Lock()


def ledger(visit: Visit) -> Answer:
    """How far the ledger is signed, and its newest entries for who may read them."""
    return _page(visit)


def _page(visit: Visit, **more: Any) -> Answer:
    context: dict[str, Any] = {
        "report": None,
        "error": None,
        "kinds": KINDS,
        "claim": CLAIM,
        "size": size_of(visit.node),
    }
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
            kind, since = visit.parameter("kind"), visit.parameter("since")
            begin = instant_in(since, "since") or 0
            before = number_in(visit.parameter("before"), "before", default=-1)
            bare = "" if kind else PADDING
            page = log_page(visit.node, context["size"], kind, begin, None if before < 0 else before, without=bare)
            context |= {"rows": page.rows, "older": page.older, "kind": kind, "since": since}
            context |= {"before": page.before, "size": page.size}
    except ComityError as found:
        error = error or found
    context |= more
    if error is not None:
        return refused(visit, "ledger.html", error, **{name: context[name] for name in context if name != "error"})
    return visit.page("ledger.html", **context)


def size_of(node: Node) -> int | None:
    """How many entries there are, as far as that is known without looking at any."""
    signed = node.last_signed()
    return None if signed is None else signed[2]


@dataclass(frozen=True, slots=True)
class LogPage:
    """A page of the log, the newest first, from before that entry on; `older` is where it goes on, `size` how many
    entries there are."""

    rows: list[Logged]
    older: int | None
    before: int
    size: int


def log_page(node: Node, size: int | None, kind: str, since: int, before: int | None, *, without: str = "") -> LogPage:
    """The entries of that kind, or those that are not of the kind `without`, and from that instant (microseconds since
    1970) on: windows of them are looked at from the end, as many as are needed."""
    if size is None:
        last = list(node.ledger_log(limit=1))
        size = last[-1].seq + 1 if last else 0
    before = size if before is None else min(before, size)
    found: list[Logged] = []
    looked = 0
    end = before
    while end > 0 and len(found) < ROWS and looked < LOOKED_MOST:
        begin = max(0, end - WINDOW)
        window = window_of(node, begin, end)
        looked += len(window)
        wanted = [one for one in window if _is_wanted(one, kind, since, without)]
        found += reversed(wanted)
        end = begin
        if since and window and all(one.record and one.record["at"] < since for one in window):
            end = 0
    rows = found[:ROWS]
    older = rows[-1].seq if len(found) > ROWS else end
    return LogPage(rows, older or None, before, size)


def window_of(node: Node, begin: int, end: int) -> list[Logged]:
    """The entries from the first of these numbers to before the second."""
    found = []
    for one in node.ledger_log(first=begin):
        if one.seq >= end:
            break
        found.append(one)
    return found


def _is_wanted(one: Logged, kind: str, since: int, without: str) -> bool:
    if one.record is None:
        return not kind and not since
    return kind in ("", one.record["kind"]) and one.record["kind"] != without and one.record["at"] >= since


# -- acts --------------------------------------------------------------------------------------------------------------
def verify(visit: Visit, form: Form) -> Answer:
    """The whole ledger was computed anew, one at a time and within bounds; a note that was kept elsewhere is compared
    too."""
    try:
        report = verified(visit.node, form.one("held"))
    except ComityError as error:
        return _page(visit, error=error)
    visit.node.toured(VERIFY)
    return _page(visit, report=report)


def verified(node: Node, held: str) -> LedgerReport:
    """How the whole ledger was found, against that note too, if any. TooLarge where it has more entries than are
    verified while somebody waits, Unavailable while it is being done."""
    held = held.replace("\r\n", "\n").strip()
    size = size_of(node)
    if size is not None and size > VERIFIED_MOST:
        raise TooLarge(f"The ledger has over {VERIFIED_MOST:,} entries.", where="size", hint="comity ledger verify")
    if not _verifying.acquire(blocking=False):
        raise Unavailable("It is being verified for somebody else now.", hint="Ask again in a moment.")
    try:
        return node.verify_ledger([f"{held}\n"] if held else [])
    finally:
        _verifying.release()


def sign(visit: Visit, form: Form) -> Answer:
    """A checkpoint over all entries is signed now; whoever came for the proof of an entry goes back to it."""
    entry = form.one("entry")
    back = path("ledger", "entries", str(seq_in(entry))) if entry else "/ledger"
    visit.node.head()
    return visit.go(back, done="signed")


def checkpoint(visit: Visit) -> Answer:
    """The newest checkpoint, to be kept elsewhere."""
    return file_answer(visit.node.ledger_checkpoint(OPERATOR), "checkpoint.txt", TEXT_TYPE)


def export(visit: Visit, form: Form) -> Answer:
    """The ledger as a file that anybody can check offline; for a partner with what concerns it alone opened."""
    try:
        return exported(visit.node, form.one("to").strip())
    except ComityError as error:
        return _page(visit, error=error)


def exported(node: Node, to: str) -> Answer:
    """The file. TooLarge where the ledger has more entries than are exported while somebody waits."""
    body: list[bytes] = []
    size = size_of(node)
    if size is not None and size > EXPORTED_MOST:
        raise TooLarge(f"The ledger has over {EXPORTED_MOST:,} entries.", where="size", hint="comity ledger export")
    node.export_ledger(body.append, to=node.partner(to).id if to else None)
    return file_answer(b"".join(body), "ledger.jsonl", JSONL_TYPE)


# -- one entry ---------------------------------------------------------------------------------------------------------
def entry(visit: Visit) -> Answer:
    """One entry, and its proof where a checkpoint covers it."""
    seq = seq_in(visit.call.parameters["seq"])
    found = next(iter(window_of(visit.node, seq, seq + 1)), None)
    if found is None:
        raise NotFound(f"The ledger has no entry {seq}.", where="seq", hint="See the log: /ledger")
    proved = visit.node.prove(seq) if is_signed(visit.node, seq) and visit.may(RELEASER, ADMIN) else None
    commitment = base64.b64encode(proved.commitment).decode() if proved else ""
    nonce = base64.b64encode(proved.nonce).decode() if proved and proved.nonce else ""
    named = dict(teller(visit)(found.record)) if found.record else {}
    return visit.page("entry.html", one=found, named=named, proved=proved, commitment=commitment, nonce=nonce)


def proof(visit: Visit) -> Answer:
    """The proof as a file (C2SP tlog-proof)."""
    return proof_of(visit.node, seq_in(visit.call.parameters["seq"]))


def proof_of(node: Node, seq: int) -> Answer:
    """The proof of that entry. NotFound where no checkpoint covers it."""
    if not is_signed(node, seq):
        raise NotFound("No checkpoint covers this entry yet.", where="seq", hint="Sign one on the page of the ledger.")
    return file_answer(node.prove(seq).proof.encode(), f"entry-{seq}.tlog-proof", PROOF_TYPE)


def seq_in(text: str) -> int:
    """The number of an entry. NotFound for what is none."""
    try:
        return number_in(text, "seq")
    except ComityError:
        raise NotFound(f"The ledger has no entry {text[:20]!r}.", where="seq", hint="See the log: /ledger") from None


def is_signed(node: Node, seq: int) -> bool:
    """Whether a checkpoint covers the entry, so that to prove it signs nothing new."""
    signed = node.last_signed()
    return signed is not None and seq < signed[0]


_ALL, _LOG, _PROVE = frozenset(ROLES), frozenset(_TELLERS), frozenset((RELEASER, ADMIN))
PAGES = (
    Page("/ledger", ledger, _ALL),
    Page("/ledger/verify", act=verify, acts=_ALL, fields=("held",)),
    Page("/ledger/sign", act=sign, acts=_ALL, fields=("entry",)),
    Page("/ledger/checkpoint.txt", checkpoint, _ALL),
    Page("/ledger/export", act=export, acts=_LOG, fields=("to",)),
    Page("/ledger/entries/{seq}", entry, _LOG),
    Page("/ledger/entries/{seq}/proof", proof, _PROVE),
)
