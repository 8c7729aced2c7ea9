"""Which copies readers get: one an id and version, and among those the first and the last version.

The copy of a version that is shown is the one from a source of kind `own`, else the one that was there earliest; this
is judged in each collection, and once more over all collections together for readers who name none.
"""

from collections.abc import Iterable
from dataclasses import dataclass

SHOWN, FIRST, LAST = 1, 2, 4
IN_COLLECTION = SHOWN | FIRST | LAST
ALL_SHIFT = 3
ALL_FLAGS = IN_COLLECTION | IN_COLLECTION << ALL_SHIFT
"""The flags of a copy without any rival; the three higher ones are those over all collections."""


@dataclass(slots=True, eq=False)
class Live:
    """A live copy while its flags are judged. `rank` is the key under which it, or what it replaced, was first kept."""

    key: int
    collection: int
    source: int
    own: bool
    instant: str
    state: int
    flags: int
    rank: int
    digest: bytes
    due: int = 0


def judge(copies: Iterable[Live]) -> None:
    """`due` of each copy holds the flags it must have; `copies` are all visible copies of one id."""
    scopes: dict[int, dict[str, Live]] = {}
    for copy in copies:
        copy.due = 0
        for scope in (copy.collection, 0):
            best = scopes.setdefault(scope, {})
            rival = best.get(copy.instant)
            if rival is None or (not copy.own, copy.rank) < (not rival.own, rival.rank):
                best[copy.instant] = copy
    for scope, best in scopes.items():
        shift = 0 if scope else ALL_SHIFT
        for copy in best.values():
            copy.due |= SHOWN << shift
        best[min(best)].due |= FIRST << shift
        best[max(best)].due |= LAST << shift
