"""Where in the tables a text occurs: every column of text or bytes is looked at, or it stands here why not.

Texts are compared as people read them: without regard to small and capital letters, and to how characters are composed
(Unicode 15, NFC and case folding).
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import zstandard

from comity.store.database import Database

SAMPLE = 20
PLAIN, JSON, PACKED = "plain", "json", "packed"
_OBJECT = "(SELECT o.id FROM object o WHERE o.key = body.key)"


@dataclass(frozen=True, slots=True)
class Place:
    """A column that is looked at: how it is written, what names a row of it in an answer, which rows, in what words."""

    table: str
    column: str
    words: str
    label: str
    form: str = PLAIN
    where: str = ""
    key: str = "''"


@dataclass(frozen=True, slots=True)
class Found:
    """Where a text occurs: the table and column, in how many rows, what some of these are called; `keys` are all of
    them, as far as they can be erased, and `erasable` says whether they can."""

    place: str
    words: str
    count: int
    sample: tuple[str, ...]
    keys: tuple[Any, ...] = ()


LOOKED = (
    Place(
        "body", "body", "objects", _OBJECT, JSON, "key IN (SELECT key FROM object WHERE gone = 0)", "CAST(key AS text)"
    ),
    Place(
        "body",
        "body",
        "superseded and withdrawn bodies",
        _OBJECT,
        JSON,
        "key NOT IN (SELECT key FROM object WHERE gone = 0)",
        "CAST(key AS text)",
    ),
    Place("object", "id", "ids of copies", "id", key="CAST(key AS text)"),
    Place("object", "version", "versions of copies", "id"),
    Place("status", "body", "status resources", "id", PACKED, key="id"),
    Place("status", "id", "ids of status resources", "id"),
    Place("status", "token", "tokens of status resources", "id"),
    Place("entry", "record", "entries of the ledger", "CAST(key AS text)", JSON, key="CAST(key AS text)"),
    Place("former", "id", "ids that left", "id"),
    Place("former", "version", "versions that left", "id"),
    Place("target", "id", "ids that objects refer to", "id"),
    Place("type", "name", "types of objects", "name"),
    Place("record", "body", "records", "kind || ' ' || id", JSON),
    Place("record", "name", "names of records", "kind || ' ' || id"),
    Place("record", "id", "ids of records", "kind || ' ' || id"),
    Place("record", "kind", "kinds of records", "kind"),
    Place("setting", "value", "settings", "name"),
    Place("setting", "name", "names of settings", "name"),
    Place("collection", "title", "titles of collections", "id"),
    Place("collection", "alias", "aliases of collections", "id"),
    Place("collection", "description", "descriptions of collections", "id"),
    Place("collection", "id", "ids of collections", "id"),
    Place("source", "name", "sources", "name"),
    Place("source", "kind", "kinds of sources", "name"),
    Place("source", "default_marking", "markings of sources", "name"),
    Place("source", "publish", "rules of sources", "name"),
    Place("token", "name", "names of tokens", "id"),
    Place("token", "id", "ids of tokens", "id"),
    Place("token", "source", "sources of tokens", "id"),
    Place("token", "readable", "rights of tokens", "id"),
    Place("token", "writable", "rights of tokens to write", "id"),
    Place("token", "recipient", "recipients of tokens", "id"),
    Place("token", "account", "accounts of tokens", "id"),
    Place("job", "payload", "jobs", "kind || ' ' || key"),
    Place("job", "key", "keys of jobs", "kind || ' ' || key"),
    Place("job", "kind", "kinds of jobs", "kind"),
    Place("job", "last_error", "errors of jobs", "kind || ' ' || key"),
    Place("failure", "network", "networks of failed sign-ins", "network"),
    Place("class", "form", "release classes", "CAST(key AS text)"),
    Place("opening", "recipient", "recipients of what was opened", "recipient"),
    Place("opened", "recipient", "recipients that something was opened to", "recipient"),
    Place("delivery", "recipient", "recipients that are counted", "recipient"),
    Place("usage", "recipient", "recipients that were answered", "recipient"),
    Place("decided", "recipient", "recipients that were decided for", "recipient"),
    Place("release", "recipient", "recipients of releases", "CAST(entry AS text)"),
    Place("release", "form", "forms of releases", "CAST(entry AS text)"),
    Place("release_part", "rule", "rules of releases", "CAST(entry AS text)"),
    Place("epoch", "origin", "origins of the ledger", "origin"),
    Place("checkpoint", "note", "checkpoints", "CAST(size AS text)"),
    Place("ledger_key", "verifier", "keys of the ledger", "verifier"),
    Place("bar", "id", "ids that were taken back", "id"),
    Place("bar", "recall", "recalls of what was taken back", "id"),
    Place("audit", "account", "accounts in the audit log", "CAST(number AS text)"),
    Place("audit", "address", "addresses in the audit log", "CAST(number AS text)"),
    Place("audit", "act", "acts in the audit log", "CAST(number AS text)"),
    Place("audit", "what", "the audit log", "CAST(number AS text)", JSON),
    Place("audit", "purpose", "purposes in the audit log", "CAST(number AS text)"),
    Place("last_use", "account", "accounts that were used", "account"),
    Place("legal_hold", "object", "objects on legal hold", "id"),
    Place("legal_hold", "reason", "reasons of legal holds", "id"),
    Place("legal_hold", "made_by", "who put objects on hold", "id"),
    Place("legal_hold", "id", "ids of legal holds", "id"),
    Place("batch", "id", "ids of batches", "id"),
    Place("batch", "act", "acts of batches", "id"),
    Place("batch", "account", "accounts of batches", "id"),
    Place("batch", "name", "who made batches", "id"),
    Place("batch", "reason", "reasons of batches", "id"),
    Place("batch", "asked", "searches of batches", "id"),
    Place("batch_item", "batch", "batches of copies", "batch"),
    Place("batch_item", "state", "states of copies of batches", "batch"),
    Place("batch_item", "why", "reasons of copies of batches", "batch"),
    Place("session", "id", "ids of sessions", "id"),
    Place("session", "account", "accounts of sessions", "id"),
    Place("session", "address", "addresses of sessions", "id"),
    Place("session", "agent", "browsers of sessions", "id"),
    Place("sign_in_link", "account", "accounts of sign-in links", "account"),
    Place("sign_in_link", "made_by", "makers of sign-in links", "account"),
    Place("draft", "body", "drafts", "id", JSON, key="id"),
    Place("draft", "id", "ids of drafts", "id"),
    Place("draft", "account", "accounts of drafts", "id"),
    Place("draft", "object", "objects that drafts are of", "id"),
    Place("draft", "type", "types of drafts", "id"),
    Place("draft", "base", "versions that drafts are of", "id"),
    Place("answered", "account", "accounts of what was answered", "key"),
    Place("answered", "key", "keys of what was answered", "key"),
    Place("answered", "location", "addresses of what was answered", "key"),
    Place("answered", "body", "what was answered", "key", JSON),
    Place("second_factor", "account", "accounts with a second factor", "account"),
    Place("saved_search", "id", "ids of saved searches", "id"),
    Place("saved_search", "account", "accounts of saved searches", "id"),
    Place("saved_search", "name", "names of saved searches", "id"),
    Place("saved_search", "query", "saved searches", "id"),
)
"""Every column in which a person or value can stand."""
OVERLOOKED = {
    ("object", "instant"): "a time, whose text is in version",
    ("object", "digest"): "a digest",
    ("token", "digest"): "a digest of chance",
    ("token", "stamp"): "a digest",
    ("answered", "asked"): "a digest",
    ("job", "lease"): "chance",
    ("class", "digest"): "a digest",
    ("opening", "body"): "numbers and dates",
    ("opened", "version"): "a digest",
    ("word", "objects"): "numbers of copies",
    ("entry", "commitment"): "a keyed digest",
    ("entry", "nonce"): "chance",
    ("tile", "hashes"): "digests",
    ("ledger_key", "secret"): "chance",
    ("release", "digest"): "a digest",
    ("decided", "digest"): "a digest",
    ("release_part", "numbers"): "numbers of publications",
    ("former", "digest"): "a digest",
    ("erased", "hash"): "a keyed digest",
    ("bar", "instant"): "a time",
    ("audit", "hash"): "a digest",
    ("state", "audit_hash"): "a digest",
    ("batch_item", "before"): "numbers and dates",
    ("session", "digest"): "a digest of chance",
    ("session", "stamp"): "a digest",
    ("sign_in_link", "digest"): "a digest of chance",
    ("sign_in_link", "stamp"): "a digest",
}
"""Why each of the others holds nothing that is looked for."""


def folded(text: str) -> str:
    """The text as it is compared."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def find(db: Database, text: str) -> list[Found]:
    """Every place in which the text occurs, with the full text last."""
    wanted = folded(text)
    found = [each for place in LOOKED if (each := _look(db, place, wanted))]
    bodies = [int(key) for each in found if each.place == "body.body" for key in each.keys]
    known = sorted(db.text.knows(bodies))
    if known:
        rows = db.execute("SELECT id FROM object WHERE key IN ?integers ORDER BY key", (known,)).fetchall()
        sample = tuple(dict.fromkeys(id for (id,) in rows))[:SAMPLE]
        found.append(Found("text_index", "full text", len(known), sample))
    return found


