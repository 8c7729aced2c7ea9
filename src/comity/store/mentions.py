"""Which texts say which names: kept as rows, so that no body is read when something is withheld (R9).

A row says that a text has a name, however far the two stand apart: whether they are near is asked when the rows are
read, since references come and go. Rows are found from both sides, so that it does not matter which came first: the
names that a new text has among all names, and the texts that have a new name by an index of words. Names and words are
kept as digests; what is destroyed cannot be read from them, and they go with the copy they came from.

Only copies are *told*, put into these tables, that can be near anything: those that refer to something or are referred
to, and those of an id with several copies. Most indicators are neither.
"""

import struct
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from pyroaring import BitMap

from comity.release.cuts import Edits, applied, local_limits, settle
from comity.release.naming import names_of, words_in
from comity.release.words import Names
from comity.stix.object import JsonObject
from comity.store.database import Database
from comity.store.text import value_of

Name = tuple[str, ...]

CROWDED_TEXTS = 50_000
"""A name that more texts may say is not looked for in each: every text counts as saying it."""
SURE_TEXTS = 8
"""So few are read at once; among more, those are looked for that have the other words of the name too."""
READ_ROWS = 500
_WORD_BYTES, _NAME_BYTES = 6, 8
_PAIR = 1_000_003
_PAIR_MASK = 2**62 - 1


def word_code(word: str) -> int:
    """A digest of the word, that fits a column of either database."""
    return int.from_bytes(blake2b(word.encode(), digest_size=_WORD_BYTES).digest())


def name_code(name: Sequence[str]) -> int:
    """A digest of the name."""
    return int.from_bytes(blake2b(" ".join(name).encode(), digest_size=_NAME_BYTES).digest()) >> 1


class _Codes(dict[str, int]):
    """The digests of words, each computed once."""

    def __missing__(self, word: str) -> int:
        code = self[word] = word_code(word)
        return code


def _pair(one: int, other: int) -> int:
    return (one * _PAIR ^ other) & _PAIR_MASK


@dataclass(frozen=True, slots=True)
class Told:
    """A copy that is to be told: its id in small letters, the words of its texts, its names."""

    key: int
    id: str
    words: list[list[str]]
    names: frozenset[Name]


@dataclass(slots=True)
class Telling:
    """What is to be put: names (tail and length of each), what has them, what says them, and the words of each copy."""

    ids: dict[int, str] = field(default_factory=dict)
    names: dict[int, tuple[int, int]] = field(default_factory=dict)
    crowded: set[int] = field(default_factory=set)
    naming: set[tuple[int, int]] = field(default_factory=set)
    mentions: set[tuple[int, int]] = field(default_factory=set)
    words: dict[int, set[int]] = field(default_factory=dict)


def told(key: int, value: JsonObject) -> Told:
    """The copy with this value."""
    return Told(key, str(value.get("id", "")).lower(), _words(value), names_of(value))


def _words(value: JsonObject) -> list[list[str]]:
    """The words of what any recipient could see of it."""
    limits = local_limits(value)
    return words_in(applied(value, Edits(settle(value, limits).removed)) if limits else value)


def bodies(db: Database, keys: Iterable[int]) -> Iterable[tuple[int, JsonObject]]:
    """The values of these copies, those that have a body."""
    wanted = sorted(keys)
    for start in range(0, len(wanted), READ_ROWS):
        rows = db.execute(
            "SELECT key, body FROM body WHERE key IN ?integers ORDER BY key", (wanted[start : start + READ_ROWS],)
        ).fetchall()
        for key, body in rows:
            yield key, value_of(body)


