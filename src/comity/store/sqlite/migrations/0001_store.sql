-- One row; every change of the store moves one of these numbers in its own transaction. Keys are never used again.
CREATE TABLE state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    last_key INTEGER NOT NULL,
    last_change INTEGER NOT NULL,
    admin_version INTEGER NOT NULL,
    text_cursor INTEGER NOT NULL,
    text_version INTEGER NOT NULL,
    text_dirty INTEGER NOT NULL
) STRICT;
INSERT INTO state VALUES (1, 0, 0, 1, 0, 0, 0);

CREATE TABLE collection (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    alias TEXT UNIQUE,
    description TEXT NOT NULL,
    last_added INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE source (
    key INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    strict INTEGER NOT NULL,
    default_marking TEXT NOT NULL,
    publish TEXT NOT NULL,
    labels_are_markings INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE type (
    key INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- A narrow row a copy; bodies lie apart, so that scans and changes of flags never touch them. `gone` is 0 for a live copy
-- (draft, received, published) and else the key, so that one index both finds ids and keeps live copies apart. `rank` is
-- the key under which the copy, or the one it replaced, was first stored, where that is another.
CREATE TABLE object (
    key INTEGER PRIMARY KEY,
    collection INTEGER NOT NULL,
    source INTEGER NOT NULL,
    id TEXT NOT NULL,
    type INTEGER NOT NULL,
    version TEXT NOT NULL,
    instant TEXT NOT NULL,
    state INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    added INTEGER NOT NULL,
    tlp INTEGER,
    default_tlp INTEGER,
    class INTEGER,
    size INTEGER NOT NULL,
    digest BLOB NOT NULL,
    gone INTEGER NOT NULL,
    rank INTEGER,
    withdrawn_at INTEGER
) STRICT;
CREATE UNIQUE INDEX object_identity ON object (id, collection, source, instant, gone);
CREATE INDEX object_withdrawn ON object (withdrawn_at) WHERE withdrawn_at IS NOT NULL AND size > 0;

CREATE TABLE body (
    key INTEGER PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;

-- Which rows moved, lost or gained flags, for processes that keep bitmaps; the oldest are dropped.
CREATE TABLE change (
    change INTEGER PRIMARY KEY,
    key INTEGER NOT NULL
) STRICT;

CREATE TABLE token (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    digest BLOB NOT NULL,
    source TEXT NOT NULL,
    readable TEXT NOT NULL,
    writable TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

CREATE TABLE status (
    id TEXT PRIMARY KEY,
    token TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX status_created ON status (created_at);

CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

-- Full text, without a second copy of the text: parts of names are found by trigrams, words of prose by words.
CREATE VIRTUAL TABLE text_names USING fts5 (names, content = '', tokenize = 'trigram');
CREATE VIRTUAL TABLE text_words USING fts5 (words, content = '', tokenize = 'unicode61');
