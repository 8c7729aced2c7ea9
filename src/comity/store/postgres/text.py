"""Full text in PostgreSQL: a table of folded text, in which LIKE finds what SQLite's two indexes find.

Where the extension pg_trgm is there, an index of trigrams serves the same questions. Text is folded as FTS5 folds it,
but for characters that have come into Unicode since FTS5's tables were made.
"""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, ClassVar

import psycopg

TRIGRAM = 3
_MATCHES = "SELECT key FROM text_index WHERE key BETWEEN %s AND %s AND (words LIKE %s OR names LIKE %s)"


@lru_cache(maxsize=1)
def _marks() -> frozenset[str]:
    """The marks that stand on Latin letters; FTS5 leaves them out of a word, while others end it."""
    parts = (unicodedata.normalize("NFD", chr(code)) for code in range(0xC0, 0x1F00))
    return frozenset(each[1] for each in parts if len(each) == 2 and each[0].isascii())


@lru_cache(maxsize=4096)
def _lower(character: str) -> str:
    return next((lower for lower in (character.casefold(), character.lower()) if len(lower) == 1), character)


@lru_cache(maxsize=4096)
def _bare(character: str) -> str:
    """As it stands in a folded word: lower, without a single mark on a Latin letter; a space for what ends a word."""
    if character in _marks():
        return ""
    parts = unicodedata.normalize("NFD", _lower(character))
    if len(parts) == 2 and parts[0].isascii() and parts[0].isalpha():
        return parts[0].lower()
    category = unicodedata.category(character)
    return _lower(character) if category[0] in "LN" or category in ("Co", "Cn") else " "


def folded(text: str) -> str:
    """The text in lower case, character by character; without NUL, which PostgreSQL cannot hold."""
    text = text.replace("\0", " ")
    return text.lower() if text.isascii() else "".join(map(_lower, text))


def words_of(text: str) -> str:
    """The folded words of the text, each behind one space."""
    words = "".join(map(_bare, text)).split(" ")
    return "".join(f" {word}" for word in words if word)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


class PostgresText:
    """See `comity.store.database.TextIndex`."""

    EARLY: ClassVar[str] = "SELECT count(*) FROM text_index, state WHERE key > text_cursor"

    def __init__(self, db: "psycopg.Connection[Any]") -> None:
        self._db = db

    def clear(self) -> None:
        self._db.execute("DELETE FROM text_index")

    def add(self, rows: Sequence[tuple[int, str, str]]) -> None:
        with self._db.cursor().copy("COPY text_index (key, names, words) FROM STDIN") as copy:
            for key, names, words in rows:
                copy.write_row((key, folded(names), words_of(words)))

    def knows(self, keys: list[int]) -> list[int]:
        rows = self._db.execute("SELECT key FROM text_index WHERE key = ANY(%s::bigint[])", (keys,)).fetchall()
        return [key for (key,) in rows]

    def forget(self, keys: list[int]) -> None:
        self._db.execute("DELETE FROM text_index WHERE key = ANY(%s::bigint[])", (keys,))

    def tidy(self) -> bool:
        """Nothing is left to do here: the server's own vacuum reclaims what deleted rows held."""
        return False

    def matches(self, word: str, low: int, high: int) -> list[int]:
        words, names = words_of(word), folded(word)
        prose = f"%{_escaped(words)}%" if words else None
        part = f"%{_escaped(names)}%" if len(names) >= TRIGRAM else None
        with self._db.cursor(binary=True) as cursor:
            cursor.execute(_MATCHES, (low, high, prose, part), prepare=False)
            return [key for (key,) in cursor.fetchall()]
