"""How objects refer to ids: filled from bodies in the background, in order of keys, as full text is (R9, R66).

After `relation_cursor` has caught up, the rows are those of the live copies, in whatever order and batches these came.
A copy that goes takes its rows along; one that moves keeps them, and is looked at again under its new key for nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from comity.release import spread
from comity.release.cuts import at, inside, local_limits, settle
from comity.stix.graph import Need, references
from comity.stix.object import JsonObject
from comity.store import mentions
from comity.store.database import Database

TOLD_MOST = 1_000
"""When so many copies are to be told, the piece ends after the object that brought them."""

_NEXT = "SELECT key, gone FROM object WHERE key > ? ORDER BY key LIMIT ?"
_LIVE_OF = (
    "SELECT o.id, o.key, CASE WHEN t.object IS NULL THEN 0 ELSE 1 END AS told FROM object o"
    " LEFT JOIN telling t ON t.object = o.key WHERE o.id IN ?texts AND o.gone = 0"
)
_REFERRED = (
    "SELECT t.id FROM target t WHERE t.id IN ?texts AND EXISTS"  # noqa: S608 - numbers of ours
    f" (SELECT 1 FROM relation r WHERE r.target = t.key AND r.need IN {spread.HOPS})"
)
_TOLD_OF = "SELECT t.id FROM target t WHERE t.id IN ?texts AND EXISTS (SELECT 1 FROM telling e WHERE e.target = t.key)"


@dataclass(slots=True)
class Piece:
    """What was read between two values of the cursor; an `end` of 0 says that there is nothing more."""

    start: int
    end: int = 0
    rows: set[tuple[int, str, int]] = field(default_factory=set)
    telling: mentions.Telling = field(default_factory=mentions.Telling)


def rows_of(value: JsonObject) -> set[tuple[str, int]]:
    """The ids that the object refers to, each with the number of its need."""
    found = references(value)
    if found.beyond:
        return {("", spread.BEYOND)}
    limits = local_limits(value)
    first = settle(value, limits).removed if limits else frozenset()
    rows = {("", spread.LOCAL)} if limits else set()
    listed: dict[tuple[str | int, ...], int] = {}
    for reference in found.items:
        if reference.need is Need.LISTED:
            listed[reference.cut[:-1]] = listed.get(reference.cut[:-1], 0) + 1
    for reference in found.items:
        if inside(reference.cut, first):
            continue
        code = spread.CODES[reference.need]
        if reference.need is Need.LISTED and listed[reference.cut[:-1]] < len(at(value, reference.cut[:-1])):
            # Something else stays in the list, which so is never empty.
            code = spread.OPTIONAL
        rows.add((reference.target, code))
    return rows


def read(db: Database, limit: int) -> Piece:
    """The next piece, of a snapshot: up to `limit` copies, and what is to be told through them."""
    (cursor,) = db.execute("SELECT relation_cursor FROM state").fetchone()
    piece = Piece(cursor)
    keys, gone = db.columns("key gone", _NEXT, (cursor, limit))
    if not keys:
        return piece
    piece.end = keys[-1]
    values: dict[int, JsonObject] = {}
    hops: dict[int, set[str]] = {}
    for key, value in mentions.bodies(db, [key for key, since in zip(keys, gone, strict=True) if not since]):
        values[key] = value
        rows = rows_of(value)
        piece.rows |= {(key, target, need) for target, need in rows}
        hops[key] = {target for target, need in rows if need in spread.HOPS}
        if sum(map(len, hops.values())) >= TOLD_MOST:
            piece.end = key
            break
    piece.telling = mentions.find(db, _to_tell(db, piece.end, values, hops))
    return piece


def _to_tell(db: Database, end: int, values: dict[int, JsonObject], hops: dict[int, set[str]]) -> list[mentions.Told]:
    """The copies that are near something through these, and are not told yet."""
    ids = {key: str(value.get("id", "")) for key, value in values.items()}
    near = {target for targets in hops.values() for target in targets}
    small = {id.lower() for id in ids.values()}
    columns = db.columns("id key told", _LIVE_OF, (sorted(near | small | set(ids.values())),))
    copies: dict[str, set[int]] = {}
    already: set[int] = set()
    for id, key, told in zip(*columns, strict=True):
        if told:
            already.add(key)
        if key <= end or key in values:
            copies.setdefault(id.lower(), set()).add(key)
    referred = set(db.columns("id", _REFERRED, (sorted(small),))[0])
    several = set(db.columns("id", _TOLD_OF, (sorted(small),))[0])
    due: set[int] = set()
    for key, id in ids.items():
        lowered = id.lower()
        # An id with capitals is found by no question for the small one, so it is told in any case.
        if hops[key] or lowered in near or lowered in referred or lowered in several or lowered != id:
            due |= {key, *copies.get(lowered, ())}
        elif len(copies.get(lowered, ())) > 1:
            due |= copies[lowered]
    for target in near:
        due |= copies.get(target, set())
    due -= already
    read = dict(mentions.bodies(db, due - values.keys()))
    return [
        mentions.told(key, values[key] if key in values else read[key]) for key in sorted(due & (values.keys() | read))
    ]


def put(db: Database, piece: Piece) -> None:
    """The piece is in the tables, unless another process was quicker, or something that it rests on went or moved
    meanwhile: then it is read again."""
    (cursor,) = db.execute("SELECT relation_cursor FROM state").fetchone()
    keys = {key for key, _, _ in piece.rows} | set(piece.telling.ids) | {key for key, _ in piece.telling.mentions}
    (present,) = db.columns("key", "SELECT key FROM object WHERE key IN ?integers AND gone = 0", (list(keys),))
    if cursor != piece.start or len(present) < len(keys) or not mentions.holds(db, piece.telling):
        return
    ids = {id for _, id, _ in piece.rows if id} | set(piece.telling.ids.values())
    targets = _targets(db, ids)
    db.execute_many(
        "INSERT INTO relation VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        sorted((key, targets[id] if id else spread.NOTHING, need) for key, id, need in piece.rows),
    )
    if piece.telling.ids:
        mentions.put(db, piece.telling, targets, piece.end)
    # A new reference can bring two near each other that are told already.
    if piece.telling.ids or any(need in spread.HOPS for _, _, need in piece.rows):
        tell(db)
    db.execute("UPDATE state SET relation_cursor = ?", (piece.end,))


def _targets(db: Database, ids: Iterable[str]) -> dict[str, int]:
    """The numbers of these ids; new ones are given."""
    wanted = sorted(ids)
    columns = db.columns("id key", "SELECT id, key FROM target WHERE id IN ?texts", (wanted,))
    known: dict[str, int] = dict(zip(*columns, strict=True))
    (last,) = db.execute("SELECT coalesce(max(key), 0) FROM target").fetchone()
    new = [(number, id) for number, id in enumerate((id for id in wanted if id not in known), last + 1)]
    db.execute_many("INSERT INTO target VALUES (?, ?)", new)
    return known | {id: number for number, id in new}


def tell(db: Database) -> None:
    """Whoever keeps relations in memory looks again."""
    db.execute("UPDATE state SET last_told = last_told + 1")


def forget(db: Database, keys: list[int]) -> None:
    """Nothing is known of the copies with these keys; their bodies must still be there."""
    db.execute("DELETE FROM relation WHERE object IN ?integers", (keys,))
    if mentions.forget(db, keys):
        tell(db)


def move(db: Database, old: int, new: int) -> None:
    """What is known of the copy is known under its new key; its body still lies under the old one."""
    db.execute("UPDATE relation SET object = ? WHERE object = ?", (new, old))
    if mentions.move(db, old, new):
        tell(db)
