"""What becomes of a node that came out of a backup before it is served: a new epoch, in which nothing that was taken
back since is there again (R32)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
from msgspec import structs

from comity.interfaces import microseconds
from comity.node.base import origin_of
from comity.node.hashes import Hashes, hashes_in
from comity.node.node import Node
from comity.node.people import KIND as USER
from comity.node.people import NO_SECRET, accounts
from comity.node.publishing import take_back
from comity.node.recipients import KIND as PARTNER
from comity.node.recipients import Partner
from comity.node.side import BEGUN, DRAFT, EPOCH, Line, checked
from comity.release.recall import Bar
from comity.store.interface import Transaction
from comity.store.records import Record

PAUSED = ("suspended", "ended")
FOREVER = 2**62
RESTORED = "restored"
"""In the place of the id of a recall that only the file beside the store tells of."""


@dataclass(frozen=True, slots=True)
class Anew:
    """What was done before the node is served: the epoch that began, whether a file beside the store said what had been
    taken back since, how many copies were withdrawn, publications recalled and objects erased, which tokens, partners
    and accounts hold no more, and how many tokens are void since nobody can say that they hold."""

    epoch: int
    side: bool
    withdrawn: int = 0
    recalled: int = 0
    erased: int = 0
    revoked: int = 0
    partners: int = 0
    users: int = 0
    voided: int = 0


def begin_anew(node: Node, made_at: int, lines: Sequence[Line] | None, *, keep_tokens: bool) -> Anew:
    """The node begins a new epoch, and what these lines say that the backup, made at that instant, does not know is
    done. Without any file, no token holds unless they are kept."""
    now = microseconds(node.clock.now())
    with node.store.write() as tx:
        hashes = hashes_in(tx, node.entropy)
        known = _commitments(tx)
        every = list(checked(lines or (), hashes))
        # A file that was begun behind the backup does not say what was taken back between both.
        side = any(line.number <= tx.last_entry for line in every if line.kind == BEGUN)
        begun = _begin(node, tx, every, made_at, side=side, keep_tokens=keep_tokens)
        done = _apply(node, tx, unknown(every, known), hashes, now)
        voided = 0 if side or keep_tokens else _void_tokens(tx, now)
        _retire_keys(tx, now)
        tx.put_setting("cursor_key", node.entropy.token_bytes(64))
        tx.forget_every_session()
    if done.erased:
        node.store.scrub()
    return replace(done, epoch=begun, side=side, voided=voided)


def unknown(lines: Sequence[Line], known: frozenset[str]) -> list[Line]:
    """The lines that say what a store with these commitments does not know. What stands before an epoch that it knows
    was heeded when that epoch began."""
    begin = 0
    for place, line in enumerate(lines):
        if line.kind == EPOCH and line.entry in known:
            begin = place + 1
    return [line for line in lines[begin:] if line.kind != BEGUN and line.entry not in known]


def _commitments(tx: Transaction) -> frozenset[str]:
    found: set[str] = set()
    after = 0
    while some := tx.commitments(after, 10_000):
        found.update(each.hex() for each in some)
        after += len(some)
    return frozenset(found)


def _begin(node: Node, tx: Transaction, lines: Sequence[Line], made_at: int, *, side: bool, keep_tokens: bool) -> int:
    """The number of the new epoch, which is higher than any that is known of; its first entry says what came before."""
    last = tx.epochs()[-1] if tx.epochs() else None
    checkpoint = None if last is None else tx.last_checkpoint(last.number)
    number = 1 + max([0 if last is None else last.number, *(line.number for line in lines if line.kind == EPOCH)])
    entries = tx.last_entry
    tx.begin_epoch(origin_of(node.name, number), number)
    tx.enter(
        "restored",
        epoch=number,
        backup_at=made_at,
        after=0 if last is None else last.number,
        entries=entries,
        checkpoint=None if checkpoint is None else checkpoint.note,
        side=side,
        tokens_kept=keep_tokens and not side,
    )
    return number


def _apply(node: Node, tx: Transaction, lines: Sequence[Line], hashes: Hashes, now: int) -> Anew:
    withdrawn: set[str] = set()
    for line in lines:
        if line.kind == "withdrawal":
            withdrawn.update(line.hashes)
        elif line.kind == "restoration":
            withdrawn.difference_update(line.hashes)
    erased = {each for line in lines if line.kind == "erasure" for each in line.hashes}
    revoked = {each for line in lines if line.kind == "revocation" for each in line.hashes}
    recalled = {each for line in lines if line.kind == "recall" for each in line.hashes}
    erased_ids = _erase(node, tx, erased, [line for line in lines if line.kind == "erasure"], hashes, now)
    return Anew(
        epoch=0,
        side=True,
        withdrawn=_withdraw(tx, withdrawn, hashes, now),
        recalled=_recall(tx, recalled, hashes),
        erased=erased_ids,
        revoked=_revoke(tx, revoked, hashes, now),
        partners=_pause(tx, lines, hashes, now),
        users=_disable(tx, lines, hashes, now),
    )


def _withdraw(tx: Transaction, wanted: set[str], hashes: Hashes, now: int) -> int:
    if not wanted:
        return 0
    found = {
        key: id
        for key, collection, id, digest, lives in tx.every_copy()
        if lives and hashes.copy(collection, id, digest.hex()) in wanted
    }
    return tx.withdraw_digests(found, now)


def _recall(tx: Transaction, wanted: set[str], hashes: Hashes) -> int:
    """What was taken back from partners is published no more, and not again where that is barred; what came behind the
    backup is barred by its keyed hash until it comes again."""
    by_object: dict[str, list[tuple[str, str]]] = {}
    for each in wanted:
        flag, instant, object = each.split(" ", 2)
        by_object.setdefault(object, []).append((flag, instant))
    if not by_object:
        return 0
    known = {hash: id for _, _, id, _, _ in tx.every_copy() if (hash := hashes.object(id)) in by_object}
    bars = [Bar(each, instant, flag != "0") for each, some in by_object.items() for flag, instant in some]
    tx.put_bars([replace(bar, id=known[bar.id]) for bar in bars if bar.id in known], RESTORED)
    tx.put_unnamed_bars([bar for bar in bars if bar.id not in known], RESTORED)
    facts = tx.published(tx.published_of(sorted(known.values())))
    barred = tx.barred([one.object for one in facts])
    retracted = {known[each] for each in known if any(flag == "-" for flag, _ in by_object[each])}
    return take_back(tx, [one.number for one in facts if one.object in barred or one.id in retracted])


def _erase(node: Node, tx: Transaction, wanted: set[str], lines: Sequence[Line], hashes: Hashes, now: int) -> int:
    if not lines:
        return 0
    ids = sorted({id for _, _, id, _, _ in tx.every_copy() if hashes.object(id) in wanted})
    closed = {each for line in lines for each in line.closed}
    # A draft that was saved behind the backup is one of its object again.
    drafts = [id for id, of in tx.draft_objects() if not wanted.isdisjoint((hashes.object(of), hashes.of(DRAFT, id)))]
    tx.forget_statuses(FOREVER)
    tx.bar([bytes.fromhex(each) for each in sorted(wanted)])
    tx.erase(
        ids,
        closed=sorted(closed),
        drafts=drafts,
        renamed=lambda id: f"{id.partition('--')[0]}--{node.entropy.uuid4()}",
        now=now,
    )
    tx.enter("erasure", objects=len(ids), restored=True)
    return len(ids)


def _revoke(tx: Transaction, wanted: set[str], hashes: Hashes, now: int) -> int:
    found = [one for one in tx.tokens() if one.revoked_at is None and hashes.token(one) in wanted]
    for one in found:
        tx.put_token(replace(one, revoked_at=now))
    return len(found)


def _void_tokens(tx: Transaction, now: int) -> int:
    found = [one for one in tx.tokens() if one.revoked_at is None]
    for one in found:
        tx.put_token(replace(one, revoked_at=now))
    return len(found)


def _pause(tx: Transaction, lines: Sequence[Line], hashes: Hashes, now: int) -> int:
    last = {line.hashes[0]: line.state for line in lines if line.kind == PARTNER}
    count = 0
    for record in tx.records(PARTNER):
        partner = msgspec.json.decode(record.body, type=Partner)
        state = last.get(hashes.of(PARTNER, partner.id), "")
        if state in PAUSED and partner.state != state and partner.state != "ended":
            body = msgspec.json.encode(structs.replace(partner, state=state))
            tx.put_record(Record(PARTNER, record.id, record.name, body, changed_at=now))
            count += 1
    return count


def _disable(tx: Transaction, lines: Sequence[Line], hashes: Hashes, now: int) -> int:
    last = {line.hashes[0]: line for line in lines if line.kind == USER}
    count = 0
    for account in accounts(tx):
        line = last.get(hashes.of(USER, account.id))
        if line is None:
            continue
        known = line.hashes[1] == hashes.secret(account.id, account.stamp)
        state = "disabled" if line.state == "disabled" else account.state
        held = structs.replace(account, state=state)
        if not known:
            held = structs.replace(held, digest=NO_SECRET, password="", password_at=0)
        if held != account:
            body = msgspec.json.encode(held)
            tx.put_record(Record(USER, account.id, account.name, body, changed_at=now))
            count += 1
    return count


def _retire_keys(tx: Transaction, now: int) -> None:
    """The private half of a key that signs checkpoints is of one epoch alone."""
    for key in tx.ledger_keys():
        if key.retired_at is None:
            tx.put_ledger_key(replace(key, secret=None, retired_at=now))