# -- finding, in a snapshot --------------------------------------------------------------------------------------------
def find(db: Database, copies: Sequence[Told]) -> Telling:
    """All that is to be put for these copies, none of which is told yet."""
    found, codes = Telling(), _Codes()
    all_names = {name_code(name): name for copy in copies for name in copy.names}
    (known,) = db.columns("name", "SELECT name FROM name WHERE name IN ?integers", (list(all_names),))
    fresh = {code: name for code, name in all_names.items() if code not in set(known)}
    for code, name in fresh.items():
        found.names[code] = _tail([codes[word] for word in name[-2:]]), len(name)
    for copy in copies:
        found.ids[copy.key] = copy.id
        found.naming |= {(copy.key, name_code(name)) for name in copy.names}
        found.words[copy.key] = {codes[word] for words in copy.words for word in words}
    _in_new_texts(db, copies, codes, found)
    _in_old_texts(db, fresh, codes, found)
    return found


def _tail(codes: Sequence[int]) -> int:
    return codes[-1] if len(codes) == 1 else _pair(codes[-2], codes[-1])


def _in_new_texts(db: Database, copies: Sequence[Told], codes: Mapping[str, int], found: Telling) -> None:
    """What these texts say of all names, theirs included."""
    tails: set[int] = set()
    for copy in copies:
        for words in copy.words:
            numbers = [codes[word] for word in words]
            tails.update(numbers)
            tails.update(map(_pair, numbers, numbers[1:]))
    by_tail: defaultdict[int, set[tuple[int, int]]] = defaultdict(set)
    columns = db.columns(
        "name tail length",
        "SELECT name, tail, length FROM name WHERE crowded = 0 AND tail IN ?integers",
        (list(tails),),
    )
    for name, tail, length in zip(*columns, strict=True):
        by_tail[tail].add((name, length))
    for name, (tail, length) in found.names.items():
        by_tail[tail].add((name, length))
    for copy in copies:
        for words in copy.words:
            numbers = [codes[word] for word in words]
            for at, number in enumerate(numbers):
                for tail in (number, _pair(numbers[at - 1], number)) if at else (number,):
                    for name, length in by_tail.get(tail, ()):
                        if length <= at + 1 and name_code(words[at + 1 - length : at + 1]) == name:
                            found.mentions.add((copy.key, name))


def _in_old_texts(db: Database, fresh: Mapping[int, Name], codes: Mapping[str, int], found: Telling) -> None:
    """Which of the texts that are told already say these names, which were nobody's before."""
    index = _Index(db, {codes[word] for name in fresh.values() for word in name})
    unsure: defaultdict[int, list[Name]] = defaultdict(list)
    for code, name in fresh.items():
        keys = index.with_all({codes[word] for word in name})
        if len(keys) > CROWDED_TEXTS:
            found.crowded.add(code)
        elif len(name) == 1:
            found.mentions |= {(key, code) for key in keys}
        else:
            for key in keys:
                unsure[key].append(name)
    found.mentions = {(key, code) for key, code in found.mentions if code not in found.crowded}
    for key, value in bodies(db, unsure):
        tree = Names(unsure[key])
        found.mentions |= {(key, name_code(name)) for words in _words(value) for name in tree.found_in(words)}


class _Index:
    """Texts by words, as far as they are asked for; how common each word is, is known before."""

    def __init__(self, db: Database, words: Iterable[int]) -> None:
        self._db = db
        columns = db.columns(
            "word segments",
            "SELECT word, count(*) AS segments FROM word WHERE word IN ?integers GROUP BY word",
            (list(words),),
        )
        self._segments: dict[int, int] = dict(zip(*columns, strict=True))
        self._known: dict[int, BitMap] = {}

    def with_all(self, words: Iterable[int]) -> "BitMap":
        """Texts that have all of these words; others too, where few are left."""
        rarest = sorted((self._segments.get(word, 0), word) for word in words)
        if not rarest[0][0]:
            return BitMap()
        keys = self._of(rarest[0][1])
        for _, word in rarest[1:]:
            if len(keys) <= SURE_TEXTS:
                break
            keys = keys & self._of(word)
        return keys

    def _of(self, word: int) -> "BitMap":
        if word not in self._known:
            rows = self._db.execute("SELECT objects FROM word WHERE word = ?", (word,)).fetchall()
            self._known[word] = BitMap([key for (packed,) in rows for key in _unpacked(packed)])
        return self._known[word]


