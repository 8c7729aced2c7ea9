"""Search by text: words are data, never a query language; the newest objects first."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pyroaring import BitMap

from comity.errors import InvalidRequest
from comity.store.database import Database
from comity.store.nouns import Hit, Hits, TextQuery
from comity.store.text import label_of
from comity.store.views import KEY_MOST, Keys

if TYPE_CHECKING:
    from comity.store.snapshot import TableSnapshot

WORDS_MOST = 32
WORD_CHARACTERS_MOST = 500
TLP_LEVELS = range(7)

WINDOW_MOST = 64_000
RUN_KEYS = 1_000
"""How many keys a run looks at, at most: whoever has little time can stop after each."""

_FIRST_WINDOW = 4_000
_HITS = (
    "SELECT o.key, o.id, t.name, o.version, o.added, o.source, o.collection, o.tlp, o.default_tlp, o.mark, b.body"
    " FROM object o JOIN type t ON t.key = o.type JOIN body b ON b.key = o.key"
    " WHERE o.key IN ?integers ORDER BY o.key DESC"
)


def search(snapshot: "TableSnapshot", query: TextQuery) -> Hits:
    """See `comity.store.interface.Snapshot.search`.

    A word of three characters or more is found as a part of a name, alias, pattern, value or id, or as the beginning of
    a word of prose; a shorter one only as the beginning of a word in names and prose.
    """
    words = _words(query)
    keys = _newest(snapshot.db, _candidates(snapshot, query), words, query.after or KEY_MOST, query.limit + 1)
    more = len(keys) > query.limit
    del keys[query.limit :]
    (behind,) = snapshot.db.execute("SELECT last_key - text_cursor FROM state").fetchone()
    return Hits(hits(snapshot, keys), more, behind)


def runs(snapshot: "TableSnapshot", query: TextQuery) -> Iterator[tuple[list[int], int]]:
    """See `comity.store.browse_interface.BrowseSnapshot.hit_runs`."""
    candidates, before = _candidates(snapshot, query), query.after or KEY_MOST
    if words := _words(query):
        yield from _windows(snapshot.db, candidates, words, before, WINDOW_MOST)
        return
    end = candidates.rank(before - 1)
    while end > 0:
        start = max(0, end - RUN_KEYS)
        some = sorted(candidates[start:end], reverse=True)
        yield some, some[-1]
        end = start


def hits(snapshot: "TableSnapshot", keys: Sequence[int]) -> list[Hit]:
    """A row of a list for each of these copies that has a body, the greatest key first."""
    admin = snapshot.admin()
    return [
        Hit(
            key=key,
            id=id,
            type=type,
            name=label_of(body),
            version=version,
            added=added,
            source=admin.source_names[source],
            collection=admin.collection_ids[collection],
            tlp=tlp,
            default_tlp=default_tlp,
            mark=mark,
        )
        for key, id, type, version, added, source, collection, tlp, default_tlp, mark, body in snapshot.db.execute(
            _HITS, (list(keys),)
        ).fetchall()
    ]


def _words(query: TextQuery) -> list[str]:
    plain = (word.encode(errors="replace").decode().replace("\0", " ").strip() for word in query.words)
    words = [word for word in plain if word]
    if len(words) > WORDS_MOST or any(len(word) > WORD_CHARACTERS_MOST for word in words):
        raise InvalidRequest(
            f"a search takes at most {WORDS_MOST} words of {WORD_CHARACTERS_MOST} characters", where="words"
        )
    return words


def _candidates(snapshot: "TableSnapshot", query: TextQuery) -> Keys:
    """The last versions that readers get and that pass every filter but the words."""
    views, admin = snapshot.views(), snapshot.admin()
    collection = None if query.collection is None else admin.collection(query.collection).key
    sources = [admin.sources[name].key for name in query.sources if name in admin.sources]
    if query.sources and not sources:
        return BitMap()
    keys = views.select(collection, ("last",), query.types, sources)
    if query.tlp_least is not None or query.tlp_most is not None:
        least = 0 if query.tlp_least is None else query.tlp_least
        most = TLP_LEVELS[-1] if query.tlp_most is None else query.tlp_most
        levels = [views.of("tlp", level) for level in TLP_LEVELS if least <= level <= most]
        keys = keys & BitMap.union(BitMap(), *levels)
    if query.added_after is not None:
        keys = snapshot.added_after(keys, query.added_after)
    return keys


def _newest(db: Database, candidates: Keys, words: Sequence[str], before: int, count: int) -> list[int]:
    """The greatest `count` candidates below `before` in which every word occurs; the greatest first. The index is asked
    for windows of keys, from the newest down and each wider than the last, so that a common word costs little."""
    if not words:
        end = candidates.rank(before - 1)
        return sorted(candidates[max(0, end - count) : end], reverse=True)
    found: list[int] = []
    for some, _ in _windows(db, candidates, words, before, KEY_MOST):
        found += some[: count - len(found)]
        if len(found) >= count:
            break
    return found


def _windows(
    db: Database, candidates: Keys, words: Sequence[str], before: int, width_most: int
) -> Iterator[tuple[list[int], int]]:
    """The candidates below `before` in which every word occurs, window by window, with the least key of each."""
    high = min(before - 1, candidates.max()) if candidates else 0
    width = _FIRST_WINDOW
    while high > 0:
        low = max(1, high - width + 1)
        matching = candidates
        for word in words:
            matching = matching & BitMap(db.text.matches(word, low, high))
            if not matching:
                break
        yield sorted(matching, reverse=True), low
        high, width = low - 1, min(width * 4, width_most)
