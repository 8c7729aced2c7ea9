"""What is done to the copies of a batch, some at a time, and how it is undone: each step in one transaction with what
is noted of it, so that a step is done whole and once, whenever whoever does it dies."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from pyroaring import BitMap

from comity.interfaces import instant_of
from comity.node import reclassifying
from comity.node.forming import Classes
from comity.node.people import ADMIN, RELEASER, ROLES, accounts
from comity.node.reclassifying import DEFINITION, Order
from comity.node.showing import resolve
from comity.release.standing import digest_of, parts
from comity.stix.tlp import TLP
from comity.store.audit import OPERATOR
from comity.store.batches import DONE, FAILED, KEPT, SAME, UNDONE, WAITING, Batch, Facts, Item
from comity.store.interface import Snapshot, Transaction
from comity.store.nouns import State, level_of

WITHDRAW, MARK = "withdraw", "mark"
ANALYST = "analyst"
ACTING = (ANALYST, RELEASER)
"""Who has one of these withdraws and marks."""
STEP_COPIES = 100
"""So many are done in one step: fewer than are classed anew at once."""
GONE, IS_PUBLISHED, SAYS_MORE, LOOSENS, NOT_ALLOWED = "gone", "published", "says-more", "loosens", "not-allowed"
"""Why a copy is passed over: it is not there any more; it is published, which a releaser takes back; the object says a
stricter TLP itself; it is not published, so that nothing would hold back what is looser (R14); whoever asked may do it
no more."""
WAITS, RECALLED, MARKED, STOPPED = "waits", "recalled", "marked", "stopped"
"""What else is said of a copy: it stands between two classes until a second person has confirmed the looser one (R14);
it was taken back from partners meanwhile, and is not published again; it has another mark by now; it was not done yet
when the batch was undone."""


def roles_of(snapshot: Snapshot, account: str) -> frozenset[str]:
    """The roles that the account has now; all of them for the host's operator, who has none."""
    if not account:
        return frozenset(ROLES)
    held = next((one for one in accounts(snapshot) if one.id == account), None)
    return frozenset(held.roles) if held is not None and held.state == "active" else frozenset()


def judged(one: Facts | None, act: str, level: int | None, roles: frozenset[str]) -> tuple[str, str]:
    """What would become of that copy, and why: `done`, with `waits` where it would wait for a second person."""
    if roles.isdisjoint(ACTING):
        return FAILED, NOT_ALLOWED
    if one is None or not one.state.live:
        return FAILED, GONE
    published = one.state is State.PUBLISHED
    if act == WITHDRAW:
        return (FAILED, IS_PUBLISHED) if published and RELEASER not in roles else (DONE, "")
    assert level is not None
    if one.tlp is not None and level < one.tlp:
        return FAILED, SAYS_MORE
    # Neither the object nor its source says one: that counts as TLP:RED.
    counts = level_of(one.tlp, one.default_tlp, one.mark)
    if counts == level:
        return SAME, ""
    if level > (TLP.RED if counts is None else counts):
        return DONE, ""
    if published:
        return DONE, WAITS
    return (DONE, "") if ADMIN in roles else (FAILED, LOOSENS)


def step(tx: Transaction, batch: Batch, ours: frozenset[str], now: int) -> bool:
    """The next copies of the batch are done, or undone; whether there were any."""
    states = (WAITING,) if batch.undo_at is None else (WAITING, DONE)
    items = tx.batch_items(batch.id, states, STEP_COPIES)
    if items:
        tx.actor, tx.staff = batch.account, batch.account or OPERATOR
        act = (_undo if batch.undo_at is not None else _do)(tx, batch, items, ours, now)
        tx.settle_batch_items(batch.id, act)
    return bool(items)


def _do(tx: Transaction, batch: Batch, items: Sequence[Item], ours: frozenset[str], now: int) -> list[Item]:
    roles, keys = roles_of(tx, batch.account), [one.object for one in items]
    facts, was = {one.key: one for one in tx.facts_of(keys)}, tx.was(keys)
    made = []
    for item in items:
        state, why = judged(facts.get(item.object), batch.act, batch.level, roles)
        made.append(replace(item, state=state, why=why, before=was[item.object] if state == DONE else None))
    going = [facts[item.object] for item in made if item.state == DONE]
    if batch.act == WITHDRAW:
        with _definitions(tx, going, ours, now):
            tx.withdraw_copies([one.key for one in going], now)
        return made
    tx.mark_copies({one.key: batch.level for one in going}, now)
    _class_anew(tx, batch, [one.number for one in going], ours, now)
    between = _standing_between(tx, [one.number for one in going if one.number])
    waits = {one.key for one in going if one.number in between}
    return [replace(item, why=WAITS if item.object in waits else "") if item.state == DONE else item for item in made]


