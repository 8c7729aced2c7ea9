"""Full text: what of an object can be found, and how it gets into the index and out of it.

An index may hold no text of its own, so that taking a row out needs the very text that was put in. That text is made
from the body by the functions below; TEXT_VERSION must rise whenever they change, and the index is built anew.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from comity.store.database import Database
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


def restart(db: Database) -> None:
    """Where the index was made by other functions than these, it is empty now and filled anew."""
    if db.execute("SELECT text_version FROM state").fetchone()[0] != TEXT_VERSION:
        db.text.clear()
        db.execute("UPDATE state SET text_cursor = 0, text_version = ?", (TEXT_VERSION,))


def forget(db: Database, keys: list[int]) -> None:
    """Copies with these keys are not in the index; their bodies must still be there."""
    restart(db)
    db.text.forget(keys)


_NEXT = "SELECT key, flags FROM object WHERE key > ? ORDER BY key LIMIT ?"
FOUND = LAST | LAST << ALL_SHIFT


def pending(db: Database, limit: int) -> tuple[int, int, list[tuple[int, str, str]]]:
    """The cursor, where it goes next, and the texts of the copies between that readers get; 0 for the end."""
    cursor, version = db.execute("SELECT text_cursor, text_version FROM state").fetchone()
    start: int = cursor if version == TEXT_VERSION else 0
    keys, flags = db.columns("key flags", _NEXT, (start, limit))
    if not keys:
        return start, 0, []
    found = [key for key, of_key in zip(keys, flags, strict=True) if of_key & FOUND]
    rows = db.execute("SELECT key, body FROM body WHERE key IN ?integers ORDER BY key", (found,)).fetchall()
    return start, keys[-1], [(key, *texts_of(body)) for key, body in rows]


def put(db: Database, start: int, end: int, rows: Sequence[tuple[int, str, str]]) -> None:
    """The texts are in the index, unless another process was quicker; what went in the meantime is left out."""
    restart(db)
    (cursor,) = db.execute("SELECT text_cursor FROM state").fetchone()
    if cursor != start:
        return
    (still,) = db.columns(
        "key",
        "SELECT key FROM object WHERE key IN ?integers AND (flags & ?) <> 0",
        ([key for key, _, _ in rows], FOUND),
    )
    present = set(still)
    db.text.add([row for row in rows if row[0] in present])
    db.execute("UPDATE state SET text_cursor = ?", (end,))


def is_dirty(db: Database) -> bool:
    """Text was destroyed, and old segments of the index may still hold traces of it."""
    return bool(db.execute("SELECT text_dirty FROM state").fetchone()[0])


def tidy(db: Database) -> None:
    """A bounded piece of tidying is done; after the last one the index is no longer dirty."""
    if not db.text.tidy():
        db.execute("UPDATE state SET text_dirty = 0")