def _packed(keys: Iterable[int]) -> bytes:
    listed = sorted(keys)
    return struct.pack(f"<{len(listed)}I", *listed)


def _unpacked(packed: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(packed) // 4}I", packed)


# -- keeping, in a transaction -----------------------------------------------------------------------------------------
def holds(db: Database, found: Telling) -> bool:
    """The names that were known when it was found still are."""
    names = {name for _, name in found.naming | found.mentions} - found.names.keys()
    (known,) = db.columns("name", "SELECT name FROM name WHERE name IN ?integers", (list(names),))
    return len(known) == len(names)


def put(db: Database, found: Telling, targets: Mapping[str, int], segment: int) -> None:
    """The copies are told. `segment` was never used before."""
    db.execute_many(
        "INSERT INTO telling VALUES (?, ?, ?)", [(key, targets[id], segment) for key, id in sorted(found.ids.items())]
    )
    db.execute_many(
        "INSERT INTO name VALUES (?, ?, ?, ?)",
        [(name, *found.names[name], int(name in found.crowded)) for name in sorted(found.names)],
    )
    db.execute_many("INSERT INTO naming VALUES (?, ?)", sorted(found.naming))
    db.execute_many("INSERT INTO mention VALUES (?, ?)", sorted(found.mentions))
    segments: defaultdict[int, list[int]] = defaultdict(list)
    for key, words in found.words.items():
        for word in words:
            segments[word].append(key)
    db.execute_many(
        "INSERT INTO word VALUES (?, ?, ?)", [(word, segment, _packed(segments[word])) for word in sorted(segments)]
    )


def forget(db: Database, keys: list[int]) -> bool:
    """These copies are not told; their bodies must still be there. Whether any was."""
    if not _replace_words(db, dict.fromkeys(keys)):
        return False
    (names,) = db.columns("name", "SELECT DISTINCT name FROM naming WHERE object IN ?integers", (keys,))
    for table in ("telling", "naming", "mention"):
        db.execute(f"DELETE FROM {table} WHERE object IN ?integers", (keys,))  # noqa: S608 - names of our schema
    (kept,) = db.columns("name", "SELECT DISTINCT name FROM naming WHERE name IN ?integers", (names,))
    nobodys = sorted(set(names) - set(kept))
    if nobodys:
        db.execute("DELETE FROM mention WHERE name IN ?integers", (nobodys,))
        db.execute("DELETE FROM name WHERE name IN ?integers", (nobodys,))
    return True


def move(db: Database, old: int, new: int) -> bool:
    """What was told of the copy is told under its new key; its body still lies under the old one. Whether it was."""
    if not _replace_words(db, {old: new}):
        return False
    for table in ("telling", "naming", "mention"):
        db.execute(f"UPDATE {table} SET object = ? WHERE object = ?", (new, old))  # noqa: S608 - names of our schema
    return True


def _replace_words(db: Database, keys: Mapping[int, int | None]) -> bool:
    """In the index of words these keys are others, or are gone. Whether any was told."""
    columns = db.columns(
        "object segment", "SELECT object, segment FROM telling WHERE object IN ?integers", (list(keys),)
    )
    segments: dict[int, int] = dict(zip(*columns, strict=True))
    words: defaultdict[int, set[int]] = defaultdict(set)
    codes = _Codes()
    for key, value in bodies(db, segments):
        words[segments[key]].update(codes[word] for text in _words(value) for word in text)
    for segment, of_segment in words.items():
        rows = db.execute(
            "SELECT word, objects FROM word WHERE segment = ? AND word IN ?integers", (segment, sorted(of_segment))
        ).fetchall()
        changed = []
        for word, packed in rows:
            others = [keys.get(key, key) for key in _unpacked(packed)]
            changed.append((_packed(key for key in others if key is not None), word, segment))
        db.execute_many(
            "UPDATE word SET objects = ? WHERE word = ? AND segment = ?", [row for row in changed if row[0]]
        )
        db.execute_many("DELETE FROM word WHERE word = ? AND segment = ?", [row[1:] for row in changed if not row[0]])
    return bool(segments)