def _undo(tx: Transaction, batch: Batch, items: Sequence[Item], ours: frozenset[str], now: int) -> list[Item]:
    never = [replace(item, state=FAILED, why=STOPPED) for item in items if item.state == WAITING]
    done = [item for item in items if item.state == DONE]
    undone = _restore(tx, batch, done, ours, now) if batch.act == WITHDRAW else _unmark(tx, batch, done, ours, now)
    return [*never, *undone]


def _restore(tx: Transaction, batch: Batch, items: Sequence[Item], ours: frozenset[str], now: int) -> list[Item]:
    before = {item.object: item.before for item in items if item.before is not None}
    facts = tx.facts_of(list(before))
    with _definitions(tx, facts, ours, now):
        failed = tx.restore_copies(before, now)
    back = [was.number for key, was in before.items() if failed.get(key) is None and was.number]
    # What they were classed by may have changed while they were gone.
    _class_anew(tx, batch, back, ours, now)
    kept = {item.object: failed.get(item.object, "") for item in items}
    return [
        replace(item, state=UNDONE if kept[item.object] in ("", RECALLED) else KEPT, why=kept[item.object])
        for item in items
    ]


def _unmark(tx: Transaction, batch: Batch, items: Sequence[Item], ours: frozenset[str], now: int) -> list[Item]:
    facts = {one.key: one for one in tx.facts_of([item.object for item in items])}
    made, numbers = [], {}
    marks: dict[int, int | None] = {}
    for item in items:
        one, before = facts.get(item.object), item.before
        assert before is not None
        if one is None or not one.state.live:
            made.append(replace(item, state=KEPT, why=GONE))
        elif one.mark != batch.level:
            made.append(replace(item, state=KEPT, why=MARKED))
        else:
            made.append(replace(item, state=UNDONE, why=""))
            marks[one.key] = before.mark
            if one.number:
                numbers[one.number] = before.class_key if one.number == before.number else 0
    tx.mark_copies(marks, now)
    left = _class_again(tx, numbers, ours)
    _class_anew(tx, batch, left, ours, now)
    between = _standing_between(tx, left)
    waits = {one.key for one in facts.values() if one.number in between}
    return [replace(item, why=WAITS) if item.object in waits and item.state == UNDONE else item for item in made]


# -- classes -----------------------------------------------------------------------------------------------------------
def _class_anew(tx: Transaction, batch: Batch, numbers: Sequence[int], ours: frozenset[str], now: int) -> None:
    """These count as what they are by now where that is tighter; what is looser waits for a person (R14)."""
    words = f"batch {batch.id} of {instant_of(batch.at):%Y-%m-%d}"
    some = BitMap([number for number in numbers if number])
    reclassifying.look_again(
        tx, some & tx.publications().of("state", State.PUBLISHED), ours, Order(words, batch.name), now
    )


def _class_again(tx: Transaction, numbers: dict[int, int], ours: frozenset[str]) -> list[int]:
    """Those of these publications (each with the store's number of the class that it had) that have again what they had
    do so, as far as it is what they are; the rest."""
    forms, left = tx.classes(), []
    again: dict[int, tuple[bytes, bytes]] = {}
    for one, _, _, has in reclassifying.looked_at(tx, Classes(tx, ours), sorted(numbers)):
        had = forms.get(numbers[one.number], b"")
        if had and parts(had)[1] == has:
            again[one.number] = (digest_of(had), had)
        else:
            left.append(one.number)
    tx.reclass(again)
    return left


def _standing_between(tx: Transaction, numbers: Iterable[int]) -> set[int]:
    """Those of these publications that stand between two classes."""
    forms = tx.classes()
    pairs = {one.number: parts(forms[one.class_key]) for one in tx.published(sorted(numbers)) if forms[one.class_key]}
    return {number for number, (had, has) in pairs.items() if had != has}


@contextmanager
def _definitions(tx: Transaction, copies: Iterable[Facts], ours: frozenset[str], now: int) -> Iterator[None]:
    """What the block does with these copies changes what their ids mean as markings, and nobody is served by what they
    meant before."""
    ids = sorted({one.id for one in copies if one.type == DEFINITION})
    # Of what comes back there is no meaning before it does.
    sources = [source.name for source in tx.sources()] if ids else []
    meant = {id: {name: resolve(tx, name, id) for name in sources} for id in ids}
    yield
    for id, before in meant.items():
        reclassifying.after_withdrawing(tx, id, before, ours, now)
