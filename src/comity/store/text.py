"""Full text: what of an object can be found, and how it gets into the index and out of it.

The index is contentless: it holds no text, so that taking a row out needs the very text that was put in. That text is
made from the body by the functions below; TEXT_VERSION must rise whenever they change, and the index is built anew.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import orjson

from comity.store.connection import erasing
from comity.store.flags import ALL_SHIFT, LAST

TEXT_VERSION = 1
CHARACTERS_MOST = 100_000
"""Of one object's text no more is indexed."""

_NAMES = (
    *("name", "value", "pattern", "path", "display_name", "user_id", "account_login", "subject", "issuer"),
    *("serial_number", "key", "command_line", "mime_type", "url", "product", "source_ref", "target_ref"),
)
_LABELS = ("name", "value", "path", "display_name", "user_id", "account_login", "subject", "command_line", "key")
_LISTS = ("aliases", "x_mitre_aliases", "labels")
_PROSE = ("description", "abstract", "content", "opinion", "explanation", "objective", "statement", "body")


def value_of(body: bytes) -> dict[str, Any]:
    """The object as a value, an empty one where the bytes are none."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _strings(value: Any) -> Iterator[str]:
    for each in value if isinstance(value, list) else (value,):
        if isinstance(each, str):
            yield each


def texts_of(body: bytes) -> tuple[str, str]:
    """What trigrams find (names, aliases, patterns, values, all ids) and what words find (names, aliases, prose)."""
    value = value_of(body)
    names = [*_strings(value.get("id"))]
    words: list[str] = []
    for member in _NAMES:
        names += _strings(value.get(member))
    for member in _LISTS:
        names += _strings(value.get(member))
        words += _strings(value.get(member))
    hashes = value.get("hashes")
    if isinstance(hashes, dict):
        for each in hashes.values():
            names += _strings(each)
    references = value.get("external_references")
    for reference in references if isinstance(references, list) else ():
        if isinstance(reference, dict):
            names += _strings(reference.get("external_id"))
            words += _strings(reference.get("external_id"))
    words += _strings(value.get("name"))
    for member in _PROSE:
        words += _strings(value.get(member))
    return "\n".join(names)[:CHARACTERS_MOST], "\n".join(words)[:CHARACTERS_MOST]


def label_of(body: bytes) -> str:
    """What a list calls the object: its name, or its value or the like; empty where it has none."""
    value = value_of(body)
    for member in _LABELS:
        for text in _strings(value.get(member)):
            return text
    return ""


def _known(db: sqlite3.Connection, keys: Sequence[int]) -> list[int]:
    """Those of the keys that are in the index."""
    listed = msgspec.json.encode(keys).decode()
    rows = db.execute(
        "SELECT id FROM text_names_docsize WHERE id IN (SELECT value FROM json_each(?))", (listed,)
    ).fetchall()
    return [key for (key,) in rows]


def restart(db: sqlite3.Connection) -> None:
    """Where the index was made by other functions than these, it is empty now and filled anew."""
    if db.execute("SELECT text_version FROM state").fetchone()[0] != TEXT_VERSION:
        db.execute("INSERT INTO text_names (text_names) VALUES ('delete-all')")
        db.execute("INSERT INTO text_words (text_words) VALUES ('delete-all')")
        db.execute("UPDATE state SET text_cursor = 0, text_version = ?", (TEXT_VERSION,))


def forget(db: sqlite3.Connection, keys: Sequence[int]) -> None:
    """Copies with these keys are not in the index; their bodies must still be there."""
    restart(db)
    for key in _known(db, keys):
        (body,) = db.execute("SELECT body FROM body WHERE key = ?", (key,)).fetchone()
        names, words = texts_of(body)
        db.execute("INSERT INTO text_names (text_names, rowid, names) VALUES ('delete', ?, ?)", (key, names))
        db.execute("INSERT INTO text_words (text_words, rowid, words) VALUES ('delete', ?, ?)", (key, words))


_NEXT = (
    "SELECT max(key), json_group_array(key) FILTER (WHERE flags & ?1) FROM"
    " (SELECT key, flags FROM object WHERE key > ?2 ORDER BY key LIMIT ?3)"
)
FOUND = LAST | LAST << ALL_SHIFT
MERGE_PAGES = 200


def pending(db: sqlite3.Connection, limit: int) -> tuple[int, int, list[tuple[int, str, str]]]:
    """The cursor, where it goes next, and the texts of the copies between that readers get; 0 for the end."""
    cursor = db.execute("SELECT CASE text_version WHEN ? THEN text_cursor ELSE 0 END FROM state", (TEXT_VERSION,))
    (start,) = cursor.fetchone()
    end, listed = db.execute(_NEXT, (FOUND, start, limit)).fetchone()
    if end is None:
        return start, 0, []
    rows = db.execute(
        "SELECT key, body FROM body WHERE key IN (SELECT value FROM json_each(?)) ORDER BY key", (listed,)
    ).fetchall()
    return start, end, [(key, *texts_of(body)) for key, body in rows]


def put(db: sqlite3.Connection, start: int, end: int, rows: Sequence[tuple[int, str, str]]) -> None:
    """The texts are in the index, unless another process was quicker; what went in the meantime is left out."""
    restart(db)
    (cursor,) = db.execute("SELECT text_cursor FROM state").fetchone()
    if cursor != start:
        return
    listed = msgspec.json.encode([key for key, _, _ in rows]).decode()
    (still,) = db.execute(
        "SELECT json_group_array(key) FROM object WHERE key IN (SELECT value FROM json_each(?)) AND flags & ?",
        (listed, FOUND),
    ).fetchone()
    present = set(msgspec.json.decode(still, type=list[int]))
    db.executemany(
        "INSERT INTO text_names (rowid, names) VALUES (?, ?)",
        [(key, names) for key, names, _ in rows if key in present],
    )
    db.executemany(
        "INSERT INTO text_words (rowid, words) VALUES (?, ?)",
        [(key, words) for key, _, words in rows if key in present],
    )
    db.execute("UPDATE state SET text_cursor = ?", (end,))


def is_dirty(db: sqlite3.Connection) -> bool:
    """Text was destroyed, and old segments of the index may still hold traces of it."""
    return bool(db.execute("SELECT text_dirty FROM state").fetchone()[0])


def tidy(db: sqlite3.Connection) -> None:
    """A bounded piece of merging is done; after the last one the index is no longer dirty."""
    busy = False
    for table in ("text_names", "text_words"):
        before = db.total_changes
        with erasing(db):
            db.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('merge', ?)", (-MERGE_PAGES,))  # noqa: S608
        # SQLite's documentation: fewer than two changes say that there was nothing left to merge.
        busy = busy or db.total_changes - before >= 2
    if not busy:
        db.execute("UPDATE state SET text_dirty = 0")