def _look(db: Database, place: Place, wanted: str) -> Found | None:
    where = f" WHERE {place.where}" if place.where else ""
    labels: dict[str, None] = {}
    keys, count = [], 0
    sql = f"SELECT {place.label}, {place.key}, {place.column} FROM {place.table}{where}"  # noqa: S608 - names of our schema
    for label, key, value in db.scan(sql):
        if value is not None and says(value, place.form, wanted):
            count += 1
            if len(labels) < SAMPLE:
                labels[str(label)] = None
            if key:
                keys.append(key)
    if not count:
        return None
    return Found(f"{place.table}.{place.column}", place.words, count, tuple(labels), tuple(keys))


def says(value: str | bytes, form: str, wanted: str) -> bool:
    """Whether the value, so written, has the folded text in it; of JSON in one of its texts, names or numbers."""
    if form == PACKED and not isinstance(value, str):
        value, form = unpacked(bytes(value)), JSON
    text = value if isinstance(value, str) else bytes(value).decode("utf-8", "replace")
    if form == PLAIN:
        return wanted in folded(text)
    if "\\" not in text and wanted not in folded(text):
        return False
    try:
        return any(wanted in folded(leaf) for leaf in _leaves(orjson.loads(text)))
    except orjson.JSONDecodeError:
        return wanted in folded(text)


def unpacked(value: bytes) -> bytes:
    """What was packed with zstd; what was not is as it is."""
    try:
        return zstandard.ZstdDecompressor().decompress(value)
    except zstandard.ZstdError:
        return value


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _leaves(each)
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    elif value is not None:
        yield value if isinstance(value, str) else str(value)
