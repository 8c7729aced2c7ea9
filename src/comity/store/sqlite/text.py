"""Full text in SQLite: two contentless indexes. No text is kept twice, so that taking a row out needs it again."""

import sqlite3
from collections.abc import Sequence
from typing import ClassVar

import msgspec

from comity.store.sqlite.connection import erasing
from comity.store.text import texts_of

TRIGRAM = 3
MERGE_PAGES = 200

_MATCHES = "SELECT json_group_array(rowid) FROM (SELECT rowid FROM {0} WHERE {0} MATCH ? AND rowid BETWEEN ? AND ?)"
_IN_NAMES, _IN_WORDS = _MATCHES.format("text_names"), _MATCHES.format("text_words")
_INTEGERS = msgspec.json.Decoder(list[int])


class SqliteText:
    """See `comity.store.database.TextIndex`."""

    EARLY: ClassVar[str] = "SELECT count(*) FROM text_names_docsize, state WHERE id > text_cursor"

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def clear(self) -> None:
        self._db.execute("INSERT INTO text_names (text_names) VALUES ('delete-all')")
        self._db.execute("INSERT INTO text_words (text_words) VALUES ('delete-all')")

    def add(self, rows: Sequence[tuple[int, str, str]]) -> None:
        self._db.executemany(
            "INSERT INTO text_names (rowid, names) VALUES (?, ?)", [(key, names) for key, names, _ in rows]
        )
        self._db.executemany(
            "INSERT INTO text_words (rowid, words) VALUES (?, ?)", [(key, words) for key, _, words in rows]
        )

    def knows(self, keys: list[int]) -> list[int]:
        known = self._db.execute(
            "SELECT id FROM text_names_docsize WHERE id IN (SELECT value FROM json_each(?))",
            (msgspec.json.encode(keys).decode(),),
        )
        return [key for (key,) in known.fetchall()]

    def forget(self, keys: list[int]) -> None:
        for key in self.knows(keys):
            (body,) = self._db.execute("SELECT body FROM body WHERE key = ?", (key,)).fetchone()
            names, words = texts_of(body)
            self._db.execute("INSERT INTO text_names (text_names, rowid, names) VALUES ('delete', ?, ?)", (key, names))
            self._db.execute("INSERT INTO text_words (text_words, rowid, words) VALUES ('delete', ?, ?)", (key, words))

    def tidy(self) -> bool:
        busy = False
        for table in ("text_names", "text_words"):
            before = self._db.total_changes
            with erasing(self._db):
                self._db.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('merge', ?)", (-MERGE_PAGES,))  # noqa: S608
            # SQLite's documentation: fewer than two changes say that there was nothing left to merge.
            busy = busy or self._db.total_changes - before >= 2
        return busy

    def tidy_all(self) -> None:
        """No segment of the indexes holds anything of what was forgotten."""
        with erasing(self._db):
            for table in ("text_names", "text_words"):
                self._db.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")  # noqa: S608 - names of our schema

    def matches(self, word: str, low: int, high: int) -> list[int]:
        """The word is quoted, so that nothing in it is an operator."""
        phrase = '"' + word.replace('"', '""') + '"'
        found = _INTEGERS.decode(self._db.execute(_IN_WORDS, (f"{phrase} *", low, high)).fetchone()[0])
        if len(word) >= TRIGRAM:
            found += _INTEGERS.decode(self._db.execute(_IN_NAMES, (phrase, low, high)).fetchone()[0])
        return found
