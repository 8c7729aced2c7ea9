-- What the release gate rests on. Records are partners, clients, groups, policies: every version stays, the highest counts.
CREATE TABLE record (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (kind, id, version)
) STRICT;

-- Release classes, each in its one canonical form.
CREATE TABLE class (
    key INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    form BLOB NOT NULL
) STRICT;

ALTER TABLE state ADD COLUMN last_publication INTEGER NOT NULL DEFAULT 0;
ALTER TABLE state ADD COLUMN last_republication INTEGER NOT NULL DEFAULT 0;
ALTER TABLE state ADD COLUMN relation_cursor INTEGER NOT NULL DEFAULT 0;

-- One row a published copy, under a number that rises as copies are published and is never used again. `object` is the key
-- of the copy and follows it when that moves; `at` rises with the number. `shared` says that another publication in the
-- same collection has, or had, the same id.
CREATE TABLE publication (
    number INTEGER PRIMARY KEY,
    object INTEGER NOT NULL UNIQUE,
    class INTEGER NOT NULL,
    at INTEGER NOT NULL,
    shared INTEGER NOT NULL
) STRICT;
CREATE INDEX publication_class ON publication (class);

-- Publications that nobody is served before an instant.
CREATE TABLE hold (
    number INTEGER PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT;

-- Which publications changed or went, for processes that keep bitmaps; the oldest are dropped.
CREATE TABLE republication (
    change INTEGER PRIMARY KEY,
    number INTEGER NOT NULL
) STRICT;

-- What was opened to a recipient in a collection, and when: see comity.release.openings.
CREATE TABLE opening (
    recipient TEXT NOT NULL,
    collection INTEGER NOT NULL,
    place INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (recipient, collection, place)
) STRICT;

-- How objects refer to ids, and whose names stand in their texts: see comity.store.relations.
CREATE TABLE target (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE relation (
    object INTEGER NOT NULL,
    target INTEGER NOT NULL,
    need INTEGER NOT NULL,
    PRIMARY KEY (object, target, need)
) STRICT, WITHOUT ROWID;
CREATE INDEX relation_target ON relation (target, need);
